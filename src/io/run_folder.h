/* The run folder: config.yaml, run.h5, checkpoint/{current,previous}.h5, progress.jsonl,
 * report.html. Opening it for writing takes an fcntl lock before anything is read; the
 * loser says who holds it.
 *
 * Checkpoints: an HDF5 image with a digest; `save` rotates current -> previous
 * atomically; `load` verifies current and falls back on previous, with a note. */
#ifndef KAD_IO_RUN_FOLDER_H
#define KAD_IO_RUN_FOLDER_H

#include "io/h5.h"

#include <stdbool.h>

typedef struct kad_run kad_run;

/* WRITE: create the folder if it is absent. UPDATE: write into a run that is there. READ:
 * change nothing, take no lock. */
typedef enum kad_run_mode { KAD_RUN_WRITE, KAD_RUN_UPDATE, KAD_RUN_READ } kad_run_mode;

/* Open a run folder; to write, make checkpoint/ in it and lock it. UPDATE and READ want a
 * run.h5 in it (KAD_ENOINPUT), UPDATE one that is an HDF5 file (KAD_EDATA), before
 * anything is created. The lock held by another process: KAD_EINUSE, names the host
 * and pid of the holder. What is written inside is never written through a link. */
KAD_MUST_USE kad_status kad_run_open(kad_ctx *ctx, const char *path, kad_run_mode mode,
                                     kad_run **out);
void kad_run_close(kad_run *run);
KAD_LOCAL_OF(kad_run, kad_run_close)
const char *kad_run_path(const kad_run *run);
/* path of a file inside; from kad_alloc, NULL on exhaustion */
char *kad_run_file(const kad_run *run, const char *name);

/* Ranks that work together share a run (base/ranks.h): what is read from it is read by the
 * first, for all, in calls that all of them make; what the others write goes nowhere. *run:
 * the first rank's, open; NULL on the others, which get one. unshare: it is the first
 * rank's alone again. Nothing changes for one process. */
KAD_MUST_USE kad_status kad_run_share(kad_ctx *ctx, kad_run **run);
void kad_run_unshare(kad_run *run);
/* False on a rank without the folder. */
bool kad_run_is_here(const kad_run *run);

/* A run folder inside of this one, for work on the way, shared as this one is; and its end. */
KAD_MUST_USE kad_status kad_run_open_within(kad_ctx *ctx, const kad_run *run,
                                            const char *name, kad_run **out);
KAD_MUST_USE kad_status kad_run_remove_within(kad_ctx *ctx, const kad_run *run,
                                              const char *name);

/* True while a process holds the folder for writing. */
bool kad_run_is_held(const kad_run *run);

/* Whole text files, written atomically. */
KAD_MUST_USE kad_status kad_run_write_text(kad_ctx *ctx, const kad_run *run,
                                           const char *name, const char *text);
/* KAD_ENOINPUT when absent and only then; at most max_bytes (else KAD_EDATA). Text from
 * kad_alloc. */
KAD_MUST_USE kad_status kad_run_read_text(kad_ctx *ctx, const kad_run *run,
                                          const char *name, size_t max_bytes,
                                          char **text);

/* Checkpoints. load: *out = NULL and KAD_OK when there is none yet; KAD_EDATA when the
 * current one is damaged and there is no good previous one: says what to do. One that
 * cannot be read for other reasons is an error, not passed over. */
KAD_MUST_USE kad_status kad_checkpoint_save(kad_ctx *ctx, const kad_run *run,
                                            kad_h5 *file);
KAD_MUST_USE kad_status kad_checkpoint_load(kad_ctx *ctx, const kad_run *run,
                                            kad_h5 **out);

/* run.h5: open the present one, in the present format whatever version it was written in,
 * or, where there is none, an empty file; save atomically. Present but not readable is an error: it is never taken for absent.
 * KAD_EDATA where its format_version is a later one. */
enum { KAD_FORMAT_VERSION = 3 };
KAD_MUST_USE kad_status kad_results_open(kad_ctx *ctx, const kad_run *run, kad_h5 **out);
KAD_MUST_USE kad_status kad_results_save(kad_ctx *ctx, const kad_run *run, kad_h5 *file);

/* A word of so many letters, less one, that a caller has for the config of a run: the
 * attribute of this name of the root. */
enum { KAD_WORD_CHARS = 8 };
#define KAD_RESULTS_WORD "sweep_config"
/* Has the run recorded that it is complete, and by which config (`word`, "": it has none)?
 * Without opening the file; false also where that is not to be had: another program has
 * written it. */
bool kad_results_complete(kad_ctx *ctx, const kad_run *run, char word[KAD_WORD_CHARS]);

/* Segments of long series: checkpoint/NAME.NNNNNN.h5 with digest, six figures and more.
 * open: KAD_ENOINPUT when absent and only then. A resumed run removes those from `first` on;
 * keep: all but one. */
KAD_MUST_USE kad_status kad_segment_save(kad_ctx *ctx, const kad_run *run,
                                         const char *name, int index, kad_h5 *file);
KAD_MUST_USE kad_status kad_segment_open(kad_ctx *ctx, const kad_run *run,
                                         const char *name, int index, kad_h5 **out);
KAD_MUST_USE kad_status kad_segment_remove_from(kad_ctx *ctx, const kad_run *run,
                                                const char *name, int first);
KAD_MUST_USE kad_status kad_segment_keep(kad_ctx *ctx, const kad_run *run,
                                         const char *name, int index);

#endif
