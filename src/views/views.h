/* What is read off a map that was trained on images, on images it has not seen. A view is
 * a group /images/NAME of a results file and a section of the report: a file here and a
 * line in KAD_VIEWS.
 *
 * This folder:
 *   views      the list, its options, and the walk through it
 *   distances  of sets of images, by features
 *   store      images and latents as data sets
 *   source     images of another source than the run's own */
#ifndef KAD_VIEWS_VIEWS_H
#define KAD_VIEWS_VIEWS_H

#include "image/images.h"
#include "image/options.h"
#include "io/keys.h"
#include "io/writer.h"
#include "train/image_map.h"

enum {
    KAD_VIEW_LINE = 256,
    KAD_VIEW_FRECHET_LEAST = 8, /* images of a set, for blocks to be left out */
    KAD_VIEW_LATENTS_LEAST = 9  /* for four neighbours of each */
};

/* Of section `images`; 0: not that view. */
typedef struct kad_view_options {
    int coding;            /* images that are encoded and decoded */
    int inpaint;           /* images with a hole that is filled in */
    int hole;              /* its side */
    int sweeps;            /* over it */
    int receptive;         /* pictures that receptive fields are averaged over */
    int rows;              /* of sheets of pictures from combined latents */
    const char *attribute; /* label of the groups of arithmetic, or "brightness" */
    int attribute_images;  /* that groups are taken from */
    const char *outliers;  /* another source of images; NULL: none */
    int outlier_images;    /* of it, and held-out ones */
    int latents;           /* images whose latents are correlated */
    int frechet;           /* images of each set that distances are taken of */
    const char *fid;       /* weights of Inception-v3; NULL: none */
    int fid_images;        /* as frechet, of that network */
} kad_view_options;

extern const kad_key kad_view_keys[];
extern const size_t kad_view_n_keys;

/* What views look at. */
typedef struct kad_views {
    const kad_view_options *options;
    const kad_image_map *map;
    const double *theta;
    void *plan;  /* of theta */
    bool pixels; /* recipe pixels: kad_pixel_recipe_map and _plan may be asked for */
    const kad_image_set *set; /* the images that the map was trained on, and held out */
    const kad_image_options *data; /* how they were read */
    const char *folder;            /* for what is mapped while it is read */
    uint64_t seed;
    size_t n_samples; /* in /images/samples */
} kad_views;

typedef struct kad_image_view {
    const char *name;    /* of the group below /images */
    const char *summary; /* one line */
    bool (*asked)(const kad_views *views);
    /* Optional: can it be made of these images, once there is a map? With views->set NULL what
     * can be told before they are read. Errors: KAD_ECONFIG, KAD_EDATA, KAD_ENOINPUT. */
    kad_status (*check)(kad_ctx *ctx, const kad_views *views);
    /* Optional: why there is none although it was asked for, a line; else none. */
    void (*lacks)(const kad_views *views, char line[KAD_VIEW_LINE]);
    /* Fills the writer's group, and `line` with what is to be said of it. */
    kad_status (*run)(kad_ctx *ctx, const kad_views *views, kad_writer *w,
                      char line[KAD_VIEW_LINE]);
} kad_image_view;

#define KAD_VIEWS(X) \
    X(coding)        \
    X(inpaint)       \
    X(receptive)     \
    X(progressive)   \
    X(walk)          \
    X(mix)           \
    X(temperature)   \
    X(attribute)     \
    X(outliers)      \
    X(independence)  \
    X(frechet)       \
    X(fid)

#define KAD_VIEW_DECLARE(name) extern const kad_image_view kad_view_##name;
KAD_VIEWS(KAD_VIEW_DECLARE)
extern const kad_image_view *const kad_view_list[]; /* NULL at the end */

/* All views that are asked for, of a map to come: views->map, theta, plan are not looked at; first
 * with views->set NULL, then with the images. */
KAD_MUST_USE kad_status kad_views_check(kad_ctx *ctx, const kad_views *views);
/* The i-th view, made anew: its group, with the attribute `seconds` it took. Where it was not
 * asked for, or cannot be made, the group is removed, and `line` empty, or says why.
 Errors: those of the map;
 * KAD_EINTERRUPTED. */
KAD_MUST_USE kad_status kad_view_make(kad_ctx *ctx, const kad_image_view *view,
                                      const kad_views *views, kad_h5 *file,
                                      char line[KAD_VIEW_LINE]);

/* The first n images held out, at most those there are. */
static inline size_t kad_view_n_held_out(const kad_views *v, int n)
{
    return v->set->held_out.n < (size_t)n ? v->set->held_out.n : (size_t)n;
}

#endif
