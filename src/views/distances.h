/* Distances of the run's samples, of images held out and of images trained on, by features. */
#ifndef KAD_VIEWS_DISTANCES_H
#define KAD_VIEWS_DISTANCES_H

#include "features/frechet.h"
#include "views/views.h"

/* Features of images index[0 .. n - 1], in a scope. */
typedef kad_status kad_view_features(kad_scope *in, const void *self,
                                     const kad_images *images, size_t n,
                                     const size_t *index, kad_features *out);

/* Who is compared with whom. */
enum {
    KAD_PAIR_SAMPLES, /* samples and images held out: how far the map is from the data */
    KAD_PAIR_TRAINED, /* images trained on and held out: what the data themselves have */
    KAD_PAIR_HALVES, /* two halves of those trained on, of different pictures: the floor */
    KAD_PAIRS
};

typedef struct kad_view_distance {
    size_t n, n_other; /* images of the two sets */
    kad_frechet d;
} kad_view_distance;

/* Are there at least `fewest` images of every set? */
bool kad_view_has_pairs(const kad_views *v, size_t fewest);
/* Why not, in a line: "WHAT: ...". */
void kad_view_say_few(const kad_views *v, const char *what, size_t fewest,
                      char line[KAD_VIEW_LINE]);
/* "WHAT of 1024 samples to those held out 3050(100), between halves of those trained on
 * 121(37)REST". */
void kad_view_say_pairs(const kad_view_distance d[KAD_PAIRS], const char *what,
                        const char *rest, char line[KAD_VIEW_LINE]);
/* Of at most `most` images a set, taken evenly; samples are those of /images/samples; `units` of d^2. Fills the
 * writer's group: pair, n, n_other, distance, distance_err, extrapolated, of_means [pair]. */
KAD_MUST_USE kad_status kad_view_distances(kad_ctx *ctx, const kad_views *v,
                                           kad_writer *w, size_t most, int n_blocks,
                                           kad_view_features *features, const void *self,
                                           const char *units,
                                           kad_view_distance out[KAD_PAIRS]);

#endif
