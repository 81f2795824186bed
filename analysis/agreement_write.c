/* The agreement of samplers as /agreement of a results file. */
#include "analysis/agreement.h"
#include "analysis/results.h"
#include "base/memory.h"

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

static double get_n(const kad_agreement_row *row)
{
    return (double)row->n;
}

static double get_chi2(const kad_agreement_row *row)
{
    return row->chi2;
}

static double get_dof(const kad_agreement_row *row)
{
    return row->n < 2 ? NAN : (double)(row->n - 1);
}

static double get_p(const kad_agreement_row *row)
{
    return row->p;
}

static double get_refuted(const kad_agreement_row *row)
{
    return row->refuted ? 1.0 : 0.0;
}

static const struct {
    const char *name;
    double (*get)(const kad_agreement_row *row);
    const char *summary;
} columns[] = {
    {"n", get_n, "samplers with an error bar"},
    {"chi2", get_chi2, "of their estimates about the weighted mean"},
    {"dof", get_dof, "degrees of freedom of chi2"},
    {"p", get_p, "probability of a larger chi2, the errors' own errors included"},
    {"refuted", get_refuted, "1: p is below the limit"},
};

static double *array_of(const kad_agreement_row *row, size_t offset)
{
    return (double *)((char *)row + offset);
}

static kad_status write_block(kad_ctx *ctx, kad_h5 *file, const char *name,
                              const char *summary, int rank, const size_t *dims,
                              const double *block)
{
    kad_status status = KAD_OK;
    char path[64];
    snprintf(path, sizeof path, "/agreement/%s", name);
    KAD_TRY(kad_h5_write(ctx, file, path, KAD_H5_F64, rank, dims, block));
    KAD_TRY(kad_h5_describe(ctx, file, path, "", summary, NULL));
    KAD_TRY(
        kad_h5_axes(ctx, file, path, rank == 2 ? "observable sampler" : "observable"));
done:
    return status;
}

static kad_status write_numbers(kad_ctx *ctx, kad_h5 *file, const kad_agreement *a)
{
    kad_status status = KAD_OK;
    const size_t dims[2] = {a->n, a->n_samplers};
    double *block = NULL;
    KAD_TRY(kad_new(ctx, dims[0] * dims[1], sizeof *block, &block));
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        for (size_t i = 0; i < a->n; i++)
            memcpy(block + i * dims[1], array_of(&a->row[i], tables[t].offset),
                   dims[1] * sizeof *block);
        KAD_TRY(
            write_block(ctx, file, tables[t].name, tables[t].summary, 2, dims, block));
    }
    for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) {
        for (size_t i = 0; i < a->n; i++)
            block[i] = columns[c].get(&a->row[i]);
        KAD_TRY(
            write_block(ctx, file, columns[c].name, columns[c].summary, 1, dims, block));
    }
done:
    kad_free(block);
    return status;
}

kad_status kad_agreement_write(kad_ctx *ctx, kad_h5 *file, const kad_agreement *a)
{
    kad_status status = KAD_OK;
    static const char group[] = "/agreement";
    const char *sampler[KAD_AGREEMENT_SAMPLERS], *observable[KAD_AGREEMENT_ROWS],
        *apart[KAD_AGREEMENT_ROWS];
    KAD_TRY(kad_h5_remove(ctx, file, group));
    if (a->n_compared == 0) return KAD_OK;
    for (size_t s = 0; s < a->n_samplers; s++)
        sampler[s] = a->sampler[s];
    for (size_t i = 0; i < a->n; i++) {
        observable[i] = a->row[i].name;
        apart[i] = a->row[i].n < 3 ? "" : a->sampler[a->row[i].apart];
    }
    KAD_TRY(kad_h5_group(ctx, file, group));
    KAD_TRY(
        kad_h5_write_strings(ctx, file, "/agreement/sampler", a->n_samplers, sampler));
    KAD_TRY(kad_h5_write_strings(ctx, file, "/agreement/observable", a->n, observable));
    KAD_TRY(kad_h5_write_strings(ctx, file, "/agreement/apart", a->n, apart));
    KAD_TRY(kad_h5_axes(ctx, file, "/agreement/apart", "observable"));
    KAD_TRY(write_numbers(ctx, file, a));
    KAD_TRY(kad_h5_attr_set_real(ctx, file, group, "false_alarm", KAD_AGREEMENT_ALPHA));
    KAD_TRY(kad_h5_attr_set_int(ctx, file, group, "n_compared", (int64_t)a->n_compared));
    KAD_TRY(kad_h5_attr_set_real(ctx, file, group, "limit", a->limit));
done:
    return status;
}

/* --- reading ------------------------------------------------------------------------ */

/* Names of up to `most` things, through kad_alloc. */
static kad_status read_names(kad_ctx *ctx, kad_h5 *file, const char *path, size_t most,
                             size_t *n, char **names)
{
    size_t dims[KAD_H5_MAX_RANK];
    int rank;
    const kad_status status = kad_h5_shape(ctx, file, path, &rank, dims);
    if (status != KAD_OK) return status;
    if (rank != 1 || dims[0] == 0 || dims[0] > most)
        return kad_fail(ctx, KAD_EDATA, "%s: expected up to %zu names", path, most);
    *n = dims[0];
    return kad_h5_read_strings(ctx, file, path, *n, names);
}

kad_status kad_agreement_read(kad_ctx *ctx, kad_h5 *file, kad_agreement *out)
{
    kad_status status = KAD_OK;
    char *sampler[KAD_AGREEMENT_SAMPLERS] = {NULL};
    char *observable[KAD_AGREEMENT_ROWS] = {NULL};
    size_t n_samplers = 0, n = 0;
    kad_values values[3] = {{0}};

    memset(out, 0, sizeof *out);
    if (!kad_h5_exists(file, "/agreement/sampler")) return KAD_OK;
    KAD_TRY(read_names(ctx, file, "/agreement/sampler", KAD_AGREEMENT_SAMPLERS,
                       &n_samplers, sampler));
    KAD_TRY(read_names(ctx, file, "/agreement/observable", KAD_AGREEMENT_ROWS, &n,
                       observable));
    for (size_t t = 0; t < 3; t++) {
        KAD_TRY(kad_values_read_in(ctx, file, "/agreement", tables[t].name, &values[t]));
        if (values[t].n != n * n_samplers) {
            status = kad_fail(ctx, KAD_EDATA, "/agreement/%s: expected %zu x %zu values",
                              tables[t].name, n, n_samplers);
            goto done;
        }
    }
    for (size_t i = 0; i < n; i++)
        for (size_t s = 0; s < n_samplers; s++) {
            const size_t at = i * n_samplers + s;
            kad_agreement_add(out, observable[i], sampler[s], values[0].data[at],
                              values[1].data[at], values[2].data[at]);
        }
    kad_agreement_finish(out);
done:
    for (size_t t = 0; t < 3; t++)
        kad_values_clear(&values[t]);
    for (size_t s = 0; s < KAD_AGREEMENT_SAMPLERS; s++)
        kad_free(sampler[s]);
    for (size_t i = 0; i < KAD_AGREEMENT_ROWS; i++)
        kad_free(observable[i]);
    return status;
}
