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
/* A new file's head: conventions, the run, the model (NULL: none) and the source. */
void kad_infer_head(kad_writer *w, const kad_app *app, const char *model);
/* Mean and its error as if the values were independent. */
void kad_infer_say_mean(kad_app *app, const char *what, size_t n, const double *values);

/* `infer` and `generate` for a run on images. */
KAD_MUST_USE kad_status kad_infer_images(kad_app *app);
KAD_MUST_USE kad_status kad_generate_images(kad_app *app);

#endif
