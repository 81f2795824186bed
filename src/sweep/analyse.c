/* `sweep analyse`: the table, and what the points say together. */
#include "io/file.h"
#include "run/pipeline.h"
#include "sweep/curves.h"

kad_status kad_sweep_analyse(kad_app *app, const kad_sweep *s)
{
    KAD_SCOPE(scope, &app->ctx);
    KAD_LOCAL(kad_h5, file);
    kad_sweep_curves curves;
    const char *h5, *csv;
    KAD_CALL(kad_take_printf(&scope, &h5, "%s/sweep.h5", s->folder));
    KAD_CALL(kad_take_printf(&scope, &csv, "%s/curves.csv", s->folder));
    if (!s->options.analysis.mbar) return kad_sweep_table(app, s);
    KAD_CALL(kad_sweep_curves_make(&scope, app, s, &curves));
    KAD_CALL(kad_sweep_table(app, s));
    KAD_CALL(kad_h5_open(&app->ctx, h5, false, 0, &file));
    KAD_CALL(kad_sweep_curves_write(&app->ctx, file, &curves));
    KAD_CALL(kad_h5_save(&app->ctx, file, h5, false));
    KAD_CALL(kad_file_print(&app->ctx, csv, kad_sweep_curves_print, &curves));
    kad_sweep_curves_say(app, &curves);
    kad_say(app, "curves: %s, %s", csv, h5);
    return KAD_OK;
}
