/* Dimension scales: recorded beside the file, attached when it is saved; and the
 * repacking that puts a file into canonical order, without what its history left behind.
 */
#include "io/h5_impl.h"

#include "base/memory.h"

#include <hdf5_hl.h>
#include <stdio.h>
#include <string.h>

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

/* A recorded path at or below `from`. */
static kad_status move_path(kad_ctx *ctx, char **path, const char *from, const char *to)
{
    char moved[2 * KAD_H5_PATH_CHARS];
    if (*path == NULL || !lies_in(*path, from)) return KAD_OK;
    snprintf(moved, sizeof moved, "%s%s", to, *path + strlen(from));
    return replace(ctx, path, moved);
}

kad_status kad_h5_move_scales(kad_ctx *ctx, kad_h5 *file, const char *from,
                              const char *to)
{
    kad_status status = KAD_OK;
    for (size_t i = 0; i < file->n_scales; i++) {
        KAD_TRY(move_path(ctx, &file->scales[i].path, from, to));
        KAD_TRY(move_path(ctx, &file->scales[i].scale, from, to));
    }
done:
    return status;
}

static kad_h5_scale *find_scale(const kad_h5 *file, const char *path, int axis)
{
    for (size_t i = 0; i < file->n_scales; i++)
        if (file->scales[i].axis == axis && strcmp(file->scales[i].path, path) == 0)
            return &file->scales[i];
    return NULL;
}

const kad_h5_scale *kad_h5_find_scale(const kad_h5 *file, const char *path, int axis)
{
    return find_scale(file, path, axis);
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

kad_status kad_h5_axis_label(kad_ctx *ctx, kad_h5 *file, const char *path, int axis,
                             const char **label)
{
    *label = NULL;
    const kad_status status = kad_h5_collect_scales(ctx, file);
    const kad_h5_scale *entry = status == KAD_OK ? find_scale(file, path, axis) : NULL;
    if (entry) *label = entry->label;
    return status;
}

kad_status kad_h5_axes(kad_ctx *ctx, kad_h5 *file, const char *path, const char *labels)
{
    int rank, n_words = *labels ? 1 : 0;
    size_t dims[KAD_H5_MAX_RANK];
    kad_status status;
    for (const char *c = labels; *c; c++)
        n_words += *c == ' ';
    KAD_TRY(kad_h5_shape(ctx, file, path, &rank, dims));
    if (n_words != rank)
        KAD_TRY(kad_h5_fail(ctx, file, path, KAD_EINTERNAL, "has %d axes, not \"%s\"",
                            rank, labels));
    for (int axis = 0; axis < rank; axis++) {
        char label[KAD_H5_PATH_CHARS];
        const int n = (int)strcspn(labels, " ");
        snprintf(label, sizeof label, "%.*s", n, labels);
        KAD_TRY(kad_h5_axis(ctx, file, path, axis, label, NULL));
        labels += n + 1;
    }
done:
    return status;
}

/* ---- collecting from an opened file ---- */

static herr_t note_scale(hid_t dataset, unsigned axis, hid_t scale, void *self)
{
    kad_h5_walk *w = self;
    char name[KAD_H5_PATH_CHARS];
    (void)dataset;
    if (kad_h5_is_dimension(scale)) return 0; /* made anew when the file is saved */
    ssize_t n = H5Iget_name(scale, name, sizeof name);
    if (n <= 0 || n >= (ssize_t)sizeof name) return 0;
    w->status = kad_h5_record_scale(w->ctx, w->file, w->path, (int)axis, NULL, name);
    return w->status == KAD_OK ? 0 : -1;
}

static void collect_axes(kad_h5_walk *w, hid_t dataset)
{
    hid_t space = H5Dget_space(dataset);
    int rank = space >= 0 ? H5Sget_simple_extent_ndims(space) : 0;
    if (space >= 0) H5Sclose(space);
    for (int axis = 0; axis < rank && w->status == KAD_OK; axis++) {
        char label[KAD_H5_PATH_CHARS];
        if (H5Aexists(dataset, "DIMENSION_LIST") > 0)
            H5DSiterate_scales(dataset, (unsigned)axis, NULL, note_scale, w);
        if (H5Aexists(dataset, "DIMENSION_LABELS") <= 0) continue;
        ssize_t n = H5DSget_label(dataset, (unsigned)axis, label, sizeof label);
        if (n > 0 && n < (ssize_t)sizeof label && w->status == KAD_OK)
            w->status = kad_h5_record_scale(w->ctx, w->file, w->path, axis, label, NULL);
    }
}

static void collect_step(kad_h5_walk *w)
{
    hid_t object;
    w->status = kad_h5_open_object(w->ctx, w->file, w->path, &object);
    if (w->status != KAD_OK) return;
    H5I_type_t kind = H5Iget_type(object);
    if (kind == H5I_DATASET) collect_axes(w, object);
    H5Oclose(object);
    if (kind == H5I_GROUP && w->status == KAD_OK) kad_h5_each_member(w, collect_step);
}

kad_status kad_h5_collect_scales(kad_ctx *ctx, kad_h5 *file)
{
    if (file->scales_known) return KAD_OK;
    kad_h5_walk w = {.ctx = ctx, .file = file};
    file->scales_known = true;
    kad_h5_each_member(&w, collect_step);
    return w.status;
}
