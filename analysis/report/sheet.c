#include "analysis/report/sheet.h"

#include "analysis/report/image.h"
#include "base/memory.h"

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

kad_status kad_sheet_draw(kad_ctx *ctx, kad_h5 *file, const char *path, const char *alt,
                          kad_text *out)
{
    KAD_SCOPE(scope, ctx);
    int rank;
    size_t d[KAD_H5_MAX_RANK], n = 1;
    unsigned char *x, *rgb;
    if (!kad_h5_exists(file, path)) return KAD_OK;
    KAD_CALL(kad_h5_shape(ctx, file, path, &rank, d));
    for (int i = 0; i < rank; i++)
        n *= d[i];
    if ((rank != 4 && rank != 5) || n == 0 || n > MAX_BYTES) return KAD_OK;
    KAD_CALL(kad_take(&scope, n, &x));
    KAD_CALL(kad_h5_read(ctx, file, path, KAD_H5_U8, rank, d, x));
    /* as many columns as there is room for, or as one image has pictures */
    size_t columns = SHEET_PIXELS / (d[rank - 2] + GAP);
    columns = columns < 1 ? 1 : columns > SHEET_COLUMNS ? SHEET_COLUMNS : columns;
    if (rank == 5) {
        columns = d[1];
        d[0] *= d[1];
        memmove(d + 1, d + 2, 3 * sizeof *d);
    } else if (d[0] > columns * SHEET_ROWS)
        d[0] = columns * SHEET_ROWS;
    if (columns > d[0]) columns = d[0];
    if (d[3] != 1 && d[3] != 3) return KAD_OK;
    const size_t rows = (d[0] + columns - 1) / columns;
    const int width = (int)(columns * (d[2] + GAP)), height = (int)(rows * (d[1] + GAP));
    KAD_CALL(kad_take(&scope, 3 * (size_t)width * (size_t)height, &rgb));
    memset(rgb, 128, 3 * (size_t)width * (size_t)height);
    lay(d, x, (int)columns, width, rgb);
    kad_image_render(out, width, height, rgb, width * 2 <= SHEET_PIXELS ? 2 : 1, alt);
    return KAD_OK;
}
