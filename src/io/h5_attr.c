/* Attributes. */
#include "io/h5_impl.h"

#include "base/memory.h"

#include <string.h>

/* Scalar attribute of a file type, overwriting one of that name. */
static kad_status set(kad_ctx *ctx, kad_h5 *file, const char *path, const char *name,
                      hid_t file_type, hid_t memory_type, const void *value)
{
    kad_status status;
    hid_t object, space = -1, attribute = -1;
    KAD_TRY(kad_h5_open_object(ctx, file, path, &object));
    if (H5Aexists(object, name) > 0) {
        file->edited = true;
        H5Adelete(object, name);
    }
    space = H5Screate(H5S_SCALAR);
    attribute = H5Acreate2(object, name, file_type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute < 0 || H5Awrite(attribute, memory_type, value) < 0)
        status = kad_h5_fail(ctx, file, path, KAD_EINTERNAL,
                             "attribute %s cannot be written: %s", name, kad_h5_reason());
done:
    if (attribute >= 0) H5Aclose(attribute);
    if (space >= 0) H5Sclose(space);
    if (object >= 0) H5Oclose(object);
    return status;
}

kad_status kad_h5_attr_set_string(kad_ctx *ctx, kad_h5 *file, const char *path,
                                  const char *name, const char *value)
{
    hid_t type = kad_h5_string_type();
    if (type < 0)
        return kad_h5_fail(ctx, file, path, KAD_EINTERNAL, "%s", kad_h5_reason());
    kad_status status = set(ctx, file, path, name, type, type, &value);
    H5Tclose(type);
    return status;
}

kad_status kad_h5_attr_set_real(kad_ctx *ctx, kad_h5 *file, const char *path,
                                const char *name, double value)
{
    return set(ctx, file, path, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &value);
}

kad_status kad_h5_attr_set_int(kad_ctx *ctx, kad_h5 *file, const char *path,
                               const char *name, int64_t value)
{
    return set(ctx, file, path, name, H5T_STD_I64LE, H5T_NATIVE_INT64, &value);
}

/* Open an attribute; both handles are to be closed, also on failure when >= 0. */
static kad_status open_attribute(kad_ctx *ctx, const kad_h5 *file, const char *path,
                                 const char *name, hid_t *object, hid_t *attribute)
{
    *attribute = -1;
    kad_status status = kad_h5_open_object(ctx, file, path, object);
    if (status != KAD_OK) return status;
    htri_t exists = H5Aexists(*object, name);
    if (exists == 0)
        return kad_h5_fail(ctx, file, path, KAD_EDATA, "attribute %s is missing", name);
    if (exists > 0) *attribute = H5Aopen(*object, name, H5P_DEFAULT);
    if (*attribute < 0)
        return kad_h5_fail(ctx, file, path, KAD_EDATA, "attribute %s is damaged: %s",
                           name, kad_h5_reason());
    return KAD_OK;
}

static void close_attribute(hid_t object, hid_t attribute)
{
    if (attribute >= 0) H5Aclose(attribute);
    if (object >= 0) H5Oclose(object);
}

static kad_status get_number(kad_ctx *ctx, kad_h5 *file, const char *path,
                             const char *name, H5T_class_t class, hid_t memory_type,
                             void *value)
{
    kad_status status;
    hid_t object = -1, attribute = -1, space = -1, type = -1;
    KAD_TRY(open_attribute(ctx, file, path, name, &object, &attribute));
    space = H5Aget_space(attribute);
    type = H5Aget_type(attribute);
    /* scalars, and the arrays of one item that other writers make; integers will do where
     * reals are expected */
    H5T_class_t held = H5Tget_class(type);
    bool right = held == class || (class == H5T_FLOAT && held == H5T_INTEGER);
    if (!right || H5Tget_size(type) > 8 || H5Sget_simple_extent_npoints(space) != 1)
        KAD_TRY(kad_h5_fail(ctx, file, path, KAD_EDATA, "attribute %s is not one %s",
                            name, class == H5T_FLOAT ? "number" : "integer"));
    if (H5Aread(attribute, memory_type, value) < 0)
        status = kad_h5_fail(ctx, file, path, KAD_EDATA, "attribute %s is damaged: %s",
                             name, kad_h5_reason());
done:
    if (type >= 0) H5Tclose(type);
    if (space >= 0) H5Sclose(space);
    close_attribute(object, attribute);
    return status;
}

kad_status kad_h5_attr_real(kad_ctx *ctx, kad_h5 *file, const char *path,
                            const char *name, double *value)
{
    return get_number(ctx, file, path, name, H5T_FLOAT, H5T_NATIVE_DOUBLE, value);
}

kad_status kad_h5_attr_int(kad_ctx *ctx, kad_h5 *file, const char *path, const char *name,
                           int64_t *value)
{
    return get_number(ctx, file, path, name, H5T_INTEGER, H5T_NATIVE_INT64, value);
}

kad_status kad_h5_attr_string(kad_scope *in, kad_h5 *file, const char *path,
                              const char *name, char **value)
{
    kad_status status;
    hid_t object = -1, attribute = -1;
    *value = NULL;
    KAD_TRY(open_attribute(in->ctx, file, path, name, &object, &attribute));
    status = kad_h5_strings_of(in, file, path, attribute, true, 1, value);
done:
    close_attribute(object, attribute);
    return status;
}

bool kad_h5_attr_exists(const kad_h5 *file, const char *path, const char *name)
{
    hid_t object, attribute;
    kad_ctx ignored;
    kad_status status = open_attribute(&ignored, file, path, name, &object, &attribute);
    if (status == KAD_ENOMEM) kad_h5_mark_starved(file);
    close_attribute(object, attribute);
    return status == KAD_OK;
}

kad_status kad_h5_describe(kad_ctx *ctx, kad_h5 *file, const char *path,
                           const char *units, const char *long_name,
                           const char *estimator)
{
    kad_status status = KAD_OK;
    if (units) KAD_TRY(kad_h5_attr_set_string(ctx, file, path, "units", units));
    if (long_name)
        KAD_TRY(kad_h5_attr_set_string(ctx, file, path, "long_name", long_name));
    if (estimator)
        KAD_TRY(kad_h5_attr_set_string(ctx, file, path, "estimator", estimator));
done:
    return status;
}
