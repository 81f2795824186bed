/* Inside of the run folder. */
#ifndef KAD_IO_RUN_IMPL_H
#define KAD_IO_RUN_IMPL_H

#include "io/run_folder.h"

struct kad_run {
    char *path;
    int lock; /* file descriptor; -1: opened for reading */
};

/* Joined path of a file inside, as kad_run_file, with the message recorded. */
KAD_MUST_USE kad_status kad_run_join(kad_ctx *ctx, const kad_run *run, const char *name,
                                     char **out);

#endif
