/* SOAP (Vyas et al., arXiv:2409.11321, Algorithm 3): Adam in the slowly refreshed
 * eigenbasis of L = EMA(G G^T) and R = EMA(G^T G) of every matrix G.
 *
 * Matrices of equal shape are packed into blocks, one matrix a SIMD lane, and a block is
 * the unit of work of a thread: results do not depend on the number of threads. Vectors
 * (and what no shape names) take plain Adam steps in double. */
#include "train/adam.h"
#include "train/soap_kern.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <stdlib.h>
#include <string.h>

enum {
    EVERY_STEP_UNTIL = 20, /* early refreshes: every step, then four times as often */
    OFTEN_UNTIL = 200,
    EARLY_SWEEPS = 2 /* Jacobi sweeps of a refresh then; one later: it starts close */
};

typedef struct range {
    size_t offset, n;
} range;

typedef struct soap_state {
    int lanes;
    size_t element_bytes;
    int n_blocks, n_ranges;
    kad_soap_block *blocks; /* [n_blocks] */
    size_t *offsets;        /* [n_blocks][lanes]: matrix of a lane, SIZE_MAX: none */
    range *ranges;          /* elements under plain Adam */
    double *m, *v;          /* [n_theta], used on the ranges */
    size_t n_moments, n_factors;
    char *moments; /* m and v of every block */
    char *factors; /* l and r of every block */
    char *bases;   /* ql and qr of every block */
    size_t scratch_bytes;
    int n_slots; /* threads that have scratch */
    char *scratch;
} soap_state;

static bool is_matrix(const kad_shape *s)
{
    return s->rows > 1 && s->cols > 1;
}

static int compare_shapes(const kad_shape *a, const kad_shape *b)
{
    if (a->rows != b->rows) return a->rows < b->rows ? -1 : 1;
    if (a->cols != b->cols) return a->cols < b->cols ? -1 : 1;
    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

static int compare_sizes(const void *a, const void *b)
{
    return compare_shapes(a, b);
}

static int compare_offsets(const void *a, const void *b)
{
    const kad_shape *x = a, *y = b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Ranges of theta outside the matrices; sorted is in order of offset. */
static int find_ranges(size_t n_theta, int n, const kad_shape *sorted, range *out)
{
    int n_ranges = 0;
    size_t at = 0;
    for (int i = 0; i <= n; i++) {
        if (i < n && !is_matrix(&sorted[i])) continue;
        const size_t end = i < n ? sorted[i].offset : n_theta;
        if (end > at) out[n_ranges++] = (range){at, end - at};
        if (i < n) at = end + (size_t)sorted[i].rows * (size_t)sorted[i].cols;
    }
    return n_ranges;
}

/* Cut equal shapes into blocks of lanes; returns their number. With blocks = NULL it only
 * counts. */
static int cut_blocks(soap_state *self, int max_dim, int n, const kad_shape *sorted,
                      bool fill)
{
    int n_blocks = 0;
    for (int i = 0; i < n;) {
        int count = 0;
        const kad_shape *first = &sorted[i];
        while (i + count < n && count < self->lanes &&
               sorted[i + count].rows == first->rows &&
               sorted[i + count].cols == first->cols)
            count++;
        if (is_matrix(first)) {
            if (fill) {
                size_t *lane = &self->offsets[(size_t)n_blocks * (size_t)self->lanes];
                for (int k = 0; k < self->lanes; k++)
                    lane[k] = k < count ? sorted[i + k].offset : SIZE_MAX;
                self->blocks[n_blocks] =
                    (kad_soap_block){.rows = first->rows,
                                     .cols = first->cols,
                                     .left = first->rows <= max_dim,
                                     .right = first->cols <= max_dim};
            }
            n_blocks++;
        }
        i += count;
    }
    return n_blocks;
}

static void set_identity(const soap_state *self, int n, void *q)
{
    for (int i = 0; i < n; i++)
        for (int k = 0; k < self->lanes; k++) {
            const size_t at =
                ((size_t)i * (size_t)n + (size_t)i) * (size_t)self->lanes + (size_t)k;
            if (self->element_bytes == sizeof(float))
                ((float *)q)[at] = 1.0f;
            else
                ((double *)q)[at] = 1.0;
        }
}

/* Place every block's state in the three arrays; with arrays NULL it only counts. */
static void place_blocks(soap_state *self, bool fill)
{
    const size_t lanes = (size_t)self->lanes, bytes = self->element_bytes;
    self->n_moments = 0;
    self->n_factors = 0;
    for (int i = 0; i < self->n_blocks; i++) {
        kad_soap_block *b = &self->blocks[i];
        const size_t mn = (size_t)b->rows * (size_t)b->cols * lanes;
        const size_t mm = (size_t)b->rows * (size_t)b->rows * lanes;
        const size_t nn = (size_t)b->cols * (size_t)b->cols * lanes;
        if (fill) {
            b->m = self->moments + self->n_moments * bytes;
            b->v = self->moments + (self->n_moments + mn) * bytes;
        }
        self->n_moments += 2 * mn;
        if (b->left) {
            if (fill) {
                b->l = self->factors + self->n_factors * bytes;
                b->ql = self->bases + self->n_factors * bytes;
                set_identity(self, b->rows, b->ql);
            }
            self->n_factors += mm;
        }
        if (b->right) {
            if (fill) {
                b->r = self->factors + self->n_factors * bytes;
                b->qr = self->bases + self->n_factors * bytes;
                set_identity(self, b->cols, b->qr);
            }
            self->n_factors += nn;
        }
        const size_t need = (mn + kad_soap_scratch(b->rows, b->cols) * lanes) * bytes;
        if (need > self->scratch_bytes) self->scratch_bytes = need;
    }
}

static kad_status soap_create(kad_ctx *ctx, kad_optimiser *opt, int n_shapes,
                              const kad_shape *shapes)
{
    KAD_SCOPE(scope, ctx);
    soap_state *self = NULL;
    kad_shape *sorted;
    const size_t n = (size_t)n_shapes;
    KAD_CALL(kad_new(ctx, 1, sizeof *self, &self));
    opt->self = self;
    const bool single = opt->options.prec == KAD_SINGLE;
    self->lanes = single ? KAD_SOAP_LANES_SINGLE : KAD_SOAP_LANES_DOUBLE;
    self->element_bytes = single ? sizeof(float) : sizeof(double);
    KAD_CALL(kad_take(&scope, n, &sorted));
    if (n > 0) memcpy(sorted, shapes, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare_offsets);
    KAD_CALL(kad_new(ctx, n + 1, sizeof *self->ranges, &self->ranges));
    self->n_ranges = find_ranges(opt->n_theta, n_shapes, sorted, self->ranges);
    qsort(sorted, n, sizeof *sorted, compare_sizes);
    self->n_blocks = cut_blocks(self, opt->options.max_dim, n_shapes, sorted, false);
    const size_t n_blocks = (size_t)self->n_blocks;
    KAD_CALL(kad_new(ctx, n_blocks, sizeof *self->blocks, &self->blocks));
    KAD_CALL(kad_new(ctx, n_blocks, (size_t)self->lanes * sizeof *self->offsets,
                     &self->offsets));
    cut_blocks(self, opt->options.max_dim, n_shapes, sorted, true);
    place_blocks(self, false);
    KAD_CALL(kad_new(ctx, self->n_moments, self->element_bytes, &self->moments));
    KAD_CALL(kad_new(ctx, self->n_factors, self->element_bytes, &self->factors));
    KAD_CALL(kad_new(ctx, self->n_factors, self->element_bytes, &self->bases));
    place_blocks(self, true);
    KAD_CALL(kad_new(ctx, opt->n_theta, sizeof *self->m, &self->m));
    KAD_CALL(kad_new(ctx, opt->n_theta, sizeof *self->v, &self->v));
    self->n_slots = ctx->n_threads > 0 ? ctx->n_threads : 1;
    return kad_new(ctx, (size_t)self->n_slots, self->scratch_bytes, &self->scratch);
}

static void soap_destroy(kad_optimiser *opt)
{
    soap_state *self = opt->self;
    kad_free(self->blocks);
    kad_free(self->offsets);
    kad_free(self->ranges);
    kad_free(self->m);
    kad_free(self->v);
    kad_free(self->moments);
    kad_free(self->factors);
    kad_free(self->bases);
    kad_free(self->scratch);
    kad_free(self);
}

static int sweeps_due(const kad_optimiser_options *options, int64_t step)
{
    const int every = options->every < 1 ? 1 : options->every;
    if (step <= EVERY_STEP_UNTIL) return EARLY_SWEEPS;
    if (step <= OFTEN_UNTIL) return step % (every < 4 ? 1 : every / 4) == 0 ? 1 : 0;
    return step % every == 0 ? 1 : 0;
}

static void step_block_f32(const soap_state *self, int i, const kad_soap_step *c,
                           const kad_adam_step *a, const double *gradient, double *theta,
                           float *g)
{
    const kad_soap_block *b = &self->blocks[i];
    const size_t *offset = &self->offsets[(size_t)i * KAD_SOAP_LANES_SINGLE];
    const size_t size = (size_t)b->rows * (size_t)b->cols;
    for (size_t k = 0; k < KAD_SOAP_LANES_SINGLE; k++)
        for (size_t e = 0; e < size; e++)
            g[e * KAD_SOAP_LANES_SINGLE + k] =
                offset[k] == SIZE_MAX ? 0.0f : (float)gradient[offset[k] + e];
    kad_soap_block_step_f32(b, c, g, g + size * KAD_SOAP_LANES_SINGLE);
    for (size_t k = 0; k < KAD_SOAP_LANES_SINGLE; k++)
        for (size_t e = 0; e < size && offset[k] != SIZE_MAX; e++)
            theta[offset[k] + e] = a->shrink * theta[offset[k] + e] -
                                   a->rate * (double)g[e * KAD_SOAP_LANES_SINGLE + k];
}

static void step_block_f64(const soap_state *self, int i, const kad_soap_step *c,
                           const kad_adam_step *a, const double *gradient, double *theta,
                           double *g)
{
    const kad_soap_block *b = &self->blocks[i];
    const size_t *offset = &self->offsets[(size_t)i * KAD_SOAP_LANES_DOUBLE];
    const size_t size = (size_t)b->rows * (size_t)b->cols;
    for (size_t k = 0; k < KAD_SOAP_LANES_DOUBLE; k++)
        for (size_t e = 0; e < size; e++)
            g[e * KAD_SOAP_LANES_DOUBLE + k] =
                offset[k] == SIZE_MAX ? 0.0 : gradient[offset[k] + e];
    kad_soap_block_step_f64(b, c, g, g + size * KAD_SOAP_LANES_DOUBLE);
    for (size_t k = 0; k < KAD_SOAP_LANES_DOUBLE; k++)
        for (size_t e = 0; e < size && offset[k] != SIZE_MAX; e++)
            theta[offset[k] + e] = a->shrink * theta[offset[k] + e] -
                                   a->rate * g[e * KAD_SOAP_LANES_DOUBLE + k];
}

typedef struct update {
    const soap_state *self;
    kad_prec prec;
    kad_adam_step a;
    kad_soap_step c;
    const double *gradient;
    double *theta;
} update;

/* A block, or after the blocks a range of what no block holds. */
static bool update_piece(void *self, size_t i, int thread)
{
    const update *u = self;
    const soap_state *s = u->self;
    const int block = (int)i;
    void *scratch = s->scratch + (size_t)thread * s->scratch_bytes;
    if (block >= s->n_blocks) {
        const range *r = &s->ranges[block - s->n_blocks];
        kad_adam_update(&u->a, r->n, u->gradient + r->offset, s->m + r->offset,
                        s->v + r->offset, u->theta + r->offset);
    } else if (u->prec == KAD_SINGLE) {
        step_block_f32(s, block, &u->c, &u->a, u->gradient, u->theta, scratch);
    } else {
        step_block_f64(s, block, &u->c, &u->a, u->gradient, u->theta, scratch);
    }
    return true;
}

static void soap_step(kad_optimiser *opt, int n_threads, double rate,
                      const double *gradient, double *theta)
{
    const soap_state *self = opt->self;
    const kad_adam_step a = kad_adam_coefficients(&opt->options, opt->step, rate, true);
    update u = {.self = self,
                .prec = opt->options.prec,
                .a = a,
                .c = {.beta1 = a.beta1,
                      .beta2 = a.beta2,
                      .unbias1 = a.unbias1,
                      .unbias2 = a.unbias2,
                      .eps = a.eps,
                      .sweeps = sweeps_due(&opt->options, opt->step)},
                .gradient = gradient,
                .theta = theta};
    kad_parallel_for(n_threads < self->n_slots ? n_threads : self->n_slots,
                     (size_t)(self->n_blocks + self->n_ranges), update_piece, &u);
}

static void soap_array(kad_optimiser *opt, int i, kad_state_array *out)
{
    soap_state *self = opt->self;
    const kad_prec prec = opt->options.prec;
    const kad_state_array arrays[] = {
        {"vector_m", KAD_DOUBLE, opt->n_theta, self->m},
        {"vector_v", KAD_DOUBLE, opt->n_theta, self->v},
        {"moments", prec, self->n_moments, self->moments},
        {"factors", prec, self->n_factors, self->factors},
        {"bases", prec, self->n_factors, self->bases},
    };
    *out = arrays[i];
}

extern const kad_optimiser_ops kad_soap_ops;

const kad_optimiser_ops kad_soap_ops = {
    .name = "soap",
    .summary = "Adam in the eigenbasis of each matrix's gradient covariances",
    .reference = "arXiv:2409.11321",
    .n_arrays = 5,
    .beta1 = 0.9,
    .beta2 = 0.95,
    .create = soap_create,
    .destroy = soap_destroy,
    .step = soap_step,
    .array = soap_array,
};
