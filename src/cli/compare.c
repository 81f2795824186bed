/* `kadanoff compare`: what an independent configuration costs, over one or more runs. */
#include "analysis/comparison.h"
#include "analysis/results.h"
#include "base/memory.h"
#include "cli/command.h"
#include "cli/run_labels.h"
#include "cli/stored_images.h"
#include "run/pipeline.h"

#include <string.h>

/* What must agree before wall times are compared. */
typedef struct setting {
    char *host, *build, *commit;
    int64_t threads;
} setting;

static setting read_setting(kad_scope *in, kad_h5 *file)
{
    return (setting){kad_attr_string(in, file, "/", "host"),
                     kad_attr_string(in, file, "/", "build"),
                     kad_attr_string(in, file, "/", "commit"),
                     kad_attr_int(in->ctx, file, "/", "threads")};
}

static bool differ(const char *a, const char *b)
{
    return strcmp(a != NULL ? a : "", b != NULL ? b : "") != 0;
}

static void warn_setting(kad_ctx *ctx, const char *run, const setting *a,
                         const setting *b)
{
    const char *what = differ(a->host, b->host)       ? "on another machine"
                       : differ(a->build, b->build)   ? "with another build"
                       : differ(a->commit, b->commit) ? "with another version"
                       : a->threads != b->threads     ? "with other threads"
                                                      : NULL;
    if (what != NULL)
        kad_note(ctx, "%s was run %s than the first: do not compare their times", run,
                 what);
}

static kad_status add_run(kad_scope *in, kad_app *app, int which, const char *label,
                          setting *first, kad_comparison *comparison)
{
    kad_ctx *ctx = in->ctx;
    KAD_LOCAL(kad_run, run);
    KAD_LOCAL(kad_h5, file);
    const char *path = app->args[which];
    KAD_CALL(kad_run_open(ctx, path, KAD_RUN_READ, &run));
    KAD_CALL(kad_results_open(ctx, run, &file));
    KAD_CALL(kad_stored_images_refuse(ctx, file, path));
    if (!kad_h5_exists(file, "/analysis"))
        return kad_fail(ctx, KAD_ENOINPUT, "%s: not analysed (kadanoff analyse %s)", path,
                        path);
    KAD_CALL(kad_comparison_add(ctx, file, label, comparison));
    const setting own = read_setting(in, file);
    if (which == 0) *first = own;
    warn_setting(ctx, path, first, &own);
    return KAD_OK;
}

kad_status kad_cmd_compare(kad_app *app)
{
    KAD_SCOPE(scope, &app->ctx);
    KAD_TEXT(text);
    kad_comparison *comparison;
    setting first = {0};
    const char **label;
    KAD_CALL(kad_take(&scope, 1, &comparison));
    KAD_CALL(kad_take(&scope, (size_t)app->n_args, &label));
    KAD_CALL(kad_run_labels(&scope, (size_t)app->n_args, app->args, label));
    for (int i = 0; i < app->n_args; i++)
        KAD_CALL(
            add_run(&scope, app, i, app->n_args > 1 ? label[i] : "", &first, comparison));
    kad_comparison_finish(comparison);
    kad_comparison_print(comparison, &text);
    if (text.failed) return kad_fail(&app->ctx, KAD_ENOMEM, "compare: out of memory");
    printf("%s", text.n > 0 ? text.data : "no samplers\n");
    return KAD_OK;
}
