/* Which of a family of maps the functions of the trained map take. */
#include "api/study.h"
#include "train/family.h"

typedef struct choice {
    size_t n;
    const char *const *names;
    const double *values;
} choice;

/* Of the config's own couplings those that are named. */
static kad_status find_member(kad_study *study, const choice *c, kad_family_point *at)
{
    kad_ctx *ctx = &study->app.ctx;
    const kad_model *model = study->job.model;
    if (!kad_family_is(&model->family))
        return kad_fail(ctx, KAD_EUSAGE,
                        "%s has one map: only of a family of maps one can be chosen",
                        study->app.out);
    if (c->n > 0 && (c->names == NULL || c->values == NULL))
        return kad_fail(ctx, KAD_EUSAGE, "an array that is needed is NULL");
    if (!study->has_own) study->own = kad_family_of(&model->family, model->action);
    study->has_own = true;
    *at = study->own;
    for (size_t i = 0; i < c->n; i++) {
        if (c->names[i] == NULL)
            return kad_fail(ctx, KAD_EUSAGE, "coupling %zu has no name", i);
        KAD_CALL(kad_family_choose(ctx, &model->family, c->names[i], c->values[i], at));
    }
    return kad_family_require(ctx, &model->family, *at);
}

static kad_status choose(kad_study *study, void *arguments)
{
    kad_family_point at;
    KAD_CALL(kad_study_require(study));
    KAD_CALL(find_member(study, arguments, &at));
    kad_map_destroy(study->map); /* of another member */
    study->map = NULL;
    const kad_model *model = study->job.model;
    return kad_family_set(&study->app.ctx, &model->family, model->action, at);
}

kad_status kad_study_choose(kad_study *study, size_t n, const char *const *names,
                            const double *values)
{
    choice c = {n, names, values};
    return kad_study_call(study, choose, &c);
}
