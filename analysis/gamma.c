#include "analysis/gamma.h"

#include "base/memory.h"
#include "base/signals.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_fft_halfcomplex.h>
#include <gsl/gsl_fft_real.h>
#include <math.h>
#include <string.h>

/* Draws per tau_int below which no error bar is stated. */
static const double MIN_TAUS = 50.0;
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
    size_t max, n_known;
    double *gamma; /* [max + 1], the first n_known are known */
} lags;

const char *kad_gamma_flag_name(kad_gamma_flag flag)
{
    static const char *const names[] = {"ok", "constant", "short", "open"};
    return names[flag];
}

/* Autocovariance at lag t about `mean`, over all chains. */
static double covariance(size_t n_chains, size_t n, const double *a, double mean,
                         size_t t)
{
    double sum = 0.0;
    for (size_t chain = 0; chain < n_chains; chain++) {
        const double *own = a + chain * n;
        double part = 0.0;
        for (size_t i = 0; i + t < n; i++)
            part += (own[i] - mean) * (own[i + t] - mean);
        sum += part;
    }
    return sum / (double)(n_chains * (n - t));
}

/* All of them: Gamma(t) = sum over chains of the inverse transform of |a_k|^2, every chain
 * padded with zeros so that nothing wraps around. */
static kad_status transform_lags(kad_ctx *ctx, lags *l)
{
    kad_status status = KAD_OK;
    size_t m = 1;
    double *work = NULL, *power = NULL;
    while (m < l->n + l->max + 1)
        m *= 2;
    KAD_TRY(kad_new(ctx, m, sizeof *work, &work));
    KAD_TRY(kad_new(ctx, m, sizeof *power, &power));
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
    for (size_t t = l->n_known; t <= l->max; t++)
        l->gamma[t] = power[t] / (double)(l->n_chains * (l->n - t));
    l->n_known = l->max + 1;
done:
    kad_free(work);
    kad_free(power);
    return status;
}

/* Makes Gamma known up to lag t <= max. */
static kad_status know_lag(kad_ctx *ctx, lags *l, size_t t)
{
    if (t >= l->n_known && t > DIRECT_LAGS) return transform_lags(ctx, l);
    for (; l->n_known <= t; l->n_known++)
        l->gamma[l->n_known] = covariance(l->n_chains, l->n, l->a, l->mean, l->n_known);
    return KAD_OK;
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

/* Split R-hat of Gelman and Rubin: every chain cut in two halves of n/2 draws. NaN where
 * a half has fewer than two draws or nothing varies. */
static double split_rhat(size_t n_chains, size_t n, const double *a)
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
        mean += m / (double)n_parts;
        square += m * m / (double)n_parts;
    }
    const double between =
        fmax(0.0, square - mean * mean) * (double)n_parts / (double)(n_parts - 1);
    if (!(within > 0.0)) return NAN;
    return sqrt((double)(half - 1) / (double)half + between / within);
}

/* Extends Gamma lag by lag until the automatic window closes at *W; *closed says whether
 * it did before the last lag. */
static kad_status find_window(kad_ctx *ctx, lags *l, double S, size_t *W, bool *closed)
{
    kad_status status = KAD_OK;
    const double n_all = (double)(l->n_chains * l->n);
    double sum = 0.0;
    *closed = false;
    *W = l->max;
    for (size_t t = 1; t <= l->max; t++) {
        KAD_TRY(know_lag(ctx, l, t));
        sum += l->gamma[t] / l->gamma[0];
        const double tau = 0.5 + sum;
        const double tau_s =
            tau <= 0.5 ? 1e-12 : S / log((2.0 * tau + 1.0) / (2.0 * tau - 1.0));
        const double td = (double)t;
        if (exp(-td / tau_s) - tau_s / sqrt(td * n_all) < 0.0) {
            *closed = true;
            *W = t;
            break;
        }
    }
done:
    return status;
}

/* Errors of rho, eq. (E.11) of hep-lat/0409106 with rho = 0 beyond the lags known. */
static void rho_errors(size_t n_lag, const double *rho, size_t window, double n_all,
                       double *rho_err)
{
    for (size_t t = 0; t < n_lag; t++) {
        double sum = 0.0;
        for (size_t k = 1; k <= t + window; k++) {
            const size_t below = k > t ? k - t : t - k;
            const double term = (k + t < n_lag ? rho[k + t] : 0.0) +
                                (below < n_lag ? rho[below] : 0.0) -
                                2.0 * (k < n_lag ? rho[k] : 0.0) * rho[t];
            sum += term * term;
        }
        rho_err[t] = t == 0 ? 0.0 : sqrt(sum / n_all);
    }
}

/* Decay time of rho over the lags t/2 .. t, t the last before rho falls below three of
 * its errors. 0: not even rho(1) stands above them. */
static double decay_time(size_t n_lag, const double *rho, const double *rho_err)
{
    size_t t = 0;
    while (t + 1 < n_lag && rho[t + 1] > 3.0 * rho_err[t + 1])
        t++;
    const size_t half = t / 2;
    if (t == 0 || !(rho[half] > rho[t])) return 0.0;
    return fmin((double)(t - half) / log(rho[half] / rho[t]), DECAY_MOST * (double)t);
}

/* Error of rho at lags where it has decayed: (1/N) sum_k rho(k)^2 over all k. */
static double late_error(size_t W, const double *gamma, double n_all)
{
    double sum = 1.0;
    for (size_t t = 1; t <= W; t++)
        sum += 2.0 * gamma[t] * gamma[t] / (gamma[0] * gamma[0]);
    return sqrt(sum / n_all);
}

/* Q of the chains' means, given the variance C/n of each. */
static double replica_q(size_t n_chains, size_t n, const double *a, double mean, double C)
{
    double chi2 = 0.0;
    if (n_chains < 2 || !(C > 0.0)) return NAN;
    for (size_t chain = 0; chain < n_chains; chain++) {
        const double d = mean_of(n, a + chain * n) - mean;
        chi2 += d * d * (double)n / C;
    }
    const double dof = (double)(n_chains - 1);
    return chi2 > 10.0 * dof + 1000.0 ? 0.0 : gsl_cdf_chisq_Q(chi2, dof);
}

/* Results for a given window; gamma holds lags 0 .. W and W + 1 (0: unknown). */
static void conclude(double n_all, double *gamma, size_t W, bool next, kad_gamma *out)
{
    double C = gamma[0], rho = 0.0;
    for (size_t t = 1; t <= W; t++)
        C += 2.0 * gamma[t];
    C = fmax(C, 0.0);
    for (size_t t = 0; t <= W + next; t++)
        gamma[t] += C / n_all;
    out->tail.rho_next = next ? gamma[W + 1] / gamma[0] : 0.0;
    C = gamma[0];
    for (size_t t = 1; t <= W; t++)
        C += 2.0 * gamma[t];
    for (size_t t = 1; t <= W; t++)
        rho += gamma[t] / gamma[0];
    out->window = W;
    out->tau_int = fmax(0.5 + rho, 0.5 / n_all);
    out->tau_int_err =
        2.0 * out->tau_int * sqrt(fmax(0.0, ((double)W + 0.5 - out->tau_int) / n_all));
    out->err = sqrt(fmax(C, 0.0) / n_all);
    out->err_naive = sqrt(gamma[0] / n_all);
    out->n_eff = n_all / (2.0 * out->tau_int);
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

kad_status kad_gamma_analyse(kad_ctx *ctx, size_t n_chains, size_t n, const double *a,
                             double S, kad_gamma *out)
{
    kad_status status = KAD_OK;
    const size_t max_lag = n / 2;
    const double n_all = (double)n_chains * (double)n;
    lags l = {.n_chains = n_chains, .n = n, .a = a, .max = max_lag};
    size_t W = 0;
    bool closed = false;

    memset(out, 0, sizeof *out);
    KAD_TRY(kad_stop_check(ctx, "analysis"));
    KAD_TRY(check(ctx, n_chains, n, a));
    KAD_TRY(kad_new(ctx, max_lag + 1, sizeof *l.gamma, &l.gamma));
    double *gamma = l.gamma;
    out->mean = l.mean = mean_of(n_chains * n, a);
    KAD_TRY(know_lag(ctx, &l, 0));
    if (!(gamma[0] > 1e-28 * out->mean * out->mean)) {
        out->flag = KAD_GAMMA_CONSTANT;
        out->err = out->err_naive = out->tau_int = out->tau_int_err = NAN;
        out->n_eff = out->rhat = out->q_value = NAN;
        goto done;
    }
    KAD_TRY(find_window(ctx, &l, S, &W, &closed));
    out->n_lag = 2 * W > 32 ? 2 * W : 32;
    if (out->n_lag > KAD_GAMMA_LAGS) out->n_lag = KAD_GAMMA_LAGS;
    if (out->n_lag > max_lag) out->n_lag = max_lag;
    KAD_TRY(kad_new(ctx, out->n_lag, sizeof *out->rho, &out->rho));
    KAD_TRY(kad_new(ctx, out->n_lag, sizeof *out->rho_err, &out->rho_err));
    const bool next = W < max_lag;
    KAD_TRY(know_lag(ctx, &l, next && W + 1 > out->n_lag ? W + 1 : out->n_lag));
    for (size_t t = 0; t < out->n_lag; t++)
        out->rho[t] = gamma[t] / gamma[0];
    rho_errors(out->n_lag, out->rho, W, n_all, out->rho_err);
    out->tail.tau_exp = decay_time(out->n_lag, out->rho, out->rho_err);
    out->tail.rho_next_err = late_error(W, gamma, n_all);
    conclude(n_all, gamma, W, next, out);
    out->rhat = split_rhat(n_chains, n, a);
    out->q_value = replica_q(n_chains, n, a, out->mean, out->err * out->err * n_all);
    out->flag = !closed                           ? KAD_GAMMA_OPEN
                : n_all < MIN_TAUS * out->tau_int ? KAD_GAMMA_SHORT
                                                  : KAD_GAMMA_OK;
    if (out->flag != KAD_GAMMA_OK) out->err = NAN;
done:
    kad_free(l.gamma);
    if (status != KAD_OK) kad_gamma_clear(out);
    return status;
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
    if (gamma->flag == KAD_GAMMA_CONSTANT || tail->added || !(tau_exp > 0.0)) return;
    if (!(tail->rho_next > TAIL_SIGMAS * tail->rho_next_err)) return;
    gamma->err = kad_gamma_bound(gamma, tau_exp);
    gamma->n_eff *= gamma->tau_int;
    gamma->tau_int += tau_exp * tail->rho_next;
    gamma->tau_int_err = hypot(gamma->tau_int_err, tau_exp * tail->rho_next_err);
    gamma->n_eff /= gamma->tau_int;
    tail->added = true;
}

void kad_gamma_clear(kad_gamma *gamma)
{
    kad_free(gamma->rho);
    kad_free(gamma->rho_err);
    memset(gamma, 0, sizeof *gamma);
}
