#include "train/options.h"

#include "models/action.h"

#include <math.h>
#include <string.h>

#define ANY 1, 0
#define BIG 9e15

const kad_key kad_train_keys[] = {
    {"train.steps", KAD_INT_OF(kad_train_options, steps), NULL, 0, 1e9, "steps", NULL,
     "optimiser steps, all lattice sizes of a ladder together"},
    {"train.batch", KAD_INT_OF(kad_train_options, batch), NULL, 1, 1e7, "samples", NULL,
     "samples a step, rounded up to whole tiles"},
    {"train.batch_final", KAD_INT_OF(kad_train_options, batch_final), NULL, 1, 1e7,
     "samples", NULL,
     "batch of the last steps (train.batch_final_fraction); unset: no change"},
    {"train.batch_final_fraction", KAD_REAL_OF(kad_train_options, batch_final_fraction),
     "0.2", 0, 1, "", NULL, "share of the steps that use train.batch_final"},
    {"train.rate", KAD_REAL_OF(kad_train_options, rate), NULL, 0, 1e3, "", NULL,
     "learning rate after the warm-up"},
    {"train.rate_final", KAD_REAL_OF(kad_train_options, rate_final), "1e-5", 0, 1e3, "",
     NULL, "learning rate at the last step (lowest one for plateau)"},
    {"train.warmup", KAD_INT_OF(kad_train_options, warmup), "50", 0, 1e9, "steps", NULL,
     "linear rise of the learning rate"},
    {"train.schedule", KAD_ENUM_OF(kad_train_options, schedule, KAD_SCHEDULE_COSINE),
     "cosine", ANY, "", "cosine|exponential|constant|plateau",
     "fall of the learning rate; plateau: halved when train.patience/2 steps bring "
     "nothing"},
    {"train.optimiser",
     KAD_NAME_OF(kad_train_options, optimiser_name, kad_optimiser_name), "soap", ANY, "",
     NULL, "optimiser"},
    {"train.beta1", KAD_REAL_OF(kad_train_options, optimiser_options.beta1), NULL, 0,
     0.999999, "", NULL, "decay of the first moment; unset: the optimiser's own"},
    {"train.beta2", KAD_REAL_OF(kad_train_options, optimiser_options.beta2), NULL, 0,
     0.999999, "", NULL, "decay of the second moment; unset: the optimiser's own"},
    {"train.eps", KAD_REAL_OF(kad_train_options, optimiser_options.eps), "1e-8", 0, 1, "",
     NULL, "floor of the root of the second moment"},
    {"train.weight_decay", KAD_REAL_OF(kad_train_options, optimiser_options.weight_decay),
     "0", 0, 1e3, "", NULL, "weight decay per unit rate"},
    {"train.precondition_every", KAD_INT_OF(kad_train_options, optimiser_options.every),
     "20", 1, 1e6, "steps", NULL,
     "soap: steps between refreshes of the eigenbases (more often in the first 200)"},
    {"train.precondition_max", KAD_INT_OF(kad_train_options, optimiser_options.max_dim),
     "128", 1, 1024, "", NULL, "soap: longest matrix side that gets an eigenbasis"},
    {"train.clip", KAD_REAL_OF(kad_train_options, clip), "3", 0, 1e6, "", NULL,
     "gradients are clipped at this times their running norm (0: not)"},
    {"train.clip_absolute", KAD_REAL_OF(kad_train_options, clip_absolute), "0", 0, BIG,
     "", NULL, "gradients are clipped at this norm (0: not)"},
    {"train.gradient", KAD_ENUM_OF(kad_train_options, gradient, KAD_LOSS_PATH), "path",
     ANY, "", "path|plain",
     "estimator of the reverse loss's gradient: through the samples only, or "
     "reparametrised"},
    {"train.loss", KAD_ENUM_OF(kad_train_options, loss, KAD_TRAIN_REVERSE), "reverse",
     ANY, "", "reverse|likelihood",
     "free energy of own draws, or likelihood of the samples in train.data"},
    {"train.data", KAD_PATH_OF(kad_train_options, beside.path), NULL, ANY, "", NULL,
     "HDF5 file of boundary configurations: [n, component, axes...], [n, axes...], or "
     "with a leading chain axis"},
    {"train.data_sha256", KAD_STRING_OF(kad_train_options, beside.sha256), NULL, ANY, "",
     NULL, "the file's SHA-256; recorded, and another file is refused"},
    {"train.data_set", KAD_STRING_OF(kad_train_options, beside.dataset), "/configs", ANY,
     "", NULL, "dataset of train.data"},
    {"train.data_weight", KAD_REAL_OF(kad_train_options, data_weight), "0.5", 0, 1, "",
     NULL,
     "share of the likelihood in the gradient when train.data joins the reverse loss"},
    {"train.symmetrise_last", KAD_REAL_OF(kad_train_options, symmetrise_last), NULL, 0, 1,
     "", NULL,
     "share of the steps, the last ones, that use the loss of the average (flow.symmetry "
     "mixture, flow.average)"},
    {"train.kinetic", KAD_REAL_OF(kad_train_options, kinetic), "0", 0, 1e6, "", NULL,
     "ode: a penalty on long paths, this times the integral of |v|^2 over time and "
     "sites, in the gradient (0: none)"},
    {"train.jacobian", KAD_REAL_OF(kad_train_options, jacobian), "0", 0, 1e6, "", NULL,
     "ode: a penalty on uneven paths, this times the integral of |dv/dphi|^2 over time "
     "and pairs of sites, in the gradient (0: none)"},
    {"train.ema", KAD_REAL_OF(kad_train_options, ema), "0.98", 0, 0.999999, "", NULL,
     "decay of the moving average of the weights that is evaluated and kept (0: none)"},
    {"train.anneal_key", KAD_STRING_OF(kad_train_options, anneal_key), NULL, ANY, "",
     NULL,
     "parameter of the action to anneal (beta, kappa, ...); auto: beta, for couplings "
     "from a file far below their transition"},
    {"train.anneal_start", KAD_REAL_OF(kad_train_options, anneal_start), NULL, -1e9, 1e9,
     "", NULL, "its value at the start; auto: half the mean-field transition's"},
    {"train.anneal_fraction", KAD_REAL_OF(kad_train_options, anneal_fraction), NULL, 0, 1,
     "", NULL,
     "share of the steps over which it moves to its final value; 0: not annealed"},
    {"train.from", KAD_PATH_OF(kad_train_options, from), NULL, ANY, "", NULL,
     "run folder whose map to start from: the same lattice, or half of every extent"},
    {"train.from_sha256", KAD_STRING_OF(kad_train_options, from_sha256), NULL, ANY, "",
     NULL, "SHA-256 of that map's parameters; recorded, and another map is refused"},
    {"train.ladder", KAD_ENUM_OF(kad_train_options, ladder, KAD_AUTO), NULL, ANY, "",
     "auto|true|false",
     "train L/4, L/2, L one after the other, each starting from the one before"},
    {"train.ladder_fractions", KAD_REALS_OF(kad_train_options, fractions),
     "[0.25, 0.25, 0.5]", 0, 1, "", NULL,
     "shares of the steps of the lattice sizes; at most so many sizes"},
    {"train.ladder_rate", KAD_REAL_OF(kad_train_options, ladder_rate), "1", 0, 1e3, "",
     NULL, "factor on the rate for every size but the first"},
    {"train.eval_every", KAD_INT_OF(kad_train_options, eval_every), NULL, 1, 1e9, "steps",
     NULL, "steps between evaluations on fresh samples; unset: 20 in all"},
    {"train.eval_samples", KAD_INT_OF(kad_train_options, eval_samples), "2048", 16, 1e8,
     "samples", NULL, "samples of an evaluation"},
    {"train.eval_final", KAD_INT_OF(kad_train_options, eval_final), "8192", 16, 1e9,
     "samples", NULL, "samples of the last evaluation"},
    {"train.checkpoint_seconds", KAD_REAL_OF(kad_train_options, checkpoint_seconds), "60",
     0, 1e9, "s", NULL, "wall time between checkpoints"},
    {"train.patience", KAD_INT_OF(kad_train_options, patience), "0", 0, 1e9, "steps",
     NULL,
     "stop when the smoothed loss has not fallen for so many steps (0: never); of data "
     "(data.source): so many evaluations, 20 in all, on samples or images set aside "
     "(data.validation), and the weights of the best are kept"},
    {"train.max_nonfinite", KAD_INT_OF(kad_train_options, max_nonfinite), "100", 0, 1e9,
     "steps", NULL, "most skipped steps with a gradient that is not finite"},
    {"train.log_every", KAD_INT_OF(kad_train_options, log_every), NULL, 1, 1e9, "steps",
     NULL, "steps between rows of /training; unset: 20000 rows at most"},
    {"data.source", KAD_PATH_OF(kad_train_options, data.path), NULL, ANY, "",
     "msds1|msds2|pinwheel|fashion",
     "what the map is trained on, instead of an action: an HDF5 or .npy file of "
     "configurations, [n, axes...], [n, component, axes...], with a leading chain axis, "
     "or "
     "components last; or images, by a name or a path (kadanoff list data)"},
    {"data.dataset", KAD_STRING_OF(kad_train_options, data.dataset), "/configs", ANY, "",
     NULL, "dataset of data.source; of images, unset: the only one of bytes"},
    {"data.held_out", KAD_REAL_OF(kad_train_options, data.holdout), "0.1", 0, 0.9, "",
     NULL,
     "share of the samples that training never sees; they say how good the map is; of "
     "images, unset: those that the source itself holds out, else a tenth"},
    {"data.validation", KAD_REAL_OF(kad_train_options, data.validation), NULL, 0, 0.9, "",
     NULL,
     "share of the samples, or pictures, to train on that training only looks at to "
     "choose "
     "its weights (train.patience; 0.1 with it)"},
    {"data.dequantise", KAD_REAL_OF(kad_train_options, data.dequantise), "0", 0, 1e9, "",
     NULL,
     "values lie on a grid of this step (spins +-1: 2; counts: 1), and uniform noise of "
     "that "
     "width makes densities of them; 0: none"},
    {"data.draws", KAD_INT_OF(kad_train_options, data.draws), "1000", 0, 1e7, "draws",
     NULL,
     "without an action: configurations drawn from the map, kept with means of "
     "observables "
     "beside those of as many samples held out (group /data); 0: none"},
    {"data.block", KAD_INT_OF(kad_train_options, data.block), "1", 1, 1e9, "samples",
     NULL,
     "neighbours in the file that are held out together and count as one in errors: a "
     "few "
     "autocorrelation times of the chain they come from"},
    {"data.components", KAD_INT_OF(kad_train_options, data.components), NULL, 1, 16, "",
     NULL, "components of the field; unset: the action's, or 1"},
    {"data.source_sha256", KAD_STRING_OF(kad_train_options, data.sha256), NULL, ANY, "",
     NULL,
     "the file's SHA-256; recorded, and another file is refused; of images, of all their "
     "levels"},
};

const size_t kad_train_n_keys = sizeof kad_train_keys / sizeof kad_train_keys[0];

/* "Chain" is what samplers make; what is held out is called so everywhere. */
const kad_renamed kad_train_renamed[] = {
    {"train.chain", "train.ladder"},
    {"train.chain_fractions", "train.ladder_fractions"},
    {"train.chain_rate", "train.ladder_rate"},
    {"data.holdout", "data.held_out"},
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
    {"train.kinetic", "flow.hierarchy=ode"},
    {"train.jacobian", "flow.hierarchy=ode"},
    {"train.symmetrise_last", "flow.symmetry=mixture or flow.average=2|3|4|5|6|7|8"},
    {"train.anneal_start", "train.anneal_key"},
    {"train.anneal_fraction", "train.anneal_key"},
    {"train.ladder_", "train.ladder=true"},
    {"data.dataset", "data.source"},
    {"data.held_out", "data.source"},
    {"data.validation", "data.source & train.patience"},
    {"data.dequantise", "data.source"},
    {"data.draws", "action.name=none"},
    {"data.block", "data.source"},
    {"data.components", "data.source"},
    {"data.source_sha256", "data.source"},
};

const size_t kad_train_n_rules = sizeof kad_train_rules / sizeof kad_train_rules[0];

static void decide_optimiser(kad_train_options *o, kad_prec prec)
{
    kad_optimiser_options *p = &o->optimiser_options;
    o->optimiser = kad_optimiser_find(o->optimiser_name);
    const kad_optimiser_options own = kad_optimiser_defaults(o->optimiser);
    if (isnan(p->beta1)) p->beta1 = own.beta1;
    if (isnan(p->beta2)) p->beta2 = own.beta2;
    if (strcmp(o->optimiser->name, "soap") != 0) {
        p->every = own.every;
        p->max_dim = own.max_dim;
    }
    p->prec = prec;
}

static int64_t ceil_ratio(int64_t a, int64_t b)
{
    return a <= b ? 1 : (a + b - 1) / b;
}

static void decide_schedule(kad_train_options *o, bool mixture)
{
    if (o->steps < 0) o->steps = 2000;
    if (o->batch == 0) o->batch = 64;
    if (o->batch_final == 0) o->batch_final_fraction = 0;
    if (isnan(o->rate)) o->rate = 5e-3;
    if (o->schedule == KAD_SCHEDULE_CONSTANT) o->rate_final = 0;
    if (!mixture || isnan(o->symmetrise_last)) o->symmetrise_last = 0;
    if (o->eval_every == 0) o->eval_every = ceil_ratio(o->steps, 20);
    if (o->log_every == 0) o->log_every = ceil_ratio(o->steps, 20000);
    if (o->anneal_key == NULL)
        o->anneal_fraction = 0;
    else if (isnan(o->anneal_fraction))
        o->anneal_fraction = 0.4;
}

static void decide_data(kad_train_options *o)
{
    o->data.key = "data.source";
    o->data.key_sha256 = "data.source_sha256";
    o->beside.key = "train.data";
    o->beside.key_sha256 = "train.data_sha256";
    o->beside.block = 1;
    if (!(o->data.validation > 0)) o->data.validation = 0;
    if (o->data.path == NULL) o->data = o->beside;
    if (o->loss == KAD_TRAIN_LIKELIHOOD) o->gradient = KAD_LOSS_PATH;
    if (o->data.path == NULL)
        o->data_weight = 0;
    else if (o->loss == KAD_TRAIN_LIKELIHOOD)
        o->data_weight = 1;
}

/* What the keys about action and data say together; `source`: data.source. */
static kad_status check_targets(kad_ctx *ctx, const kad_train_options *o,
                                const char *source)
{
    const bool likelihood = o->loss == KAD_TRAIN_LIKELIHOOD;
    if (source != NULL && o->beside.path != NULL)
        return kad_fail(ctx, KAD_ECONFIG,
                        "train.data: %s, but data.source gives the samples to train on",
                        o->beside.path);
    if (source != NULL && !likelihood)
        return kad_fail(ctx, KAD_ECONFIG,
                        "train.loss: reverse, but data.source makes it likelihood "
                        "(samples beside the action: train.data)");
    if (source != NULL && o->patience > 0 && !(o->data.validation > 0))
        return kad_fail(ctx, KAD_ECONFIG,
                        "data.validation: 0, but train.patience wants samples to choose "
                        "weights by");
    if (o->data.dequantise > 0 && !kad_action_is_none(&o->model->action))
        return kad_fail(ctx, KAD_ECONFIG,
                        "data.dequantise: %g, but action %s knows what the samples are "
                        "(action.name none trains on data alone)",
                        o->data.dequantise, o->model->action.name);
    if (likelihood && o->data.path == NULL)
        return kad_fail(ctx, KAD_ECONFIG,
                        "train.loss: likelihood needs samples (train.data is not set)");
    if (!kad_action_is_none(&o->model->action)) return KAD_OK;
    if (o->data.path == NULL || !likelihood)
        return kad_fail(ctx, KAD_ECONFIG,
                        "action.name: none, but data.source names no samples to train "
                        "on instead");
    if (o->ladder == KAD_AUTO_TRUE || o->anneal_key != NULL)
        return kad_fail(ctx, KAD_ECONFIG,
                        "%s needs an action, but the map is trained on data alone "
                        "(action.name none)",
                        o->ladder == KAD_AUTO_TRUE ? "train.ladder" : "train.anneal_key");
    return KAD_OK;
}

static kad_status check_ladder(kad_ctx *ctx, const kad_train_options *o)
{
    double sum = 0.0;
    if (o->ladder != KAD_AUTO_TRUE) return KAD_OK;
    for (size_t i = 0; i < o->fractions.n && i < KAD_LADDER_MAX; i++) {
        if (!(o->fractions.value[i] > 0.0)) sum = -INFINITY;
        sum += o->fractions.value[i];
    }
    if (o->fractions.n > KAD_LADDER_MAX || !(sum > 0.0))
        return kad_fail(ctx, KAD_ECONFIG,
                        "train.ladder_fractions: expected 1 to %d positive shares",
                        KAD_LADDER_MAX);
    if (o->from != NULL)
        return kad_fail(ctx, KAD_ECONFIG,
                        "train.ladder: true, but train.from gives the map to start from");
    return KAD_OK;
}

static kad_status check(kad_ctx *ctx, const kad_train_options *o)
{
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

kad_status kad_train_options_decide(kad_ctx *ctx, kad_train_options *options,
                                    const kad_model_options *model,
                                    const kad_settings *settings)
{
    const char *source = options->data.path;
    options->model = model;
    options->settings = settings;
    decide_schedule(options, model->flow.symmetry == KAD_SYMMETRY_MIXTURE ||
                                 model->flow.average > 1);
    decide_optimiser(options, model->flow.precision);
    decide_data(options);
    KAD_CALL(check_targets(ctx, options, source));
    KAD_CALL(check_ladder(ctx, options));
    return check(ctx, options);
}
