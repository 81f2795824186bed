/* Commands on an existing run folder: analyse, report, info, diagnose. */
#include "analysis/analyse.h"
#include "analysis/diagnostics.h"
#include "analysis/results.h"
#include "base/memory.h"
#include "cli/pipeline.h"
#include "cli/report_file.h"

#include <math.h>
#include <unistd.h>

/* An existing folder with results, without creating anything. */
static kad_status require_run(kad_ctx *ctx, const char *path)
{
    char file[4096];
    int n = snprintf(file, sizeof file, "%s/run.h5", path);
    if (n < 0 || (size_t)n >= sizeof file || access(file, F_OK) != 0)
        return kad_fail(ctx, KAD_ENOINPUT, "%s: not a run folder (no run.h5 in it)",
                        path);
    return KAD_OK;
}

static kad_status open_run(kad_app *app, kad_run_mode mode, kad_run **out)
{
    kad_status status = require_run(&app->ctx, app->args[0]);
    *out = NULL;
    if (status != KAD_OK) return status;
    return kad_run_open(&app->ctx, app->args[0], mode, out);
}

kad_status kad_cmd_analyse(kad_app *app)
{
    kad_ctx *ctx = &app->ctx;
    kad_status status = KAD_OK;
    kad_run *run = NULL;
    kad_h5 *file = NULL;
    KAD_TRY(open_run(app, KAD_RUN_WRITE, &run));
    KAD_TRY(kad_analyse(ctx, run));
    KAD_TRY(kad_results_open(ctx, run, &file));
    KAD_TRY(kad_print_results(app, file));
done:
    kad_h5_close(file);
    kad_run_close(run);
    return status;
}

kad_status kad_cmd_report(kad_app *app)
{
    kad_status status = KAD_OK;
    kad_run *run = NULL;
    KAD_TRY(open_run(app, app->out != NULL ? KAD_RUN_READ : KAD_RUN_WRITE, &run));
    if (app->out != NULL) {
        KAD_TRY(kad_report_write_to(&app->ctx, run, app->out));
        kad_say(app, "%s", app->out);
    } else {
        KAD_TRY(kad_report_write(&app->ctx, run));
        kad_say(app, "%s/report.html", app->args[0]);
    }
done:
    kad_run_close(run);
    return status;
}

/* --- info ----------------------------------------------------------------------------
 */

static void print_attr(kad_ctx *ctx, kad_h5 *file, const char *name)
{
    char *text = kad_attr_string(ctx, file, "/", name);
    if (text != NULL) printf("%-14s %s\n", name, text);
    kad_free(text);
}

static void print_number(kad_ctx *ctx, kad_h5 *file, const char *name)
{
    if (!kad_h5_attr_exists(file, "/", name)) return;
    int64_t integer = kad_attr_int(ctx, file, "/", name);
    double real = kad_attr_real(ctx, file, "/", name);
    if (isfinite(real))
        printf("%-14s %g\n", name, real);
    else
        printf("%-14s %lld\n", name, (long long)integer);
}

/* One line a dataset, with its shape; groups are walked. */
static kad_status print_tree(kad_ctx *ctx, kad_h5 *file, const char *path, int depth)
{
    kad_status status = KAD_OK;
    size_t n = 0;
    char **names = NULL;
    KAD_TRY(kad_h5_list(ctx, file, path, &n, &names));
    for (size_t i = 0; i < n; i++) {
        char child[1024];
        int rank = 0;
        size_t dims[KAD_H5_MAX_RANK];
        snprintf(child, sizeof child, "%s%s%s", path, path[1] ? "/" : "", names[i]);
        if (kad_h5_shape(ctx, file, child, &rank, dims) == KAD_OK) {
            printf("  %s [", child);
            for (int k = 0; k < rank; k++)
                printf("%s%zu", k > 0 ? ", " : "", dims[k]);
            printf("]\n");
        } else if (depth < 8) {
            KAD_TRY(print_tree(ctx, file, child, depth + 1));
        }
    }
done:
    kad_h5_free_names(n, names);
    return status;
}

kad_status kad_cmd_info(kad_app *app)
{
    static const char *const texts[] = {"title",   "model",    "recipe",       "status",
                                        "started", "finished", "uuid",         "host",
                                        "version", "commit",   "command_line", "build"};
    static const char *const numbers[] = {"seed", "threads", "ranks", "wall_seconds"};
    kad_ctx *ctx = &app->ctx;
    kad_status status = KAD_OK;
    kad_run *run = NULL;
    kad_h5 *file = NULL;
    KAD_TRY(open_run(app, KAD_RUN_READ, &run));
    KAD_TRY(kad_results_open(ctx, run, &file));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        print_attr(ctx, file, texts[i]);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        print_number(ctx, file, numbers[i]);
    printf("datasets of run.h5\n");
    KAD_TRY(print_tree(ctx, file, "/", 0));
done:
    kad_h5_close(file);
    kad_run_close(run);
    return status;
}

/* --- diagnose ------------------------------------------------------------------------
 */

kad_status kad_print_diagnostics(kad_ctx *ctx, kad_h5 *file, kad_severity *worst)
{
    kad_status status = KAD_OK;
    kad_diagnostics *d = NULL;
    KAD_TRY(kad_new(ctx, 1, sizeof *d, &d));
    KAD_TRY(kad_diagnostics_read(ctx, file, d));
    for (size_t i = 0; i < d->n; i++)
        printf("%s: %s\n", kad_severity_name(d->item[i].severity), d->item[i].message);
    if (d->n == 0) printf("no warnings\n");
    *worst = kad_diagnostics_worst(d);
done:
    kad_free(d);
    return status;
}

kad_status kad_cmd_diagnose(kad_app *app)
{
    kad_ctx *ctx = &app->ctx;
    kad_status status = KAD_OK;
    kad_run *run = NULL;
    kad_h5 *file = NULL;
    kad_severity worst = KAD_NOTE;
    KAD_TRY(open_run(app, KAD_RUN_READ, &run));
    KAD_TRY(kad_results_open(ctx, run, &file));
    KAD_TRY(kad_print_diagnostics(ctx, file, &worst));
    if (worst == KAD_ERROR)
        status = kad_fail(ctx, KAD_EDATA, "%s: a result of this run must not be used",
                          app->args[0]);
done:
    kad_h5_close(file);
    kad_run_close(run);
    return status;
}
