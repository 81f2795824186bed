#include "views/distances.h"

#include <stddef.h>

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

/* Of every `of` images the one that is number `which`, n of them, evenly. */
static kad_status take_features(kad_scope *in, const kad_images *images, size_t n,
                                size_t of, size_t which, kad_view_features *features,
                                const void *self, kad_features *out)
{
    size_t *index;
    KAD_CALL(kad_take(in, n, &index));
    for (size_t k = 0; k < n; k++)
        index[k] = k * (images->n / of) / n * of + which;
    return features(in, self, images, n, index, out);
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
    const size_t n = at_most(at_most(samples.n, held_out->n), most),
                 n_half = at_most(train->n / 2, n);
    KAD_CALL(take_features(&scope, &samples, n, 1, 0, features, self, &drawn));
    KAD_CALL(take_features(&scope, held_out, n, 1, 0, features, self, &held));
    for (size_t i = 0; i < 2; i++)
        KAD_CALL(take_features(&scope, train, n_half, 2, i, features, self, &half[i]));
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
