#include "features/inception.h"

#include "base/parallel.h"
#include "features/convolve.h"
#include "io/h5.h"
#include "wide/wide.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SIDE = 299, CHANNELS = 3, OPS = 160 };
static const double EPSILON = 1e-3; /* of the batch normalisations */

/* Feature maps of a picture: what a module begins with, what it makes, and what stands between.
 * A module's output is put together channel by channel. */
enum { IN, OUT, ONE, TWO, MAPS };

typedef enum op_kind { CONVOLVE, MOST, MEAN, NEXT /* OUT becomes IN */ } op_kind;

typedef struct op {
    op_kind kind;
    int from, to, first;           /* maps; the first channel written */
    int n_channels, height, width; /* of `to`, when this is done */
    kad_convolution layer;         /* its window also of pools */
} op;

struct kad_inception {
    kad_scope owns;
    int n_ops;
    op ops[OPS];
    size_t room[MAPS], scratch; /* numbers of a map, bytes of a convolution, at most */
    char digest[KAD_DIGEST_CHARS];
};

/* --- making it --------------------------------------------------------------------------- */

typedef struct builder {
    kad_inception *net;
    kad_h5 *file;
    const char *path, *module; /* of the parameters' names; NULL: none */
    kad_feature_map map[MAPS]; /* shapes so far */
    kad_status status;         /* the first failure sticks */
} builder;

static kad_status read(builder *b, kad_scope *in, const char *name, const char *what,
                       int rank, const size_t *dims, double **out)
{
    char at[128];
    size_t n = 1;
    snprintf(at, sizeof at, "/%s%s%s.%s", b->module ? b->module : "",
             b->module ? "." : "", name, what);
    if (!kad_h5_exists(b->file, at))
        return kad_fail(in->ctx, KAD_EDATA,
                        "%s: no data set %s: weights of Inception-v3 are written by "
                        "examples/inception.py",
                        b->path, at);
    for (int i = 0; i < rank; i++)
        n *= dims[i];
    KAD_CALL(kad_take(in, n, out));
    KAD_CALL(kad_h5_read(in->ctx, b->file, at, KAD_H5_F64, rank, dims, *out));
    for (size_t i = 0; i < n; i++)
        if (!isfinite((*out)[i]) ||
            (strcmp(what, "bn.running_var") == 0 && (*out)[i] < 0))
            return kad_fail(in->ctx, KAD_EDATA, "%s: %s: holds %g, which is no weight",
                            b->path, at, (*out)[i]);
    return KAD_OK;
}

static kad_status read_layer(builder *b, const char *name, kad_convolution *c)
{
    KAD_SCOPE(scope, b->net->owns.ctx);
    const size_t dims[4] = {(size_t)c->n_out, (size_t)c->n_in, (size_t)c->window.height,
                            (size_t)c->window.width};
    double *W, *gamma, *beta, *mean, *variance;
    KAD_CALL(read(b, &scope, name, "conv.weight", 4, dims, &W));
    KAD_CALL(read(b, &scope, name, "bn.weight", 1, dims, &gamma));
    KAD_CALL(read(b, &scope, name, "bn.bias", 1, dims, &beta));
    KAD_CALL(read(b, &scope, name, "bn.running_mean", 1, dims, &mean));
    KAD_CALL(read(b, &scope, name, "bn.running_var", 1, dims, &variance));
    return kad_convolution_make(&b->net->owns, c, W, gamma, beta, mean, variance,
                                EPSILON);
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* The next operation, whose result is `to`, or more channels of it where that is OUT. */
static op *add(builder *b, op_kind kind, int from, int to, int n_out, kad_window_shape w)
{
    kad_inception *net = b->net;
    const kad_feature_map *x = &b->map[from];
    kad_feature_map *y = &b->map[to];
    op *o = &net->ops[net->n_ops++];
    if (to != OUT) y->n_channels = 0;
    *o = (op){.kind = kind, .from = from, .to = to, .first = y->n_channels};
    o->layer = (kad_convolution){.n_in = x->n_channels, .n_out = n_out, .window = w};
    y->n_channels += n_out;
    y->height = kad_window_places(x->height, w.height, w.stride, w.pad_y);
    y->width = kad_window_places(x->width, w.width, w.stride, w.pad_x);
    o->n_channels = y->n_channels;
    o->height = y->height;
    o->width = y->width;
    net->room[to] = larger(net->room[to], (size_t)(y->n_channels * y->height * y->width));
    return o;
}

static void convolve(builder *b, const char *name, int from, int to, int n_out,
                     kad_window_shape w)
{
    op *o = add(b, CONVOLVE, from, to, n_out, w);
    if (b->status == KAD_OK) b->status = read_layer(b, name, &o->layer);
    b->net->scratch = larger(b->net->scratch, kad_convolution_scratch(&o->layer));
}

static void pool(builder *b, op_kind kind, int from, int to, kad_window_shape w)
{
    add(b, kind, from, to, b->map[from].n_channels, w);
}

/* The module, or layer, is whole: the next one begins with it. */
static void next(builder *b)
{
    b->net->ops[b->net->n_ops++] = (op){.kind = NEXT};
    b->net->room[IN] = b->net->room[OUT] = larger(b->net->room[IN], b->net->room[OUT]);
    b->map[IN] = b->map[OUT];
    b->map[OUT].n_channels = 0;
}

/* --- its graph --------------------------------------------------------------------------- */

/* Windows: that keep the size; of every second place, without padding. */
static kad_window_shape same(int height, int width)
{
    return (kad_window_shape){height, width, 1, height / 2, width / 2};
}

static const kad_window_shape point = {1, 1, 1, 0, 0}, valid = {3, 3, 1, 0, 0},
                              halved = {3, 3, 2, 0, 0};

static void stem(builder *b)
{
    b->module = NULL;
    convolve(b, "Conv2d_1a_3x3", IN, OUT, 32, halved);
    next(b);
    convolve(b, "Conv2d_2a_3x3", IN, OUT, 32, valid);
    next(b);
    convolve(b, "Conv2d_2b_3x3", IN, OUT, 64, same(3, 3));
    next(b);
    pool(b, MOST, IN, OUT, halved);
    next(b);
    convolve(b, "Conv2d_3b_1x1", IN, OUT, 80, point);
    next(b);
    convolve(b, "Conv2d_4a_3x3", IN, OUT, 192, valid);
    next(b);
    pool(b, MOST, IN, OUT, halved);
    next(b);
}

static void pooled_branch(builder *b, op_kind kind, int n_out)
{
    pool(b, kind, IN, ONE, same(3, 3));
    convolve(b, "branch_pool", ONE, OUT, n_out, point);
    next(b);
}

static void module_a(builder *b, const char *name, int n_pool)
{
    b->module = name;
    convolve(b, "branch1x1", IN, OUT, 64, point);
    convolve(b, "branch5x5_1", IN, ONE, 48, point);
    convolve(b, "branch5x5_2", ONE, OUT, 64, same(5, 5));
    convolve(b, "branch3x3dbl_1", IN, ONE, 64, point);
    convolve(b, "branch3x3dbl_2", ONE, TWO, 96, same(3, 3));
    convolve(b, "branch3x3dbl_3", TWO, OUT, 96, same(3, 3));
    pooled_branch(b, MEAN, n_pool);
}

static void module_b(builder *b, const char *name)
{
    b->module = name;
    convolve(b, "branch3x3", IN, OUT, 384, halved);
    convolve(b, "branch3x3dbl_1", IN, ONE, 64, point);
    convolve(b, "branch3x3dbl_2", ONE, TWO, 96, same(3, 3));
    convolve(b, "branch3x3dbl_3", TWO, OUT, 96, halved);
    pool(b, MOST, IN, OUT, halved);
    next(b);
}

static void module_c(builder *b, const char *name, int n)
{
    b->module = name;
    convolve(b, "branch1x1", IN, OUT, 192, point);
    convolve(b, "branch7x7_1", IN, ONE, n, point);
    convolve(b, "branch7x7_2", ONE, TWO, n, same(1, 7));
    convolve(b, "branch7x7_3", TWO, OUT, 192, same(7, 1));
    convolve(b, "branch7x7dbl_1", IN, ONE, n, point);
    convolve(b, "branch7x7dbl_2", ONE, TWO, n, same(7, 1));
    convolve(b, "branch7x7dbl_3", TWO, ONE, n, same(1, 7));
    convolve(b, "branch7x7dbl_4", ONE, TWO, n, same(7, 1));
    convolve(b, "branch7x7dbl_5", TWO, OUT, 192, same(1, 7));
    pooled_branch(b, MEAN, 192);
}

static void module_d(builder *b, const char *name)
{
    b->module = name;
    convolve(b, "branch3x3_1", IN, ONE, 192, point);
    convolve(b, "branch3x3_2", ONE, OUT, 320, halved);
    convolve(b, "branch7x7x3_1", IN, ONE, 192, point);
    convolve(b, "branch7x7x3_2", ONE, TWO, 192, same(1, 7));
    convolve(b, "branch7x7x3_3", TWO, ONE, 192, same(7, 1));
    convolve(b, "branch7x7x3_4", ONE, OUT, 192, halved);
    pool(b, MOST, IN, OUT, halved);
    next(b);
}

static void module_e(builder *b, const char *name, op_kind kind)
{
    b->module = name;
    convolve(b, "branch1x1", IN, OUT, 320, point);
    convolve(b, "branch3x3_1", IN, ONE, 384, point);
    convolve(b, "branch3x3_2a", ONE, OUT, 384, same(1, 3));
    convolve(b, "branch3x3_2b", ONE, OUT, 384, same(3, 1));
    convolve(b, "branch3x3dbl_1", IN, ONE, 448, point);
    convolve(b, "branch3x3dbl_2", ONE, TWO, 384, same(3, 3));
    convolve(b, "branch3x3dbl_3a", TWO, OUT, 384, same(1, 3));
    convolve(b, "branch3x3dbl_3b", TWO, OUT, 384, same(3, 1));
    pooled_branch(b, kind, 192);
}

static void build(builder *b)
{
    stem(b);
    module_a(b, "Mixed_5b", 32);
    module_a(b, "Mixed_5c", 64);
    module_a(b, "Mixed_5d", 64);
    module_b(b, "Mixed_6a");
    module_c(b, "Mixed_6b", 128);
    module_c(b, "Mixed_6c", 160);
    module_c(b, "Mixed_6d", 160);
    module_c(b, "Mixed_6e", 192);
    module_d(b, "Mixed_7a");
    module_e(b, "Mixed_7b", MEAN);
    module_e(b, "Mixed_7c", MOST);
}

kad_status kad_inception_create(kad_ctx *ctx, const char *path, kad_inception **out)
{
    KAD_LOCAL(kad_inception, net);
    KAD_LOCAL(kad_h5, file);
    uint64_t n_bytes;
    *out = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *net, &net));
    net->owns.ctx = ctx;
    KAD_CALL(kad_digest_file(ctx, path, &n_bytes, net->digest));
    KAD_CALL(kad_h5_open(ctx, path, false, 0, &file));
    builder b = {.net = net, .file = file, .path = path};
    b.map[IN] = (kad_feature_map){.n_channels = CHANNELS, .height = SIDE, .width = SIDE};
    net->room[IN] = (size_t)CHANNELS * SIDE * SIDE;
    build(&b);
    KAD_CALL(b.status);
    *out = net;
    net = NULL;
    return KAD_OK;
}

void kad_inception_destroy(kad_inception *net)
{
    if (!net) return;
    kad_scope_end(&net->owns);
    kad_free(net);
}

const char *kad_inception_digest(const kad_inception *net)
{
    return net->digest;
}

/* --- a picture ---------------------------------------------------------------------------- */

typedef struct work {
    const kad_inception *net;
    const kad_images *images;
    const size_t *index;
    kad_features *out;
} work;

static void take_in(const work *w, size_t i, float *room, kad_feature_map *in)
{
    const kad_images *im = w->images;
    const uint8_t *levels = kad_image_at(im, w->index[i]);
    const size_t plane = (size_t)im->height * (size_t)im->width;
    const kad_feature_map picture = {CHANNELS, im->height, im->width, room};
    for (size_t c = 0; c < CHANNELS; c++)
        for (size_t k = 0; k < plane; k++)
            room[c * plane + k] =
                2 * ((float)levels[(im->n_channels == 1 ? 0 : c) * plane + k] / 255.0f) -
                1;
    *in = (kad_feature_map){CHANNELS, SIDE, SIDE, in->x};
    kad_resize_bilinear(&picture, in);
}

static void apply(const op *o, kad_feature_map map[MAPS], void *scratch)
{
    if (o->kind == NEXT) {
        const kad_feature_map made = map[OUT];
        map[OUT] = map[IN];
        map[IN] = made;
        return;
    }
    kad_feature_map *to = &map[o->to];
    to->n_channels = o->n_channels;
    to->height = o->height;
    to->width = o->width;
    if (o->kind == CONVOLVE)
        kad_convolve(&o->layer, &map[o->from], o->first, to, scratch);
    else if (o->kind == MOST)
        kad_pool_most(o->layer.window, &map[o->from], o->first, to);
    else
        kad_pool_mean(o->layer.window, &map[o->from], o->first, to);
}

static bool of_image(void *self, size_t i, void *scratch)
{
    const work *w = self;
    kad_feature_map map[MAPS];
    char *at = scratch;
    for (int m = 0; m < MAPS; m++)
        map[m] = (kad_feature_map){.x = kad_cut(&at, w->net->room[m], sizeof(float))};
    float *picture = kad_cut(&at, CHANNELS * kad_image_size(w->images), sizeof(float));
    take_in(w, i, picture, &map[IN]);
    for (int k = 0; k < w->net->n_ops; k++)
        apply(&w->net->ops[k], map, at);
    const int plane = map[IN].height * map[IN].width;
    for (int c = 0; c < KAD_INCEPTION_FEATURES; c++) {
        double sum = 0;
        for (int k = 0; k < plane; k++)
            sum += map[IN].x[c * plane + k];
        w->out->x[i * w->out->stride + (size_t)c] = sum / plane;
    }
    return true;
}

kad_status kad_inception_features(kad_scope *in, const kad_inception *net,
                                  const kad_images *images, size_t n, const size_t *index,
                                  kad_features *out)
{
    work w = {net, images, index, out};
    size_t scratch = net->scratch;
    if (images->n_channels != 1 && images->n_channels != CHANNELS)
        return kad_fail(in->ctx, KAD_EDATA,
                        "images.fid: images of %d channels; Inception-v3 knows one or "
                        "three",
                        images->n_channels);
    for (int m = 0; m < MAPS; m++)
        scratch += kad_cut_bytes(net->room[m], sizeof(float));
    scratch += kad_cut_bytes(CHANNELS * kad_image_size(images), sizeof(float));
    *out = (kad_features){.n = n,
                          .d = KAD_INCEPTION_FEATURES,
                          .stride = (size_t)kad_wide_padded(KAD_INCEPTION_FEATURES)};
    KAD_CALL(kad_memory_require(in->ctx, n * out->stride * sizeof *out->x,
                                "features of so many images (images.fid_images)"));
    KAD_CALL(kad_take(in, n * out->stride, &out->x));
    return kad_for_tiles(in->ctx, "features of images", n, scratch, of_image, &w);
}
