/* The stage that reads the bulk. */
#include "bulk/bulk.h"

#include "analysis/bulk_bins.h"
#include "analysis/geodesics.h"
#include "base/memory.h"
#include "base/signals.h"
#include "record/entries.h"
#include "run/pipeline.h"
#include "train/params.h"

#include <stdio.h>
#include <string.h>

/* Draws of the map, analysed alike; none where bulk.null is 0. */
static kad_status null_test(kad_ctx *ctx, const kad_bulk_options *options,
                            const kad_model *model, kad_h5 *file)
{
    KAD_SCOPE(scope, ctx);
    const size_t n = (size_t)options->null;
    kad_bulk *bulk;
    double *theta;
    KAD_CALL(kad_h5_remove(ctx, file, "/bulk/null"));
    if (n == 0) return KAD_OK;
    KAD_CALL(kad_take(&scope, model->flow->n_theta, &theta));
    KAD_CALL(kad_params_read(ctx, file, model->flow, model->action, theta));
    KAD_CALL(kad_bulk_create_null(&scope, options, model, theta, n, &bulk));
    return kad_bulk_correlators(ctx, bulk, file);
}

/* Which group of /samplers: the config's; NULL: whichever has configurations. */
static const char *sampler_of(const kad_run_options *options, kad_h5 *file,
                              char name[KAD_BULK_NAME])
{
    char path[2 * KAD_BULK_NAME];
    const char *given = options->bulk.sampler;
    const int entry = kad_sample_bulk_entry(&options->sample);
    if (entry < 0) return given;
    kad_sample_group(&options->sample, entry, KAD_BULK_NAME, name);
    snprintf(path, sizeof path, "/samplers/%s/configs", name);
    return kad_h5_exists(file, path) || given != NULL ? name : NULL;
}

/* The latents of the stored configurations. */
static kad_status read_stored(kad_app *app, const kad_run_options *options,
                              const kad_model *model, kad_h5 *file)
{
    kad_ctx *ctx = &app->ctx;
    KAD_SCOPE(scope, ctx);
    const size_t wanted = (size_t)options->bulk.configs;
    char name[KAD_BULK_NAME];
    kad_bulk *bulk;
    if (model->action == NULL)
        KAD_CALL(kad_bulk_create_data(&scope, &options->bulk, &options->train.data, model,
                                      file, &bulk));
    else
        KAD_CALL(kad_bulk_create(&scope, &options->bulk, model, file,
                                 sampler_of(options, file, name), wanted, &bulk));
    kad_say(app, "bulk: %zu configurations of %s, %d levels, inferred in %.2g s", bulk->n,
            bulk->sampler, bulk->n_levels, bulk->seconds);
    if (bulk->n < wanted)
        kad_note(ctx,
                 "bulk: %zu configurations are read, of %zu that bulk.configs asks for: "
                 "%s has %zu stored",
                 bulk->n, wanted, bulk->sampler, bulk->n_stored);
    return kad_bulk_run(ctx, bulk, file);
}

kad_status kad_bulk_read(kad_app *app, const kad_run_options *options,
                         const kad_model *model, kad_h5 *file)
{
    kad_ctx *ctx = &app->ctx;
    const double start = kad_wall_seconds();
    KAD_CALL(read_stored(app, options, model, file));
    KAD_CALL(null_test(ctx, &options->bulk, model, file));
    KAD_CALL(kad_bulk_series(ctx, file));
    KAD_CALL(kad_analyse_bulk(ctx, file));
    kad_say(app, "bulk: done in %.3g s", kad_wall_seconds() - start);
    return KAD_OK;
}

kad_status kad_bulk_stage(kad_pipeline *p)
{
    kad_ctx *ctx = &p->app->ctx;
    KAD_LOCAL(kad_h5, file);
    if (p->options.bulk.configs == 0) return KAD_OK;
    KAD_CALL(kad_results_open(ctx, p->run, &file));
    KAD_CALL(kad_bulk_read(p->app, &p->options, p->model, file));
    return kad_results_save(ctx, p->run, file);
}
