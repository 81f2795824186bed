/* What a sampler keeps in a checkpoint (shell.h). */
#include "sample/shell.h"

#include <stdint.h>
#include <stdio.h>

enum { PATH_BYTES = 160 };

kad_status kad_state_save(kad_ctx *ctx, size_t n, const kad_state *state, kad_h5 *file,
                          const char *group)
{
    char path[PATH_BYTES];
    for (const kad_state *s = state; s < state + n; s++)
        switch (s->kind) {
        case KAD_STATE_INT:
            KAD_CALL(kad_h5_attr_set_int(ctx, file, group, s->name,
                                         *(const int64_t *)s->data));
            break;
        case KAD_STATE_REAL:
            KAD_CALL(kad_h5_attr_set_real(ctx, file, group, s->name,
                                          *(const double *)s->data));
            break;
        case KAD_STATE_REALS:
            snprintf(path, sizeof path, "%s/%s", group, s->name);
            KAD_CALL(
                kad_h5_write(ctx, file, path, KAD_H5_F64, s->rank, s->dims, s->data));
            break;
        }
    return KAD_OK;
}

static kad_status load_count(kad_ctx *ctx, kad_h5 *file, const char *group,
                             const char *name, int64_t *out)
{
    kad_status status = kad_h5_attr_int(ctx, file, group, name, out);
    if (status == KAD_OK && *out < 0)
        status = kad_fail(ctx, KAD_EDATA, "%s: expected counts, found %s %lld", group,
                          name, (long long)*out);
    return status;
}

kad_status kad_state_load(kad_ctx *ctx, size_t n, const kad_state *state, kad_h5 *file,
                          const char *group)
{
    char path[PATH_BYTES];
    for (const kad_state *s = state; s < state + n; s++) {
        void *data = (void *)(uintptr_t)s->data;
        switch (s->kind) {
        case KAD_STATE_INT:
            KAD_CALL(load_count(ctx, file, group, s->name, data));
            break;
        case KAD_STATE_REAL:
            KAD_CALL(kad_h5_attr_real(ctx, file, group, s->name, data));
            break;
        case KAD_STATE_REALS:
            snprintf(path, sizeof path, "%s/%s", group, s->name);
            KAD_CALL(kad_h5_read(ctx, file, path, KAD_H5_F64, s->rank, s->dims, data));
            break;
        }
    }
    return KAD_OK;
}
