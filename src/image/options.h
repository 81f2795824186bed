/* Section `data` of the configuration where it means images: which, and what is done to
 * them before a map sees them. */
#ifndef KAD_IMAGE_OPTIONS_H
#define KAD_IMAGE_OPTIONS_H

#include "io/keys.h"

extern const kad_key kad_image_keys[];
extern const size_t kad_image_n_keys;
extern const kad_rule kad_image_rules[];
extern const size_t kad_image_n_rules;

typedef enum kad_image_on_error { KAD_IMAGE_REFUSE, KAD_IMAGE_SKIP } kad_image_on_error;

/* Texts are borrowed from the config. */
typedef struct kad_image_options {
    const char *source; /* a name of kad_image_generators, "fashion", or a path */
    const char *key;    /* whose value that is, in messages; NULL: data.source */
    const char *dataset, *sha256;
    int size;          /* 0: as they are */
    int crop;          /* centre square cut before resizing; 0: the largest, or none */
    int crops, scales; /* random squares of a picture (0: none), of so many octaves */
    int pad;
    bool flip, grey;
    double held_out;   /* NaN: what the source holds out itself, or a tenth */
    double validation; /* share of those to train on that are for validation; NaN: none */
    bool own_sides; /* what the source holds out stays so whatever held_out is; no key */
    int64_t limit;  /* 0: all */
    int64_t seed;
    kad_image_on_error on_error;
    const char *cache; /* NULL: the run's folder */
} kad_image_options;

static inline const char *kad_image_source_key(const kad_image_options *options)
{
    return options->key != NULL ? options->key : "data.source";
}

#endif
