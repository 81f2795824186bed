#include "flow/blocks.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { REACH = 3, MAX_OFFSETS = (2 * REACH + 1) * (2 * REACH + 1) * (2 * REACH + 1) };

void kad_index_list_clear(kad_index_list *list)
{
    kad_free(list->sites);
    *list = (kad_index_list){0};
}

void kad_blocks_extents(const kad_lattice *lattice, int stride, int extents[KAD_MAX_DIM])
{
    for (int mu = 0; mu < KAD_MAX_DIM; mu++)
        extents[mu] = mu < lattice->d ? lattice->shape[mu] / stride : 1;
}

/* Coordinates of entry i of a box, last axis fastest. */
static void unravel(int i, const int box[KAD_MAX_DIM], int c[KAD_MAX_DIM])
{
    for (int mu = KAD_MAX_DIM - 1; mu >= 0; mu--) {
        c[mu] = i % box[mu];
        i /= box[mu];
    }
}

kad_status kad_blocks_create(kad_ctx *ctx, const kad_lattice *lattice, int stride, int m,
                             int offset, kad_index_list *out)
{
    int extents[KAD_MAX_DIM], box[KAD_MAX_DIM], grid[KAD_MAX_DIM];
    *out = (kad_index_list){.n_lists = 1, .size = 1};
    kad_blocks_extents(lattice, stride, extents);
    for (int mu = 0; mu < KAD_MAX_DIM; mu++) {
        box[mu] = mu >= lattice->d ? 1 : m == 0 ? extents[mu] : m;
        grid[mu] = extents[mu] / box[mu];
        out->size *= box[mu];
        out->n_lists *= grid[mu];
    }
    const size_t n = (size_t)out->n_lists * (size_t)out->size;
    const kad_status status = kad_new(ctx, n, sizeof(int), &out->sites);
    if (status != KAD_OK) return status;
    for (int b = 0; b < out->n_lists; b++) {
        int origin[KAD_MAX_DIM], c[KAD_MAX_DIM];
        unravel(b, grid, origin);
        for (int i = 0; i < out->size; i++) {
            unravel(i, box, c);
            for (int mu = 0; mu < KAD_MAX_DIM; mu++) {
                const int shift = (offset >> mu & 1) ? box[mu] / 2 : 0;
                c[mu] = (origin[mu] * box[mu] + shift + c[mu]) * stride;
            }
            out->sites[(size_t)b * (size_t)out->size + (size_t)i] =
                kad_lattice_site(lattice, c);
        }
    }
    return KAD_OK;
}

int kad_blocks_split(int d, const int m[KAD_MAX_DIM], int k, unsigned char *side)
{
    const int n_pairings = (1 << d) - 1, pairing = (k / 2) % n_pairings + 1;
    int n = 1, n_targets = 0;
    for (int mu = 0; mu < d; mu++)
        n *= m[mu];
    for (int i = 0; i < n; i++) {
        int c[KAD_MAX_DIM], parity = k % 2;
        unravel(i, m, c);
        for (int mu = 0; mu < d; mu++)
            if (pairing >> mu & 1) parity += c[mu];
        side[i] = (unsigned char)(parity & 1);
        n_targets += side[i];
    }
    return n_targets;
}

typedef struct offset {
    int c[KAD_MAX_DIM];
    int norm;
} offset;

static int by_norm(const void *a, const void *b)
{
    const offset *p = a, *q = b;
    if (p->norm != q->norm) return p->norm - q->norm;
    return memcmp(p->c, q->c, sizeof p->c);
}

/* All offsets within REACH whose class flip leads every target class into a source class.
 */
static int find_offsets(int d, unsigned targets, unsigned sources, int max, offset *list)
{
    const int box[KAD_MAX_DIM] = {2 * REACH + 1, d > 1 ? 2 * REACH + 1 : 1,
                                  d > 2 ? 2 * REACH + 1 : 1};
    const int total = box[0] * box[1] * box[2];
    int n = 0;
    for (int i = 0; i < total; i++) {
        offset o = {.norm = 0};
        unsigned flip = 0;
        unravel(i, box, o.c);
        for (int mu = 0; mu < d; mu++) {
            o.c[mu] -= REACH;
            o.norm += o.c[mu] * o.c[mu];
            if (o.c[mu] & 1) flip |= 1u << mu;
        }
        bool good = true;
        for (unsigned p = 0; p < (1u << d); p++)
            if ((targets >> p & 1) && !(sources >> (p ^ flip) & 1)) good = false;
        if (good) list[n++] = o;
    }
    qsort(list, (size_t)n, sizeof *list, by_norm);
    int keep = 0; /* whole shells only */
    for (int i = 0; i < n && i < max; i++)
        if (i + 1 == n || list[i + 1].norm != list[i].norm) keep = i + 1;
    return keep > 0 ? keep : (n < max ? n : max);
}

/* Class of a site on the sublattice of a stride; -1: not on it. */
static int class_of(const kad_lattice *lattice, int site, int stride)
{
    int c[KAD_MAX_DIM], p = 0;
    kad_lattice_coords(lattice, site, c);
    for (int mu = 0; mu < lattice->d; mu++) {
        if (c[mu] % stride) return -1;
        if (c[mu] / stride & 1) p |= 1 << mu;
    }
    return p;
}

/* sources of `site` by the offsets, then the site itself */
static void fill(const kad_lattice *lattice, int site, int stride, int n,
                 const offset *offsets, int *out)
{
    int c[KAD_MAX_DIM];
    kad_lattice_coords(lattice, site, c);
    for (int i = 0; i < n; i++) {
        int at[KAD_MAX_DIM];
        for (int mu = 0; mu < KAD_MAX_DIM; mu++)
            at[mu] = c[mu] + offsets[i].c[mu] * stride;
        out[i] = kad_lattice_site(lattice, at);
    }
    out[n] = site;
}

kad_status kad_blocks_stencil(kad_ctx *ctx, const kad_lattice *lattice,
                              const unsigned char *active, int stride, unsigned targets,
                              unsigned sources, int max_sources, kad_index_list *out)
{
    *out = (kad_index_list){0};
    offset *offsets = kad_alloc(MAX_OFFSETS, sizeof *offsets);
    if (!offsets) return kad_fail(ctx, KAD_ENOMEM, "out of memory");
    const int n = find_offsets(lattice->d, targets, sources, max_sources, offsets);
    out->size = n + 1;
    const size_t most = (size_t)lattice->n_sites * (size_t)out->size;
    const kad_status status = kad_new(ctx, most, sizeof(int), &out->sites);
    for (int site = 0; status == KAD_OK && site < lattice->n_sites; site++) {
        const int p = class_of(lattice, site, stride);
        if (p < 0 || !(targets >> p & 1) || (active && !active[site])) continue;
        fill(lattice, site, stride, n, offsets,
             out->sites + (size_t)out->n_lists * (size_t)(n + 1));
        out->n_lists++;
    }
    kad_free(offsets);
    return status;
}

kad_status kad_blocks_details(kad_ctx *ctx, const kad_lattice *lattice, int stride,
                              unsigned p, kad_index_list *out)
{
    const int d = lattice->d, box[KAD_MAX_DIM] = {3, d > 1 ? 3 : 1, d > 2 ? 3 : 1};
    const int n = box[0] * box[1] * box[2];
    *out = (kad_index_list){.size = n + 1};
    const kad_status status = kad_new(ctx, (size_t)lattice->n_sites * (size_t)(n + 1),
                                      sizeof(int), &out->sites);
    for (int site = 0; status == KAD_OK && site < lattice->n_sites; site++) {
        int *list = out->sites + (size_t)out->n_lists * (size_t)(n + 1);
        int c[KAD_MAX_DIM], at[KAD_MAX_DIM] = {0};
        if (class_of(lattice, site, stride) != 0) continue;
        kad_lattice_coords(lattice, site, c);
        for (int i = 0; i < n; i++) {
            unravel(i, box, at);
            for (int mu = 0; mu < d; mu++)
                at[mu] = c[mu] + 2 * stride * (at[mu] - 1);
            list[i] = kad_lattice_site(lattice, at);
        }
        for (int mu = 0; mu < d; mu++)
            at[mu] = c[mu] + ((p >> mu & 1) ? stride : 0);
        list[n] = kad_lattice_site(lattice, at);
        out->n_lists++;
    }
    return status;
}

/* Odd offsets (nearest neighbours, knight's moves, ...): those that flip the
 * checkerboard's colour. */
static int odd_offsets(int d, int max, offset *list)
{
    unsigned odd = 0, even = 0;
    for (unsigned p = 0; p < (1u << d); p++) {
        const bool is_odd = ((p ^ p >> 1 ^ p >> 2) & 1) != 0;
        if (is_odd)
            odd |= 1u << p;
        else
            even |= 1u << p;
    }
    return find_offsets(d, even, odd, max, list);
}

kad_status kad_blocks_greedy(kad_ctx *ctx, const kad_lattice *lattice, int stride,
                             int shift, int max_sources, kad_index_list *out)
{
    kad_status status = KAD_OK;
    int extents[KAD_MAX_DIM], total = 1;
    unsigned char *state = NULL; /* 1: a target, 2: a source of one */
    offset *offsets = NULL;
    *out = (kad_index_list){0};
    kad_blocks_extents(lattice, stride, extents);
    for (int mu = 0; mu < KAD_MAX_DIM; mu++)
        total *= extents[mu];
    KAD_TRY(kad_new(ctx, MAX_OFFSETS, sizeof *offsets, &offsets));
    const int n = odd_offsets(lattice->d, max_sources, offsets);
    out->size = n + 1;
    KAD_TRY(kad_new(ctx, (size_t)total * (size_t)(n + 1), sizeof(int), &out->sites));
    KAD_TRY(kad_new(ctx, (size_t)lattice->n_sites, 1, &state));
    for (int i = 0; i < total; i++) {
        int c[KAD_MAX_DIM], parity = 0;
        unravel(i, extents, c);
        for (int mu = 0; mu < lattice->d; mu++) {
            parity += c[mu];
            c[mu] = (c[mu] + shift) * stride;
        }
        if (parity & 1) continue;
        int *list = out->sites + (size_t)out->n_lists * (size_t)(n + 1);
        const int site = kad_lattice_site(lattice, c);
        fill(lattice, site, stride, n, offsets, list);
        bool good = state[site] == 0;
        for (int k = 0; k < n; k++)
            if (state[list[k]] == 1 || list[k] == site) good = false;
        if (!good) continue;
        state[site] = 1;
        for (int k = 0; k < n; k++)
            state[list[k]] = 2;
        out->n_lists++;
    }
done:
    kad_free(offsets);
    kad_free(state);
    if (status != KAD_OK) kad_index_list_clear(out);
    return status;
}
