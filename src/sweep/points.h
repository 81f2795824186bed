/* Numbered points: what a sweep's points.csv has, and what its section adds. */
#ifndef KAD_SWEEP_POINTS_H
#define KAD_SWEEP_POINTS_H

#include "run/pipeline.h"
#include "sweep/section.h"

#include <stdio.h>

/* Keys and points of points.csv in the sweep's folder; none there: none. Errors:
 * KAD_EDATA (not one of ours), KAD_EIO, KAD_ENOMEM. What is read is taken in the scope. */
KAD_MUST_USE kad_status kad_points_read(kad_scope *scope, kad_sweep *sweep);

/* Number what the section asks for and is not there yet, and mark what it asks for.
 * Seeds are counted from `seed`; extent: lattice.shape[0] where a point has none of its
 * own, 0: none. Errors: KAD_ECONFIG, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_points_add(kad_scope *scope, kad_sweep *sweep,
                                       const kad_section *section, int64_t seed,
                                       int64_t extent);

/* Write what points.csv holds. */
void kad_points_print(FILE *out, const kad_sweep *sweep);

/* What sweep.yaml holds. */
typedef struct kad_kept {
    const char *text, *name; /* of the config, and its file */
    int n;
    const char **overrides; /* of the command line */
} kad_kept;
/* A kad_file_printer of it. (kept.c) */
void kad_kept_print(FILE *out, const void *kept);
/* That of a sweep's folder; text NULL: it has none. Errors: KAD_EIO, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_kept_read(kad_scope *in, const char *folder, kad_kept *out);

/* The overrides of the command line, as they mean the same in another working directory. */
KAD_MUST_USE kad_status kad_kept_overrides(kad_scope *in, const kad_app *app,
                                           const kad_sweep *sweep, const char ***out);

/* The same values of all keys but one (-1: of all). */
bool kad_sweep_same_values(const kad_sweep *sweep, int but, const char *const *a,
                           const char *const *b);
/* The point's label as the name of a folder: "temperature=2.1_seed=3". Returns out. */
char *kad_sweep_folder_name(const kad_sweep *sweep, const kad_sweep_point *point,
                            size_t size, char *out);
/* A point without n of its keys (-1: none): what it has in common with those that differ in
 * these alone. It has no number. */
KAD_MUST_USE kad_status kad_sweep_without(kad_scope *in, const kad_sweep *sweep,
                                          const kad_sweep_point *point, size_t n,
                                          const int *keys, kad_sweep_point *out);
/* How such a group is called: its folder name; "all" where nothing is left. */
KAD_MUST_USE kad_status kad_sweep_group_name(kad_scope *in, const kad_sweep *sweep,
                                             const kad_sweep_point *others,
                                             const char **name);
/* The results of a point, one of sweep->point: borrowed until the next call, and not to be changed.
 * Errors: those of kad_run_open and kad_results_open. (opened.c) */
KAD_MUST_USE kad_status kad_sweep_results(kad_ctx *ctx, const kad_sweep *sweep,
                                          const kad_sweep_point *point, kad_h5 **file);
/* How far its folder says it is. Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_sweep_stand(kad_ctx *ctx, const kad_sweep *sweep,
                                        const kad_sweep_point *point,
                                        kad_run_state *state);
/* From now on both are read once for each point: results stay in memory until the scope ends,
 * those of the first points where not all fit 1 GiB and a quarter of what is available. KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_sweep_keep(kad_scope *in, const kad_sweep *sweep);
typedef struct kad_sweep_opened kad_sweep_opened;
/* Nothing is read yet. KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_opened_create(kad_scope *in, kad_sweep_opened **out);
/* The options of a point's run, with n_more overrides behind its own: prepared without a word
 * and by one thread (a process with threads cannot fork), handed to `read`, and released.
 * Errors: kad_pipeline_prepare's. */
typedef void kad_options_reader(void *self, const kad_run_options *options);
KAD_MUST_USE kad_status kad_sweep_options_of(kad_app *app, const kad_sweep *sweep,
                                             const kad_sweep_point *point, int n_more,
                                             const char *const *more,
                                             kad_options_reader *read, void *self);
/* Index of a key; -1: the sweep has it not. */
int kad_sweep_find_key(const kad_sweep *sweep, const char *key);
/* A value as it may stand in a folder's name: "[8, 8]" is 8x8. */
void kad_sweep_plain_value(const char *value, size_t size, char *out);

#endif
