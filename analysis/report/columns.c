#include "analysis/report/columns.h"

#include "analysis/report/grid.h"
#include "analysis/results.h"

#include <math.h>

static double entry(const kad_values *values, size_t n, size_t i)
{
    return values->n == n ? values->data[i] : (double)NAN;
}

static void add_cell(kad_grid *g, const kad_column *column, size_t i, double value,
                     double err)
{
    if (column->name == NULL)
        kad_grid_fixed(g, 0, (double)i);
    else if (column->err != NULL)
        kad_grid_estimate(g, value, err, false);
    else
        kad_grid_real(g, column->digits > 0 ? column->digits : 3, value);
}

kad_status kad_tabled_draw(kad_ctx *ctx, kad_h5 *file, const kad_tabled *t, kad_text *out)
{
    KAD_SCOPE(scope, ctx);
    kad_values value[KAD_COLUMNS] = {{0}}, err[KAD_COLUMNS] = {{0}};
    char **text[KAD_COLUMNS] = {NULL};
    kad_grid g = {0};
    size_t n = 0;
    for (int k = 0; k < KAD_COLUMNS && t->column[k].head != NULL; k++) {
        const kad_column *column = &t->column[k];
        if (column->name != NULL && !column->text)
            KAD_CALL(kad_values_read_in(&scope, file, t->group, column->name, &value[k]));
        if (column->err != NULL)
            KAD_CALL(kad_values_read_in(&scope, file, t->group, column->err, &err[k]));
        kad_grid_column(&g, column->head,
                        column->text          ? KAD_GRID_NAME
                        : column->err != NULL ? KAD_GRID_ESTIMATE
                                              : KAD_GRID_REAL);
        if (n == 0) n = value[k].n;
    }
    for (size_t k = 0; n > 0 && k < g.n_columns; k++)
        if (t->column[k].text)
            KAD_CALL(kad_texts_read_in(&scope, file, t->group, t->column[k].name, n,
                                       &text[k]));
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < g.n_columns; k++)
            if (t->column[k].text)
                kad_grid_text(&g, text[k] != NULL ? text[k][i] : NULL);
            else
                add_cell(&g, &t->column[k], i, entry(&value[k], n, i),
                         entry(&err[k], n, i));
    kad_grid_render(&g, out);
    return KAD_OK;
}
