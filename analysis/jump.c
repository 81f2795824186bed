#include "analysis/jump.h"

#include <math.h>
#include <stdint.h>

enum { STEPS = 200, NEWTON = 30 };
static const double J = 0.63650817819, A = 0.318899454;

kad_status kad_jump_meet(kad_scope *in, const kad_sized *y, kad_crossing *out)
{
    KAD_SCOPE(scope, in->ctx);
    const size_t B = y->curve.coefficient.n_blocks;
    /* a curve that is level */
    kad_sized level = {.size = 0.5 * y->size,
                       .curve = {.lo = y->curve.lo, .hi = y->curve.hi}};
    kad_replicas *c = &level.curve.coefficient;
    KAD_CALL(kad_replicas_take(&scope, 1, B, c));
    for (size_t b = 0; b < B; b++)
        c->replica[b] = 2 / M_PI;
    c->value[0] = 2 / M_PI;
    return kad_crossing_find(in, &level, y, out);
}

/* What vanishes at T_KT, (x - x') A - ln s x x' with x = beta Y - J of L, x' of s L; its slope. */
typedef struct pair {
    const kad_smooth *lower, *upper;
    double ln_s;
} pair;

static double misfit(const pair *p, size_t b, double t, double *slope)
{
    const double *a = kad_smooth_of(p->lower, b), *c = kad_smooth_of(p->upper, b);
    const double x = kad_smooth_value(p->lower, a, t) - J;
    const double y = kad_smooth_value(p->upper, c, t) - J;
    const double dx = kad_smooth_slope(p->lower, a, t);
    const double dy = kad_smooth_slope(p->upper, c, t);
    *slope = (dx - dy) * A - p->ln_s * (dx * y + x * dy);
    return x > 0 && y > 0 ? (x - y) * A - p->ln_s * x * y : (double)NAN;
}

static double refine(const pair *p, size_t b, double t)
{
    for (int n = 0; n < NEWTON; n++) {
        double slope;
        const double value = misfit(p, b, t, &slope), step = value / slope;
        if (!(fabs(step) > 1e-14 * fabs(t))) return isfinite(step) ? t - step : NAN;
        t -= step;
    }
    return t;
}

/* Above T_KT the misfit is positive: where it first becomes so. NaN: nowhere. */
static double search(const pair *p, double lo, double hi)
{
    double slope, before = NAN;
    for (int n = 0; n <= STEPS; n++) {
        const double t = lo + (hi - lo) * n / STEPS;
        const double now = misfit(p, SIZE_MAX, t, &slope);
        if (before <= 0 && now > 0) return refine(p, SIZE_MAX, t);
        before = now;
    }
    return NAN;
}

static void read_off(const pair *p, size_t b, double t, double *out)
{
    out[KAD_CROSSING_AT] = t;
    out[KAD_CROSSING_VALUE] = kad_smooth_value(p->upper, kad_smooth_of(p->upper, b), t);
    out[KAD_CROSSING_INV_NU] = NAN;
}

kad_status kad_jump_pair(kad_scope *in, const kad_sized *lower, const kad_sized *upper,
                         kad_crossing *out)
{
    const pair p = {&lower->curve, &upper->curve, log(upper->size / lower->size)};
    const double lo = fmax(p.lower->lo, p.upper->lo), hi = fmin(p.lower->hi, p.upper->hi);
    *out = (kad_crossing){.size = lower->size, .s = upper->size / lower->size};
    KAD_CALL(
        kad_replicas_take(in, KAD_CROSSING_N, p.lower->coefficient.n_blocks, &out->of));
    const double t = lo < hi ? search(&p, lo, hi) : (double)NAN;
    out->found = t >= lo && t <= hi;
    if (!out->found) return KAD_OK;
    read_off(&p, SIZE_MAX, t, out->of.value);
    for (size_t b = 0; b < out->of.n_blocks; b++)
        read_off(&p, b, refine(&p, b, t), out->of.replica + b * out->of.n);
    return KAD_OK;
}
