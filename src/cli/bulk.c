/* The command that reads the bulk anew. */
#include "bulk/bulk.h"

#include "analysis/report/bulk_paint.h"
#include "base/memory.h"
#include "cli/command.h"
#include "run/pipeline.h"
#include "run/recipe.h"
#include "run/report_file.h"
#include "run/schema.h"

#include <string.h>

enum { MAX_CONFIG_BYTES = 1 << 20 };

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
    KAD_LOCAL(char, text);
    KAD_LOCAL(char, path);
    path = kad_run_file(run, "config.yaml");
    if (path == NULL) return kad_fail(&app->ctx, KAD_ENOMEM, "out of memory");
    KAD_CALL(kad_run_read_text(&app->ctx, run, "config.yaml", MAX_CONFIG_BYTES, &text));
    kad_cli_schema(schema);
    KAD_CALL(kad_config_parse(&app->ctx, schema, text, path, app->n_overrides,
                              app->overrides, out));
    return kad_recipe_resolve(&app->ctx, *out);
}

static kad_status write_pictures(kad_app *app, kad_h5 *file)
{
    enum { PIXELS = 512 };
    int n = 0;
    KAD_CALL(kad_bulk_write_png(&app->ctx, file, app->pictures, PIXELS, &n));
    kad_say(app, "%s: %d pictures", app->pictures, n);
    return KAD_OK;
}

kad_status kad_cmd_bulk(kad_app *app)
{
    kad_ctx *ctx = &app->ctx;
    kad_status status = KAD_OK;
    kad_schema schema = {0};
    kad_config *config = NULL;
    kad_run_options options = {0};
    kad_model *model = NULL;
    kad_run *run = NULL;
    kad_h5 *file = NULL;
    KAD_TRY(check_overrides(app));
    KAD_TRY(kad_run_open(ctx, app->args[0], KAD_RUN_UPDATE, &run));
    KAD_TRY(load_config(app, run, &schema, &config));
    KAD_TRY(kad_run_options_read(ctx, config, &options));
    KAD_TRY(kad_model_create(ctx, &options.model, &model));
    KAD_TRY(kad_results_open(ctx, run, &file));
    KAD_TRY(kad_results_agree(ctx, config, run, file));
    KAD_TRY(kad_bulk_read(app, &options, model, file));
    KAD_TRY(kad_results_save(ctx, run, file));
    KAD_TRY(kad_report_write(ctx, run));
    kad_say(app, "%s/report.html", app->args[0]);
    if (app->pictures != NULL) KAD_TRY(write_pictures(app, file));
done:
    kad_h5_close(file);
    kad_run_close(run);
    kad_model_destroy(model);
    kad_run_options_clear(&options);
    kad_config_destroy(config);
    return status;
}
