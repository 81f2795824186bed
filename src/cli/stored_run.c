#include "cli/stored_run.h"

#include "base/memory.h"
#include "io/number.h"
#include "run/pipeline.h"
#include "run/recipe.h"
#include "run/schema.h"

#include <stdio.h>
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

/* --- the map --------------------------------------------------------------------------- */

/* "action.temperature=2.2" of a family along the temperature. */
static kad_status read_coupling(kad_app *app, const kad_family *family,
                                const char *override, kad_family_point *at)
{
    const char *equals = strchr(override, '=');
    char key[64];
    double value;
    if (!kad_family_is(family))
        return kad_fail(&app->ctx, KAD_EUSAGE,
                        "%s: %s has one map: only of a family of maps a coupling can be "
                        "chosen",
                        override, app->args[0]);
    if (equals == NULL || !kad_parse_real(equals + 1, &value))
        return kad_fail(&app->ctx, KAD_EUSAGE, "%s: expected a number", override);
    snprintf(key, sizeof key, "%.*s", (int)(equals - override), override);
    return kad_family_choose(&app->ctx, family, key, value, at);
}

static void say_member(const kad_app *app, const kad_family *family, kad_family_point at)
{
    const kad_family_axis *axis = family->axis;
    char label[128], second[128] = "";
    kad_family_label(family, at, sizeof label, label);
    if (family->n > 1)
        snprintf(second, sizeof second, ", action.%s=VALUE from %g to %g", axis[1].along,
                 axis[1].lo, axis[1].hi);
    if (app->n_overrides > 0)
        kad_say(app, "of the family of maps the one at %s", label);
    else
        kad_say(app,
                "of the family of maps the one at %s; action.%s=VALUE chooses another, "
                "from %g to %g%s",
                label, axis->along, axis->lo, axis->hi, second);
}

static kad_status choose_member(kad_app *app, const kad_model *model)
{
    const kad_family *family = &model->family;
    kad_family_point at = {{0}};
    if (kad_family_is(family)) at = kad_family_of(family, model->action);
    for (int i = 0; i < app->n_overrides; i++)
        KAD_CALL(read_coupling(app, family, app->overrides[i], &at));
    if (!kad_family_is(family)) return KAD_OK;
    KAD_CALL(kad_family_require(&app->ctx, family, at));
    KAD_CALL(kad_family_set(&app->ctx, family, model->action, at));
    say_member(app, family, at);
    return KAD_OK;
}

kad_status kad_stored_map_open(kad_app *app, kad_stored_run *s, kad_map **map)
{
    const int n = app->n_overrides;
    *map = NULL;
    app->n_overrides = 0; /* the run is what it is */
    const kad_status status = kad_stored_run_open(app, KAD_RUN_READ, NULL, s);
    app->n_overrides = n;
    KAD_CALL(status);
    if (!kad_h5_exists(s->file, "/flow/params"))
        return kad_fail(&app->ctx, KAD_ENOINPUT,
                        "%s/run.h5: no trained map: run `train` first", app->args[0]);
    KAD_CALL(choose_member(app, s->model));
    return kad_model_load_map(&app->ctx, s->model, s->file, map);
}

void kad_stored_couplings_write(kad_writer *w, const kad_model *model)
{
    const kad_family *family = &model->family;
    if (!kad_family_is(family)) return;
    const kad_family_point at = kad_family_of(family, model->action);
    for (int i = 0; i < family->n; i++)
        kad_write_real(w, family->axis[i].along, at.at[i]);
}

void kad_stored_run_close(kad_stored_run *s)
{
    kad_h5_close(s->file);
    kad_model_destroy(s->model);
    kad_run_options_clear(&s->options);
    kad_config_destroy(s->config);
    kad_run_close(s->run);
}
