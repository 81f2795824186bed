/* `kadanoff compare`: what an independent configuration costs, over one or more runs. */
#include "analysis/comparison.h"
#include "analysis/results.h"
#include "base/memory.h"
#include "cli/command.h"
#include "cli/run_state.h"
#include "run/pipeline.h"

#include <string.h>

/* What must agree before wall times are compared. */
typedef struct setting {
    char *host, *build, *commit;
    int64_t threads;
} setting;

static setting read_setting(kad_ctx *ctx, kad_h5 *file)
{
    return (setting){kad_attr_string(ctx, file, "/", "host"),
                     kad_attr_string(ctx, file, "/", "build"),
                     kad_attr_string(ctx, file, "/", "commit"),
                     kad_attr_int(ctx, file, "/", "threads")};
}

static void setting_clear(setting *s)
{
    kad_free(s->host);
    kad_free(s->build);
    kad_free(s->commit);
    *s = (setting){0};
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

static kad_status add_run(kad_app *app, int which, setting *first,
                          kad_comparison *comparison)
{
    kad_ctx *ctx = &app->ctx;
    kad_status status = KAD_OK;
    kad_run *run = NULL;
    kad_h5 *file = NULL;
    const char *path = app->args[which];
    setting own = {0};

    KAD_TRY(kad_run_open(ctx, path, KAD_RUN_READ, &run));
    KAD_TRY(kad_results_open(ctx, run, &file));
    if (!kad_h5_exists(file, "/analysis"))
        KAD_TRY(kad_fail(ctx, KAD_ENOINPUT, "%s: not analysed (kadanoff analyse %s)",
                         path, path));
    KAD_TRY(kad_comparison_add(ctx, file, app->n_args > 1 ? kad_run_label(path) : "",
                               comparison));
    own = read_setting(ctx, file);
    if (which > 0) warn_setting(ctx, path, first, &own);
    if (which == 0) {
        *first = own;
        own = (setting){0};
    }
done:
    setting_clear(&own);
    kad_h5_close(file);
    kad_run_close(run);
    return status;
}

kad_status kad_cmd_compare(kad_app *app)
{
    kad_status status = KAD_OK;
    kad_comparison *comparison = NULL;
    kad_text text = {0};
    setting first = {0};
    KAD_TRY(kad_new(&app->ctx, 1, sizeof *comparison, &comparison));
    for (int i = 0; i < app->n_args; i++)
        KAD_TRY(add_run(app, i, &first, comparison));
    kad_comparison_finish(comparison);
    kad_comparison_print(comparison, &text);
    if (text.failed)
        status = kad_fail(&app->ctx, KAD_ENOMEM, "compare: out of memory");
    else
        printf("%s", text.n > 0 ? text.data : "no samplers\n");
done:
    setting_clear(&first);
    kad_text_clear(&text);
    kad_free(comparison);
    return status;
}
