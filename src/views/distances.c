#include "views/distances.h"

#include "base/rng.h"
#include "io/progress.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

enum { STREAM_ORDER = 19, FEWEST = 4 /* images of a half */ };

/* The run's samples, channels first. */
static kad_status read_samples(kad_scope *in, const kad_views *v, kad_h5 *file,
                               kad_images *out)
{
    static const char path[] = "/images/samples";
    const kad_images *like = &v->set->held_out;
    const size_t C = (size_t)like->n_channels,
                 plane = (size_t)like->height * (size_t)like->width;
    int rank;
    size_t dims[KAD_H5_MAX_RANK];
    uint8_t *stored, *x;
    KAD_CALL(kad_h5_shape(in->ctx, file, path, &rank, dims));
    if (rank != 4 || dims[1] * dims[2] != plane || dims[3] != C)
        return kad_fail(in->ctx, KAD_EDATA, "%s: of another shape than the images", path);
    KAD_CALL(kad_take(in, dims[0] * plane * C, &stored));
    KAD_CALL(kad_take(in, dims[0] * plane * C, &x));
    KAD_CALL(kad_h5_read(in->ctx, file, path, KAD_H5_U8, rank, dims, stored));
    for (size_t i = 0; i < dims[0]; i++)
        for (size_t p = 0; p < plane; p++)
            for (size_t c = 0; c < C; c++)
                x[(i * C + c) * plane + p] = stored[(i * plane + p) * C + c];
    *out = (kad_images){.n = dims[0],
                        .n_channels = like->n_channels,
                        .height = like->height,
                        .width = like->width,
                        .pixels = x};
    return KAD_OK;
}

/* Images of a picture, its squares and their mirror images, lie side by side. */
typedef struct side {
    const kad_images *images;
    size_t of_a_picture;
} side;

/* Of every `of` pictures that which is number `which`. */
typedef struct share {
    size_t of, which;
} share;

static size_t n_of(const side *s, size_t of)
{
    return s->images->n / s->of_a_picture / of * s->of_a_picture;
}

typedef struct place {
    uint32_t key;
    size_t index;
} place;

static int by_key(const void *a, const void *b)
{
    const place *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

/* n images of a share of the pictures, evenly, a picture's side by side and the pictures in random
 * order: a set may be sorted by what it shows. */
static kad_status take_features(kad_scope *in, const side *s, size_t n, share of,
                                kad_view_features *features, const void *self,
                                kad_features *out)
{
    const kad_rng rng = kad_rng_stream(0, KAD_RNG_IMAGE, STREAM_ORDER);
    const size_t group = s->of_a_picture;
    place *places;
    size_t *index;
    KAD_CALL(kad_take(in, n, &places));
    KAD_CALL(kad_take(in, n, &index));
    for (size_t k = 0; k < n; k++) {
        uint32_t word[4];
        const size_t at = k * n_of(s, of.of) / n;
        const size_t picture = at / group * of.of + of.which;
        kad_rng_u32x4(rng, 0, picture, 0, word);
        places[k] = (place){word[0], picture * group + at % group};
    }
    qsort(places, n, sizeof *places, by_key);
    for (size_t k = 0; k < n; k++)
        index[k] = places[k].index;
    return features(in, self, s->images, n, index, out);
}

/* A set of one picture, or of few, is halved as if its images were pictures. */
static side side_of(const kad_images *images)
{
    side s = {images, images->of_a_picture > 0 ? images->of_a_picture : 1};
    if (n_of(&s, 2) < FEWEST) s.of_a_picture = 1;
    return s;
}

static size_t at_most(size_t n, size_t most)
{
    return n < most ? n : most;
}

static void write(kad_writer *w, const char *units, const kad_view_distance *pairs)
{
    static const char *const names[KAD_PAIRS] = {"samples and held out",
                                                 "trained on and held out",
                                                 "two halves of those trained on"};
    const kad_write_column columns[] = {
        {"n", KAD_CELL_SIZE, offsetof(kad_view_distance, n), "images",
         "images of the first set"},
        {"n_other", KAD_CELL_SIZE, offsetof(kad_view_distance, n_other), "images",
         "images of the second"},
        {"distance", KAD_CELL_REAL, offsetof(kad_view_distance, d.value), units,
         "Frechet distance, squared, of these images"},
        {"distance_err", KAD_CELL_REAL, offsetof(kad_view_distance, d.error), units,
         "its standard error, over images"},
        {"extrapolated", KAD_CELL_REAL, offsetof(kad_view_distance, d.extrapolated),
         units, "distance less its bias of order 1/n"},
        {"of_means", KAD_CELL_REAL, offsetof(kad_view_distance, d.of_means), units,
         "what the means add to the distance"},
    };
    kad_write_names(w, "pair", "pair", "sets that are compared", KAD_PAIRS, names);
    kad_write_columns(w, "pair", sizeof columns / sizeof columns[0], columns, KAD_PAIRS,
                      pairs, sizeof *pairs);
    kad_write_text(w, "distance_err@estimator", "jackknife over blocks of either set");
    kad_write_text(w, "extrapolated@estimator", "jackknife over blocks of either set");
}

bool kad_view_has_pairs(const kad_views *v, size_t fewest)
{
    return v->n_samples >= fewest && v->set->held_out.n >= fewest &&
           v->set->train.n >= 2 * fewest;
}

void kad_view_say_few(const kad_views *v, const char *what, size_t fewest,
                      char line[KAD_VIEW_LINE])
{
    snprintf(
        line, KAD_VIEW_LINE,
        "%s: none of %zu samples, %zu images held out and %zu trained on (at least %zu, "
        "%zu and %zu)",
        what, v->n_samples, v->set->held_out.n, v->set->train.n, fewest, fewest,
        2 * fewest);
}

void kad_view_say_pairs(const kad_view_distance d[KAD_PAIRS], const char *what,
                        const char *rest, char line[KAD_VIEW_LINE])
{
    const kad_frechet *samples = &d[KAD_PAIR_SAMPLES].d, *halves = &d[KAD_PAIR_HALVES].d;
    char text[2][64];
    snprintf(line, KAD_VIEW_LINE,
             "%s of %zu samples to those held out %s, between halves of those trained on "
             "%s%s",
             what, d[KAD_PAIR_SAMPLES].n,
             kad_format_error(text[0], sizeof text[0], samples->value, samples->error),
             kad_format_error(text[1], sizeof text[1], halves->value, halves->error),
             rest);
}

kad_status kad_view_distances(kad_ctx *ctx, const kad_views *v, kad_writer *w,
                              size_t most, int n_blocks, kad_view_features *features,
                              const void *self, const char *units,
                              kad_view_distance out[KAD_PAIRS])
{
    KAD_SCOPE(scope, ctx);
    const kad_images *held_out = &v->set->held_out, *train = &v->set->train;
    kad_images samples;
    kad_features drawn, held, half[2];
    KAD_CALL(read_samples(&scope, v, w->file, &samples));
    const side made = {&samples, 1}, other = side_of(held_out), own = side_of(train);
    const size_t n = at_most(at_most(samples.n, n_of(&other, 1)), most),
                 n_half = at_most(n_of(&own, 2), n);
    const share all = {1, 0};
    KAD_CALL(take_features(&scope, &made, n, all, features, self, &drawn));
    KAD_CALL(take_features(&scope, &other, n, all, features, self, &held));
    for (size_t i = 0; i < 2; i++)
        KAD_CALL(
            take_features(&scope, &own, n_half, (share){2, i}, features, self, &half[i]));
    const kad_features *sets[KAD_PAIRS][2] = {
        {&drawn, &held}, {&half[0], &held}, {&half[0], &half[1]}};
    for (int i = 0; i < KAD_PAIRS; i++) {
        out[i].n = sets[i][0]->n;
        out[i].n_other = sets[i][1]->n;
        KAD_CALL(kad_frechet_distance(ctx, sets[i][0], sets[i][1], n_blocks, &out[i].d));
    }
    write(w, units, out);
    return w->status;
}
