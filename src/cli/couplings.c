/* `kadanoff couplings`: the flow of the couplings of several runs in one page. */
#include "analysis/report/bulk_couplings.h"
#include "base/memory.h"
#include "cli/command.h"
#include "cli/run_labels.h"
#include "io/file.h"
#include "run/pipeline.h"

static kad_status read_run(kad_scope *in, const char *path, kad_coupling_table *out)
{
    KAD_LOCAL(kad_run, run);
    KAD_LOCAL(kad_h5, file);
    KAD_CALL(kad_run_open(in->ctx, path, KAD_RUN_READ, &run));
    KAD_CALL(kad_results_open(in->ctx, run, &file));
    KAD_CALL(kad_coupling_table_read(in, file, out));
    if (out->n_levels > 0) return KAD_OK;
    return kad_fail(in->ctx, KAD_ENOINPUT,
                    "%s: no couplings in it (kadanoff bulk, with bulk.configs)", path);
}

kad_status kad_cmd_couplings(kad_app *app)
{
    kad_ctx *ctx = &app->ctx;
    KAD_SCOPE(scope, ctx);
    kad_coupling_table runs[KAD_COUPLINGS_RUNS];
    const char *label[KAD_COUPLINGS_RUNS];
    const char *path = app->out != NULL ? app->out : "couplings.html";
    const size_t n = (size_t)app->n_args;
    KAD_TEXT(text);
    KAD_CALL(kad_run_labels(&scope, n, app->args, label));
    for (size_t i = 0; i < n; i++)
        KAD_CALL(read_run(&scope, app->args[i], &runs[i]));
    kad_coupling_page(n, runs, label, &text);
    if (text.failed) return kad_fail(ctx, KAD_ENOMEM, "couplings: out of memory");
    KAD_CALL(kad_file_write(ctx, path, 1, &(kad_file_piece){text.data, text.n}));
    kad_say(app, "%s", path);
    return KAD_OK;
}
