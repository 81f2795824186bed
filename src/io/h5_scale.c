/* Dimension scales: recorded beside the file, attached when it is saved; and the
 * repacking that puts a file into canonical order, without what its history left behind.
 */
#include "io/h5_impl.h"

#include "base/memory.h"

#include <hdf5_hl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 32, PATH_CHARS = 512 };

/* ---- the record ---- */

static void clear_scale(kad_h5_scale *scale)
{
    kad_free(scale->path);
    kad_free(scale->label);
    kad_free(scale->scale);
    *scale = (kad_h5_scale){0};
}

/* True when path is `top` or lies below it. */
static bool lies_in(const char *path, const char *top)
{
    size_t n = strlen(top);
    if (n == 1) return true; /* the root */
    return strncmp(path, top, n) == 0 && (path[n] == 0 || path[n] == '/');
}

void kad_h5_forget_scales(kad_h5 *file, const char *path)
{
    size_t kept = 0;
    for (size_t i = 0; i < file->n_scales; i++) {
        kad_h5_scale *scale = &file->scales[i];
        if (scale->scale && lies_in(scale->scale, path)) {
            kad_free(scale->scale);
            scale->scale = NULL;
        }
        if (lies_in(scale->path, path) || (!scale->scale && !scale->label))
            clear_scale(scale);
        else
            file->scales[kept++] = *scale;
    }
    file->n_scales = kept;
}

static kad_status replace(kad_ctx *ctx, char **text, const char *value)
{
    char *copy = kad_strdup(value);
    if (!copy) return kad_fail(ctx, KAD_ENOMEM, "out of memory");
    kad_free(*text);
    *text = copy;
    return KAD_OK;
}

static kad_h5_scale *find_scale(const kad_h5 *file, const char *path, int axis)
{
    for (size_t i = 0; i < file->n_scales; i++)
        if (file->scales[i].axis == axis && strcmp(file->scales[i].path, path) == 0)
            return &file->scales[i];
    return NULL;
}

static kad_status add_scale(kad_ctx *ctx, kad_h5 *file, const char *path, int axis,
                            kad_h5_scale **out)
{
    kad_h5_scale *scales;
    size_t n = file->n_scales;
    kad_status status = kad_new(ctx, n + 1, sizeof *scales, &scales);
    if (status != KAD_OK) return status;
    if (n > 0) memcpy(scales, file->scales, n * sizeof *scales);
    kad_free(file->scales);
    file->scales = scales;
    status = replace(ctx, &scales[n].path, path);
    if (status != KAD_OK) return status;
    scales[n].axis = axis;
    file->n_scales++;
    *out = &scales[n];
    return KAD_OK;
}

kad_status kad_h5_record_scale(kad_ctx *ctx, kad_h5 *file, const char *path, int axis,
                               const char *label, const char *scale)
{
    kad_status status = KAD_OK;
    kad_h5_scale *entry = find_scale(file, path, axis);
    if (!entry) KAD_TRY(add_scale(ctx, file, path, axis, &entry));
    if (label) KAD_TRY(replace(ctx, &entry->label, label));
    if (scale) KAD_TRY(replace(ctx, &entry->scale, scale));
done:
    return status;
}

kad_status kad_h5_axis(kad_ctx *ctx, kad_h5 *file, const char *path, int axis,
                       const char *label, const char *scale)
{
    int rank;
    size_t dims[KAD_H5_MAX_RANK], length[KAD_H5_MAX_RANK];
    kad_status status;
    KAD_TRY(kad_h5_collect_scales(ctx, file));
    KAD_TRY(kad_h5_shape(ctx, file, path, &rank, dims));
    if (axis < 0 || axis >= rank)
        KAD_TRY(kad_h5_fail(ctx, file, path, KAD_EINTERNAL, "has no axis %d", axis));
    if (scale) {
        KAD_TRY(kad_h5_shape(ctx, file, scale, &rank, length));
        if (rank != 1 || length[0] != dims[axis] || strcmp(scale, path) == 0)
            KAD_TRY(kad_h5_fail(ctx, file, path, KAD_EINTERNAL,
                                "%s is no scale for its axis %d", scale, axis));
    }
    status = kad_h5_record_scale(ctx, file, path, axis, label, scale);
done:
    return status;
}

/* ---- collecting from an opened file ---- */

typedef struct walk {
    kad_ctx *ctx;
    kad_h5 *file;
    kad_status status;
    int depth;
    bool lenient; /* go on after what cannot be read (probing) */
    hid_t target; /* of a repacking */
    char path[PATH_CHARS];
} walk;

static herr_t note_scale(hid_t dataset, unsigned axis, hid_t scale, void *self)
{
    walk *w = self;
    char name[PATH_CHARS];
    (void)dataset;
    ssize_t n = H5Iget_name(scale, name, sizeof name);
    if (n <= 0 || n >= (ssize_t)sizeof name) return 0;
    w->status = kad_h5_record_scale(w->ctx, w->file, w->path, (int)axis, NULL, name);
    return w->status == KAD_OK ? 0 : -1;
}

static void collect_axes(walk *w, hid_t dataset)
{
    hid_t space = H5Dget_space(dataset);
    int rank = space >= 0 ? H5Sget_simple_extent_ndims(space) : 0;
    if (space >= 0) H5Sclose(space);
    for (int axis = 0; axis < rank && w->status == KAD_OK; axis++) {
        char label[PATH_CHARS];
        if (H5Aexists(dataset, "DIMENSION_LIST") > 0)
            H5DSiterate_scales(dataset, (unsigned)axis, NULL, note_scale, w);
        if (H5Aexists(dataset, "DIMENSION_LABELS") <= 0) continue;
        ssize_t n = H5DSget_label(dataset, (unsigned)axis, label, sizeof label);
        if (n > 0 && n < (ssize_t)sizeof label && w->status == KAD_OK)
            w->status = kad_h5_record_scale(w->ctx, w->file, w->path, axis, label, NULL);
    }
}

/* Soft and external links lead nowhere here. */
static bool is_hard(const walk *w)
{
    H5L_info_t link;
    return H5Lget_info(w->file->id, w->path, &link, H5P_DEFAULT) >= 0 &&
           link.type == H5L_TYPE_HARD;
}

/* Calls step with w->path set to each member of the group at w->path, by name. */
typedef void walk_step(walk *w);

static void each_member(walk *w, walk_step *step)
{
    size_t n, length = strlen(w->path);
    char **names;
    if (w->depth >= MAX_DEPTH) {
        w->status = kad_h5_fail(w->ctx, w->file, w->path, KAD_EDATA, "nested too deeply");
        return;
    }
    w->status = kad_h5_list(w->ctx, w->file, length ? w->path : "/", &n, &names);
    if (w->status != KAD_OK) return;
    w->depth++;
    for (size_t i = 0; i < n && w->status == KAD_OK; i++) {
        if (length + strlen(names[i]) + 2 > sizeof w->path) {
            w->status = kad_h5_fail(w->ctx, w->file, w->path, KAD_EDATA, "path too long");
            break;
        }
        w->path[length] = '/';
        strcpy(w->path + length + 1, names[i]);
        if (is_hard(w))
            step(w);
        else
            kad_note(w->ctx, "%s: %s: link left out: only hard links are allowed",
                     w->file->name, w->path);
        w->path[length] = 0;
        if (w->lenient) w->status = KAD_OK;
    }
    w->depth--;
    kad_h5_free_names(n, names);
}

static void collect_step(walk *w)
{
    hid_t object;
    w->status = kad_h5_open_object(w->ctx, w->file, w->path, &object);
    if (w->status != KAD_OK) return;
    H5I_type_t kind = H5Iget_type(object);
    if (kind == H5I_DATASET) collect_axes(w, object);
    H5Oclose(object);
    if (kind == H5I_GROUP && w->status == KAD_OK) each_member(w, collect_step);
}

kad_status kad_h5_collect_scales(kad_ctx *ctx, kad_h5 *file)
{
    if (file->scales_known) return KAD_OK;
    walk w = {.ctx = ctx, .file = file};
    file->scales_known = true;
    each_member(&w, collect_step);
    return w.status;
}

/* ---- repacking ---- */

/* Attributes that H5DS makes anew. */
static bool belongs_to_scales(const char *name)
{
    static const char *const names[] = {"CLASS", "NAME", "DIMENSION_LIST",
                                        "DIMENSION_LABELS", "REFERENCE_LIST"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) return true;
    return false;
}

static herr_t copy_attribute(hid_t from, const char *name, const H5A_info_t *info,
                             void *target)
{
    herr_t result = -1;
    void *data = NULL;
    (void)info;
    if (belongs_to_scales(name)) return 0;
    hid_t old = H5Aopen(from, name, H5P_DEFAULT);
    hid_t type = H5Aget_type(old), space = H5Aget_space(old);
    hid_t new = H5Acreate2(*(hid_t *)target, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    hssize_t n = H5Sget_simple_extent_npoints(space);
    if (new >= 0 && n >= 0) data = kad_alloc((size_t)n, H5Tget_size(type));
    if (data && H5Aread(old, type, data) >= 0) {
        result = H5Awrite(new, type, data);
        H5Dvlen_reclaim(type, space, H5P_DEFAULT, data);
    }
    kad_free(data);
    if (new >= 0) H5Aclose(new);
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    if (old >= 0) H5Aclose(old);
    return result < 0 ? -1 : 0;
}

static kad_status copy_attributes(walk *w, hid_t from, hid_t to)
{
    hsize_t n = 0;
    if (H5Aiterate2(from, H5_INDEX_NAME, H5_ITER_INC, &n, copy_attribute, &to) >= 0)
        return KAD_OK;
    return kad_h5_fail(w->ctx, w->file, *w->path ? w->path : "/", KAD_EDATA,
                       "an attribute cannot be copied: %s", kad_h5_reason());
}

static hid_t copy_dataset(walk *w)
{
    hid_t plist = H5Pcreate(H5P_OBJECT_COPY), copy = -1;
    if (plist >= 0 && H5Pset_copy_object(plist, H5O_COPY_WITHOUT_ATTR_FLAG) >= 0 &&
        H5Ocopy(w->file->id, w->path, w->target, w->path, plist, H5P_DEFAULT) >= 0)
        copy = H5Oopen(w->target, w->path, H5P_DEFAULT);
    hid_t reason = H5Eget_current_stack(); /* closing would forget it */
    if (plist >= 0) H5Pclose(plist);
    H5Eset_current_stack(reason);
    return copy;
}

static hid_t copy_group(walk *w)
{
    hid_t plist = H5Pcreate(H5P_GROUP_CREATE);
    H5Pset_obj_track_times(plist, 0);
    hid_t copy = H5Gcreate2(w->target, w->path, H5P_DEFAULT, plist, H5P_DEFAULT);
    if (plist >= 0) H5Pclose(plist);
    return copy;
}

static void repack_step(walk *w)
{
    hid_t object, copy;
    w->status = kad_h5_open_object(w->ctx, w->file, w->path, &object);
    if (w->status != KAD_OK) return;
    bool is_group = H5Iget_type(object) == H5I_GROUP;
    copy = is_group ? copy_group(w) : copy_dataset(w);
    if (copy < 0)
        w->status = kad_h5_fail(w->ctx, w->file, w->path, KAD_EDATA,
                                "cannot be copied: %s", kad_h5_reason());
    else
        w->status = copy_attributes(w, object, copy);
    if (copy >= 0) H5Oclose(copy);
    H5Oclose(object);
    if (is_group && w->status == KAD_OK) each_member(w, repack_step);
}

static herr_t attach(hid_t file, const kad_h5_scale *entry)
{
    hid_t dataset = H5Dopen2(file, entry->path, H5P_DEFAULT), scale = -1;
    herr_t result = dataset < 0 ? -1 : 0;
    if (result >= 0 && entry->label)
        result = H5DSset_label(dataset, (unsigned)entry->axis, entry->label);
    if (result >= 0 && entry->scale) {
        scale = H5Dopen2(file, entry->scale, H5P_DEFAULT);
        if (scale < 0) result = -1;
        if (result >= 0 && H5DSis_scale(scale) <= 0)
            result = H5DSset_scale(scale, strrchr(entry->scale, '/') + 1);
        if (result >= 0) result = H5DSattach_scale(dataset, scale, (unsigned)entry->axis);
    }
    if (scale >= 0) H5Dclose(scale);
    if (dataset >= 0) H5Dclose(dataset);
    return result;
}

static int by_place(const void *a, const void *b)
{
    const kad_h5_scale *x = a, *y = b;
    int order = strcmp(x->path, y->path);
    return order ? order : (x->axis > y->axis) - (x->axis < y->axis);
}

static kad_status repack(kad_ctx *ctx, kad_h5 *file, bool lenient, hid_t *out)
{
    walk w = {.ctx = ctx, .file = file, .lenient = lenient};
    hid_t old_root = -1, root = -1;
    w.target = kad_h5_core_create();
    *out = -1;
    if (w.target < 0)
        return kad_h5_fail(ctx, file, "/", KAD_EINTERNAL, "%s", kad_h5_reason());
    old_root = H5Oopen(file->id, "/", H5P_DEFAULT);
    root = H5Oopen(w.target, "/", H5P_DEFAULT);
    w.status = copy_attributes(&w, old_root, root);
    if (w.status == KAD_OK) each_member(&w, repack_step);
    if (file->n_scales > 0)
        qsort(file->scales, file->n_scales, sizeof *file->scales, by_place);
    for (size_t i = 0; i < file->n_scales && w.status == KAD_OK; i++)
        if (attach(w.target, &file->scales[i]) < 0 && !lenient)
            w.status = kad_h5_fail(ctx, file, file->scales[i].path, KAD_EINTERNAL,
                                   "axis %d cannot be given its scale: %s",
                                   file->scales[i].axis, kad_h5_reason());
    if (root >= 0) H5Oclose(root);
    if (old_root >= 0) H5Oclose(old_root);
    if (w.status == KAD_OK)
        *out = w.target;
    else
        H5Fclose(w.target);
    return w.status;
}

kad_status kad_h5_repack(kad_ctx *ctx, kad_h5 *file, hid_t *out)
{
    return repack(ctx, file, false, out);
}

/* ---- reading through ---- */

static void read_step(walk *w)
{
    hid_t object;
    w->status = kad_h5_open_object(w->ctx, w->file, w->path, &object);
    if (w->status != KAD_OK) return;
    H5I_type_t kind = H5Iget_type(object);
    if (kind == H5I_DATASET) w->status = kad_h5_drain(w->ctx, w->file, w->path, object);
    H5Oclose(object);
    if (kind == H5I_GROUP && w->status == KAD_OK) each_member(w, read_step);
}

void kad_h5_read_through(kad_ctx *ctx, kad_h5 *file)
{
    walk w = {.ctx = ctx, .file = file, .lenient = true};
    hid_t copy;
    each_member(&w, read_step);
    if (repack(ctx, file, true, &copy) == KAD_OK) H5Fclose(copy);
}
