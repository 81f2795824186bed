/* Section `flow` of the configuration as a struct, once the recipe has chosen what was
 * left out. */
#ifndef KAD_FLOW_OPTIONS_H
#define KAD_FLOW_OPTIONS_H

#include "base/real.h"
#include "flow/bijectors/coupling.h"
#include "flow/bijectors/stencil.h"
#include "io/keys.h"
#include "lattice/lattice.h"

/* The global sign (rotations): not treated; q(y) averaged with q(-y); built into the nets.
 */
typedef enum kad_symmetry {
    KAD_SYMMETRY_NONE,
    KAD_SYMMETRY_MIXTURE,
    KAD_SYMMETRY_EQUIVARIANT
} kad_symmetry;

/* Where the learned spectrum stands: before or after the levels. */
typedef enum kad_spectrum_place {
    KAD_SPECTRUM_NONE,
    KAD_SPECTRUM_FIRST,
    KAD_SPECTRUM_LAST
} kad_spectrum_place;

/* How the conditional hierarchy makes the new sites of a level. */
typedef enum kad_details { KAD_DETAILS_FILL, KAD_DETAILS_WAVELET } kad_details;

/* How it makes the coarsest lattice: down from its first site over sublattices, or site by site,
 * each given all before it. */
typedef enum kad_top { KAD_TOP_FILL, KAD_TOP_RASTER } kad_top;

typedef struct kad_flow_options {
    const char *recipe;    /* as asked for; what it chose is in the members below */
    const char *hierarchy; /* its name (flow/hierarchy.h) */
    int depth;             /* levels with stages, from the finest; 0: all */
    /* mera, decimator, disentangler: couplings in blocks */
    int kernel;            /* extent m of the m^d blocks */
    int repeat;            /* of the passes of a level */
    const char *passes;    /* block offsets in generation order; NULL: the hierarchy's */
    int couplings;         /* of a pass */
    const char *transform; /* of their targets */
    kad_ints widths;       /* of hidden layers */
    kad_activation activation;
    bool split;        /* nets of their own for shift and log-scale */
    double scale_init; /* first bound of the log-scale */
    bool zero_last;    /* start as the identity */
    bool haar;         /* a Haar rotation a level */
    bool rotation;     /* a learned linear map before a pass */
    bool level_scale;  /* a learned scale after a pass */
    /* conditional */
    kad_details details;
    kad_top top;
    const char *generator, *refinement;  /* transforms of new sites, of refinements */
    int hidden;                          /* units of a net */
    double quartic;                      /* q4t: largest coupling its width can follow */
    int sources;                         /* most sources of a stencil */
    int refinements, refinements_finest; /* a step; of the last step */
    bool shared;                         /* targets alike share weights */
    /* ode (bijectors/ode.h) */
    int features, time_modes, steps;
    bool rg_layers; /* an equation a level */
    double tolerance;
    /* any */
    bool ring; /* radial transform of the coarsest site */
    kad_spectrum_place spectrum;
    double spectrum_mass2; /* the spectrum starts at -ln(c (khat^2 + this))/2; 0: at 0 */
    double spectrum_stiffness; /* this c */
    kad_symmetry symmetry;
    int average;         /* images of the lattice that q is averaged over (average.h) */
    bool translation;    /* every draw is shifted by a random lattice vector */
    kad_auto decimation; /* odd sublattice integrated out: where the action allows */
    const char *prior;   /* its name */
    double temperature;  /* variance of the latents */
    kad_prec precision;  /* of fields and weights */
} kad_flow_options;

/* What a flow must know of the action it is built for. */
typedef struct kad_flow_target {
    const kad_lattice *lattice;
    int n_comp;
    const uint8_t *active; /* NULL: all */
    bool symmetric;        /* S(-y) = S(y) */
    kad_frame frame;       /* what turns the action with it */
} kad_flow_target;

extern const kad_key kad_flow_keys[];
extern const size_t kad_flow_n_keys;
extern const kad_rule kad_flow_rules[];
extern const size_t kad_flow_n_rules;

/* "auto", then every recipe (recipe.c); NULL past the last: choices of a key. */
const char *kad_recipe_choice(size_t i);

#endif
