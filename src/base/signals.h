/* Signals and the clock. SIGTERM, SIGINT, SIGUSR1 and SIGXCPU set one flag that long
 * loops poll; a second SIGINT exits 130 at once. SIGXFSZ and SIGPIPE are ignored. A
 * deadline (--max-hours) sets the same flag. */
#ifndef KAD_BASE_SIGNALS_H
#define KAD_BASE_SIGNALS_H

#include "base/context.h"

#include <stdatomic.h>
#include <stdbool.h>

void kad_signals_install(void);
/* Ask to stop when `seconds` of wall time have passed from now; <= 0: never. */
void kad_signals_deadline(double seconds);
/* True once a signal has come or the deadline has passed: checkpoint and return
 * KAD_EINTERRUPTED. */
bool kad_stop_requested(void);
/* True when, besides, the piece of work begun at `start` (kad_stop_clock) has taken over
 * a second (kad_stop_grace): give it up half done. What is faster is finished first, so
 * that a run that is stopped again and again still gets on. */
bool kad_stop_overdue(double start);
/* KAD_EINTERRUPTED, with "WHAT: stopped by SIGTERM". */
KAD_MUST_USE kad_status kad_stop_fail(kad_ctx *ctx, const char *what);
/* KAD_OK, or kad_stop_fail once a stop was asked for: between the steps of work that is
 * stored whole at its end or not at all. Threads: all. */
KAD_MUST_USE kad_status kad_stop_check(kad_ctx *ctx, const char *what);
/* Sleep, unless a stop is asked for: as kad_stop_check. */
KAD_MUST_USE kad_status kad_stop_sleep(kad_ctx *ctx, const char *what, double seconds);
/* "SIGTERM", "request", "time limit" or "none". */
const char *kad_stop_reason(void);
/* Another flag that counts as a request while it is set ("request"), of whoever calls from
 * outside; NULL: none. Returns the one before. */
const atomic_bool *kad_stop_watch(const atomic_bool *flag);
/* Forget the request (tests). */
void kad_stop_clear(void);
/* Another time than a second (tests). */
void kad_stop_grace(double seconds);
/* Monotonic wall clock in seconds. */
double kad_wall_seconds(void);
/* The clock that decisions are made by: the same, or the one that ranks have agreed on. */
double kad_stop_clock(void);

/* What the process itself was asked, whatever its peers were: the signal, one of these
 * beyond all signals, or 0. */
enum { KAD_STOP_ASKED = 1000, KAD_STOP_DEADLINE, KAD_STOP_FAILURE };
int kad_stop_own(void);
/* Processes that stop together (base/ranks.h) say what is in force and what time it is;
 * NULL: none. */
typedef struct kad_stop_peers {
    int (*reason)(void *self); /* as kad_stop_own */
    double (*clock)(void *self);
    void *self;
} kad_stop_peers;
void kad_stop_join(const kad_stop_peers *peers);

#endif
