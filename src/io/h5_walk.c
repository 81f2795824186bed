/* Walks over the objects of a file. */
#include "io/h5_impl.h"

#include <stdio.h>
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
    w->status = kad_h5_open_object(w->ctx, w->file, w->path, &object);
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
