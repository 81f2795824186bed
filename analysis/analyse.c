#include "analysis/analyse.h"

#include "analysis/agreement.h"
#include "analysis/comparison.h"
#include "analysis/equilibrium.h"
#include "analysis/means.h"
#include "analysis/reshuffle.h"
#include "analysis/results.h"
#include "analysis/warn.h"
#include "analysis/weighed.h"
#include "base/memory.h"
#include "base/weights.h"
#include "io/writer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What the analyses of single samplers add to. */
typedef struct findings {
    kad_diagnostics diagnostics;
    kad_agreement agreement;
} findings;

/* Weights worth too little speak of every table of their sampler. */
static void refuse_errors(const kad_recorded *recorded, kad_estimates *estimates)
{
    for (size_t i = 0; i < estimates->n; i++)
        kad_row_refuse(&estimates->row[i], kad_recorded_refusal(recorded, true));
}

/* Without equilibrium no error bar: m of a symmetric action for itself, the others
 * together, and what is made of them. */
static kad_status settle(kad_ctx *ctx, kad_h5 *file, kad_recorded *recorded,
                         kad_estimates *estimates, kad_diagnostics *diagnostics)
{
    kad_thermal even, odd;
    bool m_had_one = false;
    KAD_CALL(kad_thermal_check(ctx, file, recorded, estimates, &even, &odd));
    recorded->unsettled = even.reason != KAD_THERMAL_FINE;
    for (size_t i = 0; i < estimates->n; i++) {
        const bool is_odd =
            recorded->symmetric && strcmp(estimates->row[i].name, "m") == 0;
        if ((is_odd ? odd : even).reason == KAD_THERMAL_FINE) continue;
        m_had_one |= is_odd && isfinite(estimates->row[i].err);
        kad_row_refuse(&estimates->row[i], KAD_GAMMA_START);
    }
    KAD_CALL(kad_rhat_limits(ctx, recorded, estimates));
    if (recorded->unsettled || m_had_one)
        kad_warn_thermal(diagnostics, recorded, recorded->unsettled ? &even : &odd);
    return KAD_OK;
}

/* Runs of rejections, beside the estimates of the chain or of its random orders. */
static kad_status write_runs(kad_ctx *ctx, kad_h5 *file, const kad_estimates *estimates,
                             const kad_runs *runs, int orders)
{
    char group[128];
    if (estimates->n == 0) return KAD_OK;
    snprintf(group, sizeof group, "/analysis/%s", estimates->name);
    kad_writer w = kad_write_into(ctx, file, group);
    if (orders > 1) kad_write_int(&w, "orders", orders);
    kad_write_real(&w, "tau_rejections", runs->tau);
    kad_write_int(&w, "longest_rejection", (int64_t)runs->longest);
    return kad_write_end(&w);
}

/* Chain averages, correlators and warnings of one sampler. */
static kad_status analyse_chain(kad_ctx *ctx, kad_h5 *file, kad_recorded *recorded,
                                findings *found)
{
    KAD_SCOPE(scope, ctx);
    kad_estimates *estimates;
    kad_runs runs = {0};

    if (recorded->accepted.n > 0)
        runs = kad_runs_analyse(recorded->n_chains, recorded->n_draws,
                                recorded->accepted.data);
    KAD_CALL(kad_analyse_chain(&scope, file, recorded, &estimates));
    refuse_errors(recorded, estimates);
    KAD_CALL(settle(ctx, file, recorded, estimates, &found->diagnostics));
    KAD_CALL(kad_estimates_write(ctx, file, estimates));
    KAD_CALL(kad_analyse_correlators(ctx, file, recorded, false));
    KAD_CALL(kad_analyse_spectrum(ctx, file, recorded, false));
    kad_warn_undefined(&found->diagnostics, recorded->name, estimates);
    KAD_CALL(kad_warn_chain(ctx, &found->diagnostics, recorded, estimates, &runs));
    kad_warn_replicas(ctx, file, &found->diagnostics, recorded->name);
    if (!recorded->weighted) /* else the weighted draws speak, which are the same */
        kad_agreement_add_table(&found->agreement, estimates, recorded->symmetric);
    if (recorded->accepted.n > 0 && recorded->weighted)
        KAD_CALL(write_runs(ctx, file, estimates, &runs, 1));
    return KAD_OK;
}

/* tau_int over random orders of the stored proposals, with its runs of rejections. */
static kad_status analyse_reshuffled(kad_ctx *ctx, kad_h5 *file,
                                     const kad_recorded *recorded)
{
    KAD_SCOPE(scope, ctx);
    kad_estimates *estimates;
    kad_runs runs;
    const int64_t seed = kad_attr_int(ctx, file, "/", "seed");
    KAD_CALL(kad_analyse_reshuffled(&scope, (uint64_t)seed, recorded, &runs, &estimates));
    refuse_errors(recorded, estimates);
    KAD_CALL(kad_estimates_write(ctx, file, estimates));
    return write_runs(ctx, file, estimates, &runs, KAD_RESHUFFLE_ORDERS);
}

/* Reweighted averages and correlators of one sampler. */
static kad_status analyse_weighted(kad_ctx *ctx, kad_h5 *file,
                                   const kad_recorded *recorded, findings *found)
{
    KAD_SCOPE(scope, ctx);
    kad_estimates *estimates;
    KAD_CALL(kad_analyse_weighted(&scope, file, recorded, &estimates));
    refuse_errors(recorded, estimates);
    KAD_CALL(kad_estimates_write(ctx, file, estimates));
    KAD_CALL(kad_analyse_correlators(ctx, file, recorded, true));
    KAD_CALL(kad_analyse_spectrum(ctx, file, recorded, true));
    kad_warn_undefined(&found->diagnostics, recorded->name, estimates);
    kad_warn_exact(&found->diagnostics, recorded->name, estimates);
    kad_agreement_add_table(&found->agreement, estimates, recorded->symmetric);
    return KAD_OK;
}

/* ln Z from one sampler; into the file when `main` (one sampler speaks for the run). */
static kad_status analyse_log_z(kad_ctx *ctx, kad_h5 *file, const kad_recorded *recorded,
                                bool main, findings *found)
{
    KAD_SCOPE(scope, ctx);
    kad_diagnostics *diagnostics = &found->diagnostics;
    kad_estimates *log_z;
    char name[KAD_ESTIMATE_NAME + 16];
    KAD_CALL(kad_analyse_log_z(&scope, file, recorded, &log_z));
    refuse_errors(recorded, log_z);
    if (!main) snprintf(log_z->name, sizeof log_z->name, "log_z_%.50s", recorded->name);
    KAD_CALL(kad_estimates_write(ctx, file, log_z));
    kad_warn_weights(diagnostics, recorded, log_z);
    kad_warn_solver(ctx, file, diagnostics, recorded, log_z);
    snprintf(name, sizeof name, "%s_reweighted", recorded->name);
    kad_agreement_add(&found->agreement, "log_z", name, log_z->row[0].mean,
                      log_z->row[0].err, log_z->row[0].err_dof);
    if (recorded->few_weights)
        kad_diagnostics_add(
            diagnostics, KAD_ERROR, "few-effective-draws", recorded->name,
            "%s: the weights are worth %.3g draws (below 50): no error "
            "bar is stated; train longer or draw more",
            recorded->name,
            kad_effective_draws(recorded->log_weight.n, recorded->log_weight.data));
    if (main)
        KAD_CALL(kad_h5_attr_set_string(ctx, file, "/analysis/log_z", "sampler",
                                        recorded->name));
    return KAD_OK;
}

static bool enough_weights(const kad_recorded *recorded)
{
    size_t n = 0;
    for (size_t i = 0; i < recorded->log_weight.n && n < 2; i++)
        n += recorded->log_weight.data[i] > -1e300;
    return n == 2;
}

static kad_status analyse_one(kad_ctx *ctx, kad_h5 *file, const char *name, bool main,
                              findings *found)
{
    KAD_SCOPE(scope, ctx);
    kad_diagnostics *diagnostics = &found->diagnostics;
    kad_recorded recorded = {0};
    KAD_CALL(kad_recorded_read(&scope, file, name, &recorded));
    if (recorded.n_draws < 2) {
        kad_diagnostics_add(diagnostics, KAD_WARNING, "too-short", name,
                            "%s: one draw a chain: nothing can be analysed", name);
        return KAD_OK;
    }
    if (recorded.is_chain) KAD_CALL(analyse_chain(ctx, file, &recorded, found));
    if (!recorded.weighted) return KAD_OK;
    if (!enough_weights(&recorded)) {
        kad_diagnostics_add(diagnostics, KAD_ERROR, "no-weight", name,
                            "%s: fewer than two draws have a finite weight", name);
        return KAD_OK;
    }
    if (recorded.is_chain) KAD_CALL(analyse_reshuffled(ctx, file, &recorded));
    KAD_CALL(analyse_weighted(ctx, file, &recorded, found));
    return analyse_log_z(ctx, file, &recorded, main, found);
}

static kad_status compare(kad_ctx *ctx, kad_h5 *file)
{
    KAD_SCOPE(scope, ctx);
    kad_comparison *comparison;
    KAD_CALL(kad_take(&scope, 1, &comparison));
    KAD_CALL(kad_comparison_add(ctx, file, "", comparison));
    kad_comparison_finish(comparison);
    return kad_comparison_write(ctx, file, comparison);
}

/* What only several samplers together can tell. */
static kad_status analyse_together(kad_ctx *ctx, kad_h5 *file, size_t n, char **names,
                                   size_t main, findings *found)
{
    KAD_CALL(kad_analyse_weighed(ctx, file, n, names, main, &found->agreement,
                                 &found->diagnostics));
    kad_agreement_finish(&found->agreement);
    kad_agreement_warn(&found->agreement, &found->diagnostics);
    kad_weighed_warn(&found->agreement, &found->diagnostics);
    KAD_CALL(kad_agreement_write(ctx, file, &found->agreement));
    return compare(ctx, file);
}

kad_status kad_analyse_file(kad_ctx *ctx, kad_h5 *file)
{
    KAD_SCOPE(scope, ctx);
    findings *found;
    char **names = NULL;
    size_t n = 0;

    KAD_CALL(kad_take(&scope, 1, &found));
    KAD_CALL(kad_h5_remove(ctx, file, "/analysis"));
    KAD_CALL(kad_h5_remove(ctx, file, "/correlators/boundary"));
    if (kad_h5_exists(file, "/training"))
        KAD_CALL(kad_warn_training(ctx, file, &found->diagnostics));
    if (kad_h5_exists(file, "/family"))
        KAD_CALL(kad_warn_family(ctx, file, &found->diagnostics));
    KAD_CALL(kad_members(&scope, file, "/samplers", &n, &names));
    const size_t best = kad_weighed_main(ctx, file, n, names, false);
    for (size_t i = 0; i < n; i++)
        KAD_CALL(analyse_one(ctx, file, names[i], i == best, found));
    KAD_CALL(analyse_together(ctx, file, n, names, best, found));
    return kad_diagnostics_write(ctx, file, &found->diagnostics);
}

kad_status kad_analyse(kad_ctx *ctx, const kad_run *run)
{
    KAD_LOCAL(kad_h5, file);
    KAD_CALL(kad_results_open(ctx, run, &file));
    KAD_CALL(kad_analyse_file(ctx, file));
    return kad_results_save(ctx, run, file);
}
