#include "views/source.h"

#include "io/file.h"

#include <stdlib.h>
#include <string.h>

/* Decoded images lie in a folder of their own as long as they are being read, and after
 * that only in the mapping. */
static kad_status open_unnamed(kad_ctx *ctx, kad_image_options *options,
                               const char *folder, kad_image_store **out)
{
    KAD_SCOPE(scope, ctx);
    char *path;
    const char *name;
    KAD_CALL(kad_take_printf(&scope, &name, "%s/.images-XXXXXX", folder));
    KAD_CALL(kad_take_text(&scope, name, &path));
    if (mkdtemp(path) == NULL)
        return kad_fail(ctx, KAD_ECREATE, "%s: no temporary folder can be made in it",
                        folder);
    options->cache = path;
    const kad_status status = kad_image_store_open(ctx, options, folder, out);
    if (status != KAD_OK) {
        kad_ctx other;
        kad_ctx_init(&other, 1); /* what failed keeps its message */
        (void)(kad_file_remove_folder(&other, path) == KAD_OK);
        return status;
    }
    return kad_file_remove_folder(ctx, path);
}

kad_status kad_view_source_open(kad_ctx *ctx, const kad_image_options *data,
                                const char *source, int64_t limit, const char *folder,
                                kad_view_source *out)
{
    KAD_SCOPE(scope, ctx);
    kad_image_options o = *data;
    const char *copy;
    *out = (kad_view_source){0};
    KAD_CALL(kad_take_text(&scope, source, &copy));
    char *colon = strstr((char *)copy, ":/");
    o.source = copy;
    o.dataset = NULL;
    if (colon != NULL) {
        *colon = '\0';
        o.dataset = colon + 1;
    }
    o.sha256 = NULL;
    o.held_out = 0;
    o.validation = 0;
    o.own_sides = true;
    o.limit = limit;
    o.flip = false;
    KAD_CALL(open_unnamed(ctx, &o, folder, &out->store));
    const kad_image_set *set = kad_image_store_set(out->store);
    out->held_out = set->held_out.n > 0;
    out->images = out->held_out ? &set->held_out : &set->train;
    return KAD_OK;
}

kad_status kad_view_source_check(kad_ctx *ctx, const kad_view_source *s,
                                 const char *source, int channels, int height, int width)
{
    const kad_images *im = s->images;
    if (im->n_channels == channels && im->height == height && im->width == width)
        return KAD_OK;
    return kad_fail(
        ctx, KAD_EDATA, "%s: images of %d x %d x %d, but the map is one of %d x %d x %d",
        source, im->n_channels, im->height, im->width, channels, height, width);
}
