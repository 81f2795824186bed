/* Everything a run is asked for, in the structs that the modules take. They are made here,
 * from a configuration in which every choice has been made (run/recipe.h), and nothing
 * below reads that. */
#ifndef KAD_RUN_OPTIONS_H
#define KAD_RUN_OPTIONS_H

#include "bulk/bulk.h"
#include "image/options.h"
#include "io/config.h"
#include "pixel/pixel.h"
#include "record/entries.h"
#include "train/image_trainer.h"
#include "train/options.h"
#include "views/views.h"

/* Of a run on images. */
typedef struct kad_images_options {
    const char *recipe, *optimiser, *prior;
    const char *nets; /* "float", "bfloat16", "auto": kad_images_bfloat */
    kad_pixel_options map;
    kad_ints layers; /* rgflow, realnvp: of stages, by level */
    kad_ints
        origin; /* pixels: of the coarse lattices; none: where those have most in common */
    kad_image_train_options train;
    size_t eval_samples, eval_final; /* images of an evaluation on the way, of the last */
    int patience; /* evaluations that bring nothing before the training ends; 0: no end */
    double checkpoint_seconds;
    size_t samples;        /* drawn at the end */
    kad_reals temperature; /* of levels, from the finest on */
    kad_view_options views;
    kad_image_options data; /* src/image/options.h */
} kad_images_options;

/* Is this a recipe of images? */
bool kad_images_recipe(const char *name);
/* Are the nets of a new training in bfloat16? */
bool kad_images_bfloat(const kad_images_options *options);
/* The map of the recipe, with nets in bfloat16 or not, for images like these. Errors: KAD_ECONFIG, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_images_map_create(kad_ctx *ctx,
                                              const kad_images_options *options,
                                              bool bfloat, const kad_images *images,
                                              kad_image_map **out);
/* The map of a results file of a run with these options, with its weights theta [n_theta]. The
 * map is destroyed by the caller, theta lives in the scope. Errors: KAD_ENOINPUT (there is none),
 * KAD_EDATA (damaged), KAD_ECONFIG, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_images_map_read(kad_scope *in,
                                            const kad_images_options *options,
                                            kad_h5 *file, kad_image_map **out,
                                            double **theta);

extern const kad_key kad_images_keys[];
extern const size_t kad_images_n_keys;
extern const kad_rule kad_images_rules[];
extern const size_t kad_images_n_rules;
extern const kad_rule kad_images_recipe_rules[];
extern const size_t kad_images_n_recipe_rules;

typedef enum kad_data_kind {
    KAD_DATA_AUTO,
    KAD_DATA_FIELD,
    KAD_DATA_IMAGE
} kad_data_kind;

typedef struct kad_run_options {
    const char *title; /* of the report; NULL: none */
    kad_data_kind kind;
    kad_images_options images; /* where the data are images: nothing else of these */
    kad_model_options model;
    kad_train_options train;
    kad_sample_options sample;
    kad_bulk_options bulk;
    kad_settings settings; /* all of them that decide a result */
    /* owned: the entries of `sample`, and what they give the samplers */
    kad_sample_entry *entries;
    void *samplers;
} kad_run_options;

/* What belongs to no module: the run, and, behind what all runs have in common, the
 * lattice. */
enum { KAD_RUN_N_KEYS = 4, KAD_RUN_N_COMMON = 3 };
extern const kad_key kad_run_keys[KAD_RUN_N_KEYS];

/* Section `action`, with the action's own keys. Errors: KAD_ECONFIG for an unknown action,
 * and for a key of another one; KAD_ENOMEM. Clear on failure. */
KAD_MUST_USE kad_status kad_action_options_read(kad_ctx *ctx, const kad_config *config,
                                                kad_action_options *out);
void kad_action_options_clear(kad_action_options *options);

/* Not to be copied: parts point at each other. Texts stay the config's: to be read again
 * after that has changed. Clear on failure. Errors: those of kad_action_options_read and
 * kad_train_options_decide. */
KAD_MUST_USE kad_status kad_run_options_read(kad_ctx *ctx, const kad_config *config,
                                             kad_run_options *out);
void kad_run_options_clear(kad_run_options *options);

#endif
