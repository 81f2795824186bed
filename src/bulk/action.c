/* The effective action of the latents and its parts, configuration by configuration. */
#include "base/memory.h"
#include "bulk/bulk.h"
#include "io/writer.h"

kad_status kad_bulk_action(kad_ctx *ctx, const kad_bulk *bulk, kad_h5 *file)
{
    const size_t dims[2] = {bulk->n_chains, bulk->n_per_chain};
    if (bulk->sampler[0] == '\0') return KAD_OK; /* of draws of the map nobody asks it */
    kad_writer w = kad_write_anew(ctx, file, "/bulk/configurations");
    double *effective = kad_write_scratch(&w, bulk->n, sizeof *effective);
    for (size_t i = 0; i < bulk->n && effective != NULL; i++)
        effective[i] = bulk->S[i] - bulk->log_det[i] - bulk->log_branch[i];
    const struct {
        const char *name, *text;
        const double *values;
    } parts[] = {
        {"action",
         bulk->model->action != NULL ? "S(y) of the flow variables"
                                     : "-ln q(y), no action being known",
         bulk->S},
        {"log_det", "ln|det dy/dz|", bulk->log_det},
        {"log_branch", "ln(2 r) of the sign's branch (0 without a mixture)",
         bulk->log_branch},
        {"effective_action", "S_eff(z) = S(y) - ln|det dy/dz| - ln(2 r)", effective}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        kad_write(&w, parts[i].name, KAD_H5_F64, "chain cfg", "nats", parts[i].text, dims,
                  parts[i].values);
    kad_write_text(&w, "sampler", bulk->sampler);
    kad_write_real(&w, "spacing", bulk->spacing);
    kad_free(effective);
    return kad_write_end(&w);
}
