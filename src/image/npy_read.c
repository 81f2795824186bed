#include "image/npy_read.h"

#include "image/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_MOST = 4096 };
static const char magic[] = "\x93NUMPY";

bool kad_npy_is(size_t n_head, const uint8_t *head)
{
    return n_head >= KAD_NPY_MAGIC && memcmp(head, magic, KAD_NPY_MAGIC) == 0;
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
static int read_shape(const char *text, size_t dims[KAD_NPY_RANK])
{
    int rank = 0;
    if (text == NULL || *text++ != '(') return 0;
    while (rank < KAD_NPY_RANK && *text >= '0' && *text <= '9') {
        char *end;
        dims[rank++] = (size_t)strtoull(text, &end, 10);
        for (text = end; *text == ',' || *text == ' ';)
            text++;
    }
    return *text == ')' ? rank : 0;
}

/* "'<f8'": false if it is no type in quotes. */
static bool read_type(const char *text, char type[KAD_NPY_TYPE])
{
    const char *end = text != NULL && *text == '\'' ? strchr(text + 1, '\'') : NULL;
    if (end == NULL || end - text > KAD_NPY_TYPE) return false;
    snprintf(type, KAD_NPY_TYPE, "%.*s", (int)(end - text - 1), text + 1);
    return true;
}

/* Bytes of the header and its text. */
static kad_status read_header(kad_ctx *ctx, const char *path, kad_bytes *bytes,
                              char *text, size_t *n_all)
{
    uint8_t head[KAD_NPY_MAGIC + 6];
    KAD_CALL(kad_bytes_read(ctx, bytes, KAD_NPY_MAGIC + 4, head));
    const bool old = head[KAD_NPY_MAGIC] == 1;
    const uint8_t *length = head + KAD_NPY_MAGIC + 2;
    size_t n = (size_t)length[0] + ((size_t)length[1] << 8);
    if (!old) {
        KAD_CALL(kad_bytes_read(ctx, bytes, 2, head + KAD_NPY_MAGIC + 4));
        n += ((size_t)length[2] << 16) + ((size_t)length[3] << 24);
    }
    if (!kad_npy_is(KAD_NPY_MAGIC, head) || n >= HEADER_MOST || head[KAD_NPY_MAGIC] < 1 ||
        head[KAD_NPY_MAGIC] > 3)
        return kad_fail(ctx, KAD_EDATA, "%s: damaged: no header of a .npy file", path);
    KAD_CALL(kad_bytes_read(ctx, bytes, n, text));
    text[n] = '\0';
    *n_all = KAD_NPY_MAGIC + 2 + (old ? 2 : 4) + n;
    return KAD_OK;
}

kad_status kad_npy_head(kad_ctx *ctx, const char *path, kad_npy *out)
{
    KAD_LOCAL(kad_bytes, bytes);
    char text[HEADER_MOST] = "";
    *out = (kad_npy){0};
    KAD_CALL(kad_bytes_open(ctx, path, &bytes));
    KAD_CALL(read_header(ctx, path, bytes, text, &out->n_head));
    kad_make_printable(text, false);
    const char *order = value_of(text, "'fortran_order'");
    out->rank = read_shape(value_of(text, "'shape'"), out->dims);
    if (!read_type(value_of(text, "'descr'"), out->type) || order == NULL ||
        out->rank == 0)
        return kad_fail(ctx, KAD_EDATA,
                        "%s: expected an array of 1 to %d axes, found %.200s", path,
                        KAD_NPY_RANK, text);
    if (strncmp(order, "False", 5) != 0)
        return kad_fail(ctx, KAD_EDATA,
                        "%s: the array is in Fortran's order: save numpy."
                        "ascontiguousarray of it",
                        path);
    return KAD_OK;
}

/* --- numbers ---------------------------------------------------------------------------- */

#define TO_DOUBLE(name, type)                                  \
    static void name(size_t n, const void *bytes, double *out) \
    {                                                          \
        const type *from = bytes;                              \
        for (size_t i = 0; i < n; i++)                         \
            out[i] = (double)from[i];                          \
    }
TO_DOUBLE(from_f4, float)
TO_DOUBLE(from_f8, double)
TO_DOUBLE(from_i1, int8_t)
TO_DOUBLE(from_i2, int16_t)
TO_DOUBLE(from_i4, int32_t)
TO_DOUBLE(from_i8, int64_t)
TO_DOUBLE(from_u1, uint8_t)
TO_DOUBLE(from_u2, uint16_t)
TO_DOUBLE(from_u4, uint32_t)
TO_DOUBLE(from_u8, uint64_t)

typedef struct number {
    const char *type;
    size_t n_bytes;
    void (*to_double)(size_t n, const void *bytes, double *out);
} number;

static const number numbers[] = {
    {"f4", 4, from_f4}, {"f8", 8, from_f8}, {"i1", 1, from_i1}, {"i2", 2, from_i2},
    {"i4", 4, from_i4}, {"i8", 8, from_i8}, {"u1", 1, from_u1}, {"u2", 2, from_u2},
    {"u4", 4, from_u4}, {"u8", 8, from_u8},
};

static const number *number_of(const char *type)
{
    const uint16_t one = 1;
    const char order = *(const uint8_t *)&one == 1 ? '<' : '>';
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if ((type[0] == order || (type[0] == '|' && numbers[i].n_bytes == 1)) &&
            strcmp(type + 1, numbers[i].type) == 0)
            return &numbers[i];
    return NULL;
}

kad_status kad_npy_read(kad_ctx *ctx, const char *path, const kad_npy *npy, size_t n,
                        double *out)
{
    enum { CHUNK = 1 << 16 };
    KAD_SCOPE(scope, ctx);
    KAD_LOCAL(kad_bytes, bytes);
    char *buffer;
    const number *type = number_of(npy->type);
    if (type == NULL)
        return kad_fail(ctx, KAD_EDATA,
                        "%s: expected floats or integers ('<f8', '<f4', '|i1', ...), "
                        "found '%s'",
                        path, npy->type);
    KAD_CALL(kad_bytes_open(ctx, path, &bytes));
    KAD_CALL(kad_scope_take(&scope, CHUNK, sizeof(double), &buffer));
    for (size_t left = npy->n_head, m; left > 0; left -= m) {
        m = left < CHUNK ? left : CHUNK;
        KAD_CALL(kad_bytes_read(ctx, bytes, m, buffer));
    }
    for (size_t at = 0, m; at < n; at += m) {
        m = n - at < CHUNK ? n - at : CHUNK;
        KAD_CALL(kad_bytes_read(ctx, bytes, m * type->n_bytes, buffer));
        type->to_double(m, buffer, out + at);
    }
    return kad_bytes_end(ctx, bytes);
}
