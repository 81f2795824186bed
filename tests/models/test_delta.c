/* Changes of actions (models/delta.h) against whole values. */
#include "models/delta.h"
#include "tests/support/claim.h"
#include "tests/support/models_util.h"

#include <unistd.h>

enum { W = KAD_W_DOUBLE };

typedef struct delta_case {
    const char *yaml;
    int d, shape[3];
    bool decimate;
} delta_case;

#define PHI4 "action: {name: phi4, form: albergo, m2: -4, lambda: 6.975"
#define DUAL "action: {name: on-dual, beta: 0.44"
static const delta_case cases[] = {
    {PHI4 "}", 1, {6}, false},
    {PHI4 "}", 2, {2, 4}, false},
    {PHI4 "}", 2, {4, 6}, true},
    {PHI4 "}", 2, {2, 2}, true},
    {PHI4 ", components: 2}", 2, {4, 4}, false},
    {PHI4 ", components: 2}", 2, {4, 2}, true},
    {PHI4 ", components: 3}", 3, {2, 4, 2}, false},
    {PHI4 ", components: 3}", 3, {2, 2, 4}, true},
    {PHI4 ", field: 0.7}", 2, {4, 4}, false},
    {PHI4 ", field: -0.7, components: 2}", 2, {4, 4}, true},
    {DUAL "}", 2, {4, 6}, false},
    {DUAL ", field: 0.6}", 2, {4, 4}, false},
    {DUAL ", field: 0.6, components: 2, representation: field}", 2, {4, 4}, false},
    {DUAL ", representation: field}", 2, {6, 4}, false},
    {DUAL ", components: 2}", 3, {2, 4, 3}, false},
    {DUAL ", components: 2, representation: field}", 1, {12}, false},
    {DUAL ", components: 3}", 2, {12, 12}, false},
    {DUAL ", components: 3, representation: field}", 2, {3, 4}, false},
};

typedef struct bench {
    fixture f;
    tile t;
    const kad_action_delta *delta;
    void *shared, *state;
    double *old;
    int *sites;
    uint8_t *changed;
} bench;

static void bench_make(bench *b, const char *yaml, int d, const int *shape, bool decimate)
{
    memset(b, 0, sizeof *b);
    fixture_make(&b->f, yaml, d, shape, decimate);
    const kad_action *action = b->f.action;
    b->delta = action->ops->delta;
    assert_non_null(b->delta);
    tile_make(&b->t, &b->f, KAD_DOUBLE);
    tile_fill(&b->t, 1, 1);
    if (b->delta->shared_bytes) {
        b->shared = kad_alloc(1, b->delta->shared_bytes(action));
        b->delta->prepare(action, b->shared);
    }
    if (b->delta->state_bytes) b->state = kad_alloc(1, b->delta->state_bytes(action));
    if (b->delta->begin) b->delta->begin(action, b->shared, b->t.y, b->state);
    b->old = kad_alloc(b->f.n_rows, KAD_ROW_BYTES);
    b->sites = kad_alloc((size_t)b->f.lattice->n_sites, sizeof(int));
    b->changed = kad_alloc((size_t)b->f.lattice->n_sites, 1);
}

static void bench_clear(bench *b)
{
    tile_clear(&b->t);
    kad_free(b->shared);
    kad_free(b->state);
    kad_free(b->old);
    kad_free(b->sites);
    kad_free(b->changed);
    fixture_clear(&b->f);
}

/* Each site with probability p; at least one. */
static int choose(bench *b, double p, uint64_t step)
{
    const kad_action *action = b->f.action;
    const int N = b->f.lattice->n_sites;
    const kad_rng rng = kad_rng_stream(2, KAD_RNG_TEST, 0);
    int n = 0;
    for (uint32_t round = 0; n == 0; round++)
        for (int site = 0; site < N; site++) {
            b->changed[site] = 0;
            if (action->active && !action->active[site]) continue;
            if (kad_rng_uniform(rng, step, round, (uint32_t)site) > p) continue;
            b->changed[site] = 1;
            b->sites[n++] = site;
        }
    return n;
}

/* Change some sites, compare, keep some lanes. Rows of unchanged sites in `old` hold
 * nonsense: they must not be read. */
static void change_once(bench *b, const char *label, uint64_t step)
{
    const kad_action *action = b->f.action;
    const size_t n_comp = (size_t)action->n_comp, size = n_comp * W;
    const int n = choose(b, step % 2 ? 0.7 : 0.15, step);
    double dS[W], before[W], *y = b->t.y;
    uint8_t keep[W];
    tile_value(&b->t);
    memcpy(before, b->t.S, sizeof before);
    memset(b->old, 0xff, b->f.n_rows * KAD_ROW_BYTES); /* NaN */
    for (int i = 0; i < n; i++) {
        const size_t at = (size_t)b->sites[i] * size;
        memcpy(b->old + at, y + at, size * sizeof *y);
        for (size_t k = 0; k < size; k++)
            y[at + k] += 0.7 * random_normal(10 + step, at + k, 0);
    }
    const kad_change change = {n, b->sites, b->changed, b->old, y};
    b->delta->change(action, b->shared, &change, dS, b->state);
    tile_value(&b->t);
    for (int l = 0; l < W; l++) {
        const double exact = b->t.S[l] - before[l];
        if (!(fabs(dS[l] - exact) < 1e-11 * (1 + fabs(b->t.S[l]) + fabs(before[l]))))
            fail_msg("%s: step %d lane %d: %.15g, expected %.15g", label, (int)step, l,
                     dS[l], exact);
        keep[l] = (uint8_t)((step + (uint64_t)l) % 3 != 0);
    }
    if (b->delta->settle) b->delta->settle(action, keep, b->state);
    for (int i = 0; i < n; i++)
        for (size_t k = 0; k < size; k++) {
            const size_t at = (size_t)b->sites[i] * size + k;
            if (!keep[k % W]) y[at] = b->old[at];
        }
}

static void changes_are_exact(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bench b;
        bench_make(&b, cases[i].yaml, cases[i].d, cases[i].shape, cases[i].decimate);
        for (uint64_t step = 0; step < 40; step++)
            change_once(&b, cases[i].yaml, step);
        bench_clear(&b);
    }
}

/* Couplings of a file: no Fourier space. */
static void given_couplings(void **state)
{
    (void)state;
    static const int shape[] = {6, 6};
    char path[] = "/tmp/kad-couplings-XXXXXX", yaml[200];
    const int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    for (int i = 0; i < 36; i++)
        for (int j = 0; j < i; j++)
            if ((i * j) % 5 == 1)
                fprintf(file, "%d %d %g\n", i, j,
                        random_normal(3, (uint64_t)i, (uint32_t)j));
    assert_int_equal(fclose(file), 0);
    for (int field = 0; field < 2; field++) {
        bench b;
        snprintf(yaml, sizeof yaml, DUAL ", couplings: %s, representation: %s}", path,
                 field ? "field" : "whitened");
        bench_make(&b, yaml, 2, shape, false);
        for (uint64_t step = 0; step < 40; step++)
            change_once(&b, yaml, step);
        bench_clear(&b);
    }
    assert_int_equal(remove(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("delta: changes are differences of values", changes_are_exact),
        CLAIM("delta: also with couplings from a file", given_couplings),
    };
    return cmocka_run_group_tests_name("delta", tests, NULL, NULL);
}
