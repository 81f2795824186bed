#include "analysis/physics.h"

#include "analysis/results.h"
#include "base/memory.h"

#include <stdio.h>
#include <string.h>

kad_status kad_physics_read(kad_ctx *ctx, kad_h5 *file, kad_physics *out)
{
    KAD_SCOPE(scope, ctx);
    kad_values value, shape;
    char *names[KAD_PHYSICS_COUPLINGS];
    const char *text = kad_attr_string(&scope, file, "/", "model");
    memset(out, 0, sizeof *out);
    snprintf(out->name, sizeof out->name, "%s", text != NULL ? text : "");
    KAD_CALL(kad_values_read(&scope, file, "/model/shape", &shape));
    for (size_t i = 0, used = 0; i < shape.n && used < sizeof out->lattice; i++)
        used += (size_t)snprintf(out->lattice + used, sizeof out->lattice - used,
                                 "%s%.0f", i > 0 ? " x " : "", shape.data[i]);
    KAD_CALL(kad_values_read(&scope, file, "/model/value", &value));
    if (value.n == 0 || value.n > KAD_PHYSICS_COUPLINGS) return KAD_OK;
    KAD_CALL(kad_h5_read_strings(&scope, file, "/model/coupling", value.n, names));
    out->n = value.n;
    for (size_t i = 0; i < value.n; i++) {
        snprintf(out->coupling[i], sizeof out->coupling[i], "%s", names[i]);
        out->value[i] = value.data[i];
    }
    return KAD_OK;
}

bool kad_physics_same(const kad_physics *a, const kad_physics *b)
{
    if (strcmp(a->name, b->name) != 0 || a->n != b->n) return false;
    for (size_t i = 0; i < a->n; i++)
        if (strcmp(a->coupling[i], b->coupling[i]) != 0 || a->value[i] != b->value[i])
            return false;
    return true;
}
