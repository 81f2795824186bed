/* Shared by the tests of configurations: a schema of a few keys, and its parser. */
#ifndef KAD_TESTS_CONFIG_CASE_H
#define KAD_TESTS_CONFIG_CASE_H

#include "io/config.h"
#include "tests/support/claim.h"

/* *state is the schema. */
int config_set_up(void **state);
int config_tear_down(void **state);
const kad_schema *config_schema(void **state);
/* A good text, with n overrides. */
kad_config *config_parse(void **state, const char *text, int n, const char *const *over);

#endif
