/* Actions as people ask for them: their names, and what is refused. */
#include "tests/support/models_util.h"
#include <stdlib.h>

static void bad_configs(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *message;
    } bad[] = {
        {"action: {name: phi5}", "phi5"},
        {"action: {name: phi4, kappa: 0.3}", "action.lambda"},
        {"action: {name: phi4, m2: 1, kappa: 0.3, lambda: 1}", "action.m2"},
        {"action: {name: phi4, form: seed, lambda: 1}", "action.mu"},
        {"action: {name: phi4, m2: 0, lambda: 0}", "action.lambda"},
        {"action: {name: phi4, m2: -1, lambda: -1}", "action.lambda"},
        {"action: {name: phi4, m2: -1, lambda: 1, beta: 1}", "action.beta"},
        {"action: {name: phi4, components: 4, m2: 1, lambda: 1}", "action.components"},
        {"action: {name: on-dual, beta: 1, temperature: 1}", "action.beta"},
        {"action: {name: on-dual, beta: -1}", "action.beta"},
        {"action: {name: on-dual, beta: 1, lambda: 1}", "action.lambda"},
        {"action: {name: on-dual, components: 2}", "action.beta"},
        {"action: {name: on-dual, beta: 1, epsilon: 0}", "action.epsilon"},
        {"action: {name: on-dual, beta: 1, representation: angles}", "representation"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fixture f;
        assert_int_equal(fixture_try(&f, bad[i].yaml, 2, (int[]){4, 4}, false),
                         KAD_ECONFIG);
        assert_non_null(strstr(f.ctx.message, bad[i].message));
        fixture_clear(&f);
    }
    fixture f;
    assert_int_equal(
        fixture_try(&f, "action: {name: on-dual, beta: 1}", 2, (int[]){4, 4}, true),
        KAD_ECONFIG);
    assert_false(kad_action_can_decimate(&f.options, f.lattice));
    fixture_clear(&f);
    assert_int_equal(fixture_try(&f, "action: {name: phi4}", 2, (int[]){4, 5}, true),
                     KAD_ECONFIG);
    fixture_clear(&f);
    fixture_make(&f, "action: {name: phi4}", 2, (int[]){4, 4}, false);
    assert_true(kad_action_can_decimate(&f.options, f.lattice));
    fixture_clear(&f);
}

/* What people call these models, with the couplings as they were given. */
static void names(void **state)
{
    static const struct {
        const char *yaml;
        int d, shape[3];
        const char *name;
    } known[] = {
        {"action: {name: on-dual}",
         2,
         {12, 12},
         "Ising, T = 2.2692 (beta 0.44069), 12 x 12"},
        {"action: {name: on-dual, temperature: 3}",
         2,
         {4, 6},
         "Ising, T = 3 (beta 0.33333), 4 x 6"},
        {"action: {name: on-dual, components: 2, beta: 1}",
         2,
         {16, 16},
         "XY, beta = 1, 16 x 16"},
        {"action: {name: on-dual, coupling: -1, beta: 0.3}",
         2,
         {4, 4},
         "Ising antiferromagnet, coupling = -1, beta = 0.3, 4 x 4"},
        {"action: {name: on-dual, components: 3, beta: 0}",
         3,
         {2, 2, 2},
         "Heisenberg, beta = 0, 2 x 2 x 2"},
        {"action: {name: phi4}", 2, {6, 6}, "phi^4, m2 = -4, lambda = 6.975, 6 x 6"},
        {"action: {name: phi4, components: 2, kappa: 0.5, lambda: 1}",
         2,
         {8, 8},
         "complex phi^4, kappa = 0.5, lambda = 1, 8 x 8"},
        {"action: {name: phi4, components: 3, form: seed, mu: 2.25, lambda: 1}",
         1,
         {16},
         "O(3) phi^4, t = 1, mu = 2.25, lambda = 1, 16 sites"},
        {"action: {name: phi4, m2: 0.1, lambda: 0}",
         2,
         {4, 4},
         "free field, m2 = 0.1, lambda = 0, 4 x 4"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        fixture f;
        char text[KAD_ACTION_DESCRIPTION], small[9];
        fixture_make(&f, known[i].yaml, known[i].d, known[i].shape, false);
        kad_action_describe(f.action, sizeof text, text);
        assert_string_equal(text, known[i].name);
        kad_action_describe(f.action, sizeof small, small);
        assert_int_equal(strlen(small), sizeof small - 1); /* cut, never overrun */
        assert_memory_equal(small, text, sizeof small - 1);
        fixture_clear(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("actions: their names say model, couplings and lattice", names),
        CLAIM("actions: what contradicts is refused by its key", bad_configs),
    };
    return cmocka_run_group_tests_name("actions: options", tests, NULL, NULL);
}
