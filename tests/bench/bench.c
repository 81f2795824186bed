/* Benchmarks: training step, direct sampling with ln q, latent force, for the network of
 * the NeuralRG paper and for the default recipe; kernels against their naive references.
 * Every kernel is verified before it is timed; times are medians of repeats, and
 * fractions are of the floor that the machine's own peaks, measured in the same run,
 * allow.
 *
 *   bench [--threads N] [--repeats N] [--filter TEXT] [--json FILE]            */
#include "naive.h"
#include "peak.h"
#include "work.h"

#include "tests/support/model_case.h"

#include "base/memory.h"
#include "base/signals.h"
#include "base/thread.h"
#include "flow/mixture.h"
#include "io/number.h"
#include "train/loss.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_REPEATS = 101, MAX_KEYS = 8 };

typedef struct bench {
    kad_ctx ctx;
    int repeats;
    const char *filter;
    FILE *json;
} bench;

typedef struct subject {
    const char *name;
    int batch;
    kad_loss_kind loss;
    const char *overrides[MAX_KEYS];
} subject;

#define DUAL "action.name=on-dual", "action.temperature=2.269185314213022"

static const subject subjects[] = {
    {"neuralrg ising 8x8",
     512,
     KAD_LOSS_REVERSE,
     {DUAL, "lattice.shape=[8, 8]", "flow.recipe=neuralrg"}},
    {"neuralrg ising 16x16",
     512,
     KAD_LOSS_REVERSE,
     {DUAL, "lattice.shape=[16, 16]", "flow.recipe=neuralrg"}},
    {"neuralrg ising 32x32",
     512,
     KAD_LOSS_REVERSE,
     {DUAL, "lattice.shape=[32, 32]", "flow.recipe=neuralrg"}},
    {"neuralrg ising 64x64",
     512,
     KAD_LOSS_REVERSE,
     {DUAL, "lattice.shape=[64, 64]", "flow.recipe=neuralrg"}},
    {"default ising 8x8", 128, KAD_LOSS_PATH, {DUAL, "lattice.shape=[8, 8]"}},
    {"default ising 16x16", 128, KAD_LOSS_PATH, {DUAL, "lattice.shape=[16, 16]"}},
    {"default ising 32x32", 128, KAD_LOSS_PATH, {DUAL, "lattice.shape=[32, 32]"}},
    {"default phi4 16x16",
     128,
     KAD_LOSS_PATH,
     {"action.name=phi4", "action.form=albergo", "action.m2=-4", "action.lambda=4.95",
      "lattice.shape=[16, 16]"}},
};

typedef struct scene {
    bench *b;
    const subject *s;
    kad_model *model;
    kad_loss_plan *plan;
    kad_map *map;
    double *theta, *gradient, *y, *lnq;
    void *packed, **x, **g, **scratch; /* per thread, for the force */
    uint64_t step;
} scene;

/* Seconds of one call; floor and part (of the floor) are medians too. */
typedef struct timing {
    double median, least, floor, part;
} timing;

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_of(double *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, by_value);
    return v[n / 2];
}

/* Seconds that the work would take at the machine's peaks. */
static double floor_of(kad_peak peak, kad_work w)
{
    return w.fma / peak.fma_per_s + w.exps / peak.exp_per_s + w.roots / peak.root_per_s;
}

/* Time a call, the peaks measured again before each repeat: the clock of a machine that is
 * shared or warm moves both alike. */
static timing timed(scene *c, void (*call)(scene *), kad_work work)
{
    double seconds[MAX_REPEATS], floor[MAX_REPEATS], part[MAX_REPEATS];
    const int n = c->b->repeats;
    call(c);
    for (int k = 0; k < n; k++) {
        floor[k] = floor_of(kad_peak_measure(c->b->ctx.n_threads), work);
        const double start = kad_wall_seconds();
        call(c);
        seconds[k] = kad_wall_seconds() - start;
        part[k] = floor[k] / seconds[k];
    }
    timing t = {.part = median_of(part, n), .floor = median_of(floor, n)};
    t.median = median_of(seconds, n);
    t.least = seconds[0];
    return t;
}

static void report(const bench *b, const char *name, const char *what, timing t,
                   double samples)
{
    const double median = t.median, least = t.least, floor = t.floor;
    printf("%-22s %-10s %9.3f ms  (least %9.3f)  %9.0f samples/s", name, what,
           1e3 * median, 1e3 * least, samples / median);
    if (floor > 0) printf("  floor %8.3f ms  %5.1f %%", 1e3 * floor, 100 * t.part);
    putchar('\n');
    fflush(stdout);
    if (b->json)
        fprintf(
            b->json,
            "{\"case\": \"%s\", \"what\": \"%s\", \"threads\": %d, \"median_ms\": %.6g, "
            "\"least_ms\": %.6g, \"floor_ms\": %.6g, \"of_floor\": %.4g, "
            "\"samples_per_s\": %.6g}\n",
            name, what, b->ctx.n_threads, 1e3 * median, 1e3 * least, 1e3 * floor, t.part,
            samples / median);
}

static void train_step(scene *c)
{
    kad_loss_stats stats;
    kad_loss_gradient(&c->b->ctx, c->plan, c->model->action, c->s->loss, NULL, c->theta,
                      1, c->step++, c->gradient, &stats);
}

static void draw(scene *c)
{
    if (kad_map_draw(&c->b->ctx, c->map, 1, KAD_RNG_DRAW, 0, (size_t)c->s->batch,
                     KAD_SINGLE, false, c->y, c->lnq, NULL) != KAD_OK)
        exit(70);
}

/* grad_z of S(x(z)) - ln|det dx/dz|, no weight gradients. */
static void force(scene *c)
{
    const kad_flow *flow = c->model->flow;
    const kad_action *action = c->model->action;
    const int n_tiles = (c->s->batch + KAD_W_SINGLE - 1) / KAD_W_SINGLE,
              n_threads = c->b->ctx.n_threads;
    const kad_rng rng = kad_rng_stream(1, KAD_RNG_TEST, 0);
#pragma omp parallel for num_threads(n_threads) schedule(static)
    for (int t = 0; t < n_tiles; t++) {
        const int k = kad_thread_index();
        double ld[KAD_W_MAX] = {0}, S[KAD_W_MAX];
        kad_flow_prior_draw(flow, KAD_SINGLE, rng, 0, (uint64_t)t * KAD_W_SINGLE,
                            c->x[k]);
        kad_flow_generate(flow, KAD_SINGLE, c->packed, c->x[k], ld, c->scratch[k]);
        action->ops->kern[KAD_SINGLE]->gradient(action, c->x[k], c->g[k], S,
                                                c->scratch[k]);
        kad_flow_generate_adjoint(flow, KAD_SINGLE, c->packed, c->x[k], c->g[k], -1.0,
                                  NULL, NULL, c->scratch[k]);
    }
}

static void fail(bench *b, kad_status status)
{
    fprintf(stderr, "bench: %s\n", b->ctx.message);
    exit(status);
}

static void open_scene(bench *b, const subject *s, scene *c)
{
    kad_status status = test_model(&b->ctx, s->overrides, &c->model);
    if (status != KAD_OK) fail(b, status);
    const kad_flow *flow = c->model->flow;
    const size_t rows = (size_t)flow->n_rows, n = (size_t)s->batch;
    size_t scratch = flow->scratch_bytes[KAD_SINGLE];
    if (c->model->action->scratch_bytes[KAD_SINGLE] > scratch)
        scratch = c->model->action->scratch_bytes[KAD_SINGLE];
    c->b = b;
    c->s = s;
    c->theta = test_theta(flow, 1, 0.05);
    c->gradient = kad_alloc(flow->n_theta, sizeof(double));
    c->y = kad_alloc(n * rows, sizeof(double));
    c->lnq = kad_alloc(n, sizeof(double));
    c->packed = kad_alloc(flow->packed_bytes[KAD_SINGLE], 1);
    kad_flow_pack(flow, KAD_SINGLE, c->theta, c->packed);
    c->x = kad_alloc((size_t)b->ctx.n_threads, sizeof *c->x);
    c->g = kad_alloc((size_t)b->ctx.n_threads, sizeof *c->g);
    c->scratch = kad_alloc((size_t)b->ctx.n_threads, sizeof *c->scratch);
    for (int k = 0; k < b->ctx.n_threads; k++) {
        c->x[k] = kad_alloc(rows, KAD_ROW_BYTES);
        c->g[k] = kad_alloc(rows, KAD_ROW_BYTES);
        c->scratch[k] = kad_alloc(scratch, 1);
    }
    status =
        kad_loss_create(&b->ctx, flow, c->model->action, KAD_SINGLE, s->batch, &c->plan);
    if (status == KAD_OK)
        status = kad_map_create(&b->ctx, flow, c->theta, c->model->mixture, &c->map);
    if (status != KAD_OK) fail(b, status);
}

static void close_scene(scene *c)
{
    for (int k = 0; k < c->b->ctx.n_threads; k++) {
        kad_free(c->x[k]);
        kad_free(c->g[k]);
        kad_free(c->scratch[k]);
    }
    kad_free(c->x);
    kad_free(c->g);
    kad_free(c->scratch);
    kad_free(c->packed);
    kad_free(c->theta);
    kad_free(c->gradient);
    kad_free(c->y);
    kad_free(c->lnq);
    kad_loss_destroy(c->plan);
    kad_map_destroy(c->map);
    kad_model_destroy(c->model);
}

static kad_work sum_of(kad_work a, kad_work b, double samples)
{
    return kad_work_add((kad_work){0}, samples, kad_work_add(a, 1, b));
}

static void run_subject(bench *b, const subject *s)
{
    scene c = {0};
    open_scene(b, s, &c);
    const kad_flow *flow = c.model->flow;
    const double n = s->batch;
    const kad_work once = kad_work_generate(flow);
    const kad_work back = kad_work_adjoint(flow, 1), light = kad_work_adjoint(flow, 0);
    /* the path gradient generates by an adjoint without weights */
    const kad_work first = s->loss == KAD_LOSS_PATH ? kad_work_score(flow) : once;
    /* ln q of a mixture needs the other terms */
    const kad_work others =
        kad_work_add((kad_work){0}, kad_mixture_terms(c.model->mixture) - 1, once);
    report(b, s->name, "train", timed(&c, train_step, sum_of(first, back, n)), n);
    report(b, s->name, "sample", timed(&c, draw, sum_of(once, others, n)), n);
    report(b, s->name, "force", timed(&c, force, sum_of(once, light, n)), n);
    close_scene(&c);
}

static bool wanted(const bench *b, const char *name)
{
    return !b->filter || strstr(name, b->filter);
}

static void usage(void)
{
    fputs("usage: bench [--threads N] [--repeats N] [--filter TEXT] [--json FILE]\n",
          stderr);
    exit(KAD_EUSAGE);
}

static long number(const char *text, long most)
{
    int64_t n = 0;
    if (!kad_parse_int(text, &n) || n < 1 || n > most) usage();
    return (long)n;
}

int main(int argc, char **argv)
{
    bench b = {.repeats = 11};
    int n_threads = 0;
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc) usage();
        if (strcmp(argv[i], "--threads") == 0)
            n_threads = (int)number(argv[i + 1], 1024);
        else if (strcmp(argv[i], "--repeats") == 0)
            b.repeats = (int)number(argv[i + 1], MAX_REPEATS);
        else if (strcmp(argv[i], "--filter") == 0)
            b.filter = argv[i + 1];
        else if (strcmp(argv[i], "--json") == 0) {
            b.json = fopen(argv[i + 1], "w");
            if (!b.json) {
                perror(argv[i + 1]);
                return KAD_ECREATE;
            }
        } else
            usage();
    }
    kad_ctx_init(&b.ctx, n_threads);
    const kad_peak peak = kad_peak_measure(b.ctx.n_threads);
    printf("%d threads: peak %.0f GFLOP/s in float multiply-adds, %.1f G vector exp/s, "
           "%.1f G reciprocal roots/s\n",
           b.ctx.n_threads, 2e-9 * peak.fma_per_s, 1e-9 * peak.exp_per_s,
           1e-9 * peak.root_per_s);
    if (wanted(&b, "naive") && kad_naive_compare(b.repeats, b.json) != 0)
        return KAD_EINTERNAL;
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++)
        if (wanted(&b, subjects[i].name)) run_subject(&b, &subjects[i]);
    if (b.json && fclose(b.json) != 0) {
        perror("bench: json");
        return KAD_EIO;
    }
    return 0;
}
