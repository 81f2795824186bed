#include "measure/measure.h"

#include "base/memory.h"
#include "base/thread.h"
#include "models/dual.h"
#include "models/spins.h"

static size_t rows_of(const kad_action *action)
{
    return (size_t)action->lattice->n_sites * (size_t)action->n_comp;
}

/* The couplings of a dual read from a file, as a list of pairs. */
static kad_status list_pairs(kad_ctx *ctx, const kad_action *action, kad_measure *measure)
{
    kad_status status = KAD_OK;
    const kad_dual *dual = action->ops == &kad_action_dual ? action->self : NULL;
    const int N = action->lattice->n_sites;
    size_t n = 0;

    if (dual == NULL || dual->J == NULL) return KAD_OK;
    for (int i = 0; i < N; i++)
        for (int j = i + 1; j < N; j++)
            n += dual->J[i * N + j] != 0.0 ? 1 : 0;
    KAD_TRY(kad_new(ctx, n, sizeof *measure->pairs, &measure->pairs));
    for (int i = 0; i < N; i++)
        for (int j = i + 1; j < N; j++)
            if (dual->J[i * N + j] != 0.0)
                measure->pairs[measure->n_pairs++] = (kad_pair){i, j, dual->J[i * N + j]};
done:
    return status;
}

kad_status kad_measure_create(kad_ctx *ctx, const kad_action *action, uint64_t seed,
                              uint32_t index, kad_measure **out)
{
    kad_status status = KAD_OK;
    kad_measure *measure = NULL;

    *out = NULL;
    if ((action->flags & KAD_ACTION_DUAL) && action->n_comp > KAD_SPIN_MAX)
        return kad_fail(ctx, KAD_ECONFIG,
                        "action.components: spins of at most %d components, got %d",
                        KAD_SPIN_MAX, action->n_comp);
    KAD_TRY(kad_new(ctx, 1, sizeof *measure, &measure));
    measure->action = action;
    measure->rng = kad_rng_stream(seed, KAD_RNG_SPINS, index);
    measure->n_threads = ctx->n_threads;
    for (size_t i = 0; kad_observables[i] != NULL; i++) {
        const kad_observable_ops *ops = kad_observables[i];
        const int at = measure->n;
        if (!ops->applies(action) || at == KAD_OBSERVABLES_MAX) continue;
        measure->ops[at] = ops;
        measure->width[at] = ops->width != NULL ? ops->width(action->lattice) : 1;
        measure->offset[at] = measure->n_columns;
        measure->n_columns += measure->width[at];
        measure->n++;
    }
    KAD_TRY(kad_new(ctx, (size_t)ctx->n_threads * 3, rows_of(action) * sizeof(double),
                    &measure->scratch));
    KAD_TRY(list_pairs(ctx, action, measure));
    *out = measure;
    measure = NULL;
done:
    kad_measure_destroy(measure);
    return status;
}

void kad_measure_destroy(kad_measure *measure)
{
    if (measure == NULL) return;
    kad_free(measure->scratch);
    kad_free(measure->pairs);
    kad_free(measure);
}

static void measure_one(const kad_measure *measure, uint64_t number, const double *x,
                        double S, double *scratch, double *row)
{
    const kad_action *action = measure->action;
    const size_t n_rows = rows_of(action), n_sites = (size_t)action->lattice->n_sites;
    kad_view view = {.action = action,
                     .lattice = action->lattice,
                     .n_comp = action->n_comp,
                     .x = x,
                     .phi = x,
                     .S = S,
                     .pairs = measure->pairs,
                     .n_pairs = measure->n_pairs,
                     .scratch = scratch + 2 * n_rows};

    if (action->flags & KAD_ACTION_DUAL) {
        double *m = scratch, *s = scratch + n_rows;
        view.self = kad_spins_mean(action->n_comp, n_sites, x, m);
        kad_spins_draw(action->n_comp, measure->rng, number, n_sites, x, s);
        view.phi = m;
        view.s = s;
    }
    for (int i = 0; i < measure->n; i++)
        measure->ops[i]->evaluate(&view, row + measure->offset[i]);
}

void kad_measure_rows(const kad_measure *measure, size_t n, const uint64_t *number,
                      const double *x, const double *S, double *rows)
{
    const size_t n_rows = rows_of(measure->action);
#pragma omp parallel for schedule(static) num_threads(measure->n_threads)
    for (size_t i = 0; i < n; i++)
        measure_one(measure, number[i], x + i * n_rows, S[i],
                    measure->scratch + (size_t)kad_thread_index() * 3 * n_rows,
                    rows + i * measure->n_columns);
}
