/* Whether a sweep's points can run, before anything exists. */
#include "run/pipeline.h"
#include "sweep/sweep.h"

#include <stdlib.h>
#include <string.h>

/* The point as `run` would check it: its config, its model, its training. */
static kad_status check_model(kad_app *app, const kad_sweep *s, int n,
                              const char *const *overrides)
{
    kad_pipeline p = {.app = app};
    kad_status status = kad_pipeline_check(&p, s->base, s->name, n, overrides);
    kad_pipeline_release(&p);
    return status;
}

static kad_status check_keys(kad_app *app, const kad_sweep *s, int n,
                             const char *const *overrides)
{
    KAD_LOCAL(kad_config, config);
    return kad_config_parse(&app->ctx, &s->schema, s->base, s->name, n, overrides,
                            &config);
}

/* A value that none of the points checked wholly so far has. */
static bool is_new(const kad_sweep *s, const kad_sweep_point *point, int n_checked,
                   const int *checked)
{
    for (int k = 0; k < s->n_keys; k++) {
        bool seen = point->value[k] == NULL;
        for (int i = 0; i < n_checked && !seen; i++) {
            const char *other = s->point[checked[i]].value[k];
            seen = other != NULL && strcmp(other, point->value[k]) == 0;
        }
        if (!seen) return true;
    }
    return false;
}

kad_status kad_sweep_check(kad_app *app, const kad_sweep *s)
{
    KAD_SCOPE(scope, &app->ctx);
    int n_checked = 0, *checked;
    char label[256];
    KAD_CALL(kad_take(&scope, (size_t)s->n_points, &checked));
    for (int i = 0; i < s->n_points; i++) {
        KAD_SCOPE(of_point, &app->ctx);
        const kad_sweep_point *point = &s->point[i];
        const char **overrides;
        int n;
        if (!point->wanted) continue;
        const bool whole = is_new(s, point, n_checked, checked);
        KAD_CALL(kad_sweep_overrides(&of_point, app, s, point, &n, &overrides));
        const kad_status status =
            whole ? check_model(app, s, n, overrides) : check_keys(app, s, n, overrides);
        if (status == KAD_ECONFIG)
            return kad_fail(&app->ctx, status, "%.300s (point %d: %s)", app->ctx.message,
                            point->number,
                            kad_sweep_label(s, point, sizeof label, label));
        KAD_CALL(status);
        if (whole) checked[n_checked++] = i;
    }
    return KAD_OK;
}
