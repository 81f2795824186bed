/* The run over all analyses of the bulk. */
#include "base/signals.h"
#include "bulk/bulk.h"
#include "io/writer.h"

#include <stdio.h>

#define ROW(name, summary) {#name, kad_bulk_##name},
static const struct {
    const char *name;
    kad_status (*run)(kad_ctx *ctx, const kad_bulk *bulk, kad_h5 *file);
} analyses[] = {KAD_BULK_ANALYSES(ROW)};

kad_status kad_bulk_run(kad_ctx *ctx, const kad_bulk *bulk, kad_h5 *file)
{
    char name[64];
    for (size_t i = 0; i < sizeof analyses / sizeof *analyses; i++) {
        KAD_CALL(kad_stop_check(ctx, "bulk"));
        const double start = kad_wall_seconds();
        snprintf(name, sizeof name, "seconds_%s", analyses[i].name);
        KAD_CALL(analyses[i].run(ctx, bulk, file));
        kad_writer w = kad_write_into(ctx, file, "/bulk");
        kad_write_real(&w, name, kad_wall_seconds() - start);
        KAD_CALL(kad_write_end(&w));
    }
    return KAD_OK;
}
