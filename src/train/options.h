/* Sections `train` and `data` of the configuration: their table of keys and the values as
 * one struct. */
#ifndef KAD_TRAIN_OPTIONS_H
#define KAD_TRAIN_OPTIONS_H

#include "io/keys.h"
#include "io/settings.h"
#include "train/loss.h"
#include "train/model.h"
#include "train/optimiser.h"
#include "train/schedule.h"

enum { KAD_LADDER_MAX = 8 }; /* lattice sizes of a ladder */

extern const kad_key kad_train_keys[];
extern const size_t kad_train_n_keys;
extern const kad_renamed kad_train_renamed[];
extern const size_t kad_train_n_renamed;
extern const kad_rule kad_train_rules[];
extern const size_t kad_train_n_rules;

/* Samples to train on: section `data`, or train.data beside the action. */
typedef struct kad_data_options {
    const char *path; /* NULL: none */
    const char *dataset, *sha256;
    const char *key, *key_sha256; /* of the path and the digest, for messages */
    double holdout;               /* share that training never sees */
    double validation; /* share of the others that weights are chosen by; 0: none are */
    double dequantise; /* width of the noise on values of a grid; 0: none */
    int64_t
        draws; /* of the map that are kept; as many samples held out are read beside */
    int64_t block;  /* neighbours in the file that are held out together */
    int components; /* of the field; 0: the action's, or 1 */
} kad_data_options;

typedef enum kad_train_loss { KAD_TRAIN_REVERSE, KAD_TRAIN_LIKELIHOOD } kad_train_loss;

/* Texts are borrowed from the config. */
typedef struct kad_train_options {
    int64_t steps;          /* of all lattice sizes */
    int batch, batch_final; /* 0: no change */
    double batch_final_fraction;
    kad_schedule_kind schedule;
    double rate, rate_final;
    int64_t warmup;
    const char *optimiser_name;
    kad_optimiser_options optimiser_options;
    double clip, clip_absolute;
    kad_train_loss loss;
    kad_loss_kind gradient;  /* of the reverse loss */
    kad_data_options data;   /* what is trained on: section `data`, else train.data */
    kad_data_options beside; /* train.data */
    double data_weight;      /* share of the likelihood in the gradient */
    double symmetrise_last;
    double kinetic, jacobian; /* penalties on paths (kad_loss_penalise) */
    double ema;
    const char *anneal_key; /* NULL: none */
    double anneal_start, anneal_fraction;
    const char *from, *from_sha256;
    kad_auto ladder;     /* over lattice sizes */
    kad_reals fractions; /* shares of their steps */
    double ladder_rate;
    int64_t eval_every;
    size_t eval_samples, eval_final;
    double checkpoint_seconds;
    int64_t patience; /* 0: never stop early */
    int64_t max_nonfinite;
    int64_t log_every;
    /* from kad_train_options_decide */
    const kad_optimiser_ops *optimiser;
    const kad_model_options
        *model;                   /* of the configured lattice; smaller ones follow it */
    const kad_settings *settings; /* what decides the result, kept with it */
} kad_train_options;

/* Choose what neither the user nor a recipe has (steps 2000, batch 64, rate 5e-3, no ladder,
 * no annealing, no symmetrised steps), and set to 0 what has no effect. `model` and
 * `settings` are borrowed. Errors: KAD_ECONFIG for combinations that make no sense. */
KAD_MUST_USE kad_status kad_train_options_decide(kad_ctx *ctx, kad_train_options *options,
                                                 const kad_model_options *model,
                                                 const kad_settings *settings);

#endif
