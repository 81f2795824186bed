#include "train/evaluate.h"

#include "base/memory.h"

#include <math.h>

enum { CHECKS = 64 }; /* draws of the error checks */

struct kad_evaluator {
    const kad_model *model;
    double *y;      /* [CHECKS][n_rows] */
    double *z;      /* [2 CHECKS][n_rows] */
    double *lnq[2]; /* [CHECKS] */
    double *theta;  /* of a family's map at one coupling */
    void *packed, *scratch, *tile;
};

kad_status kad_evaluator_create(kad_ctx *ctx, const kad_model *model, kad_evaluator **out)
{
    KAD_LOCAL(kad_evaluator, e);
    const kad_flow *flow = model->flow;
    const size_t rows = (size_t)flow->n_rows;
    *out = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *e, &e));
    e->model = model;
    KAD_CALL(kad_new(ctx, CHECKS, rows * sizeof *e->y, &e->y));
    KAD_CALL(kad_new(ctx, 2 * CHECKS, rows * sizeof *e->z, &e->z));
    for (int i = 0; i < 2; i++)
        KAD_CALL(kad_new(ctx, CHECKS, sizeof *e->lnq[i], &e->lnq[i]));
    KAD_CALL(kad_new(ctx, flow->n_theta, sizeof *e->theta, &e->theta));
    KAD_CALL(kad_new(ctx, flow->packed_bytes[KAD_DOUBLE], 1, &e->packed));
    KAD_CALL(kad_new(ctx, flow->scratch_bytes[KAD_DOUBLE], 1, &e->scratch));
    KAD_CALL(kad_new(ctx, rows, KAD_ROW_BYTES, &e->tile));
    *out = e;
    e = NULL;
    return KAD_OK;
}

void kad_evaluator_destroy(kad_evaluator *e)
{
    if (e == NULL) return;
    kad_free(e->y);
    kad_free(e->z);
    kad_free(e->lnq[0]);
    kad_free(e->lnq[1]);
    kad_free(e->theta);
    kad_free(e->packed);
    kad_free(e->scratch);
    kad_free(e->tile);
    kad_free(e);
}

/* Largest |a - b|, NaN if any difference is. */
static double max_difference(size_t n, const double *a, const double *b)
{
    double worst = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double d = fabs(a[i] - b[i]);
        if (!(d <= worst)) worst = d;
        if (isnan(d)) return d;
    }
    return worst;
}

/* Inverse error, and ln q of generation against that of inference in double. */
static kad_status check_errors(kad_ctx *ctx, kad_evaluator *e, const kad_map *map,
                               uint64_t first, kad_evaluation *out)
{
    const kad_model *model = e->model;
    const size_t rows = (size_t)model->flow->n_rows;
    double *z = e->z, *back = e->z + CHECKS * rows;
    KAD_CALL(kad_map_draw(ctx, map, model->seed, KAD_RNG_EVAL, first, CHECKS, model->prec,
                          false, e->y, e->lnq[0], z));
    KAD_CALL(kad_map_draw(ctx, map, model->seed, KAD_RNG_EVAL, first, CHECKS, model->prec,
                          true, e->y, e->lnq[1], NULL));
    out->lnq_error = max_difference(CHECKS, e->lnq[0], e->lnq[1]);
    KAD_CALL(kad_map_generate(ctx, map, CHECKS, model->prec, z, e->y, NULL));
    KAD_CALL(kad_map_lnq(ctx, map, CHECKS, model->prec, e->y, NULL, back));
    out->inverse_error = max_difference(CHECKS * rows, z, back);
    return KAD_OK;
}

/* ln q of draws, in double, against that of twice the steps; the map keeps those. */
static kad_status check_solver(kad_ctx *ctx, kad_evaluator *e, kad_map *map,
                               uint64_t first, kad_evaluation *out)
{
    const kad_model *model = e->model;
    double sum = 0;
    if (model->flow->solver == NULL) return KAD_OK;
    out->solver_steps = kad_map_steps(map);
    KAD_CALL(kad_map_draw(ctx, map, model->seed, KAD_RNG_EVAL, first, CHECKS, model->prec,
                          true, e->y, e->lnq[0], NULL));
    kad_map_refine(map, 2);
    KAD_CALL(kad_map_lnq(ctx, map, CHECKS, KAD_DOUBLE, e->y, e->lnq[1], NULL));
    out->solver_largest = 0;
    for (size_t i = 0; i < CHECKS; i++) {
        double off = fabs(e->lnq[1][i] - e->lnq[0][i]);
        if (isnan(off)) off = INFINITY; /* no latents were found: nothing is known */
        sum += off;
        if (off > out->solver_largest) out->solver_largest = off;
    }
    out->solver_error = sum / CHECKS;
    return KAD_OK;
}

/* Mean ln|det| of the stages of every level over one tile, generating, and the integrals
 * over the paths of those that solve an equation. */
static void level_log_det(kad_evaluator *e, const double *theta, uint64_t first,
                          kad_evaluation *out)
{
    const kad_flow *flow = e->model->flow;
    const kad_rng rng = kad_rng_stream(e->model->seed, KAD_RNG_EVAL, 0);
    for (int k = 0; k < KAD_EVAL_LEVELS; k++)
        out->log_det[k] = k < flow->n_levels ? 0.0 : NAN;
    out->kinetic = out->jacobian = 0.0;
    kad_flow_pack(flow, KAD_DOUBLE, theta, e->packed);
    kad_flow_prior_draw(flow, KAD_DOUBLE, rng, 0, first, e->tile);
    for (int i = 0; i < flow->n_stages; i++) {
        const kad_stage *stage = &flow->stages[i];
        const void *packed = (const char *)e->packed + stage->packed[KAD_DOUBLE];
        double ld[KAD_W_DOUBLE] = {0}, sum = 0.0;
        double kinetic[KAD_W_DOUBLE] = {0}, jacobian[KAD_W_DOUBLE] = {0};
        if (stage->ops->solver)
            stage->ops->solver->path(stage, packed, e->tile, ld, kinetic, jacobian,
                                     e->scratch);
        else
            stage->ops->kern[KAD_DOUBLE]->generate(stage, packed, e->tile, ld,
                                                   e->scratch);
        for (int l = 0; l < KAD_W_DOUBLE; l++) {
            sum += ld[l] / KAD_W_DOUBLE;
            out->kinetic += kinetic[l] / KAD_W_DOUBLE;
            out->jacobian += jacobian[l] / KAD_W_DOUBLE;
        }
        const bool named = stage->level >= 0 && stage->level < KAD_EVAL_LEVELS &&
                           stage->level < flow->n_levels;
        out->log_det[named ? stage->level : KAD_EVAL_NO_LEVEL] += sum;
    }
}

/* One map against all targets. */
static kad_status evaluate_map(kad_ctx *ctx, kad_evaluator *e, const double *theta,
                               size_t n_targets, kad_target *const *targets,
                               uint64_t first, size_t n, bool last, kad_evaluation *out)
{
    KAD_LOCAL(kad_map, map);
    const kad_model *model = e->model;
    *out = (kad_evaluation){.log_z_exact = NAN, .kl_gap = NAN, .kl_gap_err = NAN};
    KAD_CALL(kad_map_create(ctx, model->flow, theta, model->mixture, &map));
    for (size_t i = 0; i < n_targets; i++)
        if (targets[i] != NULL && targets[i]->n_values > 0)
            KAD_CALL(
                targets[i]->ops->evaluate(ctx, targets[i], map, first, n, last, out));
    for (size_t i = 0; i < n_targets; i++)
        if (targets[i] != NULL) targets[i]->n_done = 0;
    KAD_CALL(check_errors(ctx, e, map, first, out));
    level_log_det(e, theta, first, out);
    return check_solver(ctx, e, map, first, out);
}

static kad_family_point place(const kad_family *f, int i)
{
    static const double square[5][2] = {{-1, -1}, {1, -1}, {0, 0}, {-1, 1}, {1, 1}};
    if (f->n < 2) return (kad_family_point){{i - 1, 0}};
    return (kad_family_point){{square[i][0], square[i][1]}};
}

/* A family's worst map of three: at the ends and in the middle of its range; of two couplings
 * at the corners and in the middle. */
static kad_status evaluate_places(kad_ctx *ctx, kad_evaluator *e, const double *all,
                                  size_t n_targets, kad_target *const *targets,
                                  uint64_t first, size_t n, bool last,
                                  kad_evaluation *out)
{
    const kad_family *f = &e->model->family;
    const int n_places = f->n == 2 ? 5 : 3;
    for (int i = 0; i < n_places; i++) {
        kad_evaluation here;
        const kad_family_point value = kad_family_value(f, place(f, i));
        for (size_t k = 0; k < n_targets; k++)
            if (targets[k] != NULL && targets[k]->ops->move != NULL)
                KAD_CALL(targets[k]->ops->move(ctx, targets[k], value));
        kad_family_contract(f, e->model->flow->n_theta, all, value, e->theta);
        KAD_CALL(evaluate_map(ctx, e, e->theta, n_targets, targets, first,
                              n / (size_t)n_places, last, &here));
        if (i == 0 || here.weights.ess.value < out->weights.ess.value) *out = here;
    }
    return KAD_OK;
}

/* The same; what is stopped is done from the beginning, the next time. */
static kad_status evaluate_family(kad_ctx *ctx, kad_evaluator *e, const double *all,
                                  size_t n_targets, kad_target *const *targets,
                                  uint64_t first, size_t n, bool last,
                                  kad_evaluation *out)
{
    const kad_status status =
        evaluate_places(ctx, e, all, n_targets, targets, first, n, last, out);
    for (size_t k = 0; status == KAD_EINTERRUPTED && k < n_targets; k++)
        if (targets[k] != NULL) targets[k]->n_done = 0;
    return status;
}

kad_status kad_evaluate(kad_ctx *ctx, kad_evaluator *e, const double *theta,
                        size_t n_targets, kad_target *const *targets, uint64_t first,
                        size_t n, bool last, kad_evaluation *out)
{
    return (kad_family_is(&e->model->family) ? evaluate_family : evaluate_map)(
        ctx, e, theta, n_targets, targets, first, n, last, out);
}
