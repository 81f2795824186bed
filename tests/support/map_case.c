#include "tests/support/map_case.h"

#include "base/memory.h"
#include "tests/support/claim.h"
#include "tests/support/model_case.h"
#include "tests/support/scratch.h"
#include "tests/support/train_case.h"
#include "train/params.h"

static const char *const one_step[] = {"train.steps=1",
                                       "train.batch=1",
                                       "train.ladder=false",
                                       "train.optimiser=adam",
                                       "train.eval_samples=16",
                                       "train.eval_final=16",
                                       NULL};

static void print_overrides(const char *const *overrides)
{
    for (int i = 0; overrides[i]; i++)
        print_message("# %s\n", overrides[i]);
}

/* ln q of the first draws of the one map, by both. */
static void expect_same_densities(kad_ctx *ctx, const kad_model *a, const double *theta_a,
                                  const kad_model *b, const double *theta_b)
{
    enum { N = 8 };
    const kad_model *model[2] = {a, b};
    const double *theta[2] = {theta_a, theta_b};
    double *y = kad_alloc(N * (size_t)a->flow->n_rows, 8), drawn[N], lnq[2][N];
    for (int i = 0; i < 2; i++) {
        kad_map *map;
        assert_int_equal(
            kad_map_create(ctx, model[i]->flow, theta[i], model[i]->mixture, &map),
            KAD_OK);
        if (i == 0)
            assert_int_equal(kad_map_draw(ctx, map, 5, KAD_RNG_TEST, 0, N, KAD_DOUBLE,
                                          false, y, drawn, NULL),
                             KAD_OK);
        assert_int_equal(kad_map_lnq(ctx, map, N, KAD_DOUBLE, y, lnq[i], NULL), KAD_OK);
        kad_map_destroy(map);
    }
    assert_memory_equal(lnq[0], lnq[1], sizeof lnq[0]);
    kad_free(y);
}

static void check_results(kad_ctx *ctx, const kad_run *run, const kad_config *config,
                          const train_case_result *trained)
{
    kad_h5 *file = NULL;
    kad_model *model = NULL;
    assert_int_equal(test_model_of(ctx, config, &model), KAD_OK);
    const size_t n = model->flow->n_theta;
    double *theta = kad_alloc(n, sizeof *theta);
    assert_int_equal(kad_results_open(ctx, run, &file), KAD_OK);
    if (kad_params_read(ctx, file, model->flow, model->action, theta) != KAD_OK)
        fail_msg("%s", ctx->message);
    kad_h5_close(file);
    assert_int_equal(n, trained->model->flow->n_theta);
    assert_memory_equal(theta, trained->theta, n * sizeof *theta);
    expect_same_densities(ctx, trained->model, trained->theta, model, theta);
    kad_free(theta);
    kad_model_destroy(model);
}

void map_case_check(const char *const *overrides)
{
    kad_ctx ctx;
    kad_run *run = NULL;
    scratch folder;
    train_case_result first, again;
    kad_ctx_init(&ctx, 1);
    scratch_make(&folder);
    kad_config *config = train_case_config(&ctx, overrides, one_step);
    assert_int_equal(kad_run_open(&ctx, folder.path, KAD_RUN_WRITE, &run), KAD_OK);
    train_case_run(&ctx, run, config, &first);
    check_results(&ctx, run, config, &first);
    unlink(scratch_file(&folder, "run.h5"));
    train_case_run(&ctx, run, config, &again); /* from the checkpoint */
    assert_true(again.steps == 1);
    train_case_same(&first, &again);
    check_results(&ctx, run, config, &again);
    train_case_clear(&first);
    train_case_clear(&again);
    kad_config_destroy(config);
    kad_run_close(run);
    scratch_remove(&folder);
}

/* ---- random configurations ---- */

enum { MAX_KEYS = 30, KEY_CHARS = 96 };

typedef struct draw {
    kad_rng rng;
    uint64_t next;
    int n;
    char text[MAX_KEYS][KEY_CHARS];
    const char *overrides[MAX_KEYS + 1];
} draw;

static int below(draw *d, int n)
{
    return (int)(kad_rng_uniform(d->rng, 0, d->next++, 0) * n);
}

static void add(draw *d, const char *key, const char *value)
{
    assert_true(snprintf(d->text[d->n], KEY_CHARS, "%s=%s", key, value) < KEY_CHARS);
    d->overrides[d->n] = d->text[d->n];
    d->overrides[++d->n] = NULL;
}

/* One of "a|b|c". */
static void add_choice(draw *d, const char *key, const char *choices)
{
    char value[KEY_CHARS];
    int n = 1;
    for (const char *p = choices; *p; p++)
        n += *p == '|';
    for (int k = below(d, n); k > 0; k--)
        choices = strchr(choices, '|') + 1;
    snprintf(value, sizeof value, "%.*s", (int)strcspn(choices, "|"), choices);
    add(d, key, value);
}

/* An end of the range, or a small number of it. */
static int integer(draw *d, const kad_key *key)
{
    const int which = below(d, 4);
    if (which == 0) return (int)key->hi;
    return which == 1 ? (int)key->lo : (int)fmin(key->lo + below(d, 12), key->hi);
}

static void add_key(draw *d, const kad_key *key)
{
    char value[KEY_CHARS] = "", choices[KAD_CHOICES_CHARS];
    switch (key->type) {
    case KAD_ENUM:
        kad_key_choices(key, "|", sizeof choices, choices);
        add_choice(d, key->key, choices);
        return;
    case KAD_BOOL:
        add_choice(d, key->key, "true|false");
        return;
    case KAD_INT:
        snprintf(value, sizeof value, "%d", integer(d, key));
        break;
    case KAD_REAL: /* the ends' logarithms, about 1 */
        snprintf(value, sizeof value, "%g", pow(2.0, below(d, 7) - 3));
        break;
    case KAD_INTS:
        snprintf(value, sizeof value, "[%d, %d]", integer(d, key), integer(d, key));
        break;
    default: /* passes */
        for (int n = 1 + below(d, 6), i = 0; i < n; i++)
            value[i] = "eoabc"[below(d, 5)];
    }
    add(d, key->key, value);
}

static void draw_case(draw *d)
{
    add_choice(d, "lattice.shape",
               "[2]|[3]|[8]|[11]|[12]|[3, 5]|[4, 6]|[6, 6]|[8, 8]|[7, 2]|[2, 2, 2]|"
               "[3, 4, 5]|[4, 4, 2]|[5, 3, 3]");
    add(d, "action.name", below(d, 2) ? "phi4" : "on-dual");
    if (strcmp(d->text[1], "action.name=on-dual") == 0) add(d, "action.beta", "0.4");
    add_choice(d, "action.components", "1|2|3");
    add_key(d, &kad_flow_keys[0]); /* the recipe; most other keys are its choice */
    for (size_t k = 1; k < kad_flow_n_keys && d->n < MAX_KEYS; k++)
        if (below(d, 3) == 0) add_key(d, &kad_flow_keys[k]);
}

int map_case_fuzz(uint64_t seed, int n_cases, size_t max_theta)
{
    int n_checked = 0;
    for (int i = 0; i < n_cases; i++) {
        kad_ctx ctx;
        kad_model *model = NULL;
        draw d = {.rng = kad_rng_stream(seed, KAD_RNG_TEST, (uint32_t)i)};
        kad_ctx_init(&ctx, 1);
        draw_case(&d);
        const kad_status status = test_model(&ctx, d.overrides, &model);
        if (status != KAD_OK && status != KAD_ECONFIG) {
            print_overrides(d.overrides);
            fail_msg("case %d: %s", i, ctx.message);
        }
        const bool wanted = status == KAD_OK && model->flow->n_theta <= max_theta;
        kad_model_destroy(model);
        if (!wanted) continue;
        map_case_check(d.overrides);
        n_checked++;
    }
    return n_checked;
}
