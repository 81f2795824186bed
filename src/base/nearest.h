/* What a mistyped word was meant to be. */
#ifndef KAD_BASE_NEAREST_H
#define KAD_BASE_NEAREST_H

#include <stddef.h>

/* Levenshtein distance: letters put in, left out or changed. Longer words than 127 are far
 * from everything (128). */
size_t kad_word_distance(const char *a, const char *b);

/* Nearest of n names to a word, NULL when none is near. */
const char *kad_nearest(const char *word, size_t n, const char *const *names);

#endif
