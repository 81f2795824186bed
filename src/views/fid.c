/* The Frechet Inception distance of samples from images held out (M. Heusel et al.,
 * arXiv:1706.08500). */
#include "features/inception.h"
#include "views/distances.h"

#include <stdio.h>

/* A distance of 2048 features takes seconds: few blocks are left out. */
enum {
    BLOCKS = 5,
    ENOUGH = 4 /* images of a set */,
    DIGITS = 12 /* of the digest, said */
};

static kad_status features(kad_scope *in, const void *self, const kad_images *images,
                           size_t n, const size_t *index, kad_features *out)
{
    return kad_inception_features(in, self, images, n, index, out);
}

static kad_status run(kad_ctx *ctx, const kad_views *v, kad_writer *w,
                      char line[KAD_VIEW_LINE])
{
    KAD_LOCAL(kad_inception, net);
    kad_view_distance d[KAD_PAIRS];
    char weights[32];
    KAD_CALL(kad_inception_create(ctx, v->options->fid, &net));
    kad_write_text(w, "features", "inception");
    kad_write_int(w, "n_features", KAD_INCEPTION_FEATURES);
    kad_write_text(w, "weights_sha256", kad_inception_digest(net));
    KAD_CALL(kad_view_distances(ctx, v, w, (size_t)v->options->fid_images, BLOCKS,
                                features, net, "1", d));
    snprintf(weights, sizeof weights, "; weights %.*s...", DIGITS,
             kad_inception_digest(net));
    kad_view_say_pairs(d, "FID", weights, line);
    return w->status;
}

static bool asked(const kad_views *v)
{
    return v->options->fid != NULL && kad_view_has_pairs(v, ENOUGH);
}

static void lacks(const kad_views *v, char line[KAD_VIEW_LINE])
{
    if (v->options->fid != NULL) kad_view_say_few(v, "FID", ENOUGH, line);
}

/* The weights are there, and whole. */
static kad_status check(kad_ctx *ctx, const kad_views *v)
{
    KAD_LOCAL(kad_inception, net);
    if (v->options->fid == NULL || v->set != NULL) return KAD_OK;
    return kad_inception_create(ctx, v->options->fid, &net);
}

const kad_image_view kad_view_fid = {
    .name = "fid",
    .summary = "Frechet Inception distance of samples to images held out",
    .asked = asked,
    .check = check,
    .lacks = lacks,
    .run = run,
};
