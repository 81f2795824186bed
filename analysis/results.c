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
    KAD_SCOPE(scope, ctx);
    int64_t *raw;
    KAD_CALL(kad_take(&scope, n, &raw));
    KAD_CALL(kad_h5_read(ctx, file, path, KAD_H5_I64, shape->rank, shape->dims, raw));
    for (size_t i = 0; i < n; i++)
        data[i] = (double)raw[i];
    return KAD_OK;
}

kad_status kad_values_read(kad_scope *in, kad_h5 *file, const char *path, kad_values *out)
{
    size_t n = 1;
    *out = (kad_values){0};
    if (!kad_h5_exists(file, path)) return KAD_OK;
    KAD_CALL(kad_h5_shape(in->ctx, file, path, &out->rank, out->dims));
    for (int i = 0; i < out->rank; i++)
        if (!kad_size_mul(n, out->dims[i], &n))
            return kad_fail(in->ctx, KAD_EDATA, "%s: its size overflows", path);
    KAD_CALL(kad_take(in, n, &out->data));
    if (kad_h5_read(in->ctx, file, path, KAD_H5_F64, out->rank, out->dims, out->data) !=
        KAD_OK)
        KAD_CALL(read_integers(in->ctx, file, path, out, n, out->data));
    out->n = n;
    return KAD_OK;
}

kad_status kad_values_read_in(kad_scope *in, kad_h5 *file, const char *parent,
                              const char *name, kad_values *out)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", parent, name);
    return kad_values_read(in, file, path, out);
}

double kad_values_at(const kad_values *x, size_t i)
{
    return i < x->n ? x->data[i] : (double)NAN;
}

kad_status kad_texts_read_in(kad_scope *in, kad_h5 *file, const char *parent,
                             const char *name, size_t n, char ***out)
{
    char path[512];
    *out = NULL;
    snprintf(path, sizeof path, "%.400s/%.100s", parent, name);
    if (!kad_h5_exists(file, path)) return KAD_OK;
    KAD_CALL(kad_take(in, n, out));
    return kad_h5_read_strings(in, file, path, n, *out);
}

static bool ends_in(const char *name, const char *tail)
{
    const size_t n = strlen(name), m = strlen(tail);
    return n >= m && strcmp(name + n - m, tail) == 0;
}

bool kad_is_sampler_table(const char *name)
{
    return strncmp(name, "log_z", 5) != 0 && strcmp(name, "images") != 0 &&
           !ends_in(name, "_reweighted") && !ends_in(name, "_reshuffled");
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

kad_status kad_members(kad_scope *in, kad_h5 *file, const char *group, size_t *n,
                       char ***names)
{
    KAD_SCOPE(scope, in->ctx);
    size_t n_samplers = 0;
    char **samplers;
    int64_t *place;
    *n = 0;
    *names = NULL;
    if (!kad_h5_exists(file, group)) return KAD_OK;
    KAD_CALL(kad_h5_list(in, file, group, n, names));
    if (kad_h5_exists(file, "/samplers"))
        KAD_CALL(kad_h5_list(&scope, file, "/samplers", &n_samplers, &samplers));
    KAD_CALL(kad_take(&scope, *n, &place));
    for (size_t i = 0; i < *n; i++) { /* insertion: stable, and there are few */
        char *name = (*names)[i];
        const int64_t own = place_of(in->ctx, file, name, n_samplers, samplers);
        size_t k = i;
        for (; k > 0 && place[k - 1] > own; k--) {
            place[k] = place[k - 1];
            (*names)[k] = (*names)[k - 1];
        }
        place[k] = own;
        (*names)[k] = name;
    }
    return KAD_OK;
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

char *kad_attr_string(kad_scope *in, kad_h5 *file, const char *path, const char *name)
{
    char *value = NULL;
    if (!kad_h5_exists(file, path) || !kad_h5_attr_exists(file, path, name)) return NULL;
    if (kad_h5_attr_string(in, file, path, name, &value) != KAD_OK) return NULL;
    return value;
}
