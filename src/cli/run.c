/* The commands of the main job: where the config and the folder are. */
#include "base/memory.h"
#include "cli/command.h"
#include "io/file.h"
#include "run/pipeline.h"
#include "sweep/sweep.h"

#include <stdio.h>
#include <string.h>

/* "runs/ising-16.yaml" -> "ising-16" */
void kad_folder_of(const char *path, char *out, size_t size)
{
    const char *base = strrchr(path, '/');
    base = base != NULL ? base + 1 : path;
    size_t length = strlen(base);
    if (length > 5 && strcmp(base + length - 5, ".yaml") == 0)
        length -= 5;
    else if (length > 4 && strcmp(base + length - 4, ".yml") == 0)
        length -= 4;
    else {
        snprintf(out, size, "%s.run", base);
        return;
    }
    snprintf(out, size, "%.*s", (int)length, base);
}

/* Stages of app->args[0]: a config file or a run folder. */
static kad_status run_path(kad_app *app, unsigned stages)
{
    kad_ctx *ctx = &app->ctx;
    const char *path = app->args[0];
    char folder[512], config[600];
    KAD_LOCAL(char, text);
    bool is_folder = false;
    KAD_CALL(kad_file_is_folder(ctx, path, &is_folder));
    if (is_folder) {
        snprintf(config, sizeof config, "%s/config.yaml", path);
        if (app->out != NULL && strcmp(app->out, path) != 0)
            return kad_fail(ctx, KAD_EUSAGE,
                            "%s is a run folder: --out belongs to a config file", path);
        app->out = path;
        path = config;
    } else if (strcmp(path, "-") == 0 && app->out == NULL) {
        return kad_fail(ctx, KAD_EUSAGE,
                        "a config on standard input needs a run folder: --out DIR");
    } else if (app->out == NULL) {
        kad_folder_of(path, folder, sizeof folder);
        app->out = folder;
    }
    const bool input = strcmp(path, "-") == 0;
    KAD_CALL(kad_pipeline_read(ctx, input ? NULL : path, &text));
    if (kad_sweep_is(text))
        return kad_fail(
            ctx, KAD_ECONFIG,
            "%s: has a section sweep: `kadanoff sweep run %s` does its points", path,
            path);
    return kad_pipeline_text(app, text, input ? "standard input" : path, stages);
}

kad_status kad_cmd_run(kad_app *app)
{
    return run_path(app, KAD_STAGE_ALL);
}

kad_status kad_cmd_train(kad_app *app)
{
    return run_path(app, KAD_STAGE_TRAIN);
}

kad_status kad_cmd_sample(kad_app *app)
{
    return run_path(app, KAD_STAGE_SAMPLE);
}
