/* The main job: config -> folder -> self-check -> train -> sample -> analyse -> bulk ->
 * report. Every stage reads what the one before wrote; finished ones are skipped. The
 * program's commands (src/cli) and the library's functions (src/api) drive it; it says what
 * it does through kad_app.
 *
 * This folder:
 *   app              what is asked for
 *   schema, recipe   the config of a run, and what is chosen where it says nothing
 *   options          the structs that the modules take, made of it
 *   pipeline         the stages one after the other, with self-check and provenance
 *   images_work      a run on images, from reading to results
 *   attempts         who worked on a run, and how that ended
 *   run_state        how far a run is, from its folder
 *   report_file      report.html */
#ifndef KAD_RUN_PIPELINE_H
#define KAD_RUN_PIPELINE_H

#include "image/load.h"
#include "io/config.h"
#include "io/progress.h"
#include "io/run_folder.h"
#include "run/app.h"
#include "run/options.h"
#include "train/model.h"

enum {
    KAD_STAGE_TRAIN = 1,
    KAD_STAGE_SAMPLE = 2,
    KAD_STAGE_ANALYSE = 4,
    KAD_STAGE_BULK = 8,
    KAD_STAGE_REPORT = 16,
    KAD_STAGE_ALL = 31
};

typedef struct kad_pipeline {
    kad_app *app;
    const char
        *name; /* of the config, in messages; files that it names are relative to it */
    kad_schema schema;
    kad_config *config; /* resolved */
    kad_run_options options;
    kad_model *model;        /* NULL: the data are images */
    kad_image_store *images; /* these, once they are open */
    kad_run *run;
    kad_progress *progress;
    double started; /* kad_wall_seconds */
} kad_pipeline;

/* Stages (a mask of KAD_STAGE_*) of a config text. app->out must be set. */
KAD_MUST_USE kad_status kad_pipeline_text(kad_app *app, const char *text,
                                          const char *name, unsigned stages);
/* The text of a config file, NULL: of standard input. From kad_alloc. */
KAD_MUST_USE kad_status kad_pipeline_read(kad_ctx *ctx, const char *path, char **text);

/* From a text to a checked config and its model; nothing is created on the disk. p is
 * zero but for `app`, and released by the caller whatever comes back. */
KAD_MUST_USE kad_status kad_pipeline_prepare(kad_pipeline *p, const char *text,
                                             const char *name, int n_overrides,
                                             const char *const *overrides);
void kad_pipeline_release(kad_pipeline *p);
/* The options anew, after the config has changed. */
KAD_MUST_USE kad_status kad_pipeline_options(kad_pipeline *p);

/* The same, and what the stages would refuse: all that can be said before a run. */
KAD_MUST_USE kad_status kad_pipeline_check(kad_pipeline *p, const char *text,
                                           const char *name, int n_overrides,
                                           const char *const *overrides);

/* Whether a config takes an override: parsed, resolved, every key with an effect, and
 * possible for this model, as `run` would check it. */
bool kad_pipeline_accepts(kad_app *app, const char *text, const char *name,
                          const char *override);

/* A line to who listens, unless quiet. */
void kad_say(const kad_app *app, const char *format, ...) KAD_PRINTF(2, 3);

/* KAD_ECONFIG for a key that was given but has no effect with the other keys, and for one
 * that the map makes pointless; names the key and what is used. After the model exists.
 * (unused.c) */
KAD_MUST_USE kad_status kad_config_check_used(kad_pipeline *p, const char *name);

/* Compare what is used of the config with the folder's: KAD_ECONFIG names the first key
 * that differs. Finished entries of `sample` may be asked for more draws. *claimed: the
 * folder has a config; *grown: more draws are asked for than by that. (config_diff.c) */
KAD_MUST_USE kad_status kad_config_agree(kad_pipeline *p, bool *claimed, bool *grown);
/* KAD_ECONFIG where the run folder app->out would refuse to go on by a config text; nothing
 * is changed in it. Also the errors of kad_pipeline_prepare. */
KAD_MUST_USE kad_status kad_pipeline_agree(kad_app *app, const char *text,
                                           const char *name);
/* The same of what run.h5 says it was made with: KAD_EDATA when that is another run. */
KAD_MUST_USE kad_status kad_results_agree(kad_ctx *ctx, const kad_config *config,
                                          const kad_run *run, kad_h5 *file);
/* Make the folder's own files those of the config, and write config.yaml unless `claimed`
 * and not `grown`: from now on the folder belongs to this config. */
KAD_MUST_USE kad_status kad_config_claim(kad_pipeline *p, bool claimed, bool grown);

/* The bulk of the open folder, when the config asks for one: inference, every analysis,
 * its null test, errors and fits. (bulk_stage.c) */
KAD_MUST_USE kad_status kad_bulk_stage(kad_pipeline *p);
/* The same for an open file, whatever the config asks for. */
KAD_MUST_USE kad_status kad_bulk_read(kad_app *app, const kad_run_options *options,
                                      const kad_model *model, kad_h5 *file);

/* Of a map learnt from data alone: group /data of the open folder, draws of the map with means of
 * observables beside those of samples that it never saw. Nothing where an action is known, or
 * the group is there. (data_stage.c) */
KAD_MUST_USE kad_status kad_data_stage(kad_pipeline *p);

/* The curve of a family of maps, /family of the open folder; nothing for one map. Values
 * that an earlier call has done are kept. (family_stage.c) */
KAD_MUST_USE kad_status kad_family_stage(kad_pipeline *p);

/* Runs of the config without its family at the values of family.sample_at, each with the
 * map of its coupling, in folders below the run's: RUN/temperature=2.1. Complete ones are
 * passed over. False where the family has no such values. (family_points.c) */
bool kad_family_has_points(const kad_pipeline *p);
KAD_MUST_USE kad_status kad_family_points(kad_pipeline *p);
/* Whether those that are there have all draws of their samplers. */
KAD_MUST_USE kad_status kad_family_points_complete(kad_pipeline *p, bool *complete);
/* kad_sample_check_growth of all of them. */
KAD_MUST_USE kad_status kad_family_points_check_growth(kad_pipeline *p,
                                                       const kad_sample_options *old);

/* Runs whose data are images: section `data` with a source of them takes the place of
 * lattice and action, recipe `pixels` that of the flow. Their configs have keys of their own;
 * some have the names and the meaning of fields' keys, but other defaults. (images.c) */
/* Does the parsed config mean images? By data.kind, or what data.source holds. Errors:
 * KAD_ECONFIG, KAD_ENOINPUT, KAD_EDATA. */
KAD_MUST_USE kad_status kad_images_asked(kad_pipeline *p, bool *images);
/* As kad_pipeline_prepare, of such a text that has been parsed. Errors: KAD_ECONFIG, also for
 * a key that images have no use for. */
KAD_MUST_USE kad_status kad_images_prepare(kad_pipeline *p, const char *text,
                                           const char *name, int n_overrides,
                                           const char *const *overrides);
/* p->options of the config. KAD_ECONFIG. */
KAD_MUST_USE kad_status kad_images_options_read(kad_pipeline *p);
/* The first screen. */
void kad_images_describe(const kad_pipeline *p);
/* Read, train, evaluate, sample: group /images of the open folder. What an earlier call has
 * done is kept. Errors: those of the parts; KAD_EINTERRUPTED with a checkpoint.
 * (images_stage.c) */
KAD_MUST_USE kad_status kad_images_stage(kad_pipeline *p);
/* What the stage and its views would find wrong, in a folder that may not be claimed yet: images
 * are read, and found again by the stage. KAD_OK of a map that is trained. (images_stage.c) */
KAD_MUST_USE kad_status kad_images_check(kad_pipeline *p);
/* Every view (src/views) of the map in the open run's results, saved one by one; those that
 * are there stay, unless they are to be made anew. (images_views.c) */
KAD_MUST_USE kad_status kad_images_views(kad_pipeline *p, const kad_image_store *store,
                                         kad_h5 *file, bool anew);

/* Provenance in run.h5 (provenance.c): at the start, and at the end with the status. */
KAD_MUST_USE kad_status kad_provenance_begin(kad_pipeline *p);
KAD_MUST_USE kad_status kad_provenance_end(kad_pipeline *p, const char *status);

/* Gradient against differences, log-determinant against a numerical Jacobian, inverse
 * error, of the actual flow with perturbed parameters; says the numbers, and fails
 * (KAD_EINTERNAL) when one is out of bounds. (selfcheck.c) */
KAD_MUST_USE kad_status kad_selfcheck(kad_pipeline *p);

#endif
