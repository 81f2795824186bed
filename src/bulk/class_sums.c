/* Second moments of latents, one matrix product a block of configurations, averaged over
 * classes of pairs.
 *
 * Columns of the matrices, latents and components, are padded to whole panels of PANEL. A
 * block's configurations lie panel by panel, Z[panel][n][PANEL], so that a product of two
 * panels reads what is contiguous. */
#include "base/memory.h"
#include "base/parallel.h"
#include "base/signals.h"
#include "bulk/correlators.h"

#include <math.h>
#include <string.h>

enum { BLOCKS = 64, BLOCK_LEAST = 4, PANEL = KAD_W_DOUBLE };

/* Panels that hold n columns. */
static size_t panels(size_t n)
{
    return (n + PANEL - 1) / PANEL;
}

/* Configurations of one block, latents in order, without their means. */
static void gather(const kad_bulk *bulk, const kad_pairs *pairs, const double *z_mean,
                   size_t first, size_t n, double *Z)
{
    const size_t c = (size_t)pairs->n_comp;
    for (size_t t = 0; t < n; t++) {
        const double *z = bulk->z + (first + t) * bulk->n_rows;
        for (size_t k = 0; k < (size_t)pairs->n; k++)
            for (size_t a = 0; a < c; a++) {
                const size_t row = (size_t)pairs->site[k] * c + a, at = k * c + a;
                Z[(at / PANEL * n + t) * PANEL + at % PANEL] = z[row] - z_mean[row];
            }
    }
}

/* M = Z^T Z, the panels of the upper triangle. */
typedef struct product {
    size_t n, width;
    const double *Z;
    double *M;
} product;

static bool multiply_panel(void *self, size_t p, int thread)
{
    const product *m = self;
    (void)thread;
    for (size_t q = p; q < panels(m->width); q++)
        kad_gram_panel_f64((int)m->n, m->Z + p * m->n * PANEL, m->Z + q * m->n * PANEL,
                           m->M + p * PANEL * m->width + q * PANEL, m->width);
    return true;
}

/* sum[class][a][b] = mean over the pairs of a class of M. */
static void average(const kad_pairs *pairs, size_t width, const double *M, double *sum)
{
    const int c = pairs->n_comp;
    const size_t cc = (size_t)(c * c);
    memset(sum, 0, (size_t)pairs->n_classes * cc * sizeof *sum);
    for (int k = 0; k < pairs->n; k++)
        for (int l = k; l < pairs->n; l++) {
            const int32_t code = pairs->class_of[kad_pair_at(pairs, k, l)];
            double *own = sum + (size_t)(code / 2) * cc;
            const double *block = M + (size_t)(k * c) * width + (size_t)(l * c);
            for (int a = 0; a < c; a++)
                for (int b = 0; b < c; b++)
                    own[code & 1 ? b * c + a : a * c + b] +=
                        k == l && b < a ? block[(size_t)b * width + (size_t)a]
                                        : block[(size_t)a * width + (size_t)b];
        }
    for (size_t i = 0; i < (size_t)pairs->n_classes * cc; i++)
        sum[i] /= pairs->n_in[i / cc];
}

typedef struct totals {
    size_t n;                     /* values a class array has */
    double n_all, n_square;       /* sum n_b, sum n_b^2 */
    double *block, *sum, *square; /* S_b, sum S_b, sum S_b^2 */
} totals;

static void add_block(totals *t, size_t n_b)
{
    t->n_all += (double)n_b;
    t->n_square += (double)n_b * (double)n_b;
    for (size_t i = 0; i < t->n; i++) {
        t->sum[i] += t->block[i];
        t->square[i] += t->block[i] * t->block[i];
    }
}

/* Blocks are alike up to one configuration: their scatter is taken as that of equal ones.
 */
static void finish(const totals *t, kad_class_sums *out)
{
    const double n = t->n_all, B = (double)out->n_blocks;
    for (size_t i = 0; i < t->n; i++) {
        const double total = t->sum[i] * t->sum[i];
        out->corr[i] = t->sum[i] / n;
        out->square[i] = (total - t->square[i]) / (n * n - t->n_square);
        const double scatter = (t->square[i] - total / B) / (B - 1);
        out->corr_err[i] = scatter > 0 ? sqrt(B * scatter) / n : 0;
    }
}

kad_status kad_class_sums_create(kad_scope *in, const kad_bulk *bulk,
                                 const kad_pairs *pairs, const double *z_mean,
                                 kad_class_sums *out)
{
    KAD_SCOPE(scope, in->ctx);
    kad_ctx *ctx = in->ctx;
    const size_t n = bulk->n,
                 width = PANEL * panels((size_t)pairs->n * (size_t)pairs->n_comp);
    const size_t B = n / BLOCK_LEAST < BLOCKS ? n / BLOCK_LEAST : BLOCKS;
    totals t = {.n = (size_t)pairs->n_classes * (size_t)(pairs->n_comp * pairs->n_comp)};
    double *Z, *M;
    *out = (kad_class_sums){.n_blocks = B};
    if (B < 2)
        return kad_fail(ctx, KAD_ECONFIG,
                        "bulk: %zu configurations are too few for correlations: at least "
                        "%d are needed",
                        n, 2 * BLOCK_LEAST);
    KAD_CALL(kad_memory_require(ctx, 8 * (width * width + (n / B + 1) * width + 6 * t.n),
                                "correlations of the latents"));
    KAD_CALL(kad_take(&scope, (n / B + 1) * width, &Z));
    KAD_CALL(kad_take(&scope, width * width, &M));
    KAD_CALL(kad_take(&scope, t.n, &t.block));
    KAD_CALL(kad_take(&scope, t.n, &t.sum));
    KAD_CALL(kad_take(&scope, t.n, &t.square));
    KAD_CALL(kad_take(in, t.n, &out->corr));
    KAD_CALL(kad_take(in, t.n, &out->square));
    KAD_CALL(kad_take(in, t.n, &out->corr_err));
    for (size_t b = 0; b < B; b++) {
        const size_t first = b * n / B, n_b = (b + 1) * n / B - first;
        KAD_CALL(kad_stop_check(ctx, "bulk"));
        gather(bulk, pairs, z_mean, first, n_b, Z);
        product m = {n_b, width, Z, M};
        kad_parallel_for(ctx->n_threads, panels(width), multiply_panel, &m);
        average(pairs, width, M, t.block);
        add_block(&t, n_b);
    }
    finish(&t, out);
    return KAD_OK;
}
