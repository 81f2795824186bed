/* Parameters of section `bulk`. */
#include "bulk/bulk.h"

const kad_key kad_bulk_keys[] = {
    {"bulk.configs", KAD_INT_OF(kad_bulk_options, configs), "0", 0, 1e7, "configurations",
     NULL,
     "boundary configurations of a chain to store and to read the bulk from; 0: no bulk "
     "analysis"},
    {"bulk.sampler", KAD_STRING_OF(kad_bulk_options, sampler), NULL, 1, 0, "", NULL,
     "the group of /samplers they come from; auto: the first whose draws follow the "
     "model"},
    {"bulk.null", KAD_INT_OF(kad_bulk_options, null), "1000", 0, 1e7, "configurations",
     NULL, "draws of the map itself, analysed alike: latents of these are uncorrelated"},
    {"bulk.bins", KAD_INT_OF(kad_bulk_options, bins), "3", 1, 64, "bins", NULL,
     "bins of the separation for a factor of two"},
    {"bulk.noise", KAD_REAL_OF(kad_bulk_options, noise), "3", 0, 1e3, "errors", NULL,
     "bins whose squared correlation is below this many of its errors are left out of "
     "the fits of distances"},
    {"bulk.normalise", KAD_BOOL_OF(kad_bulk_options, normalise), "false", 1, 0, "", NULL,
     "distances from correlations divided by the latents' root mean square at their "
     "levels (for maps whose latents are far from unit variance)"},
    {"bulk.mutual_range", KAD_REAL_OF(kad_bulk_options, mutual_range), "3", 0, 1e3,
     "coarse lattice steps", NULL,
     "mutual information is estimated for pairs of latents up to this separation, in "
     "units "
     "of 2^level of the coarser"},
    {"bulk.receptive", KAD_INT_OF(kad_bulk_options, receptive), "8", 0, 1e6, "products",
     NULL, "adjoint products of every boundary site for the receptive fields; 0: none"},
};
const size_t kad_bulk_n_keys = sizeof kad_bulk_keys / sizeof kad_bulk_keys[0];

const kad_rule kad_bulk_rules[] = {
    {"bulk.configs", NULL},
    {"bulk.", "bulk.configs"},
};
const size_t kad_bulk_n_rules = sizeof kad_bulk_rules / sizeof kad_bulk_rules[0];
