/* Self-check of the flow that is about to be used, in double precision, with parameters
 * moved off their start so that every stage does something:
 *   gradient  directional derivative of the loss against its central difference
 *   log-det   ln|det dy/dz| reported by the flow against a numerical Jacobian (small
 *             lattices), else against its inference
 *   inverse   max |R(G(z)) - z|
 * The bounds are generous: a wrong formula misses them by orders of magnitude. */
#include "base/matrix.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/signals.h"
#include "run/pipeline.h"
#include "train/loss.h"

#include <math.h>
#include <string.h>

enum { N_SAMPLES = 32, MAX_JACOBIAN = 160 };

static const int max_rows = 65536; /* a check takes as long as a few training steps */
static const double move = 0.02;   /* size of the parameters' displacement */
static const double max_gradient = 1e-5;
static const double max_log_det = 1e-4;
static const double max_inverse = 1e-8;

/* Initial parameters plus normal noise, and a random direction. */
static void displace(const kad_pipeline *p, double *theta, double *direction)
{
    const kad_flow *flow = p->model->flow;
    kad_rng rng = kad_rng_stream(p->model->seed, KAD_RNG_TEST, 0);
    kad_flow_init(flow, p->model->seed, theta);
    for (size_t i = 0; i < flow->n_theta; i++) {
        double z[2];
        kad_rng_normal2(rng, 0, i, 0, z);
        theta[i] += move * z[0];
        direction[i] = z[1];
    }
}

/* The loss of an action; where there is none, the likelihood of `data` [n][n_rows]. */
typedef struct check {
    kad_pipeline *p;
    kad_loss_plan *plan;
    const double *theta, *direction;
    double *data, *work;
} check;

static double loss_at(const check *c, double h, double *gradient)
{
    kad_ctx *ctx = &c->p->app->ctx;
    const kad_model *model = c->p->model;
    kad_loss_stats stats;
    for (size_t i = 0; i < model->flow->n_theta; i++)
        c->work[i] = c->theta[i] + h * c->direction[i];
    if (model->action != NULL) {
        kad_loss_gradient(ctx, c->plan, model->action, KAD_LOSS_REVERSE, NULL, c->work,
                          model->seed, 0, gradient, &stats);
    } else {
        size_t index[N_SAMPLES];
        for (size_t i = 0; i < N_SAMPLES; i++)
            index[i] = i;
        kad_loss_gradient_data(ctx, c->plan, c->work, c->data, index, gradient, &stats);
    }
    return stats.loss;
}

/* Draws of the map. */
static kad_status draw_data(const check *c)
{
    kad_ctx *ctx = &c->p->app->ctx;
    const kad_model *model = c->p->model;
    double lnq[N_SAMPLES];
    KAD_LOCAL(kad_map, map);
    KAD_CALL(kad_map_create(ctx, model->flow, c->theta, NULL, &map));
    return kad_map_draw(ctx, map, model->seed, KAD_RNG_TEST, 0, N_SAMPLES, KAD_DOUBLE,
                        false, c->data, lnq, NULL);
}

/* Nothing is claimed yet: the next call checks again. */
static kad_status go_on(kad_pipeline *p, double start)
{
    if (!kad_stop_overdue(start)) return KAD_OK;
    return kad_fail(&p->app->ctx, KAD_EINTERRUPTED, "self-check: stopped (%s)",
                    kad_stop_reason());
}

/* Relative difference of the directional derivative from its fourth-order difference; where
 * that is large, from ones of smaller steps: a sample that crosses a spline's knot within the
 * step, where gradients have a kink, counts the less the smaller it is. */
static kad_status check_gradient(kad_pipeline *p, const double *theta,
                                 const double *direction, double start, double *error)
{
    kad_ctx *ctx = &p->app->ctx;
    KAD_SCOPE(scope, ctx);
    const kad_model *model = p->model;
    const size_t n = model->flow->n_theta, n_rows = (size_t)model->flow->n_rows;
    double *gradient, *other;
    KAD_LOCAL(kad_loss_plan, plan);
    check c = {.p = p, .theta = theta, .direction = direction};
    KAD_CALL(kad_take(&scope, n, &gradient));
    KAD_CALL(kad_take(&scope, n, &other));
    KAD_CALL(kad_take(&scope, n, &c.work));
    KAD_CALL(kad_take(&scope, N_SAMPLES * n_rows, &c.data));
    KAD_CALL(
        kad_loss_create(ctx, model->flow, model->action, KAD_DOUBLE, N_SAMPLES, &plan));
    c.plan = plan;
    if (model->action == NULL) KAD_CALL(draw_data(&c));
    loss_at(&c, 0, gradient);
    KAD_CALL(go_on(p, start));
    double exact = 0, norm = 0;
    for (size_t i = 0; i < n; i++) {
        exact += gradient[i] * direction[i];
        norm += gradient[i] * gradient[i];
    }
    *error = INFINITY;
    double step = 1e-4;
    for (int i = 0; i < 3 && *error > max_gradient; i++, step /= 10) {
        const double h = step / sqrt((double)n + 1);
        const double one = loss_at(&c, h, other) - loss_at(&c, -h, other);
        KAD_CALL(go_on(p, start));
        const double two = loss_at(&c, 2 * h, other) - loss_at(&c, -2 * h, other);
        const double difference = (8 * one - two) / (12 * h);
        *error = fmin(*error, fabs(difference - exact) / (sqrt(norm) + 1e-8));
    }
    return KAD_OK;
}

/* Rows of the tile that are flow variables. */
static int active_rows(const kad_flow *flow, int *rows)
{
    int n = 0;
    for (int site = 0; site < flow->lattice->n_sites; site++)
        if (flow->active[site])
            for (int c = 0; c < flow->n_comp; c++)
                rows[n++] = site * flow->n_comp + c;
    return n;
}

/* Difference of ld from the numerical Jacobian at z [n_rows]. */
static kad_status check_jacobian(kad_pipeline *p, const kad_map *map, const double *z,
                                 double ld, double *error)
{
    const kad_flow *flow = p->model->flow;
    kad_ctx *ctx = &p->app->ctx;
    KAD_SCOPE(scope, ctx);
    size_t n_rows = (size_t)flow->n_rows;
    int *rows;
    double *zz, *yy, *jacobian;
    KAD_CALL(kad_take(&scope, n_rows, &rows));
    int n = active_rows(flow, rows);
    size_t m = (size_t)n;
    KAD_CALL(kad_take(&scope, 4 * m * n_rows, &zz));
    KAD_CALL(kad_take(&scope, 4 * m * n_rows, &yy));
    KAD_CALL(kad_take(&scope, m * m, &jacobian));
    const double h = 1e-5, steps[4] = {1, -1, 2, -2}, weights[4] = {8, -8, -1, 1};
    for (size_t i = 0; i < 4 * m; i++) {
        memcpy(zz + i * n_rows, z, n_rows * sizeof *z);
        zz[i * n_rows + (size_t)rows[i / 4]] += h * steps[i % 4];
    }
    KAD_CALL(kad_map_generate(ctx, map, 4 * m, KAD_DOUBLE, zz, yy, NULL));
    for (size_t i = 0; i < m; i++)
        for (size_t k = 0; k < 4; k++)
            for (size_t j = 0; j < m; j++)
                jacobian[i * m + j] +=
                    weights[k] / (12 * h) * yy[(4 * i + k) * n_rows + (size_t)rows[j]];
    *error = fabs(kad_log_abs_det((size_t)n, jacobian) - ld);
    return KAD_OK;
}

/* Inverse error over N_SAMPLES draws, and the log-determinant's. */
static kad_status check_map(kad_pipeline *p, const double *theta, double *inverse,
                            double *ld_error, bool *jacobian)
{
    const kad_flow *flow = p->model->flow;
    kad_ctx *ctx = &p->app->ctx;
    KAD_SCOPE(scope, ctx);
    size_t n = N_SAMPLES * (size_t)flow->n_rows;
    KAD_LOCAL(kad_map, map);
    double *y, *z, *back;
    double lnq[N_SAMPLES], again[N_SAMPLES], ld[1];
    KAD_CALL(kad_take(&scope, n, &y));
    KAD_CALL(kad_take(&scope, n, &z));
    KAD_CALL(kad_take(&scope, n, &back));
    KAD_CALL(kad_map_create(ctx, flow, theta, NULL, &map));
    KAD_CALL(kad_map_draw(ctx, map, p->model->seed, KAD_RNG_TEST, 0, N_SAMPLES,
                          KAD_DOUBLE, false, y, lnq, z));
    KAD_CALL(kad_map_lnq(ctx, map, N_SAMPLES, KAD_DOUBLE, y, again, back));
    *inverse = 0;
    for (size_t i = 0; i < n; i++)
        *inverse = fmax(*inverse, fabs(back[i] - z[i]));
    *ld_error = 0;
    for (int i = 0; i < N_SAMPLES; i++)
        *ld_error = fmax(*ld_error, fabs(again[i] - lnq[i]));
    *jacobian = flow->n_active * flow->n_comp <= MAX_JACOBIAN;
    if (*jacobian) {
        KAD_CALL(kad_map_generate(ctx, map, 1, KAD_DOUBLE, z, y, ld));
        KAD_CALL(check_jacobian(p, map, z, ld[0], ld_error));
    }
    return KAD_OK;
}

static kad_status judge(kad_pipeline *p, const char *what, double error, double bound)
{
    if (error <= bound) return KAD_OK;
    return kad_fail(
        &p->app->ctx, KAD_EINTERNAL,
        "self-check failed: %s off by %.2g (at most %.0e): please report this "
        "with config.yaml",
        what, error, bound);
}

kad_status kad_selfcheck(kad_pipeline *p)
{
    kad_ctx *ctx = &p->app->ctx;
    KAD_SCOPE(scope, ctx);
    size_t n = p->model->flow->n_theta;
    double *theta, *direction;
    double gradient = 0, inverse = 0, ld = 0;
    bool jacobian = false;
    const double start = kad_stop_clock();
    /* the tolerance is that of a mean */
    const double most = max_log_det + 10 * kad_flow_tolerance(p->model->flow);
    if (p->model->flow->n_rows > max_rows) {
        kad_say(p->app, "self-check: left out on more than %d variables", max_rows);
        return KAD_OK;
    }
    KAD_CALL(kad_take(&scope, n, &theta));
    KAD_CALL(kad_take(&scope, n, &direction));
    displace(p, theta, direction);
    KAD_CALL(check_gradient(p, theta, direction, start, &gradient));
    KAD_CALL(go_on(p, start));
    KAD_CALL(check_map(p, theta, &inverse, &ld, &jacobian));
    KAD_CALL(go_on(p, start));
    kad_say(p->app,
            "self-check: gradient against differences %.1e, log-det against its %s %.1e, "
            "inverse %.1e",
            gradient, jacobian ? "numerical Jacobian" : "inference", ld, inverse);
    KAD_CALL(judge(p, "the gradient", gradient, max_gradient));
    if (p->model->flow->solver_given && ld > most)
        return kad_fail(
            ctx, KAD_ECONFIG,
            "flow.steps: too few: ln q of a map that has yet to be trained is "
            "off by %.2g (at most %.0e); 0 leaves them to flow.tolerance",
            ld, most);
    KAD_CALL(judge(p, "the log-determinant", ld, most));
    return judge(p, "the inverse", inverse, max_inverse);
}
