/* The checkpoint of a training: everything its next step depends on. */
#include "train/trainer_state.h"

#include "base/memory.h"
#include "base/signals.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { FORMAT = 3 };

/* Numbers of the state by name, the same list for saving and loading. */
typedef struct entry {
    const char *name;
    int64_t *integer; /* or */
    double *real;
} entry;
enum { N_ENTRIES = 22, N_OF_CHOICE = 4 };

/* Returns their number: those of a choice stand last. */
static int list_entries(kad_trainer *t, entry out[N_ENTRIES])
{
    const entry entries[N_ENTRIES] = {
        {"step", &t->step, NULL},
        {"before", &t->before, NULL},
        {"stopped", &t->stopped, NULL},
        {"evaluated", &t->evaluated, NULL},
        {"eval_due", &t->eval_due, NULL},
        {"eval_first", &t->eval_first, NULL},
        {"n_plateaus", &t->n_plateaus, NULL},
        {"n_skipped", &t->n_skipped, NULL},
        {"n_bad", &t->n_bad, NULL},
        {"optimiser_step", &t->optimiser->step, NULL},
        {"n_clipped", &t->clip.n_clipped, NULL},
        {"plateau_since", &t->plateau.since, NULL},
        {"clip_running", NULL, &t->clip.running},
        {"average_remainder", NULL, &t->ema.remainder},
        {"plateau_mean", NULL, &t->plateau.mean},
        {"plateau_variance", NULL, &t->plateau.variance},
        {"plateau_weight", NULL, &t->plateau.weight},
        {"plateau_best", NULL, &t->plateau.best},
        {"best_step", &t->best_step, NULL},
        {"best_since", &t->since, NULL},
        {"best_chosen", &t->chosen, NULL},
        {"best_value", NULL, &t->best_value},
    };
    memcpy(out, entries, sizeof entries);
    return t->best != NULL ? N_ENTRIES : N_ENTRIES - N_OF_CHOICE;
}

static kad_status save_numbers(kad_trainer *t, kad_h5 *file)
{
    entry entries[N_ENTRIES];
    KAD_CALL(kad_h5_group(t->ctx, file, "/train"));
    KAD_CALL(kad_h5_attr_set_int(t->ctx, file, "/train", "format", FORMAT));
    KAD_CALL(kad_h5_attr_set_string(t->ctx, file, "/train", "config",
                                    t->options.settings->text));
    KAD_CALL(kad_h5_attr_set_int(t->ctx, file, "/train", "stage", t->stage));
    KAD_CALL(kad_h5_attr_set_int(t->ctx, file, "/train", "n_parameters",
                                 (int64_t)kad_model_n_parameters(t->model)));
    KAD_CALL(
        kad_h5_attr_set_real(t->ctx, file, "/train", "seconds", kad_trainer_seconds(t)));
    const int n_entries = list_entries(t, entries);
    for (int i = 0; i < n_entries; i++) {
        const entry *e = &entries[i];
        if (e->integer != NULL)
            KAD_CALL(kad_h5_attr_set_int(t->ctx, file, "/train", e->name, *e->integer));
        else
            KAD_CALL(kad_h5_attr_set_real(t->ctx, file, "/train", e->name, *e->real));
    }
    return KAD_OK;
}

typedef kad_status transfer(kad_trainer *t, kad_h5 *file, const char *path,
                            kad_h5_type type, size_t n, void *data);

static kad_status save_array(kad_trainer *t, kad_h5 *file, const char *path,
                             kad_h5_type type, size_t n, void *data)
{
    return kad_h5_write(t->ctx, file, path, type, 1, &n, data);
}

static kad_status load_array(kad_trainer *t, kad_h5 *file, const char *path,
                             kad_h5_type type, size_t n, void *data)
{
    return kad_h5_read(t->ctx, file, path, type, 1, &n, data);
}

/* Every array of the state through `move`. */
static kad_status move_arrays(kad_trainer *t, kad_h5 *file, transfer *move)
{
    const size_t n = kad_model_n_parameters(t->model);
    const kad_optimiser_ops *ops = t->optimiser->ops;
    if (n > 0) {
        KAD_CALL(move(t, file, "/train/theta", KAD_H5_F64, n, t->theta));
        KAD_CALL(move(t, file, "/train/average", KAD_H5_F64, n, t->average));
        if (t->best != NULL)
            KAD_CALL(move(t, file, "/train/best", KAD_H5_F64, n, t->best));
    }
    for (int i = 0; i < ops->n_arrays; i++) {
        char path[128];
        kad_state_array a;
        ops->array(t->optimiser, i, &a);
        snprintf(path, sizeof path, "/train/%s/%s", ops->name, a.name);
        if (a.n > 0)
            KAD_CALL(move(t, file, path, a.prec == KAD_SINGLE ? KAD_H5_F32 : KAD_H5_F64,
                          a.n, a.data));
    }
    return KAD_OK;
}

/* The numbers that an evaluation stopped half way has, of every target. */
static kad_status move_evaluation(kad_trainer *t, kad_h5 *file, transfer *move)
{
    for (size_t i = 0; i < t->n_targets; i++) {
        char path[64];
        const kad_target *target = t->targets[i];
        snprintf(path, sizeof path, "/train/eval_%s", t->kinds[i]->name);
        if (target != NULL && target->n_done > 0)
            KAD_CALL(move(t, file, path, KAD_H5_F64, target->n_done, target->values));
    }
    return KAD_OK;
}

/* How many these are: by name, the target's own. */
static void done_name(const kad_trainer *t, size_t i, char out[64])
{
    snprintf(out, 64, "eval_done_%s", t->kinds[i]->name);
}

static kad_status save_done(kad_trainer *t, kad_h5 *file)
{
    char name[64];
    for (size_t i = 0; i < t->n_targets; i++) {
        done_name(t, i, name);
        if (t->targets[i] == NULL) continue;
        KAD_CALL(kad_h5_attr_set_int(t->ctx, file, "/train", name,
                                     (int64_t)t->targets[i]->n_done));
    }
    return KAD_OK;
}

static kad_status load_done(kad_trainer *t, kad_h5 *file)
{
    char name[64];
    for (size_t i = 0; i < t->n_targets; i++) {
        kad_target *target = t->targets[i];
        int64_t n;
        if (target == NULL) continue;
        done_name(t, i, name);
        KAD_CALL(kad_h5_attr_int(t->ctx, file, "/train", name, &n));
        if (n < 0 || (uint64_t)n > target->n_values)
            KAD_CALL(kad_fail(t->ctx, KAD_EDATA,
                              "checkpoint: /train: %s: %lld samples of an evaluation of "
                              "%zu",
                              name, (long long)n, target->n_values));
        target->n_done = (size_t)n;
    }
    return KAD_OK;
}

static kad_status require_finite(kad_trainer *t)
{
    for (size_t i = 0; i < kad_model_n_parameters(t->model); i++)
        if (!isfinite(t->theta[i]) || !isfinite(t->average[i]) ||
            (t->best != NULL && !isfinite(t->best[i])))
            return kad_fail(t->ctx, KAD_EINTERNAL,
                            "training: parameter %zu is %g after step %lld", i,
                            t->theta[i], (long long)(t->before + t->step));
    return KAD_OK;
}

kad_status kad_trainer_save(kad_trainer *t)
{
    KAD_LOCAL(kad_h5, file);
    t->wall_saved = kad_wall_seconds();
    KAD_CALL(require_finite(t));
    if (t->run == NULL || !kad_run_is_here(t->run)) return KAD_OK;
    KAD_CALL(kad_h5_create(t->ctx, &file));
    KAD_CALL(save_numbers(t, file));
    KAD_CALL(save_done(t, file));
    KAD_CALL(move_arrays(t, file, save_array));
    KAD_CALL(move_evaluation(t, file, save_array));
    KAD_CALL(kad_history_save(t->ctx, &t->log, file, "/train/log"));
    KAD_CALL(kad_history_save(t->ctx, &t->eval, file, "/train/eval"));
    KAD_CALL(kad_checkpoint_save(t->ctx, t->run, file));
    return KAD_OK;
}

static kad_status check_header(kad_trainer *t, kad_h5 *file)
{
    KAD_SCOPE(scope, t->ctx);
    char *then;
    int64_t format = 0;
    KAD_CALL(kad_h5_attr_int(t->ctx, file, "/train", "format", &format));
    if (format != FORMAT)
        return kad_fail(t->ctx, KAD_EDATA,
                        "checkpoint: /train: expected format %d, found %lld", FORMAT,
                        (long long)format);
    KAD_CALL(kad_h5_attr_string(&scope, file, "/train", "config", &then));
    KAD_CALL(kad_trainer_compare(t->ctx, "checkpoint", then, t->options.settings));
    KAD_CALL(kad_h5_attr_int(t->ctx, file, "/train", "stage", &t->stage));
    if (t->stage < 0 || t->stage >= t->n_stages)
        return kad_fail(t->ctx, KAD_EDATA, "checkpoint: /train: stage %lld of %d",
                        (long long)t->stage, t->n_stages);
    return KAD_OK;
}

static kad_status load_numbers(kad_trainer *t, kad_h5 *file)
{
    entry entries[N_ENTRIES];
    int64_t n = 0;
    KAD_CALL(kad_h5_attr_int(t->ctx, file, "/train", "n_parameters", &n));
    if ((uint64_t)n != kad_model_n_parameters(t->model))
        return kad_fail(t->ctx, KAD_EDATA,
                        "checkpoint: /train: expected %zu parameters, found %lld",
                        kad_model_n_parameters(t->model), (long long)n);
    KAD_CALL(kad_h5_attr_real(t->ctx, file, "/train", "seconds", &t->wall_before));
    const int n_entries = list_entries(t, entries);
    for (int i = 0; i < n_entries; i++) {
        const entry *e = &entries[i];
        if (e->integer != NULL)
            KAD_CALL(kad_h5_attr_int(t->ctx, file, "/train", e->name, e->integer));
        else
            KAD_CALL(kad_h5_attr_real(t->ctx, file, "/train", e->name, e->real));
    }
    if (t->step < 0 || t->step > t->stages[t->stage].steps)
        return kad_fail(t->ctx, KAD_EDATA, "checkpoint: /train: step %lld of %lld",
                        (long long)t->step, (long long)t->stages[t->stage].steps);
    return KAD_OK;
}

kad_status kad_trainer_load(kad_trainer *t, bool *found)
{
    KAD_LOCAL(kad_h5, file);
    *found = false;
    KAD_CALL(kad_checkpoint_load(t->ctx, t->run, &file));
    if (file == NULL || !kad_h5_exists(file, "/train")) return KAD_OK;
    KAD_CALL(check_header(t, file));
    KAD_CALL(kad_trainer_enter(t, NULL, NULL));
    KAD_CALL(load_numbers(t, file));
    KAD_CALL(move_arrays(t, file, load_array));
    KAD_CALL(load_done(t, file));
    KAD_CALL(move_evaluation(t, file, load_array));
    KAD_CALL(kad_history_restore(t->ctx, &t->log, file, "/train/log"));
    KAD_CALL(kad_history_restore(t->ctx, &t->eval, file, "/train/eval"));
    KAD_CALL(require_finite(t));
    *found = true;
    return KAD_OK;
}
