/* How far samples are from images held out, by features that no network has learnt. */
#include "features/pyramid.h"
#include "views/distances.h"

enum { BLOCKS = 20, ENOUGH = 8 /* images of a set */ };

static kad_status features(kad_scope *in, const void *self, const kad_images *images,
                           size_t n, const size_t *index, kad_features *out)
{
    (void)self;
    return kad_pyramid_features(in, images, n, index, out);
}

static kad_status run(kad_ctx *ctx, const kad_views *v, kad_writer *w,
                      char line[KAD_VIEW_LINE])
{
    const kad_images *im = &v->set->held_out;
    kad_view_distance d[KAD_PAIRS];
    kad_write_text(w, "features", "pyramid");
    kad_write_int(w, "n_features",
                  kad_pyramid_width(im->n_channels, im->height, im->width));
    KAD_CALL(kad_view_distances(ctx, v, w, (size_t)v->options->frechet, BLOCKS, features,
                                NULL, "levels^2", d));
    kad_view_say_pairs(d, "distance (Frechet, fixed features)", "", line);
    return w->status;
}

static bool asked(const kad_views *v)
{
    return v->options->frechet >= ENOUGH && kad_view_has_pairs(v, ENOUGH);
}

const kad_image_view kad_view_frechet = {
    .name = "frechet",
    .summary = "distance of samples to images held out, by fixed features",
    .any_map = true,
    .asked = asked,
    .run = run,
};
