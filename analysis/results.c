#include "analysis/results.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>

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

kad_status kad_members(kad_ctx *ctx, kad_h5 *file, const char *group, size_t *n,
                       char ***names)
{
    *n = 0;
    *names = NULL;
    if (!kad_h5_exists(file, group)) return KAD_OK;
    return kad_h5_list(ctx, file, group, n, names);
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
