/* Datasets of strings, and strings in general: variable-length UTF-8 when written; fixed
 * lengths are read too. */
#include "io/h5_impl.h"

#include "base/memory.h"

#include <string.h>

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
    kad_status status;
    hid_t type = -1, space = -1, plist = -1, dataset = -1;
    hsize_t extent = n;
    KAD_TRY(kad_h5_remove(ctx, file, path));
    KAD_TRY(kad_h5_parents(ctx, file, path));
    type = kad_h5_string_type();
    space = rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &extent, NULL);
    plist = H5Pcreate(H5P_DATASET_CREATE);
    if (plist >= 0) H5Pset_obj_track_times(plist, 0);
    dataset = H5Dcreate2(file->id, path, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    if (dataset < 0 ||
        (n > 0 && H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text) < 0))
        status = kad_h5_fail(ctx, file, path, KAD_EINTERNAL, "cannot be written: %s",
                             kad_h5_reason());
done:
    if (dataset >= 0) H5Dclose(dataset);
    if (plist >= 0) H5Pclose(plist);
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    return status;
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
    kad_status status;
    hid_t space = is_attribute ? H5Aget_space(object) : H5Dget_space(object);
    hid_t type = is_attribute ? H5Aget_type(object) : H5Dget_type(object);
    int rank;
    size_t dims[KAD_H5_MAX_RANK], held = 1;
    if (type < 0 || space < 0 || H5Tget_class(type) != H5T_STRING)
        KAD_TRY(kad_h5_fail(ctx, file, path, KAD_EDATA,
                            "expected text, found another "
                            "type"));
    if (!kad_h5_space_shape(space, &rank, dims) || rank > 1)
        KAD_TRY(kad_h5_fail(ctx, file, path, KAD_EDATA, "expected a list of texts"));
    if (rank == 1) held = dims[0];
    if (held != n || n > MAX_STRINGS)
        KAD_TRY(kad_h5_fail(ctx, file, path, KAD_EDATA, "expected %zu texts, found %zu",
                            n, held));
    if (H5Tis_variable_str(type) > 0)
        status =
            read_variable(in, file, path, object, is_attribute, type, space, n, text);
    else
        status = read_fixed(in, file, path, object, is_attribute, type, n, text);
    for (size_t i = 0; status == KAD_OK && i < n; i++)
        kad_make_printable(text[i], true);
done:
    if (type >= 0) H5Tclose(type);
    if (space >= 0) H5Sclose(space);
    return status;
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
