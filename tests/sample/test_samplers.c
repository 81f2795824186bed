/* Conformance of samplers: whatever is in the registry, on targets whose means are known
 * exactly (target_case.h). Two ways, both with independent chains only, so that no
 * autocorrelation enters an error:
 *
 * - long chains from the sampler's own start, against the exact means;
 * - exact draws as starts: after any number of updates the means are still exact.
 *
 * A sampler may refuse a target (KAD_ECONFIG), but not most of them. */

#include "base/memory.h"
#include "models/local.h"
#include "run/options.h"
#include "sample/tempering.h"
#include "tests/support/claim.h"
#include "tests/support/target_case.h"

/* About 1000 comparisons: a normal number beyond 6.3 in any of them has probability
 * 3.1e-7; means of at least 128 chains are normal enough for that to stay below 1e-6. */
static const double WORST = 6.3;

/* Keys of an entry for the exact start: steps so large that much is rejected; a cycle of
 * proposals, which places them anew before every update. */
static const char *rough_keys(const char *sampler, const kad_action *action)
{
    const bool tuned = action->ops->local != NULL && action->ops->local->tuned;
    if (strcmp(sampler, "hmc") == 0 || strcmp(sampler, "latent-hmc") == 0)
        return "integrator: leapfrog, step_size: 0.5, n_leapfrog: 3";
    if (strcmp(sampler, "metropolis") == 0 || strcmp(sampler, "cluster") == 0)
        return tuned ? "width: 1.5" : "";
    if (strcmp(sampler, "cycle") == 0) return "steps: \"mis 1\"";
    if (strcmp(sampler, "tempering") == 0)
        return tuned ? "replicas: 3, width: 1.5" : "replicas: 3";
    if (strcmp(sampler, "annealed") == 0) return "updates: 2, angle: 1";
    return "";
}

/* And for long chains: none but those without which a sampler may be another. */
static const char *keys_of(const char *sampler)
{
    return strcmp(sampler, "annealed") == 0 ? "updates: 2" : "";
}

/* --- estimates against exact means --------------------------------------------------- */

typedef struct estimate {
    double mean, err;
} estimate;

static void judge(const target *t, const char *who, const char *when, const estimate *e)
{
    char line[256];
    int used = 0;
    for (int k = 0; k < TARGET_VALUES && t->kind->values[k] != NULL; k++) {
        const double pull = (e[k].mean - t->exact[k]) / hypot(e[k].err, t->error[k]);
        used += snprintf(line + used, sizeof line - (size_t)used, "  %s %+.2f",
                         t->kind->values[k], pull);
        if (!(fabs(pull) < WORST))
            fail_msg("%s, %s, %s: %s is %.6f(%.6f), not %.6f", t->kind->name, who, when,
                     t->kind->values[k], e[k].mean, e[k].err, t->exact[k]);
    }
    print_message("# %s, %s, %s:%s\n", t->kind->name, who, when, line);
}

/* --- a sampler at work --------------------------------------------------------------- */

typedef struct bench {
    target *t;
    kad_config *config;
    kad_run_options options;
    kad_sampler_setup setup;
    kad_sampler *sampler;
    kad_draws draws;
    double *state; /* [n_chains][TARGET_VALUES] values of the chains' states */
} bench;

/* False: the sampler refuses the target. Without a burn-in for one draw at a time of many
 * chains: interleaved, or tiles of proposals would be nearly empty. */
static bool bench_make(bench *b, target *t, const char *name, const char *more,
                       int n_chains, int n_burn_in, int n_draws)
{
    const size_t n_batch = (size_t)(n_burn_in > n_draws ? n_burn_in : n_draws);
    const size_t n = (size_t)n_chains * n_batch;
    *b = (bench){.t = t, .config = target_config(t, name, more)};
    if (kad_run_options_read(&t->ctx, b->config, &b->options) != KAD_OK)
        fail_msg("%s", t->ctx.message);
    b->setup = (kad_sampler_setup){.options = b->options.entries[0].own,
                                   .start = b->options.entries[0].start,
                                   .action = t->action,
                                   .map = t->map,
                                   .prec = t->kind->prec,
                                   .seed = 8,
                                   .n_chains = n_chains,
                                   .n_draws = n_draws,
                                   .n_burn_in = n_burn_in,
                                   .n_tune = n_burn_in / 2,
                                   .n_batch_max = n_batch,
                                   .exact = true,
                                   .translate = true,
                                   .interleaved = n_burn_in == 0};
    const kad_status status = kad_sampler_create(&t->ctx, name, &b->setup, &b->sampler);
    if (status == KAD_ECONFIG) {
        print_message("# %s, %s: %s\n", t->kind->name, name, t->ctx.message);
        kad_run_options_clear(&b->options);
        kad_config_destroy(b->config);
        return false;
    }
    if (status != KAD_OK) fail_msg("%s", t->ctx.message);
    b->draws = (kad_draws){.number = kad_alloc(n, sizeof(uint64_t)),
                           .x = kad_alloc(n * t->n_rows, sizeof(double)),
                           .action = kad_alloc(n, sizeof(double)),
                           .log_weight = kad_alloc(n, sizeof(double)),
                           .delta_h = kad_alloc(n, sizeof(double)),
                           .accepted = kad_alloc(n, 1)};
    b->state = kad_alloc((size_t)n_chains * TARGET_VALUES, sizeof(double));
    return true;
}

static void bench_clear(bench *b)
{
    kad_sampler_destroy(b->sampler);
    kad_draws_clear(&b->draws);
    kad_free(b->state);
    kad_run_options_clear(&b->options);
    kad_config_destroy(b->config);
}

static bool has(const bench *b, unsigned flag)
{
    return (b->sampler->ops->flags & flag) != 0;
}

static void advance(bench *b, int n)
{
    b->draws.n = (size_t)n;
    if (b->sampler->ops->advance(&b->t->ctx, b->sampler->self, &b->draws) != KAD_OK)
        fail_msg("%s: %s", b->sampler->ops->name, b->t->ctx.message);
}

static void must_be_ok(const bench *b, kad_status status)
{
    if (status != KAD_OK) fail_msg("%s: %s", b->sampler->ops->name, b->t->ctx.message);
}

/* Sums over one chain's draws: of w v_k, and of w (1 for Markov chains; their state after
 * a rejected proposal is the one before). */
static void sum_chain(bench *b, size_t chain, double sums[TARGET_VALUES + 1])
{
    const bool weighted = has(b, KAD_SAMPLER_WEIGHTED) && !has(b, KAD_SAMPLER_PROPOSALS);
    double *state = b->state + chain * TARGET_VALUES;
    memset(sums, 0, (TARGET_VALUES + 1) * sizeof *sums);
    for (size_t i = 0; i < b->draws.n; i++) {
        const size_t at = chain * b->draws.n + i;
        if (!has(b, KAD_SAMPLER_PROPOSALS) || b->draws.accepted[at])
            b->t->kind->measure(b->t, b->draws.x + at * b->t->n_rows, state);
        const double w = weighted ? exp(b->draws.log_weight[at]) : 1;
        for (int k = 0; k < TARGET_VALUES; k++)
            sums[k] += w * state[k];
        sums[TARGET_VALUES] += w;
    }
}

/* Ratios of the chains' sums with linearised errors, against the exact means. */
static void compare(bench *b, const char *when)
{
    const target *t = b->t;
    const size_t n = (size_t)b->setup.n_chains;
    double(*sums)[TARGET_VALUES + 1] = kad_alloc(n, sizeof *sums);
    double total[TARGET_VALUES + 1] = {0};
    estimate e[TARGET_VALUES] = {{0}};
    for (size_t chain = 0; chain < n; chain++) {
        sum_chain(b, chain, sums[chain]);
        for (int k = 0; k <= TARGET_VALUES; k++)
            total[k] += sums[chain][k];
    }
    for (int k = 0; k < TARGET_VALUES; k++) {
        double square = 0;
        e[k].mean = total[k] / total[TARGET_VALUES];
        for (size_t chain = 0; chain < n; chain++) {
            const double rest = sums[chain][k] - e[k].mean * sums[chain][TARGET_VALUES];
            square += rest * rest;
        }
        e[k].err = sqrt(square * (double)n / ((double)n - 1)) / total[TARGET_VALUES];
    }
    judge(t, b->sampler->ops->name, when, e);
    kad_free(sums);
}

/* The reported S is that of the reported field, up to one constant. */
static void compare_actions(bench *b)
{
    const target *t = b->t;
    const size_t n = (size_t)b->setup.n_chains * b->draws.n;
    double least = INFINITY, most = -INFINITY, v[TARGET_VALUES];
    if (t->kind->values[4] == NULL || strcmp(t->kind->values[4], "S") != 0) return;
    for (size_t i = 0; i < n; i++) {
        t->kind->measure(t, b->draws.x + i * t->n_rows, v);
        least = fmin(least, b->draws.action[i] - v[4]);
        most = fmax(most, b->draws.action[i] - v[4]);
    }
    if (!(most - least < 1e-8))
        fail_msg("%s reports other actions: %g", b->sampler->ops->name, most - least);
}

/* ln Z from the weights of all proposals; their mean is 1 for ln Z = 0. */
static void compare_log_z(bench *b)
{
    const double exact = b->t->action->log_z_exact;
    const size_t n = (size_t)b->setup.n_chains * b->draws.n;
    double sum = 0, square = 0;
    if (!has(b, KAD_SAMPLER_WEIGHTED) || isnan(exact)) return;
    for (size_t i = 0; i < n; i++) {
        const double w = exp(b->draws.log_weight[i] - exact);
        sum += w / (double)n;
        square += w * w / (double)n;
    }
    const double pull = (sum - 1) / sqrt((square - sum * sum) / (double)n);
    print_message("# %s, %s: ESS %.3f, Z/Z_exact %.5f (%+.2f)\n", b->t->kind->name,
                  b->sampler->ops->name, sum * sum / square, sum, pull);
    assert_true(fabs(pull) < WORST);
}

/* --- the claims ---------------------------------------------------------------------- */

enum { N_SAMPLERS_MAX = 32 };

static void long_chains(target *t, int taken[N_SAMPLERS_MAX])
{
    for (int i = 0; kad_samplers[i] != NULL; i++) {
        bench b;
        if (left_out("KAD_SAMPLER", kad_samplers[i]->name)) continue;
        if (!bench_make(&b, t, kad_samplers[i]->name, keys_of(kad_samplers[i]->name), 256,
                        100, 200))
            continue;
        advance(&b, 100);
        double sums[TARGET_VALUES + 1];
        for (size_t chain = 0; chain < 256; chain++)
            sum_chain(&b, chain, sums);
        advance(&b, 200);
        compare(&b, "long chains");
        compare_log_z(&b);
        compare_actions(&b);
        taken[i]++;
        bench_clear(&b);
    }
}

static void moments_are_exact(void **state)
{
    int taken[N_SAMPLERS_MAX] = {0};
    for (target *t = *state; t->kind != NULL; t++)
        long_chains(t, taken);
    /* the models have local updates, frozen flows have none */
    for (int i = 0; kad_samplers[i] != NULL; i++)
        if (taken[i] < 4 && !left_out("KAD_SAMPLER", kad_samplers[i]->name))
            fail_msg("%s runs on %d targets", kad_samplers[i]->name, taken[i]);
}

/* Exact draws become the states; of replicas, at each one's own coupling. */
static void place(bench *b)
{
    target *t = b->t;
    const kad_sampler_ops *ops = b->sampler->ops;
    if (ops != &kad_sampler_tempering) {
        must_be_ok(b, ops->set_state(&t->ctx, b->sampler->self, t->x));
        return;
    }
    kad_tempering *tempering = b->sampler->self;
    const kad_ladder *ladder = &tempering->ladder;
    const size_t n = TARGET_DRAWS * t->n_rows;
    double *x = kad_alloc((size_t)ladder->n * n, sizeof *x);
    for (int i = 0; i < ladder->n; i++) {
        target at;
        memcpy(x + (size_t)i * n, t->x, n * sizeof *x);
        if (i == ladder->own) continue;
        target_at(t, ladder->along, ladder->value[i], 1 + (uint64_t)i, &at);
        memcpy(x + (size_t)i * n, at.x, n * sizeof *x);
        target_at_clear(&at);
    }
    must_be_ok(b, kad_tempering_place(&t->ctx, tempering, x));
    kad_free(x);
}

/* x0 from the target, k updates. */
static void exact_starts(target *t)
{
    for (int i = 0; kad_samplers[i] != NULL; i++) {
        bench b;
        const kad_sampler_ops *ops = kad_samplers[i];
        const int n = strcmp(ops->name, "cycle") == 0 ? 12 : 4;
        if (ops->set_state == NULL || left_out("KAD_SAMPLER", ops->name)) continue;
        if (!bench_make(&b, t, ops->name, rough_keys(ops->name, t->action), TARGET_DRAWS,
                        0, n))
            continue;
        for (size_t chain = 0; chain < TARGET_DRAWS; chain++)
            t->kind->measure(t, t->x + chain * t->n_rows,
                             b.state + chain * TARGET_VALUES);
        place(&b);
        for (int update = 1; update <= n; update++) {
            char when[32];
            snprintf(when, sizeof when, "update %d", update);
            advance(&b, 1);
            compare(&b, when);
        }
        bench_clear(&b);
    }
}

static void exact_starts_stay(void **state)
{
    for (target *t = *state; t->kind != NULL; t++)
        exact_starts(t);
    /* every Markov chain can be placed; independent draws have no state */
    for (int i = 0; kad_samplers[i] != NULL; i++) {
        const kad_sampler_ops *ops = kad_samplers[i];
        const bool draws =
            (ops->flags & KAD_SAMPLER_WEIGHTED) && !(ops->flags & KAD_SAMPLER_PROPOSALS);
        if (!draws && ops->set_state == NULL) fail_msg("%s cannot be placed", ops->name);
    }
}

/* The exact draws themselves. */
static void draws_are_exact(void **state)
{
    for (target *t = *state; t->kind != NULL; t++) {
        estimate e[TARGET_VALUES] = {{0}};
        for (int i = 0; i < TARGET_DRAWS; i++) {
            double one[TARGET_VALUES];
            t->kind->measure(t, t->x + (size_t)i * t->n_rows, one);
            for (int k = 0; k < TARGET_VALUES; k++) {
                e[k].mean += one[k] / TARGET_DRAWS;
                e[k].err += one[k] * one[k] / TARGET_DRAWS;
            }
        }
        for (int k = 0; k < TARGET_VALUES; k++)
            e[k].err = sqrt((e[k].err - e[k].mean * e[k].mean) / TARGET_DRAWS);
        judge(t, "the target", "exact draws", e);
    }
}

/* The targets, made once; the last has no kind. */
static int make_targets(void **state)
{
    size_t n = 0;
    while (target_kinds[n].name != NULL)
        n++;
    target *targets = kad_alloc(n + 1, sizeof *targets);
    *state = targets;
    for (size_t i = 0; i < n; i++)
        target_make(&targets[i], &target_kinds[i]);
    targets[n].kind = NULL;
    return 0;
}

static int clear_targets(void **state)
{
    for (target *t = *state; t->kind != NULL; t++)
        target_clear(t);
    kad_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("targets: exact draws have the exact means", draws_are_exact),
        CLAIM("samplers: long chains have the exact means", moments_are_exact),
        CLAIM("samplers: exact starts stay exact", exact_starts_stay),
    };
    return cmocka_run_group_tests_name("samplers", tests, make_targets, clear_targets);
}
