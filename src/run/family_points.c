/* Runs at single values of a family's coupling: what `kadanoff run` makes of the config
 * without its sections family and train, and with train.from the family. */
#include "base/memory.h"
#include "base/signals.h"
#include "io/number.h"
#include "record/sample.h"
#include "run/pipeline.h"

#include <stdio.h>
#include <string.h>

bool kad_family_has_points(const kad_pipeline *p)
{
    return kad_family_is(&p->model->family) &&
           kad_family_n_sample_at(&p->options.model.family) > 0;
}

/* A seed of the value's own, whichever others are asked for. */
static int64_t seed_at(uint64_t seed, kad_family_point value)
{
    uint32_t word[4];
    uint64_t bits[KAD_FAMILY_COUPLINGS];
    memcpy(bits, value.at, sizeof bits);
    kad_rng_u32x4(kad_rng_stream(seed, KAD_RNG_DRAW, 2), bits[0], bits[1], 0, word);
    return (int64_t)(((uint64_t)word[0] << 32 | word[1]) >> 12);
}

/* The command line's own, no family and no training, and what makes it a run of one value. */
static kad_status overrides_of(kad_scope *in, const kad_pipeline *p,
                               kad_family_point value, int *n, const char ***out)
{
    const kad_family *family = &p->model->family;
    enum { OWN = 5 + KAD_FAMILY_COUPLINGS };
    const kad_app *app = p->app;
    char number[KAD_NUMBER_CHARS];
    KAD_CALL(kad_take(in, (size_t)app->n_overrides + OWN, out));
    for (int i = 0; i < app->n_overrides; i++)
        (*out)[i] = app->overrides[i];
    const char **own = *out + app->n_overrides;
    own[0] = "family=null";
    own[1] = "train=null";
    own[2] = "train.steps=0";
    KAD_CALL(kad_take_printf(in, &own[3], "train.from=%s", kad_run_path(p->run)));
    KAD_CALL(kad_take_printf(in, &own[4], "seed=%lld",
                             (long long)seed_at(p->model->seed, value)));
    for (int i = 0; i < family->n; i++)
        KAD_CALL(kad_take_printf(in, &own[5 + i], "action.%s=%s", family->axis[i].along,
                                 kad_format_real(number, value.at[i])));
    *n = app->n_overrides + 5 + family->n;
    return KAD_OK;
}

/* The run folder of a value, and its name. */
static kad_status folder_of(kad_scope *in, const kad_pipeline *p, kad_family_point value,
                            char label[128], const char **folder)
{
    kad_family_label(&p->model->family, value, 128, label);
    return kad_take_printf(in, folder, "%s/%s", kad_run_path(p->run), label);
}

static kad_status run_at(kad_pipeline *p, kad_family_point value)
{
    KAD_SCOPE(scope, &p->app->ctx);
    const double start = kad_wall_seconds();
    char label[128];
    kad_app at = *p->app; /* its own folder and overrides; messages come back below */
    KAD_CALL(folder_of(&scope, p, value, label, &at.out));
    KAD_CALL(overrides_of(&scope, p, value, &at.n_overrides, &at.overrides));
    at.quiet = true;
    at.show = NULL;
    const kad_status status =
        kad_pipeline_text(&at, kad_config_text(p->config), p->name, KAD_STAGE_ALL);
    memcpy(p->app->ctx.message, at.ctx.message, sizeof at.ctx.message);
    if (status == KAD_OK)
        kad_say(p->app, "%s: complete, %.1f s", label, kad_wall_seconds() - start);
    return status;
}

kad_status kad_family_points(kad_pipeline *p)
{
    const kad_family_options *o = &p->options.model.family;
    for (size_t i = 0; i < kad_family_n_sample_at(o); i++) {
        KAD_CALL(kad_stop_check(&p->app->ctx, "family.sample_at"));
        KAD_CALL(run_at(p, kad_family_sample_at(o, i)));
    }
    return KAD_OK;
}

static kad_status open_at(kad_pipeline *p, size_t i, kad_run **run)
{
    KAD_SCOPE(scope, &p->app->ctx);
    const kad_family_point value = kad_family_sample_at(&p->options.model.family, i);
    const char *folder;
    char label[128];
    KAD_CALL(folder_of(&scope, p, value, label, &folder));
    return kad_run_open(&p->app->ctx, folder, KAD_RUN_READ, run);
}

kad_status kad_family_points_complete(kad_pipeline *p, bool *complete)
{
    kad_ctx *ctx = &p->app->ctx;
    *complete = true;
    for (size_t i = 0; i < kad_family_n_sample_at(&p->options.model.family); i++) {
        KAD_LOCAL(kad_run, run);
        KAD_LOCAL(kad_h5, file);
        const kad_status status = open_at(p, i, &run);
        if (status == KAD_ENOINPUT) continue; /* somebody has moved it away */
        if (status != KAD_OK) return status;
        KAD_CALL(kad_results_open(ctx, run, &file));
        KAD_CALL(kad_sample_complete(ctx, file, &p->options.sample, complete));
        if (!*complete) return KAD_OK;
    }
    return KAD_OK;
}

kad_status kad_family_points_check_growth(kad_pipeline *p, const kad_sample_options *old)
{
    for (size_t i = 0; i < kad_family_n_sample_at(&p->options.model.family); i++) {
        KAD_LOCAL(kad_run, run);
        KAD_CALL(open_at(p, i, &run));
        KAD_CALL(kad_sample_check_growth(&p->app->ctx, run, old, &p->options.sample));
    }
    return KAD_OK;
}
