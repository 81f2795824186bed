/* Commands that make something anew in an existing run folder: analyse, report. */
#include "analysis/analyse.h"
#include "cli/command.h"
#include "cli/print.h"
#include "cli/stored_images.h"
#include "run/pipeline.h"
#include "run/report_file.h"

kad_status kad_cmd_analyse(kad_app *app)
{
    kad_ctx *ctx = &app->ctx;
    KAD_LOCAL(kad_run, run);
    KAD_LOCAL(kad_h5, file);
    KAD_CALL(kad_run_open(ctx, app->args[0], KAD_RUN_UPDATE, &run));
    KAD_CALL(kad_results_open(ctx, run, &file));
    KAD_CALL(kad_stored_images_refuse(ctx, file, app->args[0]));
    kad_h5_close(file);
    file = NULL;
    KAD_CALL(kad_analyse(ctx, run));
    KAD_CALL(kad_results_open(ctx, run, &file));
    KAD_CALL(kad_print_results(app, file));
    return KAD_OK;
}

kad_status kad_cmd_report(kad_app *app)
{
    KAD_LOCAL(kad_run, run);
    KAD_CALL(kad_run_open(&app->ctx, app->args[0],
                          app->out != NULL ? KAD_RUN_READ : KAD_RUN_UPDATE, &run));
    if (app->out != NULL) {
        KAD_CALL(kad_report_write_to(&app->ctx, run, app->out));
        kad_say(app, "%s", app->out);
    } else {
        KAD_CALL(kad_report_write(&app->ctx, run));
        kad_say(app, "%s/report.html", app->args[0]);
    }
    return KAD_OK;
}
