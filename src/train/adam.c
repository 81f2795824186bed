/* Adam (Kingma and Ba, arXiv:1412.6980, Algorithm 1) and AdamW (Loshchilov and Hutter,
 * arXiv:1711.05101): weight decay enters the gradient in the former and shrinks the
 * parameters beside the step in the latter. */
#include "train/adam.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>

enum { CHUNK = 4096 }; /* elements of a unit of work */

typedef struct adam_state {
    double *m, *v; /* [n_theta] */
} adam_state;

kad_adam_step kad_adam_coefficients(const kad_optimiser_options *options, int64_t step,
                                    double rate, bool decoupled)
{
    const double decay = options->weight_decay;
    return (kad_adam_step){
        .beta1 = options->beta1,
        .beta2 = options->beta2,
        .unbias1 = 1.0 / (1.0 - pow(options->beta1, (double)step)),
        .unbias2 = 1.0 / (1.0 - pow(options->beta2, (double)step)),
        .eps = options->eps,
        .rate = rate,
        .shrink = decoupled ? 1.0 - rate * decay : 1.0,
        .l2 = decoupled ? 0.0 : decay,
    };
}

void kad_adam_update(const kad_adam_step *c, size_t n, const double *restrict gradient,
                     double *restrict m, double *restrict v, double *restrict theta)
{
    for (size_t i = 0; i < n; i++) {
        const double g = gradient[i] + c->l2 * theta[i];
        m[i] = c->beta1 * m[i] + (1.0 - c->beta1) * g;
        v[i] = c->beta2 * v[i] + (1.0 - c->beta2) * g * g;
        theta[i] = c->shrink * theta[i] -
                   c->rate * c->unbias1 * m[i] / (sqrt(c->unbias2 * v[i]) + c->eps);
    }
}

static kad_status adam_create(kad_ctx *ctx, kad_optimiser *opt, int n_shapes,
                              const kad_shape *shapes)
{
    adam_state *self = NULL;
    (void)n_shapes;
    (void)shapes;
    KAD_CALL(kad_new(ctx, 1, sizeof *self, &self));
    opt->self = self;
    KAD_CALL(kad_new(ctx, opt->n_theta, sizeof *self->m, &self->m));
    return kad_new(ctx, opt->n_theta, sizeof *self->v, &self->v);
}

static void adam_destroy(kad_optimiser *opt)
{
    adam_state *self = opt->self;
    kad_free(self->m);
    kad_free(self->v);
    kad_free(self);
}

typedef struct update {
    const adam_state *self;
    kad_adam_step c;
    size_t n;
    const double *gradient;
    double *theta;
} update;

static bool update_chunk(void *self, size_t i, int thread)
{
    const update *u = self;
    const size_t at = i * CHUNK, n = u->n - at < CHUNK ? u->n - at : CHUNK;
    (void)thread;
    kad_adam_update(&u->c, n, u->gradient + at, u->self->m + at, u->self->v + at,
                    u->theta + at);
    return true;
}

/* Few chunks are done sooner than other threads are there. */
static void adam_run(kad_optimiser *opt, int n_threads, double rate,
                     const double *gradient, double *theta, bool decoupled)
{
    const size_t n_chunks = (opt->n_theta + CHUNK - 1) / CHUNK;
    update u = {opt->self,
                kad_adam_coefficients(&opt->options, opt->step, rate, decoupled),
                opt->n_theta, gradient, theta};
    kad_parallel_for(n_chunks > 4 ? n_threads : 1, n_chunks, update_chunk, &u);
}

static void adam_step(kad_optimiser *opt, int n_threads, double rate,
                      const double *gradient, double *theta)
{
    adam_run(opt, n_threads, rate, gradient, theta, false);
}

static void adamw_step(kad_optimiser *opt, int n_threads, double rate,
                       const double *gradient, double *theta)
{
    adam_run(opt, n_threads, rate, gradient, theta, true);
}

static void adam_array(kad_optimiser *opt, int i, kad_state_array *out)
{
    adam_state *self = opt->self;
    *out = i == 0 ? (kad_state_array){"m", KAD_DOUBLE, opt->n_theta, self->m}
                  : (kad_state_array){"v", KAD_DOUBLE, opt->n_theta, self->v};
}

extern const kad_optimiser_ops kad_adam_ops, kad_adamw_ops;

const kad_optimiser_ops kad_adam_ops = {
    .name = "adam",
    .summary = "Adam: moments of every parameter by itself",
    .reference = "arXiv:1412.6980",
    .n_arrays = 2,
    .beta1 = 0.9,
    .beta2 = 0.999,
    .create = adam_create,
    .destroy = adam_destroy,
    .step = adam_step,
    .array = adam_array,
};

const kad_optimiser_ops kad_adamw_ops = {
    .name = "adamw",
    .summary = "Adam with decoupled weight decay",
    .reference = "arXiv:1711.05101",
    .n_arrays = 2,
    .beta1 = 0.9,
    .beta2 = 0.999,
    .create = adam_create,
    .destroy = adam_destroy,
    .step = adamw_step,
    .array = adam_array,
};
