/* Walks over the objects of a file: counting values, reading all of them, and repacking,
 * which makes a fresh file of the same contents in the order of names, without what the
 * history of the old one left behind, its dimension scales attached. */
#include "io/h5_impl.h"

#include "base/memory.h"

#include <hdf5_hl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 32 };

/* Soft and external links lead nowhere here. */
static bool is_hard(const kad_h5_walk *w)
{
    H5L_info_t link;
    return H5Lget_info(w->file->id, w->path, &link, H5P_DEFAULT) >= 0 &&
           link.type == H5L_TYPE_HARD;
}

void kad_h5_each_member(kad_h5_walk *w, kad_h5_step *step)
{
    KAD_SCOPE(scope, w->ctx);
    size_t n, length = strlen(w->path);
    char **names;
    if (w->depth >= MAX_DEPTH) {
        w->status = kad_h5_fail(w->ctx, w->file, w->path, KAD_EDATA, "nested too deeply");
        return;
    }
    w->status =
        kad_h5_list_links(&scope, w->file, length ? w->path : "/", false, &n, &names);
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
        else if (w->target > 0) /* a copy will lack it */
            kad_note(w->ctx, "%s: %s: link left out: only hard links are allowed",
                     w->file->name, w->path);
        w->path[length] = 0;
        if (w->lenient) w->status = KAD_OK;
    }
    w->depth--;
}

static void count_step(kad_h5_walk *w)
{
    hid_t object;
    w->status = kad_h5_open_member(w->ctx, w->file, w->path, &object);
    if (w->status != KAD_OK) return;
    const H5I_type_t kind = H5Iget_type(object);
    if (kind == H5I_DATASET) {
        const hid_t space = H5Dget_space(object);
        const hssize_t n = space >= 0 ? H5Sget_simple_extent_npoints(space) : -1;
        if (space >= 0) H5Sclose(space);
        if (n < 0)
            w->status = kad_h5_fail(w->ctx, w->file, w->path, KAD_EDATA, "has no shape");
        else
            w->n_values += (size_t)n;
    }
    H5Oclose(object);
    if (kind == H5I_GROUP && w->status == KAD_OK) kad_h5_each_member(w, count_step);
}

kad_status kad_h5_count(kad_ctx *ctx, kad_h5 *file, const char *path, size_t *n)
{
    kad_h5_walk w = {.ctx = ctx, .file = file};
    snprintf(w.path, sizeof w.path, "%s", path);
    kad_h5_each_member(&w, count_step);
    *n = w.n_values;
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

static kad_status copy_attributes(kad_h5_walk *w, hid_t from, hid_t to)
{
    hsize_t n = 0;
    if (H5Aiterate2(from, H5_INDEX_NAME, H5_ITER_INC, &n, copy_attribute, &to) >= 0)
        return KAD_OK;
    return kad_h5_fail(w->ctx, w->file, *w->path ? w->path : "/", KAD_EDATA,
                       "an attribute cannot be copied: %s", kad_h5_reason());
}

/* Filtered chunks as they are, in the order of the grid. */
static herr_t copy_chunks(hid_t from, hid_t to, int rank, const size_t *dims,
                          const hsize_t *chunk)
{
    hsize_t offset[KAD_H5_MAX_RANK] = {0}, stored;
    for (int i = 0; i < rank; i++)
        if (dims[i] == 0) return 0;
    for (;;) {
        if (H5Dget_chunk_storage_size(from, offset, &stored) >= 0 && stored > 0) {
            uint32_t mask = 0;
            void *data = kad_alloc((size_t)stored, 1);
            herr_t result = -1;
            if (data && H5Dread_chunk(from, H5P_DEFAULT, offset, &mask, data) >= 0)
                result =
                    H5Dwrite_chunk(to, H5P_DEFAULT, mask, offset, (size_t)stored, data);
            kad_free(data);
            if (result < 0) return -1;
        }
        int axis = rank - 1;
        while (axis >= 0 && (offset[axis] += chunk[axis]) >= dims[axis])
            offset[axis--] = 0;
        if (axis < 0) return 0;
    }
}

static herr_t copy_values(hid_t from, hid_t to, hid_t type, hid_t space, hid_t plist)
{
    int rank;
    size_t dims[KAD_H5_MAX_RANK], n = 1;
    hsize_t chunk[KAD_H5_MAX_RANK];
    if (!kad_h5_space_shape(space, &rank, dims)) return -1;
    if (H5Pget_layout(plist) == H5D_CHUNKED)
        return H5Pget_chunk(plist, rank, chunk) == rank
                   ? copy_chunks(from, to, rank, dims, chunk)
                   : -1;
    for (int i = 0; i < rank; i++)
        if (!kad_size_mul(n, dims[i], &n)) return -1;
    if (n == 0 || H5Dget_storage_size(from) == 0) return 0;
    herr_t result = -1;
    void *data = kad_alloc(n, H5Tget_size(type));
    if (data && H5Dread(from, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0) {
        result = H5Dwrite(to, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data);
        H5Dvlen_reclaim(type, space, H5P_DEFAULT, data);
    }
    kad_free(data);
    return result;
}

/* Made anew rather than by H5Ocopy, whose object headers remember their history. */
static hid_t copy_dataset(kad_h5_walk *w, hid_t from)
{
    hid_t type = H5Dget_type(from), space = H5Dget_space(from);
    hid_t plist = H5Dget_create_plist(from), copy = -1;
    if (type >= 0 && space >= 0 && plist >= 0 && H5Pset_obj_track_times(plist, 0) >= 0)
        copy =
            H5Dcreate2(w->target, w->path, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    bool good = copy >= 0 && copy_values(from, copy, type, space, plist) >= 0;
    hid_t reason = H5Eget_current_stack(); /* closing would forget it */
    if (type >= 0) H5Tclose(type);
    if (space >= 0) H5Sclose(space);
    if (plist >= 0) H5Pclose(plist);
    if (copy >= 0 && !good) H5Dclose(copy);
    H5Eset_current_stack(reason);
    return good ? copy : -1;
}

static hid_t copy_group(kad_h5_walk *w)
{
    hid_t plist = H5Pcreate(H5P_GROUP_CREATE);
    H5Pset_obj_track_times(plist, 0);
    hid_t copy = H5Gcreate2(w->target, w->path, H5P_DEFAULT, plist, H5P_DEFAULT);
    if (plist >= 0) H5Pclose(plist);
    return copy;
}

static void repack_step(kad_h5_walk *w)
{
    hid_t object, copy;
    w->status = kad_h5_open_member(w->ctx, w->file, w->path, &object);
    if (w->status != KAD_OK) return;
    bool is_group = H5Iget_type(object) == H5I_GROUP;
    copy = is_group ? copy_group(w) : copy_dataset(w, object);
    if (copy < 0)
        w->status = kad_h5_fail(w->ctx, w->file, w->path, KAD_EDATA,
                                "cannot be copied: %s", kad_h5_reason());
    else
        w->status = copy_attributes(w, object, copy);
    if (copy >= 0) H5Oclose(copy);
    H5Oclose(object);
    if (is_group && w->status == KAD_OK) kad_h5_each_member(w, repack_step);
}

/* Its label, and its scale too unless all axes get theirs in one order afterwards. */
static herr_t attach(hid_t file, const kad_h5_scale *entry, bool with_scale)
{
    hid_t dataset = H5Dopen2(file, entry->path, H5P_DEFAULT);
    herr_t result = dataset < 0 ? -1 : 0;
    if (result >= 0 && entry->label)
        result = H5DSset_label(dataset, (unsigned)entry->axis, entry->label);
    if (result >= 0 && entry->scale && with_scale) {
        hid_t scale = kad_h5_open_scale(file, entry->scale);
        result = scale < 0 ? -1 : H5DSattach_scale(dataset, scale, (unsigned)entry->axis);
        if (scale >= 0) H5Dclose(scale);
    }
    if (dataset >= 0) H5Dclose(dataset);
    return result;
}

static kad_status repack(kad_ctx *ctx, kad_h5 *file, bool all_scales, bool lenient,
                         hid_t *out)
{
    kad_h5_walk w = {.ctx = ctx, .file = file, .lenient = lenient};
    hid_t old_root = -1, root = -1;
    w.target = kad_h5_core_create();
    *out = -1;
    if (w.target < 0)
        return kad_h5_fail(ctx, file, "/", KAD_EINTERNAL, "%s", kad_h5_reason());
    old_root = H5Oopen(file->id, "/", H5P_DEFAULT);
    root = H5Oopen(w.target, "/", H5P_DEFAULT);
    w.status = copy_attributes(&w, old_root, root);
    if (w.status == KAD_OK) kad_h5_each_member(&w, repack_step);
    kad_h5_sort_scales(file);
    for (size_t i = 0; i < file->n_scales && w.status == KAD_OK; i++)
        if (attach(w.target, &file->scales[i], !all_scales) < 0 && !lenient)
            w.status = kad_h5_fail(ctx, file, file->scales[i].path, KAD_EINTERNAL,
                                   "axis %d cannot be given its scale: %s",
                                   file->scales[i].axis, kad_h5_reason());
    if (all_scales && w.status == KAD_OK) {
        w.status = kad_h5_complete_scales(ctx, file, w.target);
        if (lenient) w.status = KAD_OK;
    }
    if (root >= 0) H5Oclose(root);
    if (old_root >= 0) H5Oclose(old_root);
    if (w.status == KAD_OK)
        *out = w.target;
    else
        H5Fclose(w.target);
    return w.status;
}

kad_status kad_h5_repack(kad_ctx *ctx, kad_h5 *file, bool all_scales, hid_t *out)
{
    return repack(ctx, file, all_scales, false, out);
}

/* ---- reading through ---- */

static void read_step(kad_h5_walk *w)
{
    hid_t object;
    w->status = kad_h5_open_member(w->ctx, w->file, w->path, &object);
    if (w->status != KAD_OK) return;
    H5I_type_t kind = H5Iget_type(object);
    if (kind == H5I_DATASET) w->status = kad_h5_drain(w->ctx, w->file, w->path, object);
    H5Oclose(object);
    if (kind == H5I_GROUP && w->status == KAD_OK) kad_h5_each_member(w, read_step);
}

void kad_h5_read_through(kad_ctx *ctx, kad_h5 *file)
{
    kad_h5_walk w = {.ctx = ctx, .file = file, .lenient = true};
    hid_t copy;
    kad_h5_each_member(&w, read_step);
    if (repack(ctx, file, true, true, &copy) == KAD_OK) H5Fclose(copy);
}
