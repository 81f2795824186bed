#include "record/exact.h"

#include "io/writer.h"
#include "models/exact.h"

#include <stdio.h>

static void put(kad_writer *w, const char *name, kad_exact_value x, const char *source)
{
    char attribute[96];
    kad_write(w, name, KAD_H5_F64, "", "1", "exact value", NULL, &x.value);
    snprintf(attribute, sizeof attribute, "%s@source", name);
    kad_write_text(w, attribute, source);
    snprintf(attribute, sizeof attribute, "%s@error", name);
    kad_write_real(w, attribute, x.error);
}

/* Only what is certain; what is not is said. */
static void write_mean(kad_writer *w, const kad_exact_mean *mean)
{
    if (kad_exact_certain(mean->x))
        put(w, mean->name, mean->x, mean->source);
    else
        kad_note(w->ctx, "exact %s: not stated, rounding leaves %.3g +- %.1g (%s)",
                 mean->name, mean->x.value, mean->x.error, mean->source);
}

kad_status kad_exact_write(kad_ctx *ctx, kad_h5 *file, const kad_action *action)
{
    kad_exact_means means = {0};
    if (action->ops->exact != NULL) KAD_CALL(action->ops->exact(ctx, action, &means));
    kad_writer w = kad_write_anew(ctx, file, "/exact");
    if (action->log_z_source != NULL)
        put(&w, "log_z",
            (kad_exact_value){action->log_z_exact, action->log_z_exact_error},
            action->log_z_source);
    for (int i = 0; i < means.n; i++)
        write_mean(&w, &means.row[i]);
    return kad_write_end(&w);
}
