/* Inside of the run folder. */
#ifndef KAD_IO_RUN_IMPL_H
#define KAD_IO_RUN_IMPL_H

#include "io/h5.h"

#include <stdbool.h>

struct kad_run {
    char *path;
    int lock;          /* file descriptor; -1: opened for reading */
    bool signed_by_us; /* it is ours, not only open */
    bool shared;       /* what is read, all ranks have */
    bool absent;       /* this rank has no folder: nothing is written */
};

/* Joined path of a file inside, as kad_run_file, with the message recorded. */
KAD_MUST_USE kad_status kad_run_join(kad_ctx *ctx, const struct kad_run *run,
                                     const char *name, char **out);

/* For a file inside that was not to be read: KAD_ENOINPUT stays when it is absent; one
 * that is there but cannot be opened (a folder, no permission) is KAD_EIO. */
KAD_MUST_USE kad_status kad_run_absent(kad_ctx *ctx, const char *path, kad_status status);

/* A file inside, by its full path; where the run is shared, the first rank reads it for all
 * (run_ranks.c). KAD_ENOINPUT when absent and only then. */
KAD_MUST_USE kad_status kad_run_open_h5(kad_ctx *ctx, const struct kad_run *run,
                                        const char *path, bool digest, kad_h5 **out);

/* Take the lock of a folder whose checkpoint/ is there, and sign it; give it up again, where
 * there is one (run_lock.c). Errors: KAD_EINUSE, KAD_ECREATE, KAD_EIO, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_run_lock(kad_ctx *ctx, struct kad_run *run);
void kad_run_unlock(struct kad_run *run);

#endif
