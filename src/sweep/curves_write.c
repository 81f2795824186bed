/* Curves of a sweep in sweep.h5, as text, and on the screen. */
#include "io/number.h"
#include "io/progress.h"
#include "io/writer.h"
#include "run/pipeline.h"
#include "sweep/csv.h"
#include "sweep/curves.h"

#include <math.h>
#include <string.h>

/* --- sweep.h5 ---------------------------------------------------------------------------
 */

static void write_quantity(kad_writer *w, const kad_sweep_series *s, int q)
{
    const kad_curves *c = &s->curves;
    const size_t dims[2] = {c->n, c->n_blocks};
    char name[64];
    if (c->mean[q] == NULL) return;
    kad_write(w, kad_curve_names[q], KAD_H5_F64, "value", "1",
              "reweighted to the value from the points' draws", &c->n, c->mean[q]);
    snprintf(name, sizeof name, "%s_err", kad_curve_names[q]);
    kad_write(w, name, KAD_H5_F64, "value", "1", "its standard error (jackknife)", &c->n,
              c->err[q]);
    snprintf(name, sizeof name, "%s_blocks", kad_curve_names[q]);
    kad_write(
        w, name, KAD_H5_F64, "value block", "1",
        q == 0 ? "ln Z less that of the first point, by the chains alone, without a block"
               : "the same without a block of every chain",
        dims, c->without[q]);
    snprintf(name, sizeof name, "%s_exact", kad_curve_names[q]);
    if (s->exact[q] != NULL)
        kad_write(w, name, KAD_H5_F64, "value", "1", "exact value where one is known",
                  &c->n, s->exact[q]);
}

/* What the curve is made of. */
static void write_points(kad_writer *w, const kad_sweep *sweep, const kad_sweep_series *s)
{
    const kad_curves *c = &s->curves;
    const size_t K = c->n_states, square[2] = {K, K};
    const struct {
        const char *name, *units, *long_name;
        const double *data;
    } columns[] = {
        {"points/value", "1", "value of the coupling", s->at},
        {"points/tau_int", "draws", "by which the draws are weighed", c->tau},
        {"points/map_log_z", "1", "ln Z by the map's weights", c->map_log_z},
        {"points/map_log_z_err", "1", "its standard error", c->map_log_z_err},
        {"points/difference", "1",
         "ln Z less that of the first point, by the chains alone", c->difference},
        {"points/difference_err", "1", "its standard error", c->difference_err},
        {"points/log_z", "1", "both together", c->log_z},
        {"points/log_z_err", "1", "its standard error", c->log_z_err},
    };
    int64_t *number = kad_write_scratch(w, K, sizeof *number);
    for (size_t k = 0; number != NULL && k < K; k++)
        number[k] = sweep->point[s->point[k]].number;
    kad_write(w, "points/point", KAD_H5_I64, "point", "1", "number of the point", &K,
              number);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        kad_write(w, columns[i].name, KAD_H5_F64, "point", columns[i].units,
                  columns[i].long_name, &K, columns[i].data);
    kad_write(
        w, "points/overlap", KAD_H5_F64, "point point", "1",
        "probability that a draw of the row's point is taken for one of the column's",
        square, c->overlap);
    kad_free(number);
}

static kad_status write_series(kad_ctx *ctx, kad_h5 *file, const kad_sweep_curves *curves,
                               const kad_sweep_group *group, const kad_sweep_series *s)
{
    const kad_curves *c = &s->curves;
    char path[KAD_WRITER_PATH];
    snprintf(path, sizeof path, "/curves/%.120s/%.60s", group->name, s->name);
    kad_writer w = kad_write_into(ctx, file, path);
    int64_t *block = kad_write_scratch(&w, c->n_blocks, sizeof *block);
    for (size_t b = 0; block != NULL && b < c->n_blocks; b++)
        block[b] = (int64_t)b;
    kad_write(&w, "value", KAD_H5_F64, "value", "1", curves->sweep->key[curves->along],
              &c->n, c->value);
    kad_write(&w, "block", KAD_H5_I64, "block", "1", "block that is left out",
              &c->n_blocks, block);
    kad_write(&w, "n_eff", KAD_H5_F64, "value", "1",
              "independent draws that carry as much", &c->n, c->n_eff);
    for (int q = 0; q < KAD_CURVE_QUANTITIES; q++)
        write_quantity(&w, s, q);
    write_points(&w, curves->sweep, s);
    kad_write_text(&w, "along", curves->sweep->key[curves->along]);
    kad_write_int(&w, "n_draws", (int64_t)c->n_draws);
    kad_write_int(&w, "n_left_out", s->n_left_out);
    kad_write_int(&w, "n_anchors", (int64_t)c->n_anchors);
    if (isfinite(c->chi2)) {
        kad_write_real(&w, "chi2", c->chi2);
        kad_write_int(&w, "dof", (int64_t)c->n_anchors - 1);
        kad_write_real(&w, "p", c->p);
    }
    kad_free(block);
    return kad_write_end(&w);
}

static bool has_curve(const kad_sweep_group *group)
{
    for (int i = 0; i < group->n_series; i++)
        if (group->series[i].refused == NULL) return true;
    return false;
}

static kad_status write_group(kad_ctx *ctx, kad_h5 *file, const kad_sweep_curves *curves,
                              const kad_sweep_group *group)
{
    char path[KAD_WRITER_PATH];
    snprintf(path, sizeof path, "/curves/%.120s", group->name);
    kad_writer w = kad_write_into(ctx, file, path);
    for (int k = 0; k < curves->sweep->n_keys; k++)
        if (group->others.value[k] != NULL)
            kad_write_text(&w, curves->sweep->key[k], group->others.value[k]);
    kad_write_int(&w, "n_points", group->n_points);
    kad_write_int(&w, "n_complete", group->n_complete);
    kad_write_int(&w, "n_sites", (int64_t)group->n_sites);
    kad_write_int(&w, "extent", (int64_t)group->extent);
    kad_write_int(&w, "n_components", (int64_t)group->n_components);
    KAD_CALL(kad_write_end(&w));
    for (int i = 0; i < group->n_series; i++)
        if (group->series[i].refused == NULL)
            KAD_CALL(write_series(ctx, file, curves, group, &group->series[i]));
    return KAD_OK;
}

/* Which group a point belongs to; "": one that has no curve, or none. */
static const char *group_of(const kad_sweep_curves *curves, const kad_sweep_point *point)
{
    for (int g = 0; g < curves->n_groups; g++)
        if (has_curve(&curves->group[g]) &&
            kad_sweep_same_values(curves->sweep, curves->along,
                                  curves->group[g].others.value, point->value))
            return curves->group[g].name;
    return "";
}

static kad_status write_membership(kad_ctx *ctx, kad_h5 *file,
                                   const kad_sweep_curves *curves)
{
    const kad_sweep *sweep = curves->sweep;
    const size_t n = (size_t)sweep->n_points;
    kad_writer w = kad_write_into(ctx, file, "/points");
    const char **name = kad_write_scratch(&w, n, sizeof *name);
    for (size_t i = 0; name != NULL && i < n; i++)
        name[i] = group_of(curves, &sweep->point[i]);
    kad_write_names(&w, "curve", "point", "group of /curves that the point belongs to", n,
                    name);
    kad_free(name);
    return kad_write_end(&w);
}

kad_status kad_sweep_curves_write(kad_ctx *ctx, kad_h5 *file,
                                  const kad_sweep_curves *curves)
{
    KAD_CALL(kad_h5_remove(ctx, file, "/curves"));
    KAD_CALL(write_membership(ctx, file, curves));
    for (int g = 0; g < curves->n_groups; g++)
        if (has_curve(&curves->group[g]))
            KAD_CALL(write_group(ctx, file, curves, &curves->group[g]));
    return KAD_OK;
}

/* --- curves.csv -------------------------------------------------------------------------
 */

static void print_number(FILE *out, double x)
{
    char text[KAD_NUMBER_CHARS];
    fprintf(out, ",%s", isfinite(x) ? kad_format_real(text, x) : "");
}

static void print_series(FILE *out, const kad_sweep_curves *curves,
                         const kad_sweep_group *group, const kad_sweep_series *s)
{
    const kad_curves *c = &s->curves;
    const kad_sweep *sweep = curves->sweep;
    char text[KAD_NUMBER_CHARS];
    for (size_t i = 0; i < c->n; i++)
        for (int q = 0; q < KAD_CURVE_QUANTITIES; q++) {
            if (c->mean[q] == NULL || isnan(c->mean[q][i])) continue;
            for (int k = 0; k < sweep->n_keys; k++) {
                kad_csv_field(out, k == curves->along ? kad_format_real(text, c->value[i])
                                                      : group->others.value[k]);
                fputc(',', out);
            }
            fprintf(out, "%s,%s", s->name, kad_curve_names[q]);
            print_number(out, c->mean[q][i]);
            print_number(out, c->err[q][i]);
            print_number(out, s->exact[q] != NULL ? s->exact[q][i] : (double)NAN);
            print_number(out, c->n_eff[i]);
            fputc('\n', out);
        }
}

void kad_sweep_curves_print(FILE *out, const void *self)
{
    const kad_sweep_curves *curves = self;
    for (int k = 0; k < curves->sweep->n_keys; k++)
        fprintf(out, "%s,", curves->sweep->key[k]);
    fputs("series,observable,mean,err,exact,n_eff\n", out);
    for (int g = 0; g < curves->n_groups; g++)
        for (int i = 0; i < curves->group[g].n_series; i++)
            if (curves->group[g].series[i].refused == NULL)
                print_series(out, curves, &curves->group[g], &curves->group[g].series[i]);
}

/* --- the screen -------------------------------------------------------------------------
 */

/* Neighbours that hardly know of each other. */
static void say_gaps(const kad_app *app, const kad_sweep_series *s)
{
    static const double LEAST = 0.03;
    const kad_curves *c = &s->curves;
    for (size_t k = 0; k + 1 < c->n_states; k++) {
        const double overlap = c->overlap[k * c->n_states + k + 1];
        if (overlap < LEAST)
            kad_say(app,
                    "    gap: the points at %g and %g overlap by %.2g only: more between "
                    "them",
                    s->at[k], s->at[k + 1], overlap);
    }
}

/* Values that are too few draws' worth. */
static void say_refused(const kad_app *app, const kad_curves *c)
{
    size_t n = 0, worst = 0;
    for (size_t i = 0; i < c->n; i++) {
        n += c->n_eff[i] < KAD_CURVE_TOO_FEW;
        if (c->n_eff[i] < c->n_eff[worst]) worst = i;
    }
    kad_say(app, "    fewest effective draws: %.0f at %g", c->n_eff[worst],
            c->value[worst]);
    if (n > 0)
        kad_say(app, "    %zu values are refused: fewer than %d effective draws", n,
                KAD_CURVE_TOO_FEW);
}

/* Distances from what is known exactly: values along a curve are not independent. */
static void say_exact(const kad_app *app, const kad_sweep_series *s)
{
    const kad_curves *c = &s->curves;
    for (int q = 0; q < KAD_CURVE_QUANTITIES; q++) {
        double square = 0, most = 0;
        size_t n = 0;
        if (s->exact[q] == NULL || c->mean[q] == NULL) continue;
        for (size_t i = 0; i < c->n; i++) {
            const double pull = (c->mean[q][i] - s->exact[q][i]) / c->err[q][i];
            if (!isfinite(pull)) continue;
            square += pull * pull;
            most = fabs(pull) > fabs(most) ? pull : most;
            n++;
        }
        if (n > 0)
            kad_say(app,
                    "    %s less the exact one: mean square %.2f, at most %+.1f errors",
                    kad_curve_names[q], square / (double)n, most);
    }
}

static void say_series(const kad_app *app, const kad_sweep_curves *curves,
                       const kad_sweep_group *group, const kad_sweep_series *s)
{
    const kad_curves *c = &s->curves;
    if (s->refused != NULL) {
        kad_say(app, "%s, %s: no curve: %s", group->name, s->name, s->refused);
        return;
    }
    kad_say(app, "%s, %s: %zu of %d points, %s %g to %g, %zu draws", group->name, s->name,
            c->n_states, group->n_points,
            kad_key_last_name(curves->sweep->key[curves->along]), s->at[0],
            s->at[c->n_states - 1], c->n_draws);
    if (s->n_left_out > 0)
        kad_say(app, "    left out: %d; %s", s->n_left_out, s->left_out);
    if (isfinite(c->chi2))
        kad_say(app,
                "    ln Z of %zu maps and of the chains: chi^2 %.1f of %zu, p = %.2g",
                c->n_anchors, c->chi2, c->n_anchors - 1, c->p);
    else if (c->n_anchors == 0)
        kad_say(app, "    ln Z is relative to the first point: no map has one");
    say_refused(app, c);
    say_gaps(app, s);
    say_exact(app, s);
}

void kad_sweep_curves_say(const kad_app *app, const kad_sweep_curves *curves)
{
    for (int g = 0; g < curves->n_groups; g++)
        for (int i = 0; i < curves->group[g].n_series; i++)
            say_series(app, curves, &curves->group[g], &curves->group[g].series[i]);
}
