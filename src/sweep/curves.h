/* `sweep analyse`: points that differ in one coupling alone are a group; what its chains say
 * together (analysis/curves.h), a curve a sampler. */
#ifndef KAD_SWEEP_CURVES_H
#define KAD_SWEEP_CURVES_H

#include "analysis/curves.h"
#include "sweep/points.h"

/* The curve of one sampler of a group. */
typedef struct kad_sweep_series {
    const char *name;    /* of the sampler */
    const char *refused; /* why there is no curve; NULL: there is one */
    kad_curves curves;
    int *point;                          /* [curves.n_states] indices into the sweep's */
    double *at;                          /* [curves.n_states] values of the coupling */
    double *exact[KAD_CURVE_QUANTITIES]; /* [curves.n], NaN: not known; NULL: nowhere */
    int n_left_out; /* points that cannot be used, and why the first */
    const char *left_out;
} kad_sweep_series;

typedef struct kad_sweep_group {
    const char *name;       /* "shape=8x8_seed=42": the other keys; "all" without any */
    kad_sweep_point others; /* their values */
    int n_points, n_complete;
    double n_sites, extent, n_components;
    int n_series;
    kad_sweep_series *series;
} kad_sweep_group;

typedef struct kad_sweep_curves {
    const kad_sweep *sweep;
    int along; /* index of the coupling's key */
    int n_groups;
    kad_sweep_group *group;
} kad_sweep_curves;

/* Key of the coupling that curves go along: sweep.analysis.along, sweep.along, or the only one
 * that varies. NULL: *n vary, which is not 1. */
const char *kad_sweep_coupling(const kad_sweep *sweep, int *n);
/* The curves of all groups, taken in `in`. Errors: KAD_ECONFIG (which coupling; values outside
 * the range; a model that declares no statistics), KAD_EDATA (no group has a curve: says
 * why), and those of reading. (curves.c) */
KAD_MUST_USE kad_status kad_sweep_curves_make(kad_scope *in, kad_app *app,
                                              const kad_sweep *sweep,
                                              kad_sweep_curves *out);
/* /curves of sweep.h5; curves.csv; the screen. (curves_write.c) */
KAD_MUST_USE kad_status kad_sweep_curves_write(kad_ctx *ctx, kad_h5 *file,
                                               const kad_sweep_curves *curves);
void kad_sweep_curves_print(FILE *out, const void *curves);
void kad_sweep_curves_say(const kad_app *app, const kad_sweep_curves *curves);

#endif
