/* `kadanoff infer` on fields: what a trained map says of configurations that somebody else
 * made. (Images: infer_images.c.) */
#include "cli/infer.h"
#include "base/memory.h"
#include "base/tile.h"
#include "base/weights.h"
#include "cli/command.h"
#include "cli/stored_images.h"
#include "cli/stored_run.h"
#include "io/progress.h"
#include "io/writer.h"
#include "record/weigh.h"
#include "run/pipeline.h"
#include "sample/fields.h"
#include "train/data.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CHUNK = 1024 };

typedef struct inferred {
    size_t n, n_rows;
    double *log_q, *log_w; /* [n]; log_w NULL where no action is known */
    double *z;             /* [n][component][site] */
} inferred;

kad_status kad_infer_split(kad_scope *in, const char *name, const char *otherwise,
                           char **path, const char **dataset)
{
    const char *copy;
    KAD_CALL(kad_take_text(in, name, &copy));
    *path = (char *)copy;
    char *colon = strstr(*path, ":/");
    *dataset = colon != NULL ? colon + 1 : otherwise;
    if (colon != NULL) *colon = '\0';
    return KAD_OK;
}

kad_status kad_infer_latents(kad_app *app, kad_scope *in, int rank, const size_t *shape,
                             const char *axes, size_t *n, double **z)
{
    kad_ctx *ctx = in->ctx;
    KAD_SCOPE(scope, ctx);
    KAD_LOCAL(kad_h5, file);
    char *path;
    const char *dataset;
    int stored_rank;
    size_t d[KAD_H5_MAX_RANK], size = 1;
    KAD_CALL(kad_infer_split(&scope, app->args[1], "/latents", &path, &dataset));
    KAD_CALL(kad_h5_open(ctx, path, false, 0, &file));
    if (!kad_h5_exists(file, dataset))
        return kad_fail(ctx, KAD_ENOINPUT, "%s: no data set %s", path, dataset);
    KAD_CALL(kad_h5_shape(ctx, file, dataset, &stored_rank, d));
    bool fits = stored_rank == rank && d[0] > 0;
    for (int i = 1; fits && i < rank; i++) {
        fits = d[i] == shape[i - 1];
        size *= d[i];
    }
    if (!fits)
        return kad_fail(ctx, KAD_EDATA, "%s:%s: latents of this map are %s", path,
                        dataset, axes);
    *n = d[0];
    KAD_CALL(kad_take(in, *n * size, z));
    KAD_CALL(kad_h5_read(ctx, file, dataset, KAD_H5_F64, rank, d, *z));
    for (size_t i = 0; i < *n * size; i++)
        if (!isfinite((*z)[i]))
            return kad_fail(ctx, KAD_EDATA, "%s:%s: holds numbers that are not finite",
                            path, dataset);
    return KAD_OK;
}

/* Rows [site][component] of a chunk of flow variables y. */
static kad_status infer_chunk(kad_ctx *ctx, const kad_model *model, const kad_map *map,
                              size_t n, const double *y, double *x, double *z,
                              double *log_q, double *log_w)
{
    if (log_w == NULL) return kad_map_lnq(ctx, map, n, KAD_DOUBLE, y, log_q, z);
    KAD_CALL(kad_action_boundary(ctx, model->action, n, y, x));
    KAD_CALL(kad_weights_of(ctx, model->action, map, n, x, log_q, log_w));
    return kad_fields_latents(ctx, model->action, map, n, x, z);
}

static kad_status infer(kad_scope *in, const kad_model *model, const kad_map *map,
                        const kad_data *data, inferred *out)
{
    KAD_SCOPE(scope, in->ctx);
    const size_t n_comp = (size_t)model->flow->n_comp, rows = data->n_rows;
    double *x, *z;
    *out = (inferred){.n = data->n, .n_rows = rows};
    KAD_CALL(kad_take(in, data->n, &out->log_q));
    if (model->action != NULL) KAD_CALL(kad_take(in, data->n, &out->log_w));
    KAD_CALL(kad_take(in, data->n * rows, &out->z));
    KAD_CALL(kad_take(&scope, CHUNK * rows, &x));
    KAD_CALL(kad_take(&scope, CHUNK * rows, &z));
    for (size_t at = 0; at < data->n; at += CHUNK) {
        const size_t n = data->n - at < CHUNK ? data->n - at : CHUNK;
        KAD_CALL(infer_chunk(in->ctx, model, map, n, data->y + at * rows, x, z,
                             out->log_q + at,
                             out->log_w != NULL ? out->log_w + at : NULL));
        kad_by_component(n, rows / n_comp, n_comp, z, out->z + at * rows);
    }
    return KAD_OK;
}

void kad_infer_head(kad_writer *w, const kad_app *app, const char *model)
{
    kad_write_text(w, "Conventions", "KADANOFF-1");
    kad_write_int(w, "format_version", KAD_FORMAT_VERSION);
    kad_write_text(w, "run", app->args[0]);
    if (model != NULL) kad_write_text(w, "model", model);
    kad_write_text(w, "source", app->args[1]);
}

static kad_status write_file(kad_app *app, const kad_stored_run *stored,
                             const inferred *r)
{
    kad_ctx *ctx = &app->ctx;
    KAD_LOCAL(kad_h5, file);
    char model[KAD_ACTION_DESCRIPTION];
    kad_model_describe(stored->model, sizeof model, model);
    KAD_CALL(kad_h5_create(ctx, &file));
    kad_writer w = kad_write_into(ctx, file, "/");
    kad_infer_head(&w, app, model);
    kad_stored_couplings_write(&w, stored->model);
    kad_write(&w, "log_q", KAD_H5_F64, "cfg", "nats", "ln of the map's density", &r->n,
              r->log_q);
    if (r->log_w != NULL)
        kad_write(&w, "log_weight", KAD_H5_F64, "cfg", "nats",
                  "ln Z offset - S - ln q: its mean over the model is at least ln Z",
                  &r->n, r->log_w);
    kad_model_write_configs(&w, stored->model, "latents",
                            "latent variables, each at the site it belongs to", r->n,
                            r->z);
    KAD_CALL(kad_write_end(&w));
    return kad_h5_save(ctx, file, app->out, false);
}

/* Mean and its error as if the values were independent. */
static void say_mean(kad_app *app, const char *what, size_t n, const double *values)
{
    double sum = 0, square = 0;
    char text[64];
    for (size_t i = 0; i < n; i++)
        sum += values[i];
    for (size_t i = 0; i < n; i++)
        square += (values[i] - sum / (double)n) * (values[i] - sum / (double)n);
    kad_format_error(text, sizeof text, sum / (double)n,
                     sqrt(square / (double)n / fmax(1, (double)n - 1)));
    kad_say(app, "%s %s", what, text);
}

/* The map knows densities: values of a grid get the noise of an evaluation. */
static kad_status dequantise(kad_ctx *ctx, const kad_data_options *o, const char *path,
                             kad_data *data)
{
    if (!(o->dequantise > 0)) return KAD_OK;
    KAD_CALL(kad_data_check_grid(ctx, path, o->dequantise, data));
    for (size_t i = 0; i < data->n; i++)
        kad_data_spread_fixed(o->dequantise, i, data->n_rows, data->y + i * data->n_rows);
    return KAD_OK;
}

static kad_status work(kad_app *app, kad_stored_run *stored, kad_data *data)
{
    kad_ctx *ctx = &app->ctx;
    KAD_SCOPE(scope, ctx);
    KAD_LOCAL(kad_map, map);
    char *path;
    const char *dataset;
    inferred r;
    KAD_CALL(kad_stored_map_open(app, stored, &map));
    KAD_CALL(kad_infer_split(&scope, app->args[1], "/configs", &path, &dataset));
    KAD_CALL(kad_data_load(ctx, "infer", path, dataset, stored->model, data));
    KAD_CALL(dequantise(ctx, &stored->options.train.data, path, data));
    KAD_CALL(infer(&scope, stored->model, map, data, &r));
    if (app->out == NULL) app->out = "inferred.h5";
    KAD_CALL(write_file(app, stored, &r));
    kad_say(app, "%zu configurations of %s", r.n, app->args[1]);
    say_mean(app, "<ln q>", r.n, r.log_q);
    if (r.log_w != NULL) say_mean(app, "<ln w> (at least ln Z)", r.n, r.log_w);
    kad_say(app, "errors as if they were independent; %s", app->out);
    return KAD_OK;
}

kad_status kad_cmd_infer(kad_app *app)
{
    kad_stored_run stored = {0};
    kad_data data = {0};
    bool images;
    KAD_CALL(kad_stored_images_ask(app, &images));
    if (images) return kad_infer_images(app);
    const kad_status status = work(app, &stored, &data);
    kad_data_clear(&data);
    kad_stored_run_close(&stored);
    return status;
}
