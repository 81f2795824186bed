/* Maps of random configurations, trained for a step and read back. */
#ifndef KAD_TESTS_MAP_CASE_H
#define KAD_TESTS_MAP_CASE_H

#include <stddef.h>
#include <stdint.h>

/* One training step of a configuration (overrides, NULL-terminated): the parameters in
 * its results, and those of its checkpoint alone, are the trained ones bit for bit, and so
 * is ln q of draws by a map built anew. */
void map_case_check(const char *const *overrides);

/* The same for configurations drawn over the whole range of section `flow`, with actions
 * of one to three components on lattices of one to three dimensions and odd extents.
 * Left out: what the schema's parts refuse, maps of more than max_theta parameters.
 * Returns how many were checked. */
int map_case_fuzz(uint64_t seed, int n_cases, size_t max_theta);

#endif
