/* `kadanoff demo`: a built-in example from end to end. */
#include "cli/demo.h"

#include "cli/command.h"
#include "run/pipeline.h"

#include <stdio.h>
#include <string.h>

const kad_demo kad_demos[] = {
#include "demos.inc"
    {NULL, NULL, NULL},
};

kad_status kad_cmd_demo(kad_app *app)
{
    const char *name = app->n_args == 1 ? app->args[0] : kad_demos[0].name;
    const kad_demo *demo = kad_demos;
    while (demo->name != NULL && strcmp(demo->name, name) != 0)
        demo++;
    if (demo->name == NULL)
        return kad_fail(&app->ctx, KAD_EUSAGE,
                        "demo: no demo \"%s\" (see kadanoff list demos)", name);
    char folder[128];
    snprintf(folder, sizeof folder, "demo-%s", name);
    if (app->out == NULL) app->out = folder;
    char label[64];
    snprintf(label, sizeof label, "demo %s", name);
    return kad_pipeline_text(app, demo->text, label, KAD_STAGE_ALL);
}
