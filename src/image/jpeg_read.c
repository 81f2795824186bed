/* JPEG by libjpeg: grey, colour and CMYK (what Adobe's programs write, inverted, and the
 * plain one). Whatever the library warns of is damage: a picture that ends early is not
 * read. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "image/picture.h"

static bool is(const uint8_t *head, size_t n)
{
    return n >= 3 && head[0] == 0xff && head[1] == 0xd8 && head[2] == 0xff;
}

#ifdef HAVE_JPEG
#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

typedef struct reading {
    struct jpeg_error_mgr errors; /* first: the library hands it back */
    jmp_buf back;
    char why[JMSG_LENGTH_MAX];
} reading;

static void on_error(j_common_ptr jpeg)
{
    reading *r = (reading *)jpeg->err;
    r->errors.format_message(jpeg, r->why);
    longjmp(r->back, 1);
}

static void on_message(j_common_ptr jpeg, int level)
{
    if (level < 0) on_error(jpeg);
}

enum { MOST_SCANS = 100 }; /* a progressive picture of many is made to take time */

static void on_progress(j_common_ptr jpeg)
{
    reading *r = (reading *)jpeg->err;
    if (((j_decompress_ptr)jpeg)->input_scan_number <= MOST_SCANS) return;
    snprintf(r->why, sizeof r->why, "more than %d scans", MOST_SCANS);
    longjmp(r->back, 1);
}

static void to_rgb(uint8_t *p, size_t n, bool inverted)
{
    uint8_t *out = p;
    for (size_t i = 0; i < n; i++, p += 4, out += 3) {
        const int k = inverted ? p[3] : 255 - p[3];
        for (int c = 0; c < 3; c++)
            out[c] = (uint8_t)(((inverted ? p[c] : 255 - p[c]) * k + 127) / 255);
    }
}

static kad_status decode_guarded(kad_scope *in, const char *name, const uint8_t *data,
                                 size_t n, bool only_size,
                                 struct jpeg_decompress_struct *jpeg, reading *r,
                                 kad_picture *out)
{
    struct jpeg_progress_mgr progress = {.progress_monitor = on_progress};
    if (setjmp(r->back)) {
        kad_make_printable(r->why, false);
        return kad_fail(in->ctx, KAD_EDATA, "%s: damaged JPEG: %s", name, r->why);
    }
    jpeg_create_decompress(jpeg);
    jpeg->progress = &progress;
    jpeg_mem_src(jpeg, data, (unsigned long)n);
    jpeg_read_header(jpeg, TRUE);
    KAD_CALL(
        kad_picture_check_size(in->ctx, name, jpeg->image_width, jpeg->image_height));
    const bool four = jpeg->num_components == 4, one = jpeg->num_components == 1;
    jpeg->out_color_space = four ? JCS_CMYK : one ? JCS_GRAYSCALE : JCS_RGB;
    jpeg->dct_method = JDCT_ISLOW;
    const size_t width = jpeg->image_width, height = jpeg->image_height;
    const size_t step = one ? 1 : 3, read_step = four ? 4 : step;
    *out = (kad_picture){(int)step, (int)height, (int)width, step * width, step, 1, NULL};
    if (only_size) return KAD_OK;
    uint8_t *block;
    KAD_CALL(kad_take(in, width * height * step + width * 4, &block));
    uint8_t *const pixels = block, *const line = block + width * height * step;
    jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < jpeg->output_height) {
        uint8_t *to = pixels + (size_t)jpeg->output_scanline * width * step;
        JSAMPROW row = read_step == step ? to : line;
        jpeg_read_scanlines(jpeg, &row, 1);
        if (row == to) continue;
        to_rgb(line, width, jpeg->saw_Adobe_marker);
        for (size_t i = 0; i < width * step; i++)
            to[i] = line[i];
    }
    jpeg_finish_decompress(jpeg);
    out->pixels = pixels;
    return KAD_OK;
}

static kad_status decode(kad_scope *in, const char *name, const uint8_t *data, size_t n,
                         bool only_size, kad_picture *out)
{
    reading r = {0};
    struct jpeg_decompress_struct jpeg = {0};
    jpeg.err = jpeg_std_error(&r.errors);
    r.errors.error_exit = on_error;
    r.errors.emit_message = on_message;
    const kad_status status =
        decode_guarded(in, name, data, n, only_size, &jpeg, &r, out);
    jpeg_destroy_decompress(&jpeg);
    return status;
}

const kad_picture_format kad_picture_jpeg = {.name = "JPEG", .is = is, .decode = decode};
#else
const kad_picture_format kad_picture_jpeg = {
    .name = "JPEG",
    .missing = "built without libjpeg (the Debian package libjpeg-dev)",
    .is = is};
#endif
