/* The table of commands and the table of options. They drive parsing, --help, the man
 * page, the reference in doc/ and the shell completion: a command exists by being in the
 * table.
 *
 * This folder is the program, a file a command: command, demo (built-in configs), print
 * (what is printed of a results file), run_labels (what runs are called beside each other),
 * sweep_plan (what a sweep costs), stored_run (a run folder with the model of its own config), stored_images (with its map of
 * images), infer (what that and generate share),
 * launch (as one process, or as ranks). */
#ifndef KAD_CLI_COMMAND_H
#define KAD_CLI_COMMAND_H

#include "run/app.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

typedef enum kad_option_kind {
    KAD_OPT_FLAG,
    KAD_OPT_TEXT,
    KAD_OPT_INT,
    KAD_OPT_REAL,
    KAD_OPT_HOURS /* 1.5, or as batch queues write it: 01:30:00, 1-12:00:00 */
} kad_option_kind;

typedef struct kad_option {
    unsigned bit; /* in kad_command.options; 0: every command takes it */
    char letter;  /* '\0': none */
    const char *name;
    const char *arg; /* name of its value, NULL for a flag */
    kad_option_kind kind;
    size_t offset; /* of the field in kad_app */
    double lo, hi; /* range of a number */
    const char *help;
} kad_option;

enum {
    KAD_OPT_THREADS = 1,
    KAD_OPT_MAX_HOURS = 2,
    KAD_OPT_OUT = 4,
    KAD_OPT_QUIET = 8,
    KAD_OPT_MAN = 16,
    KAD_OPT_MARKDOWN = 32,
    KAD_OPT_COMPLETION = 64,
    KAD_OPT_PICTURES = 128,
    KAD_OPT_SWEEP = 256,
    KAD_OPT_WAIT = 512,
    KAD_OPT_MASK = 1024
};

typedef struct kad_command {
    const char *name;
    const char *args; /* as in the usage line: "CONFIG.yaml [section.key=value ...]" */
    int min_args, max_args;
    bool overrides;   /* takes section.key=value */
    unsigned options; /* KAD_OPT_* */
    const char *summary;
    const char *details; /* a paragraph; lines are wrapped by the printers */
    const char *example; /* a command line */
    const char *words;   /* completions of its argument: "yaml", "folder" or "a|b|c" */
    bool ranks;          /* several processes can do it together (kadanoff-mpi) */
    kad_status (*run)(kad_app *app);
} kad_command;

extern const kad_command kad_commands[]; /* ends with name NULL */
extern const kad_option kad_options[];   /* ends with name NULL */

const kad_command *kad_command_find(const char *name);

/* Fill `app` from argv (the command's own arguments start at argv[1]; argv[0] is its
 * name). Errors: KAD_EUSAGE. args and overrides point into blocks freed by kad_app_clear.
 */
KAD_MUST_USE kad_status kad_app_parse(kad_app *app, const kad_command *command, int argc,
                                      char **argv);
void kad_app_clear(kad_app *app);

/* Printers of the tables (help.c). */
void kad_print_usage(FILE *out);
void kad_print_command_help(FILE *out, const kad_command *command);
void kad_print_man(FILE *out);
void kad_print_completion(FILE *out);
void kad_print_commands_markdown(FILE *out);
void kad_print_version(FILE *out);

/* Run folder of a config by default: "runs/ising-16.yaml" -> "ising-16". */
void kad_folder_of(const char *path, char *out, size_t size);

/* The commands. */
kad_status kad_cmd_run(kad_app *app);
kad_status kad_cmd_train(kad_app *app);
kad_status kad_cmd_sample(kad_app *app);
kad_status kad_cmd_analyse(kad_app *app);
kad_status kad_cmd_bulk(kad_app *app);
kad_status kad_cmd_report(kad_app *app);
kad_status kad_cmd_compare(kad_app *app);
kad_status kad_cmd_couplings(kad_app *app);
kad_status kad_cmd_sweep(kad_app *app);
kad_status kad_cmd_infer(kad_app *app);
kad_status kad_cmd_generate(kad_app *app);
kad_status kad_cmd_inpaint(kad_app *app);
kad_status kad_cmd_demo(kad_app *app);
kad_status kad_cmd_init(kad_app *app);
kad_status kad_cmd_list(kad_app *app);
kad_status kad_cmd_info(kad_app *app);
kad_status kad_cmd_diagnose(kad_app *app);
kad_status kad_cmd_help(kad_app *app);

#endif
