#include "analysis/curves.h"

#include "analysis/functions.h"
#include "analysis/gamma.h"
#include "base/weights.h"

#include <math.h>
#include <string.h>

/* --- quantities ------------------------------------------------------------------------
 */

/* Means of the columns at a value of the coupling, NaN where there is none. */
typedef struct point {
    const double *mean; /* [KAD_CURVE_COLUMNS] */
    const kad_curve_theta *theta;
    kad_lattice_facts facts;
    double dimension;
    int n_statistics;
    const double *statistic; /* means of the T_a */
    const double *product;   /* of T_a T_b, a <= b, where `mixed` (below) */
    bool mixed;
} point;

static double two(const point *p, kad_curve_column a, kad_curve_column b, kad_function f)
{
    const double mean[2] = {p->mean[a], p->mean[b]};
    return f(2, mean, &p->facts);
}

/* sum_a c_a T_a */
static double sum_of_statistics(const point *p)
{
    double S = 0;
    for (int a = 0; a < p->n_statistics; a++)
        S += p->theta->c[a] * p->statistic[a];
    return S;
}

/* Of spins theirs; of fields S / N. */
static double energy(const point *p)
{
    if (isnan(p->theta->beta))
        return (sum_of_statistics(p) + p->theta->constant) / p->facts.n_sites;
    if (p->mixed) return sum_of_statistics(p) / (p->theta->beta * p->facts.n_sites);
    return p->mean[KAD_CURVE_ENERGY];
}

static double specific_heat(const point *p)
{
    const double *product = p->product, scale = p->theta->beta * p->facts.n_sites;
    double square = 0;
    if (!p->mixed)
        return two(p, KAD_CURVE_ENERGY, KAD_CURVE_ENERGY2, kad_function_specific_heat);
    for (int a = 0; a < p->n_statistics; a++)
        for (int b = a; b < p->n_statistics; b++)
            square += (a == b ? 1 : 2) * p->theta->c[a] * p->theta->c[b] * *product++;
    const double mean[2] = {energy(p), square / (scale * scale)};
    return kad_function_specific_heat(2, mean, &p->facts);
}

static double abs_m(const point *p)
{
    return p->mean[KAD_CURVE_ABS_M];
}

static double m2(const point *p)
{
    return p->mean[KAD_CURVE_M2];
}

static double m4(const point *p)
{
    return p->mean[KAD_CURVE_M4];
}

static double chi(const point *p)
{
    return kad_function_chi(1, &p->mean[KAD_CURVE_M2], &p->facts);
}

static double chi_connected(const point *p)
{
    return two(p, KAD_CURVE_M2, KAD_CURVE_ABS_M, kad_function_chi_connected);
}

static double binder(const point *p)
{
    return two(p, KAD_CURVE_M2, KAD_CURVE_M4, kad_function_binder);
}

static double xi(const point *p)
{
    return two(p, KAD_CURVE_M2, KAD_CURVE_KMIN, kad_function_xi_structure);
}

static double xi_over_extent(const point *p)
{
    return xi(p) / p->facts.extent;
}

/* Nearest neighbours: of fields as it is, of spins from E = -J d bond. */
static double bond(const point *p)
{
    const double own = p->mean[KAD_CURVE_BOND];
    if (!isnan(own) || isnan(p->theta->K)) return own;
    return -p->mean[KAD_CURVE_ENERGY] / (p->theta->J * p->dimension);
}

/* Y = J (2/n bond - K s^2) */
static double helicity(const point *p)
{
    return p->theta->J * (2.0 / p->facts.n_components * bond(p) -
                          p->theta->K * p->mean[KAD_CURVE_CURRENT]);
}

static double vortices(const point *p)
{
    return p->mean[KAD_CURVE_VORTICES];
}

static double phi2(const point *p)
{
    return p->mean[KAD_CURVE_PHI2];
}

static double phi4(const point *p)
{
    return p->mean[KAD_CURVE_PHI4];
}

static double (*const functions[KAD_CURVE_QUANTITIES])(const point *) = {
    NULL,   energy, specific_heat,  abs_m,    m2,       m4,   chi,  chi_connected,
    binder, xi,     xi_over_extent, helicity, vortices, bond, phi2, phi4};
const char *const kad_curve_names[KAD_CURVE_QUANTITIES] = {
    "log_z",    "energy",        "specific_heat", "abs_m",  "m2",        "m4",
    "chi",      "chi_connected", "binder",        "xi_2nd", "xi_over_L", "helicity",
    "vortices", "bond",          "phi2",          "phi4"};

/* --- the chains ------------------------------------------------------------------------
 */

enum { KAD_CURVE_PRODUCTS = KAD_CURVE_STATISTICS * (KAD_CURVE_STATISTICS + 1) / 2 };

typedef struct work {
    size_t K;
    const kad_curve_series *series;
    const kad_curve_theta *at;
    int n_statistics, n_columns;
    double dimension;
    int index[KAD_CURVE_COLUMNS]; /* which columns are reweighted */
    bool mixed;                   /* is_mixed */
    int n_products;               /* 0 unless mixed */
    kad_mbar_state *state;
    kad_mbar mbar;
    kad_mbar_curve curve; /* rows: ln Z, columns, statistics */
} work;

/* 2 tau_int of the reduced energy's difference between two states, along the first. */
static kad_status inefficiency(kad_ctx *ctx, const work *s, size_t k, size_t to,
                               double *g)
{
    KAD_SCOPE(scope, ctx);
    const kad_curve_series *series = &s->series[k];
    double *d;
    kad_gamma *gamma;
    KAD_CALL(kad_take(&scope, series->n, &d));
    KAD_CALL(kad_take(&scope, 1, &gamma));
    for (int a = 0; a < s->n_statistics; a++)
        for (size_t i = 0; i < series->n; i++)
            d[i] += (s->at[to].c[a] - s->at[k].c[a]) * series->statistic[a][i];
    KAD_CALL(kad_gamma_estimate(ctx, series->n_chains, series->n / series->n_chains, d,
                                gamma));
    if (isfinite(gamma->tau_int)) *g = fmax(*g, 2 * gamma->tau_int);
    return KAD_OK;
}

static kad_status make_state(kad_ctx *ctx, work *s, size_t k)
{
    const kad_curve_series *series = &s->series[k];
    kad_mbar_state *state = &s->state[k];
    *state = (kad_mbar_state){.c = s->at[k].c, .n = series->n, .g = 1};
    for (int a = 0; a < s->n_statistics; a++)
        state->statistic[a] = series->statistic[a];
    if (k > 0) KAD_CALL(inefficiency(ctx, s, k, k - 1, &state->g));
    if (k + 1 < s->K && (k == 0 || s->n_statistics > 1))
        KAD_CALL(inefficiency(ctx, s, k, k + 1, &state->g));
    state->memory = state->g;
    for (int c = 0; c < s->n_columns; c++) {
        const double tau = series->tau[s->index[c]];
        if (isfinite(tau)) state->memory = fmax(state->memory, 2 * tau);
    }
    return KAD_OK;
}

/* Along a coupling of one term of E = S/beta, a field, the energies that were recorded are
 * those of other models: E is then made of the statistics, and E^2 of their products. */
static bool is_mixed(const work *s)
{
    for (size_t k = 1; k < s->K; k++)
        for (int a = 0; a < s->n_statistics; a++) {
            const double x = s->at[k].c[a] * s->at[0].beta,
                         y = s->at[0].c[a] * s->at[k].beta;
            if (fabs(x - y) > 1e-9 * (fabs(x) + fabs(y))) return true;
        }
    return false; /* of fields: beta is NaN */
}

/* pointer [K] of T_a T_b. */
static kad_status multiply(kad_scope *in, const work *s, int a, int b,
                           const double **pointer)
{
    for (size_t k = 0; k < s->K; k++) {
        const kad_curve_series *series = &s->series[k];
        double *product;
        KAD_CALL(kad_take(in, series->n, &product));
        for (size_t i = 0; i < series->n; i++)
            product[i] = series->statistic[a][i] * series->statistic[b][i];
        pointer[k] = product;
    }
    return KAD_OK;
}

/* Columns that all series have, the statistics, and their products. */
static kad_status reweigh(kad_scope *in, work *s, size_t n, const kad_curve_theta *theta)
{
    KAD_SCOPE(scope, in->ctx);
    const size_t A = (size_t)s->n_statistics, given = (size_t)s->n_columns + A,
                 R = given + (size_t)s->n_products;
    const double **pointer, *const **column;
    double *c;
    KAD_CALL(kad_take(&scope, R * s->K, &pointer));
    KAD_CALL(kad_take(&scope, R, &column));
    KAD_CALL(kad_take(&scope, n * A, &c));
    for (size_t r = 0; r < R; r++) {
        for (size_t k = 0; r < given && k < s->K; k++)
            pointer[r * s->K + k] =
                r < (size_t)s->n_columns
                    ? s->series[k].column[s->index[r]]
                    : s->series[k].statistic[r - (size_t)s->n_columns];
        column[r] = pointer + r * s->K;
    }
    const double **product = pointer + given * s->K;
    for (int a = 0; a < s->n_statistics && s->mixed; a++)
        for (int b = a; b < s->n_statistics; b++, product += s->K)
            KAD_CALL(multiply(&scope, s, a, b, product));
    for (size_t i = 0; i < n; i++)
        memcpy(c + i * A, theta[i].c, A * sizeof *c);
    return kad_mbar_at(in, &s->mbar, n, c, R, column, &s->curve);
}

/* --- functions of the means ------------------------------------------------------------
 */

/* At value i, without block b (n_blocks: of all draws). */
static double evaluate(const work *s, const kad_curve_theta *theta, size_t i, size_t b,
                       int q)
{
    const kad_mbar_curve *curve = &s->curve;
    const size_t R = curve->n_rows, B = curve->n_blocks;
    double mean[KAD_CURVE_COLUMNS], statistic[KAD_CURVE_STATISTICS + KAD_CURVE_PRODUCTS];
    point p = {.mean = mean,
               .theta = &theta[i],
               .facts = {.n_sites = s->series[0].n_sites,
                         .extent = s->series[0].extent,
                         .n_components = s->series[0].n_components,
                         .beta = theta[i].beta},
               .dimension = s->dimension,
               .n_statistics = s->n_statistics,
               .statistic = statistic,
               .product = statistic + s->n_statistics,
               .mixed = s->mixed};
    for (int c = 0; c < KAD_CURVE_COLUMNS; c++)
        mean[c] = NAN;
    for (int r = 0; r < s->n_columns + s->n_statistics + s->n_products; r++) {
        const size_t at = i * R + 1 + (size_t)r;
        const double x = b < B ? curve->without[at * B + b] : curve->value[at];
        if (r < s->n_columns)
            mean[s->index[r]] = x;
        else
            statistic[r - s->n_columns] = x;
    }
    return functions[q](&p);
}

static kad_status take_quantity(kad_scope *in, kad_curves *out, int q)
{
    KAD_CALL(kad_take(in, out->n, &out->mean[q]));
    KAD_CALL(kad_take(in, out->n, &out->err[q]));
    KAD_CALL(kad_take(in, out->n * out->n_blocks, &out->without[q]));
    for (size_t i = 0; i < out->n; i++)
        out->mean[q][i] = out->err[q][i] = NAN;
    for (size_t i = 0; i < out->n * out->n_blocks; i++)
        out->without[q][i] = NAN;
    return KAD_OK;
}

static kad_status make_quantity(kad_scope *in, const work *s,
                                const kad_curve_theta *theta, int q, kad_curves *out)
{
    const size_t B = out->n_blocks;
    if (isnan(evaluate(s, theta, 0, B, q)) && isnan(evaluate(s, theta, out->n - 1, B, q)))
        return KAD_OK;
    KAD_CALL(take_quantity(in, out, q));
    for (size_t i = 0; i < out->n; i++) {
        if (out->n_eff[i] < KAD_CURVE_TOO_FEW) continue;
        out->mean[q][i] = evaluate(s, theta, i, B, q);
        kad_jackknife j = kad_jackknife_start(out->mean[q][i]);
        for (size_t b = 0; b < B; b++) {
            out->without[q][i * B + b] = evaluate(s, theta, i, b, q);
            kad_jackknife_add(&j, out->without[q][i * B + b]);
        }
        out->err[q][i] = kad_jackknife_error(&j);
    }
    return KAD_OK;
}

/* --- ln Z ------------------------------------------------------------------------------
 */

/* ln of the mean weight, and what each block adds to it. */
static void weigh(const kad_curve_series *series, size_t n_blocks, double *log_z,
                  double *part)
{
    const size_t n = series->n_weights;
    double total = 0;
    *log_z = kad_log_mean(n, series->log_weight);
    for (size_t i = 0; i < n; i++) {
        const double w = exp(series->log_weight[i] - *log_z);
        if (!isfinite(w)) continue;
        part[i * n_blocks / n] += w;
        total += w;
    }
    for (size_t b = 0; b < n_blocks; b++)
        part[b] = part[b] / total - 1 / (double)n_blocks;
}

static kad_status find_values(kad_scope *in, const work *s, kad_anchor_value *value,
                              size_t *n, size_t *n_blocks, bool *same, kad_curves *out)
{
    *n = 0;
    *same = true;
    for (size_t k = 0; k < s->K; k++)
        if (s->series[k].n_weights > 0) *same = *same && s->series[k].own;
    *n_blocks = *same ? s->mbar.n_blocks : KAD_MBAR_BLOCKS;
    for (size_t k = 0; k < s->K; k++) {
        double *part, square = 0;
        if (s->series[k].n_weights < 2 * *n_blocks) continue;
        KAD_CALL(kad_take(in, *n_blocks, &part));
        weigh(&s->series[k], *n_blocks, &value[*n].log_z, part);
        for (size_t b = 0; b < *n_blocks; b++)
            square += part[b] * part[b];
        out->map_log_z[k] = value[*n].log_z;
        out->map_log_z_err[k] =
            sqrt(square * (double)*n_blocks / (double)(*n_blocks - 1));
        value[*n].state = k;
        value[*n].part = part;
        ++*n;
    }
    return KAD_OK;
}

/* Without values ln Z is relative to that of the first state. */
static kad_status set_log_z(kad_ctx *ctx, const kad_anchor *a, double g, double err,
                            const double *part, double *mean, double *error)
{
    kad_estimate ln_z = {g, err};
    if (a != NULL) KAD_CALL(kad_anchor_at(ctx, a, g, part, &ln_z));
    *mean = ln_z.value;
    *error = ln_z.err;
    return KAD_OK;
}

static kad_status make_log_z(kad_scope *in, const work *s, kad_curves *out)
{
    KAD_SCOPE(scope, in->ctx);
    const size_t K = s->K, B = s->mbar.n_blocks;
    kad_anchor_value *value;
    kad_anchor anchor, *a = NULL;
    size_t n, n_blocks;
    bool same;
    double *part;
    KAD_CALL(kad_take(&scope, K, &value));
    KAD_CALL(kad_take(&scope, K * B, &part));
    KAD_CALL(find_values(&scope, s, value, &n, &n_blocks, &same, out));
    if (n > 0) {
        KAD_CALL(kad_anchor_make(&scope, &s->mbar, n, value, n_blocks, same, &anchor));
        a = &anchor;
        out->n_anchors = n;
        out->chi2 = n > 1 ? anchor.chi2 : NAN;
        out->p = anchor.p;
    }
    for (size_t k = 0; k < K; k++) {
        out->difference[k] = -s->mbar.f[k];
        out->difference_err[k] = s->mbar.f_err[k];
        for (size_t jb = 0; jb < K * B; jb++)
            part[jb] = -s->mbar.part[jb * K + k];
        KAD_CALL(set_log_z(in->ctx, a, -s->mbar.f[k], s->mbar.f_err[k], part,
                           &out->log_z[k], &out->log_z_err[k]));
    }
    KAD_CALL(take_quantity(in, out, 0));
    for (size_t i = 0; i < out->n; i++) {
        const kad_estimate g = kad_mbar_estimate(&s->curve, i, 0);
        if (out->n_eff[i] < KAD_CURVE_TOO_FEW) continue;
        memcpy(out->without[0] + i * B, s->curve.without + i * s->curve.n_rows * B,
               B * sizeof(double));
        KAD_CALL(set_log_z(in->ctx, a, g.value, g.err, s->curve.part + i * K * B,
                           &out->mean[0][i], &out->err[0][i]));
    }
    return KAD_OK;
}

/* --- all of it -------------------------------------------------------------------------
 */

static kad_status take_curves(kad_scope *in, const work *s, size_t n, kad_curves *out)
{
    const size_t K = s->K;
    *out = (kad_curves){.n = n,
                        .n_states = K,
                        .n_blocks = s->mbar.n_blocks,
                        .n_draws = s->mbar.n_draws,
                        .n_eff = s->curve.n_eff,
                        .overlap = s->mbar.overlap,
                        .chi2 = NAN,
                        .p = NAN};
    double **const of_states[] = {
        &out->tau,        &out->map_log_z,      &out->map_log_z_err,
        &out->difference, &out->difference_err, &out->log_z,
        &out->log_z_err};
    KAD_CALL(kad_take(in, n, &out->value));
    for (size_t i = 0; i < sizeof of_states / sizeof *of_states; i++)
        KAD_CALL(kad_take(in, K, of_states[i]));
    for (size_t k = 0; k < K; k++) {
        out->tau[k] = s->state[k].g / 2;
        out->map_log_z[k] = out->map_log_z_err[k] = NAN;
    }
    return KAD_OK;
}

static bool all_have(const work *s, int column)
{
    for (size_t k = 0; k < s->K; k++)
        if (s->series[k].column[column] == NULL) return false;
    return true;
}

kad_status kad_curves_make(kad_scope *in, size_t K, const kad_curve_series *series,
                           const kad_curve_theta *at, int n_statistics, int dimension,
                           size_t n, const kad_curve_theta *theta, kad_curves *out)
{
    work s = {.K = K,
              .series = series,
              .at = at,
              .n_statistics = n_statistics,
              .dimension = dimension};
    for (int c = 0; c < KAD_CURVE_COLUMNS; c++)
        if (all_have(&s, c)) s.index[s.n_columns++] = c;
    s.mixed = is_mixed(&s);
    s.n_products = s.mixed ? n_statistics * (n_statistics + 1) / 2 : 0;
    KAD_CALL(kad_take(in, K, &s.state));
    for (size_t k = 0; k < K; k++)
        KAD_CALL(make_state(in->ctx, &s, k));
    KAD_CALL(kad_mbar_solve(in, K, (size_t)n_statistics, s.state, &s.mbar));
    KAD_CALL(reweigh(in, &s, n, theta));
    KAD_CALL(take_curves(in, &s, n, out));
    for (size_t i = 0; i < n; i++)
        out->value[i] = theta[i].value;
    KAD_CALL(make_log_z(in, &s, out));
    for (int q = 1; q < KAD_CURVE_QUANTITIES; q++)
        KAD_CALL(make_quantity(in, &s, theta, q, out));
    return KAD_OK;
}
