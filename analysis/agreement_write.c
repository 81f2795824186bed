/* The agreement of samplers as /agreement of a results file. */
#include "analysis/agreement.h"
#include "analysis/results.h"
#include "base/memory.h"
#include "io/writer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A table [observable][sampler] of rows, by the place of its array in a row. */
static const struct {
    const char *name;
    size_t offset;
    const char *summary;
} tables[] = {
    {"value", offsetof(kad_agreement_row, value), "estimate; NaN: none, or no error bar"},
    {"err", offsetof(kad_agreement_row, err), "its standard error"},
    {"err_dof", offsetof(kad_agreement_row, dof), "degrees of freedom of err"},
};

static const kad_write_column columns[] = {
    {"n", KAD_CELL_SIZE, offsetof(kad_agreement_row, n), "1",
     "samplers with an error bar"},
    {"chi2", KAD_CELL_REAL, offsetof(kad_agreement_row, chi2), "1",
     "of their estimates about the weighted mean"},
    {"p", KAD_CELL_REAL, offsetof(kad_agreement_row, p), "1",
     "probability of a larger chi2, the errors' own errors included"},
    {"refuted", KAD_CELL_BOOL, offsetof(kad_agreement_row, refuted), "1",
     "1: p is below the limit"},
};

static void write_names(kad_writer *w, const kad_agreement *a)
{
    const char *sampler[KAD_AGREEMENT_SAMPLERS], *observable[KAD_AGREEMENT_ROWS],
        *apart[KAD_AGREEMENT_ROWS];
    for (size_t s = 0; s < a->n_samplers; s++)
        sampler[s] = a->sampler[s];
    for (size_t i = 0; i < a->n; i++) {
        observable[i] = a->row[i].name;
        apart[i] = a->row[i].n < 3 ? "" : a->sampler[a->row[i].apart];
    }
    kad_write_names(w, "sampler", "sampler", "table of /analysis", a->n_samplers,
                    sampler);
    kad_write_names(w, "observable", "observable", "what is estimated", a->n, observable);
    kad_write_names(w, "apart", "observable",
                    "of three or more the farthest from the others", a->n, apart);
}

static void write_numbers(kad_writer *w, const kad_agreement *a)
{
    const size_t dims[2] = {a->n, a->n_samplers};
    double *block = kad_write_scratch(w, dims[0] * dims[1], sizeof *block);
    for (size_t t = 0; t < sizeof tables / sizeof *tables && block != NULL; t++) {
        for (size_t i = 0; i < a->n; i++)
            memcpy(block + i * dims[1], (const char *)&a->row[i] + tables[t].offset,
                   dims[1] * sizeof *block);
        kad_write(w, tables[t].name, KAD_H5_F64, "observable sampler", "1",
                  tables[t].summary, dims, block);
    }
    for (size_t i = 0; i < a->n && block != NULL; i++)
        block[i] = a->row[i].n < 2 ? NAN : (double)(a->row[i].n - 1);
    kad_write(w, "dof", KAD_H5_F64, "observable", "1", "degrees of freedom of chi2", dims,
              block);
    kad_free(block);
}

kad_status kad_agreement_write(kad_ctx *ctx, kad_h5 *file, const kad_agreement *a)
{
    if (a->n_compared == 0) return kad_h5_remove(ctx, file, "/agreement");
    kad_writer w = kad_write_anew(ctx, file, "/agreement");
    write_names(&w, a);
    write_numbers(&w, a);
    kad_write_columns(&w, "observable", sizeof columns / sizeof *columns, columns, a->n,
                      a->row, sizeof *a->row);
    kad_write_real(&w, "false_alarm", KAD_AGREEMENT_ALPHA);
    kad_write_int(&w, "n_compared", (int64_t)a->n_compared);
    kad_write_real(&w, "limit", a->limit);
    return kad_write_end(&w);
}

/* --- reading ------------------------------------------------------------------------ */

/* Names of up to `most` things. */
static kad_status read_names(kad_scope *in, kad_h5 *file, const char *path, size_t most,
                             size_t *n, char **names)
{
    size_t dims[KAD_H5_MAX_RANK];
    int rank;
    KAD_CALL(kad_h5_shape(in->ctx, file, path, &rank, dims));
    if (rank != 1 || dims[0] == 0 || dims[0] > most)
        return kad_fail(in->ctx, KAD_EDATA, "%s: expected up to %zu names", path, most);
    *n = dims[0];
    return kad_h5_read_strings(in, file, path, *n, names);
}

kad_status kad_agreement_read(kad_ctx *ctx, kad_h5 *file, kad_agreement *out)
{
    KAD_SCOPE(scope, ctx);
    char *sampler[KAD_AGREEMENT_SAMPLERS], *observable[KAD_AGREEMENT_ROWS];
    size_t n_samplers, n;
    kad_values values[3];

    memset(out, 0, sizeof *out);
    if (!kad_h5_exists(file, "/agreement/sampler")) return KAD_OK;
    KAD_CALL(read_names(&scope, file, "/agreement/sampler", KAD_AGREEMENT_SAMPLERS,
                        &n_samplers, sampler));
    KAD_CALL(read_names(&scope, file, "/agreement/observable", KAD_AGREEMENT_ROWS, &n,
                        observable));
    for (size_t t = 0; t < 3; t++) {
        KAD_CALL(
            kad_values_read_in(&scope, file, "/agreement", tables[t].name, &values[t]));
        if (values[t].n != n * n_samplers)
            return kad_fail(ctx, KAD_EDATA, "/agreement/%s: expected %zu x %zu values",
                            tables[t].name, n, n_samplers);
    }
    for (size_t i = 0; i < n; i++)
        for (size_t s = 0; s < n_samplers; s++) {
            const size_t at = i * n_samplers + s;
            kad_agreement_add(out, observable[i], sampler[s], values[0].data[at],
                              values[1].data[at], values[2].data[at]);
        }
    kad_agreement_finish(out);
    return KAD_OK;
}
