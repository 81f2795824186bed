/* The attempts of a run: a row of /attempts for each process that worked on it, since a run
 * may be stopped, killed, and gone on with elsewhere. */
#ifndef KAD_RUN_ATTEMPTS_H
#define KAD_RUN_ATTEMPTS_H

#include "io/progress.h"

typedef struct kad_attempt {
    const char *started, *ended, *status; /* of the last: "running", then as the root's */
    const char *host, *job;               /* job: of the batch system; "": none */
    const char *cpu, *kernels; /* level and instruction sets: they decide bytes */
    const char *version, *command_line;
    int64_t threads;
    double seconds;  /* of wall time; NaN: it was killed */
    kad_place place; /* where it ended */
} kad_attempt;

/* Append the row of an attempt that begins, in memory. One before it without an end was
 * killed: it gets that status and the place of the last line of progress.jsonl. Says it where the attempt before ran on
 * another kind of processor, whose last bits may differ. Errors: KAD_EDATA (/attempts is not
 * one of ours), KAD_EIO, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_attempts_begin(kad_ctx *ctx, const kad_run *run, kad_h5 *file,
                                           const kad_attempt *attempt);
/* The end of the last one: ended, status, seconds and place. */
KAD_MUST_USE kad_status kad_attempts_end(kad_ctx *ctx, kad_h5 *file,
                                         const kad_attempt *attempt);

#endif
