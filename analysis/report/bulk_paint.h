/* The bulk in pictures, painted from /bulk of a results file for whoever wants them: the
 * report and PNG files.
 *
 *   field     a configuration at every level, boundary to bulk
 *   latents   its latents as a pyramid: the details of level h, by their place in the
 *             block, in squares of 2^-(h+1) of the extent, the coarsest at the origin
 *   walk      the boundary while one latent of a level takes the values -3 .. 3
 *   wavelet   mean dx/dz of a class of latents, the latent in the middle
 *
 * One component: blue negative, red positive, full colour at two root mean squares
 * (wavelets: at the maximum); two or more: hue is the angle of the first two. Of three
 * dimensions the first slice is shown. */
#ifndef KAD_REPORT_BULK_PAINT_H
#define KAD_REPORT_BULK_PAINT_H

#include "io/h5.h"

typedef enum kad_picture_kind {
    KAD_PICTURE_FIELD,
    KAD_PICTURE_LATENTS,
    KAD_PICTURE_WALK,
    KAD_PICTURE_WAVELET
} kad_picture_kind;

typedef struct kad_picture {
    kad_picture_kind kind;
    int row, column; /* of a gallery: configuration or level, and level, step or class */
    int n_rows;      /* configurations or levels */
    int w, h;
    const unsigned char *rgb; /* [h][w][3], valid during the call */
    int n_comp;               /* painted: 1, or 2 for an angle and its length */
    const double *values;     /* [h][w][n_comp] what was painted, valid as long as rgb */
    double value;             /* walks: of the latent */
} kad_picture;

typedef kad_status (*kad_picture_sink)(kad_ctx *ctx, void *self,
                                       const kad_picture *picture);

/* Every picture of one kind, row by row; none where the file has not the data. Errors:
 * KAD_EDATA, KAD_ENOMEM, and the sink's. */
KAD_MUST_USE kad_status kad_bulk_paint(kad_ctx *ctx, kad_h5 *file, kad_picture_kind kind,
                                       kad_picture_sink sink, void *self);

/* All of them as DIR/field_ROW_level_H.png, latents_ROW.png, walk_level_H_STEP.png,
 * wavelet_level_H_CLASS.png, enlarged to about `pixels`; the folder is made where it is
 * missing. *n: how many. Errors: KAD_ECONFIG (built without libpng), KAD_ECREATE,
 * KAD_EIO. */
KAD_MUST_USE kad_status kad_bulk_write_png(kad_ctx *ctx, kad_h5 *file, const char *dir,
                                           int pixels, int *n);

#endif
