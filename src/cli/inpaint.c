/* `kadanoff inpaint`: the missing part of a picture, drawn given the rest. */
#include "analysis/report/image.h"
#include "base/memory.h"
#include "cli/command.h"
#include "cli/stored_images.h"
#include "io/file.h"
#include "views/source.h"

#include <math.h>
#include <string.h>

enum { DRAWS = 6, GREY = 128, GAP = 1, SCALE = 4 };

/* Its missing part grey, the draws, their mean, a most probable one. */
enum { COLUMNS = DRAWS + 3 };
static const double most_power = 16;

typedef struct work {
    kad_stored_images s;
    kad_view_source picture, mask;
    size_t size, plane, missing, touched;
    bool *hole, *cone;
    uint8_t *x; /* [COLUMNS][size] */
    double *mean;
    double bits[COLUMNS];
} work;

/* A picture read as the run's were, or if they were taken as they are, as its centre square
 * of the map's size. */
static kad_status open_picture(kad_app *app, work *w, const char *path, bool mask,
                               const char *folder, kad_view_source *out)
{
    const kad_image_map *map = w->s.map;
    kad_image_options o = w->s.p.options.images.data;
    if (o.size == 0 && o.pad == 0 && map->height == map->width) o.size = map->width;
    o.crops = o.crop = 0;
    o.grey = mask || map->n_channels == 1;
    KAD_CALL(kad_view_source_open(&app->ctx, &o, NULL, path, 1, folder, out));
    return kad_view_source_check(&app->ctx, out, path, mask ? 1 : map->n_channels,
                                 map->height, map->width);
}

static kad_status read_mask(kad_app *app, kad_scope *in, work *w)
{
    const uint8_t *mask = kad_image_at(w->mask.images, 0);
    KAD_CALL(kad_take(in, w->plane, &w->hole));
    KAD_CALL(kad_take(in, w->plane, &w->cone));
    for (size_t i = 0; i < w->plane; i++)
        w->missing += w->hole[i] = mask[i] >= 128;
    w->touched = w->s.map->ops->inference_cone(w->s.plan, w->hole, w->cone);
    if (w->missing > 0) return KAD_OK;
    return kad_fail(&app->ctx, KAD_EDATA,
                    "%s: masks nothing: what is missing is white in it", app->mask);
}

static kad_status draw(kad_app *app, kad_scope *in, work *w)
{
    kad_image_inpainting what = {.hole = w->hole,
                                 .sweeps = w->s.p.options.images.views.sweeps,
                                 .power = 1,
                                 .seed = w->s.p.options.model.seed};
    const uint8_t *given = kad_image_at(w->picture.images, 0);
    uint8_t *drawn, *map, *mean;
    KAD_CALL(kad_take(in, COLUMNS * w->size, &w->x));
    KAD_CALL(kad_take(in, DRAWS * w->size, &w->mean));
    for (size_t k = 0; k < COLUMNS; k++)
        for (size_t i = 0; i < w->size; i++)
            w->x[k * w->size + i] = w->hole[i % w->plane] ? k == 0 ? GREY : 0 : given[i];
    drawn = w->x + w->size;
    mean = w->x + (1 + DRAWS) * w->size;
    map = mean + w->size;
    KAD_CALL(
        w->s.map->ops->inpaint(&app->ctx, w->s.plan, &what, DRAWS, drawn, w->mean, NULL));
    what.power = most_power;
    KAD_CALL(w->s.map->ops->inpaint(&app->ctx, w->s.plan, &what, 1, map, NULL, NULL));
    for (size_t i = 0; i < w->size; i++) {
        double sum = 0;
        for (size_t k = 0; k < DRAWS; k++)
            sum += w->mean[k * w->size + i];
        if (w->hole[i % w->plane]) mean[i] = (uint8_t)lrint(sum / DRAWS);
    }
    return KAD_OK;
}

static kad_status count_bits(kad_app *app, kad_scope *in, work *w)
{
    const size_t n_bits = (size_t)(w->s.map->n_levels * w->s.map->n_channels);
    double *bits;
    KAD_CALL(kad_take(in, COLUMNS * n_bits, &bits));
    KAD_CALL(
        w->s.map->ops->encode(&app->ctx, w->s.plan, 0, 0, COLUMNS, w->x, NULL, bits));
    for (size_t k = 0; k < COLUMNS; k++)
        for (size_t b = 0; b < n_bits; b++)
            w->bits[k] += bits[k * n_bits + b] / (double)w->size;
    return KAD_OK;
}

/* One row of pictures. */
static kad_status save_sheet(kad_app *app, kad_scope *in, const work *w, const char *path)
{
    const int h = w->s.map->height, width = w->s.map->width, C = w->s.map->n_channels;
    const int across = COLUMNS * (width + GAP) - GAP;
    unsigned char *rgb, *bytes;
    size_t n_bytes;
    KAD_CALL(kad_take(in, 3 * (size_t)across * (size_t)h, &rgb));
    memset(rgb, GREY, 3 * (size_t)across * (size_t)h);
    for (int k = 0; k < COLUMNS; k++)
        for (int y = 0; y < h; y++)
            for (int x = 0; x < width; x++)
                for (int a = 0; a < 3; a++)
                    rgb[3 * (y * across + k * (width + GAP) + x) + a] =
                        w->x[(size_t)k * w->size +
                             (size_t)((a < C ? a : 0) * h + y) * (size_t)width +
                             (size_t)x];
    KAD_CALL(kad_image_png(in, across, h, rgb, SCALE, &bytes, &n_bytes));
    return kad_file_write(&app->ctx, path, 1, &(kad_file_piece){bytes, n_bytes});
}

static kad_status inpaint(kad_app *app, work *w)
{
    kad_ctx *ctx = &app->ctx;
    KAD_SCOPE(scope, ctx);
    const char *out = app->out != NULL ? app->out : "inpainted.png", *folder;
    if (app->mask == NULL)
        return kad_fail(ctx, KAD_EUSAGE, "inpaint: --mask says what is missing");
    KAD_CALL(kad_stored_images_open(app, KAD_RUN_READ, "images.", &w->s));
    w->size = kad_image_map_size(w->s.map);
    w->plane = (size_t)w->s.map->height * (size_t)w->s.map->width;
    KAD_CALL(kad_stored_folder_of(&scope, out, &folder));
    KAD_CALL(open_picture(app, w, app->args[1], false, folder, &w->picture));
    KAD_CALL(open_picture(app, w, app->mask, true, folder, &w->mask));
    KAD_CALL(read_mask(app, &scope, w));
    KAD_CALL(draw(app, &scope, w));
    KAD_CALL(count_bits(app, &scope, w));
    KAD_CALL(save_sheet(app, &scope, w, out));
    kad_say(app, "%zu of %zu sites are missing; filling them touches %zu latents",
            w->missing, w->plane, w->touched);
    kad_say(app, "bits per dimension: %.4g grey, %.4g drawn, %.4g the most probable",
            w->bits[0], w->bits[1], w->bits[COLUMNS - 1]);
    kad_say(app, "%s: the picture, %d draws, their mean, the most probable", out, DRAWS);
    return app->pictures != NULL ? kad_stored_pictures(app, w->s.map, app->pictures,
                                                       "inpainted", COLUMNS, w->x)
                                 : KAD_OK;
}

kad_status kad_cmd_inpaint(kad_app *app)
{
    work w = {0};
    const kad_status status = inpaint(app, &w);
    kad_image_store_close(w.picture.store);
    kad_image_store_close(w.mask.store);
    kad_stored_images_close(&w.s);
    return status;
}
