/* One picture as it is in its file, and what becomes of it: a window, resized by area, grey
 * or not, with a border. Whole numbers throughout: the same bytes on every machine. */
#ifndef KAD_IMAGE_PICTURE_H
#define KAD_IMAGE_PICTURE_H

#include "base/memory.h"

#include <stdbool.h>
#include <stdint.h>

/* Channel c of the pixel at row y, column x is pixels[y * row + x * column + c * channel];
 * 1 channel, brightness, or 3, red, green, blue. */
typedef struct kad_picture {
    int n_channels, height, width;
    size_t row, column, channel;
    const uint8_t *pixels;
} kad_picture;

/* What is decoded at most: more is taken for an attack. */
enum {
    KAD_PICTURE_SIDE = 1 << 16,
    KAD_PICTURE_PIXELS = 1 << 26,
    KAD_PICTURE_FILE_BYTES = 1 << 28
};
/* KAD_EDATA for others. */
KAD_MUST_USE kad_status kad_picture_check_size(kad_ctx *ctx, const char *name,
                                               uint64_t width, uint64_t height);

/* A format is one file with a `static const kad_picture_format`, and a line in
 * picture_formats.c. */
typedef struct kad_picture_format {
    const char *name;
    const char *missing; /* NULL, or what the program was built without */
    bool (*is)(const uint8_t *head, size_t n);
    /* REQUIRED. A whole file in memory; `name` is its, for messages. only_size: channels,
     * height and width, no pixels. Errors: KAD_EDATA (one line that says why), KAD_ENOMEM.
     */
    kad_status (*decode)(kad_scope *in, const char *name, const uint8_t *data, size_t n,
                         bool only_size, kad_picture *out);
} kad_picture_format;

extern const kad_picture_format kad_picture_png, kad_picture_jpeg;
/* By its first bytes; NULL: none. */
const kad_picture_format *kad_picture_format_of(const uint8_t *head, size_t n);

typedef struct kad_window {
    int x, y, width, height;
} kad_window;

/* The window averaged over areas to out_width x out_height levels, of n_channels (1 of a
 * picture of 3: (19595 R + 38470 G + 7471 B + 2^15) / 2^16), with a black border of `pad`:
 * out [n_channels][out_height + 2 pad][out_width + 2 pad]. `sums`: 4 * out_width numbers. */
void kad_picture_fit(const kad_picture *picture, kad_window window, int n_channels,
                     int out_height, int out_width, int pad, uint64_t *sums,
                     uint8_t *out);

#endif
