/* Pictures as PNG bytes. */
#ifndef KAD_REPORT_IMAGE_H
#define KAD_REPORT_IMAGE_H

#include "base/context.h"

#include <stddef.h>

/* rgb [h][w][3], every pixel enlarged to scale x scale, as a PNG file in *bytes (from
 * kad_alloc). Errors: KAD_ECONFIG (built without libpng), KAD_ENOMEM, KAD_EINTERNAL. */
KAD_MUST_USE kad_status kad_image_png(kad_ctx *ctx, int w, int h,
                                      const unsigned char *rgb, int scale,
                                      unsigned char **bytes, size_t *n);

#endif
