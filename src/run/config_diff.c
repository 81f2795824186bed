/* A run folder belongs to one config: the one stored in it, which holds every key that the
 * run depends on with its value, chosen ones included, and the digests of files. */
#include "analysis/text.h"
#include "base/memory.h"
#include "io/file.h"
#include "io/number.h"
#include "record/sample.h"
#include "run/pipeline.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CONFIG_BYTES = 1 << 20 };

/* --- the couplings, which a run keeps ------------------------------------------------- */

static kad_status copy_file(kad_ctx *ctx, const char *from, const char *to)
{
    KAD_LOCAL(char, data);
    size_t n = 0;
    KAD_CALL(kad_file_read(ctx, from, SIZE_MAX, &data, &n));
    return kad_file_write(ctx, to, 1, &(kad_file_piece){data, n});
}

/* The run goes on with its own copy of a file, wherever that came from. What lies in a
 * folder that is not claimed yet counts for nothing. */
static kad_status keep(kad_pipeline *p, bool claimed, const char *key, const char *name)
{
    kad_ctx *ctx = &p->app->ctx;
    const char *path = kad_config_string(p->config, key), *dot = strrchr(path, '.');
    const bool binary = dot != NULL && strcmp(dot, ".h5") == 0;
    bool kept = false;
    KAD_LOCAL(char, own);
    char file[64];
    snprintf(file, sizeof file, "%s%s", name, binary ? ".h5" : ".txt");
    own = kad_run_file(p->run, file);
    if (own == NULL) return kad_fail(ctx, KAD_ENOMEM, "out of memory");
    if (claimed) KAD_CALL(kad_file_exists(ctx, own, &kept));
    if (!kept) KAD_CALL(copy_file(ctx, path, own));
    return kad_config_set_path(ctx, p->config, key, own);
}

static kad_status keep_files(kad_pipeline *p, bool claimed)
{
    kad_config_set_home(p->config, kad_run_path(p->run));
    if (!kad_config_is_set(p->config, "action.couplings_sha256")) return KAD_OK;
    return keep(p, claimed, "action.couplings", "couplings");
}

/* --- config.yaml ---------------------------------------------------------------------- */

kad_status kad_config_claim(kad_pipeline *p, bool claimed, bool grown)
{
    kad_ctx *ctx = &p->app->ctx;
    KAD_LOCAL(char, yaml);
    KAD_CALL(keep_files(p, claimed));
    KAD_CALL(kad_pipeline_options(p));
    if (claimed && !grown) return KAD_OK;
    yaml = kad_config_yaml(p->config, KAD_CONFIG_USED);
    if (yaml == NULL) return kad_fail(ctx, KAD_ENOMEM, "config: out of memory");
    return kad_run_write_text(ctx, p->run, "config.yaml", yaml);
}

static kad_status fail_difference(kad_pipeline *p, const char *name,
                                  const kad_difference *d)
{
    const char *tail = strrchr(d->key, '_'), *folder = kad_run_path(p->run);
    if (tail != NULL && strcmp(tail, "_sha256") == 0 && strcmp(d->old, "nothing") != 0 &&
        strcmp(d->now, "nothing") != 0)
        return kad_fail(&p->app->ctx, KAD_ECONFIG,
                        "%s: %.*s: another file: %s is %s in this run folder, the file "
                        "now has %s: choose another folder with --out, or go on with "
                        "`kadanoff run %s`",
                        name, (int)(tail - d->key), d->key, d->key, d->old, d->now,
                        folder);
    return kad_fail(&p->app->ctx, KAD_ECONFIG,
                    "%s: %s is %s in this run folder, %s is asked for: choose another "
                    "folder with --out, or go on with `kadanoff run %s`",
                    name, d->key, d->old, d->now, folder);
}

/* --- more draws ----------------------------------------------------------------------- */

/* "sample[3].draws": 3; -1: another key. */
static int entry_of(const char *key)
{
    int entry = -1, end = 0;
    if (sscanf(key, "sample[%d].draws%n", &entry, &end) != 1 || key[end] != 0) return -1;
    return entry;
}

static bool has_more_draws(const kad_sample_options *old, const kad_sample_options *now,
                           const char *key)
{
    const int i = entry_of(key);
    return i >= 0 && i < old->n && i < now->n &&
           kad_sample_draws(old, i) < kad_sample_draws(now, i);
}

/* "sample", "sample[1].thin". */
static bool same_sample(const kad_sample_options *old, const kad_sample_options *now,
                        const char *key)
{
    int i = -1, end = 0;
    if (strcmp(key, "sample") == 0) {
        bool same = old->n == now->n;
        for (i = 0; same && i < now->n; i++)
            same = kad_sample_same(old, now, i, NULL);
        return same;
    }
    return sscanf(key, "sample[%d].%n", &i, &end) == 1 && end > 0 && i >= 0 &&
           i < old->n && i < now->n && kad_sample_same(old, now, i, key + end);
}

/* One of them leaves to the program what the other says, and it comes to the same. */
static bool same_value(const kad_run_options *old, const kad_run_options *now,
                       const char *key)
{
    const struct {
        const kad_key *keys;
        size_t n;
        const void *old, *now;
    } part[] = {
        {kad_flow_keys, kad_flow_n_keys, &old->model.flow, &now->model.flow},
        {kad_family_keys, kad_family_n_keys, &old->model.family, &now->model.family},
        {kad_train_keys, kad_train_n_keys, &old->train, &now->train},
        {kad_bulk_keys, kad_bulk_n_keys, &old->bulk, &now->bulk}};
    for (size_t i = 0; i < sizeof part / sizeof *part; i++)
        for (size_t k = 0; k < part[i].n; k++)
            if (strcmp(part[i].keys[k].key, key) == 0)
                return kad_key_same(&part[i].keys[k], part[i].old, part[i].now);
    return same_sample(&old->sample, &now->sample, key);
}

/* As kad_config_compare, but that entries of now may have more draws (how many have), and that
 * the words of the folder are taken over where they mean the same. */
static kad_status compare(kad_pipeline *p, const kad_config *stored,
                          const kad_run_options *old, int *n_grown, kad_difference *d)
{
    kad_ctx *ctx = &p->app->ctx;
    KAD_TEXT(except);
    *n_grown = 0;
    for (;;) {
        KAD_CALL(kad_config_compare(ctx, stored, p->config, except.data, d));
        if (p->model == NULL || d->key[0] == '\0') return KAD_OK;
        const bool more = has_more_draws(&old->sample, &p->options.sample, d->key);
        if (!more && !same_value(old, &p->options, d->key)) return KAD_OK;
        *n_grown += more;
        if (!more && strchr(d->key, '[') == NULL && strcmp(d->key, "sample") != 0) {
            KAD_CALL(kad_config_adopt(ctx, p->config, d->key, stored));
            KAD_CALL(kad_pipeline_options(p));
        }
        kad_text_add(&except, " %s", d->key);
        if (except.failed) return kad_fail(ctx, KAD_ENOMEM, "out of memory");
    }
}

/* Draws are appended to what is finished. */
static kad_status check_growth(kad_pipeline *p, const kad_sample_options *old)
{
    const kad_sample_options *now = &p->options.sample;
    for (int i = 0; i < now->n; i++)
        if (kad_sample_draws(old, i) < kad_sample_draws(now, i))
            kad_say(p->app,
                    "sample[%d]: %lld draws of a chain are there, %lld are asked "
                    "for: the rest is appended",
                    i, (long long)kad_sample_draws(old, i),
                    (long long)kad_sample_draws(now, i));
    if (kad_family_has_points(p)) return kad_family_points_check_growth(p, old);
    return kad_sample_check_growth(&p->app->ctx, p->run, old, now);
}

static kad_status agree(kad_pipeline *p, const kad_config *stored, const char *name,
                        const kad_run_options *old, bool *grown)
{
    kad_difference d;
    int n_grown;
    KAD_CALL(compare(p, stored, old, &n_grown, &d));
    if (d.key[0] != '\0') return fail_difference(p, name, &d);
    *grown = n_grown > 0;
    return *grown ? check_growth(p, &old->sample) : KAD_OK;
}

kad_status kad_config_agree(kad_pipeline *p, bool *claimed, bool *grown)
{
    kad_ctx *ctx = &p->app->ctx;
    KAD_LOCAL(char, text);
    KAD_LOCAL(kad_config, stored);
    kad_run_options old = {0};
    char name[512];
    kad_status status =
        kad_run_read_text(ctx, p->run, "config.yaml", MAX_CONFIG_BYTES, &text);
    *claimed = status == KAD_OK;
    *grown = false;
    if (status == KAD_ENOINPUT) return KAD_OK;
    if (status != KAD_OK) return status;
    snprintf(name, sizeof name, "%s/config.yaml", kad_run_path(p->run));
    KAD_CALL(kad_config_parse(ctx, &p->schema, text, name, 0, NULL, &stored));
    if (p->model != NULL) KAD_CALL(kad_run_options_read(ctx, stored, &old));
    status = agree(p, stored, name, &old, grown);
    kad_run_options_clear(&old);
    return status;
}

static kad_status agree_text(kad_pipeline *p, const char *text, const char *name)
{
    const kad_app *app = p->app;
    bool claimed, grown;
    KAD_CALL(kad_pipeline_prepare(p, text, name, app->n_overrides, app->overrides));
    KAD_CALL(kad_run_open(&p->app->ctx, app->out, KAD_RUN_READ, &p->run));
    return kad_config_agree(p, &claimed, &grown);
}

kad_status kad_pipeline_agree(kad_app *app, const char *text, const char *name)
{
    kad_pipeline p KAD_CLEARED(kad_pipeline_release) = {.app = app};
    return agree_text(&p, text, name);
}

/* --- run.h5 --------------------------------------------------------------------------- */

/* A run that is to have more draws than its results. */
static bool has_grown(const kad_difference *d)
{
    int64_t old, now;
    return entry_of(d->key) >= 0 && kad_parse_int(d->old, &old) &&
           kad_parse_int(d->now, &now) && old < now;
}

/* What `bulk` may change, and what decides nothing, may differ. */
kad_status kad_results_agree(kad_ctx *ctx, const kad_config *config, const kad_run *run,
                             kad_h5 *file)
{
    KAD_SCOPE(scope, ctx);
    char *text;
    kad_difference d = {.key = ""};
    kad_status status;
    KAD_TEXT(except);
    if (!kad_h5_exists(file, "/config/resolved")) return KAD_OK;
    KAD_CALL(kad_h5_read_strings(&scope, file, "/config/resolved", 1, &text));
    kad_text_add(&except, "bulk title");
    do {
        if (d.key[0] != '\0') kad_text_add(&except, " %s", d.key);
        if (except.failed) return kad_fail(ctx, KAD_ENOMEM, "out of memory");
        status = kad_config_compare_json(ctx, text, config, except.data, &d);
    } while (status == KAD_OK && has_grown(&d));
    if (status == KAD_EDATA)
        return kad_fail(ctx, KAD_EDATA, "%s/run.h5: /config/resolved: %s",
                        kad_run_path(run), ctx->message);
    if (status != KAD_OK || d.key[0] == '\0') return status;
    return kad_fail(
        ctx, KAD_EDATA,
        "%.400s/run.h5: belongs to another run: %s is %s in it, but %s in this "
        "folder's config.yaml: move it away",
        kad_run_path(run), d.key, d.old, d.now);
}
