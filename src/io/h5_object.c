/* Objects of an HDF5 file in memory: failures, paths, groups, names, attributes. */
#include "io/h5_impl.h"

#include "base/memory.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

kad_status kad_h5_fail(kad_ctx *ctx, const kad_h5 *file, const char *path,
                       kad_status code, const char *format, ...)
{
    char text[KAD_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (kad_h5_starved(file)) {
        kad_h5_mark_starved(file);
        return kad_fail(ctx, KAD_ENOMEM, "%s: %s: out of memory within HDF5 (%s)",
                        file->name, path, kad_h5_reason());
    }
    return kad_fail(ctx, code, "%s: %s: %s", file->name, path, text);
}

/* As HDF5 is, for the whole process. */
static atomic_bool was_starved;

void kad_h5_mark_starved(const kad_h5 *file)
{
    *file->starved = true;
    atomic_store(&was_starved, true);
}

bool kad_h5_was_starved(void)
{
    return atomic_load(&was_starved);
}

static herr_t find_starvation(unsigned n, const H5E_error2_t *error, void *out)
{
    (void)n;
    if (error->min_num == H5E_NOSPACE && error->maj_num == H5E_RESOURCE)
        *(bool *)out = true;
    return 0;
}

/* HDF5 does not always say that it got no memory: of a file that cannot be damaged any
 * failure of HDF5 counts. In a file that may be, an absurd size makes malloc fail, too. */
bool kad_h5_starved(const kad_h5 *file)
{
    bool starved = errno == ENOMEM;
    if (*file->starved) return true;
    if (!kad_h5_ready()) return true;
    if (file->vouched) return starved || H5Eget_num(H5E_DEFAULT) > 0;
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, find_starvation, &starved);
    if (!starved) return false;
    void *block = kad_alloc(1, file->image_bytes + ((size_t)1 << 26));
    kad_free(block);
    return block == NULL;
}

static herr_t first_reason(unsigned n, const H5E_error2_t *error, void *out)
{
    if (n == 0) *(const char **)out = error->desc;
    return 0;
}

void kad_h5_let_go(hid_t *id)
{
    if (*id >= 0) H5Idec_ref(*id);
}

const char *kad_h5_reason(void)
{
    const char *reason = NULL;
    if (!kad_h5_ready()) return "the library cannot be initialised";
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, first_reason, &reason);
    return reason && *reason ? reason : "HDF5 failed without a reason";
}

/* Absolute, without empty, "." or ".." parts. */
static bool is_sound(const char *path)
{
    if (*path != '/' || strlen(path) >= KAD_H5_PATH_CHARS) return false;
    if (path[1] == 0) return true;
    for (const char *c = path; *c == '/';) {
        size_t n = strcspn(++c, "/");
        if (n == 0 || (n <= 2 && strspn(c, ".") >= n)) return false;
        c += n;
    }
    return true;
}

typedef enum found { FOUND, ABSENT, FOREIGN, UNREADABLE } found;

/* Below a dataset there is nothing, and H5Lexists fails. */
static bool lies_below_dataset(const kad_h5 *file, const char *path)
{
    char parent[KAD_H5_PATH_CHARS];
    H5O_info_t info;
    size_t n = (size_t)(strrchr(path, '/') - path);
    if (n == 0) return false;
    memcpy(parent, path, n);
    parent[n] = 0;
    return H5Oget_info_by_name2(file->id, parent, &info, H5O_INFO_BASIC, H5P_DEFAULT) >=
               0 &&
           info.type != H5O_TYPE_GROUP;
}

/* Follow a path link by link: every one must be a hard link, so that nothing outside the
 * file is ever opened. */
static found follow(const kad_h5 *file, const char *path)
{
    char part[KAD_H5_PATH_CHARS];
    errno = 0;
    if (!is_sound(path)) return ABSENT;
    if (path[1] == 0) return FOUND;
    for (size_t n = 1;; n++) {
        n += strcspn(path + n, "/");
        memcpy(part, path, n);
        part[n] = 0;
        H5L_info_t link;
        if (path[n] != 0 && H5Lget_info(file->id, part, &link, H5P_DEFAULT) >= 0 &&
            link.type == H5L_TYPE_HARD)
            continue;
        htri_t exists = H5Lexists(file->id, part, H5P_DEFAULT);
        if (exists == 0) return ABSENT;
        if (exists < 0 && lies_below_dataset(file, part)) return ABSENT;
        if (exists < 0 || H5Lget_info(file->id, part, &link, H5P_DEFAULT) < 0)
            return UNREADABLE;
        if (link.type != H5L_TYPE_HARD) return FOREIGN;
        if (path[n] == 0) return FOUND;
    }
}

/* A second name of an object could be the way back to a group above it. */
static const char *object_problem(hid_t object)
{
    H5O_info_t info;
    if (H5Oget_info2(object, &info, H5O_INFO_BASIC) < 0) return kad_h5_reason();
    return info.rc > 1 ? "an object with several names, which is not allowed" : NULL;
}

kad_status kad_h5_open_object(kad_ctx *ctx, const kad_h5 *file, const char *path,
                              hid_t *out)
{
    *out = -1;
    found state = follow(file, path);
    if (state == ABSENT)
        return kad_h5_fail(ctx, file, path, KAD_EDATA, "there is no such object");
    if (state == FOREIGN)
        return kad_h5_fail(ctx, file, path, KAD_EDATA,
                           "reached by a soft or external link, which is not allowed");
    if (state != FOUND)
        return kad_h5_fail(ctx, file, path, KAD_EDATA, "damaged: %s", kad_h5_reason());
    return kad_h5_open_member(ctx, file, path, out);
}

kad_status kad_h5_open_member(kad_ctx *ctx, const kad_h5 *file, const char *path,
                              hid_t *out)
{
    *out = H5Oopen(file->id, path, H5P_DEFAULT);
    if (*out < 0)
        return kad_h5_fail(ctx, file, path, KAD_EDATA, "damaged: %s", kad_h5_reason());
    const char *problem = object_problem(*out);
    if (!problem) return KAD_OK;
    kad_status status = kad_h5_fail(ctx, file, path, KAD_EDATA, "%s", problem);
    H5Oclose(*out);
    *out = -1;
    return status;
}

kad_status kad_h5_open_dataset(kad_ctx *ctx, const kad_h5 *file, const char *path,
                               hid_t *out)
{
    kad_status status = kad_h5_open_object(ctx, file, path, out);
    if (status != KAD_OK) return status;
    if (H5Iget_type(*out) == H5I_DATASET) return KAD_OK;
    H5Oclose(*out);
    *out = -1;
    return kad_h5_fail(ctx, file, path, KAD_EDATA, "expected a dataset, found a group");
}

/* A yes or no cannot say that there was no memory to find out: the file remembers. */
bool kad_h5_exists(const kad_h5 *file, const char *path)
{
    found state = follow(file, path);
    if (state == UNREADABLE && kad_h5_starved(file)) kad_h5_mark_starved(file);
    return state == FOUND && !kad_h5_holds_dimension(file, file->id, path);
}

kad_status kad_h5_group(kad_ctx *ctx, kad_h5 *file, const char *path)
{
    KAD_HID(plist);
    KAD_HID(group);
    if (!is_sound(path))
        return kad_h5_fail(ctx, file, path, KAD_EINTERNAL, "not an absolute path");
    if (kad_h5_exists(file, path)) {
        KAD_CALL(kad_h5_open_object(ctx, file, path, &group));
        if (H5Iget_type(group) != H5I_GROUP)
            return kad_h5_fail(ctx, file, path, KAD_EDATA,
                               "expected a group, found a dataset");
        return KAD_OK;
    }
    KAD_CALL(kad_h5_remove(ctx, file, path)); /* a dimension of this name */
    KAD_CALL(kad_h5_parents(ctx, file, path));
    plist = H5Pcreate(H5P_GROUP_CREATE);
    H5Pset_obj_track_times(plist, 0);
    group = H5Gcreate2(file->id, path, H5P_DEFAULT, plist, H5P_DEFAULT);
    if (group < 0)
        return kad_h5_fail(ctx, file, path, KAD_EINTERNAL, "cannot create the group: %s",
                           kad_h5_reason());
    return KAD_OK;
}

kad_status kad_h5_parents(kad_ctx *ctx, kad_h5 *file, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!is_sound(path))
        return kad_h5_fail(ctx, file, path, KAD_EINTERNAL, "not an absolute path");
    if (slash == path) return KAD_OK;
    char parent[KAD_H5_PATH_CHARS];
    size_t n = (size_t)(slash - path);
    memcpy(parent, path, n);
    parent[n] = 0;
    return kad_h5_group(ctx, file, parent);
}

kad_status kad_h5_remove(kad_ctx *ctx, kad_h5 *file, const char *path)
{
    found state = follow(file, path);
    if (state == ABSENT || path[1] == 0) return KAD_OK;
    if (state == UNREADABLE)
        return kad_h5_fail(ctx, file, path, KAD_EDATA, "cannot be removed: %s",
                           kad_h5_reason());
    kad_status status = kad_h5_collect_scales(ctx, file);
    if (status != KAD_OK) return status;
    kad_h5_forget_scales(file, path);
    file->edited = true;
    if (H5Ldelete(file->id, path, H5P_DEFAULT) < 0)
        return kad_h5_fail(ctx, file, path, KAD_EDATA, "cannot be removed: %s",
                           kad_h5_reason());
    return KAD_OK;
}

kad_status kad_h5_move(kad_ctx *ctx, kad_h5 *file, const char *from, const char *to)
{
    KAD_HID(object);
    KAD_CALL(kad_h5_open_object(ctx, file, from, &object));
    KAD_CALL(kad_h5_collect_scales(ctx, file));
    KAD_CALL(kad_h5_parents(ctx, file, to));
    if (H5Lmove(file->id, from, file->id, to, H5P_DEFAULT, H5P_DEFAULT) < 0)
        return kad_h5_fail(ctx, file, from, KAD_EDATA, "cannot be moved to %s: %s", to,
                           kad_h5_reason());
    file->edited = true;
    return kad_h5_move_scales(ctx, file, from, to);
}

/* ---- names in a group ---- */

typedef struct name_list {
    kad_scope *in;
    const kad_h5 *file;
    bool hard_only, odd;
    size_t n, capacity;
    char **names;
} name_list;

static herr_t add_name(hid_t group, const char *name, const H5L_info_t *info, void *self)
{
    name_list *list = self;
    if (list->hard_only && info->type != H5L_TYPE_HARD) return 0;
    if (info->type == H5L_TYPE_HARD && kad_h5_holds_dimension(list->file, group, name))
        return 0;
    list->odd = list->odd || !kad_is_printable(name);
    if (list->n == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 16;
        char **names;
        if (kad_take(list->in, capacity, &names) != KAD_OK) return -1;
        if (list->n) memcpy(names, list->names, list->n * sizeof *names);
        list->names = names;
        list->capacity = capacity;
    }
    return kad_take_text(list->in, name, &list->names[list->n++]) == KAD_OK ? 0 : -1;
}

kad_status kad_h5_list_links(kad_scope *in, const kad_h5 *file, const char *path,
                             bool hard_only, size_t *n, char ***names)
{
    kad_ctx *ctx = in->ctx;
    kad_status status = KAD_OK;
    name_list list = {.in = in, .hard_only = hard_only, .file = file};
    hid_t group;
    *n = 0;
    *names = NULL;
    KAD_CALL(kad_h5_open_object(ctx, file, path, &group));
    if (H5Iget_type(group) != H5I_GROUP)
        status =
            kad_h5_fail(ctx, file, path, KAD_EDATA, "expected a group, found a dataset");
    else if (H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, NULL, add_name, &list) < 0)
        status = kad_h5_fail(ctx, file, path, KAD_EDATA, "cannot be listed: %s",
                             kad_h5_reason());
    else if (list.odd)
        status = kad_h5_fail(ctx, file, path, KAD_EDATA,
                             "has a member whose name cannot be printed");
    H5Oclose(group);
    if (status != KAD_OK) return status;
    *n = list.n;
    *names = list.names;
    return KAD_OK;
}

kad_status kad_h5_list(kad_scope *in, kad_h5 *file, const char *path, size_t *n,
                       char ***names)
{
    return kad_h5_list_links(in, file, path, true, n, names);
}

/* ---- attributes ---- */

/* Scalar attribute of a file type, overwriting one of that name. */
static kad_status set(kad_ctx *ctx, kad_h5 *file, const char *path, const char *name,
                      hid_t file_type, hid_t memory_type, const void *value)
{
    KAD_HID(object);
    KAD_HID(space);
    KAD_HID(attribute);
    KAD_CALL(kad_h5_open_object(ctx, file, path, &object));
    if (H5Aexists(object, name) > 0) {
        file->edited = true;
        H5Adelete(object, name);
    }
    space = H5Screate(H5S_SCALAR);
    attribute = H5Acreate2(object, name, file_type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute < 0 || H5Awrite(attribute, memory_type, value) < 0)
        return kad_h5_fail(ctx, file, path, KAD_EINTERNAL,
                           "attribute %s cannot be written: %s", name, kad_h5_reason());
    return KAD_OK;
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

/* Open an attribute; both handles are to be let go of, also on failure when >= 0. */
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

static kad_status get_number(kad_ctx *ctx, kad_h5 *file, const char *path,
                             const char *name, H5T_class_t class, hid_t memory_type,
                             void *value)
{
    KAD_HID(object);
    KAD_HID(attribute);
    KAD_HID(space);
    KAD_HID(type);
    KAD_CALL(open_attribute(ctx, file, path, name, &object, &attribute));
    space = H5Aget_space(attribute);
    type = H5Aget_type(attribute);
    /* scalars, and the arrays of one item that other writers make; integers will do where
     * reals are expected */
    H5T_class_t held = H5Tget_class(type);
    bool right = held == class || (class == H5T_FLOAT && held == H5T_INTEGER);
    if (!right || H5Tget_size(type) > 8 || H5Sget_simple_extent_npoints(space) != 1)
        return kad_h5_fail(ctx, file, path, KAD_EDATA, "attribute %s is not one %s", name,
                           class == H5T_FLOAT ? "number" : "integer");
    if (H5Aread(attribute, memory_type, value) < 0)
        return kad_h5_fail(ctx, file, path, KAD_EDATA, "attribute %s is damaged: %s",
                           name, kad_h5_reason());
    return KAD_OK;
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
    KAD_HID(object);
    KAD_HID(attribute);
    *value = NULL;
    KAD_CALL(open_attribute(in->ctx, file, path, name, &object, &attribute));
    return kad_h5_strings_of(in, file, path, attribute, true, 1, value);
}

bool kad_h5_attr_exists(const kad_h5 *file, const char *path, const char *name)
{
    KAD_HID(object);
    KAD_HID(attribute);
    kad_ctx ignored;
    kad_status status = open_attribute(&ignored, file, path, name, &object, &attribute);
    if (status == KAD_ENOMEM) kad_h5_mark_starved(file);
    return status == KAD_OK;
}

kad_status kad_h5_attr_text(kad_scope *in, kad_h5 *file, const char *path,
                            const char *name, char **value)
{
    *value = "";
    if (!kad_h5_attr_exists(file, path, name)) return KAD_OK;
    return kad_h5_attr_string(in, file, path, name, value);
}

kad_status kad_h5_describe(kad_ctx *ctx, kad_h5 *file, const char *path,
                           const char *units, const char *long_name,
                           const char *estimator)
{
    if (units) KAD_CALL(kad_h5_attr_set_string(ctx, file, path, "units", units));
    if (long_name)
        KAD_CALL(kad_h5_attr_set_string(ctx, file, path, "long_name", long_name));
    if (estimator)
        KAD_CALL(kad_h5_attr_set_string(ctx, file, path, "estimator", estimator));
    return KAD_OK;
}
