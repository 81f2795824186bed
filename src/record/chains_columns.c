/* The series of a job: which there are, and the memory they take. */
#include "base/memory.h"
#include "record/chains.h"

#include <stdio.h>

static bool has(const kad_chains *chains, unsigned flag)
{
    return (chains->sampler->ops->flags & flag) != 0;
}

/* Its states follow the model; else all there is are proposals, which have weights. */
static bool is_chain(const kad_chains *chains)
{
    return !has(chains, KAD_SAMPLER_WEIGHTED) || has(chains, KAD_SAMPLER_PROPOSALS);
}

static kad_status add_plain(kad_ctx *ctx, kad_store *store, const char *name,
                            kad_h5_type type, const char *summary, kad_column **out)
{
    kad_column spec = {.type = type, .units = "", .summary = summary};
    snprintf(spec.name, sizeof spec.name, "%s", name);
    return kad_store_add(ctx, store, &spec, 0, out);
}

/* Bins, where there are more draws: of all chains together and of one up to so many, and
 * more than half of it. Weighted draws are independent
 * of each other, so that few bins tell their errors. */
enum { BINS_ALL = 2048, BINS_LEAST = 32, WEIGHTED_ALL = 512, WEIGHTED_LEAST = 4 };
enum { LEVELS = 32 }; /* of a bin under way, at most */
static const char WEIGHTED_AXIS[] = "weighted_bin";

/* Of a chain. */
static size_t n_bins(const kad_chains *chains, bool weighted)
{
    const size_t n_chains = (size_t)chains->job->setup.n_chains;
    const size_t all = weighted ? WEIGHTED_ALL : BINS_ALL;
    const size_t least = weighted ? WEIGHTED_LEAST : BINS_LEAST;
    const size_t n = (all + n_chains - 1) / n_chains;
    return n > least ? n : least;
}

/* Draws of the states follow the model, those of proposals with their weights. */
static bool has_bins(const kad_chains *chains, bool weighted)
{
    if (chains->measure->n_plain == chains->measure->n) return false;
    return weighted ? has(chains, KAD_SAMPLER_WEIGHTED) : is_chain(chains);
}

/* Observables first .. end - 1 below `prefix`: scalars in double, rows of values in float;
 * binned ones in double, n_kept bins of a chain on an axis. */
static kad_status add_observables(kad_ctx *ctx, kad_chains *chains, const char *prefix,
                                  int begin, int end, size_t n_kept, const char *bin_axis,
                                  kad_column **first)
{
    *first = &chains->store->column[chains->store->n_columns];
    for (int i = begin; i < end; i++) {
        const kad_observable_ops *ops = chains->measure->ops[i];
        const bool is_float = ops->width != NULL && !ops->binned;
        const kad_action_spins *spins = chains->measure->action->ops->spins;
        kad_column spec = {.type = is_float ? KAD_H5_F32 : KAD_H5_F64,
                           .rank = ops->width != NULL ? 1 : 0,
                           .dims = {chains->measure->width[i]},
                           .axis = {ops->axis != NULL ? ops->axis : "r"},
                           .mean = ops->binned,
                           .bin_axis = bin_axis,
                           .units = ops->units,
                           .summary = ops->summary,
                           .estimator = ops->estimator,
                           .conditional = spins != NULL && !spins->direct && !ops->drawn};
        snprintf(spec.name, sizeof spec.name, "%s/%s", prefix, ops->name);
        KAD_CALL(kad_store_add(ctx, chains->store, &spec, n_kept, NULL));
    }
    return KAD_OK;
}

/* The observables that are kept as means over bins. */
static kad_status add_binned(kad_ctx *ctx, kad_chains *chains)
{
    const int n_plain = chains->measure->n_plain, n = chains->measure->n;
    const kad_column sums = {.name = "weighted/log_weight",
                             .type = KAD_H5_F64,
                             .mean = true,
                             .bin_axis = WEIGHTED_AXIS,
                             .n_weighted = n - n_plain,
                             .units = "",
                             .summary = "ln sum w over the bin's draws (proposals)"};
    kad_column *means;
    if (has_bins(chains, false))
        KAD_CALL(add_observables(ctx, chains, "binned", n_plain, n, n_bins(chains, false),
                                 NULL, &chains->binned));
    if (!has_bins(chains, true)) return KAD_OK;
    const size_t n_kept = n_bins(chains, true);
    KAD_CALL(kad_store_add(ctx, chains->store, &sums, n_kept, &chains->weighted));
    return add_observables(ctx, chains, "weighted", n_plain, n, n_kept, WEIGHTED_AXIS,
                           &means);
}

/* Configurations (component, then the lattice's axes) of the chains' states. */
static kad_status add_fields(kad_ctx *ctx, kad_chains *chains, const char *name,
                             const char *summary, kad_column **out)
{
    const kad_action *action = chains->job->setup.action;
    const size_t n_chains = (size_t)chains->job->setup.n_chains;
    kad_column spec = {.type = KAD_H5_F32,
                       .rank = 1 + action->lattice->d,
                       .dims = {(size_t)action->n_comp},
                       .axis = {"component"},
                       .units = "",
                       .summary = summary};
    for (int mu = 0; mu < action->lattice->d; mu++) {
        spec.dims[1 + mu] = (size_t)action->lattice->shape[mu];
        spec.axis[1 + mu] = kad_axis_name(action->lattice->d, mu);
    }
    snprintf(spec.name, sizeof spec.name, "%s", name);
    const size_t n_kept = (chains->job->n_configs + n_chains - 1) / n_chains;
    return kad_store_add(ctx, chains->store, &spec, n_kept, out);
}

/* Scalars of the first draws, burn-in included. */
static kad_status add_first(kad_ctx *ctx, kad_chains *chains)
{
    if (chains->first == NULL) return KAD_OK;
    KAD_CALL(add_plain(ctx, chains->first, "observables/action", KAD_H5_F64,
                       "action of the chain's state", NULL));
    for (int i = 0; i < chains->measure->n_plain; i++) {
        const kad_observable_ops *ops = chains->measure->ops[i];
        kad_column spec = {.type = KAD_H5_F64,
                           .units = ops->units,
                           .summary = ops->summary,
                           .estimator = ops->estimator};
        if (ops->width != NULL) continue;
        snprintf(spec.name, sizeof spec.name, "observables/%s", ops->name);
        KAD_CALL(kad_store_add(ctx, chains->first, &spec, 0, NULL));
    }
    return KAD_OK;
}

kad_status kad_chains_add_columns(kad_ctx *ctx, kad_chains *chains)
{
    kad_store *store = chains->store;

    const bool moves = has(chains, KAD_SAMPLER_MOVES) || chains->thin > 1;
    KAD_CALL(add_plain(ctx, store, "accepted", KAD_H5_U8,
                       moves ? "any of the draw's moves was accepted"
                             : "the proposal was accepted",
                       &chains->accepted));
    if (moves)
        KAD_CALL(add_plain(ctx, store, "acceptance", KAD_H5_F32,
                           "fraction of the draw's moves that were accepted",
                           &chains->acceptance));
    if (has(chains, KAD_SAMPLER_WEIGHTED)) {
        KAD_CALL(add_plain(ctx, store, "proposals/action", KAD_H5_F64,
                           "action of the proposal", &chains->action));
        KAD_CALL(
            add_plain(ctx, store, "proposals/log_weight", KAD_H5_F64,
                      "ln w = log_z_offset - S - ln q of the proposal; ln mean w = ln Z",
                      &chains->log_weight));
    } else {
        KAD_CALL(add_plain(ctx, store, "action", KAD_H5_F64, "action of the draw",
                           &chains->action));
    }
    if (has(chains, KAD_SAMPLER_DELTA_H))
        KAD_CALL(add_plain(ctx, store, "delta_h", KAD_H5_F64, "energy violation",
                           &chains->delta_h));
    const int n_plain = chains->measure->n_plain;
    if (is_chain(chains)) {
        KAD_CALL(add_plain(ctx, store, "observables/action", KAD_H5_F64,
                           "action of the chain's state", &chains->state_action));
        KAD_CALL(add_observables(ctx, chains, "observables", 0, n_plain, 0, NULL,
                                 &chains->observables));
    }
    if (has(chains, KAD_SAMPLER_WEIGHTED))
        KAD_CALL(add_observables(ctx, chains, "proposals", 0, n_plain, 0, NULL,
                                 &chains->proposals));
    KAD_CALL(add_binned(ctx, chains));
    if (chains->job->n_configs > 0)
        KAD_CALL(add_fields(ctx, chains, "configs", "boundary configurations",
                            &chains->configs));
    if (chains->job->n_configs > 0 && chains->job->latents)
        KAD_CALL(add_fields(ctx, chains, "latents", "latents of the configurations",
                            &chains->latents));
    return add_first(ctx, chains);
}

kad_status kad_chains_require_memory(kad_ctx *ctx, const kad_chains *chains)
{
    const kad_sampler_setup *setup = &chains->job->setup;
    const double n_chains = setup->n_chains;
    const kad_measure *measure = chains->measure;
    const size_t n_kept = measure->n_plain < measure->n
                              ? measure->offset[measure->n_plain]
                              : chains->n_values;
    const double per_draw = 8.0 * 2.0 * (double)(n_kept + 2);
    const double per_batch = 8.0 * (double)(3 * chains->n_rows + chains->n_values + 6);
    const size_t bins = (has_bins(chains, false) ? n_bins(chains, false) + LEVELS : 0) +
                        (has_bins(chains, true) ? n_bins(chains, true) + LEVELS : 0);
    const double bytes =
        2.0 * n_chains * (double)setup->n_draws * per_draw +
        16.0 * n_chains * (double)bins * (double)(chains->n_values - n_kept) +
        n_chains * (double)setup->n_batch_max * per_batch +
        16.0 * n_chains * (double)chains->job->n_first * (double)(n_kept + 1) +
        2.0 * 8.0 * (double)(chains->job->n_configs * chains->n_rows);
    return kad_memory_require(ctx, bytes < 9e18 ? (size_t)bytes : SIZE_MAX,
                              "the series of a sampler");
}
