#include "record/sample.h"

#include "base/memory.h"
#include "base/ranks.h"
#include "record/entries.h"
#include "record/exact.h"
#include "record/job.h"
#include "record/weigh.h"
#include "sample/start.h"
#include "train/params.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BATCH_VALUES = 1 << 20, BATCH_LEAST = 64, BATCH_MOST = 4096 };
static const double SEGMENT_SECONDS = 20.0;

/* Of every rank. */
static size_t batch_of(int64_t given, int n_chains, size_t n_rows)
{
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
    KAD_SCOPE(scope, ctx);
    const size_t n_rows = (size_t)action->lattice->n_sites * (size_t)action->n_comp;
    double *y, S[2];
    KAD_CALL(kad_take(&scope, 2 * n_rows, &y));
    for (size_t i = 0; i < 2 * n_rows; i++)
        y[i] = sin(0.7 + (double)i) * 1.3;
    KAD_CALL(kad_action_values(ctx, action, 2, y, S));
    *hash = kad_fingerprint(*hash, S, sizeof S);
    *hash = kad_fingerprint(*hash, &action->log_z_offset, sizeof action->log_z_offset);
    return KAD_OK;
}

static uint64_t fingerprint_key(uint64_t hash, const kad_key *key, const void *own)
{
    size_t n = 0;
    const char *text = kad_key_text(key, own, &n);
    const double number = kad_key_number(key, own);
    const double *reals = kad_key_reals(key, own, &n);
    if (reals != NULL) return kad_fingerprint(hash, reals, n * sizeof *reals);
    if (key->type != KAD_STRING && key->type != KAD_ENUM)
        return kad_fingerprint(hash, &number, sizeof number);
    if (text == NULL) return hash;
    return kad_fingerprint(kad_fingerprint(hash, text, n), "", 1);
}

/* The keys of every sampler: the steps of a cycle read each other's. */
static uint64_t fingerprint_keys(uint64_t hash, const kad_sampler_setup *s)
{
    for (int i = 0; s->options != NULL && kad_samplers[i] != NULL; i++)
        for (size_t k = 0; k < kad_samplers[i]->n_keys; k++)
            hash = fingerprint_key(hash, &kad_samplers[i]->keys[k],
                                   kad_sampler_own(kad_samplers[i], s->options));
    return hash;
}

/* Of what a draw depends on, which is not how many there are. */
static uint64_t fingerprint_job(uint64_t hash, const kad_job *job, int64_t keep_first)
{
    const kad_sampler_setup *s = &job->setup;
    const int64_t numbers[] = {s->entry,     (int64_t)s->seed, s->prec,
                               s->n_chains,  s->n_burn_in,     s->n_tune,
                               s->exact,     s->translate,     (int64_t)job->n_configs,
                               job->latents, job->thin,        keep_first};
    const char *start = kad_start_name(s);
    hash = kad_fingerprint(hash, job->sampler, strlen(job->sampler));
    hash = kad_fingerprint(hash, start, strlen(start));
    hash = fingerprint_keys(hash, s);
    return kad_fingerprint(hash, numbers, sizeof numbers);
}

/* Configurations that reading the bulk wants of this entry. */
static size_t bulk_configs(const kad_sample_options *options, int entry)
{
    return entry == kad_sample_bulk_entry(options) ? (size_t)options->bulk_configs : 0;
}

/* The run's map, NULL where no entry needs one, and a hash of it. */
typedef struct trained_map {
    kad_map *map;
    uint64_t hash;
} trained_map;

static void forget_map(trained_map *trained)
{
    kad_map_destroy(trained->map);
}

/* What follows from the rest. */
static void finish_job(kad_job *job, const kad_sample_entry *e,
                       const trained_map *trained, uint64_t action)
{
    const int64_t n_chain = job->setup.n_draws + job->setup.n_burn_in;
    const uint64_t hash = job->setup.map != NULL
                              ? kad_fingerprint(action, &trained->hash, sizeof action)
                              : action;
    job->n_first = e->keep_first < n_chain ? e->keep_first : n_chain;
    job->fingerprint = fingerprint_job(hash, job, e->keep_first);
}

/* Chains that can do without the map know nothing of it: what they find, the map did not
 * show them. `action`: the action's hash. */
static kad_job job_of(const kad_ctx *ctx, const kad_sample_options *options, int entry,
                      const kad_model *model, const trained_map *trained, uint64_t action)
{
    const kad_sample_entry *e = &options->entry[entry];
    const size_t n_rows =
        (size_t)model->action->lattice->n_sites * (size_t)model->action->n_comp;
    kad_job job = {.sampler = e->name,
                   .thin = e->thin,
                   .n_configs = (size_t)kad_sample_configs(options, entry),
                   .latents = e->store_latents,
                   .segment_seconds = SEGMENT_SECONDS};
    job.setup = (kad_sampler_setup){
        .entry = entry,
        .options = e->listed ? e->own : NULL,
        .start = e->start,
        .action = model->action,
        .map = trained->map,
        .prec = model->prec,
        .seed = model->seed,
        .n_chains = kad_sample_chains(options, entry),
        .n_draws = kad_sample_draws(options, entry),
        .n_burn_in = kad_sample_burn_in(options, entry),
        .exact = e->exact,
        .translate = options->translate && !job.latents &&
                     (model->action->flags & KAD_ACTION_TRANSLATION) != 0};
    if (!kad_sample_needs_map(options, entry)) job.setup.map = NULL;
    const kad_sampler_ops *ops = kad_sampler_find(job.sampler);
    if (ops != NULL && kad_sampler_tunes(ops, &job.setup))
        job.setup.n_tune = kad_sample_tuning(options, entry);
    job.setup.n_batch_max =
        batch_of(e->batch, job.setup.n_chains, n_rows) * (size_t)kad_ranks_all(ctx);
    if (bulk_configs(options, entry) > job.n_configs)
        job.n_configs = bulk_configs(options, entry);
    kad_sample_group(options, entry, sizeof job.name, job.name);
    finish_job(&job, e, trained, action);
    return job;
}

/* What an entry leaves open follows from its draws, but a chain that is to be longer has
 * begun as it has. */
static kad_status keep_beginning(kad_ctx *ctx, const kad_run *run,
                                 const kad_sample_entry *e, const trained_map *trained,
                                 uint64_t action, kad_job *job)
{
    KAD_LOCAL(kad_h5, file);
    kad_job other = *job;
    int64_t fingerprint = 0;
    char group[96];
    snprintf(group, sizeof group, "/samplers/%s", job->name);
    KAD_CALL(kad_results_open(ctx, run, &file));
    if (!kad_h5_exists(file, group) || !kad_h5_attr_exists(file, group, "fingerprint"))
        return KAD_OK;
    KAD_CALL(kad_h5_attr_int(ctx, file, group, "fingerprint", &fingerprint));
    if (e->burn_in < 0)
        KAD_CALL(kad_h5_attr_int(ctx, file, group, "burn_in", &other.setup.n_burn_in));
    if (e->tuning < 0)
        KAD_CALL(kad_h5_attr_int(ctx, file, group, "tuning", &other.setup.n_tune));
    finish_job(&other, e, trained, action);
    if (other.fingerprint == (uint64_t)fingerprint) *job = other;
    return KAD_OK;
}

/* Once per action: `hash` stands for it. *done: it was not there. */
static kad_status put_exact(kad_ctx *ctx, kad_h5 *file, const kad_model *model,
                            uint64_t hash, bool *done)
{
    int64_t before = 0;
    *done = false;
    if (kad_h5_exists(file, "/exact") && kad_h5_attr_exists(file, "/exact", "action")) {
        KAD_CALL(kad_h5_attr_int(ctx, file, "/exact", "action", &before));
        if ((uint64_t)before == hash) return KAD_OK;
    }
    *done = true;
    KAD_CALL(kad_exact_write(ctx, file, model->action));
    KAD_CALL(kad_h5_group(ctx, file, "/exact"));
    return kad_h5_attr_set_int(ctx, file, "/exact", "action", (int64_t)hash);
}

static kad_status write_exact(kad_ctx *ctx, const kad_run *run, const kad_model *model,
                              uint64_t hash)
{
    KAD_LOCAL(kad_h5, file);
    bool done;
    KAD_CALL(kad_results_open(ctx, run, &file));
    KAD_CALL(put_exact(ctx, file, model, hash, &done));
    return done ? kad_results_save(ctx, run, file) : KAD_OK;
}

/* What is saved with an entry's series. */
typedef struct addition {
    const kad_model *model;
    const trained_map *trained;
    uint64_t action;
} addition;

static kad_status add(kad_ctx *ctx, kad_h5 *file, const kad_job *job)
{
    const addition *a = job->self;
    bool done;
    KAD_CALL(put_exact(ctx, file, a->model, a->action, &done));
    if (a->trained->map == NULL) return KAD_OK;
    const kad_status status = kad_weigh_into(ctx, file, a->model->action, a->trained->map,
                                             a->trained->hash, job->name, &done);
    return status == KAD_EINTERRUPTED ? KAD_OK : status; /* weighed later */
}

static kad_status load_map(kad_ctx *ctx, const kad_run *run, const kad_model *model,
                           trained_map *out)
{
    KAD_SCOPE(scope, ctx);
    KAD_LOCAL(kad_h5, file);
    double *theta;
    KAD_CALL(kad_results_open(ctx, run, &file));
    if (!kad_h5_exists(file, "/flow/params"))
        return kad_fail(ctx, KAD_ENOINPUT, "%s/run.h5: no trained map: run `train` first",
                        kad_run_path(run));
    KAD_CALL(kad_take(&scope, model->flow->n_theta, &theta));
    KAD_CALL(kad_params_read(ctx, file, model->flow, model->action, theta));
    KAD_CALL(kad_map_create(ctx, model->flow, theta, model->mixture, &out->map));
    out->hash = kad_fingerprint(KAD_FINGERPRINT_START, theta,
                                model->flow->n_theta * sizeof *theta);
    out->hash =
        kad_fingerprint(out->hash, &model->mixture->sign, sizeof model->mixture->sign);
    if (model->mixture->n > 1)
        out->hash =
            kad_fingerprint(out->hash, &model->mixture->n, sizeof model->mixture->n);
    return KAD_OK;
}

/* More than there are draws cannot be kept: said where it was asked for. */
static void note_caps(kad_ctx *ctx, const kad_sample_options *options, int entry,
                      const kad_job *job)
{
    const kad_sample_entry *e = &options->entry[entry];
    const int64_t n_all = job->setup.n_draws * job->setup.n_chains;
    const bool asked = e->store_configs >= 0 || bulk_configs(options, entry) > 0;
    if (asked && (int64_t)job->n_configs > n_all)
        kad_note(ctx, "%s: %lld configurations are kept, one a draw, of %zu asked for",
                 job->name, (long long)n_all, job->n_configs);
    if (e->keep_first > job->n_first)
        kad_note(ctx, "%s: keep_first: %lld draws are all there are, of %lld asked for",
                 job->name, (long long)job->n_first, (long long)e->keep_first);
}

kad_status kad_sample_check(kad_ctx *ctx, const kad_sample_options *options,
                            const kad_model *model)
{
    KAD_SCOPE(scope, ctx);
    KAD_LOCAL(kad_map, map);
    double *theta;
    if (options->n == 0) return KAD_OK;
    KAD_CALL(kad_model_require_action(ctx, model, "section sample"));
    if (kad_sample_any_needs_map(options)) {
        KAD_CALL(kad_take(&scope, model->flow->n_theta, &theta));
        kad_flow_init(model->flow, model->seed, theta);
        KAD_CALL(kad_map_create(ctx, model->flow, theta, model->mixture, &map));
    }
    const trained_map start = {map, 0};
    for (int entry = 0; entry < options->n; entry++) {
        const kad_job job =
            job_of(ctx, options, entry, model, &start, KAD_FINGERPRINT_START);
        kad_sampler *sampler = NULL;
        KAD_CALL(kad_job_check(ctx, &job));
        KAD_CALL(kad_sampler_create(ctx, job.sampler, &job.setup, &sampler));
        kad_sampler_destroy(sampler);
    }
    return KAD_OK;
}

/* --- more draws ----------------------------------------------------------------------- */

/* Draws of a chain that the results have of an entry; -1: they have none of it. */
static kad_status count_draws(kad_ctx *ctx, kad_h5 *file, const char *name, int64_t *n)
{
    char group[96];
    *n = -1;
    snprintf(group, sizeof group, "/samplers/%s", name);
    if (!kad_h5_exists(file, group) || !kad_h5_attr_exists(file, group, "n_draws"))
        return KAD_OK;
    return kad_h5_attr_int(ctx, file, group, "n_draws", n);
}

kad_status kad_sample_complete(kad_ctx *ctx, kad_h5 *file,
                               const kad_sample_options *options, bool *complete)
{
    *complete = true;
    for (int entry = 0; entry < options->n; entry++) {
        char name[64];
        int64_t n;
        kad_sample_group(options, entry, sizeof name, name);
        KAD_CALL(count_draws(ctx, file, name, &n));
        if (n >= 0 && n < kad_sample_draws(options, entry)) *complete = false;
    }
    return KAD_OK;
}

kad_status kad_sample_check_growth(kad_ctx *ctx, const kad_run *run,
                                   const kad_sample_options *old,
                                   const kad_sample_options *now)
{
    KAD_LOCAL(kad_h5, file);
    KAD_CALL(kad_results_open(ctx, run, &file));
    for (int entry = 0; entry < now->n && entry < old->n; entry++) {
        const int64_t there = kad_sample_draws(old, entry);
        char name[64];
        int64_t n;
        if (kad_sample_draws(now, entry) <= there) continue;
        kad_sample_group(now, entry, sizeof name, name);
        KAD_CALL(count_draws(ctx, file, name, &n));
        if (n != there)
            return kad_fail(ctx, KAD_ECONFIG,
                            "sample[%d].draws: the %lld draws that %s was asked for are "
                            "not finished: `kadanoff run %s` first, then more of them",
                            entry, (long long)there, kad_run_path(run),
                            kad_run_path(run));
        KAD_CALL(kad_job_end_check(ctx, run, name, there));
    }
    return KAD_OK;
}

/* --- all entries ---------------------------------------------------------------------- */

kad_status kad_sample(kad_ctx *ctx, kad_run *run, const kad_sample_options *options,
                      const kad_model *model, kad_progress *progress)
{
    trained_map trained KAD_CLEARED(forget_map) = {NULL, 0};
    uint64_t hash = KAD_FINGERPRINT_START;

    if (options->n == 0 && model->action == NULL) return KAD_OK;
    KAD_CALL(kad_model_require_action(ctx, model, "section sample"));
    KAD_CALL(fingerprint_action(ctx, model->action, &hash));
    if (kad_sample_any_needs_map(options)) KAD_CALL(load_map(ctx, run, model, &trained));
    const addition with = {model, &trained, hash};
    for (int entry = 0; entry < options->n; entry++) {
        kad_job job = job_of(ctx, options, entry, model, &trained, hash);
        KAD_CALL(keep_beginning(ctx, run, &options->entry[entry], &trained, hash, &job));
        note_caps(ctx, options, entry, &job);
        job.add = add;
        job.self = &with;
        KAD_CALL(kad_job_run(ctx, run, &job, progress));
        if (trained.map != NULL)
            KAD_CALL(
                kad_weigh(ctx, run, model->action, trained.map, trained.hash, job.name));
    }
    return write_exact(ctx, run, model, hash); /* where nothing was made */
}
