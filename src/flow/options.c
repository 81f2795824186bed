/* Parameters of section `flow`. A key without a default is chosen by the recipe
 * (recipe.h). */
#include "flow/options.h"

#include "flow/mixture.h"
#include "flow/priors/prior.h"
#include "flow/transforms/transform.h"

#define ANY 1, 0

const kad_key kad_flow_keys[] = {
    {"flow.recipe", KAD_NAME_OF(kad_flow_options, recipe, kad_recipe_choice), "auto", ANY,
     "", NULL,
     "named set of defaults for the other keys; auto chooses by action and lattice"},
    {"flow.hierarchy", KAD_WORD_OF(kad_flow_options, hierarchy), NULL, ANY, "",
     "mera|decimator|disentangler|conditional|ode|none",
     "how stages are laid over the levels; none: only the spectrum"},
    {"flow.kernel", KAD_INT_OF(kad_flow_options, kernel), "2", 2, 16, "sites", NULL,
     "extent m of the m^d blocks"},
    {"flow.repeat", KAD_INT_OF(kad_flow_options, repeat), "1", 1, 64, "", NULL,
     "times the passes of a level are repeated"},
    {"flow.depth", KAD_INT_OF(kad_flow_options, depth), "0", 0, 64, "levels", NULL,
     "levels with stages, from the finest (0: all); layers of the disentangler"},
    {"flow.passes", KAD_STRING_OF(kad_flow_options, passes), NULL, ANY, "", NULL,
     "block offsets of a level in generation order: e none, o all axes by half a block, "
     "a, b, c all but the first, second, third axis"},
    {"flow.couplings", KAD_INT_OF(kad_flow_options, couplings), NULL, 1, 64, "", NULL,
     "couplings of a pass"},
    {"flow.transform", KAD_NAME_OF(kad_flow_options, transform, kad_transform_name),
     "bounded", ANY, "", NULL, "transform of the couplings' targets"},
    {"flow.widths", KAD_INTS_OF(kad_flow_options, widths), NULL, 1, 4096, "", NULL,
     "hidden widths of the coupling's net"},
    {"flow.activation", KAD_ENUM_OF(kad_flow_options, activation, KAD_ELU), "elu", ANY,
     "", "elu|tanh|silu|relu", "activation of the nets"},
    {"flow.split", KAD_BOOL_OF(kad_flow_options, split), NULL, ANY, "", NULL,
     "separate nets for shift and log-scale (transforms that come apart so)"},
    {"flow.scale_init", KAD_REAL_OF(kad_flow_options, scale_init), "1", -10, 10, "", NULL,
     "initial bound c of the log-scale"},
    {"flow.zero_last", KAD_BOOL_OF(kad_flow_options, zero_last), "true", ANY, "", NULL,
     "last layers start at zero (identity)"},
    {"flow.haar", KAD_BOOL_OF(kad_flow_options, haar), NULL, ANY, "", NULL,
     "orthonormal Haar rotation at every level"},
    {"flow.rotation", KAD_BOOL_OF(kad_flow_options, rotation), "false", ANY, "", NULL,
     "learned linear map of the blocks before a pass"},
    {"flow.level_scale", KAD_BOOL_OF(kad_flow_options, level_scale), "false", ANY, "",
     NULL, "learned scale after a pass"},
    {"flow.ring", KAD_BOOL_OF(kad_flow_options, ring), NULL, ANY, "", NULL,
     "radial non-Gaussian transform of the coarsest site (one or two-sided)"},
    {"flow.spectrum", KAD_ENUM_OF(kad_flow_options, spectrum, KAD_SPECTRUM_NONE), NULL,
     ANY, "", "none|first|last",
     "learned scale per Fourier orbit, before or after the levels"},
    {"flow.spectrum_mass2", KAD_REAL_OF(kad_flow_options, spectrum_mass2), "0", 0, 1e6,
     "", NULL, "the spectrum starts at -ln(c (khat^2 + this))/2; 0: at zero"},
    {"flow.details", KAD_ENUM_OF(kad_flow_options, details, KAD_DETAILS_FILL), NULL, ANY,
     "", "fill|wavelet",
     "conditional: new sites in place, or Haar details given the coarse sites"},
    {"flow.top", KAD_ENUM_OF(kad_flow_options, top, KAD_TOP_FILL), "fill", ANY, "",
     "fill|raster",
     "conditional: a coarsest lattice of odd extents over sublattices, or site by site, "
     "each given all before it"},
    {"flow.generator", KAD_NAME_OF(kad_flow_options, generator, kad_transform_name), NULL,
     ANY, "", NULL, "conditional: transform of new sites"},
    {"flow.refinement", KAD_NAME_OF(kad_flow_options, refinement, kad_transform_name),
     NULL, ANY, "", NULL, "conditional: transform of refinements"},
    {"flow.hidden", KAD_INT_OF(kad_flow_options, hidden), "12", 1, 1024, "", NULL,
     "conditional: hidden units of the nets"},
    {"flow.quartic", KAD_REAL_OF(kad_flow_options, quartic), "1", 0, 1e6, "", NULL,
     "q4t: the largest quartic coupling its width can follow"},
    {"flow.spectrum_stiffness", KAD_REAL_OF(kad_flow_options, spectrum_stiffness), "2",
     1e-12, 1e12, "", NULL, "c of the spectrum's start, -ln(c (khat^2 + mass2))/2"},
    {"flow.sources", KAD_INT_OF(kad_flow_options, sources), "12", 1, 64, "sites", NULL,
     "conditional: most sources of a stencil"},
    {"flow.refinements", KAD_INT_OF(kad_flow_options, refinements), NULL, 0, 64, "", NULL,
     "conditional: refinements a step"},
    {"flow.refinements_finest", KAD_INT_OF(kad_flow_options, refinements_finest), NULL, 0,
     64, "", NULL, "conditional: refinements of the last step"},
    {"flow.shared", KAD_BOOL_OF(kad_flow_options, shared), NULL, ANY, "", NULL,
     "conditional: targets whose sources lie alike share weights; false: each has "
     "its own"},
    {"flow.rg_layers", KAD_BOOL_OF(kad_flow_options, rg_layers), "false", ANY, "", NULL,
     "ode: an equation a level, coarse to fine, with the unit cell of the level marked; "
     "false: one of the whole lattice"},
    {"flow.features", KAD_INT_OF(kad_flow_options, features), "8", 1, 256, "", NULL,
     "ode: sines of the field, each with a kernel over the lattice"},
    {"flow.time_modes", KAD_INT_OF(kad_flow_options, time_modes), "3", 1, 64, "", NULL,
     "ode: cosines of time that the kernels are made of (1: constant)"},
    {"flow.tolerance", KAD_REAL_OF(kad_flow_options, tolerance), "1e-5", 1e-12, 1, "nats",
     NULL,
     "ode: mean error of ln q by which the number of steps is chosen (training: ten "
     "times that)"},
    {"flow.steps", KAD_INT_OF(kad_flow_options, steps), "0", 0, 4096, "", NULL,
     "ode: steps of the solver (0: by flow.tolerance)"},
    {"flow.symmetry", KAD_ENUM_OF(kad_flow_options, symmetry, KAD_SYMMETRY_NONE), NULL,
     ANY, "", "none|mixture|equivariant",
     "global sign (rotations): none, average of q(y) and q(-y), or built into the nets"},
    {"flow.average", KAD_INT_OF(kad_flow_options, average), NULL, 1, KAD_MIXTURE_MOST, "",
     NULL,
     "images of the lattice (shifts by a site, reflections) that q is averaged over: "
     "each costs an inference a draw, training nothing; auto, of the stencil recipe: 8 "
     "with a clock term, 4 from 256 sites on and where the coarsest lattice has an odd "
     "extent and no sublattice is integrated out, else 1"},
    {"flow.translation", KAD_BOOL_OF(kad_flow_options, translation), "true", ANY, "",
     NULL, "shift every draw by a random lattice vector"},
    {"flow.decimation", KAD_ENUM_OF(kad_flow_options, decimation, KAD_AUTO), "auto", ANY,
     "", "auto|true|false",
     "integrate out the odd sublattice exactly where the action allows"},
    {"flow.prior", KAD_NAME_OF(kad_flow_options, prior, kad_prior_name), "normal", ANY,
     "", NULL, "distribution of the latents"},
    {"flow.temperature", KAD_REAL_OF(kad_flow_options, temperature), "1", 1e-6, 1e6, "",
     NULL, "variance of the latents (prior)"},
    {"flow.precision", KAD_ENUM_OF(kad_flow_options, precision, KAD_SINGLE), "single",
     ANY, "", "single|double", "fields and weights"},
};

const size_t kad_flow_n_keys = sizeof kad_flow_keys / sizeof kad_flow_keys[0];

#define BLOCKS "flow.hierarchy=mera|decimator|disentangler"
#define CONDITIONAL "flow.hierarchy=conditional"
#define ODE "flow.hierarchy=ode"

const kad_rule kad_flow_rules[] = {
    {"flow.spectrum_mass2", "flow.spectrum=first|last"},
    {"flow.spectrum_stiffness", "flow.spectrum_mass2"},
    {"flow.ring", "flow.hierarchy=mera|decimator|conditional"},
    {"flow.depth", "flow.hierarchy=mera|decimator|disentangler|conditional"},
    {"flow.kernel", BLOCKS},
    {"flow.repeat", BLOCKS},
    {"flow.passes", BLOCKS},
    {"flow.couplings", BLOCKS},
    {"flow.transform", BLOCKS},
    {"flow.widths", BLOCKS},
    {"flow.activation", BLOCKS},
    {"flow.split", BLOCKS},
    {"flow.scale_init", "flow.transform=bounded"},
    {"flow.zero_last", BLOCKS},
    {"flow.haar", BLOCKS},
    {"flow.rotation", BLOCKS},
    {"flow.level_scale", BLOCKS},
    {"flow.details", CONDITIONAL},
    {"flow.top", CONDITIONAL},
    {"flow.generator", CONDITIONAL},
    {"flow.refinement", CONDITIONAL}, /* and its numbers */
    {"flow.quartic", "flow.generator=q4t or flow.refinement=q4t or flow.transform=q4t"},
    {"flow.hidden", CONDITIONAL},
    {"flow.sources", CONDITIONAL},
    {"flow.shared", CONDITIONAL},
    {"flow.rg_layers", ODE},
    {"flow.features", ODE},
    {"flow.time_modes", ODE},
    {"flow.tolerance", ODE},
    {"flow.steps", ODE},
};

const size_t kad_flow_n_rules = sizeof kad_flow_rules / sizeof kad_flow_rules[0];
