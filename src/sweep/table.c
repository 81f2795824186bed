/* The results of a sweep: every estimate of every complete point, as a file for programs
 * (sweep.h5), a file for whoever likes text (table.csv), and a table on the screen. */
#include "analysis/collection.h"
#include "analysis/results.h"
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

enum { ON_SCREEN = 4 };
static const char images[] = "images";

static const struct {
    const char *name, *units, *long_name;
} columns[KAD_COLLECT_COLUMNS] = {
    [KAD_COLLECT_MEAN] = {"mean", "", "estimate"},
    [KAD_COLLECT_ERR] = {"err", "", "its standard error"},
    [KAD_COLLECT_TAU] = {"tau_int", "draws", "integrated autocorrelation time"},
    [KAD_COLLECT_N_EFF] = {"n_eff", "1", "independent draws that carry as much"},
    [KAD_COLLECT_EXACT] = {"exact", "", "exact value where one is known"},
};

typedef struct results {
    const kad_sweep *sweep;
    int n_complete, n_short; /* of them, with fewer draws than are asked for */
    kad_collection all;      /* of the points' tables: "mis", "log_z" */
    const char **state;      /* [n_points] how far each is */
    double *core_seconds;    /* [n_points] of its run, NaN: not known */
    const char *model;       /* of the first complete point; NULL: none */
    int axis;                /* the key that points are drawn over; -1: none */
} results;

/* --- reading -------------------------------------------------------------------------
 */

static kad_status read_tables(results *r, int point, kad_h5 *file)
{
    KAD_SCOPE(scope, r->all.in->ctx);
    char **names;
    size_t n;
    KAD_CALL(kad_members(&scope, file, "/analysis", &n, &names));
    for (size_t i = 0; i < n; i++) {
        char group[160];
        kad_table t;
        snprintf(group, sizeof group, "/analysis/%.120s", names[i]);
        KAD_CALL(kad_table_read(&scope, file, group, &t));
        KAD_CALL(kad_collection_add(&r->all, (size_t)point, names[i], &t));
    }
    return KAD_OK;
}

/* Of runs on images: attributes of /images, as a table of that name. */
static kad_status read_images(results *r, int point, kad_h5 *file)
{
    static const struct {
        const char *name, *err;
    } all[] = {{"bpd_test", "bpd_test_err"},
               {"bpd_train", NULL},
               {"images_seen", NULL},
               {"train_seconds", NULL},
               {"n_parameters", NULL}};
    kad_ctx *ctx = r->all.in->ctx;
    kad_collected *table;
    if (!kad_h5_exists(file, "/images")) return KAD_OK;
    KAD_CALL(kad_collection_table(&r->all, images, &table));
    for (size_t i = 0; table != NULL && i < sizeof all / sizeof all[0]; i++) {
        size_t row;
        KAD_CALL(kad_collection_row(&r->all, table, all[i].name, &row));
        table->value[KAD_COLLECT_MEAN][row][point] =
            kad_attr_real(ctx, file, "/images", all[i].name);
        if (all[i].err != NULL)
            table->value[KAD_COLLECT_ERR][row][point] =
                kad_attr_real(ctx, file, "/images", all[i].err);
    }
    return KAD_OK;
}

/* A point that is not complete leaves its row empty. One that is to have more draws has a row of
 * those that are there. */
static kad_status read_point(kad_app *app, results *r, int point)
{
    kad_run_state state;
    kad_h5 *file;
    KAD_CALL(kad_sweep_state(app, r->sweep, &r->sweep->point[point], &state));
    r->state[point] = kad_run_stand_name(state.stand);
    r->core_seconds[point] = NAN;
    if (strcmp(state.status, "complete") != 0) return KAD_OK;
    r->n_short += state.stand != KAD_RUN_COMPLETE;
    KAD_CALL(kad_sweep_results(&app->ctx, r->sweep, &r->sweep->point[point], &file));
    KAD_CALL(read_tables(r, point, file));
    KAD_CALL(read_images(r, point, file));
    r->core_seconds[point] = kad_attr_real(&app->ctx, file, "/", "wall_seconds") *
                             (double)kad_attr_int(&app->ctx, file, "/", "threads");
    if (r->model == NULL) r->model = kad_attr_string(r->all.in, file, "/", "model");
    r->n_complete++;
    return KAD_OK;
}

/* The config's; "": none ran. */
static const char *first_sampler(const results *r)
{
    for (size_t i = 0; i < r->all.n; i++)
        if (kad_is_sampler_table(r->all.table[i]->name)) return r->all.table[i]->name;
    return "";
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

/* The coupling that is tuned, else the numeric key with most values; seeds never. */
static int find_axis(const kad_sweep *s)
{
    const char *tuned = s->options.analysis.fss.tune != NULL
                            ? s->options.analysis.fss.tune
                            : s->options.along;
    int best = -1, most = 1;
    if (tuned != NULL && kad_sweep_find_key(s, tuned) >= 0)
        return kad_sweep_find_key(s, tuned);
    for (int k = 0; k < s->n_keys; k++) {
        int n = 0;
        for (int i = 0; i < s->n_points; i++) {
            const char *value = s->point[i].value[k];
            double number;
            bool seen = value == NULL || !kad_parse_real(value, &number);
            for (int j = 0; j < i && !seen; j++)
                seen = s->point[j].value[k] != NULL &&
                       strcmp(s->point[j].value[k], value) == 0;
            n += !seen;
        }
        if (n <= most || strcmp(s->key[k], "seed") == 0) continue;
        best = k;
        most = n;
    }
    return best;
}

/* What points that differ in the axis and the seed alone have in common, as a label. */
static kad_status write_groups(kad_writer *w, const results *r)
{
    KAD_SCOPE(scope, w->ctx);
    const kad_sweep *s = r->sweep;
    const int tied[] = {r->axis, kad_sweep_find_key(s, "seed")};
    const char **label;
    KAD_CALL(kad_take(&scope, (size_t)s->n_points, &label));
    for (int i = 0; i < s->n_points; i++) {
        kad_sweep_point others;
        char text[256];
        KAD_CALL(kad_sweep_without(&scope, s, &s->point[i], 2, tied, &others));
        KAD_CALL(kad_take_text(&scope, kad_sweep_label(s, &others, sizeof text, text),
                               &label[i]));
    }
    kad_write_names(w, "group", "point", "values of the other keys, without seeds",
                    (size_t)s->n_points, label);
    return KAD_OK;
}

static kad_status write_points(kad_ctx *ctx, kad_h5 *file, const results *r)
{
    const kad_sweep *s = r->sweep;
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
    kad_write_names(&w, "state", "point", "missing, running, stopped, complete, unusable",
                    n, r->state);
    kad_write(&w, "core_seconds", KAD_H5_F64, "point", "s",
              "wall time of its run times threads", &n, r->core_seconds);
    if (r->axis >= 0) kad_write_text(&w, "axis", s->key[r->axis]);
    kad_write_text(&w, "sampler", first_sampler(r));
    kad_free(number);
    kad_free(folder);
    KAD_CALL(write_groups(&w, r));
    return kad_write_end(&w);
}

static kad_status write_table(kad_ctx *ctx, kad_h5 *file, const results *r,
                              const kad_collected *t)
{
    char group[160];
    const size_t n = (size_t)r->sweep->n_points, dims[2] = {n, t->n};
    snprintf(group, sizeof group, "/results/%.120s", t->name);
    kad_writer w = kad_write_into(ctx, file, group);
    int64_t *number = kad_write_scratch(&w, n, sizeof *number);
    double *packed = kad_write_scratch(&w, n * t->n, sizeof *packed);
    for (size_t i = 0; number != NULL && i < n; i++)
        number[i] = r->sweep->point[i].number;
    kad_write(&w, "point", KAD_H5_I64, "point", "1", "number of the point", &n, number);
    kad_write_names(&w, "observable", "observable", "observable", t->n, t->observable);
    for (int c = 0; c < KAD_COLLECT_COLUMNS && packed != NULL; c++) {
        for (size_t i = 0; i < n * t->n; i++)
            packed[i] = t->value[c][i % t->n][i / t->n];
        kad_write(&w, columns[c].name, KAD_H5_F64, "point observable", columns[c].units,
                  columns[c].long_name, dims, packed);
    }
    kad_free(number);
    kad_free(packed);
    return kad_write_end(&w);
}

enum { HEADING = 512 };

/* "Ising: shape 4x4 to 8x8, temperature 2 to 2.6", "Ising, 8 x 8: temperature 2 to 2.6": the model
 * without the point's couplings, its lattice where all have the same, and the first and last
 * value of every key in the order of the points. */
static const char *heading(const results *r, char text[HEADING])
{
    const kad_sweep *s = r->sweep;
    const char *lattice = strrchr(r->model, ',');
    size_t used = strcspn(r->model, ",");
    used =
        (size_t)snprintf(text, HEADING, "%.*s", used < 128 ? (int)used : 128, r->model);
    if (lattice != NULL && kad_sweep_find_key(s, "lattice.shape") < 0)
        used += (size_t)snprintf(text + used, HEADING - used, "%.64s", lattice);
    for (int k = 0; k < s->n_keys && used < HEADING; k++) {
        char first[64] = "", last[64] = "";
        for (int i = 0; i < s->n_points; i++)
            if (s->point[i].value[k] != NULL)
                kad_sweep_plain_value(s->point[i].value[k], sizeof last,
                                      first[0] == 0 ? first : last);
        used += (size_t)snprintf(text + used, HEADING - used, "%s %s %s%s%s",
                                 k == 0 ? ":" : ",", kad_key_last_name(s->key[k]), first,
                                 last[0] != 0 ? " to " : "", last);
    }
    return text;
}

static kad_status write_h5(kad_ctx *ctx, const results *r, const char *path)
{
    KAD_LOCAL(kad_h5, file);
    char text[HEADING];
    KAD_CALL(kad_h5_create(ctx, &file));
    kad_writer w = kad_write_into(ctx, file, "/");
    kad_write_text(&w, "Conventions", "KADANOFF-1");
    kad_write_int(&w, "format_version", KAD_FORMAT_VERSION);
    kad_write_int(&w, "n_complete", r->n_complete);
    if (r->model != NULL) kad_write_text(&w, "model", heading(r, text));
    KAD_CALL(kad_write_end(&w));
    KAD_CALL(write_points(ctx, file, r));
    for (size_t i = 0; i < r->all.n; i++)
        KAD_CALL(write_table(ctx, file, r, r->all.table[i]));
    return kad_h5_save(ctx, file, path, false);
}

/* --- table.csv -----------------------------------------------------------------------
 */

static void print_row(FILE *out, const results *r, const kad_collected *t, int point,
                      size_t k)
{
    const kad_sweep_point *p = &r->sweep->point[point];
    char text[KAD_NUMBER_CHARS];
    fprintf(out, "%d", p->number);
    for (int key = 0; key < r->sweep->n_keys; key++) {
        fputc(',', out);
        kad_csv_field(out, p->value[key]);
    }
    fprintf(out, ",%s,%s", t->name, t->observable[k]);
    for (int c = 0; c < KAD_COLLECT_COLUMNS; c++) {
        const double x = t->value[c][k][point];
        fprintf(out, ",%s", isfinite(x) ? kad_format_real(text, x) : "");
    }
    fputc('\n', out);
}

static void print_csv(FILE *out, const void *self)
{
    const results *r = self;
    fputs("point", out);
    for (int k = 0; k < r->sweep->n_keys; k++)
        fprintf(out, ",%s", r->sweep->key[k]);
    fputs(",series,observable", out);
    for (int c = 0; c < KAD_COLLECT_COLUMNS; c++)
        fprintf(out, ",%s", columns[c].name);
    fputc('\n', out);
    for (int i = 0; i < r->sweep->n_points; i++)
        for (size_t s = 0; s < r->all.n; s++) {
            const kad_collected *t = r->all.table[s];
            for (size_t k = 0; k < t->n; k++)
                if (!isnan(t->value[KAD_COLLECT_MEAN][k][i])) print_row(out, r, t, i, k);
        }
}

/* --- the screen ----------------------------------------------------------------------
 */

typedef struct shown {
    const kad_collected *table;
    size_t observable;
} shown;

/* An observable of a table; false where there is none of them. */
static bool show(const results *r, const char *name, const char *observable, shown *out)
{
    for (size_t i = 0; i < r->all.n; i++) {
        const kad_collected *t = r->all.table[i];
        if (strcmp(t->name, name) != 0) continue;
        for (size_t k = 0; k < t->n; k++)
            if (strcmp(t->observable[k], observable) == 0) {
                *out = (shown){t, k};
                return true;
            }
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
    const kad_collected *t = column->table;
    const double mean = t->value[KAD_COLLECT_MEAN][column->observable][point];
    const double err = t->value[KAD_COLLECT_ERR][column->observable][point];
    char text[64];
    kad_format_error(text, sizeof text, mean, err);
    if (!(err > 0)) snprintf(text, sizeof text, "%.5g(?)", mean); /* no error bar */
    add_cell(line, isfinite(mean) ? text : "-");
}

/* ln Z and the ESS of the maps, then what the config's first sampler saw; of images the bits. */
static void say_table(kad_app *app, const results *r)
{
    static const char *const observables[ON_SCREEN] = {"energy", "specific_heat", "abs_m",
                                                       "chi"};
    shown column[ON_SCREEN + 3];
    int n = 0;
    char line[LINE], label[256] = "";
    const char *sampler = first_sampler(r);
    n += show(r, "log_z", "log_z", &column[n]);
    n += show(r, "log_z", "ess", &column[n]);
    n += show(r, images, "bpd_test", &column[n]);
    for (int i = 0; i < ON_SCREEN; i++)
        n += show(r, sampler, observables[i], &column[n]);
    if (*sampler != 0) snprintf(label, sizeof label, "(means by %s)", sampler);
    snprintf(line, LINE, "%5s  %-36s", "point", label);
    for (int c = 0; c < n; c++)
        add_cell(line, column[c].table->observable[column[c].observable]);
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
    *r = (results){.sweep = s,
                   .axis = find_axis(s),
                   .all = {.in = &scope, .n_points = (size_t)s->n_points}};
    KAD_CALL(kad_take(&scope, (size_t)s->n_points, &r->state));
    KAD_CALL(kad_take(&scope, (size_t)s->n_points, &r->core_seconds));
    KAD_CALL(kad_take_printf(&scope, &h5, "%s/sweep.h5", s->folder));
    KAD_CALL(kad_take_printf(&scope, &csv, "%s/table.csv", s->folder));
    for (int i = 0; i < s->n_points; i++)
        KAD_CALL(read_point(app, r, i));
    KAD_CALL(write_h5(&app->ctx, r, h5));
    KAD_CALL(kad_file_print(&app->ctx, csv, print_csv, r));
    say_table(app, r);
    kad_say(app, "%d of %d points are complete; all estimates: %s, %s", r->n_complete,
            s->n_points, csv, h5);
    if (r->n_short > 0)
        kad_say(app,
                "%d of them have fewer draws than %s asks for: `kadanoff sweep run %s` "
                "appends the rest",
                r->n_short, s->name, s->name);
    return KAD_OK;
}
