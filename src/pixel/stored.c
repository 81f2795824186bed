#include "pixel/stored.h"

#include <string.h>

static const char path[] = "/images/map/theta", data[] = "/images/data";

static kad_status read_int(kad_ctx *ctx, kad_h5 *file, const char *at, const char *name,
                           int *out)
{
    enum { MOST = 1 << 13 };
    int64_t value;
    KAD_CALL(kad_h5_attr_int(ctx, file, at, name, &value));
    if (value < 0 || value > MOST)
        return kad_fail(ctx, KAD_EDATA, "%s: its %s is %lld", at, name, (long long)value);
    *out = (int)value;
    return KAD_OK;
}

/* What maps of older runs are without. */
static kad_status read_later(kad_ctx *ctx, kad_h5 *file, const char *name, int *out)
{
    if (!kad_h5_attr_exists(file, path, name)) return KAD_OK;
    return read_int(ctx, file, path, name, out);
}

static kad_status read_options(kad_ctx *ctx, kad_h5 *file, kad_pixel_options *o)
{
    int position = 0, bfloat = 0, tint = 0, overview = 0;
    KAD_CALL(read_int(ctx, file, path, "hidden", &o->hidden));
    KAD_CALL(read_int(ctx, file, path, "blocks", &o->blocks));
    KAD_CALL(read_int(ctx, file, path, "components", &o->components));
    KAD_CALL(read_int(ctx, file, path, "radius", &o->radius));
    KAD_CALL(read_int(ctx, file, path, "causal", &o->causal));
    KAD_CALL(read_int(ctx, file, path, "window", &o->window));
    KAD_CALL(read_int(ctx, file, path, "position", &position));
    o->position = position != 0;
    KAD_CALL(read_later(ctx, file, "bfloat", &bfloat));
    KAD_CALL(read_later(ctx, file, "tint", &tint));
    KAD_CALL(read_later(ctx, file, "overview", &overview));
    o->bfloat = bfloat != 0;
    o->tint = tint != 0;
    o->overview = overview != 0;
    KAD_CALL(read_later(ctx, file, "reach", &o->reach));
    KAD_CALL(read_later(ctx, file, "origin_y", &o->origin[0]));
    return read_later(ctx, file, "origin_x", &o->origin[1]);
}

static kad_status check_recipe(kad_ctx *ctx, kad_h5 *file)
{
    KAD_SCOPE(scope, ctx);
    char *recipe;
    if (!kad_h5_exists(file, path))
        return kad_fail(ctx, KAD_ENOINPUT, "run.h5: no trained map of images in it");
    KAD_CALL(kad_h5_attr_string(&scope, file, path, "recipe", &recipe));
    if (strcmp(recipe, "pixels") == 0) return KAD_OK;
    return kad_fail(ctx, KAD_ECONFIG,
                    "this is for maps of recipe pixels, and the run's is one of %s",
                    recipe);
}

kad_status kad_pixel_map_read(kad_scope *in, kad_h5 *file, kad_pixel_map **out,
                              double **theta)
{
    kad_ctx *ctx = in->ctx;
    KAD_LOCAL(kad_pixel_map, map);
    kad_pixel_options o = {0};
    int channels = 0, height = 0, width = 0;
    *out = NULL;
    KAD_CALL(check_recipe(ctx, file));
    KAD_CALL(read_options(ctx, file, &o));
    KAD_CALL(read_int(ctx, file, data, "channels", &channels));
    KAD_CALL(read_int(ctx, file, data, "height", &height));
    KAD_CALL(read_int(ctx, file, data, "width", &width));
    const kad_status made = kad_pixel_map_create(ctx, &o, channels, height, width, &map);
    if (made == KAD_ECONFIG)
        return kad_fail(ctx, KAD_EDATA, "%s: no map has these attributes", path);
    KAD_CALL(made);
    KAD_CALL(kad_take(in, map->n_theta, theta));
    KAD_CALL(kad_h5_read(ctx, file, path, KAD_H5_F64, 1, &map->n_theta, *theta));
    *out = map;
    map = NULL;
    return KAD_OK;
}
