/* Whole sweeps: read, numbered and written, and the overrides of a point. */
#include "base/signals.h"
#include "io/file.h"
#include "record/job.h"
#include "run/pipeline.h"
#include "run/schema.h"
#include "sweep/points.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- reading -------------------------------------------------------------------------
 */

static void destroy_config(void *config)
{
    kad_config_destroy(config);
}

/* A config that lives as long as the scope. */
static kad_status parse(kad_scope *in, const kad_schema *schema, const char *text,
                        const char *name, int n, const char *const *overrides,
                        kad_config **config)
{
    *config = NULL;
    KAD_CALL(kad_config_parse(in->ctx, schema, text, name, n, overrides, config));
    return kad_defer(in, destroy_config, *config);
}

static kad_status read_options(kad_scope *in, const kad_section *section,
                               kad_sweep_options *options)
{
    kad_schema *schema; /* which a config borrows */
    kad_config *config;
    KAD_CALL(kad_take(in, 1, &schema));
    kad_schema_add(schema, kad_sweep_keys, kad_sweep_n_keys);
    KAD_CALL(parse(in, schema, "", "sweep", section->n_plain, section->plain, &config));
    kad_config_fill(config, kad_sweep_keys, kad_sweep_n_keys, 0, options);
    return KAD_OK;
}

/* Of every key's value: which have an effect is known only when a recipe has made its
 * choices. */
static kad_status stand_for(kad_ctx *ctx, const kad_config *config, uint64_t *hash)
{
    KAD_LOCAL(char, text);
    text = kad_config_yaml(config, KAD_CONFIG_ALL);
    if (text == NULL) return kad_fail(ctx, KAD_ENOMEM, "config: out of memory");
    *hash = kad_fingerprint(KAD_FINGERPRINT_START, text, strlen(text));
    return KAD_OK;
}

/* Seed and extent of the base, by which values are counted and scaled, and its hash. */
static kad_status read_base(const kad_app *app, kad_sweep *s, kad_ctx *ctx, int64_t *seed,
                            int64_t *extent)
{
    KAD_SCOPE(scope, ctx);
    kad_config *base;
    int64_t shape[3] = {0};
    KAD_CALL(parse(&scope, &s->schema, s->base, s->name, app->n_overrides, app->overrides,
                   &base));
    *seed = kad_config_int(base, "seed");
    kad_config_ints(base, "lattice.shape", 3, shape);
    *extent = shape[0];
    return stand_for(ctx, base, &s->asked);
}

static kad_status create(kad_scope *in, const kad_app *app, const char *name,
                         kad_sweep **out)
{
    KAD_CALL(kad_take(in, 1, out));
    KAD_CALL(kad_take(in, KAD_SWEEP_MAX_KEYS, &(*out)->key));
    KAD_CALL(kad_opened_create(in, &(*out)->opened));
    KAD_CALL(kad_take_text(in, app->out, &(*out)->folder));
    return kad_take_text(in, name, &(*out)->name);
}

kad_status kad_sweep_read(kad_scope *in, kad_app *app, const char *text, const char *name,
                          kad_sweep **out)
{
    kad_section section = {0};
    int64_t seed, extent;
    KAD_CALL(create(in, app, name, out));
    kad_sweep *s = *out;
    kad_cli_schema(&s->schema);
    KAD_CALL(kad_take_text(in, text, &s->text));
    KAD_CALL(kad_section_read(in, text, s->name, &section, &s->base));
    s->rule = section.rules;
    s->n_rules = section.n_rules;
    KAD_CALL(read_options(in, &section, &s->options));
    KAD_CALL(read_base(app, s, in->ctx, &seed, &extent));
    KAD_CALL(kad_points_read(in, s));
    return kad_points_add(in, s, &section, seed, extent);
}

static bool is_among(const char *text, int n, const char *const *texts)
{
    for (int i = 0; i < n; i++)
        if (strcmp(text, texts[i]) == 0) return true;
    return false;
}

/* The overrides of whoever claimed it, and those of the command line. */
static kad_status take_kept(kad_scope *in, kad_app *app, kad_kept *kept)
{
    const char **all;
    int n = 0;
    KAD_CALL(kad_kept_read(in, app->out, kept));
    KAD_CALL(kad_take(in, (size_t)(kept->n + app->n_overrides), &all));
    for (int i = 0; i < kept->n; i++)
        if (!is_among(kept->overrides[i], app->n_overrides, app->overrides))
            all[n++] = kept->overrides[i];
    for (int i = 0; i < app->n_overrides; i++)
        all[n++] = app->overrides[i];
    app->n_overrides = n;
    app->overrides = all;
    return KAD_OK;
}

kad_status kad_sweep_open(kad_scope *in, kad_app *app, bool claim, kad_sweep **out)
{
    kad_kept kept;
    KAD_CALL(take_kept(in, app, &kept));
    if (kept.text != NULL)
        return claim ? kad_sweep_claim(in, app, kept.text, kept.name, out)
                     : kad_sweep_read(in, app, kept.text, kept.name, out);
    KAD_CALL(create(in, app, app->out, out));
    KAD_CALL(kad_points_read(in, *out));
    for (int i = 0; i < (*out)->n_points; i++)
        (*out)->point[i].wanted = true;
    return (*out)->n_points > 0
               ? KAD_OK
               : kad_fail(in->ctx, KAD_ENOINPUT, "%s: no sweep is there (points.csv)",
                          app->out);
}

/* --- writing -------------------------------------------------------------------------
 */

static void print_points(FILE *out, const void *sweep)
{
    kad_points_print(out, sweep);
}

static kad_status write_files(const kad_app *app, kad_ctx *ctx, const kad_sweep *s)
{
    KAD_SCOPE(scope, ctx);
    kad_kept kept = {.text = s->text, .name = s->name, .n = app->n_overrides};
    const char *csv, *yaml;
    KAD_CALL(kad_kept_overrides(&scope, app, s, &kept.overrides));
    KAD_CALL(kad_take_printf(&scope, &csv, "%s/points.csv", s->folder));
    KAD_CALL(kad_take_printf(&scope, &yaml, "%s/sweep.yaml", s->folder));
    KAD_CALL(kad_file_print(ctx, csv, print_points, s));
    return kad_file_print(ctx, yaml, kad_kept_print, &kept);
}

/* Waits for the lock of a folder: a file in it, held until it is closed. On file systems
 * without locks nobody waits. */
static kad_status lock_folder(kad_ctx *ctx, const char *folder, int *fd)
{
    KAD_SCOPE(scope, ctx);
    const char *path;
    KAD_CALL(kad_file_make_folder(ctx, folder));
    KAD_CALL(kad_take_printf(&scope, &path, "%s/.lock", folder));
    KAD_RETRY(*fd, open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666));
    if (*fd < 0)
        return kad_fail(ctx, kad_errno_status(errno, KAD_ECREATE), "%s: %s", path,
                        strerror(errno));
    while (kad_file_lock(*fd) != 0 && (errno == EACCES || errno == EAGAIN))
        KAD_CALL(kad_stop_sleep(ctx, folder, 0.05));
    return KAD_OK;
}

kad_status kad_sweep_claim(kad_scope *in, kad_app *app, const char *text,
                           const char *name, kad_sweep **out)
{
    int fd KAD_CLEARED(kad_file_close) = -1;
    KAD_CALL(kad_sweep_read(in, app, text, name, out)); /* before a folder is made */
    KAD_CALL(lock_folder(in->ctx, app->out, &fd));
    KAD_CALL(kad_sweep_read(in, app, text, name, out)); /* as numbered meanwhile */
    return write_files(app, in->ctx, *out);
}

/* --- configs of points ---------------------------------------------------------------
 */

static bool holds(const kad_sweep *s, const kad_sweep_point *point,
                  const kad_setting *where)
{
    for (int i = 0; i < where->n; i++) {
        const int k = kad_sweep_find_key(s, where->key[i]);
        if (k < 0 || point->value[k] == NULL ||
            strcmp(point->value[k], where->value[i]) != 0)
            return false;
    }
    return true;
}

/* key=value; a file is looked for beside the config, as in its text. */
static kad_status add_override(kad_scope *in, const kad_sweep *s, const char *key,
                               const char *value, int *n, const char **list)
{
    const kad_key *spec = kad_schema_find(&s->schema, key);
    const char *slash = strrchr(s->name, '/');
    const bool beside =
        spec != NULL && spec->type == KAD_PATH && slash != NULL && *value != '/';
    return kad_take_printf(in, &list[(*n)++], "%s=%.*s%s", key,
                           beside ? (int)(slash - s->name) + 1 : 0, s->name, value);
}

kad_status kad_sweep_overrides(kad_scope *in, const kad_app *app, const kad_sweep *s,
                               const kad_sweep_point *point, int *n, const char ***out)
{
    size_t most = (size_t)(s->n_keys + app->n_overrides) + 1;
    for (int i = 0; i < s->n_rules; i++)
        most += (size_t)s->rule[i].set.n;
    KAD_CALL(kad_take(in, most, out));
    *n = 0;
    for (int k = 0; k < s->n_keys; k++)
        if (point->value[k] != NULL)
            KAD_CALL(add_override(in, s, s->key[k], point->value[k], n, *out));
    for (int i = 0; i < s->n_rules; i++) {
        const kad_setting *set = &s->rule[i].set;
        for (int j = 0; holds(s, point, &s->rule[i].where) && j < set->n; j++)
            KAD_CALL(add_override(in, s, set->key[j], set->value[j], n, *out));
    }
    for (int i = 0; i < app->n_overrides; i++)
        (*out)[(*n)++] = app->overrides[i];
    /* section family says how the map of maps/ is made: a point has one of its members */
    if (point->number > 0 && kad_sweep_shares_maps(s)) (*out)[(*n)++] = "family=null";
    return KAD_OK;
}

kad_status kad_sweep_overrides_and(kad_scope *in, const kad_app *app, const kad_sweep *s,
                                   const kad_sweep_point *point, int n_more,
                                   const char *const *more, int *n, const char ***out)
{
    const char **own;
    int n_own;
    KAD_CALL(kad_sweep_overrides(in, app, s, point, &n_own, &own));
    *n = n_own + n_more;
    KAD_CALL(kad_take(in, (size_t)*n, out));
    memcpy(*out, own, (size_t)n_own * sizeof *own);
    if (n_more > 0) memcpy(*out + n_own, more, (size_t)n_more * sizeof *more);
    return KAD_OK;
}

kad_status kad_sweep_options_of(kad_app *app, const kad_sweep *s,
                                const kad_sweep_point *point, int n_more,
                                const char *const *more, kad_options_reader *read,
                                void *self)
{
    KAD_SCOPE(scope, &app->ctx);
    kad_app quiet = *app;
    kad_pipeline p = {.app = &quiet};
    const char **list;
    int n;
    quiet.ctx.log = NULL;
    quiet.ctx.n_threads = 1;
    KAD_CALL(kad_sweep_overrides_and(&scope, app, s, point, n_more, more, &n, &list));
    const kad_status status = kad_pipeline_prepare(&p, s->base, s->name, n, list);
    if (status == KAD_OK) read(self, &p.options);
    kad_pipeline_release(&p);
    if (status != KAD_OK) return kad_fail(&app->ctx, status, "%s", quiet.ctx.message);
    return KAD_OK;
}

/* The run of a point: its own folder and overrides; messages are to come back. */
static kad_status make_run(kad_scope *in, kad_app *app, const kad_sweep *s,
                           const kad_sweep_point *point, int n_more,
                           const char *const *more, const char *folder, bool watched,
                           kad_app *run)
{
    *run = *app;
    KAD_CALL(kad_sweep_overrides_and(in, app, s, point, n_more, more, &run->n_overrides,
                                     &run->overrides));
    run->out = folder;
    run->wait = 0; /* the worker waits */
    run->sweep = point->number > 0 ? s->folder : NULL;
    run->sweep_point = point->number;
    run->quiet = app->quiet || !watched;
    if (!watched) run->ctx.log = NULL; /* its notices; one run is watched, many are not */
    return KAD_OK;
}

kad_status kad_sweep_run(kad_app *app, const kad_sweep *s, const kad_sweep_point *point,
                         int n_more, const char *const *more, const char *folder,
                         unsigned stages, bool watched)
{
    KAD_SCOPE(scope, &app->ctx);
    kad_app run;
    char word[KAD_WORD_CHARS];
    KAD_CALL(kad_sweep_word(app, s, point, word));
    KAD_CALL(make_run(&scope, app, s, point, n_more, more, folder, watched, &run));
    run.sweep_config = word;
    const kad_status status = kad_pipeline_text(&run, s->base, s->name, stages);
    memcpy(app->ctx.message, run.ctx.message, sizeof app->ctx.message);
    return status;
}

kad_status kad_sweep_agree(kad_app *app, const kad_sweep *s, const kad_sweep_point *point,
                           int n_more, const char *const *more, const char *folder)
{
    KAD_SCOPE(scope, &app->ctx);
    kad_app run;
    KAD_CALL(make_run(&scope, app, s, point, n_more, more, folder, false, &run));
    const kad_status status = kad_pipeline_agree(&run, s->base, s->name);
    memcpy(app->ctx.message, run.ctx.message, sizeof app->ctx.message);
    return status;
}
