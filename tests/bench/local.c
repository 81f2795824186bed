/* Benchmark of Markov chains, on one thread: sweeps of the local samplers and of cluster
 * moves per second beside straightforward scalar loops (local_naive.h), which are also
 * what they are verified against: the means over chains must agree before anything is
 * timed. Then latent-hmc for the network of the NeuralRG paper, 512 chains: one leapfrog
 * step against one step of training.
 *
 *   local [--threads N] [--filter TEXT] [--json FILE]     (threads: for latent-hmc) */
#include "local_naive.h"

#include "tests/support/model_case.h"

#include "base/memory.h"
#include "base/signals.h"
#include "io/number.h"
#include "models/local.h"
#include "models/spins.h"
#include "sample/hmc_core.h"
#include "train/loss.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { W = KAD_W_DOUBLE, MAX_KEYS = 6, WARM = 400, SWEEPS = 200 };
static const double SECONDS = 0.5; /* of a timing */

typedef struct subject {
    const char *name;
    int L;
    bool field;
    const char *overrides[MAX_KEYS];
} subject;

#define CRITICAL "action.name=on-dual", "action.temperature=2.269185314213022"
#define PHI4 \
    "action.name=phi4", "action.form=albergo", "action.m2=-4", "action.lambda=4.95"

static const subject subjects[] = {
    {"phi4 16x16", 16, true, {PHI4, "lattice.shape=[16, 16]"}},
    {"phi4 64x64", 64, true, {PHI4, "lattice.shape=[64, 64]"}},
    {"ising 16x16", 16, false, {CRITICAL, "lattice.shape=[16, 16]"}},
    {"ising 64x64", 64, false, {CRITICAL, "lattice.shape=[64, 64]"}},
};

typedef struct scene {
    kad_ctx ctx;
    const subject *s;
    kad_model *model;
    const kad_action *action;
    const kad_action_local *local;
    kad_bonds bonds;
    kad_rng rng[KAD_LOCAL_STREAMS];
    kad_naive *naive;
    uint64_t step;
    double width;
    size_t n_rows;
    double *x;
    _Alignas(KAD_ALIGN) double accepted[W];
    void *scratch;
    FILE *json;
} scene;

static void must(const kad_ctx *ctx, kad_status status)
{
    if (status == KAD_OK) return;
    fprintf(stderr, "local: %s\n", ctx->message);
    exit(status);
}

/* --- what is timed ------------------------------------------------------------------- */

static kad_turn next_turn(scene *c)
{
    return (kad_turn){.rng = c->rng, .step = c->step++, .n_lanes = W};
}

static void local_sweep(scene *c)
{
    const kad_turn turn = next_turn(c);
    c->local->sweep(c->action, &turn, c->width, c->x, c->accepted, c->scratch);
}

/* As the sampler does it: the field of phi^4 needs a sweep besides. */
static void cluster_sweep(scene *c)
{
    const kad_turn turn = next_turn(c);
    c->local->cluster(c->action, &turn, &c->bonds, 1, c->x, c->scratch);
    if (!c->local->cluster_redraws)
        c->local->sweep(c->action, &turn, c->width, c->x, c->accepted, c->scratch);
}

static void naive_local(scene *c)
{
    kad_naive_sweep(c->naive);
}

static void naive_cluster(scene *c)
{
    kad_naive_clusters(c->naive);
    if (c->s->field) kad_naive_sweep(c->naive);
}

/* --- verification: <phi^2>, or the energy of the spins, and <m^2> -------------------- */

typedef struct mean {
    double value[2], err[2];
} mean;

static mean mean_of(size_t n, const double (*a)[2])
{
    mean m;
    for (int k = 0; k < 2; k++) {
        double sum = 0, square = 0;
        for (size_t i = 0; i < n; i++) {
            sum += a[i][k] / (double)n;
            square += a[i][k] * a[i][k] / (double)n;
        }
        m.value[k] = sum;
        m.err[k] = sqrt((square - sum * sum) / ((double)n - 1));
    }
    return m;
}

static void measure(const scene *c, size_t lane, double out[2])
{
    const kad_lattice *lattice = c->action->lattice;
    const int N = lattice->n_sites;
    double *phi = kad_alloc((size_t)N, sizeof *phi), total = 0, self = 0, sum = 0;
    for (int i = 0; i < N; i++)
        phi[i] = c->x[(size_t)i * W + lane];
    if (!c->s->field) self = kad_spins_mean(1, (size_t)N, phi, phi);
    for (int i = 0; i < N; i++) {
        total += phi[i];
        sum += c->s->field
                   ? phi[i] * phi[i]
                   : -phi[i] * (phi[lattice->nbr[4 * i]] + phi[lattice->nbr[4 * i + 2]]);
    }
    kad_free(phi);
    out[0] = sum / N;
    out[1] = (total * total + self) / ((double)N * N);
}

/* Means over W chains of each kind, after cluster updates from an ordered start. */
static void verify(scene *c)
{
    double ours[W][2] = {{0}}, theirs[W][2] = {{0}}, one[2];
    for (int t = 0; t < WARM + SWEEPS; t++) {
        cluster_sweep(c);
        for (size_t lane = 0; lane < W && t >= WARM; lane++) {
            measure(c, lane, one);
            for (int k = 0; k < 2; k++)
                ours[lane][k] += one[k] / SWEEPS;
        }
    }
    for (size_t chain = 0; chain < W; chain++) {
        kad_naive_start(c->naive, chain);
        for (int t = 0; t < WARM + SWEEPS; t++) {
            naive_cluster(c);
            if (t < WARM) continue;
            kad_naive_measure(c->naive, one);
            for (int k = 0; k < 2; k++)
                theirs[chain][k] += one[k] / SWEEPS;
        }
    }
    const mean a = mean_of(W, (const double(*)[2])ours);
    const mean b = mean_of(W, (const double(*)[2])theirs);
    for (int k = 0; k < 2; k++) {
        const double pull = (a.value[k] - b.value[k]) / hypot(a.err[k], b.err[k]);
        printf("%-14s %s %.5f(%.5f), naive %.5f(%.5f)\n", c->s->name,
               k == 1        ? "m2"
               : c->s->field ? "phi2"
                             : "E",
               a.value[k], a.err[k], b.value[k], b.err[k]);
        if (fabs(pull) < 6) continue;
        fputs("local: the kernels and the naive loops disagree\n", stderr);
        exit(KAD_EINTERNAL);
    }
}

/* --- timing -------------------------------------------------------------------------- */

/* Sweeps of one chain a second; a call makes `chains` of them. The best of five. */
static double rate(scene *c, void (*call)(scene *), int chains)
{
    double best = 0;
    for (int k = 0; k < 5; k++) {
        const double start = kad_wall_seconds();
        double seconds = 0, n = 0;
        for (; seconds < SECONDS / 5; n += chains) {
            call(c);
            seconds = kad_wall_seconds() - start;
        }
        best = fmax(best, n / seconds);
    }
    return best;
}

static void report(const scene *c, const char *what, double ours, double naive)
{
    const double N = (double)c->s->L * c->s->L;
    printf(
        "%-14s %-12s %10.0f sweeps/s a core  %6.2f ns a site  naive %10.0f (%6.2f ns)  "
        "%5.2f times faster\n",
        c->s->name, what, ours, 1e9 / (ours * N), naive, 1e9 / (naive * N), ours / naive);
    fflush(stdout);
    if (c->json)
        fprintf(c->json,
                "{\"case\": \"%s\", \"what\": \"%s\", \"threads\": 1, \"sweeps_per_s\": "
                "%.6g, \"naive_sweeps_per_s\": %.6g, \"ns_per_site\": %.4g}\n",
                c->s->name, what, ours, naive, 1e9 / (ours * N));
}

static void run(const subject *s, FILE *json)
{
    scene c = {.s = s, .json = json, .width = 0.6};
    kad_ctx_init(&c.ctx, 1);
    must(&c.ctx, test_model(&c.ctx, s->overrides, &c.model));
    c.action = c.model->action;
    c.local = c.action->ops->local;
    c.n_rows = (size_t)c.action->lattice->n_sites;
    size_t bytes = c.local->scratch_bytes(c.action);
    if (c.action->scratch_bytes[KAD_DOUBLE] > bytes)
        bytes = c.action->scratch_bytes[KAD_DOUBLE];
    must(&c.ctx, c.local->bonds(&c.ctx, c.action, &c.bonds));
    must(&c.ctx, kad_new(&c.ctx, c.n_rows, W * sizeof(double), &c.x));
    must(&c.ctx, kad_new(&c.ctx, bytes, 1, &c.scratch));
    for (uint32_t i = 0; i < KAD_LOCAL_STREAMS; i++)
        c.rng[i] = kad_rng_stream(1, KAD_RNG_CHAIN, i);
    c.naive = kad_naive_create(c.action->lattice, s->field, c.width,
                               s->field ? kad_action_get(c.action, "lambda")
                                        : kad_action_get(c.action, "beta"));
    const kad_turn first = next_turn(&c);
    c.local->start(c.action, &first, false, c.x, c.scratch);
    if (s->L <= 16) verify(&c);
    kad_naive_start(c.naive, 1);
    report(&c, "local", rate(&c, local_sweep, W), rate(&c, naive_local, 1));
    report(&c, "cluster", rate(&c, cluster_sweep, W), rate(&c, naive_cluster, 1));
    kad_naive_destroy(c.naive);
    kad_bonds_clear(&c.bonds);
    kad_free(c.x);
    kad_free(c.scratch);
    kad_model_destroy(c.model);
}

/* --- latent-hmc ---------------------------------------------------------------------- */

enum { BATCH = 512, REPEATS = 15 };

typedef struct bulk {
    kad_ctx ctx;
    kad_model *model;
    kad_map *map;
    kad_hmc_target target;
    kad_loss_plan *plan;
    double *theta, *gradient, *q, *p;
    char *work;              /* [n_threads][work_bytes] */
    size_t work_bytes, tile; /* tile: numbers of a tile of positions */
} bulk;

/* One step of every chain: drift, kick, drift. */
static void leapfrog(bulk *b)
{
    const int n_tiles = BATCH / KAD_W_SINGLE, n_threads = b->ctx.n_threads;
    const kad_integrator *integrator = kad_integrator_find("leapfrog");
#pragma omp parallel for num_threads(n_threads) schedule(static)
    for (int k = 0; k < n_threads; k++)
        for (int t = k; t < n_tiles; t += n_threads) {
            char *own = b->work + (size_t)k * b->work_bytes;
            const size_t row = b->target.n_rows * KAD_ROW_BYTES;
            (void)kad_trajectory(&b->target, integrator, 0.01, 1, INFINITY,
                                 b->q + (size_t)t * b->tile, b->p + (size_t)t * b->tile,
                                 own, own + row, own + 2 * row);
        }
}

static void train(bulk *b)
{
    kad_loss_stats stats;
    kad_loss_gradient(&b->ctx, b->plan, b->model->action, KAD_LOSS_REVERSE, NULL,
                      b->theta, 1, 0, b->gradient, &stats);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Medians, the two taken in turn so that both see the same machine. */
static void time_both(bulk *b, double out[2])
{
    double seconds[2][REPEATS];
    for (int k = -1; k < REPEATS; k++)
        for (int i = 0; i < 2; i++) {
            const double start = kad_wall_seconds();
            if (i == 0)
                leapfrog(b);
            else
                train(b);
            if (k >= 0) seconds[i][k] = kad_wall_seconds() - start;
        }
    for (int i = 0; i < 2; i++) {
        qsort(seconds[i], REPEATS, sizeof **seconds, ascending);
        out[i] = seconds[i][REPEATS / 2];
    }
}

static void run_latent_hmc(int n_threads, FILE *json)
{
    static const char *const overrides[] = {CRITICAL, "lattice.shape=[16, 16]",
                                            "flow.recipe=neuralrg", NULL};
    bulk b = {0};
    double seconds[2];
    kad_ctx_init(&b.ctx, n_threads);
    must(&b.ctx, test_model(&b.ctx, overrides, &b.model));
    const kad_flow *flow = b.model->flow;
    b.theta = test_theta(flow, 1, 0.05);
    must(&b.ctx, kad_map_create(&b.ctx, flow, b.theta, b.model->mixture, &b.map));
    must(&b.ctx,
         kad_loss_create(&b.ctx, flow, b.model->action, KAD_SINGLE, BATCH, &b.plan));
    b.target = kad_latent_hmc_target_of(b.model->action, b.map, KAD_SINGLE);
    b.tile = b.target.n_rows * KAD_W_SINGLE;
    b.work_bytes = 2 * b.target.n_rows * KAD_ROW_BYTES +
                   (b.target.scratch_bytes + 127) / KAD_ALIGN * KAD_ALIGN;
    must(&b.ctx, kad_new(&b.ctx, (size_t)b.ctx.n_threads, b.work_bytes, &b.work));
    must(&b.ctx, kad_new(&b.ctx, flow->n_theta, sizeof(double), &b.gradient));
    must(&b.ctx, kad_new(&b.ctx, BATCH / KAD_W_SINGLE, b.tile * sizeof(double), &b.q));
    must(&b.ctx, kad_new(&b.ctx, BATCH / KAD_W_SINGLE, b.tile * sizeof(double), &b.p));
    for (size_t i = 0; i < BATCH / KAD_W_SINGLE * b.tile; i++) {
        double pair[2];
        kad_rng_normal2(kad_rng_stream(1, KAD_RNG_TEST, 0), 0, i, 0, pair);
        b.q[i] = pair[0];
        b.p[i] = pair[1];
    }
    time_both(&b, seconds);
    printf(
        "neuralrg ising 16x16, 512 chains, %d threads: leapfrog %.2f ms, training step "
        "%.2f ms, ratio %.3f (at most 0.85)\n",
        b.ctx.n_threads, 1e3 * seconds[0], 1e3 * seconds[1], seconds[0] / seconds[1]);
    if (json)
        fprintf(
            json,
            "{\"case\": \"neuralrg ising 16x16\", \"what\": \"leapfrog\", \"threads\": "
            "%d, \"median_ms\": %.6g, \"train_ms\": %.6g, \"ratio\": %.4g}\n",
            b.ctx.n_threads, 1e3 * seconds[0], 1e3 * seconds[1], seconds[0] / seconds[1]);
    kad_free(b.q);
    kad_free(b.p);
    kad_free(b.gradient);
    kad_free(b.work);
    kad_free(b.theta);
    kad_loss_destroy(b.plan);
    kad_map_destroy(b.map);
    kad_model_destroy(b.model);
}

static void usage(void)
{
    fputs("usage: local [--threads N] [--filter TEXT] [--json FILE]\n", stderr);
    exit(KAD_EUSAGE);
}

int main(int argc, char **argv)
{
    const char *filter = NULL;
    FILE *json = NULL;
    int64_t n_threads = 0;
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc) usage();
        if (strcmp(argv[i], "--threads") == 0) {
            if (!kad_parse_int(argv[i + 1], &n_threads) || n_threads < 1 ||
                n_threads > 1024)
                usage();
        } else if (strcmp(argv[i], "--filter") == 0) {
            filter = argv[i + 1];
        } else if (strcmp(argv[i], "--json") == 0) {
            json = fopen(argv[i + 1], "w");
            if (!json) {
                perror(argv[i + 1]);
                return KAD_ECREATE;
            }
        } else {
            usage();
        }
    }
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++)
        if (!filter || strstr(subjects[i].name, filter)) run(&subjects[i], json);
    if (!filter || strstr("latent-hmc", filter)) run_latent_hmc((int)n_threads, json);
    if (json && fclose(json) != 0) {
        perror("local: json");
        return KAD_EIO;
    }
    return 0;
}
