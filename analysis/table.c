#include "analysis/table.h"

#include "analysis/estimates.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

kad_status kad_table_read(kad_scope *in, kad_h5 *file, const char *group, kad_table *t)
{
    char path[320];
    *t = (kad_table){0};
    KAD_CALL(kad_values_read_in(in, file, group, "mean", &t->mean));
    snprintf(path, sizeof path, "%s/observable", group);
    if (t->mean.n == 0 || t->mean.n > KAD_TABLE_MAX || !kad_h5_exists(file, path))
        return KAD_OK;
    KAD_CALL(kad_h5_read_strings(in, file, path, t->mean.n, t->observable));
    t->n = t->mean.n;
    snprintf(path, sizeof path, "%s/flag", group);
    if (kad_h5_exists(file, path))
        KAD_CALL(kad_h5_read_strings(in, file, path, t->n, t->flag));
    KAD_CALL(kad_values_read_in(in, file, group, "err", &t->err));
    KAD_CALL(kad_values_read_in(in, file, group, "tau_int", &t->tau));
    KAD_CALL(kad_values_read_in(in, file, group, "tau_int_err", &t->tau_err));
    KAD_CALL(kad_values_read_in(in, file, group, "n_eff", &t->n_eff));
    KAD_CALL(kad_values_read_in(in, file, group, "rhat", &t->rhat));
    KAD_CALL(kad_values_read_in(in, file, group, "rhat_limit", &t->rhat_limit));
    return kad_values_read_in(in, file, group, "exact", &t->exact);
}

size_t kad_table_find(const kad_table *t, const char *observable)
{
    size_t i = 0;
    while (i < t->n && strcmp(t->observable[i], observable) != 0)
        i++;
    return i;
}

double kad_table_at(const kad_table *t, const kad_values *column, size_t i)
{
    return i < t->n && column->n == t->n ? column->data[i] : NAN;
}

bool kad_table_lacks_alike(const kad_table *t, size_t i, size_t k)
{
    return t->flag[i] != NULL && t->flag[k] != NULL &&
           strcmp(t->flag[i], t->flag[k]) == 0 && !isfinite(kad_table_at(t, &t->err, k));
}

const char *kad_table_reason(const kad_table *t, size_t i)
{
    if (!kad_table_lacks_alike(t, i, i)) return NULL;
    for (size_t k = 0; k < i; k++)
        if (kad_table_lacks_alike(t, i, k)) return NULL;
    return kad_reason(t->flag[i]);
}
