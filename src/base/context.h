/* The context: thread count, verbosity and the text of the last failure. One per program
 * run; passed to everything that can fail. Not shared between threads: kernels never fail
 * and never see it.
 *
 * This folder is what all others stand on; it knows no lattice and no file.
 *   context, status    how a function fails and says so; signals: how it is asked to stop
 *   memory, parallel   allocation and scopes; loops over tiles and their threads (thread);
 *                      share: threads without tiles help those that have one
 *   ranks              processes that share the work of one run
 *   real, tile         precision and lanes of kernels; samples into tiles and back
 *   vmath, vtrig       vector functions; rng: random numbers; sum, matrix, matrix_kern
 *   weights            importance weights; jackknife: their errors; accept: accept/reject;
 *                      grouped: means with errors over groups; sort
 *   isa                the processor's instructions; nearest: what a mistyped word means */
#ifndef KAD_BASE_CONTEXT_H
#define KAD_BASE_CONTEXT_H

#include "base/status.h"

#include <stdarg.h>
#include <stdbool.h>

enum { KAD_MESSAGE_MAX = 1024 };

typedef struct kad_ctx {
    int n_threads;                 /* OpenMP threads for tile loops, >= 1 */
    char message[KAD_MESSAGE_MAX]; /* one line, lower case, names the offending value */
    void (*log)(void *sink,
                const char *line); /* notices (one line, no newline); may be NULL */
    void *sink;
    struct kad_ranks
        *ranks; /* processes that share the work (ranks.h); NULL: this alone */
} kad_ctx;

/* A context with n_threads (0: OMP_NUM_THREADS or the number of cores) and no log. */
void kad_ctx_init(kad_ctx *ctx, int n_threads);

/* Record a one-line message and return `code`: `return kad_fail(ctx, KAD_EDATA, "...",
 * ...)`. */
kad_status kad_fail(kad_ctx *ctx, kad_status code, const char *format, ...)
    KAD_PRINTF(3, 4);

/* Send one notice to the log, if there is one. */
void kad_note(kad_ctx *ctx, const char *format, ...) KAD_PRINTF(2, 3);

/* Make a text from elsewhere fit to be shown, in place: '?' for control characters (of
 * which newlines and tabs may stay, with `lines`), DEL, the C1 controls and for whatever
 * is not UTF-8, so that it can neither steer a terminal nor break a page. */
void kad_make_printable(char *text, bool lines);
/* Would it stay as it is, on one line? */
bool kad_is_printable(const char *text);

#endif
