/* The trained map of a study on arrays of the caller. Those have a component's sites
 * together, [n][component][site]; inside, a site's components are: rows
 * [n][site][component]. */
#include "api/study.h"
#include "base/tile.h"
#include "record/weigh.h"
#include "sample/fields.h"

#include <math.h>
#include <string.h>

typedef struct batch {
    uint64_t first;
    size_t n;
    const double *from;             /* z or x, of the caller */
    double *x, *z, *ln_q, *ln_w;    /* results, NULL: not wanted */
    double *rows, *y, *other, *own; /* [n][n_values]; own [n] */
} batch;

static size_t n_values_of(const kad_study *study)
{
    return (size_t)study->job.model->flow->n_rows;
}

static void to_rows(const kad_study *study, size_t n, const double *from, double *rows)
{
    const kad_flow *flow = study->job.model->flow;
    kad_by_site(n, (size_t)flow->lattice->n_sites, (size_t)flow->n_comp, from, rows);
}

static void from_rows(const kad_study *study, size_t n, const double *rows, double *to)
{
    const kad_flow *flow = study->job.model->flow;
    kad_by_component(n, (size_t)flow->lattice->n_sites, (size_t)flow->n_comp, rows, to);
}

static kad_status load_map(kad_study *study)
{
    kad_ctx *ctx = &study->app.ctx;
    KAD_LOCAL(kad_h5, file);
    if (study->map != NULL) return KAD_OK;
    KAD_CALL(kad_study_results(study, &file));
    if (!kad_h5_exists(file, "/flow/params"))
        return kad_fail(ctx, KAD_ENOINPUT, "%s/run.h5: no trained map: train first",
                        study->app.out);
    return kad_model_load_map(ctx, study->job.model, file, &study->map);
}

/* The caller's values as rows. */
static kad_status take(kad_study *study, const batch *b, const char *what)
{
    const size_t n_values = n_values_of(study);
    for (size_t i = 0; i < b->n * n_values; i++)
        if (!isfinite(b->from[i]))
            return kad_fail(&study->app.ctx, KAD_EDATA,
                            "%s: sample %zu, value %zu: expected a finite number, got %g",
                            what, i / n_values, i % n_values, b->from[i]);
    to_rows(study, b->n, b->from, b->rows);
    return KAD_OK;
}

/* --- what is done with the map, the memory and the numbers there ------------------------ */

/* b->y as boundary configurations, into b->other: where no action is known, the same. */
static kad_status to_boundary(kad_study *study, batch *b, bool translate)
{
    const kad_model *model = study->job.model;
    if (model->action != NULL)
        return kad_fields_of(&study->app.ctx, model->action, model->seed, b->first, b->n,
                             translate, b->y, b->other, b->own);
    memcpy(b->other, b->y, b->n * n_values_of(study) * sizeof *b->y);
    return KAD_OK;
}

static kad_status draw(kad_study *study, batch *b)
{
    kad_ctx *ctx = &study->app.ctx;
    const kad_model *model = study->job.model;
    const kad_action *action = model->action;
    const bool translate = b->z == NULL && study->job.options.model.flow.translation;
    double *ln_q = b->ln_q != NULL ? b->ln_q : b->own;
    KAD_CALL(kad_map_draw(ctx, study->map, model->seed, KAD_RNG_DRAW, b->first, b->n,
                          model->prec, true, b->y, ln_q, b->rows));
    if (b->z != NULL) from_rows(study, b->n, b->rows, b->z);
    if (b->ln_w != NULL) {
        KAD_CALL(kad_model_require_action(ctx, model, "ln_w"));
        KAD_CALL(kad_action_values(ctx, action, b->n, b->y, b->ln_w));
        for (size_t i = 0; i < b->n; i++)
            b->ln_w[i] = kad_action_log_weight(action, b->ln_w[i], ln_q[i]);
    }
    if (b->x == NULL) return KAD_OK;
    KAD_CALL(to_boundary(study, b, translate));
    from_rows(study, b->n, b->other, b->x);
    return KAD_OK;
}

static kad_status generate(kad_study *study, batch *b)
{
    KAD_CALL(take(study, b, "z"));
    KAD_CALL(kad_map_generate(&study->app.ctx, study->map, b->n, KAD_DOUBLE, b->rows,
                              b->y, b->ln_q));
    KAD_CALL(to_boundary(study, b, false));
    from_rows(study, b->n, b->other, b->x);
    return KAD_OK;
}

static kad_status infer(kad_study *study, batch *b)
{
    kad_ctx *ctx = &study->app.ctx;
    const kad_action *action = study->job.model->action;
    KAD_CALL(take(study, b, "x"));
    if (action != NULL)
        KAD_CALL(kad_fields_latents(ctx, action, study->map, b->n, b->rows, b->other));
    else
        KAD_CALL(
            kad_map_lnq(ctx, study->map, b->n, KAD_DOUBLE, b->rows, b->own, b->other));
    from_rows(study, b->n, b->other, b->z);
    return KAD_OK;
}

static kad_status weigh(kad_study *study, batch *b)
{
    kad_ctx *ctx = &study->app.ctx;
    const kad_model *model = study->job.model;
    KAD_CALL(take(study, b, "x"));
    if (model->action == NULL && b->ln_w == NULL) {
        KAD_CALL(kad_map_lnq(ctx, study->map, b->n, KAD_DOUBLE, b->rows,
                             b->ln_q != NULL ? b->ln_q : b->own, NULL));
        return KAD_OK;
    }
    KAD_CALL(kad_model_require_action(ctx, model, "ln_w"));
    return kad_weights_of(ctx, model->action, study->map, b->n, b->rows, b->ln_q,
                          b->ln_w != NULL ? b->ln_w : b->own);
}

/* --- the public functions ---------------------------------------------------------------- */

typedef struct task {
    kad_status (*work)(kad_study *study, batch *b);
    batch batch;
    bool complete; /* every array that must be given is */
} task;

static kad_status do_task(kad_study *study, void *arguments)
{
    const task *t = arguments;
    batch b = t->batch;
    kad_ctx *ctx = &study->app.ctx;
    KAD_SCOPE(scope, ctx);
    KAD_CALL(kad_study_require(study));
    if (b.n == 0) return KAD_OK;
    if (!t->complete) return kad_fail(ctx, KAD_EUSAGE, "an array that is needed is NULL");
    KAD_CALL(load_map(study));
    const size_t bytes = n_values_of(study) * sizeof(double);
    KAD_CALL(kad_scope_take(&scope, b.n, bytes, &b.rows));
    KAD_CALL(kad_scope_take(&scope, b.n, bytes, &b.y));
    KAD_CALL(kad_scope_take(&scope, b.n, bytes, &b.other));
    KAD_CALL(kad_take(&scope, b.n, &b.own));
    return t->work(study, &b);
}

kad_status kad_study_draw(kad_study *study, uint64_t first, size_t n, double *x,
                          double *z, double *ln_q, double *ln_w)
{
    task t = {
        draw, {.first = first, .n = n, .x = x, .z = z, .ln_q = ln_q, .ln_w = ln_w}, true};
    return kad_study_call(study, do_task, &t);
}

kad_status kad_study_generate(kad_study *study, uint64_t first, size_t n, const double *z,
                              double *x, double *log_det)
{
    task t = {generate,
              {.first = first, .n = n, .from = z, .x = x, .ln_q = log_det},
              z != NULL && x != NULL};
    return kad_study_call(study, do_task, &t);
}

kad_status kad_study_infer(kad_study *study, size_t n, const double *x, double *z)
{
    task t = {infer, {.n = n, .from = x, .z = z}, x != NULL && z != NULL};
    return kad_study_call(study, do_task, &t);
}

kad_status kad_study_weigh(kad_study *study, size_t n, const double *x, double *ln_q,
                           double *ln_w)
{
    task t = {weigh, {.n = n, .from = x, .ln_q = ln_q, .ln_w = ln_w}, x != NULL};
    return kad_study_call(study, do_task, &t);
}
