/* The couplings of every level: /bulk/couplings. */
#include "bulk/couplings.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

enum { K = KAD_N_OPERATORS };

/* All levels together, [level][operator][cell]; NaN where an operator is absent. */
typedef struct table {
    size_t n_levels, n_cells;
    double *series[KAD_COUPLINGS_BOTH], *unit[KAD_COUPLINGS_BOTH];
    double scale[KAD_BULK_LEVELS], spread[KAD_BULK_LEVELS], residual[KAD_BULK_LEVELS];
    int64_t n_sites[KAD_BULK_LEVELS];
} table;

static kad_status table_new(kad_scope *in, table *t)
{
    const size_t n = t->n_levels * K * t->n_cells;
    for (int by = 0; by < KAD_COUPLINGS_BOTH; by++) {
        KAD_CALL(kad_take(in, n, &t->series[by]));
        KAD_CALL(kad_take(in, n, &t->unit[by]));
        for (size_t i = 0; i < n; i++)
            t->series[by][i] = t->unit[by][i] = NAN;
    }
    return KAD_OK;
}

static kad_status fit_level(kad_ctx *ctx, const kad_coarse *coarse, int h,
                            const kad_bulk_cells *cells, table *t)
{
    const kad_coarse_level *level = &coarse->level[h];
    const kad_flow *flow = coarse->bulk->model->flow;
    KAD_SCOPE(scope, ctx);
    kad_operators *operators;
    kad_couplings c;
    KAD_CALL(kad_operators_create(&scope, flow->lattice->d, level->extent, flow->n_comp,
                                  &operators));
    KAD_CALL(
        kad_couplings_fit(&scope, operators, cells, level->field, level->action, &c));
    for (int by = 0; by < KAD_COUPLINGS_BOTH; by++)
        for (int a = 0; a < c.n; a++) {
            const size_t to = ((size_t)h * K + operators->op[a]) * t->n_cells,
                         from = (size_t)a * t->n_cells;
            memcpy(t->series[by] + to, c.series[by] + from, t->n_cells * sizeof(double));
            memcpy(t->unit[by] + to, c.series_unit[by] + from,
                   t->n_cells * sizeof(double));
        }
    t->scale[h] = c.scale;
    t->spread[h] = c.spread;
    t->residual[h] = c.residual;
    t->n_sites[h] = level->n_sites;
    return KAD_OK;
}

static void write_levels(kad_writer *w, const table *t)
{
    const size_t n = t->n_levels;
    kad_write_names(w, "operator", "operator", "of the coarse field", K,
                    kad_operator_names);
    kad_write(w, "n_sites", KAD_H5_I64, "level", "sites", "sites of the coarse lattice",
              &n, t->n_sites);
    kad_write(w, "scale", KAD_H5_F64, "level", "field",
              "root mean square of a component of the coarse field", &n, t->scale);
    kad_write(w, "spread", KAD_H5_F64, "level", "nats",
              "standard deviation of the renormalised action", &n, t->spread);
    kad_write(w, "residual", KAD_H5_F64, "level", "nats",
              "standard deviation of what the operators do not explain of it", &n,
              t->residual);
}

/* Of the boundary field, where the action is a sum of operators: g and, of the field in
 * units of its root mean square, g scale^degree. */
static void write_exact(kad_writer *w, const kad_action *action, double scale)
{
    static const char text[] = "exact couplings of the boundary field (level 0)";
    const size_t n = K;
    double g[K] = {0}, unit[K];
    if (action->ops->monomials == NULL) return;
    action->ops->monomials(action, &g[KAD_OP_NN], &g[KAD_OP_PHI2], &g[KAD_OP_PHI4]);
    for (int a = 0; a < K; a++)
        unit[a] = g[a] * pow(scale, kad_operator_degree[a]);
    kad_write(w, "exact", KAD_H5_F64, "operator", "field^-degree", text, &n, g);
    kad_write(w, "exact_unit", KAD_H5_F64, "operator", "1", text, &n, unit);
}

static void write_couplings(kad_writer *w, const kad_bulk_cells *cells, const table *t)
{
    static const char *const names[] = {"samples", "flow"};
    static const char *const unit_names[] = {"samples_unit", "flow_unit"};
    static const char *const long_names[] = {
        "couplings from configurations alone (Schwinger-Dyson)",
        "couplings from the renormalised action of the map (least squares)"};
    const size_t dims[2] = {t->n_levels, K};
    for (int by = 0; by < KAD_COUPLINGS_BOTH; by++) {
        kad_bulk_write_series(w, names[by], "field^-degree", long_names[by],
                              "level operator", 2, dims, cells, t->series[by]);
        kad_bulk_write_series(w, unit_names[by], "1", long_names[by], "level operator", 2,
                              dims, cells, t->unit[by]);
    }
}

kad_status kad_couplings_write(kad_ctx *ctx, const kad_coarse *coarse, kad_h5 *file)
{
    const kad_bulk_cells cells = kad_bulk_cells_of(coarse->bulk);
    const kad_action *action = coarse->bulk->model->field;
    KAD_SCOPE(scope, ctx);
    if (action->flags & KAD_ACTION_AXIS) {
        kad_note(ctx,
                 "bulk: no couplings: their operators have a global sign, action %s "
                 "in a field has none",
                 action->ops->name);
        return KAD_OK;
    }
    table t = {.n_cells = cells.n, .n_levels = (size_t)coarse->n_levels};
    KAD_CALL(table_new(&scope, &t));
    for (int h = 0; h < coarse->n_levels; h++)
        KAD_CALL(fit_level(ctx, coarse, h, &cells, &t));
    kad_writer w = kad_write_anew(ctx, file, "/bulk/couplings");
    write_levels(&w, &t);
    write_exact(&w, action, t.scale[0]);
    write_couplings(&w, &cells, &t);
    return kad_write_end(&w);
}
