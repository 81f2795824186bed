#include "train/evaluate.h"

#include "base/memory.h"
#include "base/signals.h"

#include <math.h>

/* Draws a pass: no more than CHUNK, nor than CHUNK_VALUES variables; draws of the error
 * checks. */
enum { CHUNK = 512, CHUNK_VALUES = 1 << 20, CHECKS = 64 };

struct kad_evaluator {
    const kad_model *model;
    size_t n_max, chunk;
    size_t n_done; /* weights of an evaluation that was stopped half way */
    double log_z_exact;
    double *y;       /* [chunk][n_rows] */
    double *z;       /* [2 CHECKS][n_rows] */
    double *lnq, *S; /* [chunk] */
    double *ln_w;    /* [n_max] */
    void *packed, *scratch, *tile;
};

kad_status kad_evaluator_create(kad_ctx *ctx, const kad_model *model, size_t n_max,
                                kad_evaluator **out)
{
    kad_status status;
    kad_evaluator *e = NULL;
    const kad_flow *flow = model->flow;
    const size_t rows = (size_t)flow->n_rows;
    *out = NULL;
    KAD_TRY(kad_new(ctx, 1, sizeof *e, &e));
    e->model = model;
    e->n_max = n_max;
    e->chunk = CHUNK_VALUES / rows / CHECKS * CHECKS;
    if (e->chunk < CHECKS) e->chunk = CHECKS;
    if (e->chunk > CHUNK) e->chunk = CHUNK;
    e->log_z_exact = model->action->log_z_exact;
    KAD_TRY(kad_new(ctx, e->chunk, rows * sizeof *e->y, &e->y));
    KAD_TRY(kad_new(ctx, 2 * CHECKS, rows * sizeof *e->z, &e->z));
    KAD_TRY(kad_new(ctx, e->chunk, sizeof *e->lnq, &e->lnq));
    KAD_TRY(kad_new(ctx, e->chunk, sizeof *e->S, &e->S));
    KAD_TRY(kad_new(ctx, n_max, sizeof *e->ln_w, &e->ln_w));
    KAD_TRY(kad_new(ctx, flow->packed_bytes[KAD_DOUBLE], 1, &e->packed));
    KAD_TRY(kad_new(ctx, flow->scratch_bytes[KAD_DOUBLE], 1, &e->scratch));
    KAD_TRY(kad_new(ctx, rows, KAD_ROW_BYTES, &e->tile));
    *out = e;
    e = NULL;
done:
    kad_evaluator_destroy(e);
    return status;
}

void kad_evaluator_destroy(kad_evaluator *e)
{
    if (e == NULL) return;
    kad_free(e->y);
    kad_free(e->z);
    kad_free(e->lnq);
    kad_free(e->S);
    kad_free(e->ln_w);
    kad_free(e->packed);
    kad_free(e->scratch);
    kad_free(e->tile);
    kad_free(e);
}

size_t kad_evaluator_partial(const kad_evaluator *e, double **ln_w)
{
    *ln_w = e->ln_w;
    return e->n_done;
}

void kad_evaluator_resume(kad_evaluator *e, size_t n)
{
    e->n_done = n < e->n_max ? n : e->n_max;
}

static kad_status draw_weights(kad_ctx *ctx, kad_evaluator *e, const kad_map *map,
                               uint64_t first, size_t n, bool exact)
{
    kad_status status = KAD_OK;
    const kad_model *model = e->model;
    const double start = kad_wall_seconds();
    for (size_t at = e->n_done; at < n; at += e->chunk) {
        const size_t m = n - at < e->chunk ? n - at : e->chunk;
        e->n_done = at;
        if (kad_stop_overdue(start))
            return kad_fail(ctx, KAD_EINTERRUPTED,
                            "evaluation: stopped at draw %zu of %zu (%s)", at, n,
                            kad_stop_reason());
        KAD_TRY(kad_map_draw(ctx, map, model->seed, KAD_RNG_EVAL, first + at, m,
                             model->prec, exact, e->y, e->lnq, NULL));
        KAD_TRY(kad_action_values(ctx, model->action, m, e->y, e->S));
        for (size_t i = 0; i < m; i++)
            e->ln_w[at + i] = model->action->log_z_offset - e->S[i] - e->lnq[i];
    }
done:
    return status;
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
    kad_status status;
    const kad_model *model = e->model;
    const size_t rows = (size_t)model->flow->n_rows;
    double *z = e->z, *back = e->z + CHECKS * rows;
    KAD_TRY(kad_map_draw(ctx, map, model->seed, KAD_RNG_EVAL, first, CHECKS, model->prec,
                         false, e->y, e->lnq, z));
    KAD_TRY(kad_map_draw(ctx, map, model->seed, KAD_RNG_EVAL, first, CHECKS, model->prec,
                         true, e->y, e->S, NULL));
    out->lnq_error = max_difference(CHECKS, e->lnq, e->S);
    KAD_TRY(kad_map_generate(ctx, map, CHECKS, model->prec, z, e->y, NULL));
    KAD_TRY(kad_map_lnq(ctx, map, CHECKS, model->prec, e->y, e->lnq, back));
    out->inverse_error = max_difference(CHECKS * rows, z, back);
done:
    return status;
}

/* Mean ln|det| of the stages of every level over one tile, generating. */
static void level_log_det(kad_evaluator *e, const double *theta, uint64_t first,
                          kad_evaluation *out)
{
    const kad_flow *flow = e->model->flow;
    const kad_rng rng = kad_rng_stream(e->model->seed, KAD_RNG_EVAL, 0);
    for (int k = 0; k < KAD_EVAL_LEVELS; k++)
        out->log_det[k] = k < flow->n_levels ? 0.0 : NAN;
    kad_flow_pack(flow, KAD_DOUBLE, theta, e->packed);
    kad_flow_prior_draw(flow, KAD_DOUBLE, rng, 0, first, e->tile);
    for (int i = 0; i < flow->n_stages; i++) {
        const kad_stage *stage = &flow->stages[i];
        double ld[KAD_W_DOUBLE] = {0}, sum = 0.0;
        stage->ops->kern[KAD_DOUBLE]->generate(
            stage, (const char *)e->packed + stage->packed[KAD_DOUBLE], e->tile, ld,
            e->scratch);
        for (int l = 0; l < KAD_W_DOUBLE; l++)
            sum += ld[l] / KAD_W_DOUBLE;
        const bool named = stage->level >= 0 && stage->level < KAD_EVAL_LEVELS &&
                           stage->level < flow->n_levels;
        out->log_det[named ? stage->level : KAD_EVAL_NO_LEVEL] += sum;
    }
}

kad_status kad_evaluate(kad_ctx *ctx, kad_evaluator *e, const double *theta,
                        uint64_t first, size_t n, bool exact, kad_evaluation *out)
{
    kad_status status;
    kad_map *map = NULL;
    const kad_model *model = e->model;
    *out = (kad_evaluation){.log_z_exact = e->log_z_exact};
    if (n > e->n_max) n = e->n_max;
    KAD_TRY(kad_map_create(ctx, model->flow, theta, model->mixture, &map));
    KAD_TRY(draw_weights(ctx, e, map, first, n, exact));
    e->n_done = 0;
    KAD_TRY(kad_weights_analyse(ctx, n, e->ln_w, &out->weights));
    KAD_TRY(check_errors(ctx, e, map, first, out));
    level_log_det(e, theta, first, out);
    out->kl_gap = out->log_z_exact - out->weights.lower.value;
    out->kl_gap_err = isnan(out->kl_gap) ? NAN : out->weights.lower.err;
done:
    kad_map_destroy(map);
    return status;
}
