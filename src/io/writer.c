#include "io/writer.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LABEL_CHARS = 64 };

/* A path, or its parts, that do not fit are an error of the caller. */
static void format(kad_writer *w, size_t size, char *out, const char *text, ...)
    KAD_PRINTF(4, 5);

static void format(kad_writer *w, size_t size, char *out, const char *text, ...)
{
    va_list args;
    va_start(args, text);
    const int n = vsnprintf(out, size, text, args);
    va_end(args);
    if (w->status == KAD_OK && (n < 0 || (size_t)n >= size))
        w->status = kad_fail(w->ctx, KAD_EINTERNAL, "%.60s...: too long a path", out);
}

kad_writer kad_write_into(kad_ctx *ctx, kad_h5 *file, const char *group)
{
    kad_writer w = {.ctx = ctx, .file = file};
    format(&w, sizeof w.group, w.group, "%s", group);
    if (w.status == KAD_OK) w.status = kad_h5_group(ctx, file, group);
    return w;
}

kad_writer kad_write_anew(kad_ctx *ctx, kad_h5 *file, const char *group)
{
    const kad_status status = kad_h5_remove(ctx, file, group);
    if (status == KAD_OK) return kad_write_into(ctx, file, group);
    return (kad_writer){.ctx = ctx, .file = file, .status = status};
}

kad_status kad_write_end(const kad_writer *w)
{
    return w->status;
}

void *kad_write_scratch(kad_writer *w, size_t n, size_t size)
{
    void *block = NULL;
    if (w->status == KAD_OK) w->status = kad_new(w->ctx, n, size, &block);
    return block;
}

/* The first failure is kept, and nothing is done after it. */
#define KEEP(w, expr)                                    \
    do {                                                 \
        if ((w)->status == KAD_OK) (w)->status = (expr); \
    } while (0)

/* "/group/name", or "/name" in the root. */
static void path_of(kad_writer *w, const char *name, char path[KAD_WRITER_PATH])
{
    format(w, KAD_WRITER_PATH, path, "%s/%s", w->group[1] != '\0' ? w->group : "", name);
}

bool kad_write_has(kad_writer *w, const char *name)
{
    char path[KAD_WRITER_PATH];
    path_of(w, name, path);
    return w->status == KAD_OK && kad_h5_exists(w->file, path);
}

/* Can the data set be the scale of an axis of this length? */
static bool is_scale(kad_writer *w, const char *path, size_t n)
{
    size_t dims[KAD_H5_MAX_RANK];
    int rank;
    return kad_h5_exists(w->file, path) &&
           kad_h5_shape(w->ctx, w->file, path, &rank, dims) == KAD_OK && rank == 1 &&
           dims[0] == n;
}

static kad_status label_axes(kad_writer *w, const char *name, const char *path,
                             const char *axes, const size_t *dims)
{
    for (int axis = 0; *axes != '\0'; axis++) {
        char label[LABEL_CHARS], scale[KAD_WRITER_PATH];
        const size_t n = strcspn(axes, " ");
        format(w, sizeof label, label, "%.*s", (int)n, axes);
        path_of(w, label, scale);
        if (w->status != KAD_OK) return w->status;
        const bool shared = strchr(name, '/') != NULL && is_scale(w, scale, dims[axis]);
        KAD_CALL(kad_h5_axis(w->ctx, w->file, path, axis, label, shared ? scale : NULL));
        axes += n + (axes[n] == ' ');
    }
    return KAD_OK;
}

static int count_words(const char *text)
{
    int n = *text != '\0';
    for (; *text != '\0'; text++)
        n += *text == ' ';
    return n;
}

void kad_write(kad_writer *w, const char *name, kad_h5_type type, const char *axes,
               const char *units, const char *long_name, const size_t *dims,
               const void *data)
{
    char path[KAD_WRITER_PATH];
    path_of(w, name, path);
    KEEP(w, kad_h5_write(w->ctx, w->file, path, type, count_words(axes), dims, data));
    KEEP(w, kad_h5_describe(w->ctx, w->file, path, *units != '\0' ? units : "1",
                            long_name, NULL));
    KEEP(w, label_axes(w, name, path, axes, dims));
}

void kad_write_names(kad_writer *w, const char *name, const char *axis,
                     const char *long_name, size_t n, const char *const *names)
{
    char path[KAD_WRITER_PATH];
    path_of(w, name, path);
    KEEP(w, kad_h5_write_strings(w->ctx, w->file, path, n, names));
    KEEP(w, kad_h5_describe(w->ctx, w->file, path, NULL, long_name, NULL));
    KEEP(w, label_axes(w, name, path, axis, &n));
}

void kad_write_word(kad_writer *w, const char *name, const char *long_name,
                    const char *text)
{
    char path[KAD_WRITER_PATH];
    path_of(w, name, path);
    KEEP(w, kad_h5_write_string(w->ctx, w->file, path, text));
    KEEP(w, kad_h5_describe(w->ctx, w->file, path, NULL, long_name, NULL));
}

/* --- attributes --------------------------------------------------------------------- */

/* What has the attribute, and its name; false after a failure. */
static bool split(kad_writer *w, const char *name, char path[KAD_WRITER_PATH],
                  const char **attribute)
{
    const char *at = strchr(name, '@');
    *attribute = at != NULL ? at + 1 : name;
    if (at == NULL)
        format(w, KAD_WRITER_PATH, path, "%s", w->group);
    else
        format(w, KAD_WRITER_PATH, path, "%s/%.*s", w->group[1] != '\0' ? w->group : "",
               (int)(at - name), name);
    return w->status == KAD_OK;
}

void kad_write_int(kad_writer *w, const char *name, int64_t value)
{
    char path[KAD_WRITER_PATH];
    const char *attribute;
    if (split(w, name, path, &attribute))
        w->status = kad_h5_attr_set_int(w->ctx, w->file, path, attribute, value);
}

void kad_write_real(kad_writer *w, const char *name, double value)
{
    char path[KAD_WRITER_PATH];
    const char *attribute;
    if (split(w, name, path, &attribute))
        w->status = kad_h5_attr_set_real(w->ctx, w->file, path, attribute, value);
}

void kad_write_text(kad_writer *w, const char *name, const char *value)
{
    char path[KAD_WRITER_PATH];
    const char *attribute;
    if (split(w, name, path, &attribute))
        w->status = kad_h5_attr_set_string(w->ctx, w->file, path, attribute, value);
}

/* --- columns of structs ------------------------------------------------------------- */

static int64_t integer_at(kad_cell cell, const void *at)
{
    switch (cell) {
    case KAD_CELL_INT:
        return *(const int *)at;
    case KAD_CELL_I64:
        return *(const int64_t *)at;
    case KAD_CELL_SIZE:
        return (int64_t) * (const size_t *)at;
    default:
        return *(const bool *)at;
    }
}

void kad_write_columns(kad_writer *w, const char *axis, size_t n_columns,
                       const kad_write_column *columns, size_t n_rows, const void *rows,
                       size_t row_bytes)
{
    double *real = kad_write_scratch(w, n_rows, sizeof *real);
    int64_t *whole = kad_write_scratch(w, n_rows, sizeof *whole);
    for (size_t c = 0; c < n_columns && w->status == KAD_OK; c++) {
        const kad_write_column *column = &columns[c];
        const char *at = (const char *)rows + column->offset;
        const bool is_real = column->cell == KAD_CELL_REAL;
        for (size_t i = 0; i < n_rows; i++, at += row_bytes)
            if (is_real)
                real[i] = *(const double *)(const void *)at;
            else
                whole[i] = integer_at(column->cell, at);
        kad_write(w, column->name, is_real ? KAD_H5_F64 : KAD_H5_I64, axis, column->units,
                  column->long_name, &n_rows, is_real ? (const void *)real : whole);
    }
    kad_free(real);
    kad_free(whole);
}
