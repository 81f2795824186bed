/* Sections `train` and `data` of the configuration: their table of keys and the values as
 * one struct. */
#ifndef KAD_TRAIN_OPTIONS_H
#define KAD_TRAIN_OPTIONS_H

#include "io/config.h"
#include "train/loss.h"
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
    double holdout;
    size_t block;
} kad_data_options;

/* Strings are borrowed from the config. */
typedef struct kad_train_options {
    uint64_t seed;
    int64_t steps;
    int batch;
    int batch_final; /* 0: no change */
    double batch_final_fraction;
    kad_schedule_kind schedule;
    double rate, rate_final;
    int64_t warmup;
    const kad_optimiser_ops *optimiser;
    kad_optimiser_options optimiser_options; /* prec: flow.precision */
    double clip, clip_absolute;
    kad_loss_kind gradient; /* REVERSE or PATH */
    bool likelihood;        /* loss: only given samples */
    double data_weight;     /* reverse loss: share of the likelihood in the gradient */
    kad_data_options data;
    double symmetrise_last;
    double ema;
    const char *anneal_key; /* NULL: none */
    double anneal_start, anneal_fraction;
    const char *from, *from_sha256;
    bool ladder;
    int n_fractions;
    double fractions[KAD_LADDER_MAX];
    double ladder_rate;
    int64_t eval_every;
    size_t eval_samples, eval_final;
    double checkpoint_seconds;
    int64_t patience; /* 0: never stop early */
    int64_t max_nonfinite;
    int64_t log_every;
} kad_train_options;

/* Errors: KAD_ECONFIG for combinations that make no sense. Keys that neither the user nor
 * a recipe has set get: steps 2000, batch 64, rate 5e-3, ladder false, no annealing, no
 * symmetrised steps. */
KAD_MUST_USE kad_status kad_train_options_read(kad_ctx *ctx, const kad_config *config,
                                               kad_train_options *out);

#endif
