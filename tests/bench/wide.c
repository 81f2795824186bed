/* Benchmark of products on columns (src/wide), on one thread: the layers of a net of one
 * width, forwards with the activation, backwards, and the gradient of the weights, for 256
 * columns, beside the floor of the machine's own multiply-adds in the same run. Both are the
 * best of short repeats, which others at work on the machine disturb least. The tests
 * (tests/wide) verify the same kernels against scalar loops.
 *
 *   wide [--repeats N] [--json FILE]            */
#include "peak.h"

#include "base/memory.h"
#include "base/signals.h"
#include "io/number.h"
#include "wide/wide.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 256, PANELS = COLUMNS / KAD_W_SINGLE, WIDEST = 192, CALLS = 20 };

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
    for (int64_t i = 0; i < repeats; i++) {
        const kad_peak now = kad_peak_measure(1);
        peak.fma_per_s = fmax(peak.fma_per_s, now.fma_per_s);
        peak.exp_per_s = fmax(peak.exp_per_s, now.exp_per_s);
    }
    static const int widths[] = {32, 64, 96, 128, 192};
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
    if (json && fclose(json) != 0) {
        perror("wide: json");
        return KAD_EIO;
    }
    return 0;
}
