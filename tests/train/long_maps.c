/* Random configurations over the whole range of section `flow`, with fresh seeds: trained
 * for a step, written, read back. */
#include "tests/support/claim.h"
#include "tests/support/fresh.h"
#include "tests/support/map_case.h"

static void random_maps_are_read_back(void **state)
{
    (void)state;
    const int n = map_case_fuzz(fresh_seed("maps", "flow"), 400, 200000);
    print_message("# %d maps\n", n);
    assert_true(n > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"maps: random configurations are trained, written and read back",
         random_maps_are_read_back, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("maps", tests, NULL, NULL);
}
