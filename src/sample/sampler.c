#include "sample/sampler.h"

#include "base/memory.h"
#include "base/signals.h"

#include <stdio.h>
#include <string.h>

const kad_sampler_ops *kad_sampler_find(const char *name)
{
    for (size_t i = 0; kad_samplers[i] != NULL; i++)
        if (strcmp(kad_samplers[i]->name, name) == 0) return kad_samplers[i];
    return NULL;
}

const char *kad_sampler_name(size_t i)
{
    for (size_t k = 0; kad_samplers[k] != NULL; k++)
        if (k == i) return kad_samplers[k]->name;
    return NULL;
}

enum { ENTRY_BITS = 8, NUMBER_BITS = 40 };

/* A chain's numbers, of which it has as many however many draws are asked for. */
static int64_t numbers_of_chain(const kad_sampler_setup *setup)
{
    int64_t n = (int64_t)1 << NUMBER_BITS;
    if (setup->interleaved) return n / setup->n_chains;
    for (int64_t chains = 1; chains < setup->n_chains; chains *= 2)
        n /= 2;
    return n;
}

uint64_t kad_draw_number(const kad_sampler_setup *setup, size_t chain, int64_t t)
{
    const int64_t own = setup->interleaved ? t * setup->n_chains + (int64_t)chain
                                           : (int64_t)chain * numbers_of_chain(setup) + t;
    return ((uint64_t)setup->entry << NUMBER_BITS) + (uint64_t)own;
}

uint64_t kad_sampler_seed(const kad_sampler_setup *setup, uint32_t index)
{
    /* the largest indices of the purpose: no sampler's own stream has them */
    const uint32_t own = UINT32_MAX - ((uint32_t)setup->entry << ENTRY_BITS) - index;
    uint32_t words[4];
    kad_rng_u32x4(kad_rng_stream(setup->seed, KAD_RNG_CHAIN, own), 0, 0, 0, words);
    return (uint64_t)words[1] << 32 | words[0];
}

kad_status kad_draw_check(kad_ctx *ctx, const kad_sampler_setup *setup)
{
    const int64_t n_chain = setup->n_burn_in + setup->n_draws;
    if (setup->entry < 1 << ENTRY_BITS && n_chain <= numbers_of_chain(setup))
        return KAD_OK;
    return kad_fail(ctx, KAD_ECONFIG,
                    "sample[%d]: %lld draws of %d chains exceed the 2^%d numbers of an "
                    "entry (%d entries at most)",
                    setup->entry, (long long)n_chain, setup->n_chains, NUMBER_BITS,
                    1 << ENTRY_BITS);
}

kad_status kad_draws_create(kad_ctx *ctx, size_t n, size_t n_rows, bool latents,
                            kad_draws *draws)
{
    KAD_CALL(kad_new(ctx, n, sizeof(uint64_t), &draws->number));
    KAD_CALL(kad_new(ctx, n, n_rows * sizeof(double), &draws->x));
    if (latents) KAD_CALL(kad_new(ctx, n, n_rows * sizeof(double), &draws->z));
    KAD_CALL(kad_new(ctx, n, sizeof(double), &draws->action));
    KAD_CALL(kad_new(ctx, n, sizeof(double), &draws->log_weight));
    KAD_CALL(kad_new(ctx, n, sizeof(double), &draws->delta_h));
    KAD_CALL(kad_new(ctx, n, 1, &draws->accepted));
    return kad_new(ctx, n, sizeof(double), &draws->acceptance);
}

void kad_draws_clear(kad_draws *draws)
{
    kad_free(draws->number);
    kad_free(draws->x);
    kad_free(draws->z);
    kad_free(draws->action);
    kad_free(draws->log_weight);
    kad_free(draws->delta_h);
    kad_free(draws->accepted);
    kad_free(draws->acceptance);
    *draws = (kad_draws){0};
}

kad_status kad_sampler_stopped(kad_ctx *ctx, const kad_sampler_setup *setup)
{
    return kad_fail(ctx, KAD_EINTERRUPTED, "sample[%d]: stopped by %s within an update",
                    setup->entry, kad_stop_reason());
}

const void *kad_sampler_own(const kad_sampler_ops *ops, const void *options)
{
    for (size_t i = 0; options != NULL && kad_samplers[i] != NULL; i++)
        if (kad_samplers[i] == ops)
            return (const char *)options + i * KAD_SAMPLER_OPTIONS;
    return NULL;
}

bool kad_sampler_tunes(const kad_sampler_ops *ops, const kad_sampler_setup *setup)
{
    kad_sampler_setup own = *setup;
    own.own = kad_sampler_own(ops, setup->options);
    return ops->tunes != NULL && ops->tunes(&own);
}

kad_status kad_sampler_create(kad_ctx *ctx, const char *name,
                              const kad_sampler_setup *setup, kad_sampler **out)
{
    kad_sampler *sampler;
    const kad_sampler_ops *ops = kad_sampler_find(name);

    *out = NULL;
    if (ops == NULL)
        return kad_fail(ctx, KAD_ECONFIG, "sample[%d].name: no sampler \"%s\"",
                        setup->entry, name);
    if (setup->n_chains < 1 || setup->n_draws < 1 || setup->n_batch_max < 1)
        return kad_fail(ctx, KAD_ECONFIG,
                        "sample[%d]: %s needs at least one chain and one draw, got %d "
                        "chains of %lld draws",
                        setup->entry, name, setup->n_chains, (long long)setup->n_draws);
    if ((ops->flags & KAD_SAMPLER_NEEDS_MAP) && setup->map == NULL)
        return kad_fail(ctx, KAD_ECONFIG,
                        "sample[%d]: %s needs a trained map: run `train` first",
                        setup->entry, name);
    KAD_CALL(kad_new(ctx, 1, sizeof *sampler, &sampler));
    sampler->ops = ops;
    sampler->setup = *setup;
    sampler->setup.own = kad_sampler_own(ops, setup->options);
    const kad_status status = ops->create(ctx, &sampler->setup, &sampler->self);
    if (status == KAD_OK)
        *out = sampler;
    else
        kad_free(sampler);
    return status;
}

void kad_sampler_destroy(kad_sampler *sampler)
{
    if (sampler == NULL) return;
    sampler->ops->destroy(sampler->self);
    kad_free(sampler);
}
