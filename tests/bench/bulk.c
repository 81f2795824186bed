/* Benchmark of bulk Metropolis: one sweep over all latents of a tile of chains, on one
 * thread, beside what it would take to generate and evaluate the whole field at every
 * move. Each sweep is verified before it counts: the field is then what a generation from
 * its latents gives, to the bit.
 *
 *   bulk [--most L] [--filter TEXT] [--json FILE]            */
#include "sample/bulk_moves.h"

#include "tests/support/model_case.h"

#include "base/memory.h"
#include "base/signals.h"
#include "io/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { W = KAD_W_DOUBLE, MAX_KEYS = 8, MAX_LEVELS = 16 };

typedef struct subject {
    const char *name, *overrides[MAX_KEYS];
} subject;

#define DUAL "action.name=on-dual", "action.temperature=2.269185314213022"
#define PHI4 \
    "action.name=phi4", "action.form=albergo", "action.m2=-4", "action.lambda=4.95"

static const subject subjects[] = {
    {"phi4, decimator", {PHI4, "flow.recipe=neuralrg", "flow.hierarchy=decimator"}},
    {"phi4, neuralrg", {PHI4, "flow.recipe=neuralrg"}},
    {"phi4, stencil", {PHI4, "flow.recipe=stencil", "flow.spectrum=none"}},
    {"ising, neuralrg", {DUAL, "flow.recipe=neuralrg"}},
    {"ising field, neuralrg",
     {DUAL, "flow.recipe=neuralrg", "action.representation=field"}},
};

typedef struct scene {
    kad_ctx ctx;
    kad_model *model;
    kad_map *map;
    kad_moves *bulk;
    kad_moves_tile *tile;
    double *z, *again;
} scene;

static void must(scene *c, kad_status status)
{
    if (status == KAD_OK) return;
    fprintf(stderr, "bulk: %s\n", c->ctx.message);
    exit(status);
}

static void open_scene(scene *c, const subject *s, int L)
{
    const char *overrides[MAX_KEYS + 2] = {0};
    char shape[64];
    int n = 0;
    memset(c, 0, sizeof *c);
    kad_ctx_init(&c->ctx, 1);
    snprintf(shape, sizeof shape, "lattice.shape=[%d, %d]", L, L);
    for (; s->overrides[n]; n++)
        overrides[n] = s->overrides[n];
    overrides[n] = shape;
    must(c, test_model(&c->ctx, overrides, &c->model));
    const kad_flow *flow = c->model->flow;
    double *theta = test_theta(flow, 42, 0.02);
    must(c, kad_map_create(&c->ctx, flow, theta, NULL, &c->map));
    kad_free(theta);
    must(c, kad_moves_create(&c->ctx, c->model->action, c->map, &c->bulk));
    must(c, kad_moves_tile_create(&c->ctx, c->bulk, &c->tile));
    must(c, kad_new(&c->ctx, (size_t)flow->n_rows, KAD_ROW_BYTES, &c->z));
    must(c, kad_new(&c->ctx, (size_t)flow->n_rows, KAD_ROW_BYTES, &c->again));
    kad_flow_prior_draw(flow, KAD_DOUBLE, kad_rng_stream(1, KAD_RNG_DRAW, 0), 0, 0, c->z);
    kad_moves_begin(c->tile, c->z);
}

static void close_scene(scene *c)
{
    kad_free(c->z);
    kad_free(c->again);
    kad_moves_tile_destroy(c->tile);
    kad_moves_destroy(c->bulk);
    kad_map_destroy(c->map);
    kad_model_destroy(c->model);
}

/* Seconds of one sweep. */
static double sweep(scene *c)
{
    double width[MAX_LEVELS], accepted[MAX_LEVELS * W] = {0};
    const kad_moves_turn turn = {.propose = kad_rng_stream(1, KAD_RNG_CHAIN, 1),
                                 .decide = kad_rng_stream(1, KAD_RNG_CHAIN, 2),
                                 .n_lanes = W};
    for (int level = 0; level < MAX_LEVELS; level++)
        width[level] = 1;
    const double start = kad_wall_seconds();
    (void)kad_moves_sweep(c->tile, &turn, width, INFINITY, accepted);
    const double seconds = kad_wall_seconds() - start;
    const size_t bytes = (size_t)c->model->flow->n_rows * KAD_ROW_BYTES;
    memcpy(c->again, kad_moves_field(c->tile), bytes);
    kad_moves_latents(c->tile, c->z);
    kad_moves_begin(c->tile, c->z);
    if (memcmp(c->again, kad_moves_field(c->tile), bytes) != 0) {
        fputs("bulk: the field is not what its latents generate\n", stderr);
        exit(KAD_EINTERNAL);
    }
    return seconds;
}

/* Seconds of one generation and action of the tile by the flow's own kernels: the best of
 * a few. */
static double whole(scene *c)
{
    const kad_flow *flow = c->model->flow;
    const kad_action *action = c->model->action;
    double best = INFINITY, ld[W] = {0}, S[W];
    void *scratch, *work;
    must(c, kad_new(&c->ctx, 1, flow->scratch_bytes[KAD_DOUBLE], &scratch));
    must(c, kad_new(&c->ctx, 1, action->scratch_bytes[KAD_DOUBLE], &work));
    for (int k = 0; k < 5; k++) {
        memcpy(c->again, c->z, (size_t)flow->n_rows * KAD_ROW_BYTES);
        const double start = kad_wall_seconds();
        kad_flow_generate(flow, KAD_DOUBLE, kad_map_packed(c->map, KAD_DOUBLE), c->again,
                          ld, scratch);
        action->ops->kern[KAD_DOUBLE]->value(action, c->again, S, work);
        best = fmin(best, kad_wall_seconds() - start);
    }
    kad_free(scratch);
    kad_free(work);
    return best;
}

static void run(const subject *s, int L, FILE *json)
{
    scene c;
    open_scene(&c, s, L);
    const double n = c.bulk->n_order, N = (double)L * L;
    const double generation = whole(&c), seconds = sweep(&c);
    const double evaluations = (double)c.bulk->n_evaluations;
    const double ratio = evaluations / (N * log2(N));
    printf("%-22s %3d  %10.0f evaluations a sweep  %6.1f N log2 N  %9.3f s (%2d chains)  "
           "%6.0f ns each  %6.2f times faster\n",
           s->name, L, evaluations, ratio, seconds, W, 1e9 * seconds / evaluations,
           n * generation / seconds);
    fflush(stdout);
    if (json)
        fprintf(json,
                "{\"case\": \"%s %dx%d\", \"what\": \"bulk sweep\", \"threads\": 1, "
                "\"evaluations\": %.0f, \"over_n_log2_n\": %.4g, \"median_ms\": %.6g, "
                "\"whole_ms\": %.6g}\n",
                s->name, L, L, evaluations, ratio, 1e3 * seconds, 1e3 * n * generation);
    close_scene(&c);
}

static void usage(void)
{
    fputs("usage: bulk [--most L] [--filter TEXT] [--json FILE]\n", stderr);
    exit(KAD_EUSAGE);
}

int main(int argc, char **argv)
{
    const char *filter = NULL;
    FILE *json = NULL;
    int64_t most = 32;
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc) usage();
        if (strcmp(argv[i], "--most") == 0) {
            if (!kad_parse_int(argv[i + 1], &most)) usage();
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
        for (int L = 8; L <= most && L <= 64; L *= 2)
            if (!filter || strstr(subjects[i].name, filter)) run(&subjects[i], L, json);
    if (json && fclose(json) != 0) {
        perror("bulk: json");
        return KAD_EIO;
    }
    return 0;
}
