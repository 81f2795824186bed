#include "analysis/physics.h"

#include "analysis/results.h"
#include "base/memory.h"

#include <stdio.h>
#include <string.h>

kad_status kad_physics_read(kad_ctx *ctx, kad_h5 *file, kad_physics *out)
{
    kad_status status = KAD_OK;
    kad_values value = {0}, shape = {0};
    char *names[KAD_PHYSICS_COUPLINGS] = {0},
         *text = kad_attr_string(ctx, file, "/", "model");
    memset(out, 0, sizeof *out);
    snprintf(out->name, sizeof out->name, "%s", text != NULL ? text : "");
    KAD_TRY(kad_values_read(ctx, file, "/model/shape", &shape));
    for (size_t i = 0, used = 0; i < shape.n && used < sizeof out->lattice; i++)
        used += (size_t)snprintf(out->lattice + used, sizeof out->lattice - used,
                                 "%s%.0f", i > 0 ? " x " : "", shape.data[i]);
    KAD_TRY(kad_values_read(ctx, file, "/model/value", &value));
    if (value.n == 0 || value.n > KAD_PHYSICS_COUPLINGS) goto done;
    KAD_TRY(kad_h5_read_strings(ctx, file, "/model/coupling", value.n, names));
    out->n = value.n;
    for (size_t i = 0; i < value.n; i++) {
        snprintf(out->coupling[i], sizeof out->coupling[i], "%s", names[i]);
        out->value[i] = value.data[i];
    }
done:
    for (size_t i = 0; i < KAD_PHYSICS_COUPLINGS; i++)
        kad_free(names[i]);
    kad_values_clear(&value);
    kad_values_clear(&shape);
    kad_free(text);
    return status;
}

bool kad_physics_same(const kad_physics *a, const kad_physics *b)
{
    if (strcmp(a->name, b->name) != 0 || a->n != b->n) return false;
    for (size_t i = 0; i < a->n; i++)
        if (strcmp(a->coupling[i], b->coupling[i]) != 0 || a->value[i] != b->value[i])
            return false;
    return true;
}
