/* Where a results file came from: attributes of its root, and the config it ran. */
#include "config.h"

#include "base/isa.h"
#include "base/memory.h"
#include "base/signals.h"
#include "build_info.h"
#include "flow/recipe.h"
#include "io/digest.h"
#include "run/pipeline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

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

static kad_status set(kad_pipeline *p, kad_h5 *file, const char *name, const char *value)
{
    return kad_h5_attr_set_string(&p->app->ctx, file, "/", name, value);
}

/* What stays the same over resumptions: identity, first start. */
static kad_status write_once(kad_pipeline *p, kad_h5 *file)
{
    kad_status status = KAD_OK;
    char text[64];
    if (kad_h5_attr_exists(file, "/", "uuid")) return KAD_OK;
    make_uuid(text);
    KAD_TRY(set(p, file, "uuid", text));
    timestamp(text);
    KAD_TRY(set(p, file, "started", text));
    KAD_TRY(kad_h5_attr_set_real(&p->app->ctx, file, "/", "wall_seconds", 0));
done:
    return status;
}

static kad_status write_slurm(kad_pipeline *p, kad_h5 *file)
{
    static const char *const names[] = {"SLURM_JOB_ID", "SLURM_ARRAY_JOB_ID",
                                        "SLURM_ARRAY_TASK_ID"};
    kad_status status = KAD_OK;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i]);
        if (value != NULL) KAD_TRY(set(p, file, names[i], value));
    }
done:
    return status;
}

static kad_status write_program(kad_pipeline *p, kad_h5 *file)
{
    kad_status status = KAD_OK;
    char text[4096], host[256] = "";
    KAD_TRY(set(p, file, "Conventions", "KADANOFF-1"));
    KAD_TRY(kad_h5_attr_set_int(&p->app->ctx, file, "/", "format_version",
                                KAD_FORMAT_VERSION));
    KAD_TRY(set(p, file, "program", "kadanoff"));
    KAD_TRY(set(p, file, "version", PACKAGE_VERSION));
    KAD_TRY(set(p, file, "commit", KAD_COMMIT));
    snprintf(text, sizeof text, "%s; CFLAGS %s; kernels %s (%s)", KAD_CC, KAD_CFLAGS,
             KAD_KERNEL_FLAGS, kad_kernel_isa_f32);
    KAD_TRY(set(p, file, "build", text));
    command_line(p->app, text, sizeof text);
    KAD_TRY(set(p, file, "command_line", text));
    if (gethostname(host, sizeof host - 1) == 0) KAD_TRY(set(p, file, "host", host));
    KAD_TRY(set(p, file, "rng", "Philox 4x32-10 (Random123)"));
    KAD_TRY(
        kad_h5_attr_set_int(&p->app->ctx, file, "/", "threads", p->app->ctx.n_threads));
    KAD_TRY(kad_h5_attr_set_int(&p->app->ctx, file, "/", "ranks", 1));
    KAD_TRY(kad_h5_attr_set_int(&p->app->ctx, file, "/", "seed",
                                kad_config_int(p->config, "seed")));
    KAD_TRY(write_slurm(p, file));
done:
    return status;
}

/* Couplings by name: attributes of the root, for whoever asks one file for one of them,
 * and columns of /model, for whoever compares files. */
static kad_status write_couplings(kad_pipeline *p, kad_h5 *file)
{
    kad_ctx *ctx = &p->app->ctx;
    kad_status status = KAD_OK;
    kad_parameter coupling[KAD_ACTION_COUPLINGS];
    const char *names[KAD_ACTION_COUPLINGS];
    double values[KAD_ACTION_COUPLINGS];
    const size_t n =
        (size_t)kad_action_parameters(p->model->action, KAD_ACTION_COUPLINGS, coupling);
    for (size_t i = 0; i < n; i++) {
        names[i] = coupling[i].key;
        values[i] = coupling[i].value;
        KAD_TRY(kad_h5_attr_set_real(ctx, file, "/", names[i], values[i]));
    }
    if (n == 0) goto done;
    KAD_TRY(kad_h5_write_strings(ctx, file, "/model/coupling", n, names));
    KAD_TRY(kad_h5_write(ctx, file, "/model/value", KAD_H5_F64, 1, &n, values));
    KAD_TRY(kad_h5_axes(ctx, file, "/model/value", "coupling"));
done:
    return status;
}

static kad_status write_model(kad_pipeline *p, kad_h5 *file)
{
    kad_ctx *ctx = &p->app->ctx;
    kad_status status = KAD_OK;
    const kad_action *action = p->model->action;
    const char *title = kad_config_string(p->config, "title");
    char text[KAD_ACTION_DESCRIPTION];
    int64_t shape[KAD_MAX_DIM];
    const size_t d = (size_t)action->lattice->d;
    for (size_t i = 0; i < d; i++)
        shape[i] = action->lattice->shape[i];
    kad_action_describe(action, sizeof text, text);
    KAD_TRY(set(p, file, "model", text));
    KAD_TRY(set(p, file, "recipe", kad_recipe_name(p->config)));
    if (title != NULL) KAD_TRY(set(p, file, "title", title));
    KAD_TRY(kad_h5_remove(ctx, file, "/model"));
    KAD_TRY(kad_h5_group(ctx, file, "/model"));
    KAD_TRY(kad_h5_attr_set_string(ctx, file, "/model", "name", text));
    KAD_TRY(kad_h5_attr_set_string(ctx, file, "/model", "action", action->ops->name));
    KAD_TRY(kad_h5_attr_set_int(ctx, file, "/model", "components", action->n_comp));
    KAD_TRY(kad_h5_attr_set_int(ctx, file, "/model", "decimated", p->model->decimated));
    KAD_TRY(kad_h5_write(ctx, file, "/model/shape", KAD_H5_I64, 1, &d, shape));
    KAD_TRY(kad_h5_axes(ctx, file, "/model/shape", "axis"));
    KAD_TRY(write_couplings(p, file));
done:
    return status;
}

static kad_status write_config(kad_pipeline *p, kad_h5 *file)
{
    kad_ctx *ctx = &p->app->ctx;
    kad_status status = KAD_OK;
    char digest[KAD_DIGEST_CHARS];
    char *json = kad_config_json(p->config, KAD_CONFIG_USED);
    const char *text = kad_config_text(p->config);
    if (json == NULL) KAD_TRY(kad_fail(ctx, KAD_ENOMEM, "config: out of memory"));
    KAD_TRY(kad_h5_write_string(ctx, file, "/config/text", text));
    KAD_TRY(kad_h5_write_string(ctx, file, "/config/resolved", json));
    kad_digest(json, strlen(json), digest);
    KAD_TRY(kad_h5_attr_set_string(ctx, file, "/config", "sha256", digest));
done:
    kad_free(json);
    return status;
}

kad_status kad_provenance_begin(kad_pipeline *p)
{
    kad_status status = KAD_OK;
    kad_h5 *file = NULL;
    KAD_TRY(kad_results_open(&p->app->ctx, p->run, &file));
    KAD_TRY(write_once(p, file));
    KAD_TRY(write_program(p, file));
    KAD_TRY(write_model(p, file));
    KAD_TRY(kad_action_store(&p->app->ctx, p->model->action, file));
    KAD_TRY(write_config(p, file));
    KAD_TRY(set(p, file, "status", "running"));
    KAD_TRY(kad_results_save(&p->app->ctx, p->run, file));
done:
    kad_h5_close(file);
    return status;
}

kad_status kad_provenance_end(kad_pipeline *p, const char *how)
{
    kad_status status = KAD_OK;
    kad_h5 *file = NULL;
    char text[32];
    double before = 0;
    KAD_TRY(kad_results_open(&p->app->ctx, p->run, &file));
    if (kad_h5_attr_exists(file, "/", "wall_seconds"))
        KAD_TRY(kad_h5_attr_real(&p->app->ctx, file, "/", "wall_seconds", &before));
    KAD_TRY(kad_h5_attr_set_real(&p->app->ctx, file, "/", "wall_seconds",
                                 before + kad_wall_seconds() - p->started));
    timestamp(text);
    KAD_TRY(set(p, file, "finished", text));
    KAD_TRY(set(p, file, "status", how));
    KAD_TRY(kad_results_save(&p->app->ctx, p->run, file));
done:
    kad_h5_close(file);
    return status;
}
