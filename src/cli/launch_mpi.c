/* Ranks over MPI: the only file that includes mpi.h. Calls come from the thread that made
 * them (MPI_THREAD_FUNNELED). What fails within MPI ends all ranks: its default. */
#include "cli/launch.h"

#include "base/ranks.h"
#include "base/signals.h"

#include <limits.h>
#include <mpi.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NOTICE = 1, AT_ONCE = 1 << 30 };
/* Seconds of a wait that is spent asking, and in which others may have the core. */
static const double SPIN = 50e-6, YIELD = 5e-3;

typedef struct mpi {
    MPI_Comm all;
    int n, rank, told, last; /* told: others know of a request to stop; last: heard */
    int *counts, *starts;    /* [n] */
    int *heard;              /* [n] from whom */
    MPI_Request *sent;       /* [n] */
} mpi;

static mpi us;

/* --- links ----------------------------------------------------------------------------- */

static int notice(void *self, int stop)
{
    mpi *m = self;
    if (stop != 0 && !m->told) {
        m->told = stop;
        for (int r = 0; r < m->n; r++)
            if (r != m->rank)
                MPI_Isend(&m->told, 1, MPI_INT, r, NOTICE, m->all, &m->sent[r]);
    }
    for (;;) {
        int there = 0;
        MPI_Status from;
        MPI_Iprobe(MPI_ANY_SOURCE, NOTICE, m->all, &there, &from);
        if (!there) return m->last;
        MPI_Recv(&m->last, 1, MPI_INT, from.MPI_SOURCE, NOTICE, m->all,
                 MPI_STATUS_IGNORE);
        m->heard[from.MPI_SOURCE] = 1;
    }
}

/* Ranks may wait long for the first, which then has use for their cores. */
static void wait_for(mpi *m, MPI_Request *request)
{
    static const struct timespec nap = {0, 500000};
    const double begun = kad_wall_seconds();
    for (;;) {
        int done = 0;
        MPI_Test(request, &done, MPI_STATUS_IGNORE);
        if (done) return;
        const double waited = kad_wall_seconds() - begun;
        if (waited < SPIN) continue;
        notice(m, kad_stop_own());
        if (waited < YIELD)
            sched_yield();
        else
            nanosleep(&nap, NULL);
    }
}

static void most(void *self, size_t n, int64_t *values)
{
    mpi *m = self;
    int64_t all[16];
    MPI_Request request;
    MPI_Iallreduce(values, all, (int)n, MPI_INT64_T, MPI_MAX, m->all, &request);
    wait_for(m, &request);
    memcpy(values, all, n * sizeof *values);
}

static void give(void *self, int from, size_t n_bytes, void *data)
{
    mpi *m = self;
    for (size_t at = 0; at < n_bytes; at += AT_ONCE) {
        const size_t n = n_bytes - at < AT_ONCE ? n_bytes - at : AT_ONCE;
        MPI_Bcast((char *)data + at, (int)n, MPI_BYTE, from, m->all);
    }
}

static void gather(void *self, const size_t *begin, void *data)
{
    mpi *m = self;
    if (begin[m->n] > INT_MAX) {
        for (int r = 0; r < m->n; r++)
            give(m, r, begin[r + 1] - begin[r], (char *)data + begin[r]);
        return;
    }
    for (int r = 0; r < m->n; r++) {
        m->starts[r] = (int)begin[r];
        m->counts[r] = (int)(begin[r + 1] - begin[r]);
    }
    MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_BYTE, data, m->counts, m->starts, MPI_BYTE,
                   m->all);
}

static void swap(void *self, int other, size_t n_bytes, const void *mine, void *theirs)
{
    mpi *m = self;
    MPI_Sendrecv(mine, (int)n_bytes, MPI_BYTE, other, 0, theirs, (int)n_bytes, MPI_BYTE,
                 other, 0, m->all, MPI_STATUS_IGNORE);
}

static const kad_links links = {
    .most = most, .give = give, .gather = gather, .swap = swap, .notice = notice};

/* --- life ------------------------------------------------------------------------------ */

/* A launcher that MPI was not told of starts every rank as a world of its own, which would
 * all do the same run. */
static kad_status check_alone(kad_ctx *ctx)
{
    static const char *const names[] = {"SLURM_STEP_NUM_TASKS", "OMPI_COMM_WORLD_SIZE",
                                        "PMI_SIZE"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *tasks = getenv(names[i]);
        if (tasks != NULL && atoi(tasks) > 1)
            return kad_fail(
                ctx, KAD_EUSAGE,
                "%s is %s, but MPI knows of this process alone: start it with "
                "mpirun, or with srun --mpi=pmix (srun --mpi=list)",
                names[i], tasks);
    }
    return KAD_OK;
}

kad_status kad_launch(kad_ctx *ctx, int *argc, char ***argv)
{
    int level;
    MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &level);
    us.all = MPI_COMM_WORLD;
    MPI_Comm_size(us.all, &us.n);
    MPI_Comm_rank(us.all, &us.rank);
    if (us.n == 1) return check_alone(ctx);
    const size_t n = (size_t)us.n;
    KAD_CALL(kad_new(ctx, n, sizeof *us.counts, &us.counts));
    KAD_CALL(kad_new(ctx, n, sizeof *us.starts, &us.starts));
    KAD_CALL(kad_new(ctx, n, sizeof *us.heard, &us.heard));
    KAD_CALL(kad_new(ctx, n, sizeof *us.sent, &us.sent));
    for (size_t r = 0; r < n; r++)
        us.sent[r] = MPI_REQUEST_NULL;
    return kad_ranks_create(ctx, us.n, us.rank, &links, &us);
}

bool kad_launch_speaks(void)
{
    return us.rank == 0;
}

/* Notices that nobody has looked for are taken in: all have been sent. */
static void settle(void)
{
    MPI_Allgather(&us.told, 1, MPI_INT, us.counts, 1, MPI_INT, us.all);
    for (int r = 0; r < us.n; r++)
        if (r != us.rank && us.counts[r] != 0 && !us.heard[r])
            MPI_Recv(&us.last, 1, MPI_INT, r, NOTICE, us.all, MPI_STATUS_IGNORE);
    MPI_Waitall(us.n, us.sent, MPI_STATUSES_IGNORE);
}

void kad_launch_end(void)
{
    if (us.sent != NULL) settle();
    kad_free(us.counts);
    kad_free(us.starts);
    kad_free(us.heard);
    kad_free(us.sent);
    MPI_Finalize();
}
