/* Live view of a run: a status line on a terminal (redrawn), plain lines otherwise
 * (every 10 s, later every tenth of the time so far, at most every 10 min), and progress.jsonl: one JSON object a line, appended and flushed. Failing to
 * write the live view is a note, never an error: the physics goes on. */
#ifndef KAD_IO_PROGRESS_H
#define KAD_IO_PROGRESS_H

#include "io/run_folder.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct kad_progress kad_progress;

/* run may be NULL (no jsonl). quiet: nothing on the terminal. On resume lines of `stage`s
 * that will be redone stay; each object carries stage, step and wall seconds. */
KAD_MUST_USE kad_status kad_progress_create(kad_ctx *ctx, const kad_run *run, bool quiet,
                                            kad_progress **out);
void kad_progress_destroy(kad_progress *progress);

/* Tell `watch` too, from the updates that come about every tenth of a second and at the end
 * of a stage; NULL: nobody. */
typedef void kad_progress_watch(void *self, const char *stage, int64_t step,
                                int64_t total);
void kad_progress_on_update(kad_progress *progress, kad_progress_watch *watch,
                            void *self);

/* Start a stage ("train L=16", "mis"): `total` steps, of which `done` are behind us. */
void kad_progress_begin(kad_progress *progress, const char *stage, int64_t done,
                        int64_t total);
/* One field of an update; err NaN: no error shown. Shown as 0.82(2). */
typedef struct kad_field {
    const char *name;
    double value, err;
} kad_field;
void kad_progress_update(kad_progress *progress, int64_t step, size_t n,
                         const kad_field *fields);
/* True when enough time has passed that an update would be shown (callers may skip costly
 * fields). */
bool kad_progress_due(const kad_progress *progress);
/* Finish the stage with a closing line (stage, steps, time, fields of the last update).
 */
void kad_progress_end(kad_progress *progress);
/* What the stage that has begun counts, where that is not steps. */
void kad_progress_unit(kad_progress *progress, const char *unit);

/* Where a run is. */
typedef struct kad_place {
    char stage[96]; /* "": at no stage yet */
    int64_t step, total;
} kad_place;
kad_place kad_progress_place(const kad_progress *progress);
/* By the last whole line of a folder's progress.jsonl; no stage where there is none. Errors:
 * KAD_EIO. */
KAD_MUST_USE kad_status kad_place_read(kad_ctx *ctx, const kad_run *run, kad_place *out);

/* "0.82(2)", "59.93(12)", "1.2(3)e-05"; err <= 0 or not finite: plain digits. Returns
 * text. */
char *kad_format_error(char *text, size_t size, double value, double err);
/* A value rounded to so many significant digits, without an exponent between 1e-4 and 1e10:
 * "190", not "1.9e+02". Returns text. */
char *kad_format_rounded(char *text, size_t size, double value, int digits);

#endif
