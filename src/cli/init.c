/* A commented config for an action. */
#include "base/memory.h"
#include "base/nearest.h"
#include "cli/command.h"
#include "models/action.h"
#include "run/schema.h"

#include <stdio.h>
#include <string.h>

/* Print the text up to a line, another line in its place; returns what follows. */
static const char *print_instead(const char *text, const char *line, const char *other)
{
    const char *at = strstr(text, line);
    if (at == NULL) return text;
    printf("%.*s%s", (int)(at - text), text, other);
    return at + strlen(line);
}

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
           "default shown.\n",
           ops->name, ops->summary);
    char line[64];
    snprintf(line, sizeof line, "  name: %s\n", ops->name);
    const char *rest = print_instead(text, "  # shape: auto\n", "  shape: [8, 8]\n");
    rest = print_instead(rest, "  name: on-dual\n", line);
    snprintf(line, sizeof line, "  components: %d\n", ops->components);
    if (ops->components > 0) rest = print_instead(rest, "  components: 1\n", line);
    fputs(rest, stdout);
    kad_free(text);
    return KAD_OK;
}
