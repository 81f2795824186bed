/* A run folder with all that is made of its own config: for commands that go on with it. */
#ifndef KAD_CLI_STORED_RUN_H
#define KAD_CLI_STORED_RUN_H

#include "io/writer.h"
#include "run/app.h"
#include "run/options.h"
#include "train/model.h"

typedef struct kad_stored_run {
    kad_run *run;
    kad_schema schema;
    kad_config *config;
    kad_run_options options;
    kad_model *model;
    kad_h5 *file; /* run.h5 */
} kad_stored_run;

/* Open app->args[0] with the overrides of the command line, which must be keys of one
 * section ("bulk."; NULL: none). `out` is zero, and closed by the caller whatever comes
 * back. Errors: those of the config and the folder. */
KAD_MUST_USE kad_status kad_stored_run_open(kad_app *app, kad_run_mode mode,
                                            const char *section, kad_stored_run *out);
/* The same to read, with its trained map. Of a family of maps it is the one at the couplings that
 * the command line names ("action.temperature=2.2"), else at those of the config, and which it is is said;
 * the action of out->model is at the same couplings. Also KAD_ENOINPUT (nothing is trained),
 * KAD_EUSAGE (an override that is no coupling of the family's), KAD_ECONFIG (outside of its
 * range). */
KAD_MUST_USE kad_status kad_stored_map_open(kad_app *app, kad_stored_run *out,
                                            kad_map **map);
/* Attributes of the couplings that it was taken at; none for one map. */
void kad_stored_couplings_write(kad_writer *w, const kad_model *model);
/* KAD_EUSAGE for an override that is not of that section. */
KAD_MUST_USE kad_status kad_stored_check_overrides(kad_app *app, const char *section);
void kad_stored_run_close(kad_stored_run *stored);

#endif
