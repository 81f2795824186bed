#include "flow/map.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/signals.h"
#include "base/tile.h"
#include "base/weights.h"

#include <math.h>
#include <string.h>

struct kad_map {
    const kad_flow *flow;
    const kad_mixture *mixture; /* NULL: none */
    void *packed[2];
};

kad_status kad_map_create(kad_ctx *ctx, const kad_flow *flow, const double *theta,
                          const kad_mixture *mixture, kad_map **out)
{
    KAD_LOCAL(kad_map, map);
    *out = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *map, &map));
    map->flow = flow;
    map->mixture = mixture;
    for (int p = 0; p < 2; p++) {
        KAD_CALL(kad_new(ctx, flow->packed_bytes[p], 1, &map->packed[p]));
        kad_flow_pack(flow, (kad_prec)p, theta, map->packed[p]);
    }
    *out = map;
    map = NULL;
    return KAD_OK;
}

void kad_map_destroy(kad_map *map)
{
    if (!map) return;
    kad_free(map->packed[0]);
    kad_free(map->packed[1]);
    kad_free(map);
}

void kad_map_refine(kad_map *map, int factor)
{
    for (int p = 0; p < 2; p++)
        kad_flow_refine(map->flow, (kad_prec)p, map->packed[p], factor);
}

int kad_map_steps(const kad_map *map)
{
    return kad_flow_steps(map->flow, KAD_DOUBLE, map->packed[KAD_DOUBLE]);
}

const kad_flow *kad_map_flow(const kad_map *map)
{
    return map->flow;
}

const void *kad_map_packed(const kad_map *map, kad_prec prec)
{
    return map->packed[prec];
}

bool kad_map_signs(const kad_map *map)
{
    return map->mixture != NULL && map->mixture->sign;
}

/* Memory of one tile in both precisions. */
typedef struct tile {
    void *x, *w, *scratch;
    double ld[KAD_W_MAX], lnp[KAD_W_MAX];
    double begun;  /* when the batch was */
    bool given_up; /* asked to stop: nothing here is complete */
} tile;

/* Between two passes through the flow. */
static bool given_up(tile *t)
{
    t->given_up = t->given_up || kad_stop_overdue(t->begun);
    return t->given_up;
}

/* Lanes of a tile from samples stored one after the other; missing samples are zero. */
static void load(const kad_flow *flow, kad_prec prec, size_t n, const double *y, void *x)
{
    const size_t rows = (size_t)flow->n_rows;
    kad_tile_load(prec, rows, n, y, x);
    kad_tile_clear_inactive(rows, (size_t)flow->n_comp, flow->active, x);
}

static void store(const kad_flow *flow, kad_prec prec, size_t n, const void *x, double *y)
{
    const size_t rows = (size_t)flow->n_rows;
    kad_tile_store(prec, rows, n, x, rows, y);
}

/* ln q0 of samples y, of every lane its term; z (NULL: not wanted) its latents. */
static void lnq_terms(const kad_map *map, kad_prec prec, tile *t, size_t n,
                      const double *y, const int *term, double *lnq, double *z)
{
    const kad_flow *flow = map->flow;
    load(flow, prec, n, y, term != NULL ? t->x : t->w);
    if (term != NULL)
        kad_mixture_apply(map->mixture, prec, NULL, term, flow->n_comp, t->x, t->w);
    memset(t->ld, 0, sizeof t->ld);
    kad_flow_infer(flow, prec, map->packed[prec], t->w, t->ld, t->scratch);
    kad_flow_prior_lnp(flow, prec, t->w, t->lnp);
    for (size_t l = 0; l < n; l++)
        lnq[l] = t->lnp[l] + t->ld[l];
    if (z) store(flow, prec, n, t->w, z);
}

/* ln q of samples y, given ln q0 of the lanes' terms `first` (NULL: the first). */
static void average(const kad_map *map, kad_prec prec, tile *t, size_t n, const double *y,
                    const int *first, double *lnq)
{
    const int n_terms = kad_mixture_terms(map->mixture);
    double other[KAD_W_MAX];
    int term[KAD_W_MAX];
    if (n_terms == 1) return;
    for (int i = 1; i < n_terms && !given_up(t); i++) {
        kad_mixture_turn(map->mixture, first, i, term);
        lnq_terms(map, prec, t, n, y, term, other, NULL);
        for (size_t l = 0; l < n; l++)
            lnq[l] = kad_log_add(lnq[l], other[l]);
    }
    for (size_t l = 0; l < n; l++)
        lnq[l] -= log(n_terms);
}

static void lnq_tile(const kad_map *map, kad_prec prec, tile *t, size_t n,
                     const double *y, double *lnq, double *z)
{
    lnq_terms(map, prec, t, n, y, NULL, lnq, z);
    average(map, prec, t, n, y, NULL, lnq);
}

/* Double inference for a tile that was filled in `prec`: fewer lanes, so in parts. */
static void lnq_parts(const kad_map *map, kad_prec prec, tile *t, size_t n,
                      const double *y, double *lnq, double *z)
{
    const size_t lanes = (size_t)kad_lanes(prec), rows = (size_t)map->flow->n_rows;
    for (size_t at = 0; at < n && !given_up(t); at += lanes) {
        const size_t m = n - at < lanes ? n - at : lanes;
        lnq_tile(map, prec, t, m, y + at * rows, lnq + at, z ? z + at * rows : NULL);
    }
}

typedef struct batch batch;

/* Samples [at, at + n), n no more than a tile's. */
typedef void tile_work(const batch *b, size_t at, size_t n, tile *t);

/* A batch of samples, cut into tiles. */
struct batch {
    const kad_map *map;
    kad_prec prec;
    uint64_t seed, first; /* of draws */
    kad_purpose purpose;
    bool exact;
    const double *from;  /* what is mapped */
    double *y, *lnq, *z; /* results, NULL: not wanted */
    size_t n;
    tile_work *work;
    double begun;
};

static bool do_tile(void *self, size_t k, void *memory)
{
    const batch *b = self;
    const size_t lanes = (size_t)kad_lanes(b->prec), at = k * lanes, left = b->n - at;
    const size_t n_rows = (size_t)b->map->flow->n_rows;
    char *scratch = memory;
    tile t = {.begun = b->begun};
    t.x = kad_cut(&scratch, n_rows, KAD_ROW_BYTES);
    t.w = kad_cut(&scratch, n_rows, KAD_ROW_BYTES);
    t.scratch = scratch;
    b->work(b, at, left < lanes ? left : lanes, &t);
    return !t.given_up;
}

static kad_status each_tile(kad_ctx *ctx, batch *b, size_t n, tile_work *work)
{
    const kad_flow *flow = b->map->flow;
    const size_t lanes = (size_t)kad_lanes(b->prec), *s = flow->scratch_bytes;
    b->n = n;
    b->work = work;
    b->begun = kad_stop_clock();
    return kad_for_tiles(ctx, "samples of the map", (n + lanes - 1) / lanes,
                         2 * kad_cut_bytes((size_t)flow->n_rows, KAD_ROW_BYTES) +
                             (s[0] > s[1] ? s[0] : s[1]),
                         do_tile, b);
}

static void draw_tile(const batch *b, size_t at, size_t n, tile *t)
{
    const kad_map *map = b->map;
    const kad_flow *flow = map->flow;
    const kad_prec prec = b->prec;
    const size_t rows = (size_t)flow->n_rows;
    const uint64_t first = b->first + at;
    const kad_rng rng = kad_rng_stream(b->seed, b->purpose, 0);
    const kad_rng symmetry =
        kad_rng_stream(b->seed, KAD_RNG_SYMMETRY, (uint32_t)b->purpose);
    double *y = b->y + at * rows, *lnq = b->lnq + at;
    int term[KAD_W_MAX] = {0};
    for (size_t l = 0; l < n; l++)
        term[l] = kad_mixture_draw(map->mixture, symmetry, 0, first + l);
    kad_flow_prior_draw(flow, prec, rng, 0, first, t->x);
    kad_flow_prior_lnp(flow, prec, t->x, t->lnp);
    if (b->z) store(flow, prec, n, t->x, b->z + at * rows);
    memset(t->ld, 0, sizeof t->ld);
    kad_flow_generate(flow, prec, map->packed[prec], t->x, t->ld, t->scratch);
    for (size_t l = 0; l < n; l++)
        lnq[l] = t->lnp[l] - t->ld[l];
    store(flow, prec, n, t->x, y);
    for (size_t l = 0; l < n && map->mixture != NULL; l++)
        kad_mixture_undo(map->mixture, term[l], flow->n_comp, y + l * rows, t->x);
    if (b->exact)
        lnq_parts(map, KAD_DOUBLE, t, n, y, lnq, NULL);
    else
        average(map, prec, t, n, y, term, lnq);
}

kad_status kad_map_draw(kad_ctx *ctx, const kad_map *map, uint64_t seed,
                        kad_purpose purpose, uint64_t first, size_t n, kad_prec prec,
                        bool exact, double *y, double *lnq, double *z)
{
    batch b = {.map = map,
               .prec = prec,
               .seed = seed,
               .first = first,
               .purpose = purpose,
               .exact = exact,
               .y = y,
               .lnq = lnq,
               .z = z};
    return each_tile(ctx, &b, n, draw_tile);
}

static void lnq_work(const batch *b, size_t at, size_t n, tile *t)
{
    const size_t row = at * (size_t)b->map->flow->n_rows;
    double *z = b->z ? b->z + row : NULL, own[KAD_W_MAX];
    if (b->lnq != NULL)
        lnq_tile(b->map, b->prec, t, n, b->from + row, b->lnq + at, z);
    else
        lnq_terms(b->map, b->prec, t, n, b->from + row, NULL, own, z);
}

kad_status kad_map_lnq(kad_ctx *ctx, const kad_map *map, size_t n, kad_prec prec,
                       const double *y, double *lnq, double *z)
{
    batch b = {.map = map, .prec = prec, .from = y, .lnq = lnq, .z = z};
    return each_tile(ctx, &b, n, lnq_work);
}

/* lnq is ln|det dy/dz|. */
static void generate_work(const batch *b, size_t at, size_t n, tile *t)
{
    const kad_flow *flow = b->map->flow;
    const size_t row = at * (size_t)flow->n_rows;
    load(flow, b->prec, n, b->from + row, t->x);
    memset(t->ld, 0, sizeof t->ld);
    kad_flow_generate(flow, b->prec, b->map->packed[b->prec], t->x, t->ld, t->scratch);
    store(flow, b->prec, n, t->x, b->y + row);
    if (b->lnq) memcpy(b->lnq + at, t->ld, n * sizeof *t->ld);
}

kad_status kad_map_generate(kad_ctx *ctx, const kad_map *map, size_t n, kad_prec prec,
                            const double *z, double *y, double *ld)
{
    batch b = {.map = map, .prec = prec, .from = z, .y = y, .lnq = ld};
    return each_tile(ctx, &b, n, generate_work);
}
