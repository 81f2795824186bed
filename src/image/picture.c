#include "image/picture.h"

#include <string.h>

kad_status kad_picture_check_size(kad_ctx *ctx, const char *name, uint64_t width,
                                  uint64_t height)
{
    if (width == 0 || height == 0) return kad_fail(ctx, KAD_EDATA, "%s: no pixels", name);
    if (width > KAD_PICTURE_SIDE || height > KAD_PICTURE_SIDE ||
        width * height > KAD_PICTURE_PIXELS)
        return kad_fail(ctx, KAD_EDATA,
                        "%s: claims %llu x %llu pixels, at most %d in all are read", name,
                        (unsigned long long)width, (unsigned long long)height,
                        KAD_PICTURE_PIXELS);
    return KAD_OK;
}

const kad_picture_format *kad_picture_format_of(const uint8_t *head, size_t n)
{
    static const kad_picture_format *const formats[] = {&kad_picture_png,
                                                        &kad_picture_jpeg};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (formats[i]->is(head, n)) return formats[i];
    return NULL;
}

/* --- resizing ------------------------------------------------------------------------- */

static int brightness(const uint8_t *p, size_t channel)
{
    return (19595 * p[0] + 38470 * p[channel] + 7471 * p[2 * channel] + 32768) >> 16;
}

/* Adds `weight` times a row of the window to its sums over areas: in units of 1 / out_width
 * of a pixel, pixel j covers [j out_width, (j + 1) out_width) and area i
 * [i width, (i + 1) width). */
static void add_row(const kad_picture *p, kad_window w, int y, int n_channels,
                    int out_width, uint64_t weight, uint64_t *sums)
{
    const uint8_t *row = p->pixels + (size_t)(w.y + y) * p->row + (size_t)w.x * p->column;
    const bool to_grey = n_channels == 1 && p->n_channels == 3;
    int64_t area = 0, left = w.width; /* what area `area` still lacks */
    for (int j = 0; j < w.width; j++, row += p->column) {
        int64_t pixel = out_width; /* what is left of the pixel */
        while (pixel > 0) {
            const int64_t part = pixel < left ? pixel : left;
            uint64_t *sum = sums + area * n_channels;
            if (to_grey)
                sum[0] += weight * (uint64_t)part * (uint64_t)brightness(row, p->channel);
            else
                for (int c = 0; c < n_channels; c++)
                    sum[c] += weight * (uint64_t)part *
                              row[p->n_channels == 1 ? 0 : (size_t)c * p->channel];
            pixel -= part;
            left -= part;
            if (left == 0) {
                left = w.width;
                area++;
            }
        }
    }
}

void kad_picture_fit(const kad_picture *picture, kad_window w, int n_channels,
                     int out_height, int out_width, int pad, uint64_t *sums, uint8_t *out)
{
    const size_t line = (size_t)(out_width + 2 * pad);
    const size_t plane = line * (size_t)(out_height + 2 * pad);
    const uint64_t all = (uint64_t)w.width * (uint64_t)w.height;
    const size_t sums_bytes = (size_t)out_width * (size_t)n_channels * sizeof *sums;
    memset(out, 0, plane * (size_t)n_channels);
    for (int i = 0; i < out_height; i++) {
        /* rows of the window that area i meets, in units of 1 / out_height */
        const int64_t begin = (int64_t)i * w.height, end = begin + w.height;
        memset(sums, 0, sums_bytes);
        for (int64_t y = begin / out_height; y * out_height < end; y++) {
            const int64_t from = y * out_height > begin ? y * out_height : begin;
            const int64_t to = (y + 1) * out_height < end ? (y + 1) * out_height : end;
            add_row(picture, w, (int)y, n_channels, out_width, (uint64_t)(to - from),
                    sums);
        }
        uint8_t *to = out + (size_t)(i + pad) * line + (size_t)pad;
        for (int x = 0; x < out_width; x++)
            for (int c = 0; c < n_channels; c++)
                to[(size_t)c * plane + (size_t)x] =
                    (uint8_t)((sums[x * n_channels + c] + all / 2) / all);
    }
}
