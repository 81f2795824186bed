/* Local updates of the boundary field, many chains at once: Metropolis and
 * over-relaxation for phi^4, exact alternating draws of spins and field for the dual
 * (local_chains.h). Needs no map. */
#include "sample/local_chains.h"

static kad_status create(kad_ctx *ctx, const kad_sampler_setup *setup, void **self)
{
    return kad_local_chains_create(ctx, setup, false, self);
}

const kad_sampler_ops kad_sampler_metropolis = {
    .name = "metropolis",
    .summary = "local sweeps of the boundary field (phi4: Metropolis; dual: exact "
               "conditional draws)",
    .reference = "10.1063/1.1699114",
    .keys = kad_local_keys,
    .n_keys = KAD_LOCAL_N_OWN,
    .options_size = sizeof(kad_local_options),
    .flags = KAD_SAMPLER_MOVES,
    .time_unit = "sweep",
    .create = create,
    .destroy = kad_local_chains_destroy,
    .advance = kad_shell_advance,
    .save = kad_local_chains_save,
    .load = kad_local_chains_load,
    .describe = kad_local_chains_describe,
    .set_state = kad_local_chains_set_state,
    .tunes = kad_local_chains_tunes,
};
