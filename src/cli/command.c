/* The tables. Order is the order of --help. */
#include "cli/command.h"

#include <string.h>

enum {
    JOB_OPTIONS =
        KAD_OPT_THREADS | KAD_OPT_MAX_HOURS | KAD_OPT_OUT | KAD_OPT_QUIET | KAD_OPT_WAIT,
};

#define CONFIG_ARGS "CONFIG.yaml|RUN|- [section.key=value ...]"

const kad_command kad_commands[] = {
    {
        .name = "run",
        .args = CONFIG_ARGS,
        .min_args = 1,
        .max_args = 1,
        .overrides = true,
        .options = JOB_OPTIONS,
        .summary = "do the whole job: train, sample, analyse, report",
        .details =
            "Trains the map, runs every sampler, measures, analyses and writes the "
            "report "
            "into the run folder. The same command line starts and continues: a finished "
            "stage is skipped, an interrupted one resumes from its last checkpoint. The "
            "argument is a config file, a run folder to go on with, or - for a config "
            "on standard input, which needs --out.",
        .example = "kadanoff run ising-16.yaml train.steps=2000 --threads 2",
        .words = "yaml",
        .ranks = true,
        .run = kad_cmd_run,
    },
    {
        .name = "train",
        .args = CONFIG_ARGS,
        .min_args = 1,
        .max_args = 1,
        .overrides = true,
        .options = JOB_OPTIONS,
        .summary = "train the map only",
        .details = "Trains, or goes on training, and stores the history and the "
                   "parameters in run.h5.",
        .example = "kadanoff train ising-16.yaml -o runs/a",
        .words = "yaml",
        .ranks = true,
        .run = kad_cmd_train,
    },
    {
        .name = "sample",
        .args = CONFIG_ARGS,
        .min_args = 1,
        .max_args = 1,
        .overrides = true,
        .options = JOB_OPTIONS,
        .summary = "run the samplers on a trained map",
        .details = "Runs every sampler of the config and stores its series in run.h5.",
        .example = "kadanoff sample runs/a",
        .words = "folder",
        .ranks = true,
        .run = kad_cmd_sample,
    },
    {
        .name = "analyse",
        .args = "RUN",
        .min_args = 1,
        .max_args = 1,
        .options = KAD_OPT_THREADS | KAD_OPT_MAX_HOURS | KAD_OPT_QUIET,
        .summary = "means, errors and autocorrelation of a run's series",
        .details = "Reads the stored series of run.h5 and writes /analysis into it.",
        .example = "kadanoff analyse runs/a",
        .words = "folder",
        .run = kad_cmd_analyse,
    },
    {
        .name = "bulk",
        .args = "RUN [bulk.key=value|images.key=value ...]",
        .min_args = 1,
        .max_args = 1,
        .overrides = true,
        .options = KAD_OPT_THREADS | KAD_OPT_MAX_HOURS | KAD_OPT_QUIET | KAD_OPT_PICTURES,
        .summary = "read the bulk off a trained map: latents, correlations, geometry",
        .details =
            "Infers the latents of the configurations that a sampler stored, writes "
            "/bulk, /correlators/bulk and /geodesics into run.h5 and the report anew. "
            "Keys of section bulk may be changed; bulk.configs: at most so many. With "
            "--pictures: fields, latents, walks and wavelets also as PNG files. For a "
            "run "
            "on images: everything that section images asks for (inpainting, receptive "
            "fields, ...) is made anew; keys of that section may be changed.",
        .example = "kadanoff bulk runs/a bulk.bins=6",
        .words = "folder",
        .run = kad_cmd_bulk,
    },
    {
        .name = "report",
        .args = "RUN",
        .min_args = 1,
        .max_args = 1,
        .options = KAD_OPT_THREADS | KAD_OPT_MAX_HOURS | KAD_OPT_OUT | KAD_OPT_QUIET,
        .summary = "write report.html from a run's results",
        .details = "Reads run.h5 only and writes a self-contained page: inline SVG, no "
                   "network, no scripts. With --out FILE: there, and nothing in the run "
                   "folder is touched.",
        .example = "kadanoff report runs/a --out ising.html",
        .words = "folder",
        .run = kad_cmd_report,
    },
    {
        .name = "compare",
        .args = "RUN [RUN ...]",
        .min_args = 1,
        .max_args = 64,
        .summary = "what an independent configuration costs with each sampler",
        .details = "Acceptance, autocorrelation time in draws and in seconds, cost of an "
                   "independent configuration, tuning and training time and the number "
                   "of configurations at which a map has paid for itself, over one or "
                   "more analysed runs.",
        .example = "kadanoff compare runs/a runs/b",
        .words = "folder",
        .run = kad_cmd_compare,
    },
    {
        .name = "couplings",
        .args = "RUN [RUN ...]",
        .min_args = 1,
        .max_args = 6,
        .options = KAD_OPT_OUT | KAD_OPT_QUIET,
        .summary = "the flow of renormalised couplings of several runs in one page",
        .details = "Plots the couplings that `bulk` found at every level, a series for "
                   "each run: below, at and above a transition, say. Writes the file of "
                   "--out (couplings.html).",
        .example = "kadanoff couplings cold critical hot --out flow.html",
        .words = "folder",
        .run = kad_cmd_couplings,
    },
    {
        .name = "infer",
        .args = "RUN FILE.h5[:/DATASET]|IMAGES [action.key=value|data.key=value ...]",
        .min_args = 2,
        .max_args = 2,
        .overrides = true,
        .options = KAD_OPT_THREADS | KAD_OPT_OUT | KAD_OPT_QUIET,
        .summary = "probabilities and latents of configurations or images of your own",
        .details =
            "Reads boundary configurations ([n, axes...], [n, component, axes...], or "
            "with a leading chain axis; /configs unless a data set is named) and writes "
            "ln q, ln w and the latents of each under the run's map into the file of "
            "--out (inferred.h5). Of a family of maps it is the one at the couplings "
            "named, action.temperature=2.2, or at the config's own. The run is not "
            "changed. For a run on images: whatever "
            "data.source may be (a picture, a folder of them, an array), read as the "
            "run's were; ln P, bits by level and latents of those that it holds out, or "
            "of all, and how many come back from their latents exactly.",
        .example = "kadanoff infer runs/a mine.h5:/samplers/hmc/configs -o latents.h5",
        .words = "folder",
        .run = kad_cmd_infer,
    },
    {
        .name = "generate",
        .args = "RUN FILE.h5[:/DATASET] [action.key=value ...]",
        .min_args = 2,
        .max_args = 2,
        .overrides = true,
        .options = KAD_OPT_THREADS | KAD_OPT_OUT | KAD_OPT_QUIET | KAD_OPT_PICTURES,
        .summary = "configurations or images of latents of your own",
        .details = "The inverse of infer: reads latents as that writes them (/latents "
                   "unless a data set is named) and writes the boundary configurations "
                   "/configs, or the /images, that the run's map makes of them into the "
                   "file of --out (generated.h5). Of a family of maps it is the one at "
                   "the couplings named, action.temperature=2.2, or at the config's "
                   "own. With --pictures: images also as PNG files. The run is not "
                   "changed.",
        .example = "kadanoff generate runs/a latents.h5 -o mine.h5",
        .words = "folder",
        .run = kad_cmd_generate,
    },
    {
        .name = "inpaint",
        .args = "RUN PICTURE [images.key=value ...]",
        .min_args = 2,
        .max_args = 2,
        .overrides = true,
        .options = KAD_OPT_THREADS | KAD_OPT_OUT | KAD_OPT_QUIET | KAD_OPT_PICTURES |
                   KAD_OPT_MASK,
        .summary = "draw the missing part of a picture, given the rest",
        .details =
            "What is white in the picture of --mask is missing. Both are read as the "
            "run's images were, or as their centre squares of the map's size. The "
            "missing levels are drawn from the map's probability given all others "
            "(images.sweeps sweeps) and written beside each other into the picture of "
            "--out (inpainted.png): six draws, their mean, and a most probable filling. "
            "With --pictures: each also by itself. The run is not changed.",
        .example = "kadanoff inpaint runs/faces torn.png --mask hole.png",
        .words = "folder",
        .run = kad_cmd_inpaint,
    },
    {
        .name = "sweep",
        .args = "plan|run|slurm|status|table|analyse FILE.yaml|FOLDER [section.key=value "
                "...]",
        .min_args = 2,
        .max_args = 2,
        .overrides = true,
        .options = JOB_OPTIONS | KAD_OPT_SWEEP,
        .summary = "many runs from one file: a grid of keys, on one machine or many",
        .details =
            "The file is a config with a section `sweep` (doc/sweeps.md); the sweep's "
            "folder "
            "stands for the config that it was last run with. plan: check "
            "all points, number them, and estimate time, memory and disk from a few "
            "steps of each "
            "kind. run: do what nobody else does, costliest "
            "first, until nothing is left; start it as often as there are machines, all "
            "share the folder. slurm: write a job script, an array that goes on by "
            "itself. status: how far every point is; 0 when all are complete, 75 when "
            "some are left, 65 when some cannot be read. table: all estimates into "
            "sweep.h5 and table.csv. analyse: the same, and curves over the coupling "
            "from "
            "all points together. plan, status, table and analyse change no run.",
        .example = "kadanoff sweep run ising-sweep.yaml",
        .words = "plan|run|slurm|status|table|analyse",
        .run = kad_cmd_sweep,
    },
    {
        .name = "demo",
        .args = "[NAME [section.key=value ...]]",
        .min_args = 0,
        .max_args = 1,
        .overrides = true,
        .options = JOB_OPTIONS,
        .summary = "run a built-in example from end to end",
        .details =
            "Without a name: the critical Ising model. `kadanoff list demos` names "
            "the others. The run folder is demo-NAME unless --out says otherwise.",
        .example = "kadanoff demo",
        .words = "demos",
        .run = kad_cmd_demo,
    },
    {
        .name = "init",
        .args = "ACTION",
        .min_args = 1,
        .max_args = 1,
        .summary = "print a commented config for an action",
        .details = "Every key with its default, unit, range and meaning; what has a good "
                   "default is commented out.",
        .example = "kadanoff init on-dual > mine.yaml",
        .words = "actions",
        .run = kad_cmd_init,
    },
    {
        .name = "list",
        .args =
            "[actions|bijectors|transforms|priors|samplers|observables|data|keys|demos]",
        .min_args = 0,
        .max_args = 1,
        .options = KAD_OPT_MARKDOWN,
        .summary = "list what is built in",
        .details = "With --markdown: the whole reference of doc/reference.md.",
        .example = "kadanoff list actions",
        .words =
            "actions|bijectors|transforms|priors|samplers|observables|data|keys|demos",
        .run = kad_cmd_list,
    },
    {
        .name = "info",
        .args = "RUN",
        .min_args = 1,
        .max_args = 1,
        .summary = "what is in a run folder, and where it came from",
        .details =
            "First a summary: the model, how far it is, ln Z, samplers, warnings; then "
            "its provenance, and the data sets of run.h5 with their shapes.",
        .example = "kadanoff info runs/a",
        .words = "folder",
        .run = kad_cmd_info,
    },
    {
        .name = "diagnose",
        .args = "RUN",
        .min_args = 1,
        .max_args = 1,
        .summary = "every warning about a run, with advice",
        .details =
            "Also whether the run is complete, and what to type where it is not. The "
            "exit code says the worst: 65 when a result must not be used.",
        .example = "kadanoff diagnose runs/a",
        .words = "folder",
        .run = kad_cmd_diagnose,
    },
    {
        .name = "help",
        .args = "[COMMAND]",
        .min_args = 0,
        .max_args = 1,
        .options = KAD_OPT_MAN | KAD_OPT_COMPLETION,
        .summary = "help on a command",
        .details = "With --man: the man page; with --completion: the bash completion.",
        .example = "kadanoff help run",
        .words = "commands",
        .run = kad_cmd_help,
    },
    {.name = NULL},
};

const kad_option kad_options[] = {
    {KAD_OPT_THREADS, 't', "threads", "N", KAD_OPT_INT, offsetof(kad_app, threads), 1,
     1024,
     "threads to use (default: OMP_NUM_THREADS, else SLURM_CPUS_PER_TASK, else the "
     "number of cores)"},
    {KAD_OPT_MAX_HOURS, '\0', "max-hours", "H", KAD_OPT_HOURS,
     offsetof(kad_app, max_hours), 1e-6, 1e5,
     "checkpoint and stop with code 75 after H hours of wall time (1.5, or 01:30:00)"},
    {KAD_OPT_WAIT, '\0', "wait", "SECONDS", KAD_OPT_REAL, offsetof(kad_app, wait), 0, 1e7,
     "wait so long for a folder in use, before it ends with code 69 (default: 0)"},
    {KAD_OPT_OUT, 'o', "out", "PATH", KAD_OPT_TEXT, offsetof(kad_app, out), 0, 0,
     "run folder (default: the config's name without .yaml), or the file to write"},
    {KAD_OPT_QUIET, 'q', "quiet", NULL, KAD_OPT_FLAG, offsetof(kad_app, quiet), 0, 0,
     "say nothing but errors"},
    {KAD_OPT_MAN, '\0', "man", NULL, KAD_OPT_FLAG, offsetof(kad_app, man), 0, 0,
     "print the man page"},
    {KAD_OPT_MARKDOWN, '\0', "markdown", NULL, KAD_OPT_FLAG, offsetof(kad_app, markdown),
     0, 0, "print the reference as Markdown"},
    {KAD_OPT_MASK, '\0', "mask", "PICTURE", KAD_OPT_TEXT, offsetof(kad_app, mask), 0, 0,
     "what is missing is white in this picture"},
    {KAD_OPT_PICTURES, '\0', "pictures", "DIR", KAD_OPT_TEXT, offsetof(kad_app, pictures),
     0, 0, "also write the pictures (of the bulk, or images) into DIR as PNG files"},
    {KAD_OPT_COMPLETION, '\0', "completion", NULL, KAD_OPT_FLAG,
     offsetof(kad_app, completion), 0, 0, "print the bash completion"},
    {KAD_OPT_SWEEP, '\0', "point", "K", KAD_OPT_INT, offsetof(kad_app, point), 1, 100000,
     "this point only (default: SLURM_ARRAY_TASK_ID, else all)"},
    {KAD_OPT_SWEEP, '\0', "points", "A-B", KAD_OPT_TEXT, offsetof(kad_app, points), 0, 0,
     "these points only"},
    {KAD_OPT_SWEEP, '\0', "pack", "N", KAD_OPT_INT, offsetof(kad_app, pack), 1, 1024,
     "slurm: N workers side by side in one job, for sites that lend whole nodes"},
    {KAD_OPT_SWEEP, '\0', "json", NULL, KAD_OPT_FLAG, offsetof(kad_app, json), 0, 0,
     "plan, status: as JSON"},
    {KAD_OPT_SWEEP, '\0', "no-timing", NULL, KAD_OPT_FLAG, offsetof(kad_app, no_timing),
     0, 0, "plan: check and number the points only, measure nothing"},
    {0, 'h', "help", NULL, KAD_OPT_FLAG, offsetof(kad_app, help), 0, 0, "this help"},
    {0, 'V', "version", NULL, KAD_OPT_FLAG, offsetof(kad_app, version), 0, 0,
     "version, commit, compiler, libraries, instruction set"},
    {0, '\0', NULL, NULL, KAD_OPT_FLAG, 0, 0, 0, NULL},
};

const kad_command *kad_command_find(const char *name)
{
    for (const kad_command *c = kad_commands; c->name != NULL; c++)
        if (strcmp(c->name, name) == 0) return c;
    return NULL;
}
