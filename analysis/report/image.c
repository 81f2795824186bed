/* Pictures in the report: PNG where libpng was found, else SVG rectangles. */
#include "config.h"

#include "analysis/report/image.h"
#include "analysis/report/markup.h"
#include "base/memory.h"

#include <math.h>
#include <string.h>

#ifdef HAVE_PNG
#include <png.h>

/* The file of a picture, from kad_alloc; NULL on failure. */
static unsigned char *encode(int w, int h, const unsigned char *rgb, size_t *n)
{
    png_image image;
    memset(&image, 0, sizeof image);
    image.version = PNG_IMAGE_VERSION;
    image.width = (png_uint_32)w;
    image.height = (png_uint_32)h;
    image.format = PNG_FORMAT_RGB;
    png_alloc_size_t n_bytes = PNG_IMAGE_PNG_SIZE_MAX(image);
    unsigned char *bytes = kad_alloc(n_bytes, 1);
    if (bytes == NULL) return NULL;
    if (png_image_write_to_memory(&image, bytes, &n_bytes, 0, rgb, 0, NULL) == 0) {
        kad_free(bytes);
        return NULL;
    }
    *n = n_bytes;
    return bytes;
}

static bool png_render(kad_text *out, int w, int h, const unsigned char *rgb)
{
    size_t n = 0;
    unsigned char *bytes = encode(w, h, rgb, &n);
    if (bytes == NULL) return false;
    kad_text_base64(out, bytes, n);
    kad_free(bytes);
    return true;
}

kad_status kad_image_png(kad_scope *in, int w, int h, const unsigned char *rgb, int scale,
                         unsigned char **bytes, size_t *n)
{
    KAD_SCOPE(scope, in->ctx);
    unsigned char *large;
    KAD_CALL(kad_take(&scope, 3 * (size_t)(w * scale) * (size_t)(h * scale), &large));
    for (int y = 0; y < h * scale; y++)
        for (int x = 0; x < w * scale; x++)
            memcpy(large + 3 * ((size_t)y * (size_t)(w * scale) + (size_t)x),
                   rgb + 3 * (y / scale * w + x / scale), 3);
    *bytes = encode(w * scale, h * scale, large, n);
    if (*bytes != NULL) return kad_defer(in, kad_free, *bytes);
    return kad_fail(in->ctx, KAD_EINTERNAL, "libpng cannot make a picture of %d x %d",
                    w * scale, h * scale);
}
#else
kad_status kad_image_png(kad_scope *in, int w, int h, const unsigned char *rgb, int scale,
                         unsigned char **bytes, size_t *n)
{
    (void)w, (void)h, (void)rgb, (void)scale, (void)n;
    *bytes = NULL;
    return kad_fail(in->ctx, KAD_ECONFIG,
                    "this program was built without libpng (package libpng-dev)");
}
#endif

static void rectangles(kad_text *out, int w, int h, const unsigned char *rgb)
{
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            const unsigned char *p = rgb + 3 * (y * w + x);
            kad_text_add(out, "<path fill=\"#%02x%02x%02x\" d=\"M%d %dh1v1h-1\"/>", p[0],
                         p[1], p[2], x, y);
        }
}

void kad_image_render(kad_text *out, int w, int h, const unsigned char *rgb, int scale,
                      const char *alt)
{
#ifdef HAVE_PNG
    size_t before = out->n;
    kad_text_add(out,
                 "<img class=\"field\" width=\"%d\" height=\"%d\" alt=\"%s\" "
                 "src=\"data:image/png;base64,",
                 w * scale, h * scale, alt);
    if (png_render(out, w, h, rgb)) {
        kad_text_add(out, "\">");
        return;
    }
    if (out->data != NULL) {
        out->n = before;
        out->data[before] = '\0';
    }
#endif
    kad_text_add(out,
                 "<svg class=\"field\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
                 "shape-rendering=\"crispEdges\" role=\"img\" aria-label=\"%s\">",
                 w * scale, h * scale, w, h, alt);
    rectangles(out, w, h, rgb);
    kad_text_add(out, "</svg>");
}

static unsigned char channel(double value)
{
    return (unsigned char)(255 * fmin(1, fmax(0, value)) + 0.5);
}

void kad_color_diverging(double value, unsigned char rgb[3])
{
    static const double cold[3] = {0.13, 0.33, 0.65}, middle[3] = {0.96, 0.96, 0.95},
                        warm[3] = {0.75, 0.16, 0.13};
    double v = fmin(1, fmax(-1, value));
    const double *end = v < 0 ? cold : warm;
    for (int i = 0; i < 3; i++)
        rgb[i] = channel(middle[i] + fabs(v) * (end[i] - middle[i]));
}

void kad_color_angle(double angle, double modulus, unsigned char rgb[3])
{
    double m = fmin(1, fmax(0, modulus));
    for (int i = 0; i < 3; i++) {
        double hue = 0.5 + 0.5 * cos(angle - i * 2.0943951023931953);
        rgb[i] = channel(0.96 + m * (0.15 + 0.75 * hue - 0.96));
    }
}
