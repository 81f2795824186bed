/* A sweep: one config whose section `sweep` says which keys take which values. Every point
 * of it is an ordinary run folder below the sweep's own, which besides holds
 *
 *     points.csv    number, folder and values of every point: the numbers never change
 *     sweep.yaml    the config as it was last claimed with (kept.c)
 *     maps/         families that points share (maps.c)
 *     job.sh, log/  of a batch job (slurm.c)
 *
 * Workers share nothing but the file system: each takes the points that nobody holds.
 *
 * This folder: section (what the file asks for), points (numbered), asked (whether a complete
 * point is still what the file asks for), csv (tables of text), shapes (points that cost the
 * same), kept (the config in the folder), opened (points that are read), estimate (what they cost), what workers and batch jobs do
 * with them, and curves (what all points say together). */
#ifndef KAD_SWEEP_SWEEP_H
#define KAD_SWEEP_SWEEP_H

#include "base/memory.h"
#include "io/config.h"
#include "io/h5.h"
#include "run/app.h"
#include "run/run_state.h"

typedef struct kad_sweep_point {
    int number;         /* from 1; 0: what points share */
    bool wanted;        /* the file still asks for it */
    const char *folder; /* below the sweep's */
    const char **value; /* [n_keys] YAML text; NULL: this point does not set the key */
} kad_sweep_point;

/* The section's plain keys. */
typedef struct kad_sweep_options {
    const char *map;   /* point, family, chain */
    const char *along; /* of family and chain: the coupling, of a family also two,
                                       separated by commas; NULL: none */
    double chain_steps, chain_rate; /* of a point that starts from another's map */
    const char *folder;             /* template; NULL: all keys */
    struct {
        bool mbar;         /* curves by reweighting the points together */
        const char *along; /* NULL: the one coupling that varies */
        kad_reals values;  /* of the curves; one whole number of 2 or more: so many */
        struct {
            const char *scale;          /* L, N */
            const char *tune, *sampler; /* NULL: the coupling; the config's first */
            double omega, z_max;        /* NaN: none */
        } fss;
    } analysis;
    struct {
        const char *time, *memory, *partition, *account, *setup; /* NULL: none */
        int cpus, at_once;
    } slurm;
} kad_sweep_options;
extern const kad_key kad_sweep_keys[];
extern const size_t kad_sweep_n_keys;

typedef struct kad_sweep {
    const char *name; /* of the config file, for messages and what it names */
    const char *text; /* the whole file */
    const char
        *base; /* the same with the section blank: line numbers stay true; NULL: none */
    uint64_t asked;     /* what stands for the base with the command line's overrides */
    const char *folder; /* the sweep's own */
    kad_schema schema;  /* of a run */
    kad_sweep_options options;
    int n_keys;
    const char **key;
    int n_points;
    kad_sweep_point *point;          /* by number */
    struct kad_sweep_opened *opened; /* points that were read (opened.c) */
    struct kad_sweep_rule *rule;     /* section `when`, in order */
    int n_rules;
} kad_sweep;

/* Does a config text have the section? Text that is no YAML has not. */
bool kad_sweep_is(const char *text);

/* Read a sweep: the section of `text` (a file `name`), and what points.csv in app->out
 * already numbers; all of it is taken in `in`. Numbers of old points stay; new ones follow
 * in the order of the file: grid (a product, first key slowest; zip's lists innermost),
 * then points. Nothing is written. Errors: KAD_ECONFIG with file:line; KAD_EDATA
 * (points.csv is not one of ours); KAD_EIO; KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_sweep_read(kad_scope *in, kad_app *app, const char *text,
                                       const char *name, kad_sweep **out);
/* The same, and points.csv and sweep.yaml are written where they change; one process at a
 * time. Also KAD_ECREATE. */
KAD_MUST_USE kad_status kad_sweep_claim(kad_scope *in, kad_app *app, const char *text,
                                        const char *name, kad_sweep **out);
/* One of the two, by the config that the sweep's folder (app->out) keeps; app->overrides become
 * those that it was claimed with, and the command line's. A folder without a config gives its
 * points alone, and base is NULL. Also KAD_ENOINPUT. */
KAD_MUST_USE kad_status kad_sweep_open(kad_scope *in, kad_app *app, bool claim,
                                       kad_sweep **out);

/* The overrides of a point: its values, what `when` adds, and those of the command line. */
KAD_MUST_USE kad_status kad_sweep_overrides(kad_scope *in, const kad_app *app,
                                            const kad_sweep *sweep,
                                            const kad_sweep_point *point, int *n,
                                            const char ***out);
/* The same with n_more behind them. */
KAD_MUST_USE kad_status kad_sweep_overrides_and(kad_scope *in, const kad_app *app,
                                                const kad_sweep *sweep,
                                                const kad_sweep_point *point, int n_more,
                                                const char *const *more, int *n,
                                                const char ***out);
/* "temperature=2.1 seed=3": last names and values, for people. Returns out. */
char *kad_sweep_label(const kad_sweep *sweep, const kad_sweep_point *point, size_t size,
                      char *out);
/* What stands for all that the config asks of a point: whoever has the same word was asked for
 * the same. (asked.c) */
KAD_MUST_USE kad_status kad_sweep_word(kad_app *app, const kad_sweep *sweep,
                                       const kad_sweep_point *point,
                                       char word[KAD_WORD_CHARS]);
/* How far a point is: what its folder says, and of a complete one whether the config asks for
 * more draws by now. Then it counts as stopped, with what is missing in its words;
 * state->status is what the folder says. Of a sweep without its config the folder alone.
 * Errors: KAD_ENOMEM. (asked.c) */
KAD_MUST_USE kad_status kad_sweep_state(kad_app *app, const kad_sweep *sweep,
                                        const kad_sweep_point *point,
                                        kad_run_state *state);
/* Path of a point's run folder. */
KAD_MUST_USE kad_status kad_sweep_path(kad_scope *in, const kad_sweep *sweep,
                                       const kad_sweep_point *point, const char **path);

/* Check every value of every key against the schema, and the models of points that stand for the
 * rest: of numbers the smallest and the largest, of all else every value. KAD_ECONFIG names the
 * first that cannot run. (plan.c) */
KAD_MUST_USE kad_status kad_sweep_check(kad_app *app, const kad_sweep *sweep);

/* What a point's map adds to its overrides. */
typedef struct kad_map_use {
    int n;
    const char *more[3];
    bool waits; /* it is not there yet, and another worker's */
} kad_map_use;
/* Points take their maps from families in maps/. (maps.c) */
bool kad_sweep_shares_maps(const kad_sweep *sweep);
/* The map a point starts from, trained here where it is a family's and not there yet. KAD_EINUSE
 * with use->waits while it is another worker's work; KAD_ECONFIG names the key where the map is
 * of another config. (maps.c) */
KAD_MUST_USE kad_status kad_sweep_map(kad_scope *in, kad_app *app, const kad_sweep *sweep,
                                      const kad_sweep_point *point, kad_map_use *use);
/* The run that trains the family of a point: the config of `others`, the point without its
 * couplings, with n more overrides, and KAD_STAGE_TRAIN. */
KAD_MUST_USE kad_status kad_sweep_family(kad_scope *in, kad_app *app,
                                         const kad_sweep *sweep,
                                         const kad_sweep_point *point,
                                         kad_sweep_point *others, int *n,
                                         const char ***more);
/* No point with a lower number shares the map of this one. */
KAD_MUST_USE kad_status kad_sweep_leads(kad_ctx *ctx, const kad_sweep *sweep,
                                        const kad_sweep_point *point, bool *leads);
/* The point whose map one of a chain starts from; NULL: it is the first. */
KAD_MUST_USE kad_status kad_sweep_before(kad_ctx *ctx, const kad_sweep *sweep,
                                         const kad_sweep_point *point,
                                         const kad_sweep_point **before);
/* What a point of a chain adds that starts from the map in `from`. */
KAD_MUST_USE kad_status kad_sweep_go_on(kad_scope *in, kad_app *app,
                                        const kad_sweep *sweep,
                                        const kad_sweep_point *point, const char *from,
                                        kad_map_use *use);

/* The run of a point in `folder`, with more overrides behind its own. Not `watched`: it says
 * nothing on the way. Errors: kad_pipeline_text's. */
KAD_MUST_USE kad_status kad_sweep_run(kad_app *app, const kad_sweep *sweep,
                                      const kad_sweep_point *point, int n_more,
                                      const char *const *more, const char *folder,
                                      unsigned stages, bool watched);

/* Whether that run would go on in `folder`: KAD_ECONFIG names the key in which the config
 * differs from the folder's. Nothing is changed. */
KAD_MUST_USE kad_status kad_sweep_agree(kad_app *app, const kad_sweep *sweep,
                                        const kad_sweep_point *point, int n_more,
                                        const char *const *more, const char *folder);

/* Points [first, last] by number; 0, 0: all. The costliest first; what is complete by this
 * config or held by another worker is passed over, what fails is said and passed over. KAD_OK when all that it could take is complete;
 * KAD_EINUSE when the one point asked for is held; KAD_EINTERRUPTED after a stop; else the
 * first failure. (worker.c) */
KAD_MUST_USE kad_status kad_sweep_work(kad_app *app, const kad_sweep *sweep, int first,
                                       int last);

/* Every estimate of the complete points into sweep.h5 and table.csv of the sweep's folder,
 * and the main ones on the screen. (table.c) */
KAD_MUST_USE kad_status kad_sweep_table(kad_app *app, const kad_sweep *sweep);

/* The same, curves over the coupling from all points that differ in nothing else (/curves of
 * sweep.h5, curves.csv), finite-size scaling (/fss) and the page sweep.html. Errors:
 * KAD_ECONFIG, KAD_EDATA in one line that says what is missing (curves.h). (analyse.c) */
KAD_MUST_USE kad_status kad_sweep_analyse(kad_app *app, const kad_sweep *sweep);

/* Finite-size scaling into an open sweep.h5 and on the screen, where points of several
 * lattice sizes are complete. Where it was asked for (sweep.analysis.fss.tune) and cannot be
 * done: KAD_EDATA, KAD_ECONFIG with what is missing. (fss.c) */
KAD_MUST_USE kad_status kad_sweep_fss(kad_app *app, const kad_sweep *sweep, kad_h5 *file);

/* sweep.html into the sweep's folder, of an open sweep.h5. (page.c) */
KAD_MUST_USE kad_status kad_sweep_page(kad_ctx *ctx, kad_h5 *file, const char *folder);

/* Write job.sh and log/ for Slurm: an array with a task a point (several where the site's
 * arrays are shorter than that), which requeues itself while there is more to do; tasks_per_job > 1: so many points side by side in a job, for sites that
 * lend whole nodes. `program`: path of kadanoff. (slurm.c) */
KAD_MUST_USE kad_status kad_sweep_slurm(kad_app *app, const kad_sweep *sweep,
                                        const char *program, int tasks_per_job);

#endif
