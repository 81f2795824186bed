/* A model: what one resolved configuration describes. The map's side (lattice, flow,
 * precision, seed) and the action, if the field has one that is known: a map may also be
 * trained on data alone (target.h). Built once in a run and borrowed by all who work with
 * it; nobody changes it. */
#ifndef KAD_TRAIN_MODEL_H
#define KAD_TRAIN_MODEL_H

#include "base/memory.h"
#include "flow/flow.h"
#include "flow/map.h"
#include "flow/mixture.h"
#include "io/h5.h"
#include "io/writer.h"
#include "models/action.h"
#include "train/family.h"

/* What a model is made of. */
typedef struct kad_model_options {
    uint64_t seed;             /* key of every random number */
    kad_ints shape;            /* extents of the lattice */
    kad_action_options action; /* name "none": none is known */
    int n_comp;                /* components of the data; 0: the action's, or 1 */
    kad_flow_options flow;     /* as the recipe left it */
    kad_family_options family;
} kad_model_options;

typedef struct kad_model {
    kad_lattice *lattice;
    kad_action *action; /* NULL: none is known */
    kad_action *field; /* the action; where none is known, an empty one (models/none.h) */
    kad_flow *flow;
    bool decimated;       /* the odd sublattice is integrated out */
    kad_mixture *mixture; /* what q is averaged over */
    kad_prec prec;        /* flow.precision */
    uint64_t seed;
    kad_family family; /* one map, or maps for a range of a coupling */
} kad_model;

/* Parameters that are trained: order * flow->n_theta. */
size_t kad_model_n_parameters(const kad_model *model);

/* Decimation: flow.decimation, auto = wherever the action allows. Errors: KAD_ECONFIG (a
 * mixture of an action without the symmetry, decimation where it is impossible, and what the parts
 * say), KAD_ENOINPUT, KAD_EDATA, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_model_create(kad_ctx *ctx, const kad_model_options *options,
                                         kad_model **out);
void kad_model_destroy(kad_model *model);
KAD_LOCAL_OF(kad_model, kad_model_destroy)

/* KAD_ECONFIG, "WHAT needs an action, ...", where the model has none. */
KAD_MUST_USE kad_status kad_model_require_action(kad_ctx *ctx, const kad_model *model,
                                                 const char *what);

/* One line (KAD_ACTION_DESCRIPTION bytes): of the action, or "a field learnt from data, 8 x
 * 8". */
void kad_model_describe(const kad_model *model, size_t size, char *text);
/* A dataset [cfg][component][axes...] of n numbers a site and component. */
void kad_model_write_configs(kad_writer *w, const kad_model *model, const char *name,
                             const char *text, size_t n, const double *x);

/* The same on another lattice. */
kad_model_options kad_model_options_on(const kad_model_options *options, int d,
                                       const int *shape);

/* Map of the parameters in group `group` ("/flow/params") of a results file. */
KAD_MUST_USE kad_status kad_model_load_map(kad_ctx *ctx, const kad_model *model,
                                           kad_h5 *file, kad_map **out);

#endif
