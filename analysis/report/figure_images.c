/* Images: sheets of those trained on and of samples, bits per dimension while training and
 * by level. */
#include "analysis/report/image.h"
#include "analysis/report/report.h"
#include "base/memory.h"

#include <stdio.h>
#include <string.h>

enum {
    SHEET_COLUMNS = 16,
    SHEET_ROWS = 4,
    SHEET_PIXELS = 1024, /* width of a sheet on the screen, at most */
    MAX_BYTES = 1 << 28,
    GAP = 1 /* pixels between images */
};

/* Images [n][height][width][channel], channel 1 or 3, as one picture. */
static void lay(const size_t d[4], const unsigned char *x, int columns, int width,
                unsigned char *rgb)
{
    const int h = (int)d[1], w = (int)d[2], c = (int)d[3];
    for (size_t i = 0; i < d[0]; i++) {
        const int left = (int)(i % (size_t)columns) * (w + GAP);
        const int top = (int)(i / (size_t)columns) * (h + GAP);
        for (int y = 0; y < h; y++)
            for (int k = 0; k < w; k++, x += c)
                for (int a = 0; a < 3; a++)
                    rgb[3 * ((top + y) * width + left + k) + a] = x[c == 3 ? a : 0];
    }
}

static kad_status draw_sheet(kad_ctx *ctx, kad_h5 *file, const char *path,
                             const char *alt, kad_text *out)
{
    KAD_SCOPE(scope, ctx);
    int rank;
    size_t d[KAD_H5_MAX_RANK], n = 1;
    unsigned char *x, *rgb;
    if (!kad_h5_exists(file, path)) return KAD_OK;
    KAD_CALL(kad_h5_shape(ctx, file, path, &rank, d));
    for (int i = 0; i < rank; i++)
        n *= d[i];
    if (rank != 4 || n == 0 || n > MAX_BYTES || (d[3] != 1 && d[3] != 3)) return KAD_OK;
    KAD_CALL(kad_take(&scope, n, &x));
    KAD_CALL(kad_h5_read(ctx, file, path, KAD_H5_U8, rank, d, x));
    /* as many columns as there is room for */
    size_t columns = SHEET_PIXELS / (d[2] + GAP);
    columns = columns < 1 ? 1 : columns > SHEET_COLUMNS ? SHEET_COLUMNS : columns;
    if (d[0] > columns * SHEET_ROWS) d[0] = columns * SHEET_ROWS;
    if (columns > d[0]) columns = d[0];
    const size_t rows = (d[0] + columns - 1) / columns;
    const int width = (int)(columns * (d[2] + GAP)), height = (int)(rows * (d[1] + GAP));
    KAD_CALL(kad_take(&scope, 3 * (size_t)width * (size_t)height, &rgb));
    memset(rgb, 128, 3 * (size_t)width * (size_t)height);
    lay(d, x, (int)columns, width, rgb);
    kad_image_render(out, width, height, rgb, width * 2 <= SHEET_PIXELS ? 2 : 1, alt);
    return KAD_OK;
}

static kad_status draw_data(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    return draw_sheet(ctx, file, "/images/data/sheet", "images to train on", out);
}

static kad_status draw_samples(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    return draw_sheet(ctx, file, "/images/samples", "samples of the map", out);
}

const kad_figure kad_figure_images_data = {
    .title = "Images to train on",
    .caption = "The first images of the data, as the map sees them.",
    .wide = true,
    .draw = draw_data,
};

const kad_figure kad_figure_images_samples = {
    .title = "Samples",
    .caption =
        "The map's own images: latents drawn from the prior, generated from coarse "
        "to fine. None of them is chosen.",
    .wide = true,
    .draw = draw_samples,
};

const kad_figure kad_figure_images_curve = {
    .title = "Bits per dimension",
    .caption =
        "&minus;log<sub>2</sub> of the probability of an image, divided by its number of "
        "levels (channels &times; height &times; width), while training. Held-out images "
        "are never trained on: what the curves lie apart is learnt by heart.",
    .plot = {.x = {.label = "seconds of training"},
             .y = {.label = "bits per dimension"},
             .layer = {{.group = "/images/curve",
                        .x = "seconds",
                        .y = "bpd",
                        .marks = KAD_DRAW_LINE | KAD_DRAW_POINTS,
                        .label = "held out",
                        .color = 0},
                       {.group = "/images/curve",
                        .x = "seconds",
                        .y = "bpd_train",
                        .marks = KAD_DRAW_LINE,
                        .label = "trained on",
                        .color = 1}}},
};

const kad_figure kad_figure_images_levels = {
    .title = "Information by level",
    .caption =
        "Where the bits of a held-out image are: level 0 holds the finest sites, the "
        "last level what is generated first. The last column is what a level adds "
        "to the bits per dimension of the whole image.",
    .table = {"/images/levels",
              {{.head = "level", .name = "level"},
               {.head = "sites", .name = "sites"},
               {.head = "bits a channel of a site", .name = "bits"},
               {.head = "share of the bits per dimension", .name = "bpd", .digits = 4}}},
};
