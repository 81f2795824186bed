#include "train/optimiser.h"

#include "base/memory.h"

#include <string.h>

/* The one list of optimisers. */
#define OPTIMISERS(X) X(soap) X(adam) X(adamw) X(muon)

#define DECLARE(name) extern const kad_optimiser_ops kad_##name##_ops;
#define ADDRESS(name) &kad_##name##_ops,
OPTIMISERS(DECLARE)
const kad_optimiser_ops *const kad_optimisers[] = {OPTIMISERS(ADDRESS) NULL};

const char *kad_optimiser_name(size_t i)
{
    for (size_t k = 0; kad_optimisers[k]; k++)
        if (k == i) return kad_optimisers[k]->name;
    return NULL;
}

const kad_optimiser_ops *kad_optimiser_find(const char *name)
{
    for (int i = 0; name && kad_optimisers[i]; i++)
        if (!strcmp(kad_optimisers[i]->name, name)) return kad_optimisers[i];
    return NULL;
}

kad_optimiser_options kad_optimiser_defaults(const kad_optimiser_ops *ops)
{
    return (kad_optimiser_options){.beta1 = ops->beta1,
                                   .beta2 = ops->beta2,
                                   .eps = 1e-8,
                                   .every = 20,
                                   .max_dim = 128,
                                   .prec = KAD_SINGLE};
}

kad_status kad_optimiser_create(kad_ctx *ctx, const kad_optimiser_ops *ops,
                                const kad_optimiser_options *options, size_t n_theta,
                                int n_shapes, const kad_shape *shapes,
                                kad_optimiser **out)
{
    KAD_LOCAL(kad_optimiser, opt);
    *out = NULL;
    for (int i = 0; i < n_shapes; i++) {
        const kad_shape *s = &shapes[i];
        if (s->rows < 0 || s->cols < 0 || s->offset > n_theta ||
            (size_t)s->rows * (size_t)s->cols > n_theta - s->offset)
            return kad_fail(
                ctx, KAD_EINTERNAL,
                "optimiser: tensor %d of %d x %d at %zu leaves %zu parameters", i,
                s->rows, s->cols, s->offset, n_theta);
    }
    KAD_CALL(kad_new(ctx, 1, sizeof *opt, &opt));
    opt->ops = ops;
    opt->options = *options;
    opt->n_theta = n_theta;
    KAD_CALL(ops->create(ctx, opt, n_shapes, shapes));
    *out = opt;
    opt = NULL;
    return KAD_OK;
}

void kad_optimiser_destroy(kad_optimiser *opt)
{
    if (!opt) return;
    if (opt->self) opt->ops->destroy(opt);
    kad_free(opt);
}

void kad_optimiser_step(kad_optimiser *opt, int n_threads, double rate,
                        const double *gradient, double *theta)
{
    opt->step++;
    opt->ops->step(opt, n_threads, rate, gradient, theta);
}
