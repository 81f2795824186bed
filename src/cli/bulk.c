/* The stage and the command that read the bulk. */
#include "bulk/bulk.h"

#include "analysis/bulk_series.h"
#include "analysis/geodesics.h"
#include "analysis/report/bulk_paint.h"
#include "base/memory.h"
#include "base/signals.h"
#include "cli/pipeline.h"
#include "cli/report_file.h"
#include "cli/schema.h"
#include "flow/recipe.h"
#include "record/entries.h"
#include "train/params.h"

#include <string.h>

enum { MAX_CONFIG_BYTES = 1 << 20 };

/* Draws of the map, analysed alike; none where bulk.null is 0. */
static kad_status null_test(kad_ctx *ctx, const kad_config *config,
                            const kad_model *model, kad_h5 *file)
{
    kad_status status = KAD_OK;
    kad_bulk *bulk = NULL;
    double *theta = NULL;
    const int64_t n = kad_config_int(config, "bulk.null");
    KAD_TRY(kad_h5_remove(ctx, file, "/bulk/null"));
    if (n == 0) goto done;
    KAD_TRY(kad_new(ctx, model->flow->n_theta, sizeof *theta, &theta));
    KAD_TRY(kad_params_read(ctx, file, model->flow, theta));
    KAD_TRY(kad_bulk_create_null(ctx, config, model, theta, (size_t)n, &bulk));
    KAD_TRY(kad_bulk_correlators(ctx, bulk, file));
done:
    kad_free(theta);
    kad_bulk_destroy(bulk);
    return status;
}

/* Which group of /samplers: the config's; NULL: whichever has configurations. */
static const char *sampler_of(const kad_config *config, kad_h5 *file,
                              char name[KAD_BULK_NAME])
{
    char path[2 * KAD_BULK_NAME];
    const int entry = kad_sample_bulk_entry(config);
    if (entry < 0)
        return kad_config_is_set(config, "bulk.sampler")
                   ? kad_config_string(config, "bulk.sampler")
                   : NULL;
    kad_sample_group(config, entry, KAD_BULK_NAME, name);
    snprintf(path, sizeof path, "/samplers/%s/configs", name);
    return kad_h5_exists(file, path) || kad_config_is_set(config, "bulk.sampler") ? name
                                                                                  : NULL;
}

static kad_status read_bulk(const kad_app *app, kad_ctx *ctx, const kad_config *config,
                            const kad_model *model, kad_h5 *file)
{
    kad_status status = KAD_OK;
    const double start = kad_wall_seconds();
    char name[KAD_BULK_NAME];
    kad_bulk *bulk = NULL;
    KAD_TRY(kad_bulk_create(ctx, config, model, file, sampler_of(config, file, name),
                            kad_bulk_wanted(config), &bulk));
    kad_say(app, "bulk: %zu configurations of %s, %d levels, inferred in %.2g s", bulk->n,
            bulk->sampler, bulk->n_levels, bulk->seconds);
    if (bulk->n < kad_bulk_wanted(config))
        kad_note(ctx,
                 "bulk: %zu configurations are read, of %zu that bulk.configs asks for: "
                 "%s has %zu stored",
                 bulk->n, kad_bulk_wanted(config), bulk->sampler, bulk->n_stored);
    KAD_TRY(kad_bulk_run(ctx, bulk, file));
    kad_bulk_destroy(bulk);
    bulk = NULL;
    KAD_TRY(null_test(ctx, config, model, file));
    KAD_TRY(kad_bulk_series(ctx, file));
    KAD_TRY(kad_analyse_bulk(ctx, file));
    kad_say(app, "bulk: done in %.3g s", kad_wall_seconds() - start);
done:
    kad_bulk_destroy(bulk);
    return status;
}

kad_status kad_bulk_stage(kad_pipeline *p)
{
    kad_ctx *ctx = &p->app->ctx;
    kad_status status = KAD_OK;
    kad_h5 *file = NULL;
    if (kad_bulk_wanted(p->config) == 0) return KAD_OK;
    KAD_TRY(kad_results_open(ctx, p->run, &file));
    KAD_TRY(read_bulk(p->app, ctx, p->config, p->model, file));
    KAD_TRY(kad_results_save(ctx, p->run, file));
done:
    kad_h5_close(file);
    return status;
}

/* --- the command ------------------------------------------------------------------- */

static kad_status check_overrides(kad_app *app)
{
    for (int i = 0; i < app->n_overrides; i++)
        if (strncmp(app->overrides[i], "bulk.", 5) != 0)
            return kad_fail(&app->ctx, KAD_EUSAGE,
                            "%s: only keys of section bulk can be changed here",
                            app->overrides[i]);
    return KAD_OK;
}

/* The folder's own config, with the overrides. */
static kad_status load_config(kad_app *app, const kad_run *run, kad_schema *schema,
                              kad_config **out)
{
    kad_status status = KAD_OK;
    char *text = NULL, *path = kad_run_file(run, "config.yaml");
    if (path == NULL) return kad_fail(&app->ctx, KAD_ENOMEM, "out of memory");
    KAD_TRY(kad_run_read_text(&app->ctx, run, "config.yaml", MAX_CONFIG_BYTES, &text));
    kad_cli_schema(schema);
    KAD_TRY(kad_config_parse(&app->ctx, schema, text, path, app->n_overrides,
                             app->overrides, out));
    KAD_TRY(kad_recipe_resolve(&app->ctx, *out));
done:
    kad_free(path);
    kad_free(text);
    return status;
}

static kad_status write_pictures(kad_app *app, kad_h5 *file)
{
    enum { PIXELS = 512 };
    int n = 0;
    const kad_status status =
        kad_bulk_write_png(&app->ctx, file, app->pictures, PIXELS, &n);
    if (status == KAD_OK) kad_say(app, "%s: %d pictures", app->pictures, n);
    return status;
}

kad_status kad_cmd_bulk(kad_app *app)
{
    kad_ctx *ctx = &app->ctx;
    kad_status status = KAD_OK;
    kad_schema schema = {0};
    kad_config *config = NULL;
    kad_model *model = NULL;
    kad_run *run = NULL;
    kad_h5 *file = NULL;
    KAD_TRY(check_overrides(app));
    KAD_TRY(kad_run_open(ctx, app->args[0], KAD_RUN_UPDATE, &run));
    KAD_TRY(load_config(app, run, &schema, &config));
    KAD_TRY(kad_model_create(ctx, config, &model));
    KAD_TRY(kad_results_open(ctx, run, &file));
    KAD_TRY(kad_results_agree(ctx, config, run, file));
    KAD_TRY(read_bulk(app, ctx, config, model, file));
    KAD_TRY(kad_results_save(ctx, run, file));
    KAD_TRY(kad_report_write(ctx, run));
    kad_say(app, "%s/report.html", app->args[0]);
    if (app->pictures != NULL) KAD_TRY(write_pictures(app, file));
done:
    kad_h5_close(file);
    kad_run_close(run);
    kad_model_destroy(model);
    kad_config_destroy(config);
    return status;
}
