/* Pictures of pixels, in the page and as PNG files, and the colours of their values. */
#ifndef KAD_REPORT_IMAGE_H
#define KAD_REPORT_IMAGE_H

#include "analysis/text.h"
#include "base/memory.h"

/* rgb [h][w][3], every pixel enlarged to scale x scale, as a PNG file in *bytes. Errors: KAD_ECONFIG (built without libpng), KAD_ENOMEM, KAD_EINTERNAL. */
KAD_MUST_USE kad_status kad_image_png(kad_scope *in, int w, int h,
                                      const unsigned char *rgb, int scale,
                                      unsigned char **bytes, size_t *n);

/* A picture of w x h pixels, rgb [h][w][3], shown at `scale` screen pixels a pixel: a PNG
 * in a data URI where libpng was found, else SVG rectangles. */
void kad_image_render(kad_text *out, int w, int h, const unsigned char *rgb, int scale,
                      const char *alt);

/* Colours of a field value in -1..1 (blue, white, red), and of an angle with modulus
 * 0..1 (hue wheel). */
void kad_color_diverging(double value, unsigned char rgb[3]);
void kad_color_angle(double angle, double modulus, unsigned char rgb[3]);

#endif
