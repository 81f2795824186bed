/* CIFAR-10 and CIFAR-100, binary version (A. Krizhevsky, www.cs.toronto.edu/~kriz): records
 * of one label (two: coarse and fine) and 3 x 32 x 32 levels. A file alone, or a folder of
 * them in their published names. */
#include "image/stack.h"

#include "io/file.h"

#include <string.h>
#include <unistd.h>

enum { SIDE = 32, IMAGE_BYTES = 3 * SIDE * SIDE, TEN = 1, HUNDRED = 2 };

static const struct {
    int labels;
    kad_image_side side;
    const char *name;
} files[] = {
    {TEN, KAD_IMAGE_TRAIN, "data_batch_1.bin"},
    {TEN, KAD_IMAGE_TRAIN, "data_batch_2.bin"},
    {TEN, KAD_IMAGE_TRAIN, "data_batch_3.bin"},
    {TEN, KAD_IMAGE_TRAIN, "data_batch_4.bin"},
    {TEN, KAD_IMAGE_TRAIN, "data_batch_5.bin"},
    {TEN, KAD_IMAGE_HELD_OUT, "test_batch.bin"},
    {HUNDRED, KAD_IMAGE_TRAIN, "train.bin"},
    {HUNDRED, KAD_IMAGE_HELD_OUT, "test.bin"},
};
enum { N_FILES = sizeof files / sizeof files[0] };

/* Labels of a file's records, by its length and first bytes; 0: it is none. */
static int labels_of(uint64_t n_bytes, const uint8_t *head, size_t n_head)
{
    if (n_bytes == 0 || n_head < IMAGE_BYTES + 4) return 0;
    if (n_bytes % (IMAGE_BYTES + TEN) == 0 && head[0] < 10 &&
        (n_bytes == IMAGE_BYTES + TEN || head[IMAGE_BYTES + TEN] < 10))
        return TEN;
    if (n_bytes % (IMAGE_BYTES + HUNDRED) == 0 && head[0] < 20 && head[1] < 100 &&
        (n_bytes == IMAGE_BYTES + HUNDRED || (head[IMAGE_BYTES + HUNDRED] < 20)))
        return HUNDRED;
    return 0;
}

static kad_status in_folder(kad_scope *in, const char *folder, int i, const char **path)
{
    KAD_CALL(kad_take_printf(in, path, "%s/%s", folder, files[i].name));
    if (access(*path, F_OK) != 0) *path = NULL;
    return KAD_OK;
}

static bool is(const kad_image_path *path)
{
    kad_ctx ctx;
    const char *file;
    kad_ctx_init(&ctx, 1);
    KAD_SCOPE(scope, &ctx);
    if (!path->folder)
        return labels_of(path->n_bytes, path->head, path->n_head) > 0 &&
               !kad_image_is_whole_idx(path);
    for (int i = 0; i < N_FILES; i++)
        if (in_folder(&scope, path->path, i, &file) == KAD_OK && file != NULL)
            return true;
    return false;
}

static kad_status add_part(kad_ctx *ctx, const char *path, kad_image_side side,
                           kad_stack *stack)
{
    uint8_t head[4096], tail[4096];
    size_t n_bytes;
    KAD_CALL(kad_file_ends(ctx, path, sizeof head, head, tail, &n_bytes));
    const int labels =
        labels_of(n_bytes, head, n_bytes < sizeof head ? n_bytes : sizeof head);
    if (labels == 0 || (stack->n_parts > 0 && labels != stack->prefix))
        return kad_fail(ctx, KAD_EDATA,
                        "%s: damaged: %zu bytes are no whole number of CIFAR's records, "
                        "or their labels are too large",
                        path, n_bytes);
    stack->prefix = labels;
    stack->part[stack->n_parts++] = (kad_stack_part){
        .path = path, .n = n_bytes / (size_t)(IMAGE_BYTES + labels), .side = side};
    return KAD_OK;
}

static kad_status open_cifar(kad_scope *in, const kad_image_options *o,
                             kad_image_source *s)
{
    kad_stack stack = {.n_channels = 3, .height = SIDE, .width = SIDE, .planar = true};
    bool folder;
    (void)o;
    KAD_CALL(kad_file_is_folder(in->ctx, s->path, &folder));
    if (!folder) KAD_CALL(add_part(in->ctx, s->path, KAD_IMAGE_ANY, &stack));
    for (int i = 0; folder && i < N_FILES; i++) {
        const char *path;
        KAD_CALL(in_folder(in, s->path, i, &path));
        if (path != NULL) KAD_CALL(add_part(in->ctx, path, files[i].side, &stack));
    }
    return kad_stack_open(in, &stack, s);
}

const kad_image_source_ops kad_image_source_cifar = {
    .name = "cifar",
    .summary = "CIFAR-10 and CIFAR-100, binary version: a file, or the folder of them",
    .is = is,
    .open = open_cifar,
    KAD_STACK_OPS,
};
