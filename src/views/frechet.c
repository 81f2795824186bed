/* How far samples are from images held out, by features that no network has learnt. */
#include "features/pyramid.h"
#include "io/progress.h"
#include "views/distances.h"

#include <stdio.h>

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
    char samples[64], halves[64];
    kad_write_text(w, "features", "pyramid");
    kad_write_int(w, "n_features",
                  kad_pyramid_width(im->n_channels, im->height, im->width));
    KAD_CALL(kad_view_distances(ctx, v, w, (size_t)v->options->frechet, BLOCKS, features,
                                NULL, "levels^2", d));
    snprintf(line, KAD_VIEW_LINE,
             "distance (Frechet, fixed features) of %zu samples to those held out %s, "
             "between halves of those trained on %s",
             d[KAD_PAIR_SAMPLES].n,
             kad_format_error(samples, sizeof samples, d[KAD_PAIR_SAMPLES].d.value,
                              d[KAD_PAIR_SAMPLES].d.error),
             kad_format_error(halves, sizeof halves, d[KAD_PAIR_HALVES].d.value,
                              d[KAD_PAIR_HALVES].d.error));
    return w->status;
}

static bool asked(const kad_views *v)
{
    return v->options->frechet >= ENOUGH && v->n_samples >= ENOUGH &&
           v->set->held_out.n >= ENOUGH && v->set->train.n >= 2 * ENOUGH;
}

const kad_image_view kad_view_frechet = {
    .name = "frechet",
    .summary = "distance of samples to images held out, by fixed features",
    .any_map = true,
    .asked = asked,
    .run = run,
};
