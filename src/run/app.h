/* What is asked for: by the command line, or by a caller of the library. */
#ifndef KAD_RUN_APP_H
#define KAD_RUN_APP_H

#include "io/progress.h"

#include <stdbool.h>

/* Everything the command line says, the context, and who listens. */
typedef struct kad_app {
    kad_ctx ctx;
    int argc; /* the command line as given, for provenance */
    char **argv;
    int n_args; /* positional arguments of the command */
    const char **args;
    int n_overrides; /* section.key=value */
    const char **overrides;
    /* options */
    int threads;          /* 0: OMP_NUM_THREADS or the number of cores */
    double max_hours;     /* 0: no limit */
    const char *out;      /* run folder or page; NULL: the command's default */
    const char *mask;     /* picture of what is missing in another; NULL: none */
    const char *pictures; /* folder for PNG files; NULL: none */
    double wait;          /* seconds for a folder in use; 0: none */
    int point;            /* of a sweep; 0: all */
    const char *points;   /* of a sweep: "3-7"; NULL: all */
    int pack;             /* points side by side in a job of a sweep; 0: one */
    bool json;
    bool no_timing; /* plan: measure nothing */
    bool quiet;
    bool help;
    bool version;
    bool man;
    bool markdown;
    bool completion;
    /* the sweep that the run is a point of: its folder, NULL: none, the point's number, and
     * what stands for the point's config (KAD_RESULTS_WORD) */
    const char *sweep;
    int sweep_point;
    const char *sweep_config;
    /* who listens; NULL: nobody */
    void (*say)(const char *line); /* what is said on the way, unless quiet */
    kad_status (*show)(struct kad_app *app, kad_h5 *file); /* results, at the end */
    kad_progress_watch *watch;
    void *watch_self;
} kad_app;

#endif
