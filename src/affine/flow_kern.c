#include "affine/flow.h"

#include "affine/couple.h"
#include "base/parallel.h"

#include <string.h>

enum { N_PARTS = 16 }; /* that the sums over a stage's columns are made of */

typedef KR(kad_affine_batch) batch;

struct KR(kad_affine_batch) {
    const kad_affine_map *map;
    bool backwards;
    int n_threads;
    const double *theta;
    size_t *packed_at; /* [n_stages]: of its layers */
    real *packed;
    char *scratch; /* [n_threads] */
    size_t scratch_bytes, panel_bytes;
    double *work;        /* [n_threads][most of a matrix] */
    size_t most_weights; /* of a matrix */
    real *x, *dx;        /* [panels][rows][KAD_W]: of a stage, backwards */
    double *ln_det;      /* [panels][C][KAD_W] */
    real *sums;          /* [N_PARTS][sums of a layer] */
    /* of the call at work */
    const kad_affine_stage *stage;
    int layer;
    size_t n, n_panels, n_parts;
    real *images, *by_images, by_ln_det;
    double *levels, *gradient;
};

static size_t panels_of(const kad_affine_stage *s, size_t n)
{
    return (n * (size_t)s->n_columns + KAD_W - 1) / KAD_W;
}

static size_t net_packed(const batch *b, const kad_affine_stage *s)
{
    return KR(kad_affine_packed)(&s->net, b->backwards);
}

/* Of a layer's s-net (0) or t-net (1). */
static const real *packed_of(const batch *b, int layer, int which)
{
    return b->packed + b->packed_at[b->stage - b->map->stage] +
           (size_t)(2 * layer + which) * net_packed(b, b->stage);
}

/* --- life ------------------------------------------------------------------------------------ */

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static kad_status fill(kad_ctx *ctx, size_t n, batch *b)
{
    const kad_affine_map *map = b->map;
    const size_t n_threads = (size_t)b->n_threads;
    size_t packed = 0, panel = 0, rows = 0, sums = 0, dets = 0;
    KAD_CALL(kad_new(ctx, (size_t)map->n_stages, sizeof *b->packed_at, &b->packed_at));
    for (int i = 0; i < map->n_stages; i++) {
        const kad_affine_stage *s = &map->stage[i];
        const size_t R = (size_t)s->n_rows, W = (size_t)s->net.width;
        const size_t desk = KR(kad_affine_desk_bytes)(s->n_rows, s->net.width,
                                                      s->net.n_blocks, b->backwards);
        b->packed_at[i] = packed;
        packed += 2 * (size_t)s->n_layers * net_packed(b, s);
        panel = larger(panel, desk + R * KAD_W * sizeof(real));
        rows = larger(rows, panels_of(s, n) * R);
        dets = larger(dets, panels_of(s, n));
        sums = larger(sums, 2 * KR(kad_affine_sums)(&s->net));
        b->most_weights = larger(b->most_weights, larger(R, W) * W);
    }
    b->scratch_bytes = kad_cut_bytes(panel, 1);
    b->panel_bytes = (b->backwards ? 2 * rows * KAD_W * sizeof(real) : 0) +
                     dets * (size_t)map->n_channels * KAD_W * sizeof(double);
    KAD_CALL(kad_new(ctx, packed, sizeof *b->packed, &b->packed));
    KAD_CALL(kad_new(ctx, n_threads, b->scratch_bytes, &b->scratch));
    KAD_CALL(kad_new(ctx, n_threads * b->most_weights, sizeof *b->work, &b->work));
    KAD_CALL(kad_new(ctx, dets * (size_t)map->n_channels * KAD_W, sizeof *b->ln_det,
                     &b->ln_det));
    if (!b->backwards) return KAD_OK;
    KAD_CALL(kad_new(ctx, rows * KAD_W, sizeof *b->x, &b->x));
    KAD_CALL(kad_new(ctx, rows * KAD_W, sizeof *b->dx, &b->dx));
    return kad_new(ctx, N_PARTS * sums, sizeof *b->sums, &b->sums);
}

kad_status KR(kad_affine_batch_create)(kad_ctx *ctx, const kad_affine_map *map, size_t n,
                                       bool backwards, batch **out)
{
    batch *b;
    *out = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *b, &b));
    b->map = map;
    b->backwards = backwards;
    b->n_threads = ctx->n_threads;
    const kad_status status = fill(ctx, n, b);
    if (status == KAD_OK)
        *out = b;
    else
        KR(kad_affine_batch_destroy)(b);
    return status;
}

void KR(kad_affine_batch_destroy)(batch *b)
{
    if (!b) return;
    kad_free(b->packed_at);
    kad_free(b->packed);
    kad_free(b->scratch);
    kad_free(b->work);
    kad_free(b->ln_det);
    kad_free(b->x);
    kad_free(b->dx);
    kad_free(b->sums);
    kad_free(b);
}

size_t KR(kad_affine_batch_bytes)(const batch *b)
{
    return b->panel_bytes + (size_t)b->n_threads * b->scratch_bytes;
}

static void *scratch_of(const batch *b, int thread)
{
    return b->scratch + (size_t)thread * b->scratch_bytes;
}

/* The thread's desk, and rows of one panel. */
static KR(kad_affine_desk) sit_down(const batch *b, int thread, bool keep, real **rows)
{
    KR(kad_affine_desk) d;
    const kad_affine_net *net = &b->stage->net;
    char *at = scratch_of(b, thread);
    KR(kad_affine_desk_cut)
    (net->n_rows, net->width, net->n_blocks, keep, &at, &d);
    *rows = (real *)at;
    return d;
}

/* --- weights --------------------------------------------------------------------------------- */

static bool pack_net(void *self, size_t i, int thread)
{
    const batch *b = self;
    const kad_affine_stage *s = b->map->stage;
    while (i >= 2 * (size_t)s->n_layers) {
        i -= 2 * (size_t)s->n_layers;
        s++;
    }
    real *to = b->packed + b->packed_at[s - b->map->stage] + i * net_packed(b, s);
    KR(kad_affine_pack)
    (&s->net, b->backwards, b->theta + s->theta + i * s->net.n_theta,
     b->work + (size_t)thread * b->most_weights, to);
    return true;
}

void KR(kad_affine_load)(batch *b, const double *theta)
{
    size_t n = 0;
    b->theta = theta;
    for (int i = 0; i < b->map->n_stages; i++)
        n += 2 * (size_t)b->map->stage[i].n_layers;
    kad_parallel_for(b->n_threads, n, pack_net, b);
}

/* --- images and panels ----------------------------------------------------------------------- */

/* The rows of a panel from images: all, or those that are owned, the others 0. */
static void gather(const batch *b, size_t panel, bool all, const real *images, real *to)
{
    const kad_affine_stage *s = b->stage;
    const size_t size = kad_affine_size(b->map), columns = (size_t)s->n_columns;
    for (size_t l = 0; l < KAD_W; l++) {
        const size_t column = panel * KAD_W + l, image = column / columns;
        if (image >= b->n) {
            for (int r = 0; r < s->n_rows; r++)
                to[(size_t)r * KAD_W + l] = 0;
            continue;
        }
        const real *x = images + image * size;
        const int *index = s->index + column % columns * (size_t)s->n_rows;
        for (int r = 0; r < s->n_rows; r++)
            to[(size_t)r * KAD_W + l] =
                index[r] < 0 || !(all || s->owned[r]) ? 0 : x[index[r]];
    }
}

/* The rows that the stage moves, back to their images. */
static void scatter(const batch *b, size_t panel, const real *from, real *images)
{
    const kad_affine_stage *s = b->stage;
    const size_t size = kad_affine_size(b->map), columns = (size_t)s->n_columns;
    for (size_t l = 0; l < KAD_W; l++) {
        const size_t column = panel * KAD_W + l, image = column / columns;
        if (image >= b->n) return;
        real *x = images + image * size;
        const int *index = s->index + column % columns * (size_t)s->n_rows;
        for (int r = 0; r < s->n_rows; r++)
            if (s->owned[r]) x[index[r]] = from[(size_t)r * KAD_W + l];
    }
}

/* --- up and down ------------------------------------------------------------------------------- */

static bool infer_panel(void *self, size_t panel, int thread)
{
    const batch *b = self;
    const kad_affine_stage *s = b->stage;
    const size_t dets = (size_t)b->map->n_channels * KAD_W;
    real *x;
    KR(kad_affine_desk) d = sit_down(b, thread, false, &x);
    double *ln_det = b->ln_det + panel * dets;
    memset(ln_det, 0, dets * sizeof *ln_det);
    gather(b, panel, true, b->images, x);
    for (int l = 0; l < s->n_layers; l++)
        KR(kad_affine_layer_infer)
    (s, packed_of(b, l, 0), packed_of(b, l, 1), &d, x, ln_det);
    scatter(b, panel, x, b->images);
    return true;
}

/* Adds an image's columns to the level's sums. */
static bool collect(void *self, size_t image, int thread)
{
    const batch *b = self;
    const int C = b->map->n_channels;
    double *to = b->levels +
                 (image * (size_t)b->map->n_levels + (size_t)b->stage->level) * (size_t)C;
    (void)thread;
    for (size_t k = 0; k < (size_t)b->stage->n_columns; k++) {
        const size_t column = image * (size_t)b->stage->n_columns + k;
        const double *from =
            b->ln_det + column / KAD_W * (size_t)C * KAD_W + column % KAD_W;
        for (int c = 0; c < C; c++)
            to[c] += from[c * KAD_W];
    }
    return true;
}

void KR(kad_affine_infer)(batch *b, size_t n, real *x, double *ln_det)
{
    const size_t dets = n * (size_t)(b->map->n_levels * b->map->n_channels);
    memset(ln_det, 0, dets * sizeof *ln_det);
    b->n = n;
    b->images = x;
    b->levels = ln_det;
    for (int i = 0; i < b->map->n_stages; i++) {
        b->stage = &b->map->stage[i];
        kad_parallel_for(b->n_threads, panels_of(b->stage, n), infer_panel, b);
        kad_parallel_for(b->n_threads, n, collect, b);
    }
}

static bool generate_panel(void *self, size_t panel, int thread)
{
    const batch *b = self;
    const kad_affine_stage *s = b->stage;
    real *x;
    KR(kad_affine_desk) d = sit_down(b, thread, false, &x);
    gather(b, panel, true, b->images, x);
    for (int l = s->n_layers - 1; l >= 0; l--)
        KR(kad_affine_layer_generate)(s, packed_of(b, l, 0), packed_of(b, l, 1), &d, x);
    scatter(b, panel, x, b->images);
    return true;
}

void KR(kad_affine_generate)(batch *b, size_t n, real *x)
{
    b->n = n;
    b->images = x;
    for (int i = b->map->n_stages - 1; i >= 0; i--) {
        b->stage = &b->map->stage[i];
        kad_parallel_for(b->n_threads, panels_of(b->stage, n), generate_panel, b);
    }
}

/* --- back ------------------------------------------------------------------------------------- */

static size_t rows_of(const batch *b)
{
    return (size_t)b->stage->n_rows * KAD_W;
}

static bool gather_panel(void *self, size_t panel, int thread)
{
    const batch *b = self;
    (void)thread;
    gather(b, panel, true, b->images, b->x + panel * rows_of(b));
    gather(b, panel, false, b->by_images, b->dx + panel * rows_of(b));
    return true;
}

static bool scatter_panel(void *self, size_t panel, int thread)
{
    const batch *b = self;
    (void)thread;
    scatter(b, panel, b->x + panel * rows_of(b), b->images);
    scatter(b, panel, b->dx + panel * rows_of(b), b->by_images);
    return true;
}

/* What columns saw of others' values, in the order of the columns. */
static bool add_seen(void *self, size_t image, int thread)
{
    const batch *b = self;
    const kad_affine_stage *s = b->stage;
    real *to = b->by_images + image * kad_affine_size(b->map);
    (void)thread;
    for (size_t k = 0; k < (size_t)s->n_columns; k++) {
        const size_t column = image * (size_t)s->n_columns + k;
        const real *from = b->dx + column / KAD_W * rows_of(b) + column % KAD_W;
        const int *index = s->index + k * (size_t)s->n_rows;
        for (int r = 0; r < s->n_rows; r++)
            if (!s->owned[r] && index[r] >= 0) to[index[r]] += from[r * KAD_W];
    }
    return true;
}

/* A part of the panels. Columns behind the last image have no ln_det. */
static bool adjoint_part(void *self, size_t part, int thread)
{
    const batch *b = self;
    const kad_affine_stage *s = b->stage;
    const size_t n_sums = 2 * KR(kad_affine_sums)(&s->net),
                 n_columns = b->n * (size_t)s->n_columns;
    const size_t first = part * b->n_panels / b->n_parts,
                 end = (part + 1) * b->n_panels / b->n_parts;
    real by_ln_det[KAD_W] __attribute__((aligned(64))), *unused;
    real *sums = b->gradient ? b->sums + part * n_sums : NULL;
    KR(kad_affine_desk) d = sit_down(b, thread, true, &unused);
    if (sums) memset(sums, 0, n_sums * sizeof *sums);
    for (size_t p = first; p < end; p++) {
        for (size_t l = 0; l < KAD_W; l++)
            by_ln_det[l] = p * KAD_W + l < n_columns ? b->by_ln_det : 0;
        KR(kad_affine_layer_adjoint)
        (s, packed_of(b, b->layer, 0), packed_of(b, b->layer, 1), by_ln_det, &d,
         b->x + p * rows_of(b), b->dx + p * rows_of(b), sums);
    }
    return true;
}

enum { CHUNK = 4096 }; /* sums that a thread adds at once */

static bool add_parts(void *self, size_t chunk, int thread)
{
    const batch *b = self;
    const size_t n_sums = 2 * KR(kad_affine_sums)(&b->stage->net);
    const size_t first = chunk * CHUNK,
                 end = first + CHUNK < n_sums ? first + CHUNK : n_sums;
    (void)thread;
    for (size_t half = 1; half < b->n_parts; half *= 2)
        for (size_t p = 0; p + half < b->n_parts; p += 2 * half) {
            real *restrict to = b->sums + p * n_sums;
            const real *restrict from = b->sums + (p + half) * n_sums;
            for (size_t i = first; i < end; i++)
                to[i] += from[i];
        }
    return true;
}

static bool unpack_net(void *self, size_t which, int thread)
{
    const batch *b = self;
    const kad_affine_net *net = &b->stage->net;
    const size_t at =
        b->stage->theta + (2 * (size_t)b->layer + which) * b->stage->net.n_theta;
    (void)thread;
    KR(kad_affine_unpack)
    (net, b->theta + at, b->sums + which * KR(kad_affine_sums)(net), b->gradient + at);
    return true;
}

static void adjoint_layer(batch *b)
{
    const size_t n_sums = 2 * KR(kad_affine_sums)(&b->stage->net);
    kad_parallel_for(b->n_threads, b->n_parts, adjoint_part, b);
    if (!b->gradient) return;
    kad_parallel_for(b->n_threads, (n_sums + CHUNK - 1) / CHUNK, add_parts, b);
    kad_parallel_for(b->n_threads, 2, unpack_net, b);
}

void KR(kad_affine_adjoint)(batch *b, size_t n, double by_ln_det, real *x, real *dx,
                            double *gradient)
{
    b->n = n;
    b->images = x;
    b->by_images = dx;
    b->by_ln_det = (real)by_ln_det;
    b->gradient = gradient;
    for (int i = b->map->n_stages - 1; i >= 0; i--) {
        b->stage = &b->map->stage[i];
        b->n_panels = panels_of(b->stage, n);
        b->n_parts = b->n_panels < N_PARTS ? b->n_panels : N_PARTS;
        kad_parallel_for(b->n_threads, b->n_panels, gather_panel, b);
        for (b->layer = b->stage->n_layers - 1; b->layer >= 0; b->layer--)
            adjoint_layer(b);
        kad_parallel_for(b->n_threads, b->n_panels, scatter_panel, b);
        if (b->stage->windows) kad_parallel_for(b->n_threads, n, add_seen, b);
    }
}
