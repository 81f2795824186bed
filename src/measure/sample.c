#include "measure/sample.h"

#include "base/memory.h"
#include "measure/exact.h"
#include "measure/job.h"
#include "sample/start.h"
#include "train/params.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const kad_key kad_sample_keys[] = {
    {"sample[].name", KAD_ENUM, "mis", 1, 0, "",
     "mis|direct|hmc|latent-hmc|latent-metropolis|metropolis|cluster|cycle",
     "the sampler: see `kadanoff list samplers`"},
    {"sample[].draws", KAD_INT, "20000", 1, 1e9, "draws", NULL,
     "recorded draws of a chain"},
    {"sample[].chains", KAD_INT, "1", 1, 4096, "chains", NULL,
     "independent chains (mis: consecutive stretches of the proposals)"},
    {"sample[].burn_in", KAD_INT, "100", 0, 1e9, "draws", NULL,
     "draws of a chain before the first recorded one (direct: none)"},
    {"sample[].start", KAD_ENUM, NULL, 1, 0, "", "prior|cold|hot",
     "first state of a Markov chain: a draw of the map (prior), the ordered field "
     "(cold), "
     "independent sites (hot); auto: prior where a map is trained, else hot (mis and "
     "direct have none)"},
    {"sample[].store_configs", KAD_INT, "64", 0, 1e7, "configurations", NULL,
     "boundary configurations kept, evenly spaced, all chains together"},
    {"sample[].store_latents", KAD_BOOL, "false", 1, 0, "", NULL,
     "keep the latents of those configurations (switches random shifts off)"},
    {"sample[].batch", KAD_INT, NULL, 1, 1e7, "draws", NULL,
     "draws of a chain made at a time; auto: about 8 MB of configurations"},
    {"sample[].exact", KAD_BOOL, "true", 1, 0, "", NULL,
     "ln q of proposals recomputed in double by inference"},
};
const size_t kad_sample_n_keys = sizeof kad_sample_keys / sizeof kad_sample_keys[0];

enum { BATCH_VALUES = 1 << 20, BATCH_LEAST = 64, BATCH_MOST = 4096, KEY_MAX = 64 };
static const double SEGMENT_SECONDS = 20.0;

/* --- options of an entry; its table's defaults where the list is empty ---------------
 */

static const char *default_of(const char *key)
{
    for (size_t i = 0; i < kad_sample_n_keys; i++)
        if (strcmp(kad_sample_keys[i].key + strlen("sample[]."), key) == 0)
            return kad_sample_keys[i].def;
    return NULL;
}

static bool listed(const kad_config *config, int entry, const char *key, char *full)
{
    snprintf(full, KEY_MAX, "sample[%d].%s", entry, key);
    return entry < kad_config_list_length(config, "sample");
}

static int64_t int_of(const kad_config *config, int entry, const char *key)
{
    char full[KEY_MAX];
    int64_t value = 0;
    const char *def = default_of(key);
    if (listed(config, entry, key, full)) return kad_config_int(config, full);
    if (def != NULL && !kad_parse_int(def, &value)) value = 0;
    return value;
}

static bool bool_of(const kad_config *config, int entry, const char *key)
{
    char full[KEY_MAX];
    if (listed(config, entry, key, full)) return kad_config_bool(config, full);
    return strcmp(default_of(key), "true") == 0;
}

static const char *name_of(const kad_config *config, int entry)
{
    char full[KEY_MAX];
    return listed(config, entry, "name", full) ? kad_config_string(config, full)
                                               : default_of("name");
}

static size_t batch_of(const kad_config *config, int entry, int n_chains, size_t n_rows)
{
    const int64_t given = int_of(config, entry, "batch");
    if (given > 0) return (size_t)given;
    size_t batch = BATCH_VALUES / n_rows / (size_t)n_chains / BATCH_LEAST * BATCH_LEAST;
    if (batch < BATCH_LEAST) batch = BATCH_LEAST;
    return batch > BATCH_MOST ? BATCH_MOST : batch;
}

/* --- jobs --------------------------------------------------------------------------- */

/* The action's values on two fixed fields stand for every parameter it has. */
static kad_status fingerprint_action(kad_ctx *ctx, const kad_action *action,
                                     uint64_t *hash)
{
    kad_status status = KAD_OK;
    const size_t n_rows = (size_t)action->lattice->n_sites * (size_t)action->n_comp;
    double *y = NULL, S[2];
    KAD_TRY(kad_new(ctx, 2 * n_rows, sizeof *y, &y));
    for (size_t i = 0; i < 2 * n_rows; i++)
        y[i] = sin(0.7 + (double)i) * 1.3;
    KAD_TRY(kad_action_values(ctx, action, 2, y, S));
    *hash = kad_fingerprint(*hash, S, sizeof S);
    *hash = kad_fingerprint(*hash, &action->log_z_offset, sizeof action->log_z_offset);
done:
    kad_free(y);
    return status;
}

/* The values of the sampler's own keys. */
static uint64_t fingerprint_keys(uint64_t hash, const kad_job *job)
{
    const kad_sampler_ops *ops = kad_sampler_find(job->sampler);
    const kad_sampler_setup *s = &job->setup;
    char full[KEY_MAX];
    for (size_t i = 0; ops != NULL && s->config != NULL && i < ops->n_keys; i++) {
        const kad_key *key = &ops->keys[i];
        double number = 0;
        if (!listed(s->config, s->entry, key->key + strlen("sample[]."), full)) break;
        if (key->type == KAD_STRING || key->type == KAD_ENUM) {
            const char *text = kad_config_string(s->config, full);
            if (text != NULL) hash = kad_fingerprint(hash, text, strlen(text) + 1);
            continue;
        }
        if (key->type == KAD_REAL) number = kad_config_real(s->config, full);
        if (key->type == KAD_INT) number = (double)kad_config_int(s->config, full);
        if (key->type == KAD_BOOL) number = kad_config_bool(s->config, full);
        hash = kad_fingerprint(hash, &number, sizeof number);
    }
    return hash;
}

static uint64_t fingerprint_job(uint64_t hash, const kad_job *job)
{
    const kad_sampler_setup *s = &job->setup;
    const int64_t numbers[] = {s->entry,    (int64_t)s->seed, s->prec,
                               s->n_chains, s->n_draws,       s->n_burn_in,
                               s->exact,    s->translate,     (int64_t)job->n_configs,
                               job->latents};
    hash = kad_fingerprint(hash, job->sampler, strlen(job->sampler));
    hash = fingerprint_keys(hash, job);
    return kad_fingerprint(hash, numbers, sizeof numbers);
}

/* Group names: the sampler's, with _2, _3, ... for later entries of the same one. */
static void name_job(const kad_config *config, int entry, kad_job *job)
{
    int n = 1;
    for (int i = 0; i < entry; i++)
        n += strcmp(name_of(config, i), job->sampler) == 0;
    if (n == 1)
        snprintf(job->name, sizeof job->name, "%s", job->sampler);
    else
        snprintf(job->name, sizeof job->name, "%s_%d", job->sampler, n);
}

static kad_job job_of(const kad_config *config, int entry, const kad_model *model,
                      const kad_map *map, uint64_t hash)
{
    const kad_action *action = model->action;
    const size_t n_rows = (size_t)action->lattice->n_sites * (size_t)action->n_comp;
    kad_job job = {.sampler = name_of(config, entry),
                   .n_configs = (size_t)int_of(config, entry, "store_configs"),
                   .latents = bool_of(config, entry, "store_latents"),
                   .segment_seconds = SEGMENT_SECONDS};
    job.setup = (kad_sampler_setup){
        .config = entry < kad_config_list_length(config, "sample") ? config : NULL,
        .entry = entry,
        .action = action,
        .map = map,
        .prec = model->prec,
        .seed = model->seed,
        .n_chains = (int)int_of(config, entry, "chains"),
        .n_draws = int_of(config, entry, "draws"),
        .n_burn_in = int_of(config, entry, "burn_in"),
        .exact = bool_of(config, entry, "exact"),
        .translate = kad_config_bool(config, "flow.translation") && !job.latents &&
                     (action->flags & KAD_ACTION_TRANSLATION) != 0};
    if (strcmp(job.sampler, "direct") == 0) job.setup.n_burn_in = 0;
    job.setup.n_batch_max = batch_of(config, entry, job.setup.n_chains, n_rows);
    name_job(config, entry, &job);
    job.fingerprint = fingerprint_job(hash, &job);
    return job;
}

/* Once per action: `hash` stands for it. */
static kad_status write_exact(kad_ctx *ctx, const kad_run *run, const kad_model *model,
                              uint64_t hash)
{
    kad_status status = KAD_OK;
    kad_h5 *file = NULL;
    int64_t before = 0;
    KAD_TRY(kad_results_open(ctx, run, &file));
    if (kad_h5_exists(file, "/exact") && kad_h5_attr_exists(file, "/exact", "action")) {
        KAD_TRY(kad_h5_attr_int(ctx, file, "/exact", "action", &before));
        if ((uint64_t)before == hash) goto done;
    }
    KAD_TRY(kad_exact_write(ctx, file, model->action));
    KAD_TRY(kad_h5_group(ctx, file, "/exact"));
    KAD_TRY(kad_h5_attr_set_int(ctx, file, "/exact", "action", (int64_t)hash));
    KAD_TRY(kad_results_save(ctx, run, file));
done:
    kad_h5_close(file);
    return status;
}

/* The run's map, and a hash of its parameters. */
static kad_status load_map(kad_ctx *ctx, const kad_run *run, const kad_model *model,
                           kad_map **map, uint64_t *hash)
{
    kad_status status = KAD_OK;
    kad_h5 *file = NULL;
    double *theta = NULL;
    KAD_TRY(kad_results_open(ctx, run, &file));
    if (!kad_h5_exists(file, "/flow/params")) {
        status =
            kad_fail(ctx, KAD_ENOINPUT, "%s/run.h5: no trained map: run `train` first",
                     kad_run_path(run));
        goto done;
    }
    KAD_TRY(kad_new(ctx, model->flow->n_theta, sizeof *theta, &theta));
    KAD_TRY(kad_params_read(ctx, file, model->flow, theta));
    KAD_TRY(kad_map_create(ctx, model->flow, theta, model->mixture, map));
    *hash = kad_fingerprint(*hash, theta, model->flow->n_theta * sizeof *theta);
    *hash = kad_fingerprint(*hash, &model->mixture, sizeof model->mixture);
done:
    kad_free(theta);
    kad_h5_close(file);
    return status;
}

kad_status kad_sample(kad_ctx *ctx, kad_run *run, const kad_config *config,
                      const kad_model *model, kad_progress *progress)
{
    kad_status status = KAD_OK;
    kad_map *map = NULL;
    uint64_t hash = KAD_FINGERPRINT_START;
    int n_entries = kad_config_list_length(config, "sample");

    if (n_entries == 0) n_entries = 1;
    KAD_TRY(fingerprint_action(ctx, model->action, &hash));
    KAD_TRY(write_exact(ctx, run, model, hash));
    KAD_TRY(load_map(ctx, run, model, &map, &hash));
    for (int entry = 0; entry < n_entries; entry++) {
        const kad_job job = job_of(config, entry, model, map, hash);
        KAD_TRY(kad_job_run(ctx, run, &job, progress));
    }
done:
    kad_map_destroy(map);
    return status;
}
