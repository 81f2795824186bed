/* `kadanoff generate`: configurations, or images, of latents: `infer` backwards. (Images:
 * infer_images.c.) */
#include "base/memory.h"
#include "base/tile.h"
#include "cli/command.h"
#include "cli/infer.h"
#include "cli/stored_images.h"
#include "cli/stored_run.h"
#include "sample/fields.h"
#include "train/data.h"

#include <math.h>

enum { CHUNK = 1024 };

/* Latents [n][component][site] to rows [site][component]. */
static kad_status read_latents(kad_app *app, kad_scope *in, const kad_model *model,
                               size_t *n, double **z)
{
    KAD_SCOPE(scope, in->ctx);
    const kad_lattice *lattice = model->lattice;
    size_t shape[KAD_H5_MAX_RANK] = {(size_t)model->flow->n_comp};
    const char *axes;
    double *stored;
    for (int mu = 0; mu < lattice->d; mu++)
        shape[1 + mu] = (size_t)lattice->shape[mu];
    KAD_CALL(kad_take_printf(&scope, &axes, "[n][%zu] and the lattice's axes", shape[0]));
    KAD_CALL(kad_infer_latents(app, &scope, lattice->d + 2, shape, axes, n, &stored));
    KAD_CALL(kad_take(in, *n * shape[0] * (size_t)lattice->n_sites, z));
    kad_by_site(*n, (size_t)lattice->n_sites, shape[0], stored, *z);
    return KAD_OK;
}

/* Boundary configurations [n][component][site], in place of the latents. */
static kad_status generate(kad_ctx *ctx, const kad_stored_run *s, const kad_map *map,
                           size_t n, double *z)
{
    KAD_SCOPE(scope, ctx);
    const kad_model *model = s->model;
    const size_t n_comp = (size_t)model->flow->n_comp,
                 n_sites = (size_t)model->lattice->n_sites, rows = n_comp * n_sites;
    double *y, *x, *lnp;
    KAD_CALL(kad_take(&scope, CHUNK * rows, &y));
    KAD_CALL(kad_take(&scope, CHUNK * rows, &x));
    KAD_CALL(kad_take(&scope, CHUNK, &lnp));
    for (size_t at = 0; at < n; at += CHUNK) {
        const size_t here = n - at < CHUNK ? n - at : CHUNK;
        KAD_CALL(kad_map_generate(ctx, map, here, KAD_DOUBLE, z + at * rows, y, NULL));
        if (model->action != NULL)
            KAD_CALL(kad_fields_of(ctx, model->action, model->seed, at, here, false, y, x,
                                   lnp));
        kad_by_component(here, n_sites, n_comp, model->action != NULL ? x : y,
                         z + at * rows);
    }
    return KAD_OK;
}

/* Of a map of values of a grid: x is rounded to it. */
static kad_status write_values(kad_ctx *ctx, const kad_stored_run *s, kad_writer *w,
                               size_t n, double *x)
{
    const double width = s->options.train.data.dequantise;
    const size_t n_values = n * (size_t)s->model->flow->n_rows;
    double origin;
    if (!(width > 0)) return KAD_OK;
    KAD_CALL(kad_h5_attr_real(ctx, s->file, "/training", "data_origin", &origin));
    for (size_t i = 0; i < n_values; i++)
        x[i] = kad_data_round(width, origin, x[i]);
    kad_model_write_configs(w, s->model, "values",
                            "the same, each the nearest value of data.dequantise's grid",
                            n, x);
    return KAD_OK;
}

static kad_status write_file(kad_app *app, const kad_stored_run *s, size_t n, double *x)
{
    KAD_LOCAL(kad_h5, file);
    char text[KAD_ACTION_DESCRIPTION];
    kad_model_describe(s->model, sizeof text, text);
    KAD_CALL(kad_h5_create(&app->ctx, &file));
    kad_writer w = kad_write_into(&app->ctx, file, "/");
    kad_infer_head(&w, app, text);
    kad_stored_couplings_write(&w, s->model);
    kad_model_write_configs(&w, s->model, "configs",
                            "boundary configurations of the latents", n, x);
    KAD_CALL(write_values(&app->ctx, s, &w, n, x));
    KAD_CALL(kad_write_end(&w));
    return kad_h5_save(&app->ctx, file, app->out, true);
}

static kad_status generate_fields(kad_app *app, kad_stored_run *s)
{
    kad_ctx *ctx = &app->ctx;
    KAD_SCOPE(scope, ctx);
    KAD_LOCAL(kad_map, map);
    size_t n = 0;
    double *z;
    KAD_CALL(kad_stored_map_open(app, s, &map));
    if (app->pictures != NULL)
        return kad_fail(ctx, KAD_EUSAGE, "--pictures: of images only");
    KAD_CALL(read_latents(app, &scope, s->model, &n, &z));
    KAD_CALL(generate(ctx, s, map, n, z));
    if (app->out == NULL) app->out = "generated.h5";
    KAD_CALL(write_file(app, s, n, z));
    kad_say(app, "%zu configurations; %s", n, app->out);
    return KAD_OK;
}

kad_status kad_cmd_generate(kad_app *app)
{
    kad_stored_run stored = {0};
    bool images;
    KAD_CALL(kad_stored_images_ask(app, &images));
    if (images) return kad_generate_images(app);
    const kad_status status = generate_fields(app, &stored);
    kad_stored_run_close(&stored);
    return status;
}
