#include "measure/chains.h"

#include "base/memory.h"
#include "base/signals.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool has(const kad_chains *chains, unsigned flag)
{
    return (chains->sampler->ops->flags & flag) != 0;
}

/* --- columns ------------------------------------------------------------------------ */

static kad_status add_plain(kad_ctx *ctx, kad_store *store, const char *name,
                            kad_h5_type type, const char *summary, kad_column **out)
{
    kad_column spec = {.type = type, .units = "", .summary = summary};
    snprintf(spec.name, sizeof spec.name, "%s", name);
    return kad_store_add(ctx, store, &spec, 0, out);
}

/* Bins of a chain: together at least BINS_ALL, a chain at least BINS_LEAST. */
enum { BINS_ALL = 2048, BINS_LEAST = 32 };

static size_t n_bins(const kad_chains *chains)
{
    const size_t n_chains = (size_t)chains->job->setup.n_chains;
    const size_t n = (BINS_ALL + n_chains - 1) / n_chains;
    return n > BINS_LEAST ? n : BINS_LEAST;
}

/* Observables first .. end - 1 below `prefix`: scalars in double, rows of values in float
 * (binned ones in double). */
static kad_status add_observables(kad_ctx *ctx, kad_chains *chains, const char *prefix,
                                  int begin, int end, kad_column **first)
{
    kad_status status = KAD_OK;
    *first = &chains->store->column[chains->store->n_columns];
    for (int i = begin; i < end; i++) {
        const kad_observable_ops *ops = chains->measure->ops[i];
        const bool is_float = ops->width != NULL && !ops->binned;
        kad_column spec = {.type = is_float ? KAD_H5_F32 : KAD_H5_F64,
                           .rank = ops->width != NULL ? 1 : 0,
                           .dims = {chains->measure->width[i]},
                           .axis = {ops->axis != NULL ? ops->axis : "r"},
                           .mean = ops->binned,
                           .units = ops->units,
                           .summary = ops->summary,
                           .estimator = ops->estimator};
        snprintf(spec.name, sizeof spec.name, "%s/%s", prefix, ops->name);
        KAD_TRY(kad_store_add(ctx, chains->store, &spec, ops->binned ? n_bins(chains) : 0,
                              NULL));
    }
done:
    return status;
}

/* Configurations (component, then the lattice's axes) of the chains' states. */
static kad_status add_fields(kad_ctx *ctx, kad_chains *chains, const char *name,
                             const char *summary, kad_column **out)
{
    static const char *const axes[KAD_MAX_DIM][KAD_MAX_DIM] = {
        {"x"}, {"y", "x"}, {"z", "y", "x"}};
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
        spec.axis[1 + mu] = axes[action->lattice->d - 1][mu];
    }
    snprintf(spec.name, sizeof spec.name, "%s", name);
    const size_t n_kept = (chains->job->n_configs + n_chains - 1) / n_chains;
    return kad_store_add(ctx, chains->store, &spec, n_kept, out);
}

static kad_status add_columns(kad_ctx *ctx, kad_chains *chains)
{
    kad_status status = KAD_OK;
    kad_store *store = chains->store;

    KAD_TRY(add_plain(ctx, store, "accepted", KAD_H5_U8, "the proposal was accepted",
                      &chains->accepted));
    KAD_TRY(add_plain(ctx, store, "action", KAD_H5_F64,
                      "action of the draw (of the proposal, accepted or not)",
                      &chains->action));
    if (has(chains, KAD_SAMPLER_WEIGHTED))
        KAD_TRY(add_plain(ctx, store, "log_weight", KAD_H5_F64,
                          "ln w = log_z_offset - S - ln q of the draw (of the proposal, "
                          "accepted or not); ln mean w = ln Z",
                          &chains->log_weight));
    if (has(chains, KAD_SAMPLER_DELTA_H))
        KAD_TRY(add_plain(ctx, store, "delta_h", KAD_H5_F64, "energy violation",
                          &chains->delta_h));
    KAD_TRY(add_plain(ctx, store, "observables/action", KAD_H5_F64,
                      "action of the chain's state", &chains->state_action));
    const int n_plain = chains->measure->n_plain, n = chains->measure->n;
    KAD_TRY(
        add_observables(ctx, chains, "observables", 0, n_plain, &chains->observables));
    if (has(chains, KAD_SAMPLER_PROPOSALS))
        KAD_TRY(
            add_observables(ctx, chains, "proposals", 0, n_plain, &chains->proposals));
    KAD_TRY(add_observables(ctx, chains, "binned", n_plain, n, &chains->binned));
    if (chains->job->n_configs > 0)
        KAD_TRY(add_fields(ctx, chains, "configs", "boundary configurations",
                           &chains->configs));
    if (chains->job->n_configs > 0 && chains->job->latents)
        KAD_TRY(add_fields(ctx, chains, "latents", "latents of the configurations",
                           &chains->latents));
done:
    return status;
}

/* --- creation ----------------------------------------------------------------------- */

/* Series, buffers and the file built from them, against what the process may use. */
static kad_status require_memory(kad_ctx *ctx, const kad_chains *chains)
{
    const kad_sampler_setup *setup = &chains->job->setup;
    const double n_chains = setup->n_chains;
    const kad_measure *measure = chains->measure;
    const size_t n_kept = measure->n_plain < measure->n
                              ? measure->offset[measure->n_plain]
                              : chains->n_values;
    const double per_draw = 8.0 * 2.0 * (double)(n_kept + 2);
    const double per_batch = 8.0 * (double)(3 * chains->n_rows + chains->n_values + 6);
    const double bytes =
        2.0 * n_chains * (double)setup->n_draws * per_draw +
        16.0 * n_chains * (double)n_bins(chains) * (double)(chains->n_values - n_kept) +
        n_chains * (double)setup->n_batch_max * per_batch +
        8.0 * (double)(chains->job->n_configs * chains->n_rows);
    return kad_memory_require(ctx, bytes < 9e18 ? (size_t)bytes : SIZE_MAX,
                              "the series of a sampler");
}

static kad_status allocate(kad_ctx *ctx, kad_chains *chains)
{
    kad_status status = KAD_OK;
    const kad_sampler_setup *setup = &chains->job->setup;
    const size_t n_chains = (size_t)setup->n_chains;
    kad_draws *draws = &chains->draws;
    size_t n;

    if (!kad_size_mul(n_chains, setup->n_batch_max, &n))
        return kad_fail(ctx, KAD_ENOMEM, "sample[%d].batch: %zu is too large",
                        setup->entry, setup->n_batch_max);
    KAD_TRY(kad_new(ctx, n, sizeof(uint64_t), &draws->number));
    KAD_TRY(kad_new(ctx, n, chains->n_rows * sizeof(double), &draws->x));
    if (chains->job->latents)
        KAD_TRY(kad_new(ctx, n, chains->n_rows * sizeof(double), &draws->z));
    KAD_TRY(kad_new(ctx, n, sizeof(double), &draws->action));
    KAD_TRY(kad_new(ctx, n, sizeof(double), &draws->log_weight));
    KAD_TRY(kad_new(ctx, n, sizeof(double), &draws->delta_h));
    KAD_TRY(kad_new(ctx, n, 1, &draws->accepted));
    KAD_TRY(kad_new(ctx, n, chains->n_values * sizeof(double), &chains->rows));
    KAD_TRY(kad_new(ctx, n_chains, chains->n_state * sizeof(double), &chains->state));
done:
    return status;
}

kad_status kad_chains_create(kad_ctx *ctx, const kad_job *job, kad_chains **out)
{
    kad_status status = KAD_OK;
    kad_chains *chains = NULL;
    const kad_sampler_setup *setup = &job->setup;

    *out = NULL;
    KAD_TRY(kad_new(ctx, 1, sizeof *chains, &chains));
    chains->job = job;
    chains->n_rows =
        (size_t)setup->action->lattice->n_sites * (size_t)setup->action->n_comp;
    KAD_TRY(kad_sampler_create(ctx, job->sampler, setup, &chains->sampler));
    KAD_TRY(kad_measure_create(ctx, setup->action, setup->seed, (uint32_t)setup->entry,
                               &chains->measure));
    chains->n_values = chains->measure->n_columns;
    chains->n_state = 1 + chains->n_values + (job->latents ? 2 : 1) * chains->n_rows;
    KAD_TRY(kad_store_create(ctx, (size_t)setup->n_chains, (size_t)setup->n_draws,
                             &chains->store));
    KAD_TRY(require_memory(ctx, chains));
    KAD_TRY(add_columns(ctx, chains));
    KAD_TRY(allocate(ctx, chains));
    *out = chains;
    chains = NULL;
done:
    kad_chains_destroy(chains);
    return status;
}

void kad_chains_destroy(kad_chains *chains)
{
    if (chains == NULL) return;
    kad_free(chains->draws.number);
    kad_free(chains->draws.x);
    kad_free(chains->draws.z);
    kad_free(chains->draws.action);
    kad_free(chains->draws.log_weight);
    kad_free(chains->draws.delta_h);
    kad_free(chains->draws.accepted);
    kad_free(chains->rows);
    kad_free(chains->state);
    kad_store_destroy(chains->store);
    kad_measure_destroy(chains->measure);
    kad_sampler_destroy(chains->sampler);
    kad_free(chains);
}

/* --- a batch ------------------------------------------------------------------------ */

/* The chain's state becomes draw `at` of the batch. */
static void take(kad_chains *chains, size_t chain, size_t at)
{
    const size_t n_rows = chains->n_rows, n_values = chains->n_values;
    double *state = chains->state + chain * chains->n_state;
    state[0] = chains->draws.action[at];
    memcpy(state + 1, chains->rows + at * n_values, n_values * sizeof *state);
    memcpy(state + 1 + n_values, chains->draws.x + at * n_rows, n_rows * sizeof *state);
    if (chains->draws.z != NULL)
        memcpy(state + 1 + n_values + n_rows, chains->draws.z + at * n_rows,
               n_rows * sizeof *state);
}

/* Store a configuration [site][component] as [component][site]. */
static void set_field(const kad_chains *chains, const kad_column *column, size_t chain,
                      size_t draw, const double *field)
{
    const size_t n_comp = (size_t)chains->job->setup.action->n_comp;
    const size_t n_sites = chains->n_rows / n_comp;
    if (column == NULL || !kad_column_keeps(column, draw)) return;
    float *out = (float *)column->data +
                 (chain * column->n_stored + draw / column->stride) * column->width;
    for (size_t i = 0; i < n_sites; i++)
        for (size_t a = 0; a < n_comp; a++)
            out[a * n_sites + i] = (float)field[i * n_comp + a];
}

static void set(const kad_column *column, size_t chain, size_t draw, double value)
{
    if (column != NULL) kad_column_set(column, chain, draw, &value);
}

/* Observables begin .. end - 1, the first of `columns` being `begin`. */
static void set_row(const kad_chains *chains, const kad_column *columns, int begin,
                    int end, size_t chain, size_t draw, const double *row)
{
    for (int i = begin; columns != NULL && i < end; i++)
        kad_column_set(&columns[i - begin], chain, draw,
                       row + chains->measure->offset[i]);
}

/* Record draw `at` of the batch as draw `draw` of the chain. */
static void record(kad_chains *chains, size_t chain, size_t at, size_t draw)
{
    const kad_draws *draws = &chains->draws;
    const double *state = chains->state + chain * chains->n_state;
    const size_t n_values = chains->n_values;

    chains->n_accepted += draws->accepted[at];
    set(chains->accepted, chain, draw, draws->accepted[at]);
    set(chains->action, chain, draw, draws->action[at]);
    set(chains->state_action, chain, draw, state[0]);
    set(chains->log_weight, chain, draw, draws->log_weight[at]);
    set(chains->delta_h, chain, draw, draws->delta_h[at]);
    const int n_plain = chains->measure->n_plain, n = chains->measure->n;
    set_row(chains, chains->observables, 0, n_plain, chain, draw, state + 1);
    set_row(chains, chains->proposals, 0, n_plain, chain, draw,
            chains->rows + at * n_values);
    set_row(chains, chains->binned, n_plain, n, chain, draw, state + 1);
    set_field(chains, chains->configs, chain, draw, state + 1 + n_values);
    set_field(chains, chains->latents, chain, draw,
              state + 1 + n_values + (draws->z != NULL ? chains->n_rows : 0));
}

int64_t kad_chains_recorded(const kad_chains *chains)
{
    const int64_t n = chains->n_done - chains->job->setup.n_burn_in;
    return n > 0 ? n : 0;
}

kad_status kad_chains_batch(kad_ctx *ctx, kad_chains *chains)
{
    kad_status status = KAD_OK;
    const kad_sampler_setup *setup = &chains->job->setup;
    const bool burning = chains->n_done < setup->n_burn_in;
    const int64_t left =
        (burning ? setup->n_burn_in : setup->n_burn_in + setup->n_draws) - chains->n_done;
    const size_t n_chains = (size_t)setup->n_chains;
    const size_t n =
        left < (int64_t)setup->n_batch_max ? (size_t)left : setup->n_batch_max;
    const size_t draw = (size_t)kad_chains_recorded(chains);
    const double start = kad_wall_seconds();

    chains->draws.n = n;
    KAD_TRY(chains->sampler->ops->advance(ctx, chains->sampler->self, &chains->draws));
    kad_measure_rows(chains->measure, n_chains * n, chains->draws.number, chains->draws.x,
                     chains->draws.action, chains->rows);
    for (size_t chain = 0; chain < n_chains; chain++)
        for (size_t i = 0; i < n; i++) {
            const size_t at = chain * n + i;
            if (!has(chains, KAD_SAMPLER_PROPOSALS) || chains->draws.accepted[at])
                take(chains, chain, at);
            if (!burning) record(chains, chain, at, draw + i);
        }
    chains->n_done += (int64_t)n;
    if (!burning) chains->seconds += kad_wall_seconds() - start;
done:
    return status;
}

/* --- segments ----------------------------------------------------------------------- */

kad_status kad_chains_save(kad_ctx *ctx, const kad_chains *chains, int64_t first,
                           kad_h5 *file)
{
    kad_status status = KAD_OK;
    const size_t dims[2] = {(size_t)chains->job->setup.n_chains, chains->n_state};
    const int64_t n = kad_chains_recorded(chains) - first;

    KAD_TRY(kad_h5_group(ctx, file, "/state"));
    KAD_TRY(kad_h5_attr_set_int(ctx, file, "/", "first", first));
    KAD_TRY(kad_h5_attr_set_int(ctx, file, "/", "n", n));
    KAD_TRY(kad_h5_attr_set_int(ctx, file, "/", "n_done", chains->n_done));
    KAD_TRY(kad_h5_attr_set_real(ctx, file, "/", "n_accepted", chains->n_accepted));
    KAD_TRY(kad_h5_attr_set_real(ctx, file, "/", "seconds", chains->seconds));
    KAD_TRY(kad_h5_write(ctx, file, "/current", KAD_H5_F64, 2, dims, chains->state));
    KAD_TRY(chains->sampler->ops->save(ctx, chains->sampler->self, file, "/state"));
    KAD_TRY(kad_store_save(ctx, chains->store, (size_t)first, (size_t)n, file));
done:
    return status;
}

kad_status kad_chains_load(kad_ctx *ctx, kad_chains *chains, kad_h5 *file)
{
    kad_status status = KAD_OK;
    const kad_sampler_setup *setup = &chains->job->setup;
    const size_t dims[2] = {(size_t)setup->n_chains, chains->n_state};
    int64_t first, n, n_done;
    double n_accepted, seconds;

    KAD_TRY(kad_h5_attr_int(ctx, file, "/", "first", &first));
    KAD_TRY(kad_h5_attr_int(ctx, file, "/", "n", &n));
    KAD_TRY(kad_h5_attr_int(ctx, file, "/", "n_done", &n_done));
    KAD_TRY(kad_h5_attr_real(ctx, file, "/", "n_accepted", &n_accepted));
    KAD_TRY(kad_h5_attr_real(ctx, file, "/", "seconds", &seconds));
    if (first != kad_chains_recorded(chains) || n < 0 || first + n > setup->n_draws ||
        n_done < chains->n_done || n_done > setup->n_burn_in + setup->n_draws)
        return kad_fail(ctx, KAD_EDATA,
                        "segment of %s: draws %lld + %lld do not follow draw %lld",
                        chains->job->name, (long long)first, (long long)n,
                        (long long)kad_chains_recorded(chains));
    KAD_TRY(kad_store_load(ctx, chains->store, (size_t)first, (size_t)n, file));
    KAD_TRY(kad_h5_read(ctx, file, "/current", KAD_H5_F64, 2, dims, chains->state));
    KAD_TRY(chains->sampler->ops->load(ctx, chains->sampler->self, file, "/state"));
    chains->n_done = n_done;
    chains->n_accepted = n_accepted;
    chains->seconds = seconds;
done:
    return status;
}
