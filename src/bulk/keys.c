/* Parameters of section `bulk`. */
#include "bulk/bulk.h"

#include "io/number.h"

#include <stdio.h>
#include <string.h>

const kad_key kad_bulk_keys[] = {
    {"bulk.configs", KAD_INT, KAD_NO_MEMBER, "0", 0, 1e7, "configurations", NULL,
     "boundary configurations of a chain to store and to read the bulk from; 0: no bulk "
     "analysis"},
    {"bulk.sampler", KAD_STRING, KAD_NO_MEMBER, NULL, 1, 0, "", NULL,
     "the group of /samplers they come from; auto: the first whose draws follow the "
     "model"},
    {"bulk.null", KAD_INT, KAD_NO_MEMBER, "1000", 0, 1e7, "configurations", NULL,
     "draws of the map itself, analysed alike: latents of these are uncorrelated"},
    {"bulk.bins", KAD_INT, KAD_NO_MEMBER, "3", 1, 64, "bins", NULL,
     "bins of the separation for a factor of two"},
    {"bulk.noise", KAD_REAL, KAD_NO_MEMBER, "3", 0, 1e3, "errors", NULL,
     "bins whose squared correlation is below this many of its errors are left out of "
     "the fits of distances"},
    {"bulk.normalise", KAD_BOOL, KAD_NO_MEMBER, "false", 1, 0, "", NULL,
     "distances from correlations divided by the latents' root mean square at their "
     "levels (for maps whose latents are far from unit variance)"},
    {"bulk.mutual_range", KAD_REAL, KAD_NO_MEMBER, "3", 0, 1e3, "coarse lattice steps",
     NULL,
     "mutual information is estimated for pairs of latents up to this separation, in "
     "units "
     "of 2^level of the coarser"},
    {"bulk.receptive", KAD_INT, KAD_NO_MEMBER, "8", 0, 1e6, "products", NULL,
     "adjoint products of every boundary site for the receptive fields; 0: none"},
};
const size_t kad_bulk_n_keys = sizeof kad_bulk_keys / sizeof kad_bulk_keys[0];

const kad_rule kad_bulk_rules[] = {
    {"bulk.configs", NULL},
    {"bulk.", "bulk.configs"},
};
const size_t kad_bulk_n_rules = sizeof kad_bulk_rules / sizeof kad_bulk_rules[0];

/* Default of a key, as text. */
static const char *default_of(const char *key)
{
    for (size_t i = 0; i < kad_bulk_n_keys; i++)
        if (strcmp(kad_bulk_keys[i].key, key) == 0) return kad_bulk_keys[i].def;
    return NULL;
}

int64_t kad_bulk_int(const kad_config *config, const char *key)
{
    const char *def = default_of(key);
    int64_t value = 0;
    if (config != NULL) return kad_config_int(config, key);
    return def != NULL && kad_parse_int(def, &value) ? value : 0;
}

double kad_bulk_real(const kad_config *config, const char *key)
{
    const char *def = default_of(key);
    double value = 0;
    if (config != NULL) return kad_config_real(config, key);
    return def != NULL && kad_parse_real(def, &value) ? value : 0;
}

bool kad_bulk_bool(const kad_config *config, const char *key)
{
    const char *def = default_of(key);
    if (config != NULL) return kad_config_bool(config, key);
    return def != NULL && strcmp(def, "true") == 0;
}

size_t kad_bulk_wanted(const kad_config *config)
{
    return (size_t)kad_config_int(config, "bulk.configs");
}
