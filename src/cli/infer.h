/* What `infer` and `generate` share, of fields and of images. */
#ifndef KAD_CLI_INFER_H
#define KAD_CLI_INFER_H

#include "base/memory.h"
#include "io/writer.h"
#include "run/app.h"

/* "file.h5:/samplers/hmc/configs" in its two parts; "file.h5": the data set `otherwise`. */
KAD_MUST_USE kad_status kad_infer_split(kad_scope *in, const char *name,
                                        const char *otherwise, char **path,
                                        const char **dataset);
/* Latents of the file that the command's second argument names, [*n] and `shape` (of `rank` - 1
 * extents, called `axes` in a message), in the file's order; taken from the scope. Errors:
 * KAD_ENOINPUT where there is no such data set, KAD_EDATA for another shape or numbers that
 * are not finite. */
KAD_MUST_USE kad_status kad_infer_latents(kad_app *app, kad_scope *in, int rank,
                                          const size_t *shape, const char *axes,
                                          size_t *n, double **z);
/* A new file's head: conventions, the run, the model (NULL: none) and the source. */
void kad_infer_head(kad_writer *w, const kad_app *app, const char *model);

/* `infer` and `generate` for a run on images. */
KAD_MUST_USE kad_status kad_infer_images(kad_app *app);
KAD_MUST_USE kad_status kad_generate_images(kad_app *app);

#endif
