/* Swendsen-Wang clusters: of the spins behind the dual, which then redraw its field
 * exactly; of the embedded Ising spins of phi^4 (Brower and Tamayo), with Metropolis
 * sweeps for the radius (local_chains.h). Needs no map. */
#include "sample/local_chains.h"

static kad_status create(kad_ctx *ctx, const kad_sampler_setup *setup, void **self)
{
    return kad_local_chains_create(ctx, setup, true, self);
}

const kad_sampler_ops kad_sampler_cluster = {
    .name = "cluster",
    .summary = "Swendsen-Wang clusters of (embedded) Ising spins, with local sweeps for "
               "the rest",
    .reference = "10.1103/PhysRevLett.58.86",
    .keys = kad_local_keys,
    .n_keys = KAD_LOCAL_N_KEYS,
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
