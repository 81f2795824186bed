#include "tests/support/target_case.h"

#include "base/memory.h"
#include "models/spins.h"
#include "run/options.h"
#include "run/recipe.h"
#include "run/schema.h"
#include "tests/support/claim.h"
#include "tests/support/model_case.h"
#include "train/loss.h"
#include "train/optimiser.h"
#include "train/options.h"

static void must(const kad_ctx *ctx, kad_status status)
{
    if (status != KAD_OK) fail_msg("%d %s", status, ctx->message);
}

static kad_rng rng_of_draws(void)
{
    return kad_rng_stream(17, KAD_RNG_TEST, 3);
}

/* --- values of a configuration ------------------------------------------------------- */

/* Sum over sites of f_i.f_j, j next to i along the last axis; of f_i.f_i; of all bonds;
 * |sum_i f_i|^2. */
typedef struct pairs {
    double last, self, bonds, total2;
} pairs;

static pairs pairs_of(const target *t, const double *f)
{
    const kad_lattice *lattice = t->action->lattice;
    const int n = t->action->n_comp, d = lattice->d;
    double total[3] = {0};
    pairs p = {0};
    for (int i = 0; i < lattice->n_sites; i++)
        for (int a = 0; a < n; a++) {
            const double here = f[i * n + a];
            total[a] += here;
            p.self += here * here;
            for (int mu = 0; mu < d; mu++) {
                const double there = f[lattice->nbr[2 * (i * d + mu)] * n + a];
                p.bonds += here * there;
                if (mu == d - 1) p.last += here * there;
            }
        }
    for (int a = 0; a < n; a++)
        p.total2 += total[a] * total[a];
    return p;
}

/* t, mu, lambda of S = -t sum phi.phi + sum (mu |phi|^2 + lambda |phi|^4). */
typedef struct couplings {
    double t, mu, lambda;
} couplings;

static couplings couplings_of(const target *t)
{
    const double lambda = kad_action_get(t->action, "lambda");
    if (strstr(t->kind->yaml, "hopping"))
        return (couplings){2 * kad_action_get(t->action, "kappa"), 1 - 2 * lambda,
                           lambda};
    return (couplings){2, kad_action_get(t->action, "m2") + 2 * t->action->lattice->d,
                       lambda};
}

/* <|phi|^2>, <|phi|^4>, N <|mean phi|^2>, neighbours; S, or a value of one site. */
static void measure_field(const target *t, const double *x, double *out)
{
    const int N = t->action->lattice->n_sites, n = t->action->n_comp;
    const pairs p = pairs_of(t, x);
    double quartic = 0;
    for (int i = 0; i < N; i++) {
        double r2 = 0;
        for (int a = 0; a < n; a++)
            r2 += x[i * n + a] * x[i * n + a];
        quartic += r2 * r2;
    }
    out[0] = p.self / N;
    out[1] = quartic / N;
    out[2] = p.total2 / N;
    out[3] = p.last / N;
    out[4] = x[0] * x[0]; /* frozen flows know where the corner is */
    if (t->kind->frozen) return;
    const couplings c = couplings_of(t);
    out[4] = -c.t * p.bonds + c.mu * p.self + c.lambda * quartic;
}

/* External field of the action, 0 where it has none. */
static double field_of(const target *t)
{
    const double h = kad_action_get(t->action, "field");
    return isnan(h) ? 0 : h;
}

static double mean_of(const target *t, const double *f)
{
    double sum = 0;
    for (int i = 0; i < t->action->lattice->n_sites; i++)
        sum += f[i * t->action->n_comp] / t->action->lattice->n_sites;
    return sum;
}

/* The first component's mean in place of <|phi|^2>. */
static void measure_in_field(const target *t, const double *x, double *out)
{
    measure_field(t, x, out);
    out[0] = mean_of(t, x);
    out[4] -= field_of(t) * t->action->lattice->n_sites * out[0];
}

/* E/N, <m^2>, neighbours of the spins, and the field's <|x|^2>. */
static void measure_spins(const target *t, const double *x, double *out)
{
    const int N = t->action->lattice->n_sites;
    double m[TARGET_ROWS];
    const double self = kad_spins_mean(t->action->n_comp, (size_t)N, x, m);
    const pairs p = pairs_of(t, m);
    out[0] = -p.bonds / N;
    out[1] = (p.total2 + self) / ((double)N * N);
    out[2] = p.last / N;
    out[3] = pairs_of(t, x).self / N;
    out[4] = 0;
}

static void measure_spins_in_field(const target *t, const double *x, double *out)
{
    double m[TARGET_ROWS];
    measure_spins(t, x, out);
    kad_spins_mean(t->action->n_comp, (size_t)t->action->lattice->n_sites, x, m);
    out[4] = mean_of(t, m);
}

/* --- exact means --------------------------------------------------------------------- */

/* The rest follows from <|phi|^2>, <|phi|^4> and the virial theorem
 * N n = <phi.dS/dphi> = 2 <S_2> + 4 lambda N <|phi|^4>. */
static void by_virial(target *t)
{
    const couplings c = couplings_of(t);
    const double n = t->action->n_comp, N = t->action->lattice->n_sites;
    double *e = t->exact;
    e[3] = (c.mu * e[0] - n / 2 + 2 * c.lambda * e[1]) / (c.t * t->action->lattice->d);
    e[4] = n * N / 2 - c.lambda * N * e[1];
}

/* PHYSICS of the free field: G(k) = 1/[2 (m2 + khat^2)]. */
static void solve_free(target *t)
{
    const kad_lattice *lattice = t->action->lattice;
    const double m2 = kad_action_get(t->action, "m2");
    double g = 0;
    for (int k = 0; k < lattice->n_sites; k++)
        g += 0.5 / (m2 + kad_lattice_khat2(lattice, k)) / lattice->n_sites;
    t->exact[0] = g;
    t->exact[1] = 3 * g * g;
    t->exact[2] = 0.5 / m2;
    by_virial(t);
}

/* 2 x 2 with double bonds at lambda = 6.975, m2 = -4: quadrature. */
static void solve_phi4(target *t)
{
    t->exact[0] = 0.1956262102;
    t->exact[1] = 0.0711283841;
    t->exact[2] = 0.544209631;
    by_virial(t);
}

/* 2 x 2 with double bonds at lambda = 1, kappa = 0.3: quadrature. */
static void solve_complex(target *t)
{
    t->exact[0] = 0.9883827574;
    t->exact[1] = (1.2 * 0.5263439188 + 0.9883827574 + 1) / 2; /* virial */
    t->exact[2] = 4 * 0.6105831750;
    by_virial(t);
}

/* Four sites of one component, by the trapezoidal rule. */
static void solve_in_field(target *t)
{
    enum { M = 36 };
    const couplings c = couplings_of(t);
    const double box = 2.2, h = field_of(t);
    double Z = 0;
    for (int k = 0; k < M * M * M * M; k++) {
        double x[4], one[TARGET_VALUES];
        for (int i = 0, rest = k; i < 4; i++, rest /= M)
            x[i] = box * (2.0 * (rest % M) / (M - 1) - 1);
        double S = -c.t * pairs_of(t, x).bonds;
        for (int i = 0; i < 4; i++)
            S += x[i] * x[i] * (c.mu + c.lambda * x[i] * x[i]) - h * x[i];
        measure_in_field(t, x, one);
        Z += exp(-S);
        for (int i = 0; i < TARGET_VALUES; i++)
            t->exact[i] += exp(-S) * one[i];
    }
    for (int i = 0; i < TARGET_VALUES; i++)
        t->exact[i] /= Z;
}

/* A = K + alpha of the Ising target, dense. */
enum { SPINS = 16 };
static void dual_matrix(const target *t, double A[SPINS][SPINS])
{
    const kad_lattice *lattice = t->action->lattice;
    const double beta = kad_action_get(t->action, "beta");
    const double epsilon = kad_action_get(t->action, "epsilon");
    for (int i = 0; i < SPINS; i++)
        for (int j = 0; j < SPINS; j++)
            A[i][j] = i == j ? 4 * beta + epsilon : 0;
    for (int i = 0; i < SPINS; i++)
        for (int b = 0; b < 4; b++)
            A[i][lattice->nbr[4 * i + b]] += beta;
}

/* Lower triangle of A = root root^T. */
static void cholesky(double A[SPINS][SPINS], double *root)
{
    for (int i = 0; i < SPINS; i++)
        for (int j = 0; j <= i; j++) {
            double sum = A[i][j];
            for (int k = 0; k < j; k++)
                sum -= root[i * SPINS + k] * root[j * SPINS + k];
            root[i * SPINS + j] = i == j ? sqrt(sum) : sum / root[j * SPINS + j];
        }
}

/* Enumeration of the 2^16 states; the field given the spins is N(A s, A). */
static void solve_ising(target *t)
{
    double A[SPINS][SPINS], Z = 0;
    const double beta = kad_action_get(t->action, "beta"), b = beta * field_of(t);
    dual_matrix(t, A);
    t->root = kad_alloc(SPINS * SPINS, sizeof *t->root);
    t->cdf = kad_alloc(1 << SPINS, sizeof *t->cdf);
    cholesky(A, t->root);
    for (int state = 0; state < 1 << SPINS; state++) {
        double s[SPINS], field = b;
        for (int i = 0; i < SPINS; i++)
            s[i] = state >> i & 1 ? 1 : -1;
        for (int i = 0; i < SPINS; i++)
            field += A[0][i] * s[i];
        const pairs p = pairs_of(t, s);
        const double m = mean_of(t, s), weight = exp(beta * p.bonds + b * SPINS * m);
        Z += weight;
        t->cdf[state] = Z;
        t->exact[0] -= weight * p.bonds / SPINS;
        t->exact[1] += weight * p.total2 / (SPINS * SPINS);
        t->exact[2] += weight * p.last / SPINS;
        t->exact[3] += weight * (A[0][0] + field * field);
        if (b != 0) t->exact[4] += weight * m;
    }
    for (int k = 0; k < TARGET_VALUES; k++)
        t->exact[k] /= Z;
    for (int state = 0; state < 1 << SPINS; state++)
        t->cdf[state] /= Z;
}

/* Means of a frozen flow over many of its own draws. */
static void solve_frozen(target *t)
{
    enum { DRAWS = 1 << 17 };
    double *x = kad_alloc((size_t)DRAWS * t->n_rows, sizeof *x);
    double *lnq = kad_alloc(DRAWS, sizeof *lnq), square[TARGET_VALUES] = {0};
    must(&t->ctx, kad_map_draw(&t->ctx, t->target_map, 1, KAD_RNG_TEST, 1 << 20, DRAWS,
                               KAD_DOUBLE, false, x, lnq, NULL));
    for (int i = 0; i < DRAWS; i++) {
        double one[TARGET_VALUES];
        measure_field(t, x + (size_t)i * t->n_rows, one);
        for (int k = 0; k < TARGET_VALUES; k++) {
            t->exact[k] += one[k] / DRAWS;
            square[k] += one[k] * one[k] / DRAWS;
        }
    }
    for (int k = 0; k < TARGET_VALUES; k++)
        t->error[k] = sqrt((square[k] - t->exact[k] * t->exact[k]) / DRAWS);
    kad_free(x);
    kad_free(lnq);
}

/* --- exact draws --------------------------------------------------------------------- */

/* phi = N^{-1/2} sum_k cas(k.x) G(k)^{1/2} xi_k, cas = cos + sin. */
static void draw_free(const target *t, uint64_t number, double *x)
{
    const kad_lattice *lattice = t->action->lattice;
    const double m2 = kad_action_get(t->action, "m2");
    const int N = lattice->n_sites;
    memset(x, 0, t->n_rows * sizeof *x);
    for (int k = 0; k < N; k++) {
        int wave[KAD_MAX_DIM], at[KAD_MAX_DIM];
        double pair[2];
        kad_rng_normal2(rng_of_draws(), 0, number, (uint32_t)k, pair);
        const double G = 0.5 / (m2 + kad_lattice_khat2(lattice, k));
        kad_lattice_coords(lattice, k, wave);
        for (int i = 0; i < N; i++) {
            double angle = 0;
            kad_lattice_coords(lattice, i, at);
            for (int mu = 0; mu < lattice->d; mu++)
                angle += 2 * M_PI * wave[mu] * at[mu] / lattice->shape[mu];
            x[i] += sqrt(G / N) * pair[0] * (cos(angle) + sin(angle));
        }
    }
}

/* Rejection. With every bond completed to a square,
 *   exp(-S) = prod_i exp((t d - mu) |phi_i|^2 - lambda |phi_i|^4)
 *             x exp(-t/2 sum_b |phi_i - phi_j|^2),
 * sites are drawn from the first factor in a box outside which it is below e^-40, and
 * kept with the second. */
static void draw_phi4(const target *t, uint64_t number, double *x)
{
    const couplings c = couplings_of(t);
    const kad_lattice *lattice = t->action->lattice;
    const int N = lattice->n_sites, n = t->action->n_comp;
    const double h = field_of(t); /* kept with exp(h phi - |h| box), too */
    const double a = c.t * lattice->d - c.mu, best = a * a / (4 * c.lambda);
    const double box = n == 1 ? 1.7 : 2.8;
    uint64_t step = 0;
    for (;;) {
        for (int i = 0; i < N;) {
            double r2 = 0;
            for (int b = 0; b < n; b++) {
                const double u =
                    kad_rng_uniform(rng_of_draws(), step, number, (uint32_t)b);
                x[i * n + b] = box * (2 * u - 1);
                r2 += x[i * n + b] * x[i * n + b];
            }
            const double u = kad_rng_uniform(rng_of_draws(), step++, number, 7);
            i += log(u) < a * r2 - c.lambda * r2 * r2 - best;
        }
        const pairs p = pairs_of(t, x);
        const double u = kad_rng_uniform(rng_of_draws(), step++, number, 8);
        const double drop = N * (h * mean_of(t, x) - fabs(h) * box);
        if (log(u) < c.t * (p.bonds - lattice->d * p.self) + drop) return;
    }
}

static void draw_ising(const target *t, uint64_t number, double *x)
{
    double A[SPINS][SPINS], xi[SPINS][2];
    const double u = kad_rng_uniform(rng_of_draws(), 1, number, 0);
    int low = 0, high = (1 << SPINS) - 1; /* the first state whose cdf exceeds u */
    while (low < high) {
        const int middle = (low + high) / 2;
        if (t->cdf[middle] > u)
            high = middle;
        else
            low = middle + 1;
    }
    dual_matrix(t, A);
    for (int i = 0; i < SPINS; i++)
        kad_rng_normal2(rng_of_draws(), 0, number, (uint32_t)i, xi[i]);
    for (int i = 0; i < SPINS; i++) {
        x[i] = kad_action_get(t->action, "beta") * field_of(t);
        for (int j = 0; j < SPINS; j++)
            x[i] += A[i][j] * (low >> j & 1 ? 1 : -1) +
                    (j <= i) * t->root[i * SPINS + j] * xi[j][0];
    }
}

static void draw_frozen(const target *t, uint64_t number, double *x)
{
    kad_ctx ctx;
    double lnq;
    kad_ctx_init(&ctx, 1);
    must(&ctx, kad_map_draw(&ctx, t->target_map, 1, KAD_RNG_TEST, number, 1, KAD_DOUBLE,
                            false, x, &lnq, NULL));
}

/* --- the list ------------------------------------------------------------------------ */

#define FIELD_VALUES                       \
    {                                      \
        "phi2", "phi4", "chi", "bond", "S" \
    }
static const char small_flow[] = "lattice: {shape: [4, 4]}\n"
                                 "action: {name: phi4, form: albergo, m2: 1, lambda: 0}\n"
                                 "flow: {recipe: neuralrg, symmetry: none, couplings: 4, "
                                 "widths: [4]}\n";

const target_kind target_kinds[] = {
    {.name = "free field",
     .yaml = "lattice: {shape: [4, 4]}\n"
             "action: {name: phi4, form: albergo, m2: 0.25, lambda: 0}\n"
             "flow: {decimation: false}\n",
     .sigma = 0.02,
     .prec = KAD_SINGLE,
     .values = FIELD_VALUES,
     .measure = measure_field,
     .solve = solve_free,
     .draw = draw_free},
    {.name = "Ising dual",
     .yaml = "lattice: {shape: [4, 4]}\n"
             "action: {name: on-dual, beta: 0.35, epsilon: 0.5}\n"
             "flow: {hidden: 4, sources: 6, refinements: 1, refinements_finest: 1}\n",
     .n_train = 300,
     .prec = KAD_SINGLE,
     .values = {"E", "m2", "bond", "x2"},
     .measure = measure_spins,
     .solve = solve_ising,
     .draw = draw_ising},
    {.name = "phi^4",
     .yaml = "lattice: {shape: [2, 2]}\n"
             "action: {name: phi4, form: albergo, m2: -4, lambda: 6.975}\n",
     .sigma = 0.02,
     .prec = KAD_DOUBLE,
     .values = FIELD_VALUES,
     .measure = measure_field,
     .solve = solve_phi4,
     .draw = draw_phi4},
    {.name = "complex phi^4",
     .yaml = "lattice: {shape: [2, 2]}\n"
             "action: {name: phi4, components: 2, form: hopping, kappa: 0.3, lambda: "
             "1}\n"
             "flow: {hidden: 4, refinements: 1, refinements_finest: 1, average: 2}\n",
     .n_train = 300,
     .sigma = 0.03,
     .prec = KAD_SINGLE,
     .values = FIELD_VALUES,
     .measure = measure_field,
     .solve = solve_complex,
     .draw = draw_phi4},
    {.name = "phi^4 in a field",
     .yaml = "lattice: {shape: [2, 2]}\n"
             "action: {name: phi4, form: albergo, m2: -4, lambda: 6.975, field: 0.6}\n"
             "flow: {hidden: 4, refinements: 1, refinements_finest: 1}\n",
     .n_train = 100,
     .sigma = 0.02,
     .prec = KAD_SINGLE,
     .values = {"m", "phi4", "chi", "bond", "S"},
     .measure = measure_in_field,
     .solve = solve_in_field,
     .draw = draw_phi4},
    {.name = "Ising dual in a field",
     .yaml = "lattice: {shape: [4, 4]}\n"
             "action: {name: on-dual, beta: 0.35, epsilon: 0.5, field: -0.2}\n"
             "flow: {hidden: 4, sources: 6, refinements: 1, refinements_finest: 1}\n",
     .n_train = 300,
     .prec = KAD_SINGLE,
     .values = {"E", "m2", "bond", "x2", "m"},
     .measure = measure_spins_in_field,
     .solve = solve_ising,
     .draw = draw_ising},
    {.name = "frozen flow, float",
     .yaml = small_flow,
     .sigma = 0.1,
     .prec = KAD_SINGLE,
     .frozen = true,
     .values = {"phi2", "phi4", "chi", "bond", "corner"},
     .measure = measure_field,
     .solve = solve_frozen,
     .draw = draw_frozen},
    {.name = "frozen flow, double",
     .yaml = small_flow,
     .sigma = 0.1,
     .prec = KAD_DOUBLE,
     .frozen = true,
     .values = {"phi2", "phi4", "chi", "bond", "corner"},
     .measure = measure_field,
     .solve = solve_frozen,
     .draw = draw_frozen},
    {.name = NULL},
};

/* --- life ---------------------------------------------------------------------------- */

/* Of a frozen flow from the samplers' map. */
static const double FROZEN_DISTANCE = 0.03;

/* A few steps of Adam on the reverse loss, where the untrained map is too poor for
 * independent proposals. */
static void train(target *t, double *theta)
{
    kad_ctx *ctx = &t->ctx;
    const kad_flow *flow = t->model->flow;
    const kad_optimiser_ops *adam = kad_optimiser_find("adam");
    const kad_optimiser_options options = kad_optimiser_defaults(adam);
    double *gradient = kad_alloc(flow->n_theta, sizeof *gradient);
    kad_optimiser *optimiser;
    kad_loss_plan *plan;
    must(ctx, kad_loss_create(ctx, flow, t->model->action, KAD_SINGLE, 128, &plan));
    must(ctx,
         kad_optimiser_create(ctx, adam, &options, flow->n_theta, 0, NULL, &optimiser));
    for (int step = 0; step < t->kind->n_train; step++) {
        kad_loss_stats stats;
        kad_loss_gradient(ctx, plan, t->model->action, KAD_LOSS_PATH, NULL, theta, 1,
                          (uint64_t)step, gradient, &stats);
        kad_optimiser_step(optimiser, 1, 5e-3, gradient, theta);
    }
    kad_optimiser_destroy(optimiser);
    kad_loss_destroy(plan);
    kad_free(gradient);
}

/* Parameters away from the start by the target's sigma, and by `sigma` from those. */
static kad_map *map_of(target *t, double sigma)
{
    const kad_flow *flow = t->model->flow;
    kad_map *map;
    double *theta = kad_alloc(flow->n_theta + 1, sizeof *theta);
    kad_flow_init(flow, 3, theta);
    if (t->kind->n_train > 0) train(t, theta);
    for (size_t i = 0; i < flow->n_theta; i++) {
        double pair[2];
        kad_rng_normal2(kad_rng_stream(1, KAD_RNG_TEST, 10), 0, i, 0, pair);
        theta[i] += t->kind->sigma * pair[0] + sigma * pair[1];
    }
    must(&t->ctx, kad_map_create(&t->ctx, flow, theta, t->model->mixture, &map));
    kad_free(theta);
    return map;
}

void target_make(target *t, const target_kind *kind)
{
    memset(t, 0, sizeof *t);
    t->kind = kind;
    kad_ctx_init(&t->ctx, 2);
    kad_cli_schema(&t->schema);
    must(&t->ctx, kad_config_parse(&t->ctx, &t->schema, kind->yaml, kind->name, 0, NULL,
                                   &t->config));
    must(&t->ctx, kad_recipe_resolve(&t->ctx, t->config));
    must(&t->ctx, test_model_of(&t->ctx, t->config, &t->model));
    t->n_rows = (size_t)t->model->flow->n_rows;
    assert_true(t->n_rows <= TARGET_ROWS);
    const double distance =
        kind->frozen_distance > 0 ? kind->frozen_distance : FROZEN_DISTANCE;
    t->map = map_of(t, kind->frozen ? distance : 0);
    t->action = t->model->action;
    if (kind->frozen) {
        t->target_map = map_of(t, 0);
        frozen_make(&t->frozen, t->model->lattice, t->target_map);
        t->action = &t->frozen.action;
    }
    kind->solve(t);
    t->x = kad_alloc(TARGET_DRAWS * t->n_rows, sizeof *t->x);
    for (uint64_t i = 0; i < TARGET_DRAWS; i++)
        kind->draw(t, i, t->x + i * t->n_rows);
}

void target_at(const target *t, const char *key, double value, uint64_t stream,
               target *out)
{
    kad_action *action;
    *out = *t;
    must(&t->ctx, kad_action_at(&out->ctx, t->model->action, key, value, &action));
    out->action = action;
    out->cdf = out->root = NULL;
    memset(out->exact, 0, sizeof out->exact);
    t->kind->solve(out);
    out->x = kad_alloc(TARGET_DRAWS * t->n_rows, sizeof *out->x);
    for (uint64_t i = 0; i < TARGET_DRAWS; i++)
        t->kind->draw(out, stream * TARGET_DRAWS + i, out->x + i * t->n_rows);
}

void target_at_clear(target *t)
{
    kad_action_destroy((kad_action *)(uintptr_t)t->action);
    kad_free(t->x);
    kad_free(t->cdf);
    kad_free(t->root);
}

void target_clear(target *t)
{
    kad_free(t->x);
    kad_free(t->cdf);
    kad_free(t->root);
    kad_map_destroy(t->target_map);
    kad_map_destroy(t->map);
    kad_model_destroy(t->model);
    kad_config_destroy(t->config);
}

kad_config *target_config(target *t, const char *sampler, const char *more)
{
    kad_config *config;
    char yaml[1024];
    snprintf(yaml, sizeof yaml, "%ssample: [{name: %s%s%s}]\n", t->kind->yaml, sampler,
             *more ? ", " : "", more);
    must(&t->ctx,
         kad_config_parse(&t->ctx, &t->schema, yaml, t->kind->name, 0, NULL, &config));
    must(&t->ctx, kad_recipe_resolve(&t->ctx, config));
    return config;
}
