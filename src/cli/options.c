/* Parsing of a command line by the tables of command.c. */
#include "base/memory.h"
#include "base/nearest.h"
#include "cli/command.h"
#include "io/number.h"

#include <string.h>

static const kad_option *find_option(const kad_command *command, const char *name,
                                     size_t length, char letter)
{
    for (const kad_option *o = kad_options; o->name != NULL; o++) {
        if (o->bit != 0 && (command->options & o->bit) == 0) continue;
        if (letter != '\0' && o->letter == letter) return o;
        if (letter == '\0' && strlen(o->name) == length &&
            strncmp(o->name, name, length) == 0)
            return o;
    }
    return NULL;
}

static kad_status unknown_option(kad_app *app, const kad_command *command,
                                 const char *word)
{
    const char *names[32];
    size_t n = 0;
    for (const kad_option *o = kad_options; o->name != NULL && n < 32; o++)
        if (o->bit == 0 || (command->options & o->bit) != 0) names[n++] = o->name;
    char name[64] = "";
    size_t length = strcspn(word + 1 + (word[1] == '-'), "=");
    if (length < sizeof name) memcpy(name, word + 1 + (word[1] == '-'), length);
    const char *near = kad_nearest(name, n, names);
    if (near != NULL)
        return kad_fail(&app->ctx, KAD_EUSAGE,
                        "%s: unknown option %s (did you mean --%s?)", command->name, word,
                        near);
    return kad_fail(&app->ctx, KAD_EUSAGE,
                    "%s: unknown option %s (see kadanoff %s --help)", command->name, word,
                    command->name);
}

/* Hours as a number, or as batch queues write a time: [days-]hours:minutes:seconds. */
static bool parse_hours(const char *text, double *hours)
{
    int64_t part[4] = {0}; /* days, hours, minutes, seconds */
    char token[KAD_NUMBER_CHARS];
    if (kad_parse_real(text, hours)) return true;
    int i = strchr(text, '-') != NULL ? 0 : 1;
    for (; i < 4; i++) {
        const size_t n = strcspn(text, i == 0 ? "-" : ":");
        if (n == 0 || n >= sizeof token || strspn(text, "0123456789") != n) return false;
        memcpy(token, text, n);
        token[n] = 0;
        if (!kad_parse_int(token, &part[i])) return false;
        text += n;
        if (*text == 0) break;
        text++;
    }
    if (i != 3 || part[2] > 59 || part[3] > 59) return false;
    *hours = (double)part[0] * 24 + (double)part[1] + (double)part[2] / 60 +
             (double)part[3] / 3600;
    return true;
}

static kad_status set_option(kad_app *app, const kad_option *option, const char *value)
{
    char *field = (char *)app + option->offset;
    int64_t integer;
    double number;
    switch (option->kind) {
    case KAD_OPT_FLAG:
        *(bool *)field = true;
        return KAD_OK;
    case KAD_OPT_TEXT:
        if (value[0] == '\0') break;
        *(const char **)field = value;
        return KAD_OK;
    case KAD_OPT_INT:
        if (!kad_parse_int(value, &integer) || (double)integer < option->lo ||
            (double)integer > option->hi)
            break;
        *(int *)field = (int)integer;
        return KAD_OK;
    case KAD_OPT_REAL:
    case KAD_OPT_HOURS:
        if (!(option->kind == KAD_OPT_REAL ? kad_parse_real(value, &number)
                                           : parse_hours(value, &number)) ||
            number < option->lo || number > option->hi)
            break;
        *(double *)field = number;
        return KAD_OK;
    }
    if (option->kind == KAD_OPT_TEXT)
        return kad_fail(&app->ctx, KAD_EUSAGE, "--%s: expected %s, got nothing",
                        option->name, option->arg);
    char lo[KAD_NUMBER_CHARS], hi[KAD_NUMBER_CHARS];
    return kad_fail(&app->ctx, KAD_EUSAGE, "--%s: expected %s from %s to %s, got \"%s\"",
                    option->name, option->kind == KAD_OPT_INT ? "an integer" : "a number",
                    kad_format_real(lo, option->lo), kad_format_real(hi, option->hi),
                    value);
}

/* One word that starts with '-'; *i moves past a separate value. */
static kad_status parse_option(kad_app *app, const kad_command *command, int argc,
                               char **argv, int *i)
{
    const char *word = argv[*i];
    const kad_option *option;
    const char *value = NULL;
    if (word[1] == '-') {
        size_t length = strcspn(word + 2, "=");
        option = find_option(command, word + 2, length, '\0');
        if (word[2 + length] == '=') value = word + 2 + length + 1;
    } else {
        option = find_option(command, NULL, 0, word[1]);
        if (word[2] != '\0') value = word + 2;
    }
    if (option == NULL) return unknown_option(app, command, word);
    if (option->kind == KAD_OPT_FLAG) {
        if (value != NULL)
            return kad_fail(&app->ctx, KAD_EUSAGE, "--%s takes no value, got \"%s\"",
                            option->name, value);
        return set_option(app, option, NULL);
    }
    if (value == NULL) {
        if (*i + 1 >= argc)
            return kad_fail(&app->ctx, KAD_EUSAGE, "--%s needs a value (%s)",
                            option->name, option->arg);
        value = argv[++*i];
    }
    return set_option(app, option, value);
}

/* section.key=value or a top-level key=value: no slash before the '='. */
static bool is_override(const char *word)
{
    size_t length = strcspn(word, "=/");
    return length > 0 && word[length] == '=';
}

static kad_status check_count(kad_app *app, const kad_command *command)
{
    if (app->n_args < command->min_args)
        return kad_fail(&app->ctx, KAD_EUSAGE, "%s: usage: kadanoff %s %s", command->name,
                        command->name, command->args);
    if (app->n_args > command->max_args)
        return kad_fail(&app->ctx, KAD_EUSAGE,
                        "%s: one argument too many: \"%s\" (usage: kadanoff %s %s)",
                        command->name, app->args[command->max_args], command->name,
                        command->args);
    return KAD_OK;
}

kad_status kad_app_parse(kad_app *app, const kad_command *command, int argc, char **argv)
{
    KAD_CALL(kad_new(&app->ctx, (size_t)argc, sizeof *app->args, &app->args));
    KAD_CALL(kad_new(&app->ctx, (size_t)argc, sizeof *app->overrides, &app->overrides));
    bool words_only = false;
    for (int i = 1; i < argc; i++) {
        if (!words_only && strcmp(argv[i], "--") == 0)
            words_only = true;
        else if (!words_only && argv[i][0] == '-' && argv[i][1] != '\0')
            KAD_CALL(parse_option(app, command, argc, argv, &i));
        else if (command->overrides && is_override(argv[i]))
            app->overrides[app->n_overrides++] = argv[i];
        else
            app->args[app->n_args++] = argv[i];
    }
    if (!app->help && !app->version) KAD_CALL(check_count(app, command));
    return KAD_OK;
}

void kad_app_clear(kad_app *app)
{
    kad_free(app->args);
    kad_free(app->overrides);
    app->args = NULL;
    app->overrides = NULL;
}
