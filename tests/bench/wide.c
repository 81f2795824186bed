/* Benchmark of products on columns (src/wide), on one thread: the layers of a net of one
 * width, forwards with the activation, backwards, and the gradient of the weights, for 256
 * columns, beside the floor of the machine's own multiply-adds in the same run. Both are the
 * best of short repeats, which others at work on the machine disturb least. The tests
 * (tests/wide) verify the same kernels against scalar loops. Then the whole gradient of nets
 * of src/pixel.
 *
 *   wide [--repeats N] [--json FILE]            */
#include "peak.h"

#include "base/memory.h"
#include "base/signals.h"
#include "io/number.h"
#include "pixel/net.h"
#include "wide/wide.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 256, PANELS = COLUMNS / KAD_W_SINGLE, CALLS = 20 };

typedef struct layer {
    int width;
    float *packed, *x, *y, *d, *xt, *dw, *bias;
} layer;

static void forward(const layer *l)
{
    const kad_wide_output_f32 out = {
        .s = l->y, .d = l->d, .s_rows = l->width, .d_rows = l->width};
    kad_wide_apply_f32(KAD_WIDE_SWISH, l->width, l->width, l->packed, l->bias, PANELS,
                       l->x, l->width, &out);
}

static void backward(const layer *l)
{
    const kad_wide_output_f32 out = {
        .y = l->y, .d = l->d, .y_rows = l->width, .d_rows = l->width};
    kad_wide_apply_f32(KAD_WIDE_ADJOINT, l->width, l->width, l->packed, NULL, PANELS,
                       l->x, l->width, &out);
}

static void weights(const layer *l)
{
    kad_wide_turn_f32(l->width, PANELS, l->x, l->width, l->xt);
    kad_wide_outer_f32(l->width, l->width, PANELS, l->y, l->width, l->xt,
                       (size_t)kad_wide_padded(l->width), l->dw);
}

static const struct {
    const char *name;
    void (*call)(const layer *);
    int exps; /* exponentials an element of the output */
} rows[] = {{"forward, swish", forward, 1},
            {"backward", backward, 0},
            {"gradient of weights", weights, 0}};

static void usage(void)
{
    fputs("usage: wide [--repeats N] [--json FILE]\n", stderr);
    exit(KAD_EUSAGE);
}

/* The gradient of the last group's net for one step, packing of the weights included: what
 * a step of training on images does beside its optimiser. */
static void net_row(kad_peak peak, int hidden, int blocks, int radius, int64_t repeats,
                    FILE *json)
{
    kad_ctx ctx;
    kad_pixel_map *map = NULL;
    kad_pixel_options o = kad_pixel_defaults();
    kad_ctx_init(&ctx, 1);
    o.hidden = hidden;
    o.blocks = blocks;
    o.radius = radius;
    if (kad_pixel_map_create(&ctx, &o, 3, 32, 32, &map) != KAD_OK) {
        fprintf(stderr, "wide: %s\n", ctx.message);
        exit(KAD_EINTERNAL);
    }
    const kad_pixel_group *g = &map->group[map->n_groups - 1];
    const size_t n_theta = g->layout.n_theta;
    double *theta = kad_alloc(n_theta, sizeof *theta),
           *gradient = kad_alloc(n_theta, sizeof *theta);
    float *packed = kad_alloc(kad_pixel_packed_f32(map, g, true), sizeof *packed);
    uint8_t *x = kad_alloc(kad_pixel_size(map), 1);
    char *memory = kad_alloc(kad_pixel_tile_bytes_f32(map, PANELS, true), 1),
         *at = memory;
    kad_pixel_tile_f32 tile;
    const uint8_t *image[COLUMNS];
    int site[COLUMNS];
    double loss[KAD_PIXEL_CHANNELS_MAX], s = HUGE_VAL;
    kad_pixel_tile_cut_f32(map, PANELS, true, &at, &tile);
    kad_pixel_net_init(map, g, 1, theta);
    for (size_t i = 0; i < kad_pixel_size(map); i++)
        x[i] = (uint8_t)(i * i % 251);
    for (int i = 0; i < COLUMNS; i++) {
        image[i] = x;
        site[i] = i % g->n_sites;
    }
    for (int64_t i = 0; i <= 4 * repeats; i++) {
        const double start = kad_wall_seconds();
        kad_pixel_pack_f32(map, g, true, theta, packed);
        kad_pixel_gather_f32(map, g, COLUMNS, image, site, &tile);
        kad_pixel_gradient_f32(map, g, packed, COLUMNS, 1.0 / COLUMNS, &tile, loss,
                               gradient);
        s = fmin(s, kad_wall_seconds() - start);
    }
    /* every weight once forwards, once for its gradient, and once backwards but for the
     * first layer's */
    const double first = (double)(hidden + 3) * g->n_features;
    const double work = COLUMNS * (3 * (double)n_theta - first);
    const double of_floor = work / peak.fma_per_s / s;
    printf("image net, H %d, R %d, F %d: gradient of 256 sites %8.2f us  %6.1f GFLOP/s  "
           "%5.1f %% of the floor\n",
           hidden, blocks, g->n_features, 1e6 * s, 2e-9 * work / s, 100 * of_floor);
    if (json)
        fprintf(json,
                "{\"case\": \"image net %d %d\", \"what\": \"gradient\", \"least_ms\": "
                "%.6g, \"of_floor\": %.4g}\n",
                hidden, blocks, 1e3 * s, of_floor);
    kad_free(theta), kad_free(gradient), kad_free(packed), kad_free(x), kad_free(memory);
    kad_pixel_map_destroy(map);
}

int main(int argc, char **argv)
{
    int64_t repeats = 41;
    FILE *json = NULL;
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc) usage();
        if (strcmp(argv[i], "--repeats") == 0) {
            if (!kad_parse_int(argv[i + 1], &repeats) || repeats < 1 || repeats > 1000)
                usage();
        } else if (strcmp(argv[i], "--json") == 0) {
            json = fopen(argv[i + 1], "w");
            if (!json) {
                perror(argv[i + 1]);
                return KAD_ECREATE;
            }
        } else
            usage();
    }
    kad_peak peak = {0};
    for (int64_t i = 0; i < 3 * repeats; i++) {
        const kad_peak now = kad_peak_measure(1);
        peak.fma_per_s = fmax(peak.fma_per_s, now.fma_per_s);
        peak.exp_per_s = fmax(peak.exp_per_s, now.exp_per_s);
    }
    static const int widths[] = {32, 64, 96, 128, 192, 512};
    for (size_t k = 0; k < sizeof widths / sizeof widths[0]; k++) {
        const int n = widths[k];
        const size_t size = (size_t)n * COLUMNS;
        layer l = {.width = n,
                   .packed = kad_alloc((size_t)n * (size_t)n, sizeof(float)),
                   .x = kad_alloc(size, sizeof(float)),
                   .y = kad_alloc(size, sizeof(float)),
                   .d = kad_alloc(size, sizeof(float)),
                   .xt = kad_alloc(size, sizeof(float)),
                   .dw = kad_alloc((size_t)n * (size_t)n, sizeof(float)),
                   .bias = kad_alloc((size_t)n, sizeof(float))};
        for (size_t i = 0; i < size; i++)
            l.x[i] = (float)(i % 17) / 17;
        for (int i = 0; i < n * n; i++)
            l.packed[i] = (float)(i % 13 - 6) / (float)n;
        for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
            const double floor =
                (double)size * (n / peak.fma_per_s + rows[r].exps / peak.exp_per_s);
            double s = HUGE_VAL;
            rows[r].call(&l);
            for (int64_t i = 0; i < repeats; i++) {
                const double start = kad_wall_seconds();
                for (int c = 0; c < CALLS; c++)
                    rows[r].call(&l);
                s = fmin(s, (kad_wall_seconds() - start) / CALLS);
            }
            const double of_floor = floor / s;
            printf("width %3d  %-20s %8.2f us  %6.1f GFLOP/s  %5.1f %% of the floor\n", n,
                   rows[r].name, 1e6 * s, 2e-9 * (double)size * n / s, 100 * of_floor);
            if (json)
                fprintf(json,
                        "{\"case\": \"wide %d\", \"what\": \"%s\", \"least_ms\": %.6g, "
                        "\"of_floor\": %.4g}\n",
                        n, rows[r].name, 1e3 * s, of_floor);
        }
        kad_free(l.packed), kad_free(l.x), kad_free(l.y), kad_free(l.d), kad_free(l.xt);
        kad_free(l.dw), kad_free(l.bias);
    }
    net_row(peak, 64, 1, 2, repeats, json);
    net_row(peak, 96, 2, 3, repeats, json);
    net_row(peak, 192, 3, 3, repeats, json);
    if (json && fclose(json) != 0) {
        perror("wide: json");
        return KAD_EIO;
    }
    return 0;
}
