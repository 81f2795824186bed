/* What a map learnt from data alone makes, beside the samples that it never saw: /data. */
#include "base/grouped.h"
#include "base/memory.h"
#include "base/tile.h"
#include "io/writer.h"
#include "measure/measure.h"
#include "run/pipeline.h"
#include "train/data.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CHUNK = 1024, NAMES = KAD_OBSERVABLES_MAX };

/* Configurations with -ln q, and their rows of observables. */
typedef struct set {
    size_t n, n_columns;
    size_t together; /* neighbours that count as one in errors */
    double *x, *lnq; /* [n][n_rows], [n] */
    double *rows;    /* [n][n_columns] */
    double origin;   /* of values of a grid */
} set;

static kad_status take_set(kad_scope *in, const kad_model *model,
                           const kad_measure *measure, size_t n, set *s)
{
    const size_t rows = (size_t)model->flow->n_rows;
    size_t values;
    *s = (set){.n = n, .n_columns = measure->n_columns, .together = 1};
    if (!kad_size_mul(n, rows + s->n_columns, &values)) values = SIZE_MAX / 8;
    KAD_CALL(kad_memory_require(in->ctx, 8 * values, "the draws beside the data"));
    KAD_CALL(kad_take(in, n * rows, &s->x));
    KAD_CALL(kad_take(in, n, &s->lnq));
    return kad_take(in, n * s->n_columns, &s->rows);
}

/* In chunks: numbers of the measurement are those of the configurations. */
static kad_status measure_set(kad_ctx *ctx, const kad_model *model,
                              const kad_measure *measure, const set *s)
{
    KAD_SCOPE(scope, ctx);
    const size_t rows = (size_t)model->flow->n_rows;
    uint64_t *number;
    double *S;
    KAD_CALL(kad_take(&scope, CHUNK, &number));
    KAD_CALL(kad_take(&scope, CHUNK, &S));
    for (size_t at = 0; at < s->n; at += CHUNK) {
        const size_t n = s->n - at < CHUNK ? s->n - at : CHUNK;
        for (size_t i = 0; i < n; i++) {
            number[i] = at + i;
            S[i] = -s->lnq[at + i];
        }
        kad_measure_rows(measure, n, number, s->x + at * rows, S,
                         s->rows + at * s->n_columns);
    }
    return KAD_OK;
}

static kad_status infer_held_out(kad_scope *in, const kad_pipeline *p, const kad_map *map,
                                 const kad_measure *measure, set *s)
{
    kad_ctx *ctx = in->ctx;
    kad_data data KAD_CLEARED(kad_data_clear) = {0};
    const kad_data_options *options = &p->options.train.data;
    size_t n_all;
    KAD_CALL(
        kad_data_held_out(ctx, options, p->model, (size_t)options->draws, &data, &n_all));
    KAD_CALL(take_set(in, p->model, measure, data.n, s));
    s->origin = data.origin;
    memcpy(s->x, data.y, data.n * data.n_rows * sizeof *s->x);
    const size_t step = n_all / data.n, block = (size_t)options->block;
    s->together = (block + step - 1) / step;
    KAD_CALL(kad_map_lnq(ctx, map, s->n, KAD_DOUBLE, s->x, s->lnq, NULL));
    return measure_set(ctx, p->model, measure, s);
}

static kad_status draw(kad_scope *in, const kad_pipeline *p, const kad_map *map,
                       const kad_measure *measure, set *s)
{
    const kad_model *model = p->model;
    KAD_CALL(take_set(in, model, measure, (size_t)p->options.train.data.draws, s));
    KAD_CALL(kad_map_draw(in->ctx, map, model->seed, KAD_RNG_DRAW, 0, s->n, model->prec,
                          true, s->x, s->lnq, NULL));
    return measure_set(in->ctx, model, measure, s);
}

/* --- the table ------------------------------------------------------------------------- */

/* Mean of a column and its standard error, neighbours together. */
static void mean_of(const set *s, size_t column, double *mean, double *err)
{
    kad_grouped_mean all = {0};
    for (size_t i = 0; i < s->n; i++)
        kad_grouped_mean_add(&all, i / s->together, s->rows[i * s->n_columns + column]);
    *mean = kad_grouped_mean_value(&all);
    *err = kad_grouped_mean_error(&all);
}

/* Of one observable of both sets, `width` values each. */
typedef struct comparison {
    const char *name[NAMES];
    size_t n;
    double held_out[NAMES], held_out_err[NAMES], map[NAMES], map_err[NAMES];
} comparison;

static void add(comparison *c, const char *name, const set *data, const set *draws,
                size_t column)
{
    if (c->n == NAMES) return;
    mean_of(data, column, &c->held_out[c->n], &c->held_out_err[c->n]);
    mean_of(draws, column, &c->map[c->n], &c->map_err[c->n]);
    c->name[c->n++] = name;
}

/* Numbers of a configuration; that of the action is -ln q a site. */
static void compare(const kad_measure *measure, const set *data, const set *draws,
                    comparison *c)
{
    for (int i = 0; i < measure->n_plain; i++) {
        const char *name = measure->ops[i]->name;
        if (measure->width[i] != 1 || strcmp(name, "energy2") == 0) continue;
        add(c, strcmp(name, "energy") == 0 ? "nll" : name, data, draws,
            measure->offset[i]);
    }
}

static void write_columns(kad_writer *w, const char *axis, const comparison *c)
{
    const struct {
        const char *name, *text;
        const double *values;
    } columns[] = {{"held_out", "mean over samples that training never saw", c->held_out},
                   {"held_out_err", "its standard error", c->held_out_err},
                   {"map", "mean over draws of the map", c->map},
                   {"map_err", "its standard error", c->map_err}};
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        kad_write(w, columns[i].name, KAD_H5_F64, axis, "1", columns[i].text, &c->n,
                  columns[i].values);
}

/* The two-point function along the axes. */
static void write_correlator(kad_writer *w, const kad_measure *measure, const set *data,
                             const set *draws, comparison *c)
{
    int64_t r[NAMES];
    *c = (comparison){.n = 0};
    for (int i = 0; i < measure->n; i++)
        if (strcmp(measure->ops[i]->name, "correlator_axis") == 0)
            for (size_t k = 0; k < measure->width[i]; k++)
                add(c, "", data, draws, measure->offset[i] + k);
    for (size_t k = 0; k < c->n; k++)
        r[k] = (int64_t)k;
    if (c->n == 0) return;
    kad_write(w, "r", KAD_H5_I64, "r", "1", "separation along an axis", &c->n, r);
    write_columns(w, "r", c);
}

/* width > 0: also as values of the grid. */
static void write_draws(kad_writer *w, const kad_model *model, double width,
                        double origin, const set *draws)
{
    const size_t n_comp = (size_t)model->flow->n_comp,
                 n_sites = (size_t)model->lattice->n_sites;
    double *stored = kad_write_scratch(w, draws->n, n_comp * n_sites * sizeof *stored);
    if (stored == NULL) return;
    kad_by_component(draws->n, n_sites, n_comp, draws->x, stored);
    kad_model_write_configs(w, model, "configs", "configurations drawn from the map",
                            draws->n, stored);
    kad_write(w, "log_q", KAD_H5_F64, "cfg", "nats", "ln of the map's density", &draws->n,
              draws->lnq);
    for (size_t i = 0; i < draws->n * n_comp * n_sites && width > 0; i++)
        stored[i] = kad_data_round(width, origin, stored[i]);
    if (width > 0)
        kad_model_write_configs(
            w, model, "values",
            "the same, each the nearest value of data.dequantise's grid", draws->n,
            stored);
    kad_free(stored);
}

static void say(const kad_app *app, const comparison *c, const set *data,
                const set *draws)
{
    char a[64], b[64];
    kad_say(app, "%-16s  %-18s  %s", "mean of", "samples held out", "draws of the map");
    for (size_t i = 0; i < c->n; i++) {
        kad_format_error(a, sizeof a, c->held_out[i], c->held_out_err[i]);
        kad_format_error(b, sizeof b, c->map[i], c->map_err[i]);
        kad_say(app, "%-16s  %-18s  %s", c->name[i], a, b);
    }
    kad_say(app, "(%zu samples, %zu draws; nll: -ln q a site)", data->n, draws->n);
}

static kad_status write_all(kad_pipeline *p, const kad_measure *measure, const set *data,
                            const set *draws, kad_h5 *file)
{
    comparison c = {.n = 0};
    compare(measure, data, draws, &c);
    say(p->app, &c, data, draws);
    kad_writer w = kad_write_anew(&p->app->ctx, file, "/data");
    kad_write_names(&w, "name", "name", "of the observable; nll: -ln q a site", c.n,
                    c.name);
    write_columns(&w, "name", &c);
    kad_write_int(&w, "n_held_out", (int64_t)data->n);
    kad_write_int(&w, "n_draws", (int64_t)draws->n);
    KAD_CALL(kad_write_end(&w));
    w = kad_write_into(&p->app->ctx, file, "/data/correlator");
    write_correlator(&w, measure, data, draws, &c);
    KAD_CALL(kad_write_end(&w));
    w = kad_write_into(&p->app->ctx, file, "/data/draws");
    write_draws(&w, p->model, p->options.train.data.dequantise, data->origin, draws);
    return kad_write_end(&w);
}

/* A mean that a map cannot have. */
static void note_sign(const kad_pipeline *p, const kad_measure *measure, const set *data)
{
    double mean, err;
    if ((p->model->field->flags & KAD_ACTION_SYMMETRIC) == 0) return;
    for (int i = 0; i < measure->n_plain; i++) {
        if (strcmp(measure->ops[i]->name, "m") != 0) continue;
        mean_of(data, measure->offset[i], &mean, &err);
        if (!(fabs(mean) > 5 * err)) continue;
        kad_note(&p->app->ctx,
                 "data: the mean of the samples' field is %.4g(%.1g), but the map has "
                 "q(-x) = q(x), and so none: flow.symmetry=none",
                 mean, err);
    }
}

kad_status kad_data_stage(kad_pipeline *p)
{
    kad_ctx *ctx = &p->app->ctx;
    KAD_SCOPE(scope, ctx);
    KAD_LOCAL(kad_h5, file);
    KAD_LOCAL(kad_map, map);
    KAD_LOCAL(kad_measure, measure);
    set data, draws;
    if (p->model->action != NULL || p->options.train.data.draws == 0) return KAD_OK;
    KAD_CALL(kad_results_open(ctx, p->run, &file));
    if (kad_h5_exists(file, "/data/draws/configs")) return KAD_OK;
    KAD_CALL(kad_model_load_map(ctx, p->model, file, &map));
    KAD_CALL(kad_measure_create(ctx, p->model->field, p->model->seed, 0, &measure));
    KAD_CALL(infer_held_out(&scope, p, map, measure, &data));
    note_sign(p, measure, &data);
    KAD_CALL(draw(&scope, p, map, measure, &draws));
    KAD_CALL(write_all(p, measure, &data, &draws, file));
    return kad_results_save(ctx, p->run, file);
}
