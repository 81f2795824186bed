/* The commands of the main job: where the config and the folder are. */
#include "base/memory.h"
#include "base/ranks.h"
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

/* Where the config is and where the run goes. */
typedef struct place {
    const char *config; /* path; NULL: standard input */
    char below[600], folder[512];
} place;

/* Of app->args[0]: a config file or a run folder. */
static kad_status find(kad_app *app, place *out)
{
    kad_ctx *ctx = &app->ctx;
    const char *path = app->args[0];
    bool is_folder = false;
    KAD_CALL(kad_file_is_folder(ctx, path, &is_folder));
    if (is_folder) {
        snprintf(out->below, sizeof out->below, "%s/config.yaml", path);
        if (app->out != NULL && strcmp(app->out, path) != 0)
            return kad_fail(ctx, KAD_EUSAGE,
                            "%s is a run folder: --out belongs to a config file", path);
        app->out = path;
        path = out->below;
    } else if (strcmp(path, "-") == 0 && app->out == NULL) {
        return kad_fail(ctx, KAD_EUSAGE,
                        "a config on standard input needs a run folder: --out DIR");
    } else if (app->out == NULL) {
        kad_folder_of(path, out->folder, sizeof out->folder);
        app->out = out->folder;
    }
    out->config = strcmp(path, "-") == 0 ? NULL : path;
    return KAD_OK;
}

/* The text is read by the first rank, for all. */
static kad_status run_path(kad_app *app, unsigned stages)
{
    kad_ctx *ctx = &app->ctx;
    const bool first = kad_ranks_is_first(ctx);
    kad_status status = KAD_OK;
    KAD_LOCAL(char, text);
    size_t n_bytes = 0;
    place at = {.config = app->args[0]};
    if (first) status = find(app, &at);
    if (first && status == KAD_OK) status = kad_pipeline_read(ctx, at.config, &text);
    if (text != NULL) n_bytes = strlen(text);
    KAD_CALL(kad_ranks_give(ctx, status, &text, &n_bytes));
    if (kad_sweep_is(text))
        return kad_fail(
            ctx, KAD_ECONFIG,
            "%s: has a section sweep: `kadanoff sweep run %s` does its points",
            app->args[0], app->args[0]);
    return kad_pipeline_text(app, text, at.config != NULL ? at.config : "standard input",
                             stages);
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
