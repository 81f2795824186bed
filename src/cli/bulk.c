/* The command that reads the bulk anew, or makes the views of a map of images anew. */
#include "bulk/bulk.h"

#include "analysis/report/bulk_paint.h"
#include "base/memory.h"
#include "cli/command.h"
#include "cli/stored_images.h"
#include "cli/stored_run.h"
#include "run/pipeline.h"
#include "run/report_file.h"

static kad_status write_pictures(kad_app *app, kad_h5 *file)
{
    enum { PIXELS = 512 };
    int n = 0;
    KAD_CALL(kad_bulk_write_png(&app->ctx, file, app->pictures, PIXELS, &n));
    kad_say(app, "%s: %d pictures", app->pictures, n);
    return KAD_OK;
}

static kad_status read_bulk(kad_app *app, kad_stored_run *stored)
{
    kad_ctx *ctx = &app->ctx;
    KAD_CALL(kad_stored_run_open(app, KAD_RUN_UPDATE, "bulk.", stored));
    KAD_CALL(kad_bulk_read(app, &stored->options, stored->model, stored->file));
    KAD_CALL(kad_results_save(ctx, stored->run, stored->file));
    KAD_CALL(kad_report_write(ctx, stored->run));
    kad_say(app, "%s/report.html", app->args[0]);
    return app->pictures != NULL ? write_pictures(app, stored->file) : KAD_OK;
}

static kad_status view_images(kad_app *app, kad_stored_images *s)
{
    kad_ctx *ctx = &app->ctx;
    KAD_LOCAL(kad_image_store, store);
    if (app->pictures != NULL)
        return kad_fail(ctx, KAD_EUSAGE, "--pictures: of the bulk of fields only");
    KAD_CALL(kad_stored_images_open(app, KAD_RUN_UPDATE, "images.", s));
    KAD_CALL(kad_image_store_open(ctx, &s->p.options.images.data, kad_run_path(s->p.run),
                                  &store));
    KAD_CALL(kad_images_views(&s->p, store, s->file, true));
    KAD_CALL(kad_report_write(ctx, s->p.run));
    kad_say(app, "%s/report.html", app->args[0]);
    return KAD_OK;
}

static kad_status read_images(kad_app *app)
{
    kad_stored_images stored = {0};
    const kad_status status = view_images(app, &stored);
    kad_stored_images_close(&stored);
    return status;
}

kad_status kad_cmd_bulk(kad_app *app)
{
    kad_stored_run stored = {0};
    bool images;
    KAD_CALL(kad_stored_images_ask(app, &images));
    if (images) return read_images(app);
    const kad_status status = read_bulk(app, &stored);
    kad_stored_run_close(&stored);
    return status;
}
