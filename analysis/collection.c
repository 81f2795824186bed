#include "analysis/collection.h"

#include <math.h>
#include <string.h>

kad_status kad_collection_table(kad_collection *c, const char *name, kad_collected **out)
{
    *out = NULL;
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->table[i]->name, name) == 0) *out = c->table[i];
    if (*out != NULL || c->n == KAD_COLLECTION_MAX) return KAD_OK;
    KAD_CALL(kad_take(c->in, 1, out));
    KAD_CALL(kad_take_text(c->in, name, &(*out)->name));
    c->table[c->n++] = *out;
    return KAD_OK;
}

kad_status kad_collection_row(kad_collection *c, kad_collected *t, const char *observable,
                              size_t *out)
{
    for (*out = 0; *out < t->n; ++*out)
        if (strcmp(t->observable[*out], observable) == 0) return KAD_OK;
    if (t->n == KAD_TABLE_MAX) return KAD_OK;
    for (int k = 0; k < KAD_COLLECT_COLUMNS; k++) {
        KAD_CALL(kad_take(c->in, c->n_points, &t->value[k][t->n]));
        for (size_t i = 0; i < c->n_points; i++)
            t->value[k][t->n][i] = NAN;
    }
    return kad_take_text(c->in, observable, &t->observable[t->n++]);
}

kad_status kad_collection_add(kad_collection *c, size_t point, const char *name,
                              const kad_table *from)
{
    const kad_values *const column[KAD_COLLECT_COLUMNS] = {
        [KAD_COLLECT_MEAN] = &from->mean,
        [KAD_COLLECT_ERR] = &from->err,
        [KAD_COLLECT_TAU] = &from->tau,
        [KAD_COLLECT_N_EFF] = &from->n_eff,
        [KAD_COLLECT_EXACT] = &from->exact};
    kad_collected *table;
    KAD_CALL(kad_collection_table(c, name, &table));
    for (size_t i = 0; table != NULL && i < from->n; i++) {
        size_t row;
        KAD_CALL(kad_collection_row(c, table, from->observable[i], &row));
        for (int k = 0; row < KAD_TABLE_MAX && k < KAD_COLLECT_COLUMNS; k++)
            table->value[k][row][point] = kad_table_at(from, column[k], i);
    }
    return KAD_OK;
}
