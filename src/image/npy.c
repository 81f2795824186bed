/* NumPy's .npy of unsigned bytes: [n][H][W], [n][H][W][C] or [n][C][H][W], C 1 or 3, in C's
 * order (numpy.lib.format, versions 1 to 3). */
#include "image/bytes.h"
#include "image/stack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAGIC_BYTES = 6, HEADER_MOST = 4096 };
static const char magic[] = "\x93NUMPY";

static bool is(const kad_image_path *path)
{
    return path->n_head >= MAGIC_BYTES && memcmp(path->head, magic, MAGIC_BYTES) == 0;
}

/* The text behind 'KEY': ; NULL where there is none. */
static const char *value_of(const char *header, const char *key)
{
    const char *at = strstr(header, key);
    if (at == NULL) return NULL;
    at += strlen(key);
    while (*at == ' ' || *at == ':')
        at++;
    return at;
}

/* "(100, 32, 32, 3)": the number of axes, 0 if that is not what it is. */
static int read_shape(const char *text, size_t dims[4])
{
    int rank = 0;
    if (text == NULL || *text++ != '(') return 0;
    while (rank < 4 && *text >= '0' && *text <= '9') {
        char *end;
        dims[rank++] = (size_t)strtoull(text, &end, 10);
        for (text = end; *text == ',' || *text == ' ';)
            text++;
    }
    return *text == ')' ? rank : 0;
}

/* Bytes of the header and its text. */
static kad_status read_header(kad_scope *in, const char *path, char *text, size_t *n_all)
{
    KAD_LOCAL(kad_bytes, bytes);
    uint8_t head[MAGIC_BYTES + 6];
    KAD_CALL(kad_bytes_open(in->ctx, path, &bytes));
    KAD_CALL(kad_bytes_read(in->ctx, bytes, MAGIC_BYTES + 4, head));
    const bool old = head[MAGIC_BYTES] == 1;
    const uint8_t *length = head + MAGIC_BYTES + 2;
    size_t n = (size_t)length[0] + ((size_t)length[1] << 8);
    if (!old) {
        KAD_CALL(kad_bytes_read(in->ctx, bytes, 2, head + MAGIC_BYTES + 4));
        n += ((size_t)length[2] << 16) + ((size_t)length[3] << 24);
    }
    if (n >= HEADER_MOST || head[MAGIC_BYTES] < 1 || head[MAGIC_BYTES] > 3)
        return kad_fail(in->ctx, KAD_EDATA, "%s: damaged: no header of a .npy file",
                        path);
    KAD_CALL(kad_bytes_read(in->ctx, bytes, n, text));
    *n_all = MAGIC_BYTES + 2 + (old ? 2 : 4) + n;
    return KAD_OK;
}

static kad_status open_npy(kad_scope *in, const kad_image_options *o, kad_image_source *s)
{
    char text[HEADER_MOST] = "";
    size_t dims[4], header = 0;
    kad_stack stack = {0};
    (void)o;
    KAD_CALL(read_header(in, s->path, text, &header));
    kad_make_printable(text, false);
    const char *type = value_of(text, "'descr'"),
               *order = value_of(text, "'fortran_order'");
    const int rank = read_shape(value_of(text, "'shape'"), dims);
    if (type == NULL || order == NULL || rank == 0)
        return kad_fail(in->ctx, KAD_EDATA,
                        "%s: expected an array of 3 or 4 axes, found %.200s", s->path,
                        text);
    if (strncmp(type, "'|u1'", 5) != 0)
        return kad_fail(in->ctx, KAD_EDATA,
                        "%s: expected unsigned bytes ('|u1'), found %.8s", s->path, type);
    if (strncmp(order, "False", 5) != 0)
        return kad_fail(in->ctx, KAD_EDATA,
                        "%s: the array is in Fortran's order: save numpy."
                        "ascontiguousarray of it",
                        s->path);
    KAD_CALL(kad_stack_axes(in->ctx, s->path, rank, dims, &stack));
    stack.part[0].header = header;
    return kad_stack_open(in, &stack, s);
}

const kad_image_source_ops kad_image_source_npy = {
    .name = "npy",
    .summary = "NumPy's .npy of unsigned bytes: [n][H][W], [n][H][W][C] or [n][C][H][W]",
    .is = is,
    .open = open_npy,
    KAD_STACK_OPS,
};
