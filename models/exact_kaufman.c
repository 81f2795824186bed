/* Kaufman's solution of the Ising model on a torus of n x m sites,
 *   Z = (1/2) (2 sinh 2K)^{nm/2} (Y_1 + Y_2 + Y_3 + Y_4),
 *   Y_1 = prod 2 cosh(m g_{2r+1}/2),  Y_2 = prod 2 sinh(m g_{2r+1}/2),
 *   Y_3 = prod 2 cosh(m g_{2r}/2),    Y_4 = prod 2 sinh(m g_{2r}/2),   r = 0 .. n-1,
 * g_0 = 2K + ln tanh K (signed: negative above T_c), cosh g_l = cosh g_0 + b_l,
 * b_l = 1 - cos(pi l/n); in a form that neither overflows nor cancels at any K.
 *
 * With x = exp(-|g_0|) <= 1, g_l = |g_0| + H_l(x), H_l = 2 ln((sqrt p + sqrt q)/2),
 * p = (1 - x)^2 + 2 b x, q = (1 + x)^2 + 2 b x:
 *   ln Z = n m A + (m/2) sum_{odd l} H_l + ln B,
 *   A = ln 2 cosh K - K above T_c, 2K + ln(1 - e^{-2K}) below,
 *   B = (1/2) [P_1 + P_2 + e^D (P_3 +- P_4)], D = (m/2) (sum_{even} - sum_{odd}) H_l,
 * P_i the products of 1 +- exp(-m g_l). H_l = 2 b_l x + R_l, and the sum of b_l is n for
 * odd and for even l: the derivatives of A + x, which are of second order where x is
 * small, are written out, and those of R_l come without cancellation (a = 1 - x^2, w =
 * sqrt(p q), d = w - a = 4 b x (1 + x^2 + b x)/(w + a)):
 *   R' = 2 b (2 x^2 (3 - x^2) + 2 b x - 3 a d - d^2) / (w (w + a)),
 *   R'' = 4 b d/dx [(1 + x^2 + b x) / (w (w + a))].
 * The torus is read along both axes: the difference of the two, and the rounding of the
 * sums, is the error stated. */
#include "base/sum.h"
#include "models/exact.h"

#include <float.h>
#include <math.h>

/* A value and its derivatives in K. */
typedef struct jet {
    double v, d1, d2;
} jet;

/* What all modes share; x1, x2: derivatives of x in K. d1 and d2 of `site` are those of
 * A + x, v is that of A. */
typedef struct point {
    int sign; /* of g_0 */
    double u, x, x1, x2;
    jet site;
} point;

static point above_critical(double K)
{
    const double t = tanh(K), s = (1 - t) * (1 + t), e = exp(2 * K);
    const double h = 2 * sinh(0.5 * K) * sinh(0.5 * K); /* cosh K - 1 */
    point at = {.sign = -1, .u = -2 * K - log(t), .x = e * t};
    at.x1 = 2 * at.x + e * s;
    at.x2 = 2 * at.x1 + 2 * e * s * (1 - t);
    at.site =
        (jet){M_LN2 + log1p(h) - K, t + (2 * at.x + expm1(2 * K) - e * t * t), s + at.x2};
    return at;
}

static point below_critical(double K)
{
    const double y = exp(-2 * K), z = -expm1(-2 * K), z2 = z * z, z3 = z2 * z;
    point at = {.sign = 1, .u = 2 * K + log1p(-y) - log1p(y), .x = y * (1 + y) / z};
    at.x1 = -2 * y * (1 + 2 * y - y * y) / z2;
    at.x2 = 4 * y * (1 + 5 * y - 3 * y * y + y * y * y) / z3;
    at.site = (jet){2 * K + log1p(-y), 2 - 2 * y * y * (3 - y) / z2,
                    4 * y * y * (6 - 3 * y + y * y) / z3};
    return at;
}

/* One mode: H, g and the derivatives in x of R = H - 2 b x and of g. */
typedef struct mode {
    double H, R1, R2, g, g1, g2;
} mode;

static mode mode_at(const point *at, double angle)
{
    const double x = at->x, xx = x * x, sine = sin(0.5 * angle), b = 2 * sine * sine;
    const double near = -expm1(-at->u), a = near * (1 + x); /* 1 - x, 1 - x^2 */
    const double p = near * near + 2 * b * x, q = (1 + x) * (1 + x) + 2 * b * x;
    const double w = sqrt(p * q), V = 1 + xx + b * x, W = w * (w + a);
    const double d = 4 * b * x * V / (w + a);
    const double ww1 = -2 * x * a + 2 * b * (1 + 3 * xx) + 4 * b * b * x; /* w w' */
    const double W1 = 2 * ww1 - 2 * x * w + a * ww1 / w;
    mode m;
    m.H = 2 * log1p(0.5 * ((2 * (b - 1) * x + xx) / (1 + sqrt(p)) +
                           (2 * (b + 1) * x + xx) / (1 + sqrt(q))));
    m.R1 = 2 * b * (2 * xx * (3 - xx) + 2 * b * x - 3 * a * d - d * d) / W;
    m.R2 = 4 * b * (2 * x + b - V * W1 / W) / W;
    m.g = at->u + m.H;
    m.g1 = -a / (x * w);
    m.g2 = (1 + xx + a * x * ww1 / (w * w)) / (xx * w);
    return m;
}

/* Exponentials below this change nothing, and derivatives of their exponents overflow. */
static const double NOTHING = 1e-280;

/* p += ln(1 + sign exp(-m g)), g > 0 where sign = -1; g1, g2: derivatives in K. */
static void multiply(jet *p, double m, double g, double g1, double g2, int sign)
{
    const double e = exp(-m * g);
    if (e < NOTHING) return;
    const double rest = sign > 0 ? 1 + e : -expm1(-m * g);
    const double f = sign * e / rest; /* d ln(1 + sign e) / d(-m g) */
    p->v += sign > 0 ? log1p(e) : log(rest);
    p->d1 -= m * g1 * f;
    p->d2 += -m * g2 * f + m * m * g1 * g1 * f * (1 - f);
}

/* ln B and its derivatives. ln[i]: of P_i, i = 2, 3 with e^D; P_4 without its factor 1 -
 * exp(-m |g_0|), which vanishes at T_c. */
static jet sum_of_products(const point *at, double m, jet ln[4])
{
    const double u1 = -at->x1 / at->x, u2 = -at->x2 / at->x + u1 * u1;
    const double e = exp(-m * at->u), s = at->sign;
    const double f[3] = {-s * expm1(-m * at->u), e > NOTHING ? s * m * u1 * e : 0,
                         e > NOTHING ? s * (m * u2 - m * m * u1 * u1) * e : 0};
    double top = ln[0].v, sum[3] = {0};
    multiply(&ln[2], m, at->u, u1, u2, 1);
    for (int i = 1; i < 4; i++)
        top = fmax(top, ln[i].v);
    for (int i = 0; i < 4; i++) {
        const double W = exp(ln[i].v - top), a = ln[i].d1, b = a * a + ln[i].d2;
        const double f0 = i < 3 ? 1 : f[0], f1 = i < 3 ? 0 : f[1], f2 = i < 3 ? 0 : f[2];
        sum[0] += W * f0;
        sum[1] += W * (f0 * a + f1);
        sum[2] += W * (f0 * b + 2 * f1 * a + f2);
    }
    const double d1 = sum[1] / sum[0];
    return (jet){top + log(0.5 * sum[0]), d1, sum[2] / sum[0] - d1 * d1};
}

/* Per site: ln Z, -d/dK and K^2 d^2/dK^2 of it, with the rounding of each. */
typedef struct reading {
    double value[3], rounding[3];
} reading;

static reading read_along(const point *at, int n, double m, double K)
{
    kad_sum sums[2][3] = {0}; /* H, R', R'' of odd and even modes */
    jet ln[4] = {0};
    for (int l = 1; l < 2 * n; l++) {
        const mode mo = mode_at(at, M_PI * l / n);
        const double g1 = mo.g1 * at->x1, g2 = mo.g1 * at->x2 + mo.g2 * at->x1 * at->x1;
        const int even = l % 2 == 0;
        kad_sum_add(&sums[even][0], mo.H);
        kad_sum_add(&sums[even][1], mo.R1);
        kad_sum_add(&sums[even][2], mo.R2);
        multiply(&ln[2 * even], m, mo.g, g1, g2, 1);
        multiply(&ln[2 * even + 1], m, mo.g, g1, g2, -1);
    }
    jet S[2]; /* sum over a sector's modes, times m/2 */
    for (int i = 0; i < 2; i++) {
        const double H = kad_sum_get(&sums[i][0]), R1 = kad_sum_get(&sums[i][1]),
                     R2 = kad_sum_get(&sums[i][2]);
        S[i] = (jet){0.5 * m * H, 0.5 * m * at->x1 * R1,
                     0.5 * m * (at->x2 * R1 + at->x1 * at->x1 * R2)};
    }
    for (int i = 2; i < 4; i++) {
        ln[i].v += S[1].v - S[0].v;
        ln[i].d1 += S[1].d1 - S[0].d1;
        ln[i].d2 += S[1].d2 - S[0].d2;
    }
    const jet B = sum_of_products(at, m, ln), *A = &at->site;
    const double N = n * m, unit = 16 * DBL_EPSILON;
    return (reading){{A->v + (S[0].v + B.v) / N, -(A->d1 + (S[0].d1 + B.d1) / N),
                      K * K * (A->d2 + (S[0].d2 + B.d2) / N)},
                     {unit * (fabs(A->v) + (fabs(S[0].v) + fabs(B.v)) / N),
                      unit * (fabs(A->d1) + (fabs(S[0].d1) + fabs(B.d1)) / N),
                      unit * K * K * (fabs(A->d2) + (fabs(S[0].d2) + fabs(B.d2)) / N)}};
}

/* Specific heat far below T_c, y = e^{-2K} < 1e-3: ln Z = N (2K + y^4 + 2 y^6 + (9/2) y^8
 * + 12 y^10 + (112/3) y^12 ...) + ln 2 as long as no pair of walls around the torus, y^{2
 * min(n, m)}, comes as early. Source: Domb, Adv. Phys. 9 (1960) 149. */
static double cold_specific_heat(double K)
{
    const double y2 = exp(-4 * K);
    return K * K * y2 * y2 * (64 + y2 * (288 + y2 * (1152 + y2 * (4800 + y2 * 21504))));
}

/* To first order in K: sum over pairs of neighbours of their coupling squared. */
static void hot(int lx, int ly, double K, kad_exact_thermo *out)
{
    const double N = (double)lx * ly, unit = 4 * DBL_EPSILON;
    const double c = (lx == 2 ? 2 : 1) + (ly == 2 ? 2 : 1);
    out->ln_z = (kad_exact_value){N * M_LN2, unit * N};
    out->energy = (kad_exact_value){-c * K, unit * c * K};
    out->specific_heat = (kad_exact_value){c * K * K, unit * c * K * K};
}

void kad_exact_kaufman(int lx, int ly, double K, kad_exact_thermo *out)
{
    static const double CRITICAL = 0.44068679350977151262, COLD = 3.46, HOT = 1e-17;
    const double N = (double)lx * ly;
    if (K < HOT) {
        hot(lx, ly, K, out);
        return;
    }
    const point at = K < CRITICAL ? above_critical(K) : below_critical(K);
    const int shorter = lx < ly ? lx : ly, longer = lx < ly ? ly : lx;
    const reading r = read_along(&at, shorter, longer, K),
                  other = read_along(&at, longer, shorter, K);
    kad_exact_value *value[3] = {&out->ln_z, &out->energy, &out->specific_heat};
    for (int i = 0; i < 3; i++)
        *value[i] = (kad_exact_value){r.value[i],
                                      r.rounding[i] + fabs(r.value[i] - other.value[i])};
    out->ln_z.value *= N;
    out->ln_z.error *= N;
    if (K > COLD && shorter >= 6) {
        const double c = cold_specific_heat(K);
        out->specific_heat = (kad_exact_value){c, 1e-13 * c};
    }
}
