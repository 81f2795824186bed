#include "record/job.h"

uint64_t kad_fingerprint(uint64_t hash, const void *bytes, size_t n)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ at[i]) * 0x100000001b3u;
    return hash;
}

/* Thinning would part proposals from their weights. */
kad_status kad_job_check(kad_ctx *ctx, const kad_job *job)
{
    const kad_sampler_setup *s = &job->setup;
    const kad_sampler_ops *ops = kad_sampler_find(job->sampler);
    const unsigned proposes = KAD_SAMPLER_PROPOSALS | KAD_SAMPLER_WEIGHTED;
    if (job->thin <= 1 || ops == NULL) return KAD_OK;
    if (ops->flags & proposes)
        return kad_fail(ctx, KAD_ECONFIG,
                        "sample[%d].thin: %s keeps every proposal: expected 1, got %lld",
                        s->entry, job->sampler, (long long)job->thin);
    if (s->n_burn_in + s->n_draws > INT64_MAX / 2 / job->thin)
        return kad_fail(
            ctx, KAD_ECONFIG, "sample[%d].thin: %lld draws of %lld updates are too many",
            s->entry, (long long)(s->n_burn_in + s->n_draws), (long long)job->thin);
    return KAD_OK;
}
