/* Muon (Jordan et al., kellerjordan.github.io/posts/muon, 2024; arXiv:2502.16982): the
 * momentum of each matrix, made orthogonal. A step has the same size in every direction of
 * the matrix, so that rare ones are learned as fast as others. Vectors (and what no shape
 * names) take Adam steps at a tenth of the rate. */
#include "train/adam.h"
#include "train/clip.h"
#include "train/muon_kern.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double rest_rate = 0.1; /* of vectors, of the matrices' rate */
static const double momentum = 0.95;
/* A gradient this small is rounding: a step, which has no scale, would be noise. */
static const double least_norm = 1e-8;

typedef struct muon_state {
    int n_matrices;
    kad_shape *matrix;
    bool *alone;   /* [n_theta]: not of a matrix */
    double *m, *v; /* [n_theta]: momenta, and moments of vectors */
    double *step;  /* [n_theta]: directions of matrices */
    size_t scratch_size;
    int n_slots;
    float *scratch;
} muon_state;

static kad_status muon_create(kad_ctx *ctx, kad_optimiser *opt, int n_shapes,
                              const kad_shape *shapes)
{
    muon_state *self = NULL;
    const size_t n = opt->n_theta;
    KAD_CALL(kad_new(ctx, 1, sizeof *self, &self));
    opt->self = self;
    KAD_CALL(kad_new(ctx, (size_t)n_shapes + 1, sizeof *self->matrix, &self->matrix));
    KAD_CALL(kad_new(ctx, n, sizeof *self->alone, &self->alone));
    KAD_CALL(kad_new(ctx, n, sizeof *self->m, &self->m));
    KAD_CALL(kad_new(ctx, n, sizeof *self->v, &self->v));
    KAD_CALL(kad_new(ctx, n, sizeof *self->step, &self->step));
    memset(self->alone, true, n * sizeof *self->alone);
    for (int i = 0; i < n_shapes; i++) {
        const kad_shape *s = &shapes[i];
        if (s->rows < 2 || s->cols < 2) continue;
        const size_t size = kad_muon_scratch(s->rows, s->cols);
        if (size > self->scratch_size) self->scratch_size = size;
        self->matrix[self->n_matrices++] = *s;
        memset(self->alone + s->offset, false, (size_t)s->rows * (size_t)s->cols);
    }
    self->n_slots =
        kad_n_workers(ctx->n_threads > 0 ? ctx->n_threads : 1, (size_t)self->n_matrices);
    return kad_new(ctx, (size_t)self->n_slots * self->scratch_size, sizeof *self->scratch,
                   &self->scratch);
}

static void muon_destroy(kad_optimiser *opt)
{
    muon_state *self = opt->self;
    kad_free(self->matrix);
    kad_free(self->alone);
    kad_free(self->m);
    kad_free(self->v);
    kad_free(self->step);
    kad_free(self->scratch);
    kad_free(self);
}

typedef struct update {
    const muon_state *self;
    kad_adam_step a;
    double rate;
    bool bfloat;
    const double *gradient;
    double *theta;
} update;

static bool update_matrix(void *self, size_t i, int thread)
{
    const update *u = self;
    const kad_shape *s = &u->self->matrix[i];
    const size_t n = (size_t)s->rows * (size_t)s->cols;
    const double *g = u->gradient + s->offset;
    double *m = u->self->m + s->offset, *step = u->self->step + s->offset,
           *theta = u->theta + s->offset;
    kad_muon_momentum(n, momentum, g, m, step);
    if (!(kad_norm(n, g) > least_norm)) return true;
    kad_muon_orthogonal(s->rows, s->cols, u->bfloat, step,
                        u->self->scratch + (size_t)thread * u->self->scratch_size);
    kad_muon_move(n, u->a.shrink, u->rate, step, theta);
    return true;
}

static void muon_step(kad_optimiser *opt, int n_threads, double rate,
                      const double *gradient, double *theta)
{
    const muon_state *self = opt->self;
    update u = {.self = self,
                .a = kad_adam_coefficients(&opt->options, opt->step, rate, true),
                .rate = rate,
                .bfloat = opt->options.bfloat,
                .gradient = gradient,
                .theta = theta};
    kad_parallel_for(n_threads < self->n_slots ? n_threads : self->n_slots,
                     (size_t)self->n_matrices, update_matrix, &u);
    kad_adam_step rest =
        kad_adam_coefficients(&opt->options, opt->step, rest_rate * rate, true);
    for (size_t i = 0, n = 0; i < opt->n_theta; i += n) {
        for (n = 1; i + n < opt->n_theta && self->alone[i + n] == self->alone[i];)
            n++;
        if (self->alone[i])
            kad_adam_update(&rest, n, gradient + i, self->m + i, self->v + i, theta + i);
    }
}

static void muon_array(kad_optimiser *opt, int i, kad_state_array *out)
{
    muon_state *self = opt->self;
    *out = i == 0 ? (kad_state_array){"m", KAD_DOUBLE, opt->n_theta, self->m}
                  : (kad_state_array){"v", KAD_DOUBLE, opt->n_theta, self->v};
}

extern const kad_optimiser_ops kad_muon_ops;

const kad_optimiser_ops kad_muon_ops = {
    .name = "muon",
    .summary = "the momentum of each matrix made orthogonal; Adam for the rest",
    .reference = "arXiv:2502.16982",
    .n_arrays = 2,
    .beta1 = 0.9,
    .beta2 = 0.99,
    .create = muon_create,
    .destroy = muon_destroy,
    .step = muon_step,
    .array = muon_array,
};
