#include "run/report_file.h"

#include "analysis/report/report.h"
#include "base/memory.h"
#include "io/file.h"

kad_status kad_report_write_to(kad_ctx *ctx, const kad_run *run, const char *path)
{
    KAD_LOCAL(kad_h5, file);
    KAD_TEXT(page);
    KAD_CALL(kad_results_open(ctx, run, &file));
    KAD_CALL(kad_report_html(ctx, file, &page));
    KAD_CALL(kad_file_write(ctx, path, 1, &(kad_file_piece){page.data, page.n}));
    return KAD_OK;
}

kad_status kad_report_write(kad_ctx *ctx, const kad_run *run)
{
    KAD_LOCAL(char, path);
    path = kad_run_file(run, "report.html");
    if (path == NULL) return kad_fail(ctx, KAD_ENOMEM, "report: out of memory");
    return kad_report_write_to(ctx, run, path);
}

kad_status kad_report_ensure(kad_ctx *ctx, const kad_run *run)
{
    bool present = false;
    char *path = kad_run_file(run, "report.html");
    if (path == NULL) return kad_fail(ctx, KAD_ENOMEM, "report: out of memory");
    kad_status status = kad_file_exists(ctx, path, &present);
    kad_free(path);
    return status != KAD_OK || present ? status : kad_report_write(ctx, run);
}
