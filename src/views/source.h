/* Images of another source than a run's own, read as the run's were. */
#ifndef KAD_VIEWS_SOURCE_H
#define KAD_VIEWS_SOURCE_H

#include "image/load.h"

typedef struct kad_view_source {
    kad_image_store *store; /* closed by the caller */
    const kad_images *images;
    bool held_out; /* they are those that the source itself holds out */
} kad_view_source;

/* "FILE.h5:/DATASET" or anything that data.source may be, at most `limit` images (0: all);
 * those that the source itself holds out where it does, else all. They are mapped from a
 * file in `folder` that has no name any more. `key` names the source in messages (NULL:
 * data.source). Errors: those of kad_image_store_open. */
KAD_MUST_USE kad_status kad_view_source_open(kad_ctx *ctx, const kad_image_options *data,
                                             const char *key, const char *source,
                                             int64_t limit, const char *folder,
                                             kad_view_source *out);
/* KAD_EDATA where they are not of this shape. */
KAD_MUST_USE kad_status kad_view_source_check(kad_ctx *ctx, const kad_view_source *images,
                                              const char *source, int channels,
                                              int height, int width);
/* The same of a source that is only measured, for images like these; NULL: it is there, and one
 * of images. */
KAD_MUST_USE kad_status kad_view_source_measure(kad_ctx *ctx,
                                                const kad_image_options *data,
                                                const char *key, const char *source,
                                                const kad_images *like);

#endif
