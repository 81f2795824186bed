/* One entry of the config's list `sample`, from the first draw to its group of run.h5:
 * advance the sampler in batches, measure, keep series, write segments, take up what a
 * killed run left behind, assemble.
 *
 * Bits: draws do not depend on how they are cut into batches (sampler.h), whose length
 * follows the clock, since a stop is honoured between them, or by giving up an update that
 * takes longer than a second; segments hold the sampler's state, the chains' current rows
 * and the series, so a run in pieces equals a run in one.
 *
 * The end of the chains stays in the run folder. Where more draws are asked for than there
 * are, the chains go on from it, and what they leave is what one longer run would have. */
#ifndef KAD_RECORD_JOB_H
#define KAD_RECORD_JOB_H

#include "io/progress.h"
#include "io/run_folder.h"
#include "sample/sampler.h"

typedef struct kad_job {
    kad_sampler_setup setup; /* draws as recorded; batches in updates; n_tune: updates
                                before the burn-in, not of it */
    int64_t thin;            /* updates a draw (0: 1) */
    int64_t n_first;         /* draws of a chain kept from its start on */
    const char *sampler;     /* registered name */
    char name[64];           /* name of the group below /samplers */
    size_t n_configs;        /* configurations kept, all chains together */
    bool latents;            /* keep their latents too */
    uint64_t fingerprint;    /* of everything a draw depends on (kad_fingerprint) */
    double segment_seconds;  /* write a segment this often; <= 0: after every batch */
    /* What is to be saved together with the finished group, put into the file; NULL:
     * nothing. */
    kad_status (*add)(kad_ctx *ctx, kad_h5 *file, const struct kad_job *job);
    const void *self; /* of `add` */
} kad_job;

/* Run or continue a job; series end in /samplers/NAME of the run's results. A finished
 * group with the same fingerprint is left alone, or gets the draws it lacks; one with
 * another fingerprint is redone, with a note. progress may be NULL.
 * Errors: KAD_EINTERRUPTED after a stop request, with everything done so far on disk but
 * for an update that was given up and at most seconds before it;
 * KAD_EDATA (there are fewer draws than asked for, and their end is not kept: the draws that
 * there are stay); KAD_EINTERNAL (weights), KAD_EIO, KAD_ECREATE, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_job_run(kad_ctx *ctx, const kad_run *run, const kad_job *job,
                                    kad_progress *progress);

/* Whether the end of n draws of a chain of /samplers/NAME is kept: KAD_EDATA where not. */
KAD_MUST_USE kad_status kad_job_end_check(kad_ctx *ctx, const kad_run *run,
                                          const char *name, int64_t n);

/* KAD_ECONFIG for thinned proposals, or more updates than can be counted. */
KAD_MUST_USE kad_status kad_job_check(kad_ctx *ctx, const kad_job *job);

/* FNV-1a over bytes, continued from `hash` (start: KAD_FINGERPRINT_START). */
#define KAD_FINGERPRINT_START 0xcbf29ce484222325u
uint64_t kad_fingerprint(uint64_t hash, const void *bytes, size_t n);

#endif
