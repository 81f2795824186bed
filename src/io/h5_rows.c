#include "io/h5_impl.h"
#include "io/rows.h"

#include "io/file.h"

#include <stdio.h>
#include <string.h>

enum { TRIED_BYTES = 1 << 24 };

struct kad_h5_rows {
    kad_h5 file;
    char *path, dataset[KAD_H5_PATH_CHARS];
    hid_t id;
    int rank;
    size_t dims[KAD_H5_MAX_RANK], row_bytes;
};

/* --- finding the data set -------------------------------------------------------------- */

typedef struct search {
    kad_h5_walk walk;
    int n_found;
    char found[KAD_H5_PATH_CHARS];
} search;

static bool is_of_bytes(hid_t dataset)
{
    const hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
    int rank = 0;
    size_t dims[KAD_H5_MAX_RANK];
    const bool is = type >= 0 && space >= 0 && H5Tequal(type, H5T_STD_U8LE) > 0 &&
                    kad_h5_space_shape(space, &rank, dims) && (rank == 3 || rank == 4);
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    return is;
}

static void look(kad_h5_walk *w)
{
    search *s = (search *)w;
    hid_t object;
    if (kad_h5_open_object(w->ctx, w->file, w->path, &object) != KAD_OK) return;
    const H5I_type_t kind = H5Iget_type(object);
    if (kind == H5I_DATASET && is_of_bytes(object) && s->n_found++ == 0)
        snprintf(s->found, sizeof s->found, "%s", w->path);
    H5Oclose(object);
    if (kind == H5I_GROUP) kad_h5_each_member(w, look);
}

static kad_status find(kad_ctx *ctx, kad_h5_rows *rows, const char *dataset)
{
    search s = {.walk = {.ctx = ctx, .file = &rows->file, .lenient = true}};
    if (dataset == NULL) {
        kad_h5_each_member(&s.walk, look);
        if (s.n_found != 1)
            return kad_fail(ctx, KAD_EDATA,
                            "%s: expected one data set of unsigned bytes and 3 or 4 "
                            "axes, found %d: name it by data.dataset",
                            rows->path, s.n_found);
        dataset = s.found;
    }
    const int n = snprintf(rows->dataset, sizeof rows->dataset, "%s%s",
                           *dataset == '/' ? "" : "/", dataset);
    if (n > 0 && n < (int)sizeof rows->dataset) return KAD_OK;
    return kad_fail(ctx, KAD_EDATA, "%s: the name of the data set is too long",
                    rows->path);
}

/* --- opening --------------------------------------------------------------------------- */

static kad_status open_file(kad_ctx *ctx, const char *dataset, kad_h5_rows *rows)
{
    rows->file = (kad_h5){.id = -1, .name = rows->path};
    rows->file.starved = &rows->file.starved_flag;
    if (kad_h5_initialise())
        rows->file.id = H5Fopen(rows->path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (rows->file.id < 0)
        return kad_fail(ctx, KAD_EDATA, "%s: not a readable HDF5 file: %s", rows->path,
                        kad_h5_reason());
    KAD_CALL(find(ctx, rows, dataset));
    KAD_CALL(kad_h5_shape(ctx, &rows->file, rows->dataset, &rows->rank, rows->dims));
    KAD_CALL(kad_h5_open_dataset(ctx, &rows->file, rows->dataset, &rows->id));
    if (!is_of_bytes(rows->id))
        return kad_fail(ctx, KAD_EDATA,
                        "%s: %s: expected unsigned bytes with 3 or 4 axes", rows->path,
                        rows->dataset);
    rows->row_bytes = 1;
    for (int i = 1; i < rows->rank; i++)
        rows->row_bytes *= rows->dims[i]; /* the product with dims[0] is known to fit */
    if (rows->dims[0] == 0 || rows->row_bytes == 0)
        return kad_fail(ctx, KAD_EDATA, "%s: %s: is empty", rows->path, rows->dataset);
    return KAD_OK;
}

static void shut(kad_h5_rows *rows)
{
    if (rows->id >= 0) H5Oclose(rows->id);
    if (rows->file.id >= 0) H5Fclose(rows->file.id);
    rows->id = rows->file.id = -1;
}

/* In a child: everything once. */
typedef struct trial {
    const char *dataset;
    kad_h5_rows *rows;
} trial;

static kad_status read_through(kad_ctx *ctx, void *self)
{
    KAD_SCOPE(scope, ctx);
    uint8_t *data;
    const trial *it = self;
    kad_h5_rows *rows = it->rows;
    KAD_CALL(open_file(ctx, it->dataset, rows));
    const size_t fit = TRIED_BYTES / rows->row_bytes, some = fit > 0 ? fit : 1;
    KAD_CALL(kad_take(&scope, some * rows->row_bytes, &data));
    for (size_t at = 0; at < rows->dims[0]; at += some)
        KAD_CALL(kad_h5_rows_read(
            ctx, rows, at, rows->dims[0] - at < some ? rows->dims[0] - at : some, data));
    return KAD_OK;
}

typedef struct peeking {
    const char *dataset, *unless;
    kad_h5_rows *rows;
} peeking;

static kad_status peek(kad_ctx *ctx, void *self)
{
    const peeking *it = self;
    KAD_CALL(open_file(ctx, it->dataset, it->rows));
    if (it->unless != NULL && kad_h5_exists(&it->rows->file, it->unless))
        return kad_fail(ctx, KAD_EDATA, "%s", it->unless);
    return KAD_OK;
}

static kad_status make(kad_ctx *ctx, const char *path, kad_h5_rows **rows,
                       size_t *n_bytes)
{
    char head[16], tail[16];
    KAD_CALL(kad_file_ends(ctx, path, sizeof head, head, tail, n_bytes));
    KAD_CALL(kad_new(ctx, 1, sizeof **rows, rows));
    (*rows)->id = (*rows)->file.id = -1;
    (*rows)->path = kad_strdup(path);
    return (*rows)->path ? KAD_OK : kad_fail(ctx, KAD_ENOMEM, "out of memory");
}

kad_status kad_h5_rows_exist(kad_ctx *ctx, const char *path, const char *dataset,
                             const char *unless, bool *exist)
{
    KAD_LOCAL(kad_h5_rows, rows);
    size_t n_bytes;
    *exist = false;
    KAD_CALL(make(ctx, path, &rows, &n_bytes));
    peeking it = {dataset, unless, rows};
    const kad_status status = kad_h5_try(ctx, path, peek, &it, n_bytes);
    *exist = status == KAD_OK;
    return status == KAD_EDATA ? KAD_OK : status;
}

kad_status kad_h5_rows_open(kad_ctx *ctx, const char *path, const char *dataset,
                            kad_h5_rows **out, int *rank, size_t dims[KAD_H5_MAX_RANK])
{
    KAD_LOCAL(kad_h5_rows, rows);
    size_t n_bytes;
    *out = NULL;
    KAD_CALL(make(ctx, path, &rows, &n_bytes));
    KAD_CALL(kad_h5_try(ctx, path, read_through, &(trial){dataset, rows}, n_bytes));
    KAD_CALL(open_file(ctx, dataset, rows));
    *rank = rows->rank;
    memcpy(dims, rows->dims, sizeof rows->dims);
    *out = rows;
    rows = NULL;
    return KAD_OK;
}

kad_status kad_h5_rows_read(kad_ctx *ctx, kad_h5_rows *rows, size_t first, size_t n,
                            uint8_t *out)
{
    hsize_t start[KAD_H5_MAX_RANK] = {first}, count[KAD_H5_MAX_RANK] = {n};
    const hsize_t flat = (hsize_t)n * rows->row_bytes;
    for (int i = 1; i < rows->rank; i++)
        count[i] = rows->dims[i];
    const hid_t space = H5Dget_space(rows->id), memory = H5Screate_simple(1, &flat, NULL);
    const bool done =
        space >= 0 && memory >= 0 &&
        H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
        H5Dread(rows->id, H5T_NATIVE_UINT8, memory, space, H5P_DEFAULT, out) >= 0;
    kad_status status = KAD_OK;
    if (!done)
        status = kad_fail(ctx, KAD_EDATA, "%s: %s: rows from %zu on are damaged: %s",
                          rows->path, rows->dataset, first, kad_h5_reason());
    if (memory >= 0) H5Sclose(memory);
    if (space >= 0) H5Sclose(space);
    return status;
}

void kad_h5_rows_close(kad_h5_rows *rows)
{
    if (rows == NULL) return;
    shut(rows);
    kad_free(rows->path);
    kad_free(rows);
}
