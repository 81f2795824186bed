#include "tests/support/frozen_case.h"

#include <math.h>
#include <string.h>

/* Memory of a tile and the flow's own. */
static size_t tile_bytes(const kad_flow *flow)
{
    return (size_t)flow->n_rows * KAD_ROW_BYTES;
}

static void value(const kad_action *action, kad_prec prec, const void *y, void *g,
                  double *S, void *scratch)
{
    const frozen *self = action->self;
    const kad_flow *flow = kad_map_flow(self->map);
    const void *packed = kad_map_packed(self->map, prec);
    char *z = scratch, *work = z + tile_bytes(flow);
    double ld[KAD_W_MAX] = {0};
    memcpy(z, y, tile_bytes(flow));
    kad_flow_infer(flow, prec, packed, z, ld, work);
    kad_flow_prior_lnp(flow, prec, z, S);
    for (int lane = 0; lane < kad_lanes(prec); lane++)
        S[lane] = -S[lane] - ld[lane];
    if (g == NULL) return;
    kad_flow_prior_score(flow, prec, z, g);
    const size_t n = (size_t)flow->n_rows * (size_t)kad_lanes(prec);
    for (size_t i = 0; i < n; i++)
        if (prec == KAD_SINGLE)
            ((float *)g)[i] = -((float *)g)[i];
        else
            ((double *)g)[i] = -((double *)g)[i];
    kad_flow_infer_adjoint(flow, prec, packed, z, g, -1, NULL, NULL, work);
}

static void value_single(const kad_action *action, const void *y, double *S,
                         void *scratch)
{
    value(action, KAD_SINGLE, y, NULL, S, scratch);
}

static void value_double(const kad_action *action, const void *y, double *S,
                         void *scratch)
{
    value(action, KAD_DOUBLE, y, NULL, S, scratch);
}

static void gradient_single(const kad_action *action, const void *y, void *g, double *S,
                            void *scratch)
{
    value(action, KAD_SINGLE, y, g, S, scratch);
}

static void gradient_double(const kad_action *action, const void *y, void *g, double *S,
                            void *scratch)
{
    value(action, KAD_DOUBLE, y, g, S, scratch);
}

static const kad_action_kern kern_single = {.value = value_single,
                                            .gradient = gradient_single};
static const kad_action_kern kern_double = {.value = value_double,
                                            .gradient = gradient_double};

void frozen_make(frozen *out, const kad_lattice *lattice, const kad_map *map)
{
    const kad_flow *flow = kad_map_flow(map);
    *out = (frozen){.map = map};
    out->ops = (kad_action_ops){.name = "frozen", .kern = {&kern_single, &kern_double}};
    out->action = (kad_action){.ops = &out->ops,
                               .lattice = lattice,
                               .n_comp = flow->n_comp,
                               .n_active = lattice->n_sites,
                               .log_z_exact = 0,
                               .log_z_source = "a density",
                               .self = out};
    for (int prec = 0; prec < 2; prec++)
        out->action.scratch_bytes[prec] = tile_bytes(flow) + flow->scratch_bytes[prec];
}
