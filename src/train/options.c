#include "train/options.h"

#include "models/action.h"

#include <math.h>
#include <string.h>

#define ANY 1, 0
#define BIG 9e15

const kad_key kad_train_keys[] = {
    {"train.steps", KAD_INT, KAD_NO_MEMBER, NULL, 0, 1e9, "steps", NULL,
     "optimiser steps, all lattice sizes of a ladder together"},
    {"train.batch", KAD_INT, KAD_NO_MEMBER, NULL, 1, 1e7, "samples", NULL,
     "samples a step, rounded up to whole tiles"},
    {"train.batch_final", KAD_INT, KAD_NO_MEMBER, NULL, 1, 1e7, "samples", NULL,
     "batch of the last steps (train.batch_final_fraction); unset: no change"},
    {"train.batch_final_fraction", KAD_REAL, KAD_NO_MEMBER, "0.2", 0, 1, "", NULL,
     "share of the steps that use train.batch_final"},
    {"train.rate", KAD_REAL, KAD_NO_MEMBER, NULL, 0, 1e3, "", NULL,
     "learning rate after the warm-up"},
    {"train.rate_final", KAD_REAL, KAD_NO_MEMBER, "1e-5", 0, 1e3, "", NULL,
     "learning rate at the last step (lowest one for plateau)"},
    {"train.warmup", KAD_INT, KAD_NO_MEMBER, "50", 0, 1e9, "steps", NULL,
     "linear rise of the learning rate"},
    {"train.schedule", KAD_ENUM, KAD_NO_MEMBER, "cosine", ANY, "",
     "cosine|exponential|constant|plateau",
     "fall of the learning rate; plateau: halved when train.patience/2 steps bring "
     "nothing"},
    {"train.optimiser", KAD_ENUM, KAD_NAMES(kad_optimiser_name), "soap", ANY, "", NULL,
     "optimiser"},
    {"train.beta1", KAD_REAL, KAD_NO_MEMBER, NULL, 0, 0.999999, "", NULL,
     "decay of the first moment; unset: the optimiser's own"},
    {"train.beta2", KAD_REAL, KAD_NO_MEMBER, NULL, 0, 0.999999, "", NULL,
     "decay of the second moment; unset: the optimiser's own"},
    {"train.eps", KAD_REAL, KAD_NO_MEMBER, "1e-8", 0, 1, "", NULL,
     "floor of the root of the second moment"},
    {"train.weight_decay", KAD_REAL, KAD_NO_MEMBER, "0", 0, 1e3, "", NULL,
     "weight decay per unit rate"},
    {"train.precondition_every", KAD_INT, KAD_NO_MEMBER, "20", 1, 1e6, "steps", NULL,
     "soap: steps between refreshes of the eigenbases (more often in the first 200)"},
    {"train.precondition_max", KAD_INT, KAD_NO_MEMBER, "128", 1, 1024, "", NULL,
     "soap: longest matrix side that gets an eigenbasis"},
    {"train.clip", KAD_REAL, KAD_NO_MEMBER, "3", 0, 1e6, "", NULL,
     "gradients are clipped at this times their running norm (0: not)"},
    {"train.clip_absolute", KAD_REAL, KAD_NO_MEMBER, "0", 0, BIG, "", NULL,
     "gradients are clipped at this norm (0: not)"},
    {"train.gradient", KAD_ENUM, KAD_NO_MEMBER, "path", ANY, "", "path|plain",
     "estimator of the reverse loss's gradient: through the samples only, or "
     "reparametrised"},
    {"train.loss", KAD_ENUM, KAD_NO_MEMBER, "reverse", ANY, "", "reverse|likelihood",
     "free energy of own draws, or likelihood of the samples in train.data"},
    {"train.data", KAD_PATH, KAD_NO_MEMBER, NULL, ANY, "", NULL,
     "HDF5 file of boundary configurations: [n, component, axes...], [n, axes...], or "
     "with a leading chain axis"},
    {"train.data_sha256", KAD_STRING, KAD_NO_MEMBER, NULL, ANY, "", NULL,
     "the file's SHA-256; recorded, and another file is refused"},
    {"train.data_set", KAD_STRING, KAD_NO_MEMBER, "/configs", ANY, "", NULL,
     "dataset of train.data"},
    {"train.data_weight", KAD_REAL, KAD_NO_MEMBER, "0.5", 0, 1, "", NULL,
     "share of the likelihood in the gradient when train.data joins the reverse loss"},
    {"train.symmetrise_last", KAD_REAL, KAD_NO_MEMBER, NULL, 0, 1, "", NULL,
     "share of the steps, the last ones, that use the symmetrised loss (mixture only)"},
    {"train.ema", KAD_REAL, KAD_NO_MEMBER, "0.98", 0, 0.999999, "", NULL,
     "decay of the moving average of the weights that is evaluated and kept (0: none)"},
    {"train.anneal_key", KAD_STRING, KAD_NO_MEMBER, NULL, ANY, "", NULL,
     "parameter of the action to anneal (beta, kappa, ...); auto: beta, for couplings "
     "from a file far below their transition"},
    {"train.anneal_start", KAD_REAL, KAD_NO_MEMBER, NULL, -1e9, 1e9, "", NULL,
     "its value at the start; auto: half the mean-field transition's"},
    {"train.anneal_fraction", KAD_REAL, KAD_NO_MEMBER, NULL, 0, 1, "", NULL,
     "share of the steps over which it moves to its final value; 0: not annealed"},
    {"train.from", KAD_PATH, KAD_NO_MEMBER, NULL, ANY, "", NULL,
     "run folder whose map to start from: the same lattice, or half of every extent"},
    {"train.from_sha256", KAD_STRING, KAD_NO_MEMBER, NULL, ANY, "", NULL,
     "SHA-256 of that map's parameters; recorded, and another map is refused"},
    {"train.ladder", KAD_ENUM, KAD_NO_MEMBER, NULL, ANY, "", "auto|true|false",
     "train L/4, L/2, L one after the other, each starting from the one before"},
    {"train.ladder_fractions", KAD_REALS, KAD_NO_MEMBER, "[0.25, 0.25, 0.5]", 0, 1, "",
     NULL, "shares of the steps of the lattice sizes; at most so many sizes"},
    {"train.ladder_rate", KAD_REAL, KAD_NO_MEMBER, "1", 0, 1e3, "", NULL,
     "factor on the rate for every size but the first"},
    {"train.eval_every", KAD_INT, KAD_NO_MEMBER, NULL, 1, 1e9, "steps", NULL,
     "steps between evaluations on fresh samples; unset: 20 in all"},
    {"train.eval_samples", KAD_INT, KAD_NO_MEMBER, "2048", 16, 1e8, "samples", NULL,
     "samples of an evaluation"},
    {"train.eval_final", KAD_INT, KAD_NO_MEMBER, "8192", 16, 1e9, "samples", NULL,
     "samples of the last evaluation"},
    {"train.checkpoint_seconds", KAD_REAL, KAD_NO_MEMBER, "60", 0, 1e9, "s", NULL,
     "wall time between checkpoints"},
    {"train.patience", KAD_INT, KAD_NO_MEMBER, "0", 0, 1e9, "steps", NULL,
     "stop when the smoothed loss has not fallen for so many steps (0: never)"},
    {"train.max_nonfinite", KAD_INT, KAD_NO_MEMBER, "100", 0, 1e9, "steps", NULL,
     "most skipped steps with a gradient that is not finite"},
    {"train.log_every", KAD_INT, KAD_NO_MEMBER, NULL, 1, 1e9, "steps", NULL,
     "steps between rows of /training; unset: 20000 rows at most"},
    {"data.source", KAD_PATH, KAD_NO_MEMBER, NULL, ANY, "", NULL,
     "HDF5 file of configurations that the map is trained on, instead of the action: [n, "
     "axes...], [n, component, axes...], or with a leading chain axis"},
    {"data.dataset", KAD_STRING, KAD_NO_MEMBER, "/configs", ANY, "", NULL,
     "dataset of data.source"},
    {"data.holdout", KAD_REAL, KAD_NO_MEMBER, "0.1", 0, 0.9, "", NULL,
     "share of the samples that training never sees; their -ln q says how good the map "
     "is"},
    {"data.block", KAD_INT, KAD_NO_MEMBER, "1", 1, 1e9, "samples", NULL,
     "neighbours in the file that are held out together and count as one in errors: a "
     "few "
     "autocorrelation times of the chain they come from"},
    {"data.components", KAD_INT, KAD_NO_MEMBER, NULL, 1, 16, "", NULL,
     "components of the field; unset: the action's, or 1"},
    {"data.source_sha256", KAD_STRING, KAD_NO_MEMBER, NULL, ANY, "", NULL,
     "the file's SHA-256; recorded, and another file is refused"},
};

const size_t kad_train_n_keys = sizeof kad_train_keys / sizeof kad_train_keys[0];

/* "Chain" is what samplers make. */
const kad_renamed kad_train_renamed[] = {
    {"train.chain", "train.ladder"},
    {"train.chain_fractions", "train.ladder_fractions"},
    {"train.chain_rate", "train.ladder_rate"},
};
const size_t kad_train_n_renamed = sizeof kad_train_renamed / sizeof kad_train_renamed[0];

const kad_rule kad_train_rules[] = {
    {"train.batch_final_", "train.batch_final"},
    {"train.rate_final", "train.schedule=cosine|exponential|plateau"},
    {"train.precondition_", "train.optimiser=soap"},
    {"train.gradient", "train.loss=reverse"},
    {"train.data_weight", "train.data & train.loss=reverse"},
    {"train.data_", "train.data"},
    {"train.from_", "train.from"},
    {"train.symmetrise_last", "flow.symmetry=mixture"},
    {"train.anneal_start", "train.anneal_key"},
    {"train.anneal_fraction", "train.anneal_key"},
    {"train.ladder_", "train.ladder=true"},
    {"data.dataset", "data.source"},
    {"data.holdout", "data.source"},
    {"data.block", "data.source"},
    {"data.components", "data.source"},
    {"data.source_sha256", "data.source"},
};

const size_t kad_train_n_rules = sizeof kad_train_rules / sizeof kad_train_rules[0];

static void read_optimiser(const kad_config *c, kad_train_options *o)
{
    o->optimiser = kad_optimiser_find(kad_config_string(c, "train.optimiser"));
    kad_optimiser_options *p = &o->optimiser_options;
    *p = kad_optimiser_defaults(o->optimiser);
    const double beta1 = kad_config_real(c, "train.beta1");
    const double beta2 = kad_config_real(c, "train.beta2");
    if (!isnan(beta1)) p->beta1 = beta1;
    if (!isnan(beta2)) p->beta2 = beta2;
    p->eps = kad_config_real(c, "train.eps");
    p->weight_decay = kad_config_real(c, "train.weight_decay");
    if (strcmp(o->optimiser->name, "soap") == 0) {
        p->every = (int)kad_config_int(c, "train.precondition_every");
        p->max_dim = (int)kad_config_int(c, "train.precondition_max");
    }
    const char *precision = kad_config_string(c, "flow.precision");
    p->prec = precision && strcmp(precision, "double") == 0 ? KAD_DOUBLE : KAD_SINGLE;
}

static double real_or(const kad_config *c, const char *key, double otherwise)
{
    const double value = kad_config_real(c, key);
    return isnan(value) ? otherwise : value;
}

static int64_t int_or(const kad_config *c, const char *key, int64_t otherwise)
{
    const int64_t value = kad_config_int(c, key);
    return value == 0 && !kad_config_is_set(c, key) ? otherwise : value;
}

static int64_t ceil_ratio(int64_t a, int64_t b)
{
    return a <= b ? 1 : (a + b - 1) / b;
}

static void read_schedule(const kad_config *c, kad_train_options *o)
{
    o->steps = int_or(c, "train.steps", 2000);
    o->batch = (int)int_or(c, "train.batch", 64);
    o->batch_final = (int)kad_config_int(c, "train.batch_final");
    if (o->batch_final > 0)
        o->batch_final_fraction = kad_config_real(c, "train.batch_final_fraction");
    o->rate = real_or(c, "train.rate", 5e-3);
    if (o->schedule != KAD_SCHEDULE_CONSTANT)
        o->rate_final = kad_config_real(c, "train.rate_final");
    o->warmup = kad_config_int(c, "train.warmup");
    const char *symmetry = kad_config_string(c, "flow.symmetry");
    if (symmetry != NULL && strcmp(symmetry, "mixture") == 0)
        o->symmetrise_last = real_or(c, "train.symmetrise_last", 0.0);
    o->eval_every = int_or(c, "train.eval_every", ceil_ratio(o->steps, 20));
    o->eval_samples = (size_t)kad_config_int(c, "train.eval_samples");
    o->eval_final = (size_t)kad_config_int(c, "train.eval_final");
    o->checkpoint_seconds = kad_config_real(c, "train.checkpoint_seconds");
    o->patience = kad_config_int(c, "train.patience");
    o->max_nonfinite = kad_config_int(c, "train.max_nonfinite");
    o->log_every = int_or(c, "train.log_every", ceil_ratio(o->steps, 20000));
}

static void read_ladder(const kad_config *c, kad_train_options *o)
{
    const char *ladder = kad_config_string(c, "train.ladder");
    o->ladder = ladder != NULL && strcmp(ladder, "true") == 0;
    if (o->ladder) {
        o->n_fractions = (int)kad_config_reals(c, "train.ladder_fractions",
                                               KAD_LADDER_MAX, o->fractions);
        o->ladder_rate = kad_config_real(c, "train.ladder_rate");
    }
    o->from = kad_config_string(c, "train.from");
    o->from_sha256 = kad_config_string(c, "train.from_sha256");
    o->anneal_key = kad_config_string(c, "train.anneal_key");
    o->anneal_start = kad_config_real(c, "train.anneal_start");
    if (o->anneal_key != NULL)
        o->anneal_fraction = real_or(c, "train.anneal_fraction", 0.4);
}

static kad_data_options read_data(const kad_config *c)
{
    if (kad_config_string(c, "data.source") != NULL)
        return (kad_data_options){.path = kad_config_string(c, "data.source"),
                                  .dataset = kad_config_string(c, "data.dataset"),
                                  .sha256 = kad_config_string(c, "data.source_sha256"),
                                  .key = "data.source",
                                  .key_sha256 = "data.source_sha256",
                                  .holdout = kad_config_real(c, "data.holdout"),
                                  .block = (size_t)kad_config_int(c, "data.block")};
    return (kad_data_options){.path = kad_config_string(c, "train.data"),
                              .dataset = kad_config_string(c, "train.data_set"),
                              .sha256 = kad_config_string(c, "train.data_sha256"),
                              .key = "train.data",
                              .key_sha256 = "train.data_sha256",
                              .block = 1};
}

static void read_loss(const kad_config *c, kad_train_options *o)
{
    o->likelihood = strcmp(kad_config_string(c, "train.loss"), "likelihood") == 0;
    o->gradient = KAD_LOSS_PATH;
    if (!o->likelihood && strcmp(kad_config_string(c, "train.gradient"), "plain") == 0)
        o->gradient = KAD_LOSS_REVERSE;
    o->data = read_data(c);
    if (o->data.path != NULL)
        o->data_weight = o->likelihood ? 1 : kad_config_real(c, "train.data_weight");
}

/* What the keys about action and data say together. */
static kad_status check_targets(kad_ctx *ctx, const kad_config *c,
                                const kad_train_options *o)
{
    const char *source = kad_config_string(c, "data.source");
    const bool known = !kad_action_is_none(c);
    if (source != NULL && kad_config_string(c, "train.data") != NULL)
        return kad_fail(ctx, KAD_ECONFIG,
                        "train.data: %s, but data.source gives the samples to train on",
                        kad_config_string(c, "train.data"));
    if (source != NULL && !o->likelihood)
        return kad_fail(ctx, KAD_ECONFIG,
                        "train.loss: reverse, but data.source makes it likelihood "
                        "(samples beside the action: train.data)");
    if (o->likelihood && o->data.path == NULL)
        return kad_fail(ctx, KAD_ECONFIG,
                        "train.loss: likelihood needs samples (train.data is not set)");
    if (known) return KAD_OK;
    if (o->data.path == NULL || !o->likelihood)
        return kad_fail(ctx, KAD_ECONFIG,
                        "action.name: none, but data.source names no samples to train "
                        "on instead");
    if (o->ladder || o->anneal_key != NULL)
        return kad_fail(ctx, KAD_ECONFIG,
                        "%s needs an action, but the map is trained on data alone "
                        "(action.name none)",
                        o->ladder ? "train.ladder" : "train.anneal_key");
    return KAD_OK;
}

static kad_status check(kad_ctx *ctx, const kad_config *c, const kad_train_options *o)
{
    const kad_status status = check_targets(ctx, c, o);
    if (status != KAD_OK) return status;
    double sum = 0.0;
    for (int i = 0; i < o->n_fractions && i < KAD_LADDER_MAX; i++) {
        if (!(o->fractions[i] > 0.0)) sum = -INFINITY;
        sum += o->fractions[i];
    }
    if (o->ladder && (o->n_fractions > KAD_LADDER_MAX || !(sum > 0.0)))
        return kad_fail(ctx, KAD_ECONFIG,
                        "train.ladder_fractions: expected 1 to %d positive shares",
                        KAD_LADDER_MAX);
    if (o->ladder && o->from != NULL)
        return kad_fail(ctx, KAD_ECONFIG,
                        "train.ladder: true, but train.from gives the map to start from");
    if (o->anneal_key == NULL && !isnan(o->anneal_start))
        return kad_fail(ctx, KAD_ECONFIG,
                        "train.anneal_key: not set, but train.anneal_start is %g",
                        o->anneal_start);
    if (o->anneal_key != NULL && isnan(o->anneal_start))
        return kad_fail(ctx, KAD_ECONFIG,
                        "train.anneal_start: not set, but train.anneal_key is %s",
                        o->anneal_key);
    if (o->schedule == KAD_SCHEDULE_EXPONENTIAL && !(o->rate_final > 0.0))
        return kad_fail(ctx, KAD_ECONFIG,
                        "train.rate_final: an exponential schedule needs more than 0, "
                        "got %g",
                        o->rate_final);
    return KAD_OK;
}

kad_status kad_train_options_read(kad_ctx *ctx, const kad_config *config,
                                  kad_train_options *out)
{
    kad_train_options *o = out;
    *o = (kad_train_options){.seed = (uint64_t)kad_config_int(config, "seed")};
    if (!kad_schedule_parse(kad_config_string(config, "train.schedule"), &o->schedule))
        return kad_fail(ctx, KAD_ECONFIG, "train.schedule: unknown kind \"%s\"",
                        kad_config_string(config, "train.schedule"));
    read_schedule(config, o);
    read_optimiser(config, o);
    read_ladder(config, o);
    read_loss(config, o);
    o->clip = kad_config_real(config, "train.clip");
    o->clip_absolute = kad_config_real(config, "train.clip_absolute");
    o->ema = kad_config_real(config, "train.ema");
    return check(ctx, config, o);
}
