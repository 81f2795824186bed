/* The bash completion, from the tables: commands, options, files, config keys and their
 * values. */
#include "cli/command.h"
#include "models/action.h"
#include "run/schema.h"

#include <string.h>

/* "sample[].draws" as it is typed for the first entry: sample[0].draws. */
static void print_key(FILE *out, const char *key)
{
    const char *list = strstr(key, "[]");
    if (list == NULL)
        fprintf(out, "%s", key);
    else
        fprintf(out, "%.*s[0]%s", (int)(list - key), key, list + 2);
}

static void add_key(void *self, const kad_key *key)
{
    fputc(' ', self);
    print_key(self, key->key);
}

/* A line of the script: key) words="..." ;; where the values can be listed. */
static void add_values(void *self, const kad_key *key)
{
    FILE *out = self;
    char choices[KAD_CHOICES_CHARS] = "true false";
    if (key->type != KAD_BOOL) kad_key_choices(key, " ", sizeof choices, choices);
    if (choices[0] == '\0' || key->type == KAD_PATH) return;
    const char *list = strstr(key->key, "[]");
    if (list == NULL)
        fprintf(out, "        %s) words=\"", key->key);
    else
        fprintf(out, "        %.*s\\[*\\]%s) words=\"", (int)(list - key->key), key->key,
                list + 2);
    fprintf(out, "%s\" ;;\n", choices);
}

static void print_commands(FILE *out)
{
    fprintf(out, "    case $command in\n");
    for (const kad_command *c = kad_commands; c->name != NULL; c++) {
        fprintf(out, "        %s) options=\"", c->name);
        for (const kad_option *o = kad_options; o->name != NULL; o++)
            if (o->bit == 0 || (c->options & o->bit) != 0) fprintf(out, " --%s", o->name);
        fprintf(out, "\" words=\"%s\"%s ;;\n", c->words,
                c->overrides ? " overrides=yes" : "");
    }
    fprintf(out, "    esac\n");
}

/* Bash splits words at '=': the key stands one or two words back. */
static const char values_head[] =
    "    local key=\n"
    "    if [ \"$cur\" = = ]; then\n"
    "        key=${COMP_WORDS[COMP_CWORD - 1]} cur=\n"
    "    elif [ \"${COMP_WORDS[COMP_CWORD - 1]}\" = = ]; then\n"
    "        key=${COMP_WORDS[COMP_CWORD - 2]}\n"
    "    fi\n"
    "    case $key in\n";
static const char values_tail[] =
    "    esac\n"
    "    if [ -n \"$key\" ]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
    "        return\n    fi\n";

static const char words_tail[] =
    "    if [[ $cur == -* ]]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\")\n"
    "        return\n    fi\n"
    "    if [ -n \"$overrides\" ] && [ \"$COMP_CWORD\" -gt 2 ]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -S = -W \"$keys\" -- \"$cur\")\n"
    "        compopt -o nospace 2>/dev/null\n"
    "        return\n    fi\n"
    "    case $words in\n"
    "        yaml) mapfile -t COMPREPLY < <(compgen -f -X '!*.yaml' -- \"$cur\"\n"
    "            compgen -d -- \"$cur\") ;;\n"
    "        folder) mapfile -t COMPREPLY < <(compgen -d -- \"$cur\") ;;\n"
    "        demos|actions) mapfile -t COMPREPLY < <(compgen -W \"$(kadanoff list $words"
    " 2>/dev/null |\n            awk '{print $1}')\" -- \"$cur\") ;;\n"
    "        commands) mapfile -t COMPREPLY < <(compgen -W \"$commands\" -- \"$cur\") "
    ";;\n"
    "        *) mapfile -t COMPREPLY < <(compgen -W \"${words//|/ }\" -- \"$cur\") ;;\n"
    "    esac\n}\ncomplete -o filenames -F _kadanoff kadanoff\n";

void kad_print_completion(FILE *out)
{
    kad_schema schema = {0};
    kad_cli_schema(&schema);
    fprintf(out, "# bash completion of kadanoff; made by `kadanoff help --completion`.\n"
                 "_kadanoff()\n{\n"
                 "    local cur=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]}\n"
                 "    local options= words= overrides= commands=\"");
    for (const kad_command *c = kad_commands; c->name != NULL; c++)
        fprintf(out, "%s%s", c > kad_commands ? " " : "", c->name);
    fprintf(out, "\"\n    local keys=\"");
    kad_schema_each(&schema, add_key, out);
    fprintf(out, "\"\n    COMPREPLY=()\n"
                 "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
                 "        mapfile -t COMPREPLY < <(compgen -W \"$commands --help "
                 "--version\" -- \"$cur\")\n        return\n    fi\n");
    print_commands(out);
    fprintf(out, "%s", values_head);
    kad_schema_each(&schema, add_values, out);
    fprintf(out, "%s%s", values_tail, words_tail);
}
