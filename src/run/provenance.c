/* Where a results file came from: attributes of its root, and the config it ran. */
#include "config.h"

#include "base/isa.h"
#include "base/memory.h"
#include "base/ranks.h"
#include "base/signals.h"
#include "build_info.h"
#include "io/digest.h"
#include "io/writer.h"
#include "run/attempts.h"
#include "run/pipeline.h"
#include "run/recipe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { COMMAND_CHARS = 4096 };

/* "2024-05-01T12:00:00Z" */
static void timestamp(char text[32])
{
    time_t now = time(NULL);
    struct tm tm;
    gmtime_r(&now, &tm);
    strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* RFC 4122 version 4. */
static void make_uuid(char text[40])
{
    unsigned char b[16] = {0};
    if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b) b[0] = (unsigned char)getpid();
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    snprintf(text, 40,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
             b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
             b[13], b[14], b[15]);
}

static void command_line(const kad_app *app, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < app->argc && used < size; i++) {
        int n =
            snprintf(text + used, size - used, "%s%s", i > 0 ? " " : "", app->argv[i]);
        if (n < 0) return;
        used += (size_t)n;
    }
}

/* What stays the same over resumptions: identity, first start. */
static void write_once(kad_writer *w)
{
    char text[64];
    if (kad_h5_attr_exists(w->file, "/", "uuid")) return;
    make_uuid(text);
    kad_write_text(w, "uuid", text);
    timestamp(text);
    kad_write_text(w, "started", text);
    kad_write_real(w, "wall_seconds", 0);
}

static void write_slurm(kad_writer *w)
{
    static const char *const names[] = {"SLURM_JOB_ID", "SLURM_ARRAY_JOB_ID",
                                        "SLURM_ARRAY_TASK_ID"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i]);
        if (value != NULL) kad_write_text(w, names[i], value);
    }
}

static void write_program(const kad_pipeline *p, kad_writer *w)
{
    char text[COMMAND_CHARS], host[256] = "";
    kad_write_text(w, "Conventions", "KADANOFF-1");
    kad_write_int(w, "format_version", KAD_FORMAT_VERSION);
    kad_write_text(w, "program", "kadanoff");
    kad_write_text(w, "version", PACKAGE_VERSION);
    kad_write_text(w, "commit", KAD_COMMIT);
    snprintf(text, sizeof text, "%s; CFLAGS %s; kernels %s (%s)", KAD_CC, KAD_CFLAGS,
             KAD_KERNEL_FLAGS, kad_kernel_isa_f32);
    kad_write_text(w, "build", text);
    command_line(p->app, text, sizeof text);
    kad_write_text(w, "command_line", text);
    if (gethostname(host, sizeof host - 1) == 0) kad_write_text(w, "host", host);
    kad_write_text(w, "rng", "Philox 4x32-10 (Random123)");
    kad_write_int(w, "threads", p->app->ctx.n_threads);
    kad_write_int(w, "ranks", kad_ranks_all(&p->app->ctx));
    kad_write_int(w, "seed", (int64_t)p->options.model.seed);
    write_slurm(w);
    if (p->app->sweep != NULL) {
        kad_write_text(w, "sweep", p->app->sweep);
        kad_write_int(w, "sweep_point", p->app->sweep_point);
    }
    if (p->app->sweep_config != NULL) {
        kad_write_text(w, KAD_RESULTS_WORD, p->app->sweep_config);
    } else if (kad_h5_attr_exists(w->file, "/", KAD_RESULTS_WORD)) {
        kad_write_text(w, KAD_RESULTS_WORD, ""); /* it may go on by another config */
    }
}

/* Couplings by name: attributes of the root, for whoever asks one file for one of them,
 * and columns of /model, for whoever compares files. */
static void write_couplings(const kad_action *action, kad_writer *root, kad_writer *model)
{
    kad_parameter coupling[KAD_ACTION_COUPLINGS];
    const char *names[KAD_ACTION_COUPLINGS];
    double values[KAD_ACTION_COUPLINGS];
    const size_t n =
        (size_t)kad_action_parameters(action, KAD_ACTION_COUPLINGS, coupling);
    for (size_t i = 0; i < n; i++) {
        names[i] = coupling[i].key;
        values[i] = coupling[i].value;
        kad_write_real(root, names[i], values[i]);
    }
    if (n == 0) return;
    kad_write_names(model, "coupling", "coupling", "key of the coupling", n, names);
    kad_write(model, "value", KAD_H5_F64, "coupling", "1", "its value", &n, values);
}

static kad_status write_images(const kad_pipeline *p, kad_writer *root)
{
    KAD_SCOPE(scope, root->ctx);
    const char *text, *title = p->options.title;
    KAD_CALL(kad_take_printf(&scope, &text, "images, %s", p->options.images.data.source));
    kad_write_text(root, "model", text);
    kad_write_text(root, "recipe", p->options.images.recipe);
    if (title != NULL) kad_write_text(root, "title", title);
    return root->status;
}

static kad_status write_model(const kad_pipeline *p, kad_writer *root)
{
    const kad_model *model = p->model;
    const kad_action *action = model->action;
    const char *title = p->options.title;
    char text[KAD_ACTION_DESCRIPTION];
    int64_t shape[KAD_MAX_DIM];
    const size_t d = (size_t)model->lattice->d;
    for (size_t i = 0; i < d; i++)
        shape[i] = model->lattice->shape[i];
    kad_model_describe(model, sizeof text, text);
    kad_write_text(root, "model", text);
    kad_write_text(root, "recipe", kad_recipe_name(p->config));
    if (title != NULL) kad_write_text(root, "title", title);
    kad_writer w = kad_write_anew(root->ctx, root->file, "/model");
    kad_write_text(&w, "name", text);
    kad_write_text(&w, "action", action != NULL ? action->ops->name : "none");
    kad_write_int(&w, "components", model->flow->n_comp);
    kad_write_int(&w, "decimated", model->decimated);
    kad_write(&w, "shape", KAD_H5_I64, "axis", "sites", "extents of the lattice", &d,
              shape);
    if (action != NULL) write_couplings(action, root, &w);
    return kad_write_end(&w);
}

static kad_status write_config(kad_pipeline *p, kad_h5 *file)
{
    kad_ctx *ctx = &p->app->ctx;
    char digest[KAD_DIGEST_CHARS];
    char *json = kad_config_json(p->config, KAD_CONFIG_USED);
    if (json == NULL) return kad_fail(ctx, KAD_ENOMEM, "config: out of memory");
    kad_writer w = kad_write_into(ctx, file, "/config");
    kad_write_word(&w, "text", "the config as given", kad_config_text(p->config));
    kad_write_word(&w, "resolved", "every key in force, as JSON", json);
    kad_digest(json, strlen(json), digest);
    kad_write_text(&w, "sha256", digest);
    kad_free(json);
    return kad_write_end(&w);
}

/* "17_3" of an array's task, else "17"; "" without a batch system. */
static void job_name(char text[64])
{
    const char *job = getenv("SLURM_JOB_ID"), *array = getenv("SLURM_ARRAY_JOB_ID"),
               *task = getenv("SLURM_ARRAY_TASK_ID");
    if (array != NULL && task != NULL)
        snprintf(text, 64, "%s_%s", array, task);
    else
        snprintf(text, 64, "%s", job != NULL ? job : "");
}

static kad_status begin_attempt(const kad_pipeline *p, kad_h5 *file)
{
    char started[32], host[256] = "", job[64], command[COMMAND_CHARS];
    timestamp(started);
    gethostname(host, sizeof host - 1);
    job_name(job);
    command_line(p->app, command, sizeof command);
    return kad_attempts_begin(&p->app->ctx, p->run, file,
                              &(kad_attempt){.started = started,
                                             .ended = "",
                                             .status = "running",
                                             .host = host,
                                             .job = job,
                                             .cpu = kad_cpu_level(),
                                             .kernels = kad_kernel_isa_f32,
                                             .version = PACKAGE_VERSION " " KAD_COMMIT,
                                             .command_line = command,
                                             .threads = p->app->ctx.n_threads});
}

static kad_status end_attempt(const kad_pipeline *p, kad_h5 *file, const char *how,
                              const char *now)
{
    kad_attempt a = {
        .ended = now, .status = how, .seconds = kad_wall_seconds() - p->started};
    if (p->progress != NULL) a.place = kad_progress_place(p->progress);
    return kad_attempts_end(&p->app->ctx, file, &a);
}

kad_status kad_provenance_begin(kad_pipeline *p)
{
    KAD_LOCAL(kad_h5, file);
    KAD_CALL(kad_results_open(&p->app->ctx, p->run, &file));
    kad_writer w = kad_write_into(&p->app->ctx, file, "/");
    write_once(&w);
    write_program(p, &w);
    KAD_CALL(p->model != NULL ? write_model(p, &w) : write_images(p, &w));
    if (p->model != NULL && p->model->action != NULL)
        KAD_CALL(kad_action_store(&p->app->ctx, p->model->action, file));
    KAD_CALL(write_config(p, file));
    KAD_CALL(kad_inputs_write(&p->app->ctx, p->config, file));
    KAD_CALL(begin_attempt(p, file));
    kad_write_text(&w, "status", "running");
    KAD_CALL(kad_write_end(&w));
    return kad_results_save(&p->app->ctx, p->run, file);
}

kad_status kad_provenance_end(kad_pipeline *p, const char *how)
{
    KAD_LOCAL(kad_h5, file);
    char text[32];
    double before = 0;
    KAD_CALL(kad_results_open(&p->app->ctx, p->run, &file));
    if (kad_h5_attr_exists(file, "/", "wall_seconds"))
        KAD_CALL(kad_h5_attr_real(&p->app->ctx, file, "/", "wall_seconds", &before));
    kad_writer w = kad_write_into(&p->app->ctx, file, "/");
    kad_write_real(&w, "wall_seconds", before + kad_wall_seconds() - p->started);
    timestamp(text);
    kad_write_text(&w, "finished", text);
    kad_write_text(&w, "status", how);
    KAD_CALL(kad_write_end(&w));
    KAD_CALL(end_attempt(p, file, how, text));
    return kad_results_save(&p->app->ctx, p->run, file);
}
