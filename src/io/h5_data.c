/* Datasets of numbers and of strings; strings of attributes, too. */
#include "io/h5_impl.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

enum {
    CHUNKED_FROM_BYTES = 4096, /* smaller datasets are contiguous, without filters */
    CHUNK_BYTES = 1 << 18,
    MAX_CHUNK_BYTES = 1 << 28, /* when reading */
    DEFLATE_LEVEL = 3,
    DEFLATE_MAX_RATIO = 1100 /* deflate cannot do better than 1032 */
};

static hid_t memory_type(kad_h5_type type)
{
    switch (type) {
    case KAD_H5_F64:
        return H5T_NATIVE_DOUBLE;
    case KAD_H5_F32:
        return H5T_NATIVE_FLOAT;
    case KAD_H5_I64:
        return H5T_NATIVE_INT64;
    case KAD_H5_U64:
        return H5T_NATIVE_UINT64;
    case KAD_H5_U8:
        return H5T_NATIVE_UINT8;
    }
    return -1;
}

static hid_t file_type(kad_h5_type type)
{
    switch (type) {
    case KAD_H5_F64:
        return H5T_IEEE_F64LE;
    case KAD_H5_F32:
        return H5T_IEEE_F32LE;
    case KAD_H5_I64:
        return H5T_STD_I64LE;
    case KAD_H5_U64:
        return H5T_STD_U64LE;
    case KAD_H5_U8:
        return H5T_STD_U8LE;
    }
    return -1;
}

static const char *type_name(kad_h5_type type)
{
    static const char *const names[] = {[KAD_H5_F64] = "float64",
                                        [KAD_H5_F32] = "float32",
                                        [KAD_H5_I64] = "int64",
                                        [KAD_H5_U64] = "uint64",
                                        [KAD_H5_U8] = "uint8"};
    return names[type];
}

/* IEEE floats and whole-byte integers; anything else is refused. */
static bool is_plain_type(hid_t type, char *name, size_t size)
{
    size_t bytes = H5Tget_size(type);
    switch (H5Tget_class(type)) {
    case H5T_FLOAT:
        snprintf(name, size, "float%zu", 8 * bytes);
        return H5Tequal(type, H5T_IEEE_F64LE) > 0 || H5Tequal(type, H5T_IEEE_F32LE) > 0 ||
               H5Tequal(type, H5T_IEEE_F64BE) > 0 || H5Tequal(type, H5T_IEEE_F32BE) > 0;
    case H5T_INTEGER:
        snprintf(name, size, "%sint%zu", H5Tget_sign(type) == H5T_SGN_NONE ? "u" : "",
                 8 * bytes);
        return bytes <= 8 && H5Tget_precision(type) == 8 * bytes &&
               H5Tget_offset(type) == 0;
    case H5T_STRING:
        snprintf(name, size, "string");
        return false;
    default:
        snprintf(name, size, "another type");
        return false;
    }
}

/* A shape for messages: "[10,4]". */
typedef struct shape_text {
    char text[160];
} shape_text;

static shape_text show(int rank, const size_t *dims)
{
    shape_text s;
    size_t n = 0;
    s.text[n++] = '[';
    for (int i = 0; i < rank; i++)
        n += (size_t)snprintf(s.text + n, sizeof s.text - n, i ? ",%zu" : "%zu", dims[i]);
    snprintf(s.text + n, sizeof s.text - n, "]");
    return s;
}

bool kad_h5_space_shape(hid_t space, int *rank, size_t dims[KAD_H5_MAX_RANK])
{
    H5S_class_t class = H5Sget_simple_extent_type(space);
    if (class != H5S_SCALAR && class != H5S_SIMPLE) return false;
    *rank = H5Sget_simple_extent_ndims(space);
    if (*rank < 0 || *rank > KAD_H5_MAX_RANK) return false;
    hsize_t extent[KAD_H5_MAX_RANK];
    if (*rank > 0 && H5Sget_simple_extent_dims(space, extent, NULL) < 0) return false;
    for (int i = 0; i < *rank; i++)
        dims[i] = (size_t)extent[i];
    return true;
}

/* ---- writing ---- */

/* Chunks of whole trailing axes, up to CHUNK_BYTES. */
static void chunk_shape(int rank, const size_t *dims, size_t item, hsize_t *chunk)
{
    size_t bytes = item;
    for (int i = rank - 1; i >= 0; i--) {
        size_t fit = CHUNK_BYTES / bytes;
        if (fit < 1) fit = 1;
        chunk[i] = dims[i] < fit ? dims[i] : fit;
        bytes *= (size_t)chunk[i];
    }
}

static hid_t creation_plist(int rank, const size_t *dims, size_t item, size_t n_bytes)
{
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    if (plist < 0) return -1;
    bool ok = H5Pset_obj_track_times(plist, 0) >= 0 &&
              H5Pset_fill_time(plist, H5D_FILL_TIME_NEVER) >= 0 &&
              H5Pset_alloc_time(plist, H5D_ALLOC_TIME_EARLY) >= 0;
    if (rank > 0 && n_bytes >= CHUNKED_FROM_BYTES) {
        hsize_t chunk[KAD_H5_MAX_RANK];
        chunk_shape(rank, dims, item, chunk);
        ok = ok && H5Pset_alloc_time(plist, H5D_ALLOC_TIME_INCR) >= 0 &&
             H5Pset_chunk(plist, rank, chunk) >= 0 && H5Pset_shuffle(plist) >= 0 &&
             H5Pset_deflate(plist, DEFLATE_LEVEL) >= 0 && H5Pset_fletcher32(plist) >= 0;
    }
    if (ok) return plist;
    H5Pclose(plist);
    return -1;
}

static hid_t create_dataset(kad_h5 *file, const char *path, kad_h5_type type, int rank,
                            const size_t *dims, size_t item, size_t n_bytes)
{
    hsize_t extent[KAD_H5_MAX_RANK];
    for (int i = 0; i < rank; i++)
        extent[i] = dims[i];
    hid_t space =
        rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(rank, extent, NULL);
    hid_t plist = creation_plist(rank, dims, item, n_bytes), dataset = -1;
    if (space >= 0 && plist >= 0)
        dataset = H5Dcreate2(file->id, path, file_type(type), space, H5P_DEFAULT, plist,
                             H5P_DEFAULT);
    hid_t reason = H5Eget_current_stack(); /* closing would forget it */
    if (plist >= 0) H5Pclose(plist);
    if (space >= 0) H5Sclose(space);
    H5Eset_current_stack(reason);
    return dataset;
}

/* True when the dataset at path already has that type and shape. */
static bool same_dataset(const kad_h5 *file, const char *path, kad_h5_type type, int rank,
                         const size_t *dims)
{
    hid_t dataset;
    kad_ctx ignored;
    kad_status status = kad_h5_open_dataset(&ignored, file, path, &dataset);
    if (status == KAD_ENOMEM) kad_h5_mark_starved(file);
    if (status != KAD_OK) return false;
    hid_t space = H5Dget_space(dataset), held = H5Dget_type(dataset);
    int held_rank;
    size_t held_dims[KAD_H5_MAX_RANK];
    bool same = H5Tequal(held, file_type(type)) > 0 &&
                kad_h5_space_shape(space, &held_rank, held_dims) && held_rank == rank;
    for (int i = 0; same && i < rank; i++)
        same = held_dims[i] == dims[i];
    if (held >= 0) H5Tclose(held);
    if (space >= 0) H5Sclose(space);
    H5Oclose(dataset);
    return same;
}

kad_status kad_h5_write(kad_ctx *ctx, kad_h5 *file, const char *path, kad_h5_type type,
                        int rank, const size_t *dims, const void *data)
{
    KAD_HID(dataset);
    size_t item = H5Tget_size(memory_type(type)), n_bytes = item;
    if (rank < 0 || rank > KAD_H5_MAX_RANK)
        return kad_h5_fail(ctx, file, path, KAD_EINTERNAL, "rank %d", rank);
    for (int i = 0; i < rank; i++)
        if (!kad_size_mul(n_bytes, dims[i], &n_bytes))
            return kad_h5_fail(ctx, file, path, KAD_ENOMEM, "%s%s is too large",
                               type_name(type), show(rank, dims).text);
    if (same_dataset(file, path, type, rank, dims)) {
        file->edited = true;
        KAD_CALL(kad_h5_open_dataset(ctx, file, path, &dataset));
    } else {
        KAD_CALL(kad_h5_remove(ctx, file, path));
        KAD_CALL(kad_h5_parents(ctx, file, path));
        dataset = create_dataset(file, path, type, rank, dims, item, n_bytes);
    }
    bool failed =
        dataset < 0 || (n_bytes > 0 && H5Dwrite(dataset, memory_type(type), H5S_ALL,
                                                H5S_ALL, H5P_DEFAULT, data) < 0);
    if (!failed) {
        failed = H5Oclose(dataset) < 0;
        dataset = -1;
    }
    if (failed)
        return kad_h5_fail(ctx, file, path, KAD_EINTERNAL, "cannot be written: %s",
                           kad_h5_reason());
    return KAD_OK;
}

/* ---- reading ---- */

/* Filters and layout that this program writes; anything else could load code, open other
 * files or take endless memory. */
static const char *layout_problem(hid_t dataset)
{
    const char *problem = NULL;
    hid_t plist = H5Dget_create_plist(dataset);
    if (plist < 0) return "unreadable properties";
    H5D_layout_t layout = H5Pget_layout(plist);
    if (layout != H5D_COMPACT && layout != H5D_CONTIGUOUS && layout != H5D_CHUNKED)
        problem = "its layout is not allowed";
    if (!problem && H5Pget_external_count(plist) != 0)
        problem = "its data lie in another file";
    int n = H5Pget_nfilters(plist);
    for (int i = 0; !problem && i < n; i++) {
        unsigned flags;
        size_t n_values = 0;
        H5Z_filter_t filter =
            H5Pget_filter2(plist, (unsigned)i, &flags, &n_values, NULL, 0, NULL, NULL);
        if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE &&
            filter != H5Z_FILTER_FLETCHER32)
            problem = "its compression is not allowed (only gzip and shuffle)";
    }
    if (!problem && layout == H5D_CHUNKED) {
        hsize_t chunk[KAD_H5_MAX_RANK + 1];
        int rank = H5Pget_chunk(plist, KAD_H5_MAX_RANK + 1, chunk);
        size_t bytes = 8;
        for (int i = 0; i < rank && i <= KAD_H5_MAX_RANK; i++)
            if (!kad_size_mul(bytes, (size_t)chunk[i], &bytes)) bytes = SIZE_MAX;
        if (rank < 0 || rank > KAD_H5_MAX_RANK || bytes > MAX_CHUNK_BYTES)
            problem = "its chunks are too large";
    }
    H5Pclose(plist);
    return problem;
}

/* True when the bytes stored can hold n items: a file cannot claim more than it has. What
 * this process has just written counts once it has left the chunk cache. */
static bool can_hold(const kad_h5 *file, hid_t dataset, size_t n_bytes)
{
    hsize_t file_bytes = 0;
    if (H5Dflush(dataset) < 0 || H5Fget_filesize(file->id, &file_bytes) < 0) return false;
    hid_t plist = H5Dget_create_plist(dataset);
    size_t stored = (size_t)H5Dget_storage_size(dataset), most;
    bool chunked = plist >= 0 && H5Pget_layout(plist) == H5D_CHUNKED;
    if (plist >= 0) H5Pclose(plist);
    if (stored > file_bytes) return false;
    if (!kad_size_mul(stored, chunked ? DEFLATE_MAX_RATIO : 1, &most)) return false;
    return n_bytes <= most;
}

/* What a dataset on file is, checked as far as a reader needs. */
typedef struct dataset_info {
    int rank;
    size_t dims[KAD_H5_MAX_RANK];
    char type[24];
    H5T_class_t class;
    size_t n_bytes;
} dataset_info;

static kad_status inspect(kad_ctx *ctx, const kad_h5 *file, const char *path,
                          hid_t dataset, bool numbers, dataset_info *info)
{
    KAD_HID(space);
    KAD_HID(type);
    space = H5Dget_space(dataset);
    type = H5Dget_type(dataset);
    const char *problem = layout_problem(dataset);
    if (type < 0 || space < 0) problem = kad_h5_reason();
    if (problem) return kad_h5_fail(ctx, file, path, KAD_EDATA, "%s", problem);
    if (!kad_h5_space_shape(space, &info->rank, info->dims))
        return kad_h5_fail(ctx, file, path, KAD_EDATA, "its shape is not simple");
    info->class = H5Tget_class(type);
    if (!is_plain_type(type, info->type, sizeof info->type) && numbers)
        return kad_h5_fail(ctx, file, path, KAD_EDATA, "expected numbers, found %s",
                           info->type);
    info->n_bytes = H5Tget_size(type);
    for (int i = 0; i < info->rank; i++)
        if (!kad_size_mul(info->n_bytes, info->dims[i], &info->n_bytes))
            return kad_h5_fail(ctx, file, path, KAD_EDATA,
                               "claims %s%s, more than any memory", info->type,
                               show(info->rank, info->dims).text);
    if (!can_hold(file, dataset, info->n_bytes))
        return kad_h5_fail(ctx, file, path, KAD_EDATA,
                           "claims %s%s, more than the file holds", info->type,
                           show(info->rank, info->dims).text);
    return KAD_OK;
}

static bool shape_is(const dataset_info *info, int rank, const size_t *dims)
{
    if (info->rank != rank) return false;
    for (int i = 0; i < rank; i++)
        if (info->dims[i] != dims[i]) return false;
    return true;
}

/* `number`: as reals, whether they are reals or integers. */
static kad_status read_as(kad_ctx *ctx, kad_h5 *file, const char *path, kad_h5_type type,
                          bool number, int rank, const size_t *dims, void *data)
{
    KAD_HID(dataset);
    dataset_info info;
    if (rank < 0 || rank > KAD_H5_MAX_RANK)
        return kad_h5_fail(ctx, file, path, KAD_EINTERNAL, "rank %d", rank);
    KAD_CALL(kad_h5_open_dataset(ctx, file, path, &dataset));
    KAD_CALL(inspect(ctx, file, path, dataset, true, &info));
    H5T_class_t want = type == KAD_H5_F64 || type == KAD_H5_F32 ? H5T_FLOAT : H5T_INTEGER;
    if ((info.class != want && !number) || !shape_is(&info, rank, dims))
        return kad_h5_fail(ctx, file, path, KAD_EDATA, "expected %s%s, found %s%s",
                           type_name(type), show(rank, dims).text, info.type,
                           show(info.rank, info.dims).text);
    if (info.n_bytes > 0 &&
        H5Dread(dataset, memory_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
        return kad_h5_fail(ctx, file, path, KAD_EDATA, "damaged: %s", kad_h5_reason());
    return KAD_OK;
}

kad_status kad_h5_read(kad_ctx *ctx, kad_h5 *file, const char *path, kad_h5_type type,
                       int rank, const size_t *dims, void *data)
{
    return read_as(ctx, file, path, type, false, rank, dims, data);
}

kad_status kad_h5_read_numbers(kad_ctx *ctx, kad_h5 *file, const char *path, int rank,
                               const size_t *dims, double *data)
{
    return read_as(ctx, file, path, KAD_H5_F64, true, rank, dims, data);
}

kad_status kad_h5_shape(kad_ctx *ctx, kad_h5 *file, const char *path, int *rank,
                        size_t dims[KAD_H5_MAX_RANK])
{
    KAD_HID(dataset);
    dataset_info info;
    KAD_CALL(kad_h5_open_dataset(ctx, file, path, &dataset));
    KAD_CALL(inspect(ctx, file, path, dataset, false, &info));
    *rank = info.rank;
    memcpy(dims, info.dims, sizeof info.dims);
    return KAD_OK;
}

kad_status kad_h5_drain(kad_ctx *ctx, const kad_h5 *file, const char *path, hid_t dataset)
{
    KAD_SCOPE(scope, ctx);
    dataset_info info;
    void *values;
    size_t n = 1;
    KAD_CALL(inspect(ctx, file, path, dataset, false, &info));
    for (int i = 0; i < info.rank; i++)
        n *= info.dims[i]; /* inspected: no overflow */
    KAD_CALL(kad_scope_take(&scope, n, sizeof(double), &values));
    if (info.class == H5T_STRING)
        return kad_h5_strings_of(&scope, file, path, dataset, false, n, values);
    if (info.class == H5T_FLOAT || info.class == H5T_INTEGER)
        H5Dread(dataset, info.class == H5T_FLOAT ? H5T_NATIVE_DOUBLE : H5T_NATIVE_INT64,
                H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    return KAD_OK;
}

/* ---- strings: variable-length UTF-8 when written; fixed lengths are read too ---- */

enum { MAX_FIXED_BYTES = 1 << 20, MAX_STRINGS = 1 << 24 };

hid_t kad_h5_string_type(void)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    if (type < 0) return -1;
    if (H5Tset_size(type, H5T_VARIABLE) >= 0 && H5Tset_cset(type, H5T_CSET_UTF8) >= 0)
        return type;
    H5Tclose(type);
    return -1;
}

static kad_status write_strings(kad_ctx *ctx, kad_h5 *file, const char *path, int rank,
                                size_t n, const char *const *text)
{
    KAD_HID(type);
    KAD_HID(space);
    KAD_HID(plist);
    KAD_HID(dataset);
    hsize_t extent = n;
    KAD_CALL(kad_h5_remove(ctx, file, path));
    KAD_CALL(kad_h5_parents(ctx, file, path));
    type = kad_h5_string_type();
    space = rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &extent, NULL);
    plist = H5Pcreate(H5P_DATASET_CREATE);
    if (plist >= 0) H5Pset_obj_track_times(plist, 0);
    dataset = H5Dcreate2(file->id, path, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    if (dataset < 0 ||
        (n > 0 && H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text) < 0))
        return kad_h5_fail(ctx, file, path, KAD_EINTERNAL, "cannot be written: %s",
                           kad_h5_reason());
    return KAD_OK;
}

kad_status kad_h5_write_strings(kad_ctx *ctx, kad_h5 *file, const char *path, size_t n,
                                const char *const *text)
{
    return write_strings(ctx, file, path, 1, n, text);
}

kad_status kad_h5_write_string(kad_ctx *ctx, kad_h5 *file, const char *path,
                               const char *text)
{
    return write_strings(ctx, file, path, 0, 1, &text);
}

static herr_t read_raw(hid_t object, bool is_attribute, hid_t type, void *data)
{
    return is_attribute ? H5Aread(object, type, data)
                        : H5Dread(object, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data);
}

static kad_status read_variable(kad_scope *in, const kad_h5 *file, const char *path,
                                hid_t object, bool is_attribute, hid_t type, hid_t space,
                                size_t n, char **text)
{
    KAD_SCOPE(scope, in->ctx);
    kad_status status = KAD_OK;
    char **raw;
    KAD_CALL(kad_take(&scope, n, &raw));
    if (n > 0 && read_raw(object, is_attribute, type, raw) < 0)
        return kad_h5_fail(in->ctx, file, path, KAD_EDATA, "damaged: %s",
                           kad_h5_reason());
    for (size_t i = 0; i < n && status == KAD_OK; i++)
        status = kad_take_text(in, raw[i] ? raw[i] : "", &text[i]);
    if (n > 0) H5Dvlen_reclaim(type, space, H5P_DEFAULT, raw);
    return status;
}

static kad_status read_fixed(kad_scope *in, const kad_h5 *file, const char *path,
                             hid_t object, bool is_attribute, hid_t type, size_t n,
                             char **text)
{
    KAD_SCOPE(scope, in->ctx);
    const size_t size = H5Tget_size(type);
    char *raw;
    if (size > MAX_FIXED_BYTES)
        return kad_h5_fail(in->ctx, file, path, KAD_EDATA, "strings of %zu bytes", size);
    KAD_CALL(kad_scope_take(&scope, n, size, &raw));
    if (n > 0 && read_raw(object, is_attribute, type, raw) < 0)
        return kad_h5_fail(in->ctx, file, path, KAD_EDATA, "damaged: %s",
                           kad_h5_reason());
    for (size_t i = 0; i < n; i++) {
        KAD_CALL(kad_take(in, size + 1, &text[i]));
        memcpy(text[i], raw + i * size, size);
    }
    return KAD_OK;
}

kad_status kad_h5_strings_of(kad_scope *in, const kad_h5 *file, const char *path,
                             hid_t object, bool is_attribute, size_t n, char **text)
{
    kad_ctx *ctx = in->ctx;
    KAD_HID(space);
    KAD_HID(type);
    space = is_attribute ? H5Aget_space(object) : H5Dget_space(object);
    type = is_attribute ? H5Aget_type(object) : H5Dget_type(object);
    int rank;
    size_t dims[KAD_H5_MAX_RANK], held = 1;
    if (type < 0 || space < 0 || H5Tget_class(type) != H5T_STRING)
        return kad_h5_fail(ctx, file, path, KAD_EDATA,
                           "expected text, found another "
                           "type");
    if (!kad_h5_space_shape(space, &rank, dims) || rank > 1)
        return kad_h5_fail(ctx, file, path, KAD_EDATA, "expected a list of texts");
    if (rank == 1) held = dims[0];
    if (held != n || n > MAX_STRINGS)
        return kad_h5_fail(ctx, file, path, KAD_EDATA, "expected %zu texts, found %zu", n,
                           held);
    if (H5Tis_variable_str(type) > 0)
        KAD_CALL(
            read_variable(in, file, path, object, is_attribute, type, space, n, text));
    else
        KAD_CALL(read_fixed(in, file, path, object, is_attribute, type, n, text));
    for (size_t i = 0; i < n; i++)
        kad_make_printable(text[i], true);
    return KAD_OK;
}

kad_status kad_h5_read_strings(kad_scope *in, kad_h5 *file, const char *path, size_t n,
                               char **text)
{
    hid_t dataset;
    int rank;
    size_t dims[KAD_H5_MAX_RANK];
    KAD_CALL(kad_h5_shape(in->ctx, file, path, &rank, dims)); /* layout checks */
    KAD_CALL(kad_h5_open_dataset(in->ctx, file, path, &dataset));
    const kad_status status = kad_h5_strings_of(in, file, path, dataset, false, n, text);
    H5Oclose(dataset);
    return status;
}
