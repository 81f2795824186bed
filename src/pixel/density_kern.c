#include "pixel/density.h"

#include "base/vmath.h"

#if KAD_PREC == 64

enum { N = KAD_PIXEL_COLUMNS };

static const double width = 1 / 127.5;

KAD_VINLINE vreal at(const double *x, int i)
{
    return *(const vreal *)(x + i);
}

KAD_VINLINE void put(double *x, int i, vreal value)
{
    *(vreal *)(x + i) = value;
}

void kad_pixel_density_set(const double *rows, const double *shift, kad_pixel_density *p)
{
    for (int i = 0; i < N; i += KAD_V) {
        vreal top = at(rows, i), sum = {0};
        for (int k = 1; k < p->n; k++)
            top = kad_vmax(top, at(rows + k * N, i));
        for (int k = 0; k < p->n; k++) {
            const vreal weight = kad_vexp(at(rows + k * N, i) - top);
            put(p->weight + k * N, i, weight);
            sum += weight;
        }
        for (int k = 0; k < p->n; k++) {
            const vreal ls = kad_vmin(
                kad_vset(2), kad_vmax(kad_vset(-8), at(rows + (2 * p->n + k) * N, i)));
            put(p->weight + k * N, i, at(p->weight + k * N, i) / sum);
            put(p->mean + k * N, i, at(rows + (p->n + k) * N, i) + at(shift, i));
            put(p->inverse + k * N, i, kad_vexp(-ls));
        }
    }
}

/* P, F and 1 - F at the level's lower edge, one vector. */
KAD_VINLINE void evaluate(const kad_pixel_density *p, int i, vreal level, vreal *mass,
                          vreal *below, vreal *above)
{
    const vreal edge = level * width - (1 + width / 2), most = kad_vset(300);
    const kad_vmask low = kad_vlt(level, kad_vset(0.5)),
                    high = kad_vgt(level, kad_vset(254.5));
    vreal P = {0}, F = {0}, R = {0};
    for (int k = 0; k < p->n; k++) {
        const vreal inv = at(p->inverse + k * N, i), d = width * inv;
        const vreal z = (edge - at(p->mean + k * N, i)) * inv;
        const vreal a = kad_vmin(most, kad_vmax(-most, z));
        const vreal gap = -kad_vexpm1(-d), ea = kad_vexp(a), eb = kad_vexp(-d) / ea;
        const vreal na = 1 / (1 + ea), sb = 1 / (1 + eb),
                    weight = at(p->weight + k * N, i);
        P += weight * kad_vselect(low, sb, kad_vselect(high, na, sb * na * gap));
        F += weight * (ea * na);
        R += weight * na;
    }
    const double keep = 1 - KAD_PIXEL_EPS, each = KAD_PIXEL_EPS / KAD_PIXEL_LEVELS;
    const vreal none = {0}, one = kad_vset(1);
    const kad_vmask past = kad_vgt(level, kad_vset(255.5));
    *mass = keep * P + each;
    *below = kad_vselect(low, none, kad_vselect(past, one, keep * F + each * level));
    *above =
        kad_vselect(low, one, kad_vselect(past, none, keep * R + each * (256 - level)));
}

void kad_pixel_density_mass(const kad_pixel_density *p, const double *level, double *mass)
{
    for (int i = 0; i < N; i += KAD_V) {
        vreal P, F, R;
        evaluate(p, i, at(level, i), &P, &F, &R);
        put(mass, i, P);
    }
}

void kad_pixel_density_infer(const kad_pixel_density *p, const double *level,
                             const double *u, double *t, double *rest)
{
    for (int i = 0; i < N; i += KAD_V) {
        vreal P, F, R;
        evaluate(p, i, at(level, i), &P, &F, &R);
        put(t, i, F + at(u, i) * P);
        put(rest, i, R - at(u, i) * P);
    }
}

void kad_pixel_density_generate(const kad_pixel_density *p, const double *t,
                                const double *rest, double *level, double *u)
{
    for (int i = 0; i < N; i += KAD_V) {
        const vreal low = at(t, i), high = at(rest, i), one = kad_vset(1), none = {0};
        const kad_vmask lower = kad_vlt(low, high);
        vreal v = {0}, P, F, R;
        for (int step = 128; step > 0; step /= 2) {
            const vreal next = v + step;
            evaluate(p, i, next, &P, &F, &R);
            /* by whichever of t and 1 - t is the smaller: next is not above */
            const vreal above = kad_vselect(lower, F - low, high - R);
            v += step * kad_vselect(kad_vgt(above, none), none, one);
        }
        evaluate(p, i, v, &P, &F, &R);
        const vreal part = kad_vselect(lower, low - F, R - high) / P;
        put(level, i, v);
        put(u, i, kad_vmin(one, kad_vmax(none, part)));
    }
}

#endif
