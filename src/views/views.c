#include "views/views.h"

#include "base/signals.h"

#include <stdio.h>

#define ADDRESS(name) &kad_view_##name,
const kad_image_view *const kad_view_list[] = {KAD_VIEWS(ADDRESS) NULL};

const kad_key kad_view_keys[] = {
    {"images.coding", KAD_INT_OF(kad_view_options, coding), "1000", 0, 1e6, "images",
     NULL, "held-out images that are encoded and decoded, to count those that come back"},
    {"images.inpaint", KAD_INT_OF(kad_view_options, inpaint), NULL, 0, 1e5, "images",
     NULL,
     "held-out images with a hole in the middle that is filled in (pixels: 64; rgflow, "
     "realnvp, where it takes long: none)"},
    {"images.hole", KAD_INT_OF(kad_view_options, hole), "8", 1, 4096, "sites", NULL,
     "its side"},
    {"images.sweeps", KAD_INT_OF(kad_view_options, sweeps), "12", 2, 1e6, "", NULL,
     "sweeps over it (pixels: Gibbs-Metropolis; rgflow, realnvp: Hamiltonian "
     "trajectories); the second half are averaged"},
    {"images.receptive", KAD_INT_OF(kad_view_options, receptive), "8", 0, 1e4, "images",
     NULL, "draws that receptive fields are averaged over"},
    {"images.rows", KAD_INT_OF(kad_view_options, rows), "8", 0, 256, "", NULL,
     "rows of the sheets of progressive generation, walks, mixing and arithmetic"},
    {"images.attribute", KAD_STRING_OF(kad_view_options, attribute), "brightness", 1, 0,
     "", NULL,
     "label of the data whose upper and lower third are the groups that latents are "
     "moved between; brightness: the mean level"},
    {"images.attribute_images", KAD_INT_OF(kad_view_options, attribute_images), "512", 0,
     1e6, "images", NULL, "images trained on that these groups are taken from"},
    {"images.outliers", KAD_PATH_OF(kad_view_options, outliers), NULL, 1, 0, "",
     "msds1|msds2|pinwheel|fashion",
     "a second source of images (as data.source) whose bits by level are compared with "
     "those of images held out"},
    {"images.outlier_images", KAD_INT_OF(kad_view_options, outlier_images), "1000", 1,
     1e6, "images", NULL, "images of either source that are compared"},
    {"images.latents", KAD_INT_OF(kad_view_options, latents), "1000", 0, 1e5, "images",
     NULL,
     "held-out images whose latents are tested: independent and of the prior where the "
     "map is right"},
    {"images.frechet", KAD_INT_OF(kad_view_options, frechet), "10000", 0, 1e6, "images",
     NULL,
     "samples, held-out images and images trained on, of each at most so many, whose "
     "distributions are compared by fixed features"},
    {"images.fid", KAD_PATH_OF(kad_view_options, fid), NULL, 1, 0, "", NULL,
     "HDF5 file with the weights of Inception-v3 (examples/inception.py makes it): FID "
     "beside the distance of fixed features"},
    {"images.fid_images", KAD_INT_OF(kad_view_options, fid_images), "10000", 4, 1e6,
     "images", NULL, "images of each set that it is taken of"},
};
const size_t kad_view_n_keys = sizeof kad_view_keys / sizeof kad_view_keys[0];

kad_status kad_views_check(kad_ctx *ctx, const kad_views *v)
{
    for (int i = 0; kad_view_list[i] != NULL; i++)
        if (kad_view_list[i]->check != NULL) KAD_CALL(kad_view_list[i]->check(ctx, v));
    return KAD_OK;
}

kad_status kad_view_make(kad_ctx *ctx, const kad_image_view *view, const kad_views *v,
                         kad_h5 *file, char line[KAD_VIEW_LINE])
{
    const double begun = kad_wall_seconds();
    char path[64];
    snprintf(path, sizeof path, "/images/%s", view->name);
    line[0] = '\0';
    KAD_CALL(kad_h5_remove(ctx, file, path));
    if (!view->asked(v)) {
        if (view->lacks) view->lacks(v, line);
        return KAD_OK;
    }
    KAD_CALL(kad_stop_check(ctx, path));
    kad_writer w = kad_write_anew(ctx, file, path);
    KAD_CALL(view->run(ctx, v, &w, line));
    kad_write_real(&w, "seconds", kad_wall_seconds() - begun);
    return kad_write_end(&w);
}
