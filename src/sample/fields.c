#include "sample/fields.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/tile.h"
#include "models/local.h"

#include <string.h>

/* Samples `first` on, n of them. */
typedef struct batch {
    const kad_action *action;
    kad_rng rng;
    uint64_t seed, first;
    size_t n, n_rows;
    double *y, *lnp;
} batch;

/* Rows of active sites come back as they were. */
static bool complete_tile(void *self, size_t i, void *memory)
{
    const batch *b = self;
    const size_t at = i * KAD_W_DOUBLE, left = b->n - at;
    const size_t n = left < KAD_W_DOUBLE ? left : KAD_W_DOUBLE;
    char *scratch = memory;
    double ln[KAD_W_DOUBLE] = {0}, *y = b->y + at * b->n_rows;
    double *tile = kad_cut(&scratch, b->n_rows, KAD_ROW_BYTES);
    kad_tile_repeat(KAD_DOUBLE, b->n_rows, 0, n, y, tile);
    b->action->ops->kern[KAD_DOUBLE]->complete(b->action, b->rng, 0, b->first + at, tile,
                                               ln, scratch);
    kad_tile_store(KAD_DOUBLE, b->n_rows, n, tile, b->n_rows, y);
    memcpy(b->lnp + at, ln, n * sizeof *ln);
    return true;
}

kad_status kad_fields_complete(kad_ctx *ctx, const kad_action *action, uint64_t seed,
                               uint64_t first, size_t n, double *y, double *lnp)
{
    batch b = {.action = action,
               .rng = kad_rng_stream(seed, KAD_RNG_COMPLETE, 0),
               .first = first,
               .n = n,
               .n_rows = (size_t)action->lattice->n_sites * (size_t)action->n_comp,
               .y = y,
               .lnp = lnp};
    memset(lnp, 0, n * sizeof *lnp);
    if (action->active == NULL || n == 0) return KAD_OK;
    return kad_for_tiles(ctx, "sample", (n + KAD_W_DOUBLE - 1) / KAD_W_DOUBLE,
                         kad_cut_bytes(b.n_rows, KAD_ROW_BYTES) +
                             action->scratch_bytes[KAD_DOUBLE] + KAD_ALIGN,
                         complete_tile, &b);
}

void kad_fields_shift_of(const kad_lattice *lattice, uint64_t seed, uint64_t number,
                         int shift[KAD_MAX_DIM])
{
    const kad_rng rng = kad_rng_stream(seed, KAD_RNG_SYMMETRY, 1);
    uint32_t u[4];
    kad_rng_u32x4(rng, 0, number, 0, u);
    for (int mu = 0; mu < KAD_MAX_DIM; mu++)
        shift[mu] = mu < lattice->d ? kad_rng_below(u[mu], lattice->shape[mu]) : 0;
}

void kad_fields_shift(const kad_lattice *lattice, int n_comp,
                      const int shift[KAD_MAX_DIM], const double *in, double *out)
{
    for (int site = 0; site < lattice->n_sites; site++) {
        int coords[KAD_MAX_DIM] = {0};
        kad_lattice_coords(lattice, site, coords);
        for (int mu = 0; mu < lattice->d; mu++)
            coords[mu] += shift[mu];
        const int to = kad_lattice_site(lattice, coords);
        for (int a = 0; a < n_comp; a++)
            out[to * n_comp + a] = in[site * n_comp + a];
    }
}

/* Shift sample i in place. */
static bool translate_one(void *self, size_t i, void *copy)
{
    const batch *b = self;
    const kad_lattice *lattice = b->action->lattice;
    double *x = b->y + i * b->n_rows;
    int shift[KAD_MAX_DIM];
    kad_fields_shift_of(lattice, b->seed, b->first + i, shift);
    memcpy(copy, x, b->n_rows * sizeof *x);
    kad_fields_shift(lattice, b->action->n_comp, shift, copy, x);
    return true;
}

kad_status kad_fields_of(kad_ctx *ctx, const kad_action *action, uint64_t seed,
                         uint64_t first, size_t n, bool translate, double *y, double *x,
                         double *lnp)
{
    const size_t n_rows = (size_t)action->lattice->n_sites * (size_t)action->n_comp;
    batch b = {
        .action = action, .seed = seed, .first = first, .n = n, .n_rows = n_rows, .y = x};

    KAD_CALL(kad_fields_complete(ctx, action, seed, first, n, y, lnp));
    KAD_CALL(kad_action_boundary(ctx, action, n, y, x));
    if (translate && (action->flags & KAD_ACTION_TRANSLATION))
        KAD_CALL(kad_for_tiles(ctx, "sample", n, n_rows * sizeof *x, translate_one, &b));
    return KAD_OK;
}

/* By the model's own rule, tile by tile. */
static kad_status action_by_rule(kad_ctx *ctx, const kad_action *action, size_t n,
                                 const double *x, double *S)
{
    KAD_SCOPE(scope, ctx);
    enum { W = KAD_W_DOUBLE };
    const kad_action_local *local = action->ops->local;
    const size_t n_rows = (size_t)action->lattice->n_sites * (size_t)action->n_comp;
    double *tile, values[W];
    void *scratch;
    size_t bytes = local->scratch_bytes(action);
    if (action->scratch_bytes[KAD_DOUBLE] > bytes)
        bytes = action->scratch_bytes[KAD_DOUBLE];
    KAD_CALL(kad_scope_take(&scope, n_rows, KAD_ROW_BYTES, &tile));
    KAD_CALL(kad_scope_take(&scope, bytes + KAD_ALIGN, 1, &scratch));
    for (size_t at = 0; at < n; at += W) {
        const size_t here = n - at < W ? n - at : W;
        kad_tile_repeat(KAD_DOUBLE, n_rows, at, n, x, tile);
        local->value(action, tile, values, scratch);
        memcpy(S + at, values, here * sizeof *S);
    }
    return KAD_OK;
}

kad_status kad_fields_action(kad_ctx *ctx, const kad_action *action, size_t n,
                             const double *x, double *S)
{
    KAD_SCOPE(scope, ctx);
    const size_t n_rows = (size_t)action->lattice->n_sites * (size_t)action->n_comp;
    double *y;
    if (action->ops->local != NULL) return action_by_rule(ctx, action, n, x, S);
    if (action->active != NULL)
        return kad_fail(ctx, KAD_EINTERNAL,
                        "action \"%s\" has no rule for its whole field",
                        action->ops->name);
    KAD_CALL(kad_scope_take(&scope, n, n_rows * sizeof(double), &y));
    KAD_CALL(kad_action_from_boundary(ctx, action, n, x, y));
    return kad_action_values(ctx, action, n, y, S);
}

kad_status kad_fields_latents(kad_ctx *ctx, const kad_action *action, const kad_map *map,
                              size_t n, const double *x, double *z)
{
    KAD_SCOPE(scope, ctx);
    const size_t n_rows = (size_t)action->lattice->n_sites * (size_t)action->n_comp;
    double *y;
    KAD_CALL(kad_scope_take(&scope, n, n_rows * sizeof(double), &y));
    KAD_CALL(kad_action_from_boundary(ctx, action, n, x, y));
    return kad_map_lnq(ctx, map, n, KAD_DOUBLE, y, NULL, z);
}
