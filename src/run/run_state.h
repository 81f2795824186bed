/* How far a run is, from its folder alone; nothing is changed in it. */
#ifndef KAD_RUN_RUN_STATE_H
#define KAD_RUN_RUN_STATE_H

#include "io/run_folder.h"

typedef enum kad_run_stand {
    KAD_RUN_MISSING,
    KAD_RUN_RUNNING,
    KAD_RUN_STOPPED,
    KAD_RUN_COMPLETE,
    KAD_RUN_UNUSABLE /* its files cannot be read */
} kad_run_stand;
enum { KAD_RUN_STANDS = 5 };
/* "missing", "running", "stopped", "complete", "unusable" */
const char *kad_run_stand_name(kad_run_stand stand);

typedef struct kad_run_state {
    kad_run_stand stand;
    char
        status[64]; /* as run.h5 records it: "complete", "trained", "SIGTERM"; "": none */
    char words[160]; /* for people: "train L=16: 1200 of 4000", "stopped by SIGTERM" */
    char config[KAD_WORD_CHARS]; /* of a complete one: the word of its config; "": none */
} kad_run_state;

/* Of the folder at `path`. What is wrong with one that cannot be read stands in `words`.
 * Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_run_state_read(kad_ctx *ctx, const char *path,
                                           kad_run_state *out);
/* Of an open folder with its results. Errors: as reading an attribute. */
KAD_MUST_USE kad_status kad_run_state_of(kad_ctx *ctx, const kad_run *run, kad_h5 *file,
                                         kad_run_state *out);

#endif
