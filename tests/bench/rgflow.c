/* Steps of training RG-Flow's network (src/affine, their layers and blocks) on MSDS1, for
 * comparison with PyTorch's version of it (rgflow.py), and one gradient to be checked by it.
 *
 *   rgflow WIDTH BATCH STEPS       a line a step: nats a dimension; then a line of numbers
 *   rgflow WIDTH BATCH dump FILE   weights, values, latents, loss and gradient, as doubles
 *   rgflow WIDTH BATCH images FILE the images that are trained on, bytes */
#include "peak.h"

#include "affine/flow.h"
#include "affine/recipe.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "base/signals.h"
#include "image/generator.h"
#include "io/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { SIDE = 32, CHANNELS = 3, IMAGES = 4096, SEED = 1 };

static const kad_affine_options their_options = {
    .blocks = 4, .n_layers = 4, .layers = {8, 6, 4, 2}};

static void check(const kad_ctx *ctx, kad_status status)
{
    if (status == KAD_OK) return;
    fprintf(stderr, "rgflow: %s\n", ctx->message);
    exit(KAD_EINTERNAL);
}

static double user_seconds(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (double)r.ru_utime.tv_sec + 1e-6 * (double)r.ru_utime.tv_usec;
}

/* Multiply-adds of an image's nets, once forwards, and floats that they would have to store:
 * of every block its input, the inputs of its products, and the slopes of three swishes. */
static void count(const kad_affine_map *map, double *macs, double *stored)
{
    *macs = *stored = 0;
    for (int i = 0; i < map->n_stages; i++) {
        const kad_affine_stage *s = &map->stage[i];
        const double R = s->n_rows, W = s->net.width;
        const double layers = 2.0 * s->n_layers * s->n_columns, B = s->net.n_blocks;
        for (int p = 0; p < s->n_passes; p++) {
            /* the first block reads what is seen, the last makes what moves */
            const double unused = 2 * R - s->pass[p].n_seen - s->pass[p].n_moved;
            *macs += layers * (B * (2 * R * W + W * W) - unused * W);
            *stored += layers * B * (3 * R + 6 * W);
        }
    }
}

static uint8_t *pictures(void)
{
    const kad_image_generator *g = kad_image_generator_find("msds1");
    const size_t size = CHANNELS * SIDE * SIDE;
    double *labels = kad_alloc(g->n_labels, sizeof *labels);
    uint8_t *x = kad_alloc(IMAGES * size, 1);
    for (size_t i = 0; i < IMAGES; i++)
        g->make(SEED, false, i, x + i * size, labels);
    kad_free(labels);
    return x;
}

static void train(kad_ctx *ctx, const kad_affine_options *o, int batch, int64_t steps)
{
    kad_image_map *map = NULL;
    kad_affine_map *same = NULL;
    kad_affine_batch_f32 *memory = NULL;
    kad_optimiser *optimiser = NULL;
    void *desk = NULL;
    const kad_optimiser_ops *adamw = kad_optimiser_find("adamw");
    kad_optimiser_options by = kad_optimiser_defaults(adamw);
    uint8_t *x = pictures();
    const kad_images images = {
        .n = IMAGES, .n_channels = CHANNELS, .height = SIDE, .width = SIDE, .pixels = x};
    double macs, stored, s = HUGE_VAL, least_user = HUGE_VAL;
    by.weight_decay = 0.05;
    check(ctx, kad_affine_recipe_create(ctx, kad_affine_mera, o, KAD_PIXEL_LAPLACE,
                                        CHANNELS, SIDE, SIDE, &map));
    check(ctx, kad_affine_mera(ctx, o, CHANNELS, SIDE, SIDE, &same));
    count(same, &macs, &stored);
    check(ctx, kad_affine_batch_create_f32(ctx, same, (size_t)batch, true, &memory));
    /* with x and dx of the images themselves */
    const double bytes = (double)kad_affine_batch_bytes_f32(memory) +
                         2.0 * batch * (double)kad_affine_size(same) * sizeof(float);
    kad_affine_batch_destroy_f32(memory);
    check(ctx, map->ops->desk_create(ctx, map, batch, &desk));
    check(ctx, kad_optimiser_create(ctx, adamw, &by, map->n_theta, map->part->n_shapes,
                                    map->part->shapes, &optimiser));
    double *theta = kad_alloc(map->n_theta, sizeof *theta),
           *gradient = kad_alloc(map->n_theta, sizeof *gradient);
    map->ops->init(map, 0, SEED, theta);
    kad_peak peak = {0};
    for (int64_t i = 0; i < steps; i++) {
        const double start = kad_wall_seconds(), user = user_seconds();
        const double nats =
            map->ops->gradient(map, 0, SEED, i, &images, theta, desk, gradient);
        kad_optimiser_step(optimiser, ctx->n_threads, 1e-3, gradient, theta);
        s = fmin(s, kad_wall_seconds() - start);
        least_user = fmin(least_user, user_seconds() - user);
        printf("%.6f\n", nats / (CHANNELS * SIDE * SIDE));
        const kad_peak now = kad_peak_measure(1);
        peak.fma_per_s = fmax(peak.fma_per_s, now.fma_per_s);
    }
    /* forwards, again, and twice backwards */
    const double work = 4 * macs * batch;
    printf("step: user_s %.4f wall_s %.4f gflops_a_core %.1f of_peak %.3f activations_MB "
           "%.2f stored_MB %.1f weights_M %.2f\n",
           least_user, s, 2e-9 * work / least_user, work / least_user / peak.fma_per_s,
           1e-6 * bytes, 1e-6 * stored * batch * sizeof(float),
           1e-6 * (double)map->n_theta);
    kad_optimiser_destroy(optimiser);
    map->ops->desk_destroy(desk);
    kad_affine_map_destroy(same);
    kad_image_map_destroy(map);
    kad_free(theta), kad_free(gradient), kad_free(x);
}

/* One gradient in double precision, of weights that are not those of the start. */
static void dump(kad_ctx *ctx, const kad_affine_options *o, size_t n, const char *path)
{
    kad_affine_map *map = NULL;
    kad_affine_batch_f64 *b = NULL;
    check(ctx, kad_affine_mera(ctx, o, CHANNELS, SIDE, SIDE, &map));
    const size_t size = n * kad_affine_size(map), dets = n * (size_t)map->n_levels;
    double *theta = kad_alloc(map->n_theta, sizeof *theta),
           *gradient = kad_alloc(map->n_theta, sizeof *gradient),
           *x = kad_alloc(size, sizeof *x), *dx = kad_alloc(size, sizeof *dx),
           *ln_det = kad_alloc(dets * CHANNELS, sizeof *ln_det), loss = 0;
    const kad_rng rng = kad_rng_stream(SEED, KAD_RNG_TEST, 0);
    kad_affine_init(map, SEED, theta);
    for (size_t i = 0; i < map->n_theta; i++)
        theta[i] += 0.2 * (kad_rng_uniform(rng, 0, i, 0) - 0.5);
    for (size_t i = 0; i < size; i++)
        x[i] = 4 * (kad_rng_uniform(rng, 1, i, 0) - 0.5);
    FILE *f = fopen(path, "wb");
    if (!f) {
        perror(path);
        exit(KAD_ECREATE);
    }
    fwrite(theta, sizeof *theta, map->n_theta, f);
    fwrite(x, sizeof *x, size, f);
    check(ctx, kad_affine_batch_create_f64(ctx, map, n, true, &b));
    kad_affine_load_f64(b, theta);
    kad_affine_infer_f64(b, n, x, ln_det);
    fwrite(x, sizeof *x, size, f);
    for (size_t i = 0; i < dets * CHANNELS; i++)
        loss -= ln_det[i] / (double)size;
    for (size_t i = 0; i < size; i++) {
        loss += (sqrt(2) * fabs(x[i]) + log(sqrt(2))) / (double)size;
        dx[i] = (x[i] > 0 ? sqrt(2) : -sqrt(2)) / (double)size;
    }
    kad_affine_adjoint_f64(b, n, -1 / (double)size, x, dx, gradient);
    fwrite(&loss, sizeof loss, 1, f);
    fwrite(gradient, sizeof *gradient, map->n_theta, f);
    if (fclose(f) != 0) {
        perror(path);
        exit(KAD_EIO);
    }
    kad_affine_batch_destroy_f64(b);
    kad_affine_map_destroy(map);
    kad_free(theta), kad_free(gradient), kad_free(x), kad_free(dx), kad_free(ln_det);
}

static void write_images(const char *path)
{
    uint8_t *x = pictures();
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(x, CHANNELS * SIDE * SIDE, IMAGES, f) != IMAGES || fclose(f) != 0) {
        perror(path);
        exit(KAD_EIO);
    }
    kad_free(x);
}

int main(int argc, char **argv)
{
    kad_affine_options o = their_options;
    kad_ctx ctx;
    int64_t width, batch, steps;
    const char *threads = getenv("OMP_NUM_THREADS");
    if (argc < 4 || !kad_parse_int(argv[1], &width) || !kad_parse_int(argv[2], &batch) ||
        width < 1 || batch < 1 || batch > 4096) {
        fputs("usage: rgflow WIDTH BATCH STEPS | rgflow WIDTH BATCH dump|images FILE\n",
              stderr);
        return KAD_EUSAGE;
    }
    kad_ctx_init(&ctx, threads ? atoi(threads) : 1);
    o.hidden = (int)width;
    if (argc == 5 && strcmp(argv[3], "dump") == 0)
        dump(&ctx, &o, (size_t)batch, argv[4]);
    else if (argc == 5 && strcmp(argv[3], "images") == 0)
        write_images(argv[4]);
    else if (kad_parse_int(argv[3], &steps) && steps > 0)
        train(&ctx, &o, (int)batch, steps);
    return 0;
}
