/* Shared by the tests of equilibrium: what the default burn-in leaves of a hot start. */
#ifndef KAD_TESTS_EQUILIBRIUM_CASE_H
#define KAD_TESTS_EQUILIBRIUM_CASE_H

#include "analysis/analyse.h"
#include "analysis/table.h"
#include "sample/sampler.h"
#include "tests/support/sample_util.h"

/* phi^4, 8 x 8, kappa 0.3, lambda 2: <phi^2> = 0.8131(2) from long runs of hmc and of the
 * cluster sampler. Local updates from a hot start, tau of some 140 sweeps: with a burn-in of
 * 1.5 tau the mean pull was -1.4. Mean pull of the seeds that state an error, *n of them; a
 * run's own error is some 0.0026, so that <phi^2> is known to 0.08 of it. */
static inline double default_burn_in_pull(uint64_t first_seed, int n_seeds, int *n)
{
    static const double exact = 0.8131;
    double sum = 0.0, square = 0.0;
    *n = 0;
    for (int i_seed = 0; i_seed < n_seeds; i_seed++) {
        scene s;
        kad_h5 *file = NULL;
        kad_table table;
        char yaml[320];
        snprintf(yaml, sizeof yaml,
                 "seed: %llu\n"
                 "lattice: {shape: [8, 8]}\n"
                 "action: {name: phi4, form: hopping, components: 1, kappa: 0.3, "
                 "lambda: 2}\n"
                 "sample: [{name: metropolis, start: hot, draws: 1000, store_configs: "
                 "0}]\n",
                 (unsigned long long)first_seed + (unsigned long long)i_seed);
        scene_make(&s, yaml, 0);
        assert_ok(&s, kad_sample(&s.ctx, s.run, &s.options.sample, s.model, NULL));
        assert_ok(&s, kad_analyse(&s.ctx, s.run));
        assert_ok(&s, kad_results_open(&s.ctx, s.run, &file));
        assert_ok(&s, kad_table_read(&s.scope, file, "/analysis/metropolis", &table));
        const size_t i = kad_table_find(&table, "phi2");
        const double pull = (kad_table_at(&table, &table.mean, i) - exact) /
                            kad_table_at(&table, &table.err, i);
        if (isfinite(pull)) {
            sum += pull;
            square += pull * pull;
            ++*n;
        }
        kad_h5_close(file);
        scene_clear(&s);
    }
    print_message("# %d of %d seeds state an error: mean pull %.2f, its square %.2f\n",
                  *n, n_seeds, sum / *n, square / *n);
    return sum / *n;
}

#endif
