#include "analysis/results.h"

#include "base/memory.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Integers and flags as doubles. */
static kad_status read_integers(kad_ctx *ctx, kad_h5 *file, const char *path,
                                const kad_values *shape, size_t n, double *data)
{
    kad_status status = KAD_OK;
    int64_t *raw = NULL;
    KAD_TRY(kad_new(ctx, n, sizeof *raw, &raw));
    KAD_TRY(kad_h5_read(ctx, file, path, KAD_H5_I64, shape->rank, shape->dims, raw));
    for (size_t i = 0; i < n; i++)
        data[i] = (double)raw[i];
done:
    kad_free(raw);
    return status;
}

kad_status kad_values_read(kad_ctx *ctx, kad_h5 *file, const char *path, kad_values *out)
{
    kad_status status = KAD_OK;
    *out = (kad_values){0};
    if (!kad_h5_exists(file, path)) return KAD_OK;
    KAD_TRY(kad_h5_shape(ctx, file, path, &out->rank, out->dims));
    size_t n = 1;
    for (int i = 0; i < out->rank; i++)
        if (!kad_size_mul(n, out->dims[i], &n))
            KAD_TRY(kad_fail(ctx, KAD_EDATA, "%s: its size overflows", path));
    KAD_TRY(kad_new(ctx, n, sizeof *out->data, &out->data));
    if (kad_h5_read(ctx, file, path, KAD_H5_F64, out->rank, out->dims, out->data) !=
        KAD_OK)
        KAD_TRY(read_integers(ctx, file, path, out, n, out->data));
    out->n = n;
done:
    if (status != KAD_OK) kad_values_clear(out);
    return status;
}

kad_status kad_values_read_in(kad_ctx *ctx, kad_h5 *file, const char *parent,
                              const char *name, kad_values *out)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", parent, name);
    return kad_values_read(ctx, file, path, out);
}

/* Whether a name is a sampler's or of what the analysis makes of it. */
static bool belongs_to(const char *name, const char *sampler)
{
    const size_t n = strlen(sampler);
    if (strncmp(name, sampler, n) != 0) return false;
    return name[n] == '\0' || strcmp(name + n, "_reweighted") == 0 ||
           strcmp(name + n, "_reshuffled") == 0;
}

/* The place of a name: ln Z before the samplers, each by its entry of the config. */
static int64_t place_of(kad_ctx *ctx, kad_h5 *file, const char *name, size_t n_samplers,
                        char **samplers)
{
    static const char log_z[] = "log_z";
    const bool first = strncmp(name, log_z, sizeof log_z - 1) == 0;
    if (first) name += sizeof log_z - 1 + (name[sizeof log_z - 1] == '_');
    if (first && name[0] == '\0') return -INT32_MAX; /* the run's own */
    for (size_t i = 0; i < n_samplers; i++) {
        char group[160];
        if (!belongs_to(name, samplers[i])) continue;
        snprintf(group, sizeof group, "/samplers/%s", samplers[i]);
        const int64_t entry = kad_attr_int(ctx, file, group, "entry");
        return first ? entry - INT32_MAX / 2 : entry;
    }
    return first ? -1 : INT32_MAX;
}

kad_status kad_members(kad_ctx *ctx, kad_h5 *file, const char *group, size_t *n,
                       char ***names)
{
    kad_status status = KAD_OK;
    size_t n_samplers = 0;
    char **samplers = NULL;
    int64_t *place = NULL;
    *n = 0;
    *names = NULL;
    if (!kad_h5_exists(file, group)) return KAD_OK;
    KAD_TRY(kad_h5_list(ctx, file, group, n, names));
    if (kad_h5_exists(file, "/samplers"))
        KAD_TRY(kad_h5_list(ctx, file, "/samplers", &n_samplers, &samplers));
    KAD_TRY(kad_new(ctx, *n, sizeof *place, &place));
    for (size_t i = 0; i < *n; i++) { /* insertion: stable, and there are few */
        char *name = (*names)[i];
        const int64_t own = place_of(ctx, file, name, n_samplers, samplers);
        size_t k = i;
        for (; k > 0 && place[k - 1] > own; k--) {
            place[k] = place[k - 1];
            (*names)[k] = (*names)[k - 1];
        }
        place[k] = own;
        (*names)[k] = name;
    }
done:
    kad_free(place);
    kad_h5_free_names(n_samplers, samplers);
    if (status != KAD_OK) {
        kad_h5_free_names(*n, *names);
        *n = 0;
        *names = NULL;
    }
    return status;
}

void kad_values_clear(kad_values *values)
{
    kad_free(values->data);
    *values = (kad_values){0};
}

double kad_attr_real(kad_ctx *ctx, kad_h5 *file, const char *path, const char *name)
{
    double value;
    if (!kad_h5_exists(file, path) || !kad_h5_attr_exists(file, path, name)) return NAN;
    if (kad_h5_attr_real(ctx, file, path, name, &value) != KAD_OK) return NAN;
    return value;
}

int64_t kad_attr_int(kad_ctx *ctx, kad_h5 *file, const char *path, const char *name)
{
    int64_t value;
    if (!kad_h5_exists(file, path) || !kad_h5_attr_exists(file, path, name)) return -1;
    if (kad_h5_attr_int(ctx, file, path, name, &value) != KAD_OK) return -1;
    return value;
}

char *kad_attr_string(kad_ctx *ctx, kad_h5 *file, const char *path, const char *name)
{
    char *value = NULL;
    if (!kad_h5_exists(file, path) || !kad_h5_attr_exists(file, path, name)) return NULL;
    if (kad_h5_attr_string(ctx, file, path, name, &value) != KAD_OK) return NULL;
    return value;
}
