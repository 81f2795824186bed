/* `sweep analyse`: the table, and what the points say together. */
#include "io/file.h"
#include "run/pipeline.h"
#include "sweep/curves.h"

static kad_status write_curves(kad_app *app, const kad_sweep *s, kad_h5 *file,
                               const kad_sweep_curves *curves)
{
    KAD_SCOPE(scope, &app->ctx);
    const char *csv;
    KAD_CALL(kad_take_printf(&scope, &csv, "%s/curves.csv", s->folder));
    KAD_CALL(kad_sweep_curves_write(&app->ctx, file, curves));
    KAD_CALL(kad_file_print(&app->ctx, csv, kad_sweep_curves_print, curves));
    kad_sweep_curves_say(app, curves);
    kad_say(app, "curves: %s", csv);
    return KAD_OK;
}

/* What is refused is refused before anything is written. */
kad_status kad_sweep_analyse(kad_app *app, const kad_sweep *s)
{
    KAD_SCOPE(scope, &app->ctx);
    KAD_LOCAL(kad_h5, file);
    kad_sweep_curves curves;
    const char *h5;
    const bool mbar = s->options.analysis.mbar;
    KAD_CALL(kad_sweep_keep(&scope, s));
    if (mbar) KAD_CALL(kad_sweep_curves_make(&scope, app, s, &curves));
    KAD_CALL(kad_take_printf(&scope, &h5, "%s/sweep.h5", s->folder));
    KAD_CALL(kad_sweep_table(app, s));
    KAD_CALL(kad_h5_open(&app->ctx, h5, false, 0, &file));
    if (mbar) KAD_CALL(write_curves(app, s, file, &curves));
    KAD_CALL(kad_sweep_fss(app, s, file));
    KAD_CALL(kad_sweep_page(&app->ctx, file, s->folder));
    KAD_CALL(kad_h5_save(&app->ctx, file, h5, false));
    kad_say(app, "%s/sweep.html, %s", s->folder, h5);
    return KAD_OK;
}
