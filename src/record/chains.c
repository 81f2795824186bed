#include "record/chains.h"

#include "base/memory.h"
#include "base/ranks.h"
#include "base/signals.h"
#include "sample/start.h"

#include <math.h>
#include <string.h>

static const double BATCH_SECONDS = 0.5;

static bool has(const kad_chains *chains, unsigned flag)
{
    return (chains->sampler->ops->flags & flag) != 0;
}

/* --- creation ----------------------------------------------------------------------- */

static kad_status allocate(kad_ctx *ctx, kad_chains *chains)
{
    const kad_sampler_setup *setup = &chains->job->setup;
    const size_t n_chains = (size_t)setup->n_chains;
    size_t n;

    if (!kad_size_mul(n_chains, setup->n_batch_max, &n))
        return kad_fail(ctx, KAD_ENOMEM, "sample[%d].batch: %zu is too large",
                        setup->entry, setup->n_batch_max);
    KAD_CALL(
        kad_draws_create(ctx, n, chains->n_rows, chains->job->latents, &chains->draws));
    KAD_CALL(kad_new(ctx, n_chains, 2 * sizeof(double), &chains->under_way));
    KAD_CALL(kad_new(ctx, n, chains->n_values * sizeof(double), &chains->rows));
    KAD_CALL(kad_new(ctx, n_chains, chains->n_state * sizeof(double), &chains->state));
    for (size_t i = 0; i < n_chains * chains->n_state; i++)
        chains->state[i] = NAN; /* none yet */
    return KAD_OK;
}

kad_status kad_chains_create(kad_ctx *ctx, const kad_job *job, kad_chains **out)
{
    KAD_LOCAL(kad_chains, chains);
    kad_sampler_setup setup = job->setup;

    *out = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *chains, &chains));
    chains->job = job;
    chains->thin = job->thin > 1 ? job->thin : 1;
    chains->n_rows =
        (size_t)setup.action->lattice->n_sites * (size_t)setup.action->n_comp;
    chains->n_tune = setup.n_tune;
    chains->n_done = -setup.n_tune;
    setup.n_draws *= chains->thin;
    setup.n_burn_in = setup.n_burn_in * chains->thin + setup.n_tune;
    KAD_CALL(kad_sampler_create(ctx, job->sampler, &setup, &chains->sampler));
    KAD_CALL(kad_measure_create(ctx, setup.action, setup.seed, (uint32_t)setup.entry,
                                &chains->measure));
    chains->n_values = chains->measure->n_columns;
    chains->n_state = 1 + chains->n_values + (job->latents ? 2 : 1) * chains->n_rows;
    KAD_CALL(kad_store_create(ctx, (size_t)setup.n_chains, (size_t)job->setup.n_draws,
                              &chains->store));
    if (job->n_first > 0) {
        KAD_CALL(kad_store_create(ctx, (size_t)setup.n_chains, (size_t)job->n_first,
                                  &chains->first));
        chains->first->segment = "/first";
    }
    KAD_CALL(kad_chains_require_memory(ctx, chains));
    KAD_CALL(kad_chains_add_columns(ctx, chains));
    KAD_CALL(allocate(ctx, chains));
    *out = chains;
    chains = NULL;
    return KAD_OK;
}

void kad_chains_destroy(kad_chains *chains)
{
    if (chains == NULL) return;
    kad_draws_clear(&chains->draws);
    kad_free(chains->under_way);
    kad_free(chains->rows);
    kad_free(chains->state);
    kad_store_destroy(chains->store);
    kad_store_destroy(chains->first);
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

    chains->n_accepted += draws->acceptance[at];
    set(chains->acceptance, chain, draw, draws->acceptance[at]);
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
    if (chains->weighted != NULL)
        kad_columns_add_weighted(chains->weighted, chain, draw, draws->log_weight[at],
                                 chains->rows + at * n_values +
                                     chains->measure->offset[n_plain]);
    set_field(chains, chains->configs, chain, draw, state + 1 + n_values);
    set_field(chains, chains->latents, chain, draw,
              state + 1 + n_values + (draws->z != NULL ? chains->n_rows : 0));
}

/* The scalars of draw `draw` from the start of the chain. */
static void record_first(const kad_chains *chains, size_t chain, size_t draw)
{
    const kad_measure *measure = chains->measure;
    const double *state = chains->state + chain * chains->n_state;
    if (chains->first == NULL || draw >= chains->first->n_draws) return;
    kad_column *column = chains->first->column;
    kad_column_set(column++, chain, draw, state);
    for (int i = 0; i < measure->n_plain; i++)
        if (measure->ops[i]->width == NULL)
            kad_column_set(column++, chain, draw, state + 1 + measure->offset[i]);
}

int64_t kad_chains_drawn(const kad_chains *chains)
{
    return chains->n_done > 0 ? chains->n_done / chains->thin : 0;
}

int64_t kad_chains_recorded(const kad_chains *chains)
{
    const int64_t n = kad_chains_drawn(chains) - chains->job->setup.n_burn_in;
    return n > 0 ? n : 0;
}

/* Update `from` of the batch becomes draw `to` of it. */
static void move_draw(kad_chains *chains, size_t from, size_t to)
{
    kad_draws *draws = &chains->draws;
    const size_t n_rows = chains->n_rows;
    draws->number[to] = draws->number[from];
    draws->action[to] = draws->action[from];
    draws->delta_h[to] = draws->delta_h[from];
    memmove(draws->x + to * n_rows, draws->x + from * n_rows, n_rows * sizeof(double));
    if (draws->z != NULL)
        memmove(draws->z + to * n_rows, draws->z + from * n_rows,
                n_rows * sizeof(double));
}

/* Of n updates of every chain those that end a draw stay, closer together; returns how
 * many of a chain. A draw's acceptance is its updates' mean. */
static size_t thin_out(kad_chains *chains, size_t n)
{
    kad_draws *draws = &chains->draws;
    const int64_t thin = chains->thin;
    const size_t n_chains = (size_t)chains->job->setup.n_chains;
    const size_t n_kept =
        (size_t)((chains->n_done + (int64_t)n) / thin - chains->n_done / thin);
    if (!has(chains, KAD_SAMPLER_MOVES))
        for (size_t at = 0; at < n_chains * n; at++)
            draws->acceptance[at] = draws->accepted[at];
    if (thin == 1) return n;
    for (size_t chain = 0, to = 0; chain < n_chains; chain++) {
        double *sum = chains->under_way + 2 * chain, *any = sum + 1;
        for (size_t i = 0; i < n; i++) {
            const size_t at = chain * n + i;
            *sum += draws->acceptance[at];
            if (draws->accepted[at]) *any = 1;
            if ((chains->n_done + (int64_t)i + 1) % thin != 0) continue;
            move_draw(chains, at, to);
            draws->acceptance[to] = *sum / (double)thin;
            draws->accepted[to++] = *any > 0;
            *sum = *any = 0;
        }
    }
    draws->n = n_kept;
    return n_kept;
}

/* A chain that accepts proposals has no state before the first one with a weight. */
static kad_status no_state(kad_ctx *ctx, const kad_chains *chains, size_t chain,
                           size_t n_proposals)
{
    return kad_fail(ctx, KAD_EINTERNAL,
                    "%s: none of the first %zu proposals of chain %zu has a finite "
                    "weight, so that there is no state to record: train longer, use "
                    "flow.precision double, or a longer burn_in",
                    chains->job->name, n_proposals, chain);
}

/* Of n draws. */
static kad_status measure(kad_ctx *ctx, kad_chains *chains, size_t n)
{
    const kad_draws *draws = &chains->draws;
    const kad_rank_items mine = kad_ranks_part(ctx, n, 1);
    const size_t at = mine.first, n_values = chains->n_values;
    const kad_shared rows = {chains->rows, n, 1, n_values * sizeof(double)};
    kad_measure_rows(chains->measure, mine.n, draws->number + at,
                     draws->x + at * chains->n_rows, draws->action + at,
                     chains->rows + at * n_values);
    return kad_ranks_join(ctx, KAD_OK, 1, &rows);
}

/* Measure and store n draws of every chain, the first being `drawn` of its chain. */
static kad_status keep(kad_ctx *ctx, kad_chains *chains, size_t n, size_t drawn)
{
    const size_t n_chains = (size_t)chains->job->setup.n_chains;
    const size_t n_burn_in = (size_t)chains->job->setup.n_burn_in;
    KAD_CALL(measure(ctx, chains, n_chains * n));
    for (size_t chain = 0; chain < n_chains; chain++)
        for (size_t i = 0; i < n; i++) {
            const size_t at = chain * n + i;
            if (!has(chains, KAD_SAMPLER_PROPOSALS) || chains->draws.accepted[at])
                take(chains, chain, at);
            record_first(chains, chain, drawn + i);
            if (drawn + i < n_burn_in) continue;
            if (isnan(chains->state[chain * chains->n_state]))
                return no_state(ctx, chains, chain, drawn + i + 1);
            record(chains, chain, at, drawn + i - n_burn_in);
        }
    return KAD_OK;
}

/* Updates of a batch at least: proposals of a chain are the lanes of tiles, which cost the
 * same however many are in use. */
static size_t least_batch(const kad_ctx *ctx, const kad_chains *chains)
{
    if (!has(chains, KAD_SAMPLER_WEIGHTED) || chains->n_done < 0) return 1;
    return (size_t)(kad_lanes(chains->job->setup.prec) * ctx->n_threads);
}

/* Bits do not depend on where batches are cut. */
static void adapt(const kad_ctx *ctx, kad_chains *chains, size_t n, double seconds)
{
    const bool least = n <= least_batch(ctx, chains);
    chains->slow = chains->n_done == 0 || (least && seconds > BATCH_SECONDS);
    if (seconds > BATCH_SECONDS)
        chains->n_next = n / 2;
    else if (seconds < BATCH_SECONDS / 2 && n == chains->n_next)
        chains->n_next = 2 * n;
}

/* After the tuning every chain begins at its start; chains of proposals have none. */
static kad_status begin_again(kad_ctx *ctx, kad_chains *chains)
{
    KAD_SCOPE(scope, ctx);
    const kad_sampler *sampler = chains->sampler;
    double *x;
    if (has(chains, KAD_SAMPLER_PROPOSALS)) return KAD_OK;
    KAD_CALL(kad_scope_take(&scope, (size_t)sampler->setup.n_chains,
                            chains->n_rows * sizeof(double), &x));
    KAD_CALL(kad_start_fields(ctx, &sampler->setup, x));
    return sampler->ops->set_state(ctx, sampler->self, x);
}

/* Updates up to the next border: the end of the tuning, of the burn-in, of everything. */
static int64_t updates_left(const kad_chains *chains)
{
    const kad_sampler_setup *setup = &chains->sampler->setup; /* in updates */
    const int64_t n_burn_in = setup->n_burn_in - chains->n_tune;
    if (chains->n_done < 0) return -chains->n_done;
    if (chains->n_done < n_burn_in) return n_burn_in - chains->n_done;
    return n_burn_in + setup->n_draws - chains->n_done;
}

kad_status kad_chains_batch(kad_ctx *ctx, kad_chains *chains)
{
    const kad_sampler_setup *setup = &chains->sampler->setup; /* in updates */
    const bool tuning = chains->n_done < 0;
    const bool before = chains->n_done < setup->n_burn_in - chains->n_tune;
    const int64_t left = updates_left(chains);
    const double start = kad_wall_seconds(), began = kad_stop_clock();
    if (chains->n_tune > 0 && chains->n_done == 0) KAD_CALL(begin_again(ctx, chains));
    const size_t least = least_batch(ctx, chains);
    if (chains->n_next < least) chains->n_next = least;
    if (chains->n_next > setup->n_batch_max) chains->n_next = setup->n_batch_max;
    const size_t n = left < (int64_t)chains->n_next ? (size_t)left : chains->n_next;

    chains->draws.n = n;
    KAD_CALL(chains->sampler->ops->advance(ctx, chains->sampler->self, &chains->draws));
    const size_t n_kept = tuning ? 0 : thin_out(chains, n);
    if (n_kept > 0) KAD_CALL(keep(ctx, chains, n_kept, (size_t)kad_chains_drawn(chains)));
    chains->n_done += (int64_t)n;
    const double seconds = kad_wall_seconds() - start;
    *(before ? &chains->tuning_seconds : &chains->seconds) += seconds;
    adapt(ctx, chains, n, kad_stop_clock() - began);
    return KAD_OK;
}
