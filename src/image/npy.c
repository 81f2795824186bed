/* NumPy's .npy of unsigned bytes: [n][H][W], [n][H][W][C] or [n][C][H][W], C 1 or 3. */
#include "image/npy_read.h"
#include "image/stack.h"

#include <string.h>

static bool is(const kad_image_path *path)
{
    return kad_npy_is(path->n_head, path->head);
}

static kad_status open_npy(kad_scope *in, const kad_image_options *o, kad_image_source *s)
{
    kad_npy npy;
    kad_stack stack = {0};
    (void)o;
    KAD_CALL(kad_npy_head(in->ctx, s->path, &npy));
    if (strcmp(npy.type, "|u1") != 0)
        return kad_fail(in->ctx, KAD_EDATA,
                        "%s: expected unsigned bytes ('|u1'), found '%s'", s->path,
                        npy.type);
    KAD_CALL(kad_stack_axes(in->ctx, s->path, npy.rank, npy.dims, &stack));
    stack.part[0].header = npy.n_head;
    return kad_stack_open(in, &stack, s);
}

const kad_image_source_ops kad_image_source_npy = {
    .name = "npy",
    .summary = "NumPy's .npy of unsigned bytes: [n][H][W], [n][H][W][C] or [n][C][H][W]",
    .is = is,
    .open = open_npy,
    KAD_STACK_OPS,
};
