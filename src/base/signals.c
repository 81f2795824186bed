/* Signals, the deadline and the clock. The flags below are the one mutable state a signal
 * handler can reach. */
#include "base/signals.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_SECOND_SIGINT = 130 };

static volatile sig_atomic_t stop_signal;   /* the first signal that came, or 0 */
static volatile sig_atomic_t interrupts;    /* SIGINTs so far */
static const atomic_bool *_Atomic watched;  /* kad_stop_watch */
static _Atomic double deadline;             /* on the monotonic clock; 0: none */
static _Atomic double grace = 1.0;          /* seconds; changed by tests only */
static const kad_stop_peers *_Atomic peers; /* kad_stop_join; NULL: none */

static void on_signal(int number)
{
    if (number == SIGINT && ++interrupts > 1) _exit(EXIT_SECOND_SIGINT);
    if (stop_signal == 0) stop_signal = number;
}

void kad_signals_install(void)
{
    static const int stopping[] = {SIGTERM, SIGINT, SIGUSR1, SIGXCPU};
    static const int ignored[] = {SIGXFSZ, SIGPIPE};
    struct sigaction action;
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    action.sa_handler = on_signal;
    for (size_t i = 0; i < sizeof stopping / sizeof *stopping; i++)
        sigaction(stopping[i], &action, NULL);
    action.sa_handler = SIG_IGN;
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        sigaction(ignored[i], &action, NULL);
}

double kad_wall_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void kad_signals_deadline(double seconds)
{
    /* NaN counts as never, like the rest of what is not > 0 */
    atomic_store(&deadline, seconds > 0 ? kad_wall_seconds() + seconds : 0.0);
}

static bool past_deadline(void)
{
    double when = atomic_load(&deadline);
    return when > 0 && kad_wall_seconds() >= when;
}

const atomic_bool *kad_stop_watch(const atomic_bool *flag)
{
    return atomic_exchange(&watched, flag);
}

static bool asked(void)
{
    const atomic_bool *flag = atomic_load(&watched);
    return flag != NULL && atomic_load(flag);
}

int kad_stop_own(void)
{
    if (stop_signal != 0) return stop_signal;
    return asked() ? KAD_STOP_ASKED : past_deadline() ? KAD_STOP_DEADLINE : 0;
}

/* The request in force, as kad_stop_own. */
static int in_force(void)
{
    const kad_stop_peers *all = atomic_load(&peers);
    return all != NULL ? all->reason(all->self) : kad_stop_own();
}

void kad_stop_join(const kad_stop_peers *all)
{
    atomic_store(&peers, all);
}

bool kad_stop_requested(void)
{
    return in_force() != 0;
}

double kad_stop_clock(void)
{
    const kad_stop_peers *all = atomic_load(&peers);
    return all != NULL ? all->clock(all->self) : kad_wall_seconds();
}

bool kad_stop_overdue(double start)
{
    return kad_stop_requested() && kad_stop_clock() - start > atomic_load(&grace);
}

kad_status kad_stop_fail(kad_ctx *ctx, const char *what)
{
    return kad_fail(ctx, KAD_EINTERRUPTED, "%s: stopped by %s", what, kad_stop_reason());
}

kad_status kad_stop_check(kad_ctx *ctx, const char *what)
{
    return kad_stop_requested() ? kad_stop_fail(ctx, what) : KAD_OK;
}

kad_status kad_stop_sleep(kad_ctx *ctx, const char *what, double seconds)
{
    static const struct timespec slice = {.tv_nsec = 50000000};
    const double end = kad_wall_seconds() + seconds;
    while (kad_wall_seconds() < end) {
        KAD_CALL(kad_stop_check(ctx, what));
        nanosleep(&slice, NULL);
    }
    return kad_stop_check(ctx, what);
}

const char *kad_stop_reason(void)
{
    switch (in_force()) {
    case 0:
        return "none";
    case SIGTERM:
        return "SIGTERM";
    case SIGINT:
        return "SIGINT";
    case SIGUSR1:
        return "SIGUSR1";
    case SIGXCPU:
        return "SIGXCPU";
    case KAD_STOP_ASKED:
        return "request";
    case KAD_STOP_DEADLINE:
        return "time limit";
    default:
        return "another rank";
    }
}

void kad_stop_grace(double seconds)
{
    atomic_store(&grace, seconds);
}

void kad_stop_clear(void)
{
    stop_signal = 0;
    interrupts = 0;
    atomic_store(&deadline, 0.0);
}
