#include "sample/boundary.h"

#include "base/memory.h"
#include "base/thread.h"
#include "base/tile.h"
#include "models/local.h"

#include <string.h>

/* One tile: gather, draw, scatter. Rows of active sites come back as they were. */
static void complete_tile(const kad_action *action, kad_rng rng, uint64_t first, size_t n,
                          double *y, double *lnp, double *tile, void *scratch)
{
    const size_t n_rows = (size_t)action->lattice->n_sites * (size_t)action->n_comp;
    double ln[KAD_W_DOUBLE] = {0};

    kad_tile_repeat(KAD_DOUBLE, n_rows, 0, n, y, tile);
    action->ops->kern[KAD_DOUBLE]->complete(action, rng, 0, first, tile, ln, scratch);
    kad_tile_store(KAD_DOUBLE, n_rows, n, tile, n_rows, y);
    memcpy(lnp, ln, n * sizeof *lnp);
}

kad_status kad_boundary_complete(kad_ctx *ctx, const kad_action *action, uint64_t seed,
                                 uint64_t first, size_t n, double *y, double *lnp)
{
    kad_status status = KAD_OK;
    const size_t n_rows = (size_t)action->lattice->n_sites * (size_t)action->n_comp;
    const size_t n_tiles = (n + KAD_W_DOUBLE - 1) / KAD_W_DOUBLE;
    const kad_rng rng = kad_rng_stream(seed, KAD_RNG_COMPLETE, 0);
    char *block = NULL;
    const size_t scratch_bytes =
        (action->scratch_bytes[KAD_DOUBLE] + KAD_ALIGN - 1) / KAD_ALIGN * KAD_ALIGN;
    const size_t thread_bytes = n_rows * KAD_ROW_BYTES + scratch_bytes + KAD_ALIGN;

    memset(lnp, 0, n * sizeof *lnp);
    if (action->active == NULL || n == 0) return KAD_OK;
    KAD_TRY(kad_new(ctx, (size_t)ctx->n_threads, thread_bytes, &block));
#pragma omp parallel for schedule(static) num_threads(ctx->n_threads)
    for (size_t i = 0; i < n_tiles; i++) {
        char *own = block + (size_t)kad_thread_index() * thread_bytes;
        const size_t at = i * KAD_W_DOUBLE;
        const size_t here = n - at < KAD_W_DOUBLE ? n - at : KAD_W_DOUBLE;
        complete_tile(action, rng, first + at, here, y + at * n_rows, lnp + at,
                      (double *)(void *)own, own + n_rows * KAD_ROW_BYTES);
    }
done:
    kad_free(block);
    return status;
}

void kad_boundary_shift_of(const kad_lattice *lattice, uint64_t seed, uint64_t number,
                           int shift[KAD_MAX_DIM])
{
    const kad_rng rng = kad_rng_stream(seed, KAD_RNG_SYMMETRY, 1);
    uint32_t u[4];
    kad_rng_u32x4(rng, 0, number, 0, u);
    /* u * L / 2^32: uneven by at most L / 2^32 in relative terms */
    for (int mu = 0; mu < KAD_MAX_DIM; mu++)
        shift[mu] = mu < lattice->d
                        ? (int)(((uint64_t)u[mu] * (uint64_t)lattice->shape[mu]) >> 32)
                        : 0;
}

void kad_boundary_shift(const kad_lattice *lattice, int n_comp,
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

/* Shift every x in place; `copy` [n_threads][n_rows] is scratch. */
static void translate_all(kad_ctx *ctx, const kad_action *action, uint64_t seed,
                          uint64_t first, size_t n, double *x, double *copy)
{
    const kad_lattice *lattice = action->lattice;
    const size_t n_rows = (size_t)lattice->n_sites * (size_t)action->n_comp;
#pragma omp parallel for schedule(static) num_threads(ctx->n_threads)
    for (size_t i = 0; i < n; i++) {
        double *own = copy + (size_t)kad_thread_index() * n_rows;
        int shift[KAD_MAX_DIM];
        kad_boundary_shift_of(lattice, seed, first + i, shift);
        memcpy(own, x + i * n_rows, n_rows * sizeof *own);
        kad_boundary_shift(lattice, action->n_comp, shift, own, x + i * n_rows);
    }
}

kad_status kad_boundary_of(kad_ctx *ctx, const kad_action *action, uint64_t seed,
                           uint64_t first, size_t n, bool translate, double *y, double *x,
                           double *lnp)
{
    kad_status status = KAD_OK;
    const size_t n_rows = (size_t)action->lattice->n_sites * (size_t)action->n_comp;
    double *copy = NULL;

    KAD_TRY(kad_boundary_complete(ctx, action, seed, first, n, y, lnp));
    KAD_TRY(kad_action_boundary(ctx, action, n, y, x));
    if (translate && (action->flags & KAD_ACTION_TRANSLATION)) {
        KAD_TRY(kad_new(ctx, (size_t)ctx->n_threads * n_rows, sizeof *copy, &copy));
        translate_all(ctx, action, seed, first, n, x, copy);
    }
done:
    kad_free(copy);
    return status;
}

/* By the model's own rule, tile by tile. */
static kad_status action_by_rule(kad_ctx *ctx, const kad_action *action, size_t n,
                                 const double *x, double *S)
{
    enum { W = KAD_W_DOUBLE };
    kad_status status = KAD_OK;
    const kad_action_local *local = action->ops->local;
    const size_t n_rows = (size_t)action->lattice->n_sites * (size_t)action->n_comp;
    double *tile = NULL, values[W];
    void *scratch = NULL;
    size_t bytes = local->scratch_bytes(action);
    if (action->scratch_bytes[KAD_DOUBLE] > bytes)
        bytes = action->scratch_bytes[KAD_DOUBLE];
    KAD_TRY(kad_new(ctx, n_rows, KAD_ROW_BYTES, &tile));
    KAD_TRY(kad_new(ctx, bytes + KAD_ALIGN, 1, &scratch));
    for (size_t at = 0; at < n; at += W) {
        const size_t here = n - at < W ? n - at : W;
        kad_tile_repeat(KAD_DOUBLE, n_rows, at, n, x, tile);
        local->value(action, tile, values, scratch);
        memcpy(S + at, values, here * sizeof *S);
    }
done:
    kad_free(tile);
    kad_free(scratch);
    return status;
}

kad_status kad_boundary_action(kad_ctx *ctx, const kad_action *action, size_t n,
                               const double *x, double *S)
{
    kad_status status = KAD_OK;
    const size_t n_rows = (size_t)action->lattice->n_sites * (size_t)action->n_comp;
    double *y = NULL;
    if (action->ops->local != NULL) return action_by_rule(ctx, action, n, x, S);
    if (action->active != NULL)
        return kad_fail(ctx, KAD_EINTERNAL,
                        "action \"%s\" has no rule for its whole field",
                        action->ops->name);
    KAD_TRY(kad_new(ctx, n, n_rows * sizeof(double), &y));
    KAD_TRY(kad_action_from_boundary(ctx, action, n, x, y));
    KAD_TRY(kad_action_values(ctx, action, n, y, S));
done:
    kad_free(y);
    return status;
}

kad_status kad_boundary_latents(kad_ctx *ctx, const kad_action *action,
                                const kad_map *map, size_t n, const double *x, double *z)
{
    kad_status status = KAD_OK;
    const size_t n_rows = (size_t)action->lattice->n_sites * (size_t)action->n_comp;
    double *y = NULL, *lnq = NULL;
    KAD_TRY(kad_new(ctx, n, n_rows * sizeof(double), &y));
    KAD_TRY(kad_new(ctx, n, sizeof(double), &lnq));
    KAD_TRY(kad_action_from_boundary(ctx, action, n, x, y));
    KAD_TRY(kad_map_lnq(ctx, map, n, KAD_DOUBLE, y, lnq, z));
done:
    kad_free(y);
    kad_free(lnq);
    return status;
}
