/* sweep.html: the page of sweep.h5. */
#include "analysis/report/report.h"
#include "io/file.h"
#include "sweep/sweep.h"

kad_status kad_sweep_page(kad_ctx *ctx, kad_h5 *file, const char *folder)
{
    KAD_SCOPE(scope, ctx);
    KAD_TEXT(page);
    const char *path;
    KAD_CALL(kad_take_printf(&scope, &path, "%s/sweep.html", folder));
    KAD_CALL(kad_sweep_html(ctx, file, &page));
    return kad_file_write(ctx, path, 1, &(kad_file_piece){page.data, page.n});
}
