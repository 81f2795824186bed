/* The results of a sweep: every estimate of every complete point, as a file for programs
 * (sweep.h5), a file for whoever likes text (table.csv), and a table on the screen. */
#include "analysis/table.h"
#include "io/file.h"
#include "io/number.h"
#include "io/progress.h"
#include "io/run_folder.h"
#include "io/writer.h"
#include "run/pipeline.h"
#include "run/run_state.h"
#include "sweep/points.h"

#include "sweep/csv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SERIES_MAX = 32, ON_SCREEN = 4 };

/* What is kept of an estimate. */
enum { MEAN, ERR, TAU, N_EFF, EXACT, N_COLUMNS };
static const struct {
    const char *name, *units, *long_name;
} columns[N_COLUMNS] = {
    {"mean", "", "estimate"},
    {"err", "", "its standard error"},
    {"tau_int", "draws", "integrated autocorrelation time"},
    {"n_eff", "1", "independent draws that carry as much"},
    {"exact", "", "exact value where one is known"},
};

/* A table of estimates that points have: "mis", "log_z". */
typedef struct series {
    const char *name;
    int n_observables;
    const char *observable[KAD_TABLE_MAX];
    double *value[N_COLUMNS]; /* [n_points][KAD_TABLE_MAX], NaN where there is none */
} series;

typedef struct results {
    kad_scope *scope;
    const kad_sweep *sweep;
    int n_series, n_complete;
    series series[SERIES_MAX];
} results;

/* --- reading -------------------------------------------------------------------------
 */

static kad_status find_series(results *r, const char *name, series **out)
{
    const size_t n = (size_t)r->sweep->n_points * KAD_TABLE_MAX;
    *out = NULL;
    for (int i = 0; i < r->n_series; i++)
        if (strcmp(r->series[i].name, name) == 0) *out = &r->series[i];
    if (*out != NULL || r->n_series == SERIES_MAX) return KAD_OK;
    series *s = &r->series[r->n_series];
    KAD_CALL(kad_take_text(r->scope, name, &s->name));
    for (int c = 0; c < N_COLUMNS; c++) {
        KAD_CALL(kad_take(r->scope, n, &s->value[c]));
        for (size_t i = 0; i < n; i++)
            s->value[c][i] = NAN;
    }
    r->n_series++;
    *out = s;
    return KAD_OK;
}

/* Index of an observable, which is new where no point before had it; -1: no room. */
static kad_status find_observable(results *r, series *s, const char *name, int *out)
{
    for (*out = 0; *out < s->n_observables; ++*out)
        if (strcmp(s->observable[*out], name) == 0) return KAD_OK;
    if (s->n_observables == KAD_TABLE_MAX) {
        *out = -1;
        return KAD_OK;
    }
    return kad_take_text(r->scope, name, &s->observable[s->n_observables++]);
}

static kad_status add_table(results *r, int point, const char *name, const kad_table *t)
{
    series *s;
    KAD_CALL(find_series(r, name, &s));
    for (size_t i = 0; s != NULL && i < t->n; i++) {
        int k;
        KAD_CALL(find_observable(r, s, t->observable[i], &k));
        if (k < 0) continue;
        const size_t at = (size_t)point * KAD_TABLE_MAX + (size_t)k;
        s->value[MEAN][at] = t->mean.data[i];
        s->value[ERR][at] = kad_table_at(t, &t->err, i);
        s->value[TAU][at] = kad_table_at(t, &t->tau, i);
        s->value[N_EFF][at] = kad_table_at(t, &t->n_eff, i);
        s->value[EXACT][at] = kad_table_at(t, &t->exact, i);
    }
    return KAD_OK;
}

static kad_status read_tables(results *r, int point, kad_h5 *file)
{
    KAD_SCOPE(scope, r->scope->ctx);
    char **names;
    size_t n;
    KAD_CALL(kad_members(&scope, file, "/analysis", &n, &names));
    for (size_t i = 0; i < n; i++) {
        char group[160];
        kad_table t;
        snprintf(group, sizeof group, "/analysis/%.120s", names[i]);
        KAD_CALL(kad_table_read(&scope, file, group, &t));
        KAD_CALL(add_table(r, point, names[i], &t));
    }
    return KAD_OK;
}

/* A point that is not complete leaves its row empty. */
static kad_status read_point(kad_app *app, results *r, int point)
{
    KAD_SCOPE(scope, &app->ctx);
    const char *path;
    kad_run_state state;
    KAD_LOCAL(kad_run, run);
    KAD_LOCAL(kad_h5, file);
    KAD_CALL(kad_sweep_path(&scope, r->sweep, &r->sweep->point[point], &path));
    KAD_CALL(kad_run_state_read(&app->ctx, path, &state));
    if (state.stand != KAD_RUN_COMPLETE) return KAD_OK;
    KAD_CALL(kad_run_open(&app->ctx, path, KAD_RUN_READ, &run));
    KAD_CALL(kad_results_open(&app->ctx, run, &file));
    KAD_CALL(read_tables(r, point, file));
    r->n_complete++;
    return KAD_OK;
}

/* --- sweep.h5 ------------------------------------------------------------------------
 */

/* A key's values: numbers where all are, else texts. */
static void write_key(kad_writer *w, const kad_sweep *s, int k)
{
    const size_t n = (size_t)s->n_points;
    double *number = kad_write_scratch(w, n, sizeof *number);
    const char **text = kad_write_scratch(w, n, sizeof *text);
    bool numbers = true;
    for (size_t i = 0; text != NULL && i < n; i++) {
        text[i] = s->point[i].value[k] != NULL ? s->point[i].value[k] : "";
        number[i] = NAN;
        if (s->point[i].value[k] != NULL && !kad_parse_real(text[i], &number[i]))
            numbers = false;
    }
    if (numbers && number != NULL)
        kad_write(w, s->key[k], KAD_H5_F64, "point", "", "value of the key", &n, number);
    else
        kad_write_names(w, s->key[k], "point", "value of the key", n, text);
    kad_free(number);
    kad_free(text);
}

static kad_status write_points(kad_ctx *ctx, kad_h5 *file, const kad_sweep *s)
{
    kad_writer w = kad_write_into(ctx, file, "/points");
    const size_t n = (size_t)s->n_points;
    int64_t *number = kad_write_scratch(&w, n, sizeof *number);
    const char **folder = kad_write_scratch(&w, n, sizeof *folder);
    for (size_t i = 0; number != NULL && folder != NULL && i < n; i++) {
        number[i] = s->point[i].number;
        folder[i] = s->point[i].folder;
    }
    kad_write(&w, "point", KAD_H5_I64, "point", "1", "number of the point", &n, number);
    kad_write_names(&w, "folder", "point", "run folder, below the sweep's", n, folder);
    for (int k = 0; k < s->n_keys; k++)
        write_key(&w, s, k);
    kad_free(number);
    kad_free(folder);
    return kad_write_end(&w);
}

static kad_status write_series(kad_ctx *ctx, kad_h5 *file, const results *r,
                               const series *s)
{
    char group[160];
    const size_t n = (size_t)r->sweep->n_points, m = (size_t)s->n_observables;
    const size_t dims[2] = {n, m};
    snprintf(group, sizeof group, "/results/%.120s", s->name);
    kad_writer w = kad_write_into(ctx, file, group);
    int64_t *number = kad_write_scratch(&w, n, sizeof *number);
    double *packed = kad_write_scratch(&w, n * m, sizeof *packed);
    for (size_t i = 0; number != NULL && i < n; i++)
        number[i] = r->sweep->point[i].number;
    kad_write(&w, "point", KAD_H5_I64, "point", "1", "number of the point", &n, number);
    kad_write_names(&w, "observable", "observable", "observable", m, s->observable);
    for (int c = 0; c < N_COLUMNS && packed != NULL; c++) {
        for (size_t i = 0; i < n * m; i++)
            packed[i] = s->value[c][i / m * KAD_TABLE_MAX + i % m];
        kad_write(&w, columns[c].name, KAD_H5_F64, "point observable", columns[c].units,
                  columns[c].long_name, dims, packed);
    }
    kad_free(number);
    kad_free(packed);
    return kad_write_end(&w);
}

static kad_status write_h5(kad_ctx *ctx, const results *r, const char *path)
{
    KAD_LOCAL(kad_h5, file);
    KAD_CALL(kad_h5_create(ctx, &file));
    kad_writer w = kad_write_into(ctx, file, "/");
    kad_write_text(&w, "Conventions", "KADANOFF-1");
    kad_write_int(&w, "format_version", KAD_FORMAT_VERSION);
    kad_write_int(&w, "n_complete", r->n_complete);
    KAD_CALL(kad_write_end(&w));
    KAD_CALL(write_points(ctx, file, r->sweep));
    for (int i = 0; i < r->n_series; i++)
        KAD_CALL(write_series(ctx, file, r, &r->series[i]));
    return kad_h5_save(ctx, file, path, false);
}

/* --- table.csv -----------------------------------------------------------------------
 */

static void print_row(FILE *out, const results *r, const series *s, int point, int k)
{
    const kad_sweep_point *p = &r->sweep->point[point];
    const size_t at = (size_t)point * KAD_TABLE_MAX + (size_t)k;
    char text[KAD_NUMBER_CHARS];
    fprintf(out, "%d", p->number);
    for (int key = 0; key < r->sweep->n_keys; key++) {
        fputc(',', out);
        kad_csv_field(out, p->value[key]);
    }
    fprintf(out, ",%s,%s", s->name, s->observable[k]);
    for (int c = 0; c < N_COLUMNS; c++)
        fprintf(out, ",%s",
                isfinite(s->value[c][at]) ? kad_format_real(text, s->value[c][at]) : "");
    fputc('\n', out);
}

static void print_csv(FILE *out, const void *self)
{
    const results *r = self;
    fputs("point", out);
    for (int k = 0; k < r->sweep->n_keys; k++)
        fprintf(out, ",%s", r->sweep->key[k]);
    fputs(",series,observable", out);
    for (int c = 0; c < N_COLUMNS; c++)
        fprintf(out, ",%s", columns[c].name);
    fputc('\n', out);
    for (int i = 0; i < r->sweep->n_points; i++)
        for (int s = 0; s < r->n_series; s++)
            for (int k = 0; k < r->series[s].n_observables; k++)
                if (!isnan(r->series[s].value[MEAN][i * KAD_TABLE_MAX + k]))
                    print_row(out, r, &r->series[s], i, k);
}

/* --- the screen ----------------------------------------------------------------------
 */

typedef struct shown {
    const series *series;
    int observable;
} shown;

static bool show(const results *r, const char *name, const char *observable, shown *out)
{
    for (int i = 0; i < r->n_series; i++) {
        const series *s = &r->series[i];
        if (name != NULL ? strcmp(s->name, name) != 0 : strcmp(s->name, "log_z") == 0)
            continue;
        for (int k = 0; k < s->n_observables; k++)
            if (strcmp(s->observable[k], observable) == 0) {
                *out = (shown){s, k};
                return true;
            }
        if (name == NULL) return false;
    }
    return false;
}

enum { LINE = 512 };

/* A cell behind what a line holds already. */
static void add_cell(char line[LINE], const char *cell)
{
    const size_t used = strlen(line);
    snprintf(line + used, LINE - used, " %16s", cell);
}

static void add_value(char line[LINE], const shown *column, int point)
{
    const size_t at = (size_t)point * KAD_TABLE_MAX + (size_t)column->observable;
    const double mean = column->series->value[MEAN][at];
    const double err = column->series->value[ERR][at];
    char text[64];
    kad_format_error(text, sizeof text, mean, err);
    if (!(err > 0)) snprintf(text, sizeof text, "%.5g(?)", mean); /* no error bar */
    add_cell(line, isfinite(mean) ? text : "-");
}

/* ln Z and the ESS of the maps, then what the first sampler saw. */
static void say_table(kad_app *app, const results *r)
{
    static const char *const observables[ON_SCREEN] = {"energy", "specific_heat", "abs_m",
                                                       "chi"};
    shown column[ON_SCREEN + 2];
    int n = 0;
    char line[LINE], label[256];
    n += show(r, "log_z", "log_z", &column[n]);
    n += show(r, "log_z", "ess", &column[n]);
    for (int i = 0; i < ON_SCREEN; i++)
        n += show(r, NULL, observables[i], &column[n]);
    snprintf(line, LINE, "%5s  %-36s", "point", "");
    for (int c = 0; c < n; c++)
        add_cell(line, column[c].series->observable[column[c].observable]);
    kad_say(app, "%s", line);
    for (int i = 0; i < r->sweep->n_points; i++) {
        const kad_sweep_point *point = &r->sweep->point[i];
        snprintf(line, LINE, "%5d  %-36s", point->number,
                 kad_sweep_label(r->sweep, point, sizeof label, label));
        for (int c = 0; c < n; c++)
            add_value(line, &column[c], i);
        kad_say(app, "%s", line);
    }
}

kad_status kad_sweep_table(kad_app *app, const kad_sweep *s)
{
    KAD_SCOPE(scope, &app->ctx);
    results *r;
    const char *h5, *csv;
    KAD_CALL(kad_take(&scope, 1, &r));
    *r = (results){.scope = &scope, .sweep = s};
    KAD_CALL(kad_take_printf(&scope, &h5, "%s/sweep.h5", s->folder));
    KAD_CALL(kad_take_printf(&scope, &csv, "%s/table.csv", s->folder));
    for (int i = 0; i < s->n_points; i++)
        KAD_CALL(read_point(app, r, i));
    KAD_CALL(write_h5(&app->ctx, r, h5));
    KAD_CALL(kad_file_print(&app->ctx, csv, print_csv, r));
    say_table(app, r);
    kad_say(app, "%d of %d points are complete; all estimates: %s, %s", r->n_complete,
            s->n_points, csv, h5);
    return KAD_OK;
}
