#include "analysis/gamma.h"

#include "base/jackknife.h"
#include "base/memory.h"
#include "base/signals.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_fft_halfcomplex.h>
#include <gsl/gsl_fft_real.h>
#include <math.h>
#include <string.h>

/* Draws per tau_int (at least 1/2) below which no error bar is stated. */
static const double MIN_TAUS = 50.0;
/* C is not positive below this share of Gamma(0): sums of products to rounding. */
static const double LEAST_SHARE = 1e-12;
/* A decay seen over t lags is not known to be slower than so many times t. */
static const double DECAY_MOST = 4.0;
/* rho(W + 1) above so many of its errors: the window closed too early. */
static const double TAIL_SIGMAS = 2.0;
/* Lags that are summed one by one; more of them are cheaper by Fourier transforms. */
enum { DIRECT_LAGS = 64 };

/* The autocovariances of a series, computed as they are asked for. */
typedef struct lags {
    size_t n_chains, n;
    const double *a; /* [n_chains][n] */
    double mean;
    size_t max; /* the pairs' last lag */
    size_t n_known;
    double *sum;   /* [max + 2], the first n_known are known: sums over all chains */
    double *pairs; /* [max + 1] g(t), filled by find_window */
} lags;

const char *kad_gamma_flag_name(kad_gamma_flag flag)
{
    static const char *const names[] = {"ok",       "constant", "short", "open",
                                        "negative", "weights",  "start"};
    return names[flag];
}

/* Sum of the products of values t draws apart about `mean`, over all chains. */
static double products(size_t n_chains, size_t n, const double *a, double mean, size_t t)
{
    double sum = 0.0;
    for (size_t chain = 0; chain < n_chains; chain++) {
        const double *own = a + chain * n;
        double part = 0.0;
        for (size_t i = 0; i + t < n; i++)
            part += (own[i] - mean) * (own[i + t] - mean);
        sum += part;
    }
    return sum;
}

/* All of them: the inverse transform of sum over chains |a_k|^2, every chain padded with
 * zeros so that nothing wraps around. */
static kad_status transform_lags(kad_ctx *ctx, lags *l)
{
    KAD_SCOPE(scope, ctx);
    size_t m = 1;
    double *work, *power;
    while (m < l->n + l->max + 2)
        m *= 2;
    KAD_CALL(kad_take(&scope, m, &work));
    KAD_CALL(kad_take(&scope, m, &power));
    for (size_t chain = 0; chain < l->n_chains; chain++) {
        for (size_t i = 0; i < m; i++)
            work[i] = i < l->n ? l->a[chain * l->n + i] - l->mean : 0.0;
        (void)gsl_fft_real_radix2_transform(work, 1, m); /* m is a power of two */
        power[0] += work[0] * work[0];
        power[m / 2] += work[m / 2] * work[m / 2];
        for (size_t k = 1; k < m / 2; k++)
            power[k] += work[k] * work[k] + work[m - k] * work[m - k];
    }
    (void)gsl_fft_halfcomplex_radix2_inverse(power, 1, m);
    for (size_t t = l->n_known; t <= l->max + 1; t++)
        l->sum[t] = power[t];
    l->n_known = l->max + 2;
    return KAD_OK;
}

/* Makes the products known up to lag t <= max + 1. */
static kad_status know_lag(kad_ctx *ctx, lags *l, size_t t)
{
    if (t >= l->n_known && t > DIRECT_LAGS) return transform_lags(ctx, l);
    for (; l->n_known <= t; l->n_known++)
        l->sum[l->n_known] = products(l->n_chains, l->n, l->a, l->mean, l->n_known);
    return KAD_OK;
}

/* Gamma(t). */
static double covariance(const lags *l, size_t t)
{
    return l->sum[t] / (double)(l->n_chains * (l->n - t));
}

/* g(t), from the products up to lag t + 1: those that reach over the ends of a chain, which
 * have no pair, are taken away. */
static double of_pairs(const lags *l, size_t t)
{
    const size_t n = l->n;
    double sum = l->sum[t > 0 ? t - 1 : 1] + 2.0 * l->sum[t] + l->sum[t + 1];
    for (size_t chain = 0; chain < l->n_chains; chain++) {
        const double *own = l->a + chain * n;
        const double first = own[0] - l->mean, last = own[n - 1] - l->mean;
        sum -= first * (own[t] - l->mean) + last * (own[n - 1 - t] - l->mean);
        if (t > 0) sum -= first * (own[t - 1] - l->mean) + last * (own[n - t] - l->mean);
    }
    return sum / (4.0 * (double)(l->n_chains * (n - 1 - t)));
}

static double mean_of(size_t n, const double *a)
{
    double sum = 0.0, rest = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += a[i];
    const double mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        rest += a[i] - mean;
    return mean + rest / (double)n;
}

/* Split R-hat of Gelman and Rubin: every chain cut in two halves of n/2 draws, their means
 * about that of all. NaN where a half has fewer than two draws or nothing varies. */
static double split_rhat(size_t n_chains, size_t n, const double *a, double mean_of_all)
{
    const size_t half = n / 2, n_parts = 2 * n_chains;
    double within = 0.0, mean = 0.0, square = 0.0;
    if (half < 2) return NAN;
    for (size_t part = 0; part < n_parts; part++) {
        const double *own = a + part / 2 * n + (part % 2) * (n - half);
        const double m = mean_of(half, own);
        double var = 0.0;
        for (size_t i = 0; i < half; i++)
            var += (own[i] - m) * (own[i] - m);
        within += var / (double)(half - 1) / (double)n_parts;
        mean += (m - mean_of_all) / (double)n_parts;
        square += (m - mean_of_all) * (m - mean_of_all) / (double)n_parts;
    }
    const double between =
        fmax(0.0, square - mean * mean) * (double)n_parts / (double)(n_parts - 1);
    if (!(within > 0.0)) return NAN;
    return sqrt((double)(half - 1) / (double)half + between / within);
}

/* Extends g lag by lag until the automatic window closes at *W; *closed says whether it did
 * before the last lag. */
static kad_status find_window(kad_ctx *ctx, lags *l, double S, size_t *W, bool *closed)
{
    const double n_all = (double)(l->n_chains * l->n);
    double tau = 0.5;
    *closed = false;
    *W = l->max;
    KAD_CALL(know_lag(ctx, l, 1));
    l->pairs[0] = of_pairs(l, 0);
    if (!(l->pairs[0] > LEAST_SHARE * covariance(l, 0))) {
        *closed = true; /* nothing is left of the pairs */
        *W = 0;
        return KAD_OK;
    }
    for (size_t t = 1; t <= l->max; t++) {
        KAD_CALL(know_lag(ctx, l, t + 1));
        l->pairs[t] = of_pairs(l, t);
        tau += l->pairs[t] / l->pairs[0];
        const double tau_s =
            tau <= 0.5 ? 1e-12 : S / log((2.0 * tau + 1.0) / (2.0 * tau - 1.0));
        const double td = (double)t;
        if (exp(-td / tau_s) - tau_s / sqrt(td * n_all) < 0.0) {
            *closed = true;
            *W = t;
            break;
        }
    }
    return KAD_OK;
}

/* Error of rho at lag t, eq. (E.11) of hep-lat/0409106 with rho = 0 beyond the lags known. */
static double rho_error(size_t n_lag, const double *rho, size_t window, double n_all,
                        size_t t)
{
    double sum = 0.0;
    for (size_t k = 1; k <= t + window; k++) {
        const size_t below = k > t ? k - t : t - k;
        const double term = (k + t < n_lag ? rho[k + t] : 0.0) +
                            (below < n_lag ? rho[below] : 0.0) -
                            2.0 * (k < n_lag ? rho[k] : 0.0) * rho[t];
        sum += term * term;
    }
    return t == 0 ? 0.0 : sqrt(sum / n_all);
}

/* Decay time of rho over the lags t/2 .. t, t the last before rho falls below three of
 * its errors. 0: not even rho(1) stands above them. */
static double decay_time(size_t n_lag, const double *rho, size_t window, double n_all)
{
    size_t t = 0;
    while (t + 1 < n_lag && rho[t + 1] > 0.0 &&
           rho[t + 1] > 3.0 * rho_error(n_lag, rho, window, n_all, t + 1))
        t++;
    const size_t half = t / 2;
    if (t == 0 || !(rho[half] > rho[t])) return 0.0;
    return fmin((double)(t - half) / log(rho[half] / rho[t]), DECAY_MOST * (double)t);
}

/* sum over all t of rho(t)^2, up to |t| <= last. */
static double sum_of_squares(size_t last, const double *rho)
{
    double sum = 1.0;
    for (size_t t = 1; t <= last; t++)
        sum += 2.0 * rho[t] * rho[t] / (rho[0] * rho[0]);
    return sum;
}

/* Q of the chains' means, given the error of their common one. */
static double replica_q(size_t n_chains, size_t n, const double *a, double mean,
                        double err)
{
    double chi2 = 0.0;
    if (n_chains < 2 || !(err > 0.0)) return NAN;
    for (size_t chain = 0; chain < n_chains; chain++) {
        const double d = (mean_of(n, a + chain * n) - mean) / err;
        chi2 += d * d / (double)n_chains;
    }
    const double dof = (double)(n_chains - 1);
    return chi2 > 10.0 * dof + 1000.0 ? 0.0 : gsl_cdf_chisq_Q(chi2, dof);
}

/* C(W) and what the ends of a chain of n draws make of it. */
typedef struct sum_of_lags {
    double C, with_ends;
} sum_of_lags;

static sum_of_lags add_up(size_t n, double gamma0, const double *pairs, size_t W)
{
    double C = pairs[0], ends = -0.25 * gamma0;
    for (size_t t = 1; t <= W; t++) {
        const double half = t == W ? 0.5 * pairs[t] : pairs[t];
        C += 2.0 * half;
        ends += (double)t * half;
    }
    return (sum_of_lags){C, C - 2.0 * ends / (double)n};
}

/* Results for a given window; the pairs' lags 0 .. W and, if next, W + 1 are known, and
 * out->rho. False: C is not positive. */
static bool conclude(const lags *l, size_t W, bool next, kad_gamma *out)
{
    const double n_all = (double)(l->n_chains * l->n);
    double gamma0 = covariance(l, 0);
    sum_of_lags sum = add_up(l->n, gamma0, l->pairs, W);
    const double bias = sum.with_ends / n_all;
    out->window = W;
    out->err_naive = sqrt(gamma0 / n_all);
    out->err = out->tau_int = out->tau_int_err = out->n_eff = NAN;
    if (!(fmin(sum.C, sum.with_ends) > LEAST_SHARE * gamma0)) return false;
    gamma0 += bias;
    for (size_t t = 0; t <= W + next; t++)
        l->pairs[t] += bias;
    sum = add_up(l->n, gamma0, l->pairs, W);
    const double tau = sum.C / (2.0 * gamma0);
    const double excess = sum_of_squares(out->n_lag - 1, out->rho) - 2.0 * tau - 1.0;
    out->tau_int = tau;
    out->tau_int_err =
        tau * sqrt((4.0 * (double)W + 2.0 - 4.0 * tau + 2.0 * fmax(0.0, excess)) / n_all);
    out->err = sqrt(sum.with_ends / n_all);
    out->err_naive = sqrt(gamma0 / n_all);
    out->n_eff = n_all / (2.0 * tau);
    out->tail.rho_next = next ? l->pairs[W + 1] / gamma0 : 0.0;
    return true;
}

/* Degrees of freedom of the squared sums over blocks of 2 W + 1 draws. */
static double error_dof(const lags *l, size_t W)
{
    const size_t size = 2 * W + 1 < l->n ? 2 * W + 1 : l->n, n_blocks = l->n / size;
    double square = 0.0, fourth = 0.0;
    for (size_t block = 0; block < l->n_chains * n_blocks; block++) {
        const double *own = l->a + block / n_blocks * l->n + block % n_blocks * size;
        double sum = 0.0;
        for (size_t i = 0; i < size; i++)
            sum += own[i] - l->mean;
        square += sum * sum;
        fourth += sum * sum * sum * sum;
    }
    return kad_spread_dof((double)(l->n_chains * n_blocks), square, fourth);
}

static kad_status check(kad_ctx *ctx, size_t n_chains, size_t n, const double *a)
{
    if (n_chains < 1 || n < 2)
        return kad_fail(ctx, KAD_EDATA,
                        "a series of %zu chains of %zu draws is too short", n_chains, n);
    for (size_t i = 0; i < n_chains * n; i++)
        if (!isfinite(a[i]))
            return kad_fail(ctx, KAD_EDATA, "draw %zu of the series is not finite", i);
    return KAD_OK;
}

/* rho with its errors, and the decay time of the pairs' own, whose lags are extended. */
static kad_status correlations(kad_ctx *ctx, lags *l, size_t W, kad_gamma *out)
{
    const double n_all = (double)(l->n_chains * l->n);
    double own[KAD_GAMMA_LAGS] = {0};
    out->n_lag = 2 * W > 32 ? 2 * W : 32;
    if (out->n_lag > KAD_GAMMA_LAGS) out->n_lag = KAD_GAMMA_LAGS;
    if (out->n_lag > l->n / 2) out->n_lag = l->n / 2;
    const size_t last = W + 1 > out->n_lag ? W + 1 : out->n_lag;
    KAD_CALL(know_lag(ctx, l, (last < l->max ? last : l->max) + 1));
    for (size_t t = 0; t < out->n_lag; t++)
        out->rho[t] = covariance(l, t) / covariance(l, 0);
    for (size_t t = 0; t < out->n_lag; t++)
        out->rho_err[t] = rho_error(out->n_lag, out->rho, W, n_all, t);
    for (size_t t = W + 1; t <= last && t <= l->max; t++)
        l->pairs[t] = of_pairs(l, t);
    for (size_t t = 0; t < out->n_lag && t <= l->max; t++)
        own[t] = l->pairs[t] / l->pairs[0];
    out->tail.tau_exp = decay_time(out->n_lag, own, W, n_all);
    out->tail.rho_next_err =
        sqrt(sum_of_squares(W, l->pairs) / n_all) * l->pairs[0] / covariance(l, 0);
    return KAD_OK;
}

void kad_gamma_demand(kad_gamma *gamma, double n_all)
{
    if (gamma->flag == KAD_GAMMA_OK && n_all < MIN_TAUS * fmax(gamma->tau_int, 0.5))
        gamma->flag = KAD_GAMMA_SHORT;
    if (gamma->flag != KAD_GAMMA_OK) gamma->err = NAN;
}

kad_status kad_gamma_analyse(kad_ctx *ctx, size_t n_chains, size_t n, const double *a,
                             double S, kad_gamma *out)
{
    KAD_SCOPE(scope, ctx);
    lags l = {.n_chains = n_chains, .n = n, .a = a};
    size_t W = 0;
    bool closed = false;

    memset(out, 0, sizeof *out);
    KAD_CALL(kad_stop_check(ctx, "analysis"));
    KAD_CALL(check(ctx, n_chains, n, a));
    l.max = n / 2 < n - 2 ? n / 2 : n - 2;
    KAD_CALL(kad_take(&scope, l.max + 2, &l.sum));
    KAD_CALL(kad_take(&scope, l.max + 1, &l.pairs));
    out->mean = l.mean = mean_of(n_chains * n, a);
    KAD_CALL(know_lag(ctx, &l, 0));
    if (!(covariance(&l, 0) > 1e-28 * out->mean * out->mean)) {
        out->flag = KAD_GAMMA_CONSTANT;
        out->err = out->err_naive = out->err_dof = out->tau_int = out->tau_int_err = NAN;
        out->n_eff = out->rhat = out->q_value = NAN;
        return KAD_OK;
    }
    KAD_CALL(find_window(ctx, &l, S, &W, &closed));
    KAD_CALL(correlations(ctx, &l, W, out));
    const bool positive = conclude(&l, W, W < l.max, out);
    out->rhat = split_rhat(n_chains, n, a, out->mean);
    out->q_value = replica_q(n_chains, n, a, out->mean, out->err);
    out->flag = !positive ? KAD_GAMMA_NEGATIVE : !closed ? KAD_GAMMA_OPEN : KAD_GAMMA_OK;
    out->err_dof = error_dof(&l, W);
    kad_gamma_demand(out, (double)(n_chains * n));
    return KAD_OK;
}

double kad_gamma_bound(const kad_gamma *gamma, double tau_exp)
{
    if (gamma->tail.added) return gamma->err;
    const double tail = tau_exp * fabs(gamma->tail.rho_next);
    return gamma->err * sqrt(1.0 + tail / gamma->tau_int);
}

void kad_gamma_add_tail(kad_gamma *gamma, double tau_exp)
{
    kad_tail *tail = &gamma->tail;
    if (!(gamma->tau_int > 0.0) || tail->added || !(tau_exp > 0.0)) return;
    if (!(tail->rho_next > TAIL_SIGMAS * tail->rho_next_err)) return;
    gamma->err = kad_gamma_bound(gamma, tau_exp);
    gamma->n_eff *= gamma->tau_int;
    gamma->tau_int += tau_exp * tail->rho_next;
    gamma->tau_int_err = hypot(gamma->tau_int_err, tau_exp * tail->rho_next_err);
    gamma->n_eff /= gamma->tau_int;
    tail->added = true;
}

kad_status kad_gamma_estimate(kad_ctx *ctx, size_t n_chains, size_t n, const double *a,
                              kad_gamma *out)
{
    const kad_status status = kad_gamma_analyse(ctx, n_chains, n, a, 1.5, out);
    if (status == KAD_OK) kad_gamma_add_tail(out, out->tail.tau_exp);
    return status;
}

double kad_gamma_memory(double tau_int)
{
    return fmax(tau_int, 0.25 / tau_int);
}
