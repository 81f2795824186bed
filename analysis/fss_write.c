/* Finite-size scaling into a results file. */
#include "analysis/fss.h"

#include "io/writer.h"

#include <math.h>
#include <stdio.h>

static const char *name_of(size_t quantity)
{
    return kad_fss_kinds[quantity].name;
}

#define ESTIMATE(type, name, member, text)                                            \
    {name, KAD_CELL_REAL, offsetof(type, member.value), "1", text},                   \
    {                                                                                 \
        name "_err", KAD_CELL_REAL, offsetof(type, member.err), "1", "standard error" \
    }

/* --- points --- */

static void write_quantity(kad_writer *w, const kad_fss *f, size_t q)
{
    double *value = kad_write_scratch(w, f->n_points, sizeof *value);
    double *err = kad_write_scratch(w, f->n_points, sizeof *err);
    char name[64];
    bool any = false;
    for (size_t i = 0; value != NULL && err != NULL && i < f->n_points; i++) {
        const kad_estimate e = kad_replicas_estimate(&f->point[i].of, q);
        value[i] = e.value;
        err[i] = e.err;
        any = any || isfinite(e.value);
    }
    snprintf(name, sizeof name, "%s_err", name_of(q));
    if (any) {
        kad_write(w, name_of(q), KAD_H5_F64, "point", "1", kad_fss_kinds[q].long_name,
                  &f->n_points, value);
        kad_write(w, name, KAD_H5_F64, "point", "1", "its standard error", &f->n_points,
                  err);
    }
    kad_free(value);
    kad_free(err);
}

static kad_status write_points(kad_ctx *ctx, kad_h5 *file, const char *group,
                               const kad_fss *f)
{
    static const kad_write_column columns[] = {
        {"size", KAD_CELL_REAL, offsetof(kad_fss_point, size), "lattice steps", "L"},
        {"tune", KAD_CELL_REAL, offsetof(kad_fss_point, tune), "", "coupling"},
    };
    char path[KAD_WRITER_PATH];
    snprintf(path, sizeof path, "%s/points", group);
    kad_writer w = kad_write_anew(ctx, file, path);
    kad_write_columns(&w, "point", 2, columns, f->n_points, f->point, sizeof *f->point);
    for (size_t q = 0; q < KAD_FSS_QUANTITIES; q++)
        write_quantity(&w, f, q);
    return kad_write_end(&w);
}

/* --- crossings --- */

typedef struct crossing_row {
    double size_a, size_b;
    kad_estimate at, value, inv_nu, gamma, beta;
} crossing_row;

static kad_estimate exponent_of(const kad_fss_pair *pair, size_t q)
{
    if (pair->exponent[q].n == 0) return (kad_estimate){NAN, NAN};
    return kad_replicas_estimate(&pair->exponent[q], 0);
}

static kad_estimate read_off(const kad_fss_pair *pair, size_t i)
{
    if (!pair->crossing.found) return (kad_estimate){NAN, NAN};
    return kad_replicas_estimate(&pair->crossing.of, i);
}

static kad_status write_crossings(kad_ctx *ctx, kad_h5 *file, const char *group,
                                  const kad_fss *f)
{
    static const kad_write_column columns[] = {
        {"size_a", KAD_CELL_REAL, offsetof(crossing_row, size_a), "lattice steps", "L"},
        {"size_b", KAD_CELL_REAL, offsetof(crossing_row, size_b), "lattice steps", "s L"},
        ESTIMATE(crossing_row, "at", at, "coupling at which the curves cross"),
        ESTIMATE(crossing_row, "value", value, "the quantity there"),
        ESTIMATE(crossing_row, "inverse_nu", inv_nu, "1/nu by the slopes there"),
        ESTIMATE(crossing_row, "gamma_over_nu", gamma, "gamma/nu by chi there"),
        ESTIMATE(crossing_row, "minus_beta_over_nu", beta, "-beta/nu by |m| there"),
    };
    KAD_SCOPE(scope, ctx);
    crossing_row *row;
    const char **quantity;
    char path[KAD_WRITER_PATH];
    if (f->n_pairs == 0) return KAD_OK;
    KAD_CALL(kad_take(&scope, f->n_pairs, &row));
    KAD_CALL(kad_take(&scope, f->n_pairs, &quantity));
    for (size_t p = 0; p < f->n_pairs; p++) {
        const kad_fss_pair *pair = &f->pair[p];
        quantity[p] = name_of(pair->quantity);
        row[p] = (crossing_row){f->size[pair->i],
                                f->size[pair->j],
                                read_off(pair, KAD_CROSSING_AT),
                                read_off(pair, KAD_CROSSING_VALUE),
                                read_off(pair, KAD_CROSSING_INV_NU),
                                exponent_of(pair, KAD_FSS_CHI),
                                exponent_of(pair, KAD_FSS_ABS_M)};
    }
    snprintf(path, sizeof path, "%s/crossings", group);
    kad_writer w = kad_write_anew(ctx, file, path);
    kad_write_names(&w, "quantity", "pair", "what crosses", f->n_pairs, quantity);
    kad_write_columns(&w, "pair", sizeof columns / sizeof *columns, columns, f->n_pairs,
                      row, sizeof *row);
    return kad_write_end(&w);
}

/* --- collapses --- */

static kad_status write_collapse(kad_ctx *ctx, kad_h5 *file, const char *group,
                                 const kad_fss *f, size_t q)
{
    const kad_collapse *c = &f->collapse[q];
    static const struct {
        const char *name, *long_name;
    } columns[] = {{"z", "(t + b t^2) L^(1/nu), t = (T - T_c)/T_c"},
                   {"y", "O L^(-x/nu) less the correction to scaling"},
                   {"y_err", "its standard error"},
                   {"residual", "deviation from the common curve, in errors"}};
    char path[KAD_WRITER_PATH];
    if (!c->ok) return KAD_OK;
    const double *const data[] = {c->z, c->y, c->err, c->residual};
    snprintf(path, sizeof path, "%s/collapse/%s", group, name_of(q));
    kad_writer w = kad_write_anew(ctx, file, path);
    double *size = kad_write_scratch(&w, c->n, sizeof *size);
    for (size_t i = 0; size != NULL && i < c->n; i++)
        size[i] = f->point[c->point[i]].size;
    kad_write(&w, "size", KAD_H5_F64, "point", "lattice steps", "L", &c->n, size);
    kad_free(size);
    for (size_t k = 0; k < sizeof columns / sizeof *columns; k++)
        kad_write(&w, columns[k].name, KAD_H5_F64, "point", "1", columns[k].long_name,
                  &c->n, data[k]);
    kad_write_real(&w, "chi2", c->chi2);
    kad_write_int(&w, "dof", (int64_t)c->dof);
    kad_write_real(&w, "p_value", c->p_value);
    kad_write_real(&w, "tc", c->of.value[KAD_COLLAPSE_TC]);
    kad_write_real(&w, "nu", c->of.value[KAD_COLLAPSE_NU]);
    kad_write_real(&w, "x", c->of.value[KAD_COLLAPSE_X]);
    kad_write_real(&w, "b", c->of.value[KAD_COLLAPSE_B]);
    kad_write_real(&w, "b_err", kad_replicas_estimate(&c->of, KAD_COLLAPSE_B).err);
    return kad_write_end(&w);
}

static kad_status write_scans(kad_ctx *ctx, kad_h5 *file, const char *group,
                              const kad_fss *f)
{
    static const kad_write_column columns[] = {
        {"z_max", KAD_CELL_REAL, offsetof(kad_fss_scan, z_max), "1", "cut in |z|"},
        {"l_min", KAD_CELL_REAL, offsetof(kad_fss_scan, l_min), "lattice steps",
         "smallest lattice"},
        ESTIMATE(kad_fss_scan, "tc", tc, "critical coupling"),
        ESTIMATE(kad_fss_scan, "nu", nu, "nu"),
        ESTIMATE(kad_fss_scan, "exponent", exponent, "x/nu"),
        {"chi2", KAD_CELL_REAL, offsetof(kad_fss_scan, chi2), "1", "chi^2 of the fit"},
        {"dof", KAD_CELL_SIZE, offsetof(kad_fss_scan, dof), "1", "degrees of freedom"},
        {"p_value", KAD_CELL_REAL, offsetof(kad_fss_scan, p_value), "1", "p of chi^2"},
        {"n", KAD_CELL_SIZE, offsetof(kad_fss_scan, n), "1", "points"},
        {"chosen", KAD_CELL_BOOL, offsetof(kad_fss_scan, chosen), "1",
         "1: the fit whose numbers are stated"},
    };
    KAD_SCOPE(scope, ctx);
    const char **quantity;
    char path[KAD_WRITER_PATH];
    if (f->n_scans == 0) return KAD_OK;
    KAD_CALL(kad_take(&scope, f->n_scans, &quantity));
    for (size_t i = 0; i < f->n_scans; i++)
        quantity[i] = name_of(f->scan[i].quantity);
    snprintf(path, sizeof path, "%s/scans", group);
    kad_writer w = kad_write_anew(ctx, file, path);
    kad_write_names(&w, "quantity", "fit", "what collapses", f->n_scans, quantity);
    kad_write_columns(&w, "fit", sizeof columns / sizeof *columns, columns, f->n_scans,
                      f->scan, sizeof *f->scan);
    return kad_write_end(&w);
}

/* --- what is stated --- */

static kad_status write_results(kad_ctx *ctx, kad_h5 *file, const char *group,
                                const kad_fss *f)
{
    static const kad_write_column columns[] = {
        ESTIMATE(kad_fss_result, "value", estimate, "estimate"),
        {"chi2", KAD_CELL_REAL, offsetof(kad_fss_result, chi2), "1", "chi^2 of the fit"},
        {"dof", KAD_CELL_SIZE, offsetof(kad_fss_result, dof), "1", "degrees of freedom"},
        {"p_value", KAD_CELL_REAL, offsetof(kad_fss_result, p_value), "1", "p of chi^2"},
        {"n", KAD_CELL_SIZE, offsetof(kad_fss_result, n), "1",
         "crossings or points that went into it"},
    };
    KAD_SCOPE(scope, ctx);
    const char **name, **method;
    char path[KAD_WRITER_PATH];
    if (f->n_results == 0) return KAD_OK;
    KAD_CALL(kad_take(&scope, f->n_results, &name));
    KAD_CALL(kad_take(&scope, f->n_results, &method));
    for (size_t i = 0; i < f->n_results; i++) {
        name[i] = f->result[i].name;
        method[i] = f->result[i].method;
    }
    snprintf(path, sizeof path, "%s/results", group);
    kad_writer w = kad_write_anew(ctx, file, path);
    kad_write_names(&w, "quantity", "result", "what is estimated", f->n_results, name);
    kad_write_names(&w, "method", "result", "how", f->n_results, method);
    kad_write_columns(&w, "result", sizeof columns / sizeof *columns, columns,
                      f->n_results, f->result, sizeof *f->result);
    return kad_write_end(&w);
}

static kad_status write_jumps(kad_ctx *ctx, kad_h5 *file, const char *group,
                              const kad_fss *f)
{
    static const kad_write_column columns[] = {
        {"size", KAD_CELL_REAL, offsetof(kad_fss_jump, size), "lattice steps", "L"},
        ESTIMATE(kad_fss_jump, "at", at, "coupling at which beta Y = 2/pi"),
    };
    char path[KAD_WRITER_PATH];
    if (f->n_jumps == 0) return KAD_OK;
    snprintf(path, sizeof path, "%s/jump", group);
    kad_writer w = kad_write_anew(ctx, file, path);
    kad_write_columns(&w, "lattice", sizeof columns / sizeof *columns, columns,
                      f->n_jumps, f->jump, sizeof *f->jump);
    return kad_write_end(&w);
}

kad_status kad_fss_write(kad_ctx *ctx, kad_h5 *file, const char *group, const kad_fss *f)
{
    KAD_CALL(write_points(ctx, file, group, f));
    KAD_CALL(write_crossings(ctx, file, group, f));
    for (size_t q = 0; q < KAD_FSS_QUANTITIES; q++)
        KAD_CALL(write_collapse(ctx, file, group, f, q));
    KAD_CALL(write_scans(ctx, file, group, f));
    KAD_CALL(write_jumps(ctx, file, group, f));
    return write_results(ctx, file, group, f);
}
