/* PNG by libpng: any depth and colour type. 16 bits become 8 (rounded), palettes and 1, 2,
 * 4 bits are expanded, transparency is laid on black, animation and text are passed over.
 * Its checksums are believed: what does not match them is damaged. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "image/picture.h"

#include <string.h>

static bool is(const uint8_t *head, size_t n)
{
    static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    return n >= sizeof signature && memcmp(head, signature, sizeof signature) == 0;
}

#ifdef HAVE_PNG
#include <png.h>
#include <setjmp.h>

typedef struct reading {
    const uint8_t *data;
    size_t left;
    png_structp png;
    png_infop info;
    char why[96];
} reading;

static void read_bytes(png_structp png, png_bytep out, size_t n)
{
    reading *r = png_get_io_ptr(png);
    if (n > r->left) png_error(png, "it ends early");
    memcpy(out, r->data, n);
    r->data += n;
    r->left -= n;
}

static void on_error(png_structp png, png_const_charp message)
{
    reading *r = png_get_error_ptr(png);
    strncpy(r->why, message, sizeof r->why - 1);
    longjmp(png_jmpbuf(png), 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

/* What is only told about a picture may be large and damaged: it is not read. */
static void begin(reading *r)
{
    png_set_user_limits(r->png, KAD_PICTURE_SIDE, KAD_PICTURE_SIDE);
    png_set_chunk_cache_max(r->png, 128);
    png_set_chunk_malloc_max(r->png, 1 << 20);
    png_set_keep_unknown_chunks(r->png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
    png_set_crc_action(r->png, PNG_CRC_ERROR_QUIT, PNG_CRC_WARN_DISCARD);
    png_set_read_fn(r->png, r, read_bytes);
    png_read_info(r->png, r->info);
}

static kad_status decode_guarded(kad_scope *in, const char *name, bool only_size,
                                 reading *r, kad_picture *out)
{
    uint8_t *volatile pixels = NULL;
    if (setjmp(png_jmpbuf(r->png))) {
        kad_make_printable(r->why, false);
        return kad_fail(in->ctx, KAD_EDATA, "%s: damaged PNG: %s", name, r->why);
    }
    begin(r);
    const uint32_t width = png_get_image_width(r->png, r->info);
    const uint32_t height = png_get_image_height(r->png, r->info);
    KAD_CALL(kad_picture_check_size(in->ctx, name, width, height));
    png_set_expand(r->png);
    png_set_scale_16(r->png);
    const bool clear = (png_get_color_type(r->png, r->info) & PNG_COLOR_MASK_ALPHA) ||
                       png_get_valid(r->png, r->info, PNG_INFO_tRNS);
    const int passes = png_set_interlace_handling(r->png);
    png_read_update_info(r->png, r->info);
    const int channels = png_get_channels(r->png, r->info);
    const int colours = channels >= 3 ? 3 : 1;
    if (channels != colours + (clear ? 1 : 0) || png_get_bit_depth(r->png, r->info) != 8)
        return kad_fail(in->ctx, KAD_EDATA, "%s: PNG of %d channels", name, channels);
    const size_t step = (size_t)channels, row = step * width;
    *out = (kad_picture){colours, (int)height, (int)width, row, step, 1, NULL};
    if (only_size) return KAD_OK;
    uint8_t *block;
    KAD_CALL(kad_take(in, row * height, &block));
    pixels = block;
    for (int pass = 0; pass < passes; pass++)
        for (uint32_t y = 0; y < height; y++)
            png_read_row(r->png, pixels + y * row, NULL);
    png_read_end(r->png, NULL);
    if (clear)
        for (uint8_t *p = pixels, *end = p + row * height; p < end; p += step)
            for (int c = 0; c < colours; c++)
                p[c] = (uint8_t)((p[c] * p[colours] + 127) / 255);
    out->pixels = pixels;
    return KAD_OK;
}

static kad_status decode(kad_scope *in, const char *name, const uint8_t *data, size_t n,
                         bool only_size, kad_picture *out)
{
    reading r = {.data = data, .left = n};
    kad_status status = KAD_ENOMEM;
    r.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &r, on_error, on_warning);
    if (r.png != NULL) r.info = png_create_info_struct(r.png);
    if (r.info != NULL)
        status = decode_guarded(in, name, only_size, &r, out);
    else
        kad_fail(in->ctx, KAD_ENOMEM, "out of memory");
    png_destroy_read_struct(&r.png, &r.info, NULL);
    return status;
}

const kad_picture_format kad_picture_png = {.name = "PNG", .is = is, .decode = decode};
#else
const kad_picture_format kad_picture_png = {
    .name = "PNG", .missing = "built without libpng", .is = is};
#endif
