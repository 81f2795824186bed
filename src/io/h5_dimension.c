/* Every axis of a results file has a dimension scale when it is saved, as netCDF and
 * xarray want it. An axis that was given none takes the one-dimensional dataset of its
 * group that has the axis's name and length (strings too: the names of observables), else
 * a dataset of netCDF's kind that has a name and a length and no values. Such ones exist
 * on disk only: listings, counts and rewriting pass over them. */
#include "io/h5_impl.h"

#include <hdf5_hl.h>
#include <stdio.h>
#include <string.h>

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

bool kad_h5_is_dimension(hid_t object)
{
    char name[BARE_CHARS + 1];
    return scale_name(object, name, sizeof name) &&
           strncmp(name, bare, sizeof bare - 1) == 0;
}

bool kad_h5_holds_dimension(const kad_h5 *file, hid_t group, const char *name)
{
    const hid_t object = H5Oopen(group, name, H5P_DEFAULT);
    const bool is = object >= 0 && kad_h5_is_dimension(object);
    if (object < 0 && kad_h5_starved(file)) kad_h5_mark_starved(file);
    if (object >= 0) H5Oclose(object);
    return is;
}

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
        good = complete_axis(p, kad_h5_find_scale(file, path, p->axis), nameless);
    for (int k = 0; k < p->rank; k++)
        if (p->scale[k] >= 0) H5Oclose(p->scale[k]);
    return good;
}

static void complete_at(kad_h5_walk *w, bool nameless, kad_h5_step *step)
{
    hid_t object;
    w->status = kad_h5_open_object(w->ctx, w->file, w->path, &object);
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
