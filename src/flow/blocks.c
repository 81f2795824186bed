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
        extents[mu] = mu < lattice->d && lattice->shape[mu] > stride
                          ? lattice->shape[mu] / stride
                          : 1;
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

/* All offsets within REACH whose class flip leads every target class into a source class;
 * none along axes of one site. */
static int find_offsets(int d, const int extents[KAD_MAX_DIM], unsigned targets,
                        unsigned sources, int max, offset *list)
{
    const int box[KAD_MAX_DIM] = {2 * REACH + 1, d > 1 ? 2 * REACH + 1 : 1,
                                  d > 2 ? 2 * REACH + 1 : 1};
    const int total = box[0] * box[1] * box[2];
    int n = 0;
    for (int i = 0; i < total; i++) {
        offset o = {.norm = 0};
        unsigned flip = 0;
        bool good = true;
        unravel(i, box, o.c);
        for (int mu = 0; mu < d; mu++) {
            o.c[mu] -= REACH;
            o.norm += o.c[mu] * o.c[mu];
            if (o.c[mu] & 1) flip |= 1u << mu;
            if (o.c[mu] != 0 && extents[mu] == 1) good = false;
        }
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

/* Class bit of index i of an axis of n: the last one of an odd extent counts as odd. */
static int class_bit(int i, int n)
{
    return i % 2 == 1 || (n % 2 == 1 && n > 1 && i == n - 1);
}

/* From index i of an axis of n, `steps` times to the next index of the other class. */
static int walk(int i, int steps, int n)
{
    const int by = steps < 0 ? n - 1 : 1;
    for (int k = abs(steps); k > 0; k--) {
        const int bit = class_bit(i, n);
        do
            i = (i + by) % n;
        while (class_bit(i, n) == bit);
    }
    return i;
}

/* The sublattice of a stride with its seams moved. */
typedef struct sublattice {
    const kad_lattice *lattice;
    int stride;
    int extents[KAD_MAX_DIM], seam[KAD_MAX_DIM];
} sublattice;

static sublattice sublattice_of(const kad_lattice *lattice, int stride, int shift)
{
    sublattice sub = {.lattice = lattice, .stride = stride};
    kad_blocks_extents(lattice, stride, sub.extents);
    for (int mu = 0; mu < KAD_MAX_DIM; mu++)
        if (sub.extents[mu] % 2 == 1) sub.seam[mu] = shift % sub.extents[mu];
    return sub;
}

/* Class of a site and its indices counted from the seams; -1: not on the sublattice. */
static int class_of(const sublattice *sub, int site, int index[KAD_MAX_DIM])
{
    int p = 0;
    kad_lattice_coords(sub->lattice, site, index);
    for (int mu = 0; mu < sub->lattice->d; mu++) {
        const int n = sub->extents[mu], i = index[mu] / sub->stride;
        if (index[mu] % sub->stride || i >= n) return -1;
        index[mu] = (i + n - sub->seam[mu]) % n;
        p |= class_bit(index[mu], n) << mu;
    }
    return p;
}

/* sources of `site` by the offsets, then the site itself */
static void fill(const sublattice *sub, int site, const int index[KAD_MAX_DIM], int n,
                 const offset *offsets, int *out)
{
    for (int i = 0; i < n; i++) {
        int at[KAD_MAX_DIM] = {0};
        for (int mu = 0; mu < sub->lattice->d; mu++) {
            const int extent = sub->extents[mu];
            const int to = walk(index[mu], offsets[i].c[mu], extent);
            at[mu] = (to + sub->seam[mu]) % extent * sub->stride;
        }
        out[i] = kad_lattice_site(sub->lattice, at);
    }
    out[n] = site;
}

kad_status kad_blocks_stencil(kad_ctx *ctx, const kad_lattice *lattice,
                              const unsigned char *active, int stride, int shift,
                              unsigned targets, unsigned sources, int max_sources,
                              kad_index_list *out)
{
    const sublattice sub = sublattice_of(lattice, stride, shift);
    *out = (kad_index_list){0};
    offset *offsets = kad_alloc(MAX_OFFSETS, sizeof *offsets);
    if (!offsets) return kad_fail(ctx, KAD_ENOMEM, "out of memory");
    const int n =
        find_offsets(lattice->d, sub.extents, targets, sources, max_sources, offsets);
    out->size = n + 1;
    const size_t most = (size_t)lattice->n_sites * (size_t)out->size;
    const kad_status status = kad_new(ctx, most, sizeof(int), &out->sites);
    for (int site = 0; status == KAD_OK && site < lattice->n_sites; site++) {
        int index[KAD_MAX_DIM];
        const int p = class_of(&sub, site, index);
        if (p < 0 || !(targets >> p & 1) || (active && !active[site])) continue;
        fill(&sub, site, index, n, offsets,
             out->sites + (size_t)out->n_lists * (size_t)(n + 1));
        out->n_lists++;
    }
    kad_free(offsets);
    return status;
}

/* Do two parts have their sources at the same displacements from their targets? */
static bool are_alike(const kad_lattice *lattice, int size, const int *a, const int *b)
{
    int target_a[KAD_MAX_DIM], target_b[KAD_MAX_DIM];
    kad_lattice_coords(lattice, a[size - 1], target_a);
    kad_lattice_coords(lattice, b[size - 1], target_b);
    for (int k = 0; k < size - 1; k++) {
        int at[KAD_MAX_DIM];
        kad_lattice_coords(lattice, a[k], at);
        for (int mu = 0; mu < lattice->d; mu++)
            at[mu] += target_b[mu] - target_a[mu];
        if (kad_lattice_site(lattice, at) != b[k]) return false;
    }
    return true;
}

int kad_blocks_gather(const kad_lattice *lattice, kad_index_list *list, int first)
{
    const size_t size = (size_t)list->size;
    const int *model = list->sites + (size_t)first * size;
    int end = first + 1;
    for (int i = end; i < list->n_lists; i++) {
        int *a = list->sites + (size_t)i * size, *b = list->sites + (size_t)end * size;
        if (!are_alike(lattice, list->size, model, a)) continue;
        for (size_t k = 0; k < size; k++) {
            const int site = a[k];
            a[k] = b[k];
            b[k] = site;
        }
        end++;
    }
    return end - first;
}

kad_status kad_blocks_details(kad_ctx *ctx, const kad_lattice *lattice, int stride,
                              unsigned p, kad_index_list *out)
{
    const int d = lattice->d, box[KAD_MAX_DIM] = {3, d > 1 ? 3 : 1, d > 2 ? 3 : 1};
    const int n = box[0] * box[1] * box[2];
    const sublattice sub = sublattice_of(lattice, stride, 0);
    *out = (kad_index_list){.size = n + 1};
    const kad_status status = kad_new(ctx, (size_t)lattice->n_sites * (size_t)(n + 1),
                                      sizeof(int), &out->sites);
    for (int site = 0; status == KAD_OK && site < lattice->n_sites; site++) {
        int *list = out->sites + (size_t)out->n_lists * (size_t)(n + 1);
        int c[KAD_MAX_DIM], at[KAD_MAX_DIM] = {0};
        if (class_of(&sub, site, at) != 0) continue;
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
