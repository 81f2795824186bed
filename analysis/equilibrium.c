#include "analysis/equilibrium.h"

#include "base/memory.h"
#include "base/sort.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Standard deviations a start is off, and the bias left in units of the error. */
static const double START_OFF = 5.0, BIAS_LEFT = 0.2;
/* A tau_exp is known to some ten per cent: the burn-in that is named has room for it. */
static const double ADVICE_ROOM = 1.5, BURN_IN_MOST = 1e9;
/* Observables of at least so much of the longest tau_int show the slowest mode. */
static const double AS_SLOW = 0.5;
/* Of C that a chain's own mean may take away. */
static const double MISSING_MOST = 0.5;
/* From so many chains on their own scatter is the error. */
enum { CHAINS_ENOUGH = 8, FIRST_PART = 10, BISECTIONS = 60 };

double kad_burn_in_needed(double tau, size_t n_chains, size_t n_draws)
{
    const double errors = sqrt((double)n_chains * tau / (2.0 * (double)n_draws));
    return tau > 0.0 ? fmax(0.0, tau * log(START_OFF / BIAS_LEFT * errors)) : 0.0;
}

/* --- tests of one observable -------------------------------------------------------- */

/* A mean with its squared error, known from so many values. */
typedef struct part {
    double mean, var, dof;
} part;

static double mean_of(size_t n, const double *a)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += (a[i] - a[0]) / (double)n;
    return a[0] + sum;
}

/* Of one number a chain. */
static part scatter(size_t n, const double *x)
{
    part p = {mean_of(n, x), 0.0, (double)n - 1.0};
    for (size_t i = 0; i < n; i++)
        p.var += (x[i] - p.mean) * (x[i] - p.mean) / (p.dof * (double)n);
    return p;
}

static double dof_of(size_t n_all, kad_correlation known)
{
    return fmax(1.0, (double)n_all / (2.0 * (double)known.window + 1.0));
}

/* Two-sided, Student's t. */
static double p_of(double difference, double var, double dof)
{
    if (!(var > 0.0) || !(dof >= 1.0)) return NAN;
    return kad_pull_p(difference / sqrt(var), dof);
}

double kad_drift_p(size_t n_chains, size_t n, const double *a, kad_correlation known)
{
    const size_t n_first = n / FIRST_PART, n_last = n / 2;
    double origin = 0.0, sum = 0.0, square = 0.0;
    if (n_first < 1) return NAN;
    for (size_t c = 0; c < n_chains; c++) {
        const double *own = a + c * n;
        const double d = mean_of(n_first, own) - mean_of(n_last, own + n - n_last);
        if (c == 0) origin = d;
        sum += d - origin;
        square += (d - origin) * (d - origin);
    }
    const double R = (double)n_chains, mean = origin + sum / R;
    if (n_chains >= CHAINS_ENOUGH)
        return p_of(mean, (square - sum * sum / R) / (R * (R - 1.0)), R - 1.0);
    return p_of(mean, known.C / R * (1.0 / (double)n_first + 1.0 / (double)n_last),
                dof_of(n_chains * n, known));
}

double kad_rhat_limit(size_t n_chains, size_t n, kad_correlation known, size_t n_tests)
{
    const double h = (double)(n / 2), tau = known.tau_int;
    const double parts = 2.0 * (double)n_chains, dof = dof_of(n_chains * n, known);
    if (n < 4 || !(tau > 0.0) || n_tests == 0) return NAN;
    const double v = 2.0 * tau / h * (1.0 + tau / h * expm1(-h / tau));
    const double p = KAD_FALSE_ALARMS / (double)n_tests;
    double low = 1.0, high = 2.0;
    while (high < 1e9 && gsl_cdf_fdist_Q(high, parts - 1.0, dof) > p)
        high *= 2.0;
    for (int i = 0; i < BISECTIONS; i++) {
        const double q = 0.5 * (low + high);
        *(gsl_cdf_fdist_Q(q, parts - 1.0, dof) > p ? &low : &high) = q;
    }
    return sqrt(1.0 - 1.0 / h + high * v / (1.0 - v));
}

/* --- a sampler ---------------------------------------------------------------------- */

static kad_correlation correlation_of(const kad_recorded *recorded, const kad_row *row)
{
    const double n_all = (double)(recorded->n_chains * recorded->n_draws);
    return (kad_correlation){row->tau_int, n_all * row->err * row->err, row->window};
}

/* The series of a row that is an observable of its own; NULL: it is none. */
static const kad_observed *scalar_of(const kad_recorded *recorded, const kad_row *row)
{
    const kad_observed *observed = kad_recorded_find(recorded, row->name);
    return observed == NULL || observed->is_row ? NULL : observed;
}

kad_status kad_within_chains(kad_ctx *ctx, size_t n_chains, size_t n, const double *a,
                             double *work, kad_correlation *known)
{
    kad_gamma gamma = {0};
    for (size_t c = 0; c < n_chains; c++) {
        const double mean = mean_of(n, a + c * n);
        for (size_t i = 0; i < n; i++)
            work[c * n + i] = a[c * n + i] - mean;
    }
    KAD_CALL(kad_gamma_analyse(ctx, n_chains, n, work, 1.5, &gamma));
    const double missing = (2.0 * (double)gamma.window + 1.0) / (double)n;
    *known = (kad_correlation){.tau_int = NAN, .C = NAN, .window = gamma.window};
    if (missing < MISSING_MOST && gamma.flag != KAD_GAMMA_CONSTANT)
        known->tau_int = gamma.tau_int / (1.0 - missing);
    return KAD_OK;
}

kad_status kad_rhat_limits(kad_ctx *ctx, const kad_recorded *recorded,
                           kad_estimates *estimates)
{
    KAD_SCOPE(scope, ctx);
    double *work;
    size_t n_tests = 0;
    KAD_CALL(kad_take(&scope, recorded->n_chains * recorded->n_draws, &work));
    for (size_t i = 0; i < estimates->n; i++)
        n_tests += scalar_of(recorded, &estimates->row[i]) != NULL;
    for (size_t i = 0; i < estimates->n; i++) {
        kad_row *row = &estimates->row[i];
        const kad_observed *observed = scalar_of(recorded, row);
        kad_correlation known;
        if (observed == NULL || !isfinite(row->rhat)) continue;
        KAD_CALL(kad_within_chains(ctx, recorded->n_chains, recorded->n_draws,
                                   observed->state.data, work, &known));
        row->rhat_limit =
            kad_rhat_limit(recorded->n_chains, recorded->n_draws, known, n_tests);
    }
    return KAD_OK;
}

/* A number a person would type: two digits, rounded up. */
static double rounded_up(double x)
{
    const double unit = pow(10.0, fmax(0.0, floor(log10(fmax(x, 1.0))) - 1.0));
    return fmin(BURN_IN_MOST, unit * ceil(x / unit));
}

typedef struct check {
    const kad_recorded *recorded, *other; /* other: from the other start; NULL: none */
    const kad_estimates *estimates;
    bool odd;       /* m alone, or all but m */
    size_t n_tests; /* observables */
} check;

/* The series of a row that belongs to this check. */
static const kad_observed *series_of(const check *c, const kad_row *row)
{
    const bool odd = c->recorded->symmetric && strcmp(row->name, "m") == 0;
    return odd != c->odd ? NULL : scalar_of(c->recorded, row);
}

/* The slowest mode: the longest tau_int, or the decay time of rho of the observables that
 * are about as slow, if longer. A single decay time may be far off: their median. */
static double slowest_mode(const check *c, const char **name)
{
    double decay[KAD_ESTIMATES_MAX], tau = 0.0;
    size_t n = 0;
    *name = "";
    for (size_t i = 0; i < c->estimates->n; i++) {
        const kad_row *row = &c->estimates->row[i];
        if (series_of(c, row) == NULL || !(row->tau_int > tau)) continue;
        tau = row->tau_int;
        *name = row->name;
    }
    for (size_t i = 0; i < c->estimates->n; i++) {
        const kad_row *row = &c->estimates->row[i];
        if (series_of(c, row) != NULL && row->tau_int >= AS_SLOW * tau)
            decay[n++] = row->tail.tau_exp;
    }
    if (n == 0) return 0.0;
    kad_sort(n, decay);
    return fmax(tau, 0.5 * (decay[(n - 1) / 2] + decay[n / 2]));
}

/* The burn-in against the slowest mode. */
static void check_length(const check *c, kad_thermal *out)
{
    const kad_recorded *s = c->recorded;
    const char *name;
    out->tau = slowest_mode(c, &name);
    snprintf(out->observable, sizeof out->observable, "%s", name);
    const double needed = kad_burn_in_needed(out->tau, s->n_chains, s->n_draws);
    out->burn_in = rounded_up(ADVICE_ROOM * needed);
    if (s->burn_in >= 0 && (double)s->burn_in < needed) out->reason = KAD_THERMAL_SHORT;
}

/* A probability too small for chance is the reason, the smallest first. */
static void weigh(const check *c, kad_thermal_reason reason, const kad_row *row, double p,
                  kad_thermal *out)
{
    if (!(p < KAD_FALSE_ALARMS / (double)c->n_tests)) return;
    if (out->reason == reason && !(p < out->p)) return;
    out->reason = reason;
    out->p = p;
    snprintf(out->observable, sizeof out->observable, "%s", row->name);
}

/* The whole chains' mean, from their scatter or from the row. */
static part mean_part(const kad_recorded *s, const kad_observed *observed,
                      kad_correlation known, double *work)
{
    const size_t n_all = s->n_chains * s->n_draws;
    for (size_t c = 0; c < s->n_chains; c++)
        work[c] = mean_of(s->n_draws, observed->state.data + c * s->n_draws);
    if (s->n_chains >= CHAINS_ENOUGH) return scatter(s->n_chains, work);
    return (part){mean_of(s->n_chains, work), known.C / (double)n_all,
                  dof_of(n_all, known)};
}

/* Welch's t of one observable's means from two starts. */
static kad_status compare_starts(kad_ctx *ctx, const check *c, const kad_row *row,
                                 const kad_observed *mine, double *p)
{
    KAD_SCOPE(scope, ctx);
    const kad_observed *theirs = kad_recorded_find(c->other, row->name);
    const size_t n_all = c->other->n_chains * c->other->n_draws;
    double *work;
    kad_gamma gamma = {0};
    *p = NAN;
    if (theirs == NULL || theirs->width != mine->width) return KAD_OK;
    KAD_CALL(kad_take(&scope, c->recorded->n_chains + c->other->n_chains, &work));
    KAD_CALL(kad_gamma_analyse(ctx, c->other->n_chains, c->other->n_draws,
                               theirs->state.data, 1.5, &gamma));
    const part a = mean_part(c->recorded, mine, correlation_of(c->recorded, row), work);
    const part b =
        mean_part(c->other, theirs,
                  (kad_correlation){gamma.tau_int, (double)n_all * gamma.err * gamma.err,
                                    gamma.window},
                  work + c->recorded->n_chains);
    const double var = a.var + b.var;
    *p = p_of(a.mean - b.mean, var,
              var * var / (a.var * a.var / a.dof + b.var * b.var / b.dof));
    return KAD_OK;
}

static kad_status run_check(kad_ctx *ctx, check *c, kad_thermal *out)
{
    const kad_recorded *s = c->recorded;
    *out = (kad_thermal){.reason = KAD_THERMAL_FINE};
    c->n_tests = 0;
    for (size_t i = 0; i < c->estimates->n; i++)
        c->n_tests += series_of(c, &c->estimates->row[i]) != NULL;
    check_length(c, out);
    for (size_t i = 0; i < c->estimates->n; i++) {
        const kad_row *row = &c->estimates->row[i];
        const kad_observed *observed = series_of(c, row);
        double p;
        if (observed == NULL) continue;
        weigh(c, KAD_THERMAL_DRIFT, row,
              kad_drift_p(s->n_chains, s->n_draws, observed->state.data,
                          correlation_of(s, row)),
              out);
        if (c->other == NULL) continue;
        KAD_CALL(compare_starts(ctx, c, row, observed, &p));
        if (out->reason != KAD_THERMAL_DRIFT) weigh(c, KAD_THERMAL_STARTS, row, p, out);
    }
    if (out->reason == KAD_THERMAL_STARTS)
        snprintf(out->other, sizeof out->other, "%s", c->other->name);
    if (out->reason >= KAD_THERMAL_DRIFT) /* what was recorded is burn-in, too */
        out->burn_in = fmax(out->burn_in, rounded_up((double)(s->n_draws) +
                                                     fmax(0.0, (double)s->burn_in)));
    return KAD_OK;
}

/* The group of the same sampler from the other of a cold and a hot start; empty: none. */
static kad_status find_other(kad_ctx *ctx, kad_h5 *file, const kad_recorded *recorded,
                             char *out, size_t size)
{
    KAD_SCOPE(scope, ctx);
    char **names = NULL;
    size_t n = 0;
    out[0] = '\0';
    const char *wanted = strcmp(recorded->start, "cold") == 0  ? "hot"
                         : strcmp(recorded->start, "hot") == 0 ? "cold"
                                                               : NULL;
    if (wanted == NULL) return KAD_OK;
    KAD_CALL(kad_h5_list(&scope, file, "/samplers", &n, &names));
    for (size_t i = 0; i < n && out[0] == '\0'; i++) {
        char group[128];
        snprintf(group, sizeof group, "/samplers/%s", names[i]);
        const char *start = kad_attr_string(&scope, file, group, "start");
        const char *kind = kad_attr_string(&scope, file, group, "sampler");
        if (start != NULL && kind != NULL && strcmp(start, wanted) == 0 &&
            strcmp(kind, recorded->sampler) == 0)
            snprintf(out, size, "%s", names[i]);
    }
    return KAD_OK;
}

kad_status kad_thermal_check(kad_ctx *ctx, kad_h5 *file, const kad_recorded *recorded,
                             const kad_estimates *estimates, kad_thermal *even,
                             kad_thermal *odd)
{
    KAD_SCOPE(scope, ctx);
    kad_recorded *other;
    char name[KAD_RECORDED_NAME];
    check c = {.recorded = recorded, .estimates = estimates};
    KAD_CALL(find_other(ctx, file, recorded, name, sizeof name));
    if (name[0] != '\0') {
        KAD_CALL(kad_take(&scope, 1, &other));
        KAD_CALL(kad_recorded_read(&scope, file, name, other));
        if (other->n_draws >= 2) c.other = other;
    }
    KAD_CALL(run_check(ctx, &c, even));
    c.odd = true;
    return run_check(ctx, &c, odd);
}
