/* A commented config for an action. */
#include "base/memory.h"
#include "cli/command.h"
#include "cli/schema.h"
#include "models/action.h"

kad_status kad_cmd_init(kad_app *app)
{
    const char *name = app->args[0];
    const kad_action_ops *ops = kad_action_find(name);
    if (ops == NULL) {
        const char *names[64];
        size_t n = 0;
        for (; kad_actions[n] != NULL && n < 64; n++)
            names[n] = kad_actions[n]->name;
        const char *near = kad_nearest(name, n, names);
        return kad_fail(&app->ctx, KAD_EUSAGE, "init: no action \"%s\"%s%s%s", name,
                        near ? " (did you mean " : " (see kadanoff list actions",
                        near ? near : "", near ? "?)" : ")");
    }
    kad_schema schema = {0};
    kad_cli_schema_of(&schema, name);
    char *text = kad_schema_template(&schema, KAD_SECTIONS);
    if (text == NULL) return kad_fail(&app->ctx, KAD_ENOMEM, "init: out of memory");
    printf("# %s: %s\n# Run with: kadanoff run THIS_FILE. What is commented out has the "
           "default shown.\n%s",
           ops->name, ops->summary, text);
    kad_free(text);
    return KAD_OK;
}
