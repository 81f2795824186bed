/* Help, man page and the command reference, all from the tables. */
#include "config.h"

#include "cli/command.h"

#include <string.h>

static const char about[] =
    "kadanoff learns a bijective, hierarchical (holographic) map between a lattice field "
    "and independent latent variables by minimising the variational free energy of the "
    "action, and uses it to sample without bias, to compute ln Z and to read the bulk.";

static const struct {
    int code;
    const char *text;
} more_codes[] = {{130, "a second SIGINT"}};

#define STATUS_ROW(code, text) {code, text},
static const struct {
    int code;
    const char *text;
} codes[] = {KAD_STATUS_LIST(STATUS_ROW)};
#undef STATUS_ROW

/* Print words wrapped at 79 columns with an indent; the first line starts at `column`. */
static void wrap(FILE *out, const char *text, int indent, int column)
{
    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        if (column + (int)length > 79 && column > indent) {
            fprintf(out, "\n%*s", indent, "");
            column = indent;
        }
        fprintf(out, "%.*s", (int)length, text);
        column += (int)length;
        text += length;
        while (*text == ' ')
            text++;
        if (*text != '\0') {
            fputc(' ', out);
            column++;
        }
    }
    fputc('\n', out);
}

static void print_options(FILE *out, unsigned mask)
{
    for (const kad_option *o = kad_options; o->name != NULL; o++) {
        if (o->bit != 0 && (mask & o->bit) == 0) continue;
        char head[64];
        snprintf(head, sizeof head, "  %c%c%s --%s%s%s", o->letter ? '-' : ' ',
                 o->letter ? o->letter : ' ', o->letter ? "," : " ", o->name,
                 o->arg ? " " : "", o->arg ? o->arg : "");
        fprintf(out, "%-22s ", head);
        wrap(out, o->help, 23, 23);
    }
}

void kad_print_usage(FILE *out)
{
    fprintf(out, "usage: kadanoff COMMAND [ARGUMENTS] [OPTIONS]\n\n");
    wrap(out, about, 0, 0);
    fprintf(out, "\ncommands:\n");
    for (const kad_command *c = kad_commands; c->name != NULL; c++)
        fprintf(out, "  %-10s %s\n", c->name, c->summary);
    fprintf(out,
            "\nStart with `kadanoff demo`; then `kadanoff init on-dual > mine.yaml` "
            "and\n`kadanoff run mine.yaml`. `kadanoff COMMAND --help` tells more.\n");
}

void kad_print_command_help(FILE *out, const kad_command *c)
{
    fprintf(out, "usage: kadanoff %s %s [OPTIONS]\n\n", c->name, c->args);
    wrap(out, c->details, 0, 0);
    fprintf(out, "\noptions:\n");
    print_options(out, c->options);
    fprintf(out, "\nexample:\n  %s\n", c->example);
}

/* Text for roff: backslashes and hyphens escaped, a leading dot guarded. */
static void roff(FILE *out, const char *text)
{
    if (text[0] == '.' || text[0] == '\'') fputs("\\&", out);
    for (; *text != '\0'; text++) {
        if (*text == '\\')
            fputs("\\e", out);
        else if (*text == '-')
            fputs("\\-", out);
        else
            fputc(*text, out);
    }
}

static void man_paragraph(FILE *out, const char *text)
{
    roff(out, text);
    fputc('\n', out);
}

static void man_options(FILE *out)
{
    fprintf(out, ".SH OPTIONS\nWhich command takes which option is shown by "
                 "\\fBkadanoff COMMAND \\-\\-help\\fR.\n");
    for (const kad_option *o = kad_options; o->name != NULL; o++) {
        fprintf(out, ".TP\n");
        if (o->letter != '\0') fprintf(out, "\\fB\\-%c\\fR, ", o->letter);
        fprintf(out, "\\fB\\-\\-");
        roff(out, o->name);
        fprintf(out, "\\fR");
        if (o->arg != NULL) fprintf(out, " \\fI%s\\fR", o->arg);
        fputc('\n', out);
        man_paragraph(out, o->help);
    }
}

void kad_print_man(FILE *out)
{
    fprintf(out, ".\\\" Made by `kadanoff help --man`; do not edit.\n");
    fprintf(out, ".TH KADANOFF 1 \"\" \"kadanoff %s\" \"User Commands\"\n",
            PACKAGE_VERSION);
    fprintf(out, ".SH NAME\nkadanoff \\- learned holographic maps of lattice fields\n");
    fprintf(out, ".SH SYNOPSIS\n.B kadanoff\n\\fICOMMAND\\fR [\\fIARGUMENTS\\fR] "
                 "[\\fIOPTIONS\\fR]\n");
    fprintf(out, ".SH DESCRIPTION\n");
    man_paragraph(out, about);
    fprintf(out, ".SH COMMANDS\n");
    for (const kad_command *c = kad_commands; c->name != NULL; c++) {
        fprintf(out, ".TP\n\\fB%s\\fR ", c->name);
        man_paragraph(out, c->args);
        man_paragraph(out, c->details);
    }
    man_options(out);
    fprintf(out, ".SH SEVERAL PROCESSES\n\\fBkadanoff\\-mpi\\fR, where it was configured "
                 "(\\-\\-with\\-mpi), does");
    for (const kad_command *c = kad_commands; c->name != NULL; c++)
        if (c->ranks) fprintf(out, " %s,", c->name);
    fprintf(out, " as the ranks of one run: mpirun \\-n 4 kadanoff\\-mpi run "
                 "CONFIG.yaml. Bytes, options and exit codes are the same.\n");
    fprintf(out, ".SH EXIT STATUS\n");
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        fprintf(out, ".TP\n.B %d\n%s\n", codes[i].code, codes[i].text);
    for (size_t i = 0; i < sizeof more_codes / sizeof more_codes[0]; i++)
        fprintf(out, ".TP\n.B %d\n%s\n", more_codes[i].code, more_codes[i].text);
    fprintf(out, ".SH ENVIRONMENT\n.TP\n.B OMP_NUM_THREADS\nnumber of threads, unless "
                 "\\-\\-threads is given\n.TP\n.B OMP_WAIT_POLICY\npassive: "
                 "waiting threads sleep, for machines that others use too\n.TP\n"
                 ".B KADANOFF_EXAMPLES\nfolder of the "
                 "configs of the demos, in place of the installed one\n");
    fprintf(out, ".SH FILES\nA run folder holds config.yaml, run.h5, "
                 "checkpoint/current.h5, checkpoint/previous.h5, progress.jsonl and "
                 "report.html.\n");
    fprintf(out, ".SH EXAMPLES\n.nf\n");
    for (const kad_command *c = kad_commands; c->name != NULL; c++)
        man_paragraph(out, c->example);
    fprintf(out, ".fi\n");
}

void kad_print_commands_markdown(FILE *out)
{
    fprintf(out,
            "## Commands\n\n| command | arguments | what it does |\n|---|---|---|\n");
    for (const kad_command *c = kad_commands; c->name != NULL; c++) {
        fprintf(out, "| `%s` | `", c->name);
        for (const char *p = c->args; *p != '\0'; p++)
            fprintf(out, *p == '|' ? "\\|" : "%c", *p);
        fprintf(out, "` | %s |\n", c->details);
    }
    fprintf(out, "\n| option | meaning |\n|---|---|\n");
    for (const kad_option *o = kad_options; o->name != NULL; o++) {
        fprintf(out, "| `--%s%s%s`", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
        if (o->letter != '\0') fprintf(out, ", `-%c`", o->letter);
        fprintf(out, " | %s |\n", o->help);
    }
    fprintf(out, "\n| exit code | meaning |\n|---|---|\n");
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        fprintf(out, "| %d | %s |\n", codes[i].code, codes[i].text);
    for (size_t i = 0; i < sizeof more_codes / sizeof more_codes[0]; i++)
        fprintf(out, "| %d | %s |\n", more_codes[i].code, more_codes[i].text);
}

kad_status kad_cmd_help(kad_app *app)
{
    if (app->man) {
        kad_print_man(stdout);
    } else if (app->completion) {
        kad_print_completion(stdout);
    } else if (app->n_args == 1) {
        const kad_command *command = kad_command_find(app->args[0]);
        if (command == NULL)
            return kad_fail(&app->ctx, KAD_EUSAGE, "help: no command \"%s\"",
                            app->args[0]);
        kad_print_command_help(stdout, command);
    } else {
        kad_print_usage(stdout);
    }
    return KAD_OK;
}
