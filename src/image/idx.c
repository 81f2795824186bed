/* The idx files of MNIST and its kin (Y. LeCun, yann.lecun.com/exdb/mnist): 0, 0, 8 (bytes),
 * the number of axes, each axis in 32 bits, big end first, and the values; packed by gzip or
 * not. A file alone, with its labels if those lie beside it, packed or not, or a folder of the four in
 * their published names. */
#include "image/bytes.h"
#include "image/stack.h"

#include <string.h>
#include <unistd.h>

static const char *const names[2][2] = {
    {"train-images-idx3-ubyte", "train-labels-idx1-ubyte"},
    {"t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"},
};

/* The path of a file, packed or not; NULL: there is none. */
static kad_status find(kad_scope *in, const char *name, const char **path)
{
    *path = name;
    if (access(name, F_OK) == 0) return KAD_OK;
    KAD_CALL(kad_take_printf(in, path, "%s.gz", name));
    if (access(*path, F_OK) != 0) *path = NULL;
    return KAD_OK;
}

static kad_status find_in(kad_scope *in, const char *folder, const char *file,
                          const char **path)
{
    const char *name;
    KAD_CALL(kad_take_printf(in, &name, "%s/%s", folder, file));
    return find(in, name, path);
}

static bool holds_set(const char *folder)
{
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    KAD_SCOPE(scope, &ctx);
    const char *path;
    return find_in(&scope, folder, names[0][0], &path) == KAD_OK && path != NULL;
}

/* 0, 0, 8, axes; read through gzip for a packed file, whose name alone says nothing. */
static bool begins_so(const char *path)
{
    kad_ctx ctx;
    uint8_t head[4] = {1};
    kad_ctx_init(&ctx, 1);
    KAD_LOCAL(kad_bytes, bytes);
    return kad_bytes_open(&ctx, path, &bytes) == KAD_OK &&
           kad_bytes_read(&ctx, bytes, sizeof head, head) == KAD_OK && head[0] == 0 &&
           head[1] == 0 && head[2] == 8 && (head[3] == 3 || head[3] == 4);
}

/* Big end first. */
static size_t word_of(const uint8_t *b)
{
    return (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
}

bool kad_image_is_whole_idx(const kad_image_path *path)
{
    const uint8_t *h = path->head;
    if (path->n_head < 20 || h[0] != 0 || h[1] != 0 || h[2] != 8 || h[3] < 3 || h[3] > 4)
        return false;
    double n = 1;
    for (int i = 1; i <= h[3]; i++)
        n *= (double)word_of(h + 4 * i);
    return n + 4 + 4 * h[3] == (double)path->n_bytes;
}

static bool is(const kad_image_path *path)
{
    if (path->folder) return holds_set(path->path);
    const uint8_t *h = path->head;
    const bool packed = path->n_head > 2 && h[0] == 0x1f && h[1] == 0x8b;
    const bool plain = path->n_head > 4 && h[0] == 0 && h[1] == 0 && h[2] == 8;
    return (packed || plain) && begins_so(path->path);
}

/* Its axes, and the bytes before the values. */
static kad_status read_header(kad_ctx *ctx, const char *path, int *rank, size_t dims[4],
                              size_t *header)
{
    KAD_LOCAL(kad_bytes, bytes);
    uint8_t word[4];
    KAD_CALL(kad_bytes_open(ctx, path, &bytes));
    KAD_CALL(kad_bytes_read(ctx, bytes, sizeof word, word));
    *rank = word[3];
    if (word[0] != 0 || word[1] != 0 || word[2] != 8 || *rank < 1 || *rank > 4)
        return kad_fail(ctx, KAD_EDATA, "%s: damaged: not an idx file of bytes", path);
    for (int i = 0; i < *rank; i++) {
        KAD_CALL(kad_bytes_read(ctx, bytes, sizeof word, word));
        dims[i] = word_of(word);
    }
    *header = 4 + 4 * (size_t)*rank;
    return KAD_OK;
}

/* What lies beside the images, if it does: of the same name but for the words. */
static kad_status find_labels(kad_scope *in, const char *images, const char **labels)
{
    static const char from[] = "images-idx3", to[] = "labels-idx1";
    const char *at = NULL;
    *labels = NULL;
    for (const char *next = strstr(images, from); next; next = strstr(next + 1, from))
        at = next;
    if (at == NULL) return KAD_OK;
    const char *rest = at + strlen(from);
    const size_t n = strlen(rest);
    const bool packed = n >= 3 && strcmp(rest + n - 3, ".gz") == 0;
    const char *name;
    KAD_CALL(kad_take_printf(in, &name, "%.*s%s%.*s", (int)(at - images), images, to,
                             (int)(packed ? n - 3 : n), rest));
    return find(in, name, labels);
}

static kad_status add_part(kad_scope *in, const char *path, kad_image_side side,
                           kad_stack *stack)
{
    kad_stack one = {0};
    kad_stack_part *part = &one.part[0];
    int rank;
    size_t dims[4], n[4];
    KAD_CALL(read_header(in->ctx, path, &rank, dims, &part->header));
    KAD_CALL(kad_stack_axes(in->ctx, path, rank, dims, &one));
    part->side = side;
    KAD_CALL(find_labels(in, path, &part->labels));
    if (part->labels != NULL) {
        KAD_CALL(read_header(in->ctx, part->labels, &rank, n, &part->label_header));
        if (rank != 1 || n[0] != part->n)
            return kad_fail(in->ctx, KAD_EDATA, "%s: expected %zu labels", part->labels,
                            part->n);
    }
    if (stack->n_parts == 0) {
        *stack = one;
        return KAD_OK;
    }
    if (one.n_channels != stack->n_channels || one.height != stack->height ||
        one.width != stack->width ||
        (part->labels == NULL) != (stack->part[0].labels == NULL))
        return kad_fail(in->ctx, KAD_EDATA, "%s: of another shape than %s", path,
                        stack->part[0].path);
    stack->part[stack->n_parts++] = *part;
    return KAD_OK;
}

static kad_status open_idx(kad_scope *in, const kad_image_options *o, kad_image_source *s)
{
    kad_stack stack = {0};
    const char *train, *test;
    (void)o;
    if (!holds_set(s->path)) {
        KAD_CALL(add_part(in, s->path, KAD_IMAGE_ANY, &stack));
        return kad_stack_open(in, &stack, s);
    }
    KAD_CALL(find_in(in, s->path, names[0][0], &train));
    KAD_CALL(find_in(in, s->path, names[1][0], &test));
    KAD_CALL(add_part(in, train, test ? KAD_IMAGE_TRAIN : KAD_IMAGE_ANY, &stack));
    if (test != NULL) KAD_CALL(add_part(in, test, KAD_IMAGE_HELD_OUT, &stack));
    return kad_stack_open(in, &stack, s);
}

const kad_image_source_ops kad_image_source_idx = {
    .name = "idx",
    .summary = "MNIST's idx files, .gz or not: one of images, or a folder of the four",
    .is = is,
    .open = open_idx,
    KAD_STACK_OPS,
};
