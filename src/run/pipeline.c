#include "run/pipeline.h"

#include "analysis/analyse.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "base/ranks.h"
#include "base/signals.h"
#include "bulk/bulk.h"
#include "io/file.h"
#include "models/exact.h"
#include "record/sample.h"
#include "run/recipe.h"
#include "run/report_file.h"
#include "run/schema.h"
#include "sample/sampler.h"
#include "train/trainer.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void kad_say(const kad_app *app, const char *format, ...)
{
    if (app->quiet || app->say == NULL) return;
    char text[4096]; /* titles and names in it may come from anywhere */
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    kad_make_printable(text, true);
    app->say(text);
}

kad_status kad_pipeline_read(kad_ctx *ctx, const char *path, char **out)
{
    enum { MAX_BYTES = 1 << 20 };
    size_t n;
    kad_status status = path == NULL ? kad_file_read_input(ctx, MAX_BYTES, out, &n)
                                     : kad_file_read(ctx, path, MAX_BYTES, out, &n);
    if (status == KAD_OK && strlen(*out) != n) {
        status = kad_fail(ctx, KAD_ECONFIG, "%s: contains a zero byte",
                          path != NULL ? path : "-");
        kad_free(*out);
        *out = NULL;
    }
    return status;
}

/* --- before anything is created ------------------------------------------------------
 */

/* Keys without which there is no job, and names that a registry must know. */
static kad_status check_config(kad_pipeline *p, const char *name)
{
    kad_ctx *ctx = &p->app->ctx;
    if (!kad_config_is_set(p->config, "lattice.shape"))
        return kad_fail(ctx, KAD_ECONFIG, "%s: lattice.shape is missing, e.g. [16, 16]",
                        name);
    const char *action = kad_config_string(p->config, "action.name");
    const bool data = kad_config_string(p->config, "data.source") != NULL;
    if (!kad_config_is_set(p->config, "action.name") && !data)
        return kad_fail(ctx, KAD_ECONFIG,
                        "%s: action.name is missing (see kadanoff list actions)", name);
    if (!kad_config_is_set(p->config, "action.name") || strcmp(action, "none") == 0)
        return KAD_OK;
    const char *names[64];
    size_t n = 0;
    for (; kad_actions[n] != NULL && n < 64; n++)
        names[n] = kad_actions[n]->name;
    if (kad_action_find(action) == NULL) {
        const char *near = kad_nearest(action, n, names);
        return kad_fail(ctx, KAD_ECONFIG, "%s: action.name: no action \"%s\" (%s%s)",
                        name, action, near ? "nearest: " : "see kadanoff list actions",
                        near ? near : "");
    }
    return KAD_OK;
}

/* Draws of all chains of a sampler, and configurations stored. */
static double count_draws(const kad_run_options *options, int entry)
{
    return (double)kad_sample_draws(&options->sample, entry) *
           (double)kad_sample_chains(&options->sample, entry);
}

static double count_configs(const kad_run_options *options, int entry)
{
    double configs = (double)kad_sample_configs(&options->sample, entry);
    if (entry == kad_sample_bulk_entry(&options->sample))
        configs += (double)options->bulk.configs;
    return configs;
}

/* Bytes the job is going to need, from the config alone: lattice tables, a tile's working
 * set for each thread (field, gradient, scratch in double), and the series and
 * configurations of the largest sampler. */
static double estimate_bytes(const kad_pipeline *p)
{
    const double rows = p->options.sample.config_values;
    double fixed = 24e6 + 600.0 * rows;
    double tiles = p->app->ctx.n_threads * 8.0 * KAD_ROW_BYTES * rows;
    double series = 0;
    for (int i = 0; i < p->options.sample.n; i++) {
        double bytes = 2 * (count_draws(&p->options, i) * 8 *
                                (14 + p->options.model.shape.value[0]) +
                            count_configs(&p->options, i) * rows * 8);
        series = bytes > series ? bytes : series;
    }
    return fixed + tiles + series;
}

/* What the job puts on the disk: the scalars of a draw, which hardly compress, and
 * configurations in single precision; at the end of a stage the old results, the new ones
 * and the segments of a sampler lie side by side; and three checkpoints of the parameters
 * with their moments. */
static kad_status check_disk(kad_pipeline *p)
{
    enum { SCALARS = 14, CHECKPOINT_ARRAYS = 4 };
    kad_ctx *ctx = &p->app->ctx;
    const double rows = p->options.sample.config_values,
                 most = (double)kad_h5_max_bytes();
    double results = 8.0 * (double)p->model->flow->n_theta, largest = 0;
    for (int i = 0; i < p->options.sample.n; i++) {
        const double bytes = count_draws(&p->options, i) * 8 * SCALARS +
                             count_configs(&p->options, i) * rows * 4;
        results += bytes;
        largest = bytes > largest ? bytes : largest;
    }
    if (results > most)
        return kad_fail(ctx, KAD_ECONFIG,
                        "this job makes a run.h5 of about %.1f MiB, but at most %.1f MiB "
                        "are read back: fewer draws or configurations",
                        results / 0x1p20, most / 0x1p20);
    const double moments = 8.0 * CHECKPOINT_ARRAYS * (double)p->model->flow->n_theta;
    return kad_file_require_space(ctx, p->app->out, 2 * results + largest + 3 * moments,
                                  "this job");
}

static kad_status check_memory(kad_pipeline *p)
{
    double bytes = estimate_bytes(p);
    size_t need = bytes < 9e18 ? (size_t)bytes : (size_t)9e18;
    return kad_memory_require(&p->app->ctx, need, "this job");
}

/* What `run` trains for: samplers of the boundary field need no map. `train`, `run` without any
 * sampler, and a family, whose curve is by its map, always train. */
static bool wants_map(const kad_pipeline *p, unsigned stages)
{
    if (p->model != NULL && kad_family_is(&p->model->family)) return true;
    return (stages & KAD_STAGE_SAMPLE) == 0 || p->options.sample.n == 0 ||
           p->options.bulk.configs > 0 || kad_sample_any_needs_map(&p->options.sample);
}

/* --- the first screen ----------------------------------------------------------------
 */

static void describe_exact(kad_app *app, const kad_action *action)
{
    const kad_exact_value ln_z = {action->log_z_exact, action->log_z_exact_error};
    const int digits = kad_exact_digits(ln_z);
    if (action->log_z_source != NULL)
        kad_say(app, "ln Z is known exactly: %.*g (%s, %d digits are certain)", digits,
                ln_z.value, action->log_z_source, digits);
    else if (action->log_z_unknown != NULL)
        kad_say(app, "ln Z is not stated exactly: %s", action->log_z_unknown);
}

static void describe_flow(const kad_pipeline *p)
{
    const kad_model *m = p->model;
    char average[48] = "";
    if (m->mixture->n > 1)
        snprintf(average, sizeof average, ", averaged over %d images", m->mixture->n);
    kad_say(p->app,
            "flow: %s recipe, %s, %d stages over %d levels, %zu parameters, %s%s%s",
            kad_recipe_name(p->config), m->flow->hierarchy, m->flow->n_stages,
            m->flow->n_levels, m->flow->n_theta,
            m->prec == KAD_SINGLE ? "single precision" : "double precision",
            m->mixture->sign ? ", symmetrised" : "", average);
}

static void describe(const kad_pipeline *p, unsigned stages)
{
    const kad_model *m = p->model;
    char text[KAD_ACTION_DESCRIPTION];
    if (m == NULL) {
        kad_images_describe(p);
        return;
    }
    kad_model_describe(m, sizeof text, text);
    const kad_ctx *ctx = &p->app->ctx;
    char ranks[32] = "";
    if (kad_ranks_all(ctx) > 1)
        snprintf(ranks, sizeof ranks, "%d ranks of ", kad_ranks_all(ctx));
    kad_say(p->app, "kadanoff %s, %s%d thread%s, folder %s", kad_version(), ranks,
            ctx->n_threads, ctx->n_threads > 1 ? "s" : "", p->app->out);
    if (m->action != NULL)
        kad_say(p->app, "model: %s (action %s)%s", text, m->action->ops->name,
                m->decimated ? ", odd sublattice integrated out exactly" : "");
    else
        kad_say(p->app, "model: %s, of %s", text, p->options.train.data.path);
    if (!wants_map(p, stages))
        kad_say(p->app, "no sampler needs a map: nothing is trained");
    else
        describe_flow(p);
    if (m->action != NULL) describe_exact(p->app, m->action);
}

/* --- stages --------------------------------------------------------------------------
 */

static kad_status train(kad_pipeline *p)
{
    kad_train_result result = {0};
    kad_status status = kad_train(&p->app->ctx, p->run, &p->options.train, p->model,
                                  p->progress, &result);
    kad_train_result_clear(&result);
    return status;
}

static kad_status run_stage(kad_pipeline *p, unsigned stage)
{
    kad_ctx *ctx = &p->app->ctx;
    switch (stage) {
    case KAD_STAGE_TRAIN:
        return p->model != NULL ? train(p) : kad_images_stage(p);
    case KAD_STAGE_SAMPLE:
        KAD_CALL(kad_family_stage(p));
        if (kad_family_has_points(p)) return KAD_OK;
        return kad_sample(ctx, p->run, &p->options.sample, p->model, p->progress);
    case KAD_STAGE_ANALYSE:
        KAD_CALL(kad_data_stage(p));
        return kad_analyse(ctx, p->run);
    case KAD_STAGE_BULK:
        return kad_family_has_points(p) ? KAD_OK : kad_bulk_stage(p);
    default:
        return kad_report_write(ctx, p->run);
    }
}

/* Images are trained on, evaluated and drawn in one stage. */
static bool has_work(const kad_pipeline *p, unsigned stages, unsigned stage)
{
    if ((stages & stage) == 0) return false;
    if (stage == KAD_STAGE_TRAIN) return wants_map(p, stages);
    return p->model != NULL || stage == KAD_STAGE_REPORT;
}

/* What ranks do together: to train and to sample. The others have no folder, and leave the
 * rest to the first. */
static kad_status work_together(kad_pipeline *p, unsigned stages)
{
    kad_ctx *ctx = &p->app->ctx;
    bool together;
    KAD_CALL(kad_ranks_meet(ctx, &together));
    /* the runs at single values of a family come when the others have gone */
    if (!together && !kad_ranks_is_first(ctx)) return KAD_OK;
    kad_status status = kad_run_share(ctx, &p->run);
    if (status == KAD_OK && has_work(p, stages, KAD_STAGE_TRAIN))
        status = run_stage(p, KAD_STAGE_TRAIN);
    if (status == KAD_OK && has_work(p, stages, KAD_STAGE_SAMPLE))
        status = run_stage(p, KAD_STAGE_SAMPLE);
    kad_run_unshare(p->run);
    kad_ranks_part_ways(ctx);
    return status;
}

static kad_status run_stages(kad_pipeline *p, unsigned stages)
{
    KAD_CALL(work_together(p, stages));
    if (has_work(p, stages, KAD_STAGE_SAMPLE) && kad_family_has_points(p))
        KAD_CALL(kad_family_points(p));
    for (unsigned i = 0; 1u << i < KAD_STAGE_ALL; i++) {
        if ((stages & 1u << i) == 0 || 1u << i <= KAD_STAGE_SAMPLE) continue;
        if (has_work(p, stages, 1u << i)) KAD_CALL(run_stage(p, 1u << i));
        /* The report shows the status: it comes when everything else is done. */
        if (1u << i == KAD_STAGE_BULK) KAD_CALL(kad_provenance_end(p, "complete"));
    }
    if (stages >= KAD_STAGE_ANALYSE) return KAD_OK;
    return kad_provenance_end(p, stages & KAD_STAGE_SAMPLE ? "sampled" : "trained");
}

/* The run's status after a failure, without losing the failure's message. */
static void record_failure(kad_pipeline *p, kad_status failure)
{
    kad_ctx *ctx = &p->app->ctx;
    char message[KAD_MESSAGE_MAX], how[64];
    memcpy(message, ctx->message, sizeof message);
    if (failure == KAD_EINTERRUPTED)
        snprintf(how, sizeof how, "%s", kad_stop_reason());
    else
        snprintf(how, sizeof how, "failed");
    if (kad_provenance_end(p, how) != KAD_OK)
        kad_note(ctx, "%s/run.h5: its status could not be written", kad_run_path(p->run));
    memcpy(ctx->message, message, sizeof message);
}

/* Of this run, and complete? */
static kad_status is_complete(kad_pipeline *p, bool *complete)
{
    kad_ctx *ctx = &p->app->ctx;
    KAD_SCOPE(scope, ctx);
    KAD_LOCAL(kad_h5, file);
    char *text;
    *complete = false;
    KAD_CALL(kad_results_open(ctx, p->run, &file));
    KAD_CALL(kad_results_agree(ctx, p->config, p->run, file));
    KAD_CALL(kad_h5_attr_text(&scope, file, "/", "status", &text));
    if (strcmp(text, "complete") != 0) return KAD_OK;
    if (p->model != NULL && kad_family_has_points(p))
        return kad_family_points_complete(p, complete);
    return kad_sample_complete(ctx, file, &p->options.sample, complete);
}

static kad_status print_end(kad_pipeline *p, unsigned stages)
{
    KAD_LOCAL(kad_h5, file);
    if (p->app->show == NULL || p->app->quiet || (stages & KAD_STAGE_ANALYSE) == 0)
        return KAD_OK;
    KAD_CALL(kad_results_open(&p->app->ctx, p->run, &file));
    KAD_CALL(p->app->show(p->app, file));
    kad_say(p->app, "\nOpen %s/report.html in a browser; the numbers are in %s/run.h5.",
            kad_run_path(p->run), kad_run_path(p->run));
    return KAD_OK;
}

/* The folder has a config of its own. */
static kad_status is_claimed(kad_app *app, bool *claimed)
{
    char config[4096];
    snprintf(config, sizeof config, "%s/config.yaml", app->out);
    return kad_file_exists(&app->ctx, config, claimed);
}

/* A file that the config names is gone, but the folder may not need it. */
static kad_status advise(kad_pipeline *p, const char *name)
{
    const char *out = p->app->out;
    const size_t n = strlen(out);
    kad_ctx *ctx = &p->app->ctx;
    const bool own = strncmp(name, out, n) == 0 && strcmp(name + n, "/config.yaml") == 0;
    bool claimed = false;
    char why[KAD_MESSAGE_MAX];
    memcpy(why, ctx->message, sizeof why);
    KAD_CALL(is_claimed(p->app, &claimed));
    if (own || !claimed) return KAD_ENOINPUT;
    return kad_fail(ctx, KAD_ENOINPUT,
                    "%.600s; `kadanoff run %.200s` goes on with the folder's own", why,
                    out);
}

static kad_status check_work(kad_pipeline *p)
{
    kad_ctx *ctx = &p->app->ctx;
    KAD_CALL(kad_train_check(ctx, &p->options.train, p->model));
    KAD_CALL(kad_sample_check(ctx, &p->options.sample, p->model));
    if (p->options.bulk.configs > 0 && p->options.bulk.sampler != NULL)
        KAD_CALL(kad_model_require_action(ctx, p->model, "bulk.sampler"));
    return KAD_OK;
}

/* What the stages would refuse, before a new folder is made and the work begins. */
static kad_status check_stages(kad_pipeline *p, unsigned stages)
{
    kad_ctx *ctx = &p->app->ctx;
    bool claimed = false;
    if (p->model == NULL) return KAD_OK; /* kad_images_check */
    KAD_CALL(is_claimed(p->app, &claimed));
    if (claimed) return KAD_OK; /* was checked when it was new */
    KAD_CALL(check_disk(p));
    if ((stages & KAD_STAGE_TRAIN) == 0 && wants_map(p, stages))
        return kad_fail(ctx, KAD_ENOINPUT,
                        "%s: nothing is trained in this folder: use `run` or `train`",
                        p->app->out);
    return check_work(p);
}

/* A complete run of a sweep that is asked for in other words: workers pass over it by these from
 * now on. */
static kad_status keep_word(const kad_pipeline *p)
{
    const kad_app *app = p->app;
    KAD_SCOPE(scope, &p->app->ctx);
    KAD_LOCAL(kad_h5, file);
    char *word;
    if (app->sweep == NULL) return KAD_OK;
    KAD_CALL(kad_results_open(&p->app->ctx, p->run, &file));
    KAD_CALL(kad_h5_attr_text(&scope, file, "/", KAD_RESULTS_WORD, &word));
    if (strcmp(word, app->sweep_config) == 0) return KAD_OK;
    KAD_CALL(kad_h5_attr_set_string(&p->app->ctx, file, "/", KAD_RESULTS_WORD,
                                    app->sweep_config));
    return kad_results_save(&p->app->ctx, p->run, file);
}

/* Before a folder is claimed; one that was stopped while images were read goes on by its name. */
static kad_status check_images(kad_pipeline *p)
{
    const kad_status status = kad_images_check(p);
    if (status == KAD_EINTERRUPTED) {
        char why[KAD_MESSAGE_MAX];
        memcpy(why, p->app->ctx.message, sizeof why);
        KAD_CALL(kad_config_claim(p, false, false));
        return kad_fail(&p->app->ctx, status, "%s", why);
    }
    return status;
}

/* Everything in the open folder. */
static kad_status work_open(kad_pipeline *p, unsigned stages)
{
    kad_ctx *ctx = &p->app->ctx;
    bool complete = false, claimed = false, grown = false;
    KAD_CALL(kad_config_agree(p, &claimed, &grown));
    if (grown) KAD_CALL(check_disk(p));
    KAD_CALL(is_complete(p, &complete));
    if (complete) {
        kad_say(p->app, "this run is complete: nothing to do");
        KAD_CALL(keep_word(p));
        if (stages & KAD_STAGE_REPORT) KAD_CALL(kad_report_ensure(ctx, p->run));
        return print_end(p, stages);
    }
    if (p->model == NULL && !claimed)
        KAD_CALL(check_images(p));
    else if (p->model != NULL && wants_map(p, stages))
        KAD_CALL(kad_selfcheck(p));
    KAD_CALL(kad_config_claim(p, claimed, grown));
    KAD_CALL(kad_provenance_begin(p));
    KAD_CALL(kad_progress_create(ctx, p->run, p->app->quiet, &p->progress));
    kad_progress_on_update(p->progress, p->app->watch, p->app->watch_self);
    if (p->model == NULL && claimed) KAD_CALL(kad_images_check(p));
    KAD_CALL(run_stages(p, stages));
    return print_end(p, stages);
}

/* The same; what failed on the way is recorded. */
static kad_status work(kad_pipeline *p, unsigned stages)
{
    const kad_status status = work_open(p, stages);
    if (status != KAD_OK && p->progress != NULL) record_failure(p, status);
    kad_progress_destroy(p->progress);
    p->progress = NULL;
    return status;
}

/* A family's action is at the middle of its range, where the config does not say. */
static kad_status resolve_family(kad_pipeline *p)
{
    kad_family_options options;
    char along[32], key[64];
    double middle;
    kad_config_fill(p->config, kad_family_keys, kad_family_n_keys, 0, &options);
    for (int i = 0; kad_family_middle(&options, i, along, &middle); i++) {
        snprintf(key, sizeof key, "action.%s", along);
        const kad_key *spec = kad_schema_find(&p->schema, key);
        if (spec == NULL || spec->type != KAD_REAL || kad_config_is_set(p->config, key))
            continue;
        KAD_CALL(kad_config_resolve_real(&p->app->ctx, p->config, key, middle));
    }
    return KAD_OK;
}

kad_status kad_pipeline_options(kad_pipeline *p)
{
    kad_run_options_clear(&p->options);
    if (strcmp(kad_config_string(p->config, "data.kind"), "image") == 0)
        return kad_images_options_read(p);
    return kad_run_options_read(&p->app->ctx, p->config, &p->options);
}

kad_status kad_pipeline_prepare(kad_pipeline *p, const char *text, const char *name,
                                int n_overrides, const char *const *overrides)
{
    kad_ctx *ctx = &p->app->ctx;
    bool images;
    p->name = name;
    kad_cli_schema(&p->schema);
    KAD_CALL(kad_config_parse(ctx, &p->schema, text, name, n_overrides, overrides,
                              &p->config));
    KAD_CALL(kad_images_asked(p, &images));
    if (images) return kad_images_prepare(p, text, name, n_overrides, overrides);
    KAD_CALL(check_config(p, name));
    KAD_CALL(resolve_family(p));
    KAD_CALL(kad_recipe_resolve(ctx, p->config));
    KAD_CALL(kad_pipeline_options(p));
    KAD_CALL(check_memory(p));
    KAD_CALL(kad_model_create(ctx, &p->options.model, &p->model));
    KAD_CALL(kad_config_check_used(p, name));
    KAD_CALL(kad_inputs_resolve(ctx, p->config));
    return kad_pipeline_options(p);
}

void kad_pipeline_release(kad_pipeline *p)
{
    kad_image_store_close(p->images);
    kad_run_close(p->run);
    kad_model_destroy(p->model);
    kad_run_options_clear(&p->options);
    kad_config_destroy(p->config);
}

kad_status kad_pipeline_check(kad_pipeline *p, const char *text, const char *name,
                              int n_overrides, const char *const *overrides)
{
    KAD_CALL(kad_pipeline_prepare(p, text, name, n_overrides, overrides));
    return p->model == NULL ? KAD_OK : check_work(p);
}

bool kad_pipeline_accepts(kad_app *app, const char *text, const char *name,
                          const char *override)
{
    kad_pipeline p = {.app = app};
    const bool accepted = kad_pipeline_check(&p, text, name, 1, &override) == KAD_OK;
    kad_pipeline_release(&p);
    return accepted;
}

/* A folder in use is asked for again as long as `wait` says. */
static kad_status open_folder(kad_pipeline *p)
{
    kad_ctx *ctx = &p->app->ctx;
    const double end = kad_wall_seconds() + p->app->wait;
    for (;;) {
        const kad_status status = kad_run_open(ctx, p->app->out, KAD_RUN_WRITE, &p->run);
        const double left = end - kad_wall_seconds();
        if (status != KAD_EINUSE || left <= 0) return status;
        KAD_CALL(kad_stop_sleep(ctx, p->app->out, fmin(left, 1)));
    }
}

static kad_status prepare_and_work(kad_pipeline *p, const char *text, const char *name,
                                   unsigned stages)
{
    kad_app *app = p->app;
    kad_ctx *ctx = &app->ctx;
    KAD_CALL(kad_pipeline_prepare(p, text, name, app->n_overrides, app->overrides));
    if (kad_ranks_all(ctx) > 1 && p->model == NULL)
        return kad_fail(ctx, KAD_EUSAGE,
                        "%s: images are for one process, not for %d ranks: kadanoff run",
                        name, kad_ranks_all(ctx));
    if (p->model == NULL && stages == KAD_STAGE_SAMPLE)
        return kad_fail(ctx, KAD_EUSAGE,
                        "%s: images are drawn when the map is trained (images.samples): "
                        "kadanoff run",
                        name);
    if (!kad_ranks_is_first(ctx)) {
        return work_together(p, stages);
    }
    KAD_CALL(check_stages(p, stages));
    describe(p, stages);
    KAD_CALL(open_folder(p));
    return work(p, stages);
}

kad_status kad_pipeline_text(kad_app *app, const char *text, const char *name,
                             unsigned stages)
{
    kad_pipeline p KAD_CLEARED(kad_pipeline_release) = {.app = app,
                                                        .started = kad_wall_seconds()};
    const kad_status status = prepare_and_work(&p, text, name, stages);
    if (status == KAD_ENOINPUT && p.run == NULL && kad_ranks_is_first(&app->ctx))
        return advise(&p, name);
    return status;
}
