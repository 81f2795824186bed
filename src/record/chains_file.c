/* Segments of a job: everything that changes between batches. */
#include "record/chains.h"

#include <stdio.h>

enum { N_NUMBERS = 3 };

typedef struct number {
    const char *name;
    double *value;
} number;

static void numbers_of(kad_chains *chains, number out[N_NUMBERS])
{
    out[0] = (number){"n_accepted", &chains->n_accepted};
    out[1] = (number){"seconds", &chains->seconds};
    out[2] = (number){"tuning_seconds", &chains->tuning_seconds};
}

/* Draws of a store that updates from .. to - 1 end. */
typedef struct span {
    size_t first, n;
} span;

static span span_of(const kad_chains *chains, const kad_store *store, int64_t skip,
                    int64_t from, int64_t to)
{
    const int64_t most = (int64_t)store->n_draws;
    from = from > 0 ? from : 0; /* tuning leaves nothing */
    to = to > 0 ? to : 0;
    int64_t first = from / chains->thin - skip, end = to / chains->thin - skip;
    first = first < 0 ? 0 : first > most ? most : first;
    end = end < first ? first : end > most ? most : end;
    return (span){(size_t)first, (size_t)(end - first)};
}

static span recorded(const kad_chains *chains, int64_t from, int64_t to)
{
    return span_of(chains, chains->store, chains->job->setup.n_burn_in, from, to);
}

kad_status kad_chains_save(kad_ctx *ctx, const kad_chains *chains, int64_t from,
                           kad_h5 *file)
{
    const size_t n_chains = (size_t)chains->job->setup.n_chains;
    const size_t dims[2] = {n_chains, chains->n_state}, two[2] = {n_chains, 2};
    const span own = recorded(chains, from, chains->n_done);
    kad_chains copy = *chains;
    number numbers[N_NUMBERS];

    KAD_CALL(kad_h5_group(ctx, file, "/state"));
    KAD_CALL(kad_h5_attr_set_int(ctx, file, "/", "from", from));
    KAD_CALL(kad_h5_attr_set_int(ctx, file, "/", "n_done", chains->n_done));
    numbers_of(&copy, numbers);
    for (int i = 0; i < N_NUMBERS; i++)
        KAD_CALL(
            kad_h5_attr_set_real(ctx, file, "/", numbers[i].name, *numbers[i].value));
    KAD_CALL(kad_h5_write(ctx, file, "/current", KAD_H5_F64, 2, dims, chains->state));
    KAD_CALL(
        kad_h5_write(ctx, file, "/under_way", KAD_H5_F64, 2, two, chains->under_way));
    KAD_CALL(chains->sampler->ops->save(ctx, chains->sampler->self, file, "/state"));
    KAD_CALL(kad_store_save(ctx, chains->store, own.first, own.n, file));
    if (chains->first != NULL) {
        const span first = span_of(chains, chains->first, 0, from, chains->n_done);
        KAD_CALL(kad_store_save(ctx, chains->first, first.first, first.n, file));
    }
    return KAD_OK;
}

/* From update `from` to n_done: what a segment says of itself. */
static kad_status read_place(kad_ctx *ctx, const kad_chains *chains, kad_h5 *file,
                             int64_t *from, int64_t *n_done)
{
    const kad_sampler_setup *setup = &chains->sampler->setup;
    KAD_CALL(kad_h5_attr_int(ctx, file, "/", "from", from));
    KAD_CALL(kad_h5_attr_int(ctx, file, "/", "n_done", n_done));
    if (*from >= chains->n_done && *n_done >= *from &&
        *n_done <= setup->n_burn_in - chains->n_tune + setup->n_draws)
        return KAD_OK;
    return kad_fail(ctx, KAD_EDATA,
                    "segment of %s: updates %lld to %lld do not follow update %lld",
                    chains->job->name, (long long)*from, (long long)*n_done,
                    (long long)chains->n_done);
}

/* All but the series. */
static kad_status read_state(kad_ctx *ctx, kad_chains *chains, kad_h5 *file,
                             int64_t n_done)
{
    const size_t n_chains = (size_t)chains->job->setup.n_chains;
    const size_t dims[2] = {n_chains, chains->n_state}, two[2] = {n_chains, 2};
    number numbers[N_NUMBERS];
    KAD_CALL(kad_h5_read(ctx, file, "/current", KAD_H5_F64, 2, dims, chains->state));
    KAD_CALL(kad_h5_read(ctx, file, "/under_way", KAD_H5_F64, 2, two, chains->under_way));
    KAD_CALL(chains->sampler->ops->load(ctx, chains->sampler->self, file, "/state"));
    numbers_of(chains, numbers);
    for (int i = 0; i < N_NUMBERS; i++)
        KAD_CALL(kad_h5_attr_real(ctx, file, "/", numbers[i].name, numbers[i].value));
    chains->n_done = n_done;
    return KAD_OK;
}

kad_status kad_chains_load(kad_ctx *ctx, kad_chains *chains, kad_h5 *file)
{
    int64_t from, n_done;
    KAD_CALL(read_place(ctx, chains, file, &from, &n_done));
    if (from != chains->n_done)
        return kad_fail(ctx, KAD_EDATA, "segment of %s: begins at update %lld, not %lld",
                        chains->job->name, (long long)from, (long long)chains->n_done);
    const span own = recorded(chains, from, n_done);
    KAD_CALL(kad_store_load(ctx, chains->store, own.first, own.n, file));
    if (chains->first != NULL) {
        const span first = span_of(chains, chains->first, 0, from, n_done);
        KAD_CALL(kad_store_load(ctx, chains->first, first.first, first.n, file));
    }
    return read_state(ctx, chains, file, n_done);
}

kad_status kad_chains_take_over(kad_ctx *ctx, kad_chains *chains, int64_t n,
                                kad_h5 *results, const char *group, kad_h5 *end)
{
    const int64_t n_burn_in = chains->job->setup.n_burn_in;
    int64_t from, n_done;
    char first[128];
    KAD_CALL(read_place(ctx, chains, end, &from, &n_done));
    if (from != n_done || n_done != (n_burn_in + n) * chains->thin)
        return kad_fail(ctx, KAD_EDATA, "%s: is not the end of %lld draws",
                        chains->job->name, (long long)n);
    KAD_CALL(kad_store_take_over(ctx, chains->store, (size_t)n, results, group, end));
    if (chains->first != NULL) {
        const span own = span_of(chains, chains->first, 0, 0, n_done);
        snprintf(first, sizeof first, "%s/first", group);
        KAD_CALL(kad_store_take_over(ctx, chains->first, own.n, results, first, end));
    }
    return read_state(ctx, chains, end, n_done);
}
