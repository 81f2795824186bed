/* Z(4) clock spins with weight exp(beta J sum_<ij> s_i.s_j), averaged over directions, seen
 * through x given s normal with mean A s and covariance A = beta J (neighbours) + alpha:
 *     S(x) = 1/2 x.A^-1 x - sum_i ln w(x_i),   w = (cosh x_1 + cosh x_2) / 2,
 *     ln Z = ln int exp(-S) dx - N ln 2 pi - ln det A - alpha N / 2.
 * The least a model can be: no updates of its own, kernels the plain way. */
#include "tests/extension/clock_model.h"

#include "base/memory.h"
#include "models/exact.h"
#include "models/spin_system.h"

#include <float.h>
#include <math.h>
#include <string.h>

const double clock_exchange = 1.25;
const double clock_spin[CLOCK_STATES][2] = {{1, 0}, {0, 1}, {-1, 0}, {0, -1}};

enum { MOST = 8 }; /* sites: 4^8 states are enumerated */

typedef struct clock_dual {
    kad_action action;
    double beta, alpha, inverse[MOST][MOST]; /* A^-1 */
    kad_exact_value ln_z, energy, m2;
} clock_dual;

void clock_probabilities(const double x[2], double p[CLOCK_STATES])
{
    double sum = 0;
    for (int k = 0; k < CLOCK_STATES; k++)
        sum += p[k] = exp(clock_spin[k][0] * x[0] + clock_spin[k][1] * x[1]);
    for (int k = 0; k < CLOCK_STATES; k++)
        p[k] /= sum;
}

static double bond(const kad_action *action)
{
    const clock_dual *clock = action->self;
    return clock->beta * clock_exchange;
}

/* --- the action ---------------------------------------------------------------------- */

static double kernel(const kad_action *action, int mode)
{
    const clock_dual *clock = action->self;
    const double neighbours =
        2 * action->lattice->d - kad_lattice_khat2(action->lattice, mode);
    return clock->alpha + bond(action) * neighbours;
}

/* Phase of the wave of a mode between two sites. */
static double phase(const kad_lattice *lattice, int mode, int i, int j)
{
    int k[KAD_MAX_DIM], a[KAD_MAX_DIM], b[KAD_MAX_DIM];
    double sum = 0;
    kad_lattice_coords(lattice, mode, k);
    kad_lattice_coords(lattice, i, a);
    kad_lattice_coords(lattice, j, b);
    for (int mu = 0; mu < lattice->d; mu++)
        sum += 2 * M_PI * k[mu] * (a[mu] - b[mu]) / lattice->shape[mu];
    return sum;
}

/* Sums over all states, the first spin fixed: they are alike. */
static void enumerate(clock_dual *clock)
{
    const kad_lattice *lattice = clock->action.lattice;
    const int N = lattice->n_sites, d = lattice->d, n_states = 1 << (2 * (N - 1));
    double Z = 0, bonds = 0, square = 0;
    for (int state = 0; state < n_states; state++) {
        double sum = 0, M[2] = {0, 0};
        for (int i = 0; i < N; i++) {
            const double *s = clock_spin[state >> (2 * i) & 3];
            M[0] += s[0];
            M[1] += s[1];
            for (int mu = 0; mu < d; mu++) {
                const double *t =
                    clock_spin[state >> (2 * lattice->nbr[2 * (i * d + mu)]) & 3];
                sum += s[0] * t[0] + s[1] * t[1];
            }
        }
        const double weight = exp(bond(&clock->action) * sum);
        Z += weight;
        bonds += weight * sum;
        square += weight * (M[0] * M[0] + M[1] * M[1]);
    }
    const double rounding = n_states * DBL_EPSILON;
    clock->ln_z = (kad_exact_value){log(Z / n_states), rounding};
    clock->energy =
        (kad_exact_value){-clock_exchange * bonds / Z / N, rounding * bonds / Z};
    clock->m2 = (kad_exact_value){square / Z / N / N, rounding * square / Z / N / N};
}

static void refresh(clock_dual *clock)
{
    kad_action *action = &clock->action;
    const int N = action->lattice->n_sites;
    double lowest = INFINITY, ln_det = 0;
    clock->alpha = 0;
    for (int k = 0; k < N; k++)
        lowest = fmin(lowest, kernel(action, k));
    clock->alpha = 0.2 - lowest;
    memset(clock->inverse, 0, sizeof clock->inverse);
    for (int k = 0; k < N; k++) {
        const double A = kernel(action, k);
        ln_det += log(A);
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++)
                clock->inverse[i][j] += cos(phase(action->lattice, k, i, j)) / A / N;
    }
    enumerate(clock);
    action->log_z_offset = -N * log(2 * M_PI) - ln_det - clock->alpha * N / 2;
    const kad_exact_log_z known = kad_exact_state("enumeration", clock->ln_z, NULL);
    kad_exact_show(&known, action);
}

static void destroy(kad_action *action)
{
    kad_free(action->self);
}

typedef struct options {
    double beta;
} options;

enum { N_KEYS = 1 };
static const kad_key keys[N_KEYS] = {
    {"action.beta", KAD_REAL_OF(options, beta), "0.32", 0, 10, "", NULL,
     "inverse temperature"},
};

static kad_status create(kad_ctx *ctx, const kad_action_options *given,
                         const kad_lattice *lattice, bool decimate, kad_action **out)
{
    clock_dual *clock;
    options o;
    (void)decimate;
    kad_keys_copy(keys, N_KEYS, given->own, sizeof o, &o);
    if (lattice->n_sites > MOST)
        return kad_fail(ctx, KAD_ECONFIG, "clock: at most %d sites, got %d", MOST,
                        lattice->n_sites);
    KAD_CALL(kad_new(ctx, 1, sizeof *clock, &clock));
    clock->action = (kad_action){.ops = &clock_action,
                                 .lattice = lattice,
                                 .n_comp = 2,
                                 .flags = KAD_ACTION_SYMMETRIC | KAD_ACTION_TRANSLATION,
                                 .n_active = lattice->n_sites,
                                 .self = clock};
    clock->beta = o.beta;
    refresh(clock);
    *out = &clock->action;
    return KAD_OK;
}

static kad_status set(kad_ctx *ctx, kad_action *action, const char *key, double value)
{
    clock_dual *clock = action->self;
    (void)ctx;
    (void)key; /* the only one */
    clock->beta = value;
    refresh(clock);
    return KAD_OK;
}

static double get(const kad_action *action, const char *key)
{
    const clock_dual *clock = action->self;
    return strcmp(key, "beta") ? (double)NAN : clock->beta;
}

/* --- kernels ------------------------------------------------------------------------- */

static double at(kad_prec prec, const void *x, size_t i)
{
    return prec == KAD_SINGLE ? (double)((const float *)x)[i] : ((const double *)x)[i];
}

/* S of a tile, and dS/dy where g is not NULL. */
static void evaluate(const kad_action *action, kad_prec prec, const void *y, void *g,
                     double *S)
{
    const clock_dual *clock = action->self;
    const size_t N = (size_t)action->lattice->n_sites, W = (size_t)kad_lanes(prec);
    for (size_t lane = 0; lane < W; lane++) {
        S[lane] = 0;
        for (size_t i = 0; i < N; i++) {
            const double x[2] = {at(prec, y, 2 * i * W + lane),
                                 at(prec, y, (2 * i + 1) * W + lane)};
            const double w = cosh(x[0]) + cosh(x[1]);
            S[lane] -= log(w / 2);
            for (size_t a = 0; a < 2; a++) {
                double u = 0;
                for (size_t j = 0; j < N; j++)
                    u += clock->inverse[i][j] * at(prec, y, (2 * j + a) * W + lane);
                S[lane] += x[a] * u / 2;
                const double force = u - sinh(x[a]) / w;
                if (g != NULL && prec == KAD_SINGLE)
                    ((float *)g)[(2 * i + a) * W + lane] = (float)force;
                else if (g != NULL)
                    ((double *)g)[(2 * i + a) * W + lane] = force;
            }
        }
    }
}

#define KERNELS(name, prec)                                                       \
    static void value_##name(const kad_action *action, const void *y, double *S,  \
                             void *scratch)                                       \
    {                                                                             \
        (void)scratch;                                                            \
        evaluate(action, prec, y, NULL, S);                                       \
    }                                                                             \
    static void gradient_##name(const kad_action *action, const void *y, void *g, \
                                double *S, void *scratch)                         \
    {                                                                             \
        (void)scratch;                                                            \
        evaluate(action, prec, y, g, S);                                          \
    }                                                                             \
    static const kad_action_kern kern_##name = {.value = value_##name,            \
                                                .gradient = gradient_##name};
KERNELS(f32, KAD_SINGLE)
KERNELS(f64, KAD_DOUBLE)

/* --- the spins ----------------------------------------------------------------------- */

static double mean(const kad_action *action, size_t stride, const double *x, double *m)
{
    double self = 0;
    for (size_t i = 0; i < (size_t)action->lattice->n_sites; i++) {
        const double u = x[i], v = x[stride + i], w = cosh(u) + cosh(v);
        m[i] = sinh(u) / w;
        m[stride + i] = sinh(v) / w;
        self += 1 - m[i] * m[i] - m[stride + i] * m[stride + i];
    }
    return self;
}

static void draw(const kad_action *action, const kad_spin_source *source, size_t stride,
                 const double *x, double *s)
{
    for (size_t i = 0; i < (size_t)action->lattice->n_sites; i++) {
        const double field[2] = {x[i], x[stride + i]};
        double p[CLOCK_STATES];
        clock_probabilities(field, p);
        double u =
            kad_rng_uniform(source->rng, source->step, source->sample + i, source->quad);
        int k = 0;
        while (k < CLOCK_STATES - 1 && u > p[k])
            u -= p[k++];
        s[i] = clock_spin[k][0];
        s[stride + i] = clock_spin[k][1];
    }
}

static double exchange(const kad_action *action)
{
    (void)action;
    return clock_exchange;
}

static kad_status exact(kad_ctx *ctx, const kad_action *action, kad_exact_means *out)
{
    const clock_dual *clock = action->self;
    (void)ctx;
    kad_exact_add(out, "energy", clock->energy, "enumeration");
    kad_exact_add(out, "m2", clock->m2, "enumeration");
    return KAD_OK;
}

static const kad_action_spins spins = {
    .mean = mean, .draw = draw, .exchange = exchange, .kernel = kernel};

const kad_action_ops clock_action = {
    .name = "clock",
    .summary = "dual of Z(4) clock spins",
    .reference = "10.1103/PhysRevB.16.1217",
    .keys = keys,
    .n_keys = N_KEYS,
    .options_size = sizeof(options),
    .create = create,
    .set = set,
    .get = get,
    .destroy = destroy,
    .kern = {&kern_f32, &kern_f64},
    .bond = bond,
    .spins = &spins,
    .exact = exact,
};
