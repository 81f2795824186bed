/* The views of a trained map of images, one after the other, each stored when it is done. */
#include "run/pipeline.h"

#include "base/memory.h"
#include "views/views.h"

#include <stdio.h>
#include <string.h>

static bool is_there(const kad_h5 *file, const kad_image_view *view)
{
    char path[64];
    snprintf(path, sizeof path, "/images/%s", view->name);
    return kad_h5_exists(file, path);
}

static kad_status make(kad_pipeline *p, const kad_image_view *view, const kad_views *v,
                       kad_h5 *file)
{
    char line[KAD_VIEW_LINE];
    const bool was = is_there(file, view);
    KAD_CALL(kad_view_make(&p->app->ctx, view, v, file, line));
    if (line[0] == '\0' && !was) return KAD_OK;
    if (line[0] != '\0') kad_say(p->app, "%s", line);
    return kad_results_save(&p->app->ctx, p->run, file);
}

static kad_status count_samples(kad_ctx *ctx, kad_h5 *file, size_t *n)
{
    int rank;
    size_t dims[KAD_H5_MAX_RANK] = {0};
    KAD_CALL(kad_h5_shape(ctx, file, "/images/samples", &rank, dims));
    *n = dims[0];
    return KAD_OK;
}

static kad_status look(kad_pipeline *p, const kad_views *v, kad_h5 *file, bool anew)
{
    for (int i = 0; kad_view_list[i] != NULL; i++) {
        const kad_image_view *view = kad_view_list[i];
        if (anew || !is_there(file, view)) KAD_CALL(make(p, view, v, file));
    }
    return KAD_OK;
}

kad_status kad_images_views(kad_pipeline *p, const kad_image_store *store, kad_h5 *file,
                            bool anew)
{
    kad_ctx *ctx = &p->app->ctx;
    const kad_images_options *o = &p->options.images;
    KAD_SCOPE(scope, ctx);
    KAD_LOCAL(kad_image_map, map);
    double *theta;
    void *plan;
    size_t n_samples;
    KAD_CALL(kad_images_map_read(&scope, o, file, &map, &theta));
    KAD_CALL(count_samples(ctx, file, &n_samples));
    KAD_CALL(map->ops->plan_create(ctx, map, theta, &plan));
    const kad_views v = {&o->views,
                         map,
                         theta,
                         plan,
                         strcmp(o->recipe, "pixels") == 0,
                         kad_image_store_set(store),
                         &o->data,
                         kad_run_path(p->run),
                         p->options.model.seed,
                         n_samples};
    const kad_status status = look(p, &v, file, anew);
    map->ops->plan_destroy(plan);
    kad_image_store_rest(store);
    return status;
}
