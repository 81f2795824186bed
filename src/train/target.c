#include "train/target.h"

#include "base/memory.h"

kad_status kad_target_create(kad_ctx *ctx, const kad_target_ops *ops,
                             const kad_model *model, size_t n_values, size_t self_bytes,
                             kad_target **out)
{
    KAD_LOCAL(kad_target, target);
    *out = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *target, &target));
    target->ops = ops;
    target->model = model;
    target->scale = 1;
    target->n_values = n_values;
    KAD_CALL(kad_new(ctx, 1, self_bytes, &target->self));
    KAD_CALL(kad_new(ctx, n_values, sizeof *target->values, &target->values));
    *out = target;
    target = NULL;
    return KAD_OK;
}

void kad_target_destroy(kad_target *target)
{
    if (target == NULL) return;
    if (target->self != NULL) target->ops->destroy(target);
    kad_free(target->values);
    kad_free(target->self);
    kad_free(target);
}
