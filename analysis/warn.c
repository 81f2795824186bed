#include "analysis/warn.h"

#include <math.h>
#include <string.h>

/* Thresholds; the advice in the messages belongs to them. */
static const double TAUS_WARN = 1000.0, RHAT_WARN = 1.01, PULL_WARN = 4.0;
static const double ESS_WARN = 0.01, SHARE_WARN = 0.1, RUN_SHARE_WARN = 0.05;
static const double INVERSE_WARN = 0.05, IMPROVING_NATS = 0.1, IMPROVING_SIGMA = 4.0;

/* The row with the longest tau_int; NULL without any. */
static const kad_row *slowest(const kad_estimates *estimates)
{
    const kad_row *worst = NULL;
    for (size_t i = 0; i < estimates->n; i++) {
        const kad_row *row = &estimates->row[i];
        if (!isfinite(row->tau_int)) continue;
        if (worst == NULL || row->tau_int > worst->tau_int) worst = row;
    }
    return worst;
}

static void warn_length(kad_diagnostics *diagnostics, const kad_sampled *sampled,
                        const kad_estimates *estimates)
{
    const double n = (double)(sampled->n_chains * sampled->n_draws);
    const kad_row *row = slowest(estimates);
    if (row == NULL) return;
    if (row->flag == KAD_GAMMA_SHORT || row->flag == KAD_GAMMA_OPEN)
        kad_diagnostics_add(diagnostics, KAD_WARNING, "too-short",
                            "%s: %.0f draws are only %.0f tau_int of %s: no error bar is "
                            "stated; draw more or improve the map",
                            sampled->name, n, n / row->tau_int, row->name);
    else if (n < TAUS_WARN * row->tau_int)
        kad_diagnostics_add(diagnostics, KAD_WARNING, "short",
                            "%s: %.0f draws are %.0f tau_int of %s (fewer than 1000): "
                            "error bars are rough; draw more",
                            sampled->name, n, n / row->tau_int, row->name);
}

static void warn_rhat(kad_diagnostics *diagnostics, const kad_sampled *sampled,
                      const kad_estimates *estimates)
{
    const kad_row *worst = NULL;
    for (size_t i = 0; i < estimates->n; i++) {
        const kad_row *row = &estimates->row[i];
        if (row->rhat > RHAT_WARN && (worst == NULL || row->rhat > worst->rhat))
            worst = row;
    }
    if (worst != NULL)
        kad_diagnostics_add(diagnostics, KAD_WARNING, "rhat",
                            "%s: R-hat of %s is %.3f (above 1.01): parts of the chains "
                            "disagree; draw more",
                            sampled->name, worst->name, worst->rhat);
}

void kad_warn_exact(kad_diagnostics *diagnostics, const kad_estimates *estimates)
{
    for (size_t i = 0; i < estimates->n; i++) {
        const double pull = kad_row_pull(&estimates->row[i]);
        if (!(fabs(pull) > PULL_WARN)) continue;
        kad_diagnostics_add(diagnostics, KAD_WARNING, "exact",
                            "%s: %s is %+.1f standard errors off its exact value: the "
                            "error bar misses something",
                            estimates->name, estimates->row[i].name, pull);
    }
}

/* A symmetric action's chain should see both signs of m. */
static bool one_signed(const kad_sampled *sampled)
{
    const kad_observed *m = kad_sampled_find(sampled, "m");
    bool up = false, down = false;
    if (m == NULL || !sampled->symmetric || m->state.n < 2) return false;
    for (size_t i = 0; i < m->state.n; i++) {
        up = up || m->state.data[i] > 0.0;
        down = down || m->state.data[i] < 0.0;
    }
    return up != down;
}

void kad_warn_chain(kad_diagnostics *diagnostics, const kad_sampled *sampled,
                    const kad_estimates *estimates, const kad_runs *runs)
{
    if (runs->n_accepted == 0 && sampled->accepted.n > 0) {
        kad_diagnostics_add(diagnostics, KAD_ERROR, "all-rejected",
                            "%s: none of %zu proposals was accepted: its averages mean "
                            "nothing; train longer",
                            sampled->name, sampled->accepted.n);
        return;
    }
    if ((double)runs->longest > RUN_SHARE_WARN * (double)sampled->n_draws)
        kad_diagnostics_add(diagnostics, KAD_WARNING, "rejection-run",
                            "%s: %zu proposals in a row were rejected, of %zu draws: "
                            "the map misses configurations; train longer or draw more",
                            sampled->name, runs->longest, sampled->n_draws);
    warn_length(diagnostics, sampled, estimates);
    warn_rhat(diagnostics, sampled, estimates);
    if (one_signed(sampled))
        kad_diagnostics_add(diagnostics, KAD_WARNING, "one-sign",
                            "%s: m never changed its sign although the action is "
                            "symmetric: use flow.symmetry mixture, or draw more",
                            sampled->name);
    kad_warn_exact(diagnostics, estimates);
}

void kad_warn_weights(kad_diagnostics *diagnostics, const kad_sampled *sampled,
                      const kad_estimates *log_z)
{
    const kad_row *ess = kad_estimates_find(log_z, "ess");
    const kad_row *share = kad_estimates_find(log_z, "largest_share");
    size_t n_zero = 0;
    for (size_t i = 0; i < sampled->log_weight.n; i++)
        n_zero += isfinite(sampled->log_weight.data[i]) ? 0 : 1;
    if (n_zero > 0)
        kad_diagnostics_add(diagnostics, KAD_WARNING, "no-weight",
                            "%s: %zu of %zu draws have no finite weight and were "
                            "rejected: lower train.rate or use flow.precision double",
                            sampled->name, n_zero, sampled->log_weight.n);
    if (ess != NULL && ess->mean < ESS_WARN)
        kad_diagnostics_add(diagnostics, KAD_WARNING, "small-ess",
                            "%s: effective sample size %.2g a draw (below 0.01): do not "
                            "trust reweighted values; train longer",
                            sampled->name, ess->mean);
    if (share != NULL && share->mean > SHARE_WARN)
        kad_diagnostics_add(diagnostics, KAD_WARNING, "one-weight",
                            "%s: one draw carries %.0f %% of all weight: reweighted "
                            "errors are too small; draw more or train longer",
                            sampled->name, 100.0 * share->mean);
    kad_warn_exact(diagnostics, log_z);
}

/* Still improving: the free energy fell over the last fifth of the last lattice's
 * evaluations by more than 0.1 nats and four standard errors. */
static void warn_improving(kad_diagnostics *diagnostics, const kad_values *stage,
                           const kad_values *free_energy, const kad_values *err)
{
    const size_t n = free_energy->n;
    size_t first = n;
    if (n < 6 || stage->n != n || err->n != n) return;
    while (first > 0 && stage->data[first - 1] == stage->data[n - 1])
        first--;
    if (n - first < 6) return;
    const size_t before = n - 1 - (n - first) / 5;
    const double fall = free_energy->data[before] - free_energy->data[n - 1];
    const double sigma = hypot(err->data[before], err->data[n - 1]);
    if (fall > IMPROVING_NATS && fall > IMPROVING_SIGMA * sigma)
        kad_diagnostics_add(diagnostics, KAD_NOTE, "still-improving",
                            "training: the free energy still fell by %.2f nats over the "
                            "last fifth of the steps: raise train.steps",
                            fall);
}

kad_status kad_warn_training(kad_ctx *ctx, kad_h5 *file, kad_diagnostics *diagnostics)
{
    kad_status status = KAD_OK;
    kad_values stage = {0}, free_energy = {0}, err = {0}, inverse = {0};
    const int64_t n_skipped = kad_attr_int(ctx, file, "/training", "n_skipped");

    if (n_skipped > 0)
        kad_diagnostics_add(diagnostics, KAD_WARNING, "nonfinite-gradients",
                            "training: %lld steps with gradients that are not finite "
                            "were skipped: lower train.rate",
                            (long long)n_skipped);
    KAD_TRY(kad_values_read(ctx, file, "/training/eval/stage", &stage));
    KAD_TRY(kad_values_read(ctx, file, "/training/eval/free_energy", &free_energy));
    KAD_TRY(kad_values_read(ctx, file, "/training/eval/free_energy_err", &err));
    KAD_TRY(kad_values_read(ctx, file, "/training/eval/inverse_error", &inverse));
    warn_improving(diagnostics, &stage, &free_energy, &err);
    if (inverse.n > 0 && inverse.data[inverse.n - 1] > INVERSE_WARN)
        kad_diagnostics_add(diagnostics, KAD_WARNING, "inverse-error",
                            "training: the map's inverse misses by up to %.2g: use "
                            "flow.precision double",
                            inverse.data[inverse.n - 1]);
done:
    kad_values_clear(&stage);
    kad_values_clear(&free_energy);
    kad_values_clear(&err);
    kad_values_clear(&inverse);
    return status;
}
