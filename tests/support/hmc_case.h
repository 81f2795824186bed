/* Shared by the tests of hybrid Monte Carlo: a tile of chains, a sampler with its draws,
 * means over chains. Everything aborts the test on failure. */
#ifndef KAD_TESTS_HMC_CASE_H
#define KAD_TESTS_HMC_CASE_H

#include "sample/hmc_core.h"
#include "tests/support/models_util.h"
#include "tests/support/sample_util.h"

static const char free_field[] =
    "action: {name: phi4, form: albergo, m2: 0.25, lambda: 0}";
static const char phi4_e1[] =
    "action: {name: phi4, form: albergo, m2: -4, lambda: 6.975}";
enum { W = KAD_W_DOUBLE };

/* --- a tile of chains ---------------------------------------------------------------- */

typedef struct bundle {
    kad_hmc_target target;
    size_t n; /* numbers in q */
    double *q, *p, *q0, *p0, *y;
    void *work, *g, *scratch;
} bundle;

static inline void bundle_make(bundle *b, const kad_hmc_target *target, double sigma)
{
    const size_t n_sub = (size_t)kad_lanes(target->prec) / W;
    const uint8_t *active = target->action->active;
    *b = (bundle){.target = *target, .n = n_sub * target->n_rows * W};
    b->q = kad_alloc(b->n, sizeof(double));
    b->p = kad_alloc(b->n, sizeof(double));
    b->q0 = kad_alloc(b->n, sizeof(double));
    b->p0 = kad_alloc(b->n, sizeof(double));
    b->y = kad_alloc(b->n, sizeof(double));
    b->work = kad_alloc(target->n_rows, KAD_ROW_BYTES);
    b->g = kad_alloc(target->n_rows, KAD_ROW_BYTES);
    b->scratch = kad_alloc(1, target->scratch_bytes + 64);
    for (size_t i = 0; i < b->n; i++) {
        const size_t site = i / W % target->n_rows / (size_t)target->action->n_comp;
        if (active != NULL && !active[site]) continue;
        b->q0[i] = sigma * random_normal(1, i, 0);
        b->p0[i] = random_normal(2, i, 0);
    }
}

static inline void bundle_clear(bundle *b)
{
    void *const all[] = {b->q, b->p, b->q0, b->p0, b->y, b->work, b->g, b->scratch};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        kad_free(all[i]);
}

static inline void bundle_run(bundle *b, const char *integrator, double eps, int n_steps)
{
    assert_true(kad_trajectory(&b->target, kad_integrator_find(integrator), eps, n_steps,
                               INFINITY, b->q, b->p, b->work, b->g, b->scratch));
}

/* H of the first W chains. */
static inline void bundle_energy(bundle *b, double *H)
{
    double K[W], S[W];
    b->target.energy(&b->target, b->q, b->y, H, S, b->scratch);
    kad_kinetic(b->target.n_rows, b->p, K);
    for (int l = 0; l < W; l++)
        H[l] += K[l];
}

/* A map far from the identity. */
static inline kad_map *rough_map(scene *s, double sigma)
{
    kad_map *map;
    double *theta = kad_alloc(s->model->flow->n_theta, sizeof *theta);
    kad_flow_init(s->model->flow, 3, theta);
    for (size_t i = 0; i < s->model->flow->n_theta; i++)
        theta[i] += sigma * random_normal(5, i, 0);
    assert_ok(s, kad_map_create(&s->ctx, s->model->flow, theta, NULL, &map));
    kad_free(theta);
    return map;
}

static const char latent_scene[] =
    "lattice: {shape: [4, 4]}\n"
    "action: {name: phi4, form: albergo, m2: -4, lambda: 6.975}\n"
    "flow: {spectrum: first, spectrum_mass2: 1}\n";

/* --- a sampler and its draws --------------------------------------------------------- */

typedef struct rig {
    kad_sampler_setup setup;
    kad_sampler *sampler;
    kad_draws draws;
    size_t n_rows;
} rig;

static inline kad_status rig_make(rig *r, kad_ctx *ctx, const char *name,
                                  const kad_sampler_setup *setup)
{
    const size_t n = (size_t)setup->n_chains * setup->n_batch_max;
    memset(r, 0, sizeof *r);
    r->setup = *setup;
    r->n_rows = (size_t)setup->action->lattice->n_sites * (size_t)setup->action->n_comp;
    r->draws =
        (kad_draws){.number = kad_alloc(n, sizeof(uint64_t)),
                    .x = kad_alloc(n * r->n_rows, sizeof(double)),
                    .z = setup->map ? kad_alloc(n * r->n_rows, sizeof(double)) : NULL,
                    .action = kad_alloc(n, sizeof(double)),
                    .log_weight = kad_alloc(n, sizeof(double)),
                    .delta_h = kad_alloc(n, sizeof(double)),
                    .accepted = kad_alloc(n, 1)};
    return kad_sampler_create(ctx, name, &r->setup, &r->sampler);
}

static inline void rig_clear(rig *r)
{
    kad_sampler_destroy(r->sampler);
    kad_draws_clear(&r->draws);
}

static inline void rig_advance(rig *r, kad_ctx *ctx, size_t n)
{
    r->draws.n = n;
    const kad_status status = r->sampler->ops->advance(ctx, r->sampler->self, &r->draws);
    if (status != KAD_OK) fail_msg("%s", ctx->message);
}

/* Mean over the batch and its error from the scatter of the chains' means: chains are
 * independent, whatever the correlation along them. */
typedef struct mean {
    double value, error;
} mean;

static inline mean over_chains(const rig *r, double (*of)(const rig *r, size_t at))
{
    const size_t n = r->draws.n, n_chains = (size_t)r->setup.n_chains;
    double sum = 0, square = 0;
    for (size_t chain = 0; chain < n_chains; chain++) {
        double one = 0;
        for (size_t i = 0; i < n; i++)
            one += of(r, chain * n + i) / (double)n;
        sum += one;
        square += one * one;
    }
    const double m = (double)n_chains, value = sum / m;
    return (mean){value, sqrt((square / m - value * value) / (m - 1))};
}

static inline double of_action(const rig *r, size_t at)
{
    return r->draws.action[at];
}

/* <exp(-dH)> = 1, by P(dH) exp(-dH) = P(-dH). A diverging trajectory (dH > 8) is balanced
 * by starts so rare that no run has one; as 1 instead it keeps the mean at 1 to e^-8. */
static inline double of_exp_dh(const rig *r, size_t at)
{
    const double dh = r->draws.delta_h[at];
    return dh > 8 ? 1 : exp(-dh);
}

/* Zero on average: by the same relation the mean of min(1, exp(-dH)) is twice the
 * probability of dH < 0. Bounded, unlike exp(-dH). */
static inline double of_balance(const rig *r, size_t at)
{
    const double dh = r->draws.delta_h[at];
    return dh < 0 ? -1 : exp(-dh);
}

static inline double of_accepted(const rig *r, size_t at)
{
    return r->draws.accepted[at];
}

static inline double power_of(const rig *r, size_t at, int half_power)
{
    const double *x = r->draws.x + at * r->n_rows;
    double sum = 0;
    for (size_t i = 0; i < r->n_rows; i++)
        sum += half_power == 1 ? x[i] * x[i] : x[i] * x[i] * x[i] * x[i];
    return sum / (double)r->n_rows;
}

static inline double of_phi2(const rig *r, size_t at)
{
    return power_of(r, at, 1);
}

static inline double of_phi4(const rig *r, size_t at)
{
    return power_of(r, at, 2);
}

static inline double pull(const char *name, mean m, double exact)
{
    const double p = (m.value - exact) / m.error;
    print_message("# %s %.6f +- %.6f exact %.6f (%+.2f)\n", name, m.value, m.error, exact,
                  p);
    return p;
}

/* A config, and what it gives samplers, in a setup. */
static inline kad_config *options(kad_ctx *ctx, kad_schema *schema, const char *yaml,
                                  kad_run_options *out)
{
    kad_config *config;
    kad_schema_add(schema, kad_sample_keys, kad_sample_n_keys);
    kad_schema_add(schema, kad_hmc_keys, KAD_HMC_N_KEYS);
    if (kad_config_parse(ctx, schema, yaml, "test.yaml", 0, NULL, &config) != KAD_OK)
        fail_msg("%s", ctx->message);
    if (kad_run_options_read(ctx, config, out) != KAD_OK) fail_msg("%s", ctx->message);
    return config;
}

#endif
