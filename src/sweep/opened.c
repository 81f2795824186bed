/* Points that are read: how far they are, and their results. A command that goes over the points
 * several times keeps what it has read, as long as that fits. */
#include "run/run_state.h"
#include "sweep/points.h"

enum {
    OVERHEAD = 1 << 18, /* bytes of an open file beside its image */
    MOST = 1 << 30      /* and of all that are kept */
};

struct kad_sweep_opened {
    kad_h5 *last;          /* one that is not kept */
    size_t n, bytes, most; /* files kept may take `most` */
    kad_h5 **file;         /* [n points]; NULL: not kept */
    kad_run_state *state;  /* [n points] */
    bool *has_state;
};

static void close_last(void *self)
{
    kad_sweep_opened *opened = self;
    kad_h5_close(opened->last);
}

static void close_kept(void *self)
{
    kad_sweep_opened *opened = self;
    for (size_t i = 0; i < opened->n; i++)
        kad_h5_close(opened->file[i]);
    opened->n = 0;
}

kad_status kad_opened_create(kad_scope *in, kad_sweep_opened **out)
{
    KAD_CALL(kad_take(in, 1, out));
    return kad_defer(in, close_last, *out);
}

kad_status kad_sweep_keep(kad_scope *in, const kad_sweep *s)
{
    kad_sweep_opened *opened = s->opened;
    const size_t n = (size_t)s->n_points;
    if (opened->n > 0) return KAD_OK;
    KAD_CALL(kad_take(in, n, &opened->file));
    KAD_CALL(kad_take(in, n, &opened->state));
    KAD_CALL(kad_take(in, n, &opened->has_state));
    opened->n = n;
    opened->bytes = 0;
    opened->most = kad_memory_available_bytes() / 4;
    if (opened->most > MOST) opened->most = MOST;
    return kad_defer(in, close_kept, opened);
}

static kad_status open_results(kad_ctx *ctx, const kad_sweep *s,
                               const kad_sweep_point *point, kad_h5 **file)
{
    KAD_SCOPE(scope, ctx);
    KAD_LOCAL(kad_run, run);
    const char *path;
    KAD_CALL(kad_sweep_path(&scope, s, point, &path));
    KAD_CALL(kad_run_open(ctx, path, KAD_RUN_READ, &run));
    return kad_results_open(ctx, run, file);
}

kad_status kad_sweep_results(kad_ctx *ctx, const kad_sweep *s,
                             const kad_sweep_point *point, kad_h5 **file)
{
    kad_sweep_opened *opened = s->opened;
    const size_t i = (size_t)(point - s->point);
    *file = i < opened->n ? opened->file[i] : NULL;
    if (*file != NULL) return KAD_OK;
    kad_h5_close(opened->last);
    opened->last = NULL;
    KAD_CALL(open_results(ctx, s, point, &opened->last));
    *file = opened->last;
    const size_t bytes = opened->bytes + kad_h5_bytes(*file) + OVERHEAD;
    if (i >= opened->n || bytes > opened->most) return KAD_OK;
    opened->bytes = bytes;
    opened->file[i] = *file;
    opened->last = NULL;
    return KAD_OK;
}

kad_status kad_sweep_stand(kad_ctx *ctx, const kad_sweep *s, const kad_sweep_point *point,
                           kad_run_state *state)
{
    KAD_SCOPE(scope, ctx);
    kad_sweep_opened *opened = s->opened;
    const size_t i = (size_t)(point - s->point);
    const char *path;
    if (i < opened->n && opened->has_state[i]) {
        *state = opened->state[i];
        return KAD_OK;
    }
    KAD_CALL(kad_sweep_path(&scope, s, point, &path));
    KAD_CALL(kad_run_state_read(ctx, path, state));
    if (i >= opened->n) return KAD_OK;
    opened->state[i] = *state;
    opened->has_state[i] = true;
    return KAD_OK;
}
