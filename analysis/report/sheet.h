/* Sheets of pictures: data sets of images as one picture of the page. */
#ifndef KAD_REPORT_SHEET_H
#define KAD_REPORT_SHEET_H

#include "analysis/text.h"
#include "io/h5.h"

/* Bytes [image][row][column][channel], as many as there is room for, or
 * [image][picture][row][column][channel], a row of pictures an image; 1 channel or 3.
 * Nothing where there is no such data set. Errors: KAD_EDATA, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_sheet_draw(kad_ctx *ctx, kad_h5 *file, const char *path,
                                       const char *alt, kad_text *out);

#endif
