#include "cli/stored_run.h"

#include "base/memory.h"
#include "run/pipeline.h"
#include "run/recipe.h"
#include "run/schema.h"

#include <string.h>

enum { MAX_CONFIG_BYTES = 1 << 20 };

kad_status kad_stored_check_overrides(kad_app *app, const char *section)
{
    for (int i = 0; i < app->n_overrides; i++)
        if (section == NULL || strncmp(app->overrides[i], section, strlen(section)) != 0)
            return kad_fail(&app->ctx, KAD_EUSAGE,
                            "%s: only keys of section %.*s can be changed here",
                            app->overrides[i],
                            section != NULL ? (int)strlen(section) - 1 : 4,
                            section != NULL ? section : "none");
    return KAD_OK;
}

/* The folder's own config, with the overrides. */
static kad_status load_config(kad_app *app, kad_stored_run *s)
{
    KAD_LOCAL(char, text);
    KAD_LOCAL(char, path);
    path = kad_run_file(s->run, "config.yaml");
    if (path == NULL) return kad_fail(&app->ctx, KAD_ENOMEM, "out of memory");
    KAD_CALL(
        kad_run_read_text(&app->ctx, s->run, "config.yaml", MAX_CONFIG_BYTES, &text));
    kad_cli_schema(&s->schema);
    KAD_CALL(kad_config_parse(&app->ctx, &s->schema, text, path, app->n_overrides,
                              app->overrides, &s->config));
    if (strcmp(kad_config_string(s->config, "data.kind"), "image") == 0)
        return kad_fail(&app->ctx, KAD_ECONFIG,
                        "%s: a run on images, of which this command knows nothing",
                        app->args[0]);
    return kad_recipe_resolve(&app->ctx, s->config);
}

kad_status kad_stored_run_open(kad_app *app, kad_run_mode mode, const char *section,
                               kad_stored_run *s)
{
    kad_ctx *ctx = &app->ctx;
    KAD_CALL(kad_stored_check_overrides(app, section));
    KAD_CALL(kad_run_open(ctx, app->args[0], mode, &s->run));
    KAD_CALL(load_config(app, s));
    KAD_CALL(kad_run_options_read(ctx, s->config, &s->options));
    KAD_CALL(kad_model_create(ctx, &s->options.model, &s->model));
    KAD_CALL(kad_results_open(ctx, s->run, &s->file));
    return kad_results_agree(ctx, s->config, s->run, s->file);
}

void kad_stored_run_close(kad_stored_run *s)
{
    kad_h5_close(s->file);
    kad_model_destroy(s->model);
    kad_run_options_clear(&s->options);
    kad_config_destroy(s->config);
    kad_run_close(s->run);
}
