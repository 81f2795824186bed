#include "base/ranks.h"

#include "base/signals.h"
#include "base/thread.h"

#include <stdatomic.h>
#include <string.h>

enum { RANKS_MOST = 1024 };
static const double LISTEN_SECONDS = 0.01; /* between two looks for notices */

struct kad_ranks {
    int n, rank;
    const kad_links *links;
    void *self;
    bool together;     /* pieces are dealt out */
    bool over;         /* one has ended */
    atomic_bool apart; /* between part and join */
    int stop;          /* what was agreed on, as kad_stop_own */
    double clock;      /* the first rank's at the last meeting */
    double ahead;      /* this rank's clock less the first one's */
    atomic_int heard;  /* notice of another rank that was asked to stop */
    double listened;   /* when last */
    kad_stop_peers peers;
};

/* --- requests to stop, and the clock --------------------------------------------------- */

static bool holds(const kad_ranks *r)
{
    return r->together && !atomic_load(&r->apart);
}

/* Notices are exchanged by the first thread of a team, which is the one that called. */
static int listen(kad_ranks *r)
{
    if (kad_thread_index() != 0) return atomic_load(&r->heard);
    const double now = kad_wall_seconds();
    if (now - r->listened < LISTEN_SECONDS) return atomic_load(&r->heard);
    r->listened = now;
    const int heard = r->links->notice(r->self, kad_stop_own());
    if (heard != 0) atomic_store(&r->heard, heard);
    return atomic_load(&r->heard);
}

static int stop_reason(void *self)
{
    kad_ranks *r = self;
    if (holds(r)) return r->stop;
    const int own = kad_stop_own(), heard = listen(r);
    return own != 0 ? own : heard != 0 ? heard : r->stop;
}

static double stop_clock(void *self)
{
    const kad_ranks *r = self;
    return holds(r) ? r->clock : kad_wall_seconds() - r->ahead;
}

/* --- a meeting ------------------------------------------------------------------------- */

/* What is done there: ranks that have come for different things would misunderstand one
 * another. */
typedef enum purpose { CREATE = 1, MEET, GIVE, MADE, JOIN } purpose;

typedef struct meeting {
    kad_status status; /* the worst */
    bool some_ended, all_ended;
    int64_t size; /* the first rank's */
} meeting;

enum { STATUS, STOP, ENDED, NOT_ENDED, PURPOSE, NOT_PURPOSE, CLOCK, SIZE, N_WORDS };

/* Failures before interruptions, then the lowest rank's. */
static int64_t rate(const kad_ranks *r, kad_status status)
{
    if (status == KAD_OK) return 0;
    return (int64_t)(status == KAD_EINTERRUPTED ? 1 : 2) << 40 | (int64_t)status << 20 |
           (r->n - r->rank);
}

/* The message of whoever failed. */
static void share_message(kad_ctx *ctx, int64_t rating)
{
    kad_ranks *r = ctx->ranks;
    char message[KAD_MESSAGE_MAX];
    memcpy(message, ctx->message, sizeof message);
    r->links->give(r->self, r->n - (int)(rating & 0xfffff), sizeof message, message);
    memcpy(ctx->message, message, sizeof message);
}

static void agree(kad_ctx *ctx, purpose what, bool ended, kad_status status, int64_t size,
                  meeting *out)
{
    static const double nano = 1e-9;
    kad_ranks *r = ctx->ranks;
    const bool first = r->rank == 0;
    const int own = kad_stop_own(), heard = atomic_load(&r->heard);
    int64_t word[N_WORDS] = {
        [STATUS] = rate(r, status),
        [STOP] = own != 0 ? own : heard,
        [ENDED] = ended,
        [NOT_ENDED] = !ended,
        [PURPOSE] = ended ? INT64_MIN : (int64_t)what,
        [NOT_PURPOSE] = ended ? INT64_MIN : -(int64_t)what,
        [CLOCK] = first ? (int64_t)(kad_wall_seconds() / nano) : INT64_MIN,
        [SIZE] = first ? size : INT64_MIN,
    };
    r->links->most(r->self, N_WORDS, word);
    *out = (meeting){.some_ended = word[ENDED] != 0,
                     .all_ended = word[NOT_ENDED] == 0,
                     .size = word[SIZE]};
    r->clock = (double)word[CLOCK] * nano;
    r->stop = (int)word[STOP];
    if (word[STATUS] != 0) {
        out->status = (kad_status)(word[STATUS] >> 20 & 0xfffff);
        share_message(ctx, word[STATUS]);
    }
    if (!out->all_ended && out->status == KAD_OK && word[PURPOSE] != -word[NOT_PURPOSE])
        out->status = kad_fail(ctx, KAD_EINTERNAL, "ranks are not at the same step");
    if (!out->some_ended) return;
    r->over = true;
    r->together = false;
    if (r->stop == 0 && out->status != KAD_OK) r->stop = KAD_STOP_FAILURE;
}

/* For ranks at work: that one has ended is a failure. */
static kad_status hold_meeting(kad_ctx *ctx, purpose what, kad_status status,
                               int64_t size, meeting *out)
{
    agree(ctx, what, false, status, size, out);
    atomic_store(&ctx->ranks->apart, false);
    if (out->some_ended && out->status == KAD_OK)
        return kad_fail(ctx, KAD_EINTERNAL, "another rank has ended");
    return out->status;
}

/* --- life ------------------------------------------------------------------------------ */

kad_status kad_ranks_create(kad_ctx *ctx, int n, int rank, const kad_links *links,
                            void *self)
{
    kad_ranks *r;
    meeting m;
    if (n < 2 || n > RANKS_MOST || (n & (n - 1)) != 0)
        return kad_fail(ctx, KAD_EUSAGE, "%d ranks: expected a power of two up to %d", n,
                        RANKS_MOST);
    KAD_CALL(kad_new(ctx, 1, sizeof *r, &r));
    r->n = n;
    r->rank = rank;
    r->links = links;
    r->self = self;
    ctx->ranks = r;
    const kad_status status = hold_meeting(ctx, CREATE, KAD_OK, 0, &m);
    r->ahead = kad_wall_seconds() - r->clock;
    r->peers = (kad_stop_peers){stop_reason, stop_clock, r};
    kad_stop_join(&r->peers);
    return status;
}

kad_status kad_ranks_leave(kad_ctx *ctx, kad_status status)
{
    kad_ranks *r = ctx->ranks;
    meeting m;
    if (r == NULL) return status;
    r->together = false;
    do
        agree(ctx, 0, true, status, 0, &m);
    while (!m.all_ended);
    kad_stop_join(NULL);
    kad_free(r);
    ctx->ranks = NULL;
    return m.status;
}

bool kad_ranks_is_first(const kad_ctx *ctx)
{
    return ctx->ranks == NULL || ctx->ranks->rank == 0;
}

int kad_ranks_all(const kad_ctx *ctx)
{
    return ctx->ranks != NULL ? ctx->ranks->n : 1;
}

static bool is_together(const kad_ctx *ctx)
{
    return ctx->ranks != NULL && ctx->ranks->together;
}

int kad_ranks_n(const kad_ctx *ctx)
{
    return is_together(ctx) ? ctx->ranks->n : 1;
}

int kad_ranks_number(const kad_ctx *ctx)
{
    return is_together(ctx) ? ctx->ranks->rank : 0;
}

kad_status kad_ranks_meet(kad_ctx *ctx, bool *together)
{
    kad_ranks *r = ctx->ranks;
    meeting m;
    *together = true;
    if (r == NULL) return KAD_OK;
    if (!r->over) {
        agree(ctx, MEET, false, KAD_OK, 0, &m);
        r->together = !r->over && m.status == KAD_OK;
        *together = r->together;
        return m.status;
    }
    *together = false;
    return KAD_OK;
}

void kad_ranks_part_ways(kad_ctx *ctx)
{
    if (ctx->ranks != NULL) ctx->ranks->together = false;
}

/* --- bytes of the first rank ----------------------------------------------------------- */

/* One has ended: the first rank does what is left alone, the others have nothing to go by. */
static kad_status without_the_others(kad_ctx *ctx, kad_status status)
{
    if (kad_ranks_is_first(ctx) || status != KAD_OK) return status;
    return kad_fail(ctx, KAD_EINTERRUPTED, "another rank has ended");
}

kad_status kad_ranks_give(kad_ctx *ctx, kad_status status, char **data, size_t *n_bytes)
{
    kad_ranks *r = ctx->ranks;
    meeting m;
    if (r == NULL) return status;
    if (r->over) return without_the_others(ctx, status);
    const bool first = r->rank == 0;
    if (!first) *data = NULL;
    KAD_CALL(hold_meeting(ctx, GIVE, status, first ? (int64_t)*n_bytes : 0, &m));
    *n_bytes = (size_t)m.size;
    if (!first) status = kad_new(ctx, *n_bytes + 1, 1, data);
    status = hold_meeting(ctx, MADE, status, 0, &m);
    if (status == KAD_OK) r->links->give(r->self, 0, *n_bytes, *data);
    if (status == KAD_OK || first) return status;
    kad_free(*data);
    *data = NULL;
    return status;
}

kad_status kad_ranks_give_int(kad_ctx *ctx, kad_status status, int *value)
{
    meeting m;
    if (ctx->ranks == NULL) return status;
    if (ctx->ranks->over) return without_the_others(ctx, status);
    KAD_CALL(hold_meeting(ctx, GIVE, status, *value, &m));
    *value = (int)m.size;
    return KAD_OK;
}

/* --- pieces ---------------------------------------------------------------------------- */

static size_t begin_of(size_t n, size_t unit, int n_ranks, int rank)
{
    const size_t units = (n + unit - 1) / unit;
    const size_t at = units * (size_t)rank / (size_t)n_ranks * unit;
    return at < n ? at : n;
}

kad_rank_items kad_ranks_part(kad_ctx *ctx, size_t n, size_t unit)
{
    kad_ranks *r = ctx->ranks;
    if (!is_together(ctx)) return (kad_rank_items){0, n};
    const size_t first = begin_of(n, unit, r->n, r->rank);
    atomic_store(&r->apart, true);
    return (kad_rank_items){first, begin_of(n, unit, r->n, r->rank + 1) - first};
}

static void gather(kad_ranks *r, const kad_shared *a)
{
    size_t begin[RANKS_MOST + 1];
    for (int k = 0; k <= r->n; k++)
        begin[k] = begin_of(a->n, a->unit, r->n, k) * a->bytes;
    r->links->gather(r->self, begin, a->data);
}

kad_status kad_ranks_join(kad_ctx *ctx, kad_status status, size_t n_arrays,
                          const kad_shared *arrays)
{
    kad_ranks *r = ctx->ranks;
    meeting m;
    if (!is_together(ctx)) return status;
    KAD_CALL(hold_meeting(ctx, JOIN, status, 0, &m));
    for (size_t i = 0; i < n_arrays; i++)
        if (arrays[i].data != NULL) gather(r, &arrays[i]);
    return KAD_OK;
}

void kad_ranks_sum(kad_ctx *ctx, size_t n, double *x)
{
    enum { AT_ONCE = 4096 };
    kad_ranks *r = ctx->ranks;
    double theirs[AT_ONCE];
    if (!is_together(ctx)) return;
    for (int step = r->n / 2; step > 0; step /= 2)
        for (size_t at = 0; at < n; at += AT_ONCE) {
            const size_t m = n - at < AT_ONCE ? n - at : AT_ONCE;
            r->links->swap(r->self, r->rank ^ step, m * sizeof *x, x + at, theirs);
            for (size_t i = 0; i < m; i++)
                x[at + i] += theirs[i];
        }
}
