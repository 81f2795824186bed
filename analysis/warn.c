#include "analysis/warn.h"

#include "analysis/agreement.h"
#include "base/memory.h"
#include "base/weights.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Thresholds; the advice in the messages belongs to them. */
static const double TAUS_WARN = 1000.0, PULL_WARN = 4.0, PULL_ERROR = 5.0;
static const double ESS_WARN = 0.01, SHARE_WARN = 0.1, RUN_SHARE_WARN = 0.05;
enum { RUN_LENGTH_WARN = 10 };
static const double SWAPS_WARN = 0.05;
static const double BOUND_WARN = 1.5, HAMILTON_WARN = 4.0;
static const double ACCEPT_LOW = 0.4, ACCEPT_HIGH = 0.98;
static const double SOLVER_WARN = 0.2;
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

static void warn_length(kad_diagnostics *diagnostics, const kad_recorded *recorded,
                        const kad_estimates *estimates)
{
    const double n = (double)(recorded->n_chains * recorded->n_draws);
    const kad_row *row = slowest(estimates);
    if (row == NULL || recorded->few_weights) return; /* the weights have their own */
    const double tau = fmax(row->tau_int, 0.5);
    if (row->flag == KAD_GAMMA_OPEN)
        kad_diagnostics_add(diagnostics, KAD_WARNING, "too-short", recorded->name,
                            "%s: %s is correlated over the whole length of a chain (%zu "
                            "draws): no error bar is stated; draw more",
                            recorded->name, row->name, recorded->n_draws);
    else if (row->flag == KAD_GAMMA_SHORT)
        kad_diagnostics_add(diagnostics, KAD_WARNING, "too-short", recorded->name,
                            "%s: %.0f draws are only %.0f tau_int of %s: no error bar is "
                            "stated; draw more",
                            recorded->name, n, n / tau, row->name);
    else if (n < TAUS_WARN * tau)
        kad_diagnostics_add(diagnostics, KAD_WARNING, "short", recorded->name,
                            "%s: %.0f draws are %.0f tau_int of %s (fewer than 1000): "
                            "error bars are rough; draw more",
                            recorded->name, n, n / tau, row->name);
}

static void warn_rhat(kad_diagnostics *diagnostics, const kad_recorded *recorded,
                      const kad_estimates *estimates)
{
    const kad_row *worst = NULL;
    for (size_t i = 0; i < estimates->n; i++) {
        const kad_row *row = &estimates->row[i];
        if (row->rhat > row->rhat_limit && (worst == NULL || row->rhat > worst->rhat))
            worst = row;
    }
    if (worst != NULL)
        kad_diagnostics_add(diagnostics, KAD_WARNING, "rhat", recorded->name,
                            "%s: R-hat of %s is %.4f (%zu draws of its tau_int allow "
                            "%.4f): parts of the chains disagree; draw more",
                            recorded->name, worst->name, worst->rhat, recorded->n_draws,
                            worst->rhat_limit);
}

void kad_warn_thermal(kad_diagnostics *diagnostics, const kad_recorded *recorded,
                      const kad_thermal *t)
{
    static const char *const codes[] = {"", "burn-in", "drift", "starts"};
    char what[KAD_DIAGNOSTIC_TEXT] = "";
    switch (t->reason) {
    case KAD_THERMAL_FINE:
        return;
    case KAD_THERMAL_SHORT:
        snprintf(what, sizeof what,
                 "a burn_in of %lld draws is short for the %.*f over which %s decays",
                 (long long)recorded->burn_in, t->tau < 10.0 ? 1 : 0, t->tau,
                 t->observable);
        break;
    case KAD_THERMAL_DRIFT:
        snprintf(what, sizeof what,
                 "%s drifts from the first draws to the last (p = %.1g)", t->observable,
                 t->p);
        break;
    case KAD_THERMAL_STARTS:
        snprintf(what, sizeof what, "%s is another from a %s start than in %s (p = %.1g)",
                 t->observable, recorded->start, t->other, t->p);
        break;
    }
    kad_diagnostic *item =
        kad_diagnostics_add(diagnostics, KAD_WARNING, codes[t->reason], recorded->name,
                            "%s: %s: no error bar is stated; set its burn_in to %.0f",
                            recorded->name, what, t->burn_in);
    if (isfinite(t->burn_in)) item->burn_in = (int64_t)round(t->burn_in);
}

void kad_warn_undefined(kad_diagnostics *diagnostics, const char *sampler,
                        const kad_estimates *estimates)
{
    if (estimates->undefined[0] == '\0') return;
    kad_diagnostics_add(diagnostics, KAD_NOTE, "undefined", sampler,
                        "%s: %s left out: not finite at these means, as of a correlator "
                        "that does not fall or is negative",
                        estimates->name, estimates->undefined);
}

/* Beyond five errors a result must not be used, unless so few draws made the error that
 * one run in 1/KAD_AGREEMENT_ALPHA has such a pull by chance. */
static kad_severity severity_of(double pull, double dof)
{
    return fabs(pull) > PULL_ERROR && kad_pull_p(pull, dof) < KAD_AGREEMENT_ALPHA
               ? KAD_ERROR
               : KAD_WARNING;
}

void kad_warn_exact(kad_diagnostics *diagnostics, const char *sampler,
                    const kad_estimates *estimates)
{
    const kad_row *worst = NULL;
    kad_severity severity = KAD_WARNING;
    char more[48] = "";
    size_t n = 0;
    for (size_t i = 0; i < estimates->n; i++) {
        const kad_row *row = &estimates->row[i];
        const double pull = kad_row_pull(row);
        if (!(fabs(pull) > PULL_WARN)) continue;
        n++;
        if (severity_of(pull, row->err_dof) == KAD_ERROR) severity = KAD_ERROR;
        if (worst == NULL || fabs(pull) > fabs(kad_row_pull(worst))) worst = row;
    }
    if (worst == NULL) return;
    if (n > 1) snprintf(more, sizeof more, " (and %zu more rows)", n - 1);
    kad_diagnostics_add(diagnostics, severity, "exact", sampler,
                        "%s: %s is %+.1f standard errors off its exact value%s: the "
                        "error bar misses something",
                        estimates->name, worst->name, kad_row_pull(worst), more);
}

/* Chains of one distribution whose means differ too much, and errors that a slow mode
 * seen in another observable could widen. */
static void warn_modes(kad_diagnostics *diagnostics, const kad_recorded *recorded,
                       const kad_estimates *estimates)
{
    const kad_row *apart = NULL, *wide = NULL;
    const double unlikely = KAD_FALSE_ALARMS / (double)estimates->n;
    for (size_t i = 0; i < estimates->n; i++) {
        const kad_row *row = &estimates->row[i];
        if (row->q_value < unlikely && (apart == NULL || row->q_value < apart->q_value))
            apart = row;
        if (row->err_bound > BOUND_WARN * row->err &&
            (wide == NULL || row->err_bound / row->err > wide->err_bound / wide->err))
            wide = row;
    }
    if (apart != NULL)
        kad_diagnostics_add(diagnostics, KAD_WARNING, "replicas", recorded->name,
                            "%s: the chains' means of %s differ more than their errors "
                            "allow (Q = %.1g): draw more, or a longer burn_in",
                            recorded->name, apart->name, apart->q_value);
    if (wide != NULL)
        kad_diagnostics_add(diagnostics, KAD_NOTE, "slow-mode", recorded->name,
                            "%s: the error of %s could be %.1f times larger if it "
                            "couples to the slowest mode of the chain (%.0f draws): draw "
                            "more",
                            recorded->name, wide->name, wide->err_bound / wide->err,
                            estimates->tau_exp);
}

/* Series that repeat themselves with alternating sign, as a mode whose period the
 * trajectory hits. */
static void warn_periodic(kad_diagnostics *diagnostics, const kad_recorded *recorded,
                          const kad_estimates *estimates)
{
    for (size_t i = 0; i < estimates->n; i++) {
        const kad_row *row = &estimates->row[i];
        if (row->flag != KAD_GAMMA_NEGATIVE) continue;
        kad_diagnostics_add(diagnostics, KAD_WARNING, "periodic", recorded->name,
                            "%s: the autocovariances of %s sum to nothing (rho(1) = "
                            "%.2f): no error bar is stated; %s",
                            recorded->name, row->name, row->n_lag > 1 ? row->rho[1] : NAN,
                            recorded->delta_h.n > 0 ? "another trajectory" : "draw more");
        return;
    }
}

/* A symmetric action's chains should see both signs of m. Returns how many do not. */
static size_t one_signed(const kad_recorded *recorded)
{
    const kad_observed *m = kad_recorded_find(recorded, "m");
    size_t n_stuck = 0;
    if (m == NULL || !recorded->symmetric || recorded->n_draws < 2) return 0;
    for (size_t c = 0; c < recorded->n_chains; c++) {
        const double *own = m->state.data + c * recorded->n_draws;
        bool up = false, down = false;
        for (size_t i = 0; i < recorded->n_draws; i++) {
            up = up || own[i] > 0.0;
            down = down || own[i] < 0.0;
        }
        n_stuck += up != down;
    }
    return n_stuck;
}

static void warn_sign(kad_diagnostics *diagnostics, const kad_recorded *recorded)
{
    const size_t n_stuck = one_signed(recorded);
    if (n_stuck > 0 && recorded->n_components > 1)
        kad_diagnostics_add(diagnostics, KAD_WARNING, "one-sign", recorded->name,
                            "%s: the first component of m kept its sign in %zu of %zu "
                            "chains although global rotations leave the action as it is: "
                            "the field has not turned round; draw more, or use cluster",
                            recorded->name, n_stuck, recorded->n_chains);
    else if (n_stuck > 0)
        kad_diagnostics_add(diagnostics, KAD_WARNING, "one-sign", recorded->name,
                            "%s: m never changed its sign in %zu of %zu chains although "
                            "the action is symmetric: draw more, or add a sampler that "
                            "flips it (cluster)",
                            recorded->name, n_stuck, recorded->n_chains);
}

/* Mean and error of a function of dH. */
static kad_status mean_of(kad_ctx *ctx, const kad_recorded *recorded, double (*f)(double),
                          double *work, kad_gamma *out)
{
    for (size_t i = 0; i < recorded->delta_h.n; i++)
        work[i] = f(recorded->delta_h.data[i]);
    return kad_gamma_estimate(ctx, recorded->n_chains, recorded->n_draws, work, out);
}

/* In equilibrium P(-dH) = exp(-dH) P(dH), so that <f(dH) exp(-dH)> = <f(-dH)>. f = 1:
 * <exp(-dH)> = 1, whose variance may be anything; f odd over 1 + exp(-dH): with
 * t = tanh(dH/2), <t> = <t^2>, which is bounded. */
static double weight(double dh)
{
    return dh > -500.0 ? exp(-dh) : 0.0;
}

static double imbalance(double dh)
{
    const double t = tanh(0.5 * dh);
    return t - t * t;
}

/* Hamiltonian samplers: detailed balance whatever the step size. */
static kad_status warn_hamilton(kad_ctx *ctx, kad_diagnostics *diagnostics,
                                const kad_recorded *recorded)
{
    KAD_SCOPE(scope, ctx);
    const kad_values *delta = &recorded->delta_h;
    double *work;
    kad_gamma one = {0}, zero = {0};
    size_t n_bad = 0;
    if (delta->n == 0) return KAD_OK;
    KAD_CALL(kad_take(&scope, delta->n, &work));
    for (size_t i = 0; i < delta->n; i++)
        n_bad += !isfinite(delta->data[i]) || delta->data[i] < -500.0;
    KAD_CALL(mean_of(ctx, recorded, weight, work, &one));
    KAD_CALL(mean_of(ctx, recorded, imbalance, work, &zero));
    if (fabs(zero.mean) > HAMILTON_WARN * zero.err)
        kad_diagnostics_add(diagnostics, KAD_WARNING, "dh-balance", recorded->name,
                            "%s: <t> - <t^2> of t = tanh(dH/2) is %.2g +- %.1g, not 0 "
                            "(<exp(-dH)> = %.3g +- %.1g): no equilibrium (longer "
                            "burn_in), or a wrong force",
                            recorded->name, zero.mean, zero.err, one.mean, one.err);
    if (n_bad > 0)
        kad_diagnostics_add(diagnostics, KAD_WARNING, "nonfinite-dh", recorded->name,
                            "%s: %zu of %zu trajectories diverged and were rejected: a "
                            "smaller step",
                            recorded->name, n_bad, delta->n);
    return KAD_OK;
}

/* The acceptance of Hamiltonian samplers. */
static void warn_acceptance(kad_diagnostics *diagnostics, const kad_recorded *recorded,
                            const kad_runs *runs)
{
    const double p = (double)runs->n_accepted / (double)recorded->accepted.n;
    if (recorded->delta_h.n == 0 || recorded->accepted.n == 0) return;
    if (p < ACCEPT_LOW || p > ACCEPT_HIGH)
        kad_diagnostics_add(diagnostics, KAD_NOTE, "acceptance", recorded->name,
                            "%s: %.0f %% of the trajectories were accepted; 65 to 90 %% "
                            "is where they are cheapest: a longer tuning finds the step",
                            recorded->name, 100.0 * p);
}

/* Proposals rejected in a row. */
static void warn_rejections(kad_diagnostics *diagnostics, const kad_recorded *recorded,
                            const kad_runs *runs)
{
    if (runs->longest <= RUN_LENGTH_WARN ||
        !((double)runs->longest > RUN_SHARE_WARN * (double)recorded->n_draws))
        return;
    kad_diagnostics_add(diagnostics, KAD_WARNING, "rejection-run", recorded->name,
                        "%s: %zu proposals in a row were rejected, of %zu draws a chain: "
                        "%s",
                        recorded->name, runs->longest, recorded->n_draws,
                        recorded->weighted
                            ? "the map misses configurations; train longer or draw more"
                            : "draw more, or a longer tuning of the step");
}

kad_status kad_warn_chain(kad_ctx *ctx, kad_diagnostics *diagnostics,
                          const kad_recorded *recorded, const kad_estimates *estimates,
                          const kad_runs *runs)
{
    if (runs->n_accepted == 0 && recorded->accepted.n > 0) {
        kad_diagnostics_add(diagnostics, KAD_ERROR, "all-rejected", recorded->name,
                            "%s: none of %zu proposals was accepted: its averages mean "
                            "nothing; %s",
                            recorded->name, recorded->accepted.n,
                            recorded->weighted ? "train longer" : "tune its step");
        return KAD_OK;
    }
    warn_rejections(diagnostics, recorded, runs);
    warn_acceptance(diagnostics, recorded, runs);
    warn_length(diagnostics, recorded, estimates);
    warn_rhat(diagnostics, recorded, estimates);
    warn_modes(diagnostics, recorded, estimates);
    warn_periodic(diagnostics, recorded, estimates);
    warn_sign(diagnostics, recorded);
    KAD_CALL(warn_hamilton(ctx, diagnostics, recorded));
    kad_warn_exact(diagnostics, recorded->name, estimates);
    return KAD_OK;
}

void kad_warn_replicas(kad_ctx *ctx, kad_h5 *file, kad_diagnostics *diagnostics,
                       const char *sampler)
{
    char group[128];
    snprintf(group, sizeof group, "/samplers/%s", sampler);
    const double least = kad_attr_real(ctx, file, group, "swap_acceptance_least");
    const double trips = kad_attr_real(ctx, file, group, "round_trips");
    if (least < SWAPS_WARN)
        kad_diagnostics_add(diagnostics, KAD_WARNING, "few-swaps", sampler,
                            "%s: two neighbouring replicas exchanged their states in "
                            "%.2g %% of the tries: more replicas between, or a nearer "
                            "end",
                            sampler, 100 * least);
    if (trips == 0)
        kad_diagnostics_add(diagnostics, KAD_WARNING, "no-round-trip", sampler,
                            "%s: no state went from the first replica to the last and "
                            "back: the chains are no better than their base's; draw "
                            "more, or more replicas",
                            sampler);
}

void kad_warn_weights(kad_diagnostics *diagnostics, const kad_recorded *recorded,
                      const kad_estimates *log_z)
{
    const kad_row *ess = kad_estimates_find(log_z, "ess");
    const kad_row *share = kad_estimates_find(log_z, "largest_share");
    size_t n_zero = 0;
    for (size_t i = 0; i < recorded->log_weight.n; i++)
        n_zero += isfinite(recorded->log_weight.data[i]) ? 0 : 1;
    if (n_zero > 0)
        kad_diagnostics_add(diagnostics, KAD_WARNING, "no-weight", recorded->name,
                            "%s: %zu of %zu draws have no finite weight and were "
                            "rejected: lower train.rate or use flow.precision double",
                            recorded->name, n_zero, recorded->log_weight.n);
    if (ess != NULL && ess->mean < ESS_WARN)
        kad_diagnostics_add(diagnostics, KAD_WARNING, "small-ess", recorded->name,
                            "%s: effective sample size %.2g a draw (below 0.01): do not "
                            "trust reweighted values; train longer",
                            recorded->name, ess->mean);
    if (share != NULL && share->mean > SHARE_WARN)
        kad_diagnostics_add(diagnostics, KAD_WARNING, "one-weight", recorded->name,
                            "%s: one draw carries %.0f %% of all weight: reweighted "
                            "errors are too small; draw more or train longer",
                            recorded->name, 100.0 * share->mean);
    kad_warn_exact(diagnostics, recorded->name, log_z);
}

void kad_warn_solver(kad_ctx *ctx, kad_h5 *file, kad_diagnostics *diagnostics,
                     const kad_recorded *recorded, const kad_estimates *log_z)
{
    const double off = kad_attr_real(ctx, file, "/training", "solver_error");
    const double err = log_z->row[0].err;
    if (!(off > SOLVER_WARN * err) && !isinf(off)) return;
    kad_diagnostics_add(diagnostics, !(off <= err) ? KAD_ERROR : KAD_WARNING,
                        "solver-error", recorded->name,
                        "%s: the steps in which the flow is solved leave ln q off by "
                        "%.1e on average, more than a fifth of the error %.1e of ln Z: "
                        "train with a smaller flow.tolerance or more flow.steps",
                        recorded->name, off, err);
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
        kad_diagnostics_add(diagnostics, KAD_NOTE, "still-improving", NULL,
                            "training: the free energy still fell by %.2f nats over the "
                            "last fifth of the steps: raise train.steps",
                            fall);
}

kad_status kad_warn_family(kad_ctx *ctx, kad_h5 *file, kad_diagnostics *diagnostics)
{
    KAD_SCOPE(scope, ctx);
    kad_values ess = {0}, done = {0};
    const double draws = (double)kad_attr_int(ctx, file, "/family", "draws");
    size_t n = 0, n_poor = 0;
    KAD_CALL(kad_values_read(&scope, file, "/family/ess", &ess));
    KAD_CALL(kad_values_read(&scope, file, "/family/done", &done));
    for (size_t i = 0; i < ess.n; i++) {
        if (kad_values_at(&done, i) != 1) continue;
        n++;
        n_poor += !(ess.data[i] * draws >= KAD_MIN_EFFECTIVE);
    }
    if (n_poor > 0)
        kad_diagnostics_add(diagnostics, KAD_ERROR, "few-effective-draws", NULL,
                            "family: at %zu of %zu values the weights are worth fewer "
                            "than %d draws: no error bars are stated there; train longer "
                            "or draw more",
                            n_poor, n, KAD_MIN_EFFECTIVE);
    return KAD_OK;
}

kad_status kad_warn_training(kad_ctx *ctx, kad_h5 *file, kad_diagnostics *diagnostics)
{
    KAD_SCOPE(scope, ctx);
    kad_values stage = {0}, free_energy = {0}, err = {0}, inverse = {0};
    const int64_t n_skipped = kad_attr_int(ctx, file, "/training", "n_skipped");

    if (n_skipped > 0)
        kad_diagnostics_add(diagnostics, KAD_WARNING, "nonfinite-gradients", NULL,
                            "training: %lld of %lld steps were skipped, their loss or "
                            "gradient was not finite: lower train.rate",
                            (long long)n_skipped,
                            (long long)kad_attr_int(ctx, file, "/training", "steps"));
    KAD_CALL(kad_values_read(&scope, file, "/training/eval/stage", &stage));
    KAD_CALL(kad_values_read(&scope, file, "/training/eval/free_energy", &free_energy));
    KAD_CALL(kad_values_read(&scope, file, "/training/eval/free_energy_err", &err));
    KAD_CALL(kad_values_read(&scope, file, "/training/eval/inverse_error", &inverse));
    warn_improving(diagnostics, &stage, &free_energy, &err);
    if (inverse.n > 0 &&
        !(inverse.data[inverse.n - 1] <= INVERSE_WARN)) /* or no number */
        kad_diagnostics_add(diagnostics, KAD_WARNING, "inverse-error", NULL,
                            "training: the map's inverse misses by up to %.2g: use "
                            "flow.precision double",
                            inverse.data[inverse.n - 1]);
    return KAD_OK;
}
