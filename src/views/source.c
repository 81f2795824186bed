#include "views/source.h"

#include "image/plan.h"
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

/* Read as the run's own images are, all of them, or those that the source holds out. */
static kad_status options_of(kad_scope *in, const kad_image_options *data,
                             const char *key, const char *source, int64_t limit,
                             kad_image_options *o)
{
    char *copy, *colon = NULL;
    bool whole; /* a path may hold a colon */
    KAD_CALL(kad_take_text(in, source, &copy));
    KAD_CALL(kad_file_exists(in->ctx, source, &whole));
    for (char *at = copy; !whole && (at = strstr(at, ":/")) != NULL; at++)
        colon = at; /* the last one */
    if (colon != NULL) *colon = '\0';
    *o = *data;
    o->source = copy;
    o->key = key;
    o->dataset = colon != NULL ? colon + 1 : NULL;
    o->sha256 = NULL;
    o->held_out = 0;
    o->validation = 0;
    o->own_sides = true;
    o->limit = limit;
    o->flip = false;
    return KAD_OK;
}

kad_status kad_view_source_open(kad_ctx *ctx, const kad_image_options *data,
                                const char *key, const char *source, int64_t limit,
                                const char *folder, kad_view_source *out)
{
    KAD_SCOPE(scope, ctx);
    kad_image_options o;
    *out = (kad_view_source){0};
    KAD_CALL(options_of(&scope, data, key, source, limit, &o));
    KAD_CALL(open_unnamed(ctx, &o, folder, &out->store));
    const kad_image_set *set = kad_image_store_set(out->store);
    out->held_out = set->held_out.n > 0;
    out->images = out->held_out ? &set->held_out : &set->train;
    return KAD_OK;
}

/* Shapes [channels, height, width]. */
static kad_status compare_shapes(kad_ctx *ctx, const char *source, const int is[3],
                                 const int map[3])
{
    if (memcmp(is, map, 3 * sizeof *is) == 0) return KAD_OK;
    return kad_fail(ctx, KAD_EDATA,
                    "%s: images of %d x %d x %d, but the map is one of %d x %d x %d",
                    source, is[0], is[1], is[2], map[0], map[1], map[2]);
}

kad_status kad_view_source_check(kad_ctx *ctx, const kad_view_source *s,
                                 const char *source, int channels, int height, int width)
{
    const kad_images *im = s->images;
    return compare_shapes(ctx, source, (int[]){im->n_channels, im->height, im->width},
                          (int[]){channels, height, width});
}

kad_status kad_view_source_measure(kad_ctx *ctx, const kad_image_options *data,
                                   const char *key, const char *source,
                                   const kad_images *like)
{
    KAD_SCOPE(scope, ctx);
    kad_image_options o;
    kad_image_source opened;
    kad_image_plan plan;
    KAD_CALL(options_of(&scope, data, key, source, 0, &o));
    KAD_CALL(kad_image_source_open(&scope, &o, &opened));
    if (like == NULL) return KAD_OK;
    KAD_CALL(kad_image_plan_make(&scope, &o, &opened, &plan));
    return compare_shapes(ctx, source, (int[]){plan.n_channels, plan.height, plan.width},
                          (int[]){like->n_channels, like->height, like->width});
}
