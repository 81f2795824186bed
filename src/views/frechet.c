/* How far samples are from images held out, by features that no network has learnt. */
#include "features/pyramid.h"
#include "views/distances.h"

enum { BLOCKS = 20, ENOUGH = KAD_VIEW_FRECHET_LEAST };
static const char what[] = "distance (Frechet, fixed features)";

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
    kad_view_say_pairs(d, what, "", line);
    return w->status;
}

static bool asked(const kad_views *v)
{
    return v->options->frechet > 0 && kad_view_has_pairs(v, ENOUGH);
}

static void lacks(const kad_views *v, char line[KAD_VIEW_LINE])
{
    if (v->options->frechet > 0) kad_view_say_few(v, what, ENOUGH, line);
}

const kad_image_view kad_view_frechet = {
    .name = "frechet",
    .summary = "distance of samples to images held out, by fixed features",
    .asked = asked,
    .lacks = lacks,
    .run = run,
};
