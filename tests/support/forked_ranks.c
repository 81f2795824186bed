#include "tests/support/forked_ranks.h"

#include "tests/support/claim.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RANKS = 8, BYTES = 1 << 22, SECONDS = 60 };

typedef struct world {
    pthread_barrier_t barrier;
    int n;
    atomic_int notice[RANKS];
    _Alignas(8) char block[RANKS][BYTES];
} world;

typedef struct rank_links {
    world *all;
    int rank;
} rank_links;

static void together(world *w)
{
    pthread_barrier_wait(&w->barrier);
}

static char *block(const rank_links *l, int rank, size_t n_bytes)
{
    if (n_bytes > BYTES) _exit(99);
    return l->all->block[rank];
}

static void most(void *self, size_t n, int64_t *values)
{
    const rank_links *l = self;
    world *w = l->all;
    memcpy(block(l, l->rank, n * sizeof *values), values, n * sizeof *values);
    together(w);
    for (int r = 0; r < w->n; r++) {
        const int64_t *theirs = (const void *)w->block[r];
        for (size_t i = 0; i < n; i++)
            if (theirs[i] > values[i]) values[i] = theirs[i];
    }
    together(w);
}

static void give(void *self, int from, size_t n_bytes, void *data)
{
    const rank_links *l = self;
    char *there = block(l, from, n_bytes);
    if (l->rank == from) memcpy(there, data, n_bytes);
    together(l->all);
    memcpy(data, there, n_bytes);
    together(l->all);
}

static void gather(void *self, const size_t *begin, void *data)
{
    const rank_links *l = self;
    const size_t at = begin[l->rank], n = begin[l->rank + 1] - at;
    char *there = block(l, 0, begin[l->all->n]);
    memcpy(there + at, (char *)data + at, n);
    together(l->all);
    memcpy(data, there, begin[l->all->n]);
    together(l->all);
}

static void swap(void *self, int other, size_t n_bytes, const void *mine, void *theirs)
{
    const rank_links *l = self;
    memcpy(block(l, l->rank, n_bytes), mine, n_bytes);
    together(l->all);
    memcpy(theirs, l->all->block[other], n_bytes);
    together(l->all);
}

static int notice(void *self, int stop)
{
    const rank_links *l = self;
    if (stop != 0) atomic_store(&l->all->notice[l->rank], stop);
    for (int r = 0; r < l->all->n; r++) {
        const int heard = atomic_load(&l->all->notice[r]);
        if (r != l->rank && heard != 0) return heard;
    }
    return 0;
}

static const kad_links links = {
    .most = most, .give = give, .gather = gather, .swap = swap, .notice = notice};

static int live(world *w, int rank, bool meet, rank_body *body, void *self)
{
    kad_ctx ctx;
    rank_links own = {w, rank};
    bool met = true;
    alarm(SECONDS);
    kad_ctx_init(&ctx, 1);
    kad_status status = kad_ranks_create(&ctx, w->n, rank, &links, &own);
    if (status == KAD_OK && meet) status = kad_ranks_meet(&ctx, &met);
    if (status == KAD_OK && met) status = body(&ctx, rank, self);
    return (int)kad_ranks_leave(&ctx, status);
}

void run_ranks(int n, bool meet, rank_body *body, void *self, int *statuses)
{
    pthread_barrierattr_t shared;
    pid_t child[RANKS];
    assert_in_range(n, 2, RANKS);
    world *w =
        mmap(NULL, sizeof *w, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(w != MAP_FAILED);
    w->n = n;
    assert_int_equal(pthread_barrierattr_init(&shared), 0);
    assert_int_equal(pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED), 0);
    assert_int_equal(pthread_barrier_init(&w->barrier, &shared, (unsigned)n), 0);
    fflush(stdout);
    fflush(stderr);
    for (int r = 0; r < n; r++) {
        child[r] = fork();
        assert_true(child[r] >= 0);
        if (child[r] == 0) _exit(live(w, r, meet, body, self));
    }
    for (int r = 0; r < n; r++) {
        int end;
        assert_int_equal(waitpid(child[r], &end, 0), child[r]);
        statuses[r] = WIFEXITED(end) ? WEXITSTATUS(end) : -1;
    }
    munmap(w, sizeof *w);
}
