#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "tests/image/image_case.h"

#include <sys/stat.h>

#ifdef HAVE_PNG
#include <png.h>
#endif
#ifdef HAVE_JPEG
#include <jpeglib.h>
#endif

static void hear(void *sink, const char *line)
{
    image_case *c = sink;
    snprintf(c->notices[c->n_notices++ % 8], sizeof c->notices[0], "%.255s", line);
}

int image_set_up(void **state)
{
    image_case *c = calloc(1, sizeof *c);
    if (c == NULL) return -1;
    kad_ctx_init(&c->ctx, 2);
    c->ctx.log = hear;
    c->ctx.sink = c;
    scratch_make(&c->folder);
    image_path(c, "cache/x");
    *state = c;
    return 0;
}

int image_tear_down(void **state)
{
    image_case *c = *state;
    scratch_remove(&c->folder);
    free(c);
    return 0;
}

const char *image_path(image_case *c, const char *name)
{
    const char *path = scratch_file(&c->folder, name);
    char part[512];
    for (const char *p = path + strlen(c->folder.path) + 1; (p = strchr(p, '/')); p++) {
        snprintf(part, sizeof part, "%.*s", (int)(p - path), path);
        mkdir(part, 0777);
    }
    return path;
}

kad_image_options image_options(const char *source)
{
    kad_image_options o = {0}; /* also what no key fills */
    kad_keys_default(kad_image_keys, kad_image_n_keys, &o);
    o.source = source;
    return o;
}

kad_status image_open(image_case *c, const kad_image_options *o, kad_image_store **out)
{
    char cache[512];
    snprintf(cache, sizeof cache, "%s/cache", c->folder.path);
    return kad_image_store_open(&c->ctx, o, cache, out);
}

void image_refused(image_case *c, const kad_image_options *o, kad_status wanted,
                   const char *fragment)
{
    kad_image_store *store = NULL;
    const kad_status status = image_open(c, o, &store);
    assert_null(store);
    if (status != wanted || strstr(c->ctx.message, fragment) == NULL ||
        !kad_is_printable(c->ctx.message))
        fail_msg("expected %d, \"%s\"; found %d, \"%s\"", wanted, fragment, status,
                 c->ctx.message);
}

bool image_noted(const image_case *c, const char *fragment)
{
    for (int i = 0; i < 8; i++)
        if (strstr(c->notices[i], fragment) != NULL) return true;
    return false;
}

uint8_t image_level(int i, int k, int y, int x)
{
    return (uint8_t)((37 * i + 90 * k + 11 * y + 5 * x) % 256);
}

const kad_images *image_side(const kad_image_store *store, int side)
{
    const kad_image_set *set = kad_image_store_set(store);
    return side == 0 ? &set->train : &set->held_out;
}

/* --- files ---------------------------------------------------------------------------- */

#ifdef HAVE_PNG
static bool write_png(FILE *file, picture_kind kind, int i, int height, int width)
{
    static const int types[] = {
        [PNG_GREY] = PNG_COLOR_TYPE_GRAY,       [PNG_RGB] = PNG_COLOR_TYPE_RGB,
        [PNG_PALETTE] = PNG_COLOR_TYPE_PALETTE, [PNG_RGBA] = PNG_COLOR_TYPE_RGB_ALPHA,
        [PNG_GREY_16] = PNG_COLOR_TYPE_GRAY,    [PNG_INTERLACED] = PNG_COLOR_TYPE_RGB};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    const bool deep = kind == PNG_GREY_16;
    png_bytep rows[64];
    if (setjmp(png_jmpbuf(png))) abort();
    png_init_io(png, file);
    png_set_IHDR(png, info, (png_uint_32)width, (png_uint_32)height, deep ? 16 : 8,
                 types[kind], kind == PNG_INTERLACED, 0, 0);
    png_color palette[256];
    for (int v = 0; v < 256; v++)
        palette[v] = (png_color){(png_byte)v, (png_byte)(v + 90), (png_byte)(v + 180)};
    if (kind == PNG_PALETTE) png_set_PLTE(png, info, palette, 256);
    png_write_info(png, info);
    const int channels = png_get_channels(png, info), bytes = channels * (deep ? 2 : 1);
    for (int y = 0; y < height; y++) {
        png_bytep p = rows[y] = calloc(1, (size_t)(bytes * width));
        for (int x = 0; x < width; x++)
            for (int k = 0; k < channels; k++) {
                *p++ = k == 3 ? 128 : image_level(i, k, y, x);
                if (deep) *p++ = 0x80; /* v + 128/65535: rounds to v */
            }
    }
    png_write_image(png, rows);
    png_write_end(png, NULL);
    for (int y = 0; y < height; y++)
        free(rows[y]);
    png_destroy_write_struct(&png, &info);
    return true;
}
#else
static bool write_png(FILE *file, picture_kind kind, int i, int height, int width)
{
    (void)file, (void)kind, (void)i, (void)height, (void)width;
    return false;
}
#endif

#ifdef HAVE_JPEG
static bool write_jpeg(FILE *file, picture_kind kind, int i, int height, int width)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    const int channels = kind == JPEG_GREY ? 1 : kind == JPEG_RGB ? 3 : 4;
    JSAMPLE row[4 * 64];
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_stdio_dest(&jpeg, file);
    jpeg.image_width = (JDIMENSION)width;
    jpeg.image_height = (JDIMENSION)height;
    jpeg.input_components = channels;
    jpeg.in_color_space = kind == JPEG_GREY  ? JCS_GRAYSCALE
                          : kind == JPEG_RGB ? JCS_RGB
                                             : JCS_CMYK;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 100, TRUE);
    for (int k = 0; k < channels; k++)
        jpeg.comp_info[k].h_samp_factor = jpeg.comp_info[k].v_samp_factor = 1;
    jpeg_start_compress(&jpeg, TRUE);
    for (int y = 0; y < height; y++) {
        JSAMPROW at = row;
        for (int x = 0; x < width; x++)
            for (int k = 0; k < channels; k++)
                /* Adobe's way, which libjpeg writes: inverted, here without black */
                row[x * channels + k] = k == 3 ? 255 : (JSAMPLE)(40 * k + i + 2 * x + y);
        jpeg_write_scanlines(&jpeg, &at, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return true;
}
#else
static bool write_jpeg(FILE *file, picture_kind kind, int i, int height, int width)
{
    (void)file, (void)kind, (void)i, (void)height, (void)width;
    return false;
}
#endif

bool image_write(const char *path, picture_kind kind, int i, int height, int width)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL) fail_msg("%s: cannot be written", path);
    const bool done = kind < JPEG_GREY ? write_png(file, kind, i, height, width)
                                       : write_jpeg(file, kind, i, height, width);
    fclose(file);
    if (!done) unlink(path);
    return done;
}

uint8_t *image_levels(int channels, int height, int width, bool planar)
{
    uint8_t *out = malloc((size_t)(IMAGE_N * channels * height * width)), *p = out;
    for (int i = 0; i < IMAGE_N; i++)
        for (int a = 0; a < (planar ? channels : height); a++)
            for (int b = 0; b < (planar ? height : width); b++)
                for (int c = 0; c < (planar ? width : channels); c++)
                    *p++ = planar ? image_level(i, a, b, c) : image_level(i, c, a, b);
    return out;
}

void image_write_npy(const char *path, const char *shape, const uint8_t *data, size_t n)
{
    char header[128];
    FILE *file = fopen(path, "wb");
    const int length =
        snprintf(header, sizeof header,
                 "{'descr': '|u1', 'fortran_order': False, 'shape': %s, }\n", shape);
    fwrite("\x93NUMPY\1\0", 1, 8, file);
    fputc(length, file);
    fputc(0, file);
    fwrite(header, 1, (size_t)length, file);
    fwrite(data, 1, n, file);
    fclose(file);
}
