/* Dimension scales: recorded beside the file, attached when it is saved, then completed:
 * every axis of a results file has one, as netCDF and xarray want it. An axis that was given
 * none takes the one-dimensional dataset of its group that has the axis's name and length
 * (strings too: the names of observables), else a dataset of netCDF's kind that has a name
 * and a length and no values. Such ones exist on disk only: listings, counts and rewriting
 * pass over them. */
#include "io/h5_impl.h"

#include "base/memory.h"

#include <hdf5_hl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- dimensions without values ---- */

/* What netCDF-4 writes as the NAME of a dimension without coordinates (the length
 * follows), and looks for. */
static const char bare[] = "This is a netCDF dimension but not a netCDF variable.";

enum { BARE_CHARS = sizeof bare + 10 };

/* The name of a scale, or what fits of it; false: it is none. */
static bool scale_name(hid_t dataset, char *name, size_t size)
{
    *name = 0;
    return H5Iget_type(dataset) == H5I_DATASET && H5Aexists(dataset, "CLASS") > 0 &&
           H5DSis_scale(dataset) > 0 && H5DSget_scale_name(dataset, name, size) >= 0;
}

/* A dimension without coordinates, made when a file is saved. */
static bool is_dimension(hid_t object)
{
    char name[BARE_CHARS + 1];
    return scale_name(object, name, sizeof name) &&
           strncmp(name, bare, sizeof bare - 1) == 0;
}

bool kad_h5_holds_dimension(const kad_h5 *file, hid_t group, const char *name)
{
    const hid_t object = H5Oopen(group, name, H5P_DEFAULT);
    const bool is = object >= 0 && is_dimension(object);
    if (object < 0 && kad_h5_starved(file)) kad_h5_mark_starved(file);
    if (object >= 0) H5Oclose(object);
    return is;
}

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
    for (size_t i = 0; i < file->n_scales; i++) {
        KAD_CALL(move_path(ctx, &file->scales[i].path, from, to));
        KAD_CALL(move_path(ctx, &file->scales[i].scale, from, to));
    }
    return KAD_OK;
}

static kad_h5_scale *find_record(const kad_h5 *file, const char *path, int axis)
{
    for (size_t i = 0; i < file->n_scales; i++)
        if (file->scales[i].axis == axis && strcmp(file->scales[i].path, path) == 0)
            return &file->scales[i];
    return NULL;
}

static int by_place(const void *a, const void *b)
{
    const kad_h5_scale *x = a, *y = b;
    const int order = strcmp(x->path, y->path);
    return order ? order : (x->axis > y->axis) - (x->axis < y->axis);
}

void kad_h5_sort_scales(kad_h5 *file)
{
    if (file->n_scales > 0)
        qsort(file->scales, file->n_scales, sizeof *file->scales, by_place);
}

static const kad_h5_scale *find_sorted(const kad_h5 *file, const char *path, int axis)
{
    const kad_h5_scale key = {.path = (char *)path, .axis = axis};
    if (file->n_scales == 0) return NULL;
    return bsearch(&key, file->scales, file->n_scales, sizeof key, by_place);
}

static kad_status add_scale(kad_ctx *ctx, kad_h5 *file, const char *path, int axis,
                            kad_h5_scale **out)
{
    const size_t n = file->n_scales;
    if (n == file->scales_capacity) {
        const size_t capacity = n > 0 ? 2 * n : 64;
        kad_h5_scale *scales;
        KAD_CALL(kad_new(ctx, capacity, sizeof *scales, &scales));
        if (n > 0) memcpy(scales, file->scales, n * sizeof *scales);
        kad_free(file->scales);
        file->scales = scales;
        file->scales_capacity = capacity;
    }
    *out = &file->scales[n];
    **out = (kad_h5_scale){.axis = axis};
    KAD_CALL(replace(ctx, &(*out)->path, path));
    file->n_scales++;
    return KAD_OK;
}

static kad_status record_scale(kad_ctx *ctx, kad_h5 *file, const char *path, int axis,
                               const char *label, const char *scale)
{
    kad_h5_scale *entry = find_record(file, path, axis);
    if (!entry) KAD_CALL(add_scale(ctx, file, path, axis, &entry));
    if (label) KAD_CALL(replace(ctx, &entry->label, label));
    if (scale) KAD_CALL(replace(ctx, &entry->scale, scale));
    return KAD_OK;
}

kad_status kad_h5_axis(kad_ctx *ctx, kad_h5 *file, const char *path, int axis,
                       const char *label, const char *scale)
{
    int rank;
    size_t dims[KAD_H5_MAX_RANK], length[KAD_H5_MAX_RANK];
    KAD_CALL(kad_h5_collect_scales(ctx, file));
    KAD_CALL(kad_h5_shape(ctx, file, path, &rank, dims));
    if (axis < 0 || axis >= rank)
        KAD_CALL(kad_h5_fail(ctx, file, path, KAD_EINTERNAL, "has no axis %d", axis));
    if (scale) {
        KAD_CALL(kad_h5_shape(ctx, file, scale, &rank, length));
        if (rank != 1 || length[0] != dims[axis] || strcmp(scale, path) == 0)
            KAD_CALL(kad_h5_fail(ctx, file, path, KAD_EINTERNAL,
                                 "%s is no scale for its axis %d", scale, axis));
    }
    return record_scale(ctx, file, path, axis, label, scale);
}

kad_status kad_h5_axis_label(kad_ctx *ctx, kad_h5 *file, const char *path, int axis,
                             const char **label)
{
    *label = NULL;
    const kad_status status = kad_h5_collect_scales(ctx, file);
    const kad_h5_scale *entry = status == KAD_OK ? find_record(file, path, axis) : NULL;
    if (entry) *label = entry->label;
    return status;
}

kad_status kad_h5_axes(kad_ctx *ctx, kad_h5 *file, const char *path, const char *labels)
{
    int rank, n_words = *labels ? 1 : 0;
    size_t dims[KAD_H5_MAX_RANK];
    for (const char *c = labels; *c; c++)
        n_words += *c == ' ';
    KAD_CALL(kad_h5_shape(ctx, file, path, &rank, dims));
    if (n_words != rank)
        KAD_CALL(kad_h5_fail(ctx, file, path, KAD_EINTERNAL, "has %d axes, not \"%s\"",
                             rank, labels));
    for (int axis = 0; axis < rank; axis++) {
        char label[KAD_H5_PATH_CHARS];
        const int n = (int)strcspn(labels, " ");
        snprintf(label, sizeof label, "%.*s", n, labels);
        KAD_CALL(kad_h5_axis(ctx, file, path, axis, label, NULL));
        labels += n + 1;
    }
    return KAD_OK;
}

/* ---- collecting from an opened file ---- */

/* Scales by their addresses: HDF5 looks through the whole file for the name of one. */
typedef struct address {
    haddr_t at;
    char *path; /* NULL: a dimension, made anew when the file is saved */
} address;

typedef struct address_list {
    kad_scope *in;
    size_t n, capacity;
    address *item;
} address_list;

static int by_address(const void *a, const void *b)
{
    const haddr_t x = ((const address *)a)->at, y = ((const address *)b)->at;
    return (x > y) - (x < y);
}

static kad_status list_scale(kad_h5_walk *w, hid_t dataset)
{
    address_list *list = w->own;
    H5O_info_t info;
    if (H5Aexists(dataset, "CLASS") <= 0 || H5DSis_scale(dataset) <= 0 ||
        H5Oget_info2(dataset, &info, H5O_INFO_BASIC) < 0)
        return KAD_OK;
    if (list->n == list->capacity) {
        address *more;
        const size_t capacity = list->n > 0 ? 2 * list->n : 64;
        KAD_CALL(kad_take(list->in, capacity, &more));
        if (list->n > 0) memcpy(more, list->item, list->n * sizeof *more);
        list->item = more;
        list->capacity = capacity;
    }
    list->item[list->n] = (address){.at = info.addr};
    if (!is_dimension(dataset))
        KAD_CALL(
            kad_take_text(list->in, w->path, (const char **)&list->item[list->n].path));
    list->n++;
    return KAD_OK;
}

static void list_step(kad_h5_walk *w)
{
    hid_t object;
    w->status = kad_h5_open_member(w->ctx, w->file, w->path, &object);
    if (w->status != KAD_OK) return;
    const H5I_type_t kind = H5Iget_type(object);
    if (kind == H5I_DATASET) w->status = list_scale(w, object);
    H5Oclose(object);
    if (kind == H5I_GROUP && w->status == KAD_OK) kad_h5_each_member(w, list_step);
}

static herr_t note_scale(hid_t dataset, unsigned axis, hid_t scale, void *self)
{
    kad_h5_walk *w = self;
    const address_list *list = w->own;
    address key = {0};
    H5O_info_t info;
    (void)dataset;
    if (list->n == 0 || H5Oget_info2(scale, &info, H5O_INFO_BASIC) < 0) return 0;
    key.at = info.addr;
    const address *known = bsearch(&key, list->item, list->n, sizeof key, by_address);
    if (known == NULL || known->path == NULL) return 0;
    w->status = record_scale(w->ctx, w->file, w->path, (int)axis, NULL, known->path);
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
            w->status = record_scale(w->ctx, w->file, w->path, axis, label, NULL);
    }
}

static void collect_step(kad_h5_walk *w)
{
    hid_t object;
    w->status = kad_h5_open_member(w->ctx, w->file, w->path, &object);
    if (w->status != KAD_OK) return;
    H5I_type_t kind = H5Iget_type(object);
    if (kind == H5I_DATASET) collect_axes(w, object);
    H5Oclose(object);
    if (kind == H5I_GROUP && w->status == KAD_OK) kad_h5_each_member(w, collect_step);
}

kad_status kad_h5_collect_scales(kad_ctx *ctx, kad_h5 *file)
{
    if (file->scales_known) return KAD_OK;
    KAD_SCOPE(scope, ctx);
    address_list list = {.in = &scope};
    kad_h5_walk w = {.ctx = ctx, .file = file, .own = &list};
    file->scales_known = true;
    kad_h5_each_member(&w, list_step);
    if (w.status != KAD_OK) return w.status;
    if (list.n > 0) qsort(list.item, list.n, sizeof *list.item, by_address);
    kad_h5_each_member(&w, collect_step);
    return w.status;
}

/* ---- completing ---- */

/* The dataset whose axes are being completed. */
typedef struct place {
    hid_t target, dataset, group;
    const char *name; /* in the group */
    int rank, axis;
    hsize_t extent[KAD_H5_MAX_RANK];
    hid_t scale[KAD_H5_MAX_RANK]; /* of the axes so far */
} place;

static bool axis_label(hid_t dataset, int axis, char *label, size_t size)
{
    *label = 0;
    return H5Aexists(dataset, "DIMENSION_LABELS") > 0 &&
           H5DSget_label(dataset, (unsigned)axis, label, size) > 0;
}

/* One-dimensional, of the right length, its own axis without another name or scale. */
static bool suits(const place *p, hid_t candidate, const char *name)
{
    char label[KAD_H5_PATH_CHARS];
    int rank;
    size_t dims[KAD_H5_MAX_RANK];
    const hid_t space = H5Dget_space(candidate);
    const bool fits = kad_h5_space_shape(space, &rank, dims) && rank == 1 &&
                      dims[0] == p->extent[p->axis];
    if (space >= 0) H5Sclose(space);
    if (!fits) return false;
    if (H5DSis_scale(candidate) > 0) return true;
    return H5Aexists(candidate, "DIMENSION_LIST") <= 0 &&
           (!axis_label(candidate, 0, label, sizeof label) || strcmp(label, name) == 0);
}

static bool is_used(const place *p, hid_t candidate)
{
    H5O_info_t is, was;
    if (H5Oget_info2(candidate, &is, H5O_INFO_BASIC) < 0) return true;
    for (int k = 0; k < p->axis; k++)
        if (p->scale[k] >= 0 && H5Oget_info2(p->scale[k], &was, H5O_INFO_BASIC) >= 0 &&
            was.addr == is.addr)
            return true;
    return false;
}

/* A name and a length without values: others read zeros. */
static hid_t create_bare(const place *p, const char *name)
{
    char text[BARE_CHARS + 1];
    const hsize_t n = p->extent[p->axis];
    const hid_t space = H5Screate_simple(1, &n, NULL);
    const hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    hid_t made = -1;
    snprintf(text, sizeof text, "%s%10llu", bare, (unsigned long long)n);
    if (space >= 0 && plist >= 0 && H5Pset_obj_track_times(plist, 0) >= 0)
        made = H5Dcreate2(p->group, name, H5T_IEEE_F32BE, space, H5P_DEFAULT, plist,
                          H5P_DEFAULT);
    if (made >= 0 && H5DSset_scale(made, text) < 0) {
        H5Dclose(made);
        made = -1;
    }
    if (plist >= 0) H5Pclose(plist);
    if (space >= 0) H5Sclose(space);
    return made;
}

/* What a name is worth as the scale of an axis. */
typedef enum verdict { FITS, IN_USE, MISFIT } verdict;

/* The scale of this name, found or made. IN_USE: by an axis before this one. */
static verdict scale_of_name(const place *p, const char *name, hid_t *scale)
{
    if (H5Lexists(p->group, name, H5P_DEFAULT) <= 0) {
        *scale = create_bare(p, name);
        return FITS;
    }
    verdict worth = MISFIT;
    hid_t candidate = H5Oopen(p->group, name, H5P_DEFAULT);
    if (candidate >= 0 && H5Iget_type(candidate) == H5I_DATASET &&
        suits(p, candidate, name))
        worth = is_used(p, candidate) ? IN_USE : FITS;
    if (worth == FITS &&
        (H5DSis_scale(candidate) > 0 || H5DSset_scale(candidate, name) >= 0))
        *scale = candidate;
    else if (candidate >= 0)
        H5Oclose(candidate);
    return worth;
}

/* Of the axis's name, or that name with its length where the name means something else;
 * numbered for the second axis of a matrix. */
static hid_t find_scale(const place *p, const char *label)
{
    char base[KAD_H5_PATH_CHARS + 32], name[KAD_H5_PATH_CHARS + 64];
    hid_t scale = -1;
    for (int with_length = 0; with_length < 2; with_length++) {
        verdict worth = IN_USE;
        snprintf(base, sizeof base, with_length ? "%s_n%llu" : "%s", label,
                 (unsigned long long)p->extent[p->axis]);
        for (int number = 1; number <= KAD_H5_MAX_RANK && worth == IN_USE; number++) {
            snprintf(name, sizeof name, number > 1 ? "%s_%d" : "%s", base, number);
            worth = scale_of_name(p, name, &scale);
        }
        if (worth == FITS) break;
    }
    return scale;
}

hid_t kad_h5_open_scale(hid_t target, const char *path)
{
    hid_t scale = H5Dopen2(target, path, H5P_DEFAULT);
    if (scale < 0 || H5DSis_scale(scale) > 0 ||
        H5DSset_scale(scale, strrchr(path, '/') + 1) >= 0)
        return scale;
    H5Dclose(scale);
    return -1;
}

/* Axes with a label or a recorded scale come first, those without a name later. */
static bool complete_axis(place *p, const kad_h5_scale *entry, bool nameless)
{
    char label[KAD_H5_PATH_CHARS];
    hid_t *scale = &p->scale[p->axis];
    if ((entry == NULL) != nameless) return true;
    if (entry != NULL && entry->scale != NULL) {
        *scale = kad_h5_open_scale(p->target, entry->scale);
    } else {
        if (entry != NULL)
            snprintf(label, sizeof label, "%s", entry->label);
        else
            snprintf(label, sizeof label, "n%llu",
                     (unsigned long long)p->extent[p->axis]);
        if (p->rank == 1 && strcmp(label, p->name) == 0) /* a coordinate itself */
            return H5DSset_scale(p->dataset, p->name) >= 0;
        *scale = find_scale(p, label);
    }
    return *scale >= 0 && H5DSattach_scale(p->dataset, *scale, (unsigned)p->axis) >= 0;
}

static bool complete(place *p, const kad_h5 *file, const char *path, bool nameless)
{
    bool good = true;
    if (H5DSis_scale(p->dataset) > 0) return true;
    const hid_t space = H5Dget_space(p->dataset);
    p->rank = space >= 0 ? H5Sget_simple_extent_ndims(space) : -1;
    if (p->rank > 0 && p->rank <= KAD_H5_MAX_RANK)
        H5Sget_simple_extent_dims(space, p->extent, NULL);
    if (space >= 0) H5Sclose(space);
    if (p->rank < 0 || p->rank > KAD_H5_MAX_RANK) return false;
    for (int k = 0; k < p->rank; k++)
        p->scale[k] = -1;
    for (p->axis = 0; p->axis < p->rank && good; p->axis++)
        good = complete_axis(p, find_sorted(file, path, p->axis), nameless);
    for (int k = 0; k < p->rank; k++)
        if (p->scale[k] >= 0) H5Oclose(p->scale[k]);
    return good;
}

static void complete_at(kad_h5_walk *w, bool nameless, kad_h5_step *step)
{
    hid_t object;
    w->status = kad_h5_open_member(w->ctx, w->file, w->path, &object);
    if (w->status != KAD_OK) return;
    const H5I_type_t kind = H5Iget_type(object);
    if (kind == H5I_DATASET) {
        char parent[KAD_H5_PATH_CHARS];
        const char *slash = strrchr(w->path, '/');
        snprintf(parent, sizeof parent, "%.*s", (int)(slash - w->path), w->path);
        place p = {.dataset = object, .name = slash + 1, .target = w->file->id};
        p.group = H5Oopen(w->file->id, *parent ? parent : "/", H5P_DEFAULT);
        if (p.group < 0 || !complete(&p, w->source, w->path, nameless))
            w->status = kad_h5_fail(w->ctx, w->file, w->path, KAD_EINTERNAL,
                                    "axis %d cannot be given a scale: %s", p.axis,
                                    kad_h5_reason());
        if (p.group >= 0) H5Oclose(p.group);
    }
    H5Oclose(object);
    if (kind == H5I_GROUP && w->status == KAD_OK) kad_h5_each_member(w, step);
}

static void name_step(kad_h5_walk *w)
{
    complete_at(w, false, name_step);
}

static void nameless_step(kad_h5_walk *w)
{
    complete_at(w, true, nameless_step);
}

/* Scales have no scales: all that are recorded are made before any axis gets one. */
static void make_scales(const kad_h5 *file, hid_t target)
{
    for (size_t i = 0; i < file->n_scales; i++) {
        const char *path = file->scales[i].scale;
        const hid_t scale = path ? kad_h5_open_scale(target, path) : -1;
        if (scale >= 0) H5Dclose(scale);
    }
}

kad_status kad_h5_complete_scales(kad_ctx *ctx, const kad_h5 *file, hid_t target)
{
    kad_h5 fresh = {.id = target,
                    .name = file->name,
                    .vouched = file->vouched,
                    .starved = file->starved};
    kad_h5_walk w = {.ctx = ctx, .file = &fresh, .source = file};
    make_scales(file, target);
    kad_h5_each_member(&w, name_step);
    if (w.status == KAD_OK) kad_h5_each_member(&w, nameless_step);
    return w.status;
}
