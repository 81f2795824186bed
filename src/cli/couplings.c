/* `kadanoff couplings`: the flow of the couplings of several runs in one page. */
#include "analysis/report/bulk_couplings.h"
#include "base/memory.h"
#include "cli/command.h"
#include "cli/run_state.h"
#include "io/file.h"
#include "run/pipeline.h"

static kad_status read_run(kad_ctx *ctx, const char *path, kad_coupling_table *out)
{
    kad_status status = KAD_OK;
    kad_run *run = NULL;
    kad_h5 *file = NULL;
    KAD_TRY(kad_run_open(ctx, path, KAD_RUN_READ, &run));
    KAD_TRY(kad_results_open(ctx, run, &file));
    KAD_TRY(kad_coupling_table_read(ctx, file, out));
    if (out->n_levels == 0)
        status =
            kad_fail(ctx, KAD_ENOINPUT,
                     "%s: no couplings in it (kadanoff bulk, with bulk.configs)", path);
done:
    kad_h5_close(file);
    kad_run_close(run);
    return status;
}

kad_status kad_cmd_couplings(kad_app *app)
{
    kad_ctx *ctx = &app->ctx;
    kad_coupling_table runs[KAD_COUPLINGS_RUNS] = {{0}};
    const char *label[KAD_COUPLINGS_RUNS];
    const char *path = app->out != NULL ? app->out : "couplings.html";
    const size_t n = (size_t)app->n_args;
    kad_status status = KAD_OK;
    kad_text text = {0};
    for (size_t i = 0; i < n; i++) {
        label[i] = kad_run_label(app->args[i]);
        KAD_TRY(read_run(ctx, app->args[i], &runs[i]));
    }
    kad_coupling_page(n, runs, label, &text);
    if (text.failed) KAD_TRY(kad_fail(ctx, KAD_ENOMEM, "couplings: out of memory"));
    KAD_TRY(kad_file_write(ctx, path, 1, &(kad_piece){text.data, text.n}));
    kad_say(app, "%s", path);
done:
    for (size_t i = 0; i < n; i++)
        kad_coupling_table_clear(&runs[i]);
    kad_text_clear(&text);
    return status;
}
