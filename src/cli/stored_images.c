#include "cli/stored_images.h"

#include "analysis/report/image.h"
#include "base/memory.h"
#include "cli/stored_run.h"
#include "io/file.h"

#include <stdio.h>
#include <string.h>

enum { MAX_CONFIG_BYTES = 1 << 20 };

kad_status kad_stored_images_ask(kad_app *app, bool *images)
{
    KAD_LOCAL(kad_run, run);
    KAD_LOCAL(kad_h5, file);
    *images = false;
    KAD_CALL(kad_run_open(&app->ctx, app->args[0], KAD_RUN_READ, &run));
    KAD_CALL(kad_results_open(&app->ctx, run, &file));
    *images = kad_h5_exists(file, "/images");
    return KAD_OK;
}

kad_status kad_stored_images_refuse(kad_ctx *ctx, const kad_h5 *file, const char *run)
{
    if (!kad_h5_exists(file, "/images")) return KAD_OK;
    return kad_fail(ctx, KAD_ENOINPUT,
                    "%s: a run on images, of which this command knows nothing", run);
}

static kad_status read_config(kad_app *app, kad_scope *in, kad_stored_images *s)
{
    KAD_LOCAL(char, text);
    const char *path;
    KAD_CALL(kad_take_printf(in, &path, "%s/config.yaml", kad_run_path(s->p.run)));
    KAD_CALL(
        kad_run_read_text(&app->ctx, s->p.run, "config.yaml", MAX_CONFIG_BYTES, &text));
    KAD_CALL(kad_pipeline_prepare(&s->p, text, path, app->n_overrides, app->overrides));
    if (s->p.model == NULL) return KAD_OK;
    return kad_fail(&app->ctx, KAD_EDATA, "%s: its config is not one of images",
                    app->args[0]);
}

kad_status kad_stored_images_open(kad_app *app, kad_run_mode mode, const char *section,
                                  kad_stored_images *s)
{
    kad_ctx *ctx = &app->ctx;
    KAD_SCOPE(scope, ctx);
    double *theta;
    s->p.app = app;
    KAD_CALL(kad_stored_check_overrides(app, section));
    for (int i = 0; i < app->n_overrides; i++)
        if (strncmp(app->overrides[i], "data.limit=", 11) == 0) s->limited = true;
    KAD_CALL(kad_run_open(ctx, app->args[0], mode, &s->p.run));
    KAD_CALL(read_config(app, &scope, s));
    KAD_CALL(kad_results_open(ctx, s->p.run, &s->file));
    KAD_CALL(kad_images_map_read(&scope, &s->p.options.images, s->file, &s->map, &theta));
    return s->map->ops->plan_create(ctx, s->map, theta, &s->plan);
}

void kad_stored_images_close(kad_stored_images *s)
{
    if (s->map != NULL) s->map->ops->plan_destroy(s->plan);
    kad_image_map_destroy(s->map);
    kad_h5_close(s->file);
    kad_pipeline_release(&s->p);
}

kad_status kad_stored_folder_of(kad_scope *in, const char *path, const char **folder)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) return kad_take_printf(in, folder, ".");
    if (slash == path) return kad_take_printf(in, folder, "/");
    return kad_take_printf(in, folder, "%.*s", (int)(slash - path), path);
}

static void paint(const kad_image_map *map, const uint8_t *x, uint8_t *rgb)
{
    const int plane = map->height * map->width;
    for (int i = 0; i < plane; i++)
        for (int a = 0; a < 3; a++)
            rgb[3 * i + a] = x[(a < map->n_channels ? a : 0) * plane + i];
}

kad_status kad_stored_pictures(kad_app *app, const kad_image_map *map, const char *dir,
                               const char *name, size_t n, const uint8_t *x)
{
    kad_ctx *ctx = &app->ctx;
    KAD_SCOPE(scope, ctx);
    uint8_t *rgb;
    KAD_CALL(kad_file_make_folder(ctx, dir));
    KAD_CALL(kad_take(&scope, 3 * (size_t)map->height * (size_t)map->width, &rgb));
    for (size_t i = 0; i < n; i++) {
        KAD_SCOPE(one, ctx);
        unsigned char *bytes;
        const char *path;
        size_t n_bytes;
        paint(map, x + i * kad_image_map_size(map), rgb);
        KAD_CALL(kad_take_printf(&one, &path, "%s/%s_%04zu.png", dir, name, i));
        KAD_CALL(kad_image_png(&one, map->width, map->height, rgb, 1, &bytes, &n_bytes));
        KAD_CALL(kad_file_write(ctx, path, 1, &(kad_file_piece){bytes, n_bytes}));
    }
    kad_say(app, "%s: %zu pictures", dir, n);
    return KAD_OK;
}
