#include "analysis/gamma.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

/* Draws per tau_int below which no error bar is stated. */
static const double MIN_TAUS = 50.0;

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

/* Extends Gamma lag by lag until the automatic window closes. Returns W; *closed says
 * whether it did before max_lag. */
static size_t find_window(size_t n_chains, size_t n, const double *a, double mean,
                          double S, size_t max_lag, double *gamma, bool *closed)
{
    const double n_all = (double)(n_chains * n);
    double sum = 0.0;
    *closed = false;
    for (size_t t = 1; t <= max_lag; t++) {
        gamma[t] = covariance(n_chains, n, a, mean, t);
        sum += gamma[t] / gamma[0];
        const double tau = 0.5 + sum;
        const double tau_s =
            tau <= 0.5 ? 1e-12 : S / log((2.0 * tau + 1.0) / (2.0 * tau - 1.0));
        const double td = (double)t;
        if (exp(-td / tau_s) - tau_s / sqrt(td * n_all) < 0.0) {
            *closed = true;
            return t;
        }
    }
    return max_lag;
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

/* Results for a given window; gamma holds lags 0 .. W. */
static void conclude(double n_all, double *gamma, size_t W, kad_gamma *out)
{
    double C = gamma[0], rho = 0.0;
    for (size_t t = 1; t <= W; t++)
        C += 2.0 * gamma[t];
    C = fmax(C, 0.0);
    for (size_t t = 0; t <= W; t++)
        gamma[t] += C / n_all;
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
    double *gamma = NULL;
    bool closed = false;

    memset(out, 0, sizeof *out);
    KAD_TRY(check(ctx, n_chains, n, a));
    KAD_TRY(kad_new(ctx, max_lag + 1, sizeof *gamma, &gamma));
    out->mean = mean_of(n_chains * n, a);
    gamma[0] = covariance(n_chains, n, a, out->mean, 0);
    if (!(gamma[0] > 1e-28 * out->mean * out->mean)) {
        out->flag = KAD_GAMMA_CONSTANT;
        out->err = out->err_naive = out->tau_int = out->tau_int_err = NAN;
        out->n_eff = out->rhat = NAN;
        goto done;
    }
    const size_t W = find_window(n_chains, n, a, out->mean, S, max_lag, gamma, &closed);
    out->n_lag = 2 * W > 32 ? 2 * W : 32;
    if (out->n_lag > KAD_GAMMA_LAGS) out->n_lag = KAD_GAMMA_LAGS;
    if (out->n_lag > max_lag) out->n_lag = max_lag;
    KAD_TRY(kad_new(ctx, out->n_lag, sizeof *out->rho, &out->rho));
    KAD_TRY(kad_new(ctx, out->n_lag, sizeof *out->rho_err, &out->rho_err));
    for (size_t t = 0; t < out->n_lag; t++) {
        if (t > W) gamma[t] = covariance(n_chains, n, a, out->mean, t);
        out->rho[t] = gamma[t] / gamma[0];
    }
    rho_errors(out->n_lag, out->rho, W, n_all, out->rho_err);
    conclude(n_all, gamma, W, out);
    out->rhat = split_rhat(n_chains, n, a);
    out->flag = !closed                           ? KAD_GAMMA_OPEN
                : n_all < MIN_TAUS * out->tau_int ? KAD_GAMMA_SHORT
                                                  : KAD_GAMMA_OK;
    if (out->flag != KAD_GAMMA_OK) out->err = NAN;
done:
    kad_free(gamma);
    if (status != KAD_OK) kad_gamma_clear(out);
    return status;
}

void kad_gamma_clear(kad_gamma *gamma)
{
    kad_free(gamma->rho);
    kad_free(gamma->rho_err);
    memset(gamma, 0, sizeof *gamma);
}
