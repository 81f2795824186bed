/* Runs in which all is well, as a user makes them: a map is trained, it and samplers
 * without it are run, analysed and compared. How often does the comparison cry wolf? A run
 * of n rows counts at level a where its least p is below 1 - (1 - a)^(1/n). Seeds are
 * fresh.
 *
 * Of 60 runs at most so many may, each with a false alarm below 1e-6 if the rate is a:
 * 16 at 0.05, 3 at 0.001, which is what diagnose goes by. Rows of a run are correlated, so
 * that the true rates are lower. */
#include "analysis/agreement.h"
#include "analysis/analyse.h"
#include "sample/sampler.h"
#include "tests/support/fresh.h"
#include "tests/support/sample_util.h"

enum { RUNS = 20, N_MODELS = 3, N_LEVELS = 4 };

static const struct {
    const char *name, *yaml;
} models[N_MODELS] = {
    {"phi4", "action: {name: phi4, form: albergo, m2: -4, lambda: 6.975}\n"
             "sample: [{name: mis, draws: 10000}, {name: hmc, draws: 300}, "
             "{name: metropolis, draws: 400}]\n"},
    {"ising", "action: {name: on-dual, components: 1, temperature: 2.6}\n"
              "sample: [{name: mis, draws: 10000}, {name: cluster, draws: 300}, "
              "{name: metropolis, draws: 400}]\n"},
    /* few chains: errors of few degrees of freedom */
    {"xy", "action: {name: on-dual, components: 2, beta: 0.8}\n"
           "sample: [{name: mis, draws: 10000}, {name: hmc, draws: 300, chains: 8}, "
           "{name: metropolis, draws: 2000, chains: 1}]\n"},
};
static const double levels[N_LEVELS] = {0.2, 0.05, 0.01, KAD_AGREEMENT_ALPHA};

/* The least p of a run, as the probability that a run in which all is well has it; below
 * 0.05 the row is shown. */
static double least(const kad_agreement *a)
{
    size_t worst = a->n;
    kad_text text = {0};
    for (size_t i = 0; i < a->n; i++)
        if (a->row[i].n >= 2 && (worst == a->n || a->row[i].p < a->row[worst].p))
            worst = i;
    const double p = -expm1((double)a->n_compared * log1p(-a->row[worst].p));
    if (p >= levels[1]) return p;
    kad_agreement_print_row(a, worst, &text);
    print_message("# %s\n", text.data);
    kad_text_clear(&text);
    return p;
}

static double run_once(int model, int run)
{
    char which[32], yaml[640];
    kad_agreement *a = kad_alloc(1, sizeof *a);
    kad_h5 *file = NULL;
    scene s;
    snprintf(which, sizeof which, "%s-%d", models[model].name, run);
    const uint64_t seed = fresh_seed("agreement", which);
    snprintf(yaml, sizeof yaml, "seed: %llu\nlattice: {shape: [4, 4]}\n%s",
             (unsigned long long)seed, models[model].yaml);
    scene_make(&s, yaml, 250);
    assert_ok(&s, kad_sample(&s.ctx, s.run, &s.options.sample, s.model, NULL));
    assert_ok(&s, kad_analyse(&s.ctx, s.run));
    assert_ok(&s, kad_results_open(&s.ctx, s.run, &file));
    assert_ok(&s, kad_agreement_read(&s.ctx, file, a));
    kad_h5_close(file);
    scene_clear(&s);
    assert_true(a->n_compared > 10);
    const double p = least(a);
    kad_free(a);
    return p;
}

static void good_runs_agree(void **state)
{
    int n[N_LEVELS] = {0}, n_runs = 0;
    (void)state;
    for (int model = 0; model < N_MODELS; model++)
        for (int run = 0; run < RUNS; run++, n_runs++) {
            const double p = run_once(model, run);
            for (int i = 0; i < N_LEVELS; i++)
                n[i] += p < levels[i];
        }
    for (int i = 0; i < N_LEVELS; i++)
        print_message("# false alarms at %g: %d of %d runs\n", levels[i], n[i], n_runs);
    assert_true(n[1] <= 16);
    assert_true(n[3] <= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {CLAIM(
        "agreement: samplers of good runs are not said to disagree", good_runs_agree)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
