/* A run folder on images with its map: for commands that put it to use. */
#ifndef KAD_CLI_STORED_IMAGES_H
#define KAD_CLI_STORED_IMAGES_H

#include "run/pipeline.h"

typedef struct kad_stored_images {
    kad_pipeline p; /* the folder's own config, its options, the folder */
    kad_h5 *file;   /* run.h5 */
    kad_image_map *map;
    void *plan;   /* of its weights */
    bool limited; /* data.limit was given on the command line */
} kad_stored_images;

/* Is app->args[0] a run on images? Errors: those of opening it. */
KAD_MUST_USE kad_status kad_stored_images_ask(kad_app *app, bool *images);
/* KAD_ENOINPUT if these are the results of one. */
KAD_MUST_USE kad_status kad_stored_images_refuse(kad_ctx *ctx, const kad_h5 *file,
                                                 const char *run);
/* As kad_stored_run_open. */
KAD_MUST_USE kad_status kad_stored_images_open(kad_app *app, kad_run_mode mode,
                                               const char *section,
                                               kad_stored_images *out);
void kad_stored_images_close(kad_stored_images *stored);

/* The folder that a file is in. */
KAD_MUST_USE kad_status kad_stored_folder_of(kad_scope *in, const char *path,
                                             const char **folder);

/* Images: [n][C][height][width] as PNG files DIR/NAME_0000.png ... */
KAD_MUST_USE kad_status kad_stored_pictures(kad_app *app, const kad_image_map *map,
                                            const char *dir, const char *name, size_t n,
                                            const uint8_t *x);

#endif
