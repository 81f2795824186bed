/* Boundary configurations, and the pipeline on a target that is known exactly: a frozen
 * flow, S = -ln q. */
#include "sample/fields.h"
#include "sample/sampler.h"
#include "tests/support/sample_util.h"

static const char phi4[] = "lattice: {shape: [4, 6]}\n"
                           "action: {name: phi4, components: 2, form: hopping, kappa: "
                           "0.3, lambda: 1}\n";

static void fill(const kad_model *model, size_t n, double *y)
{
    const size_t n_rows = (size_t)model->flow->n_rows;
    for (size_t i = 0; i < n * n_rows; i++) {
        double pair[2];
        kad_rng_normal2(kad_rng_stream(1, KAD_RNG_TEST, 2), 0, i, 0, pair);
        y[i] = 0.7 * pair[0];
    }
}

/* Draws of the inactive sites depend on the sample's number only. */
static void completion_is_keyed(void **state)
{
    (void)state;
    enum { N = 45 };
    scene s;
    scene_make(&s, phi4, 0);
    assert_true(s.model->decimated);
    const size_t n_rows = (size_t)s.model->flow->n_rows;
    double *a = kad_alloc(N * n_rows, sizeof *a), *b = kad_alloc(N * n_rows, sizeof *b);
    double pa[N], pb[N];
    fill(s.model, N, a);
    memcpy(b, a, N * n_rows * sizeof *a);
    s.ctx.n_threads = 1;
    assert_ok(&s, kad_fields_complete(&s.ctx, s.model->action, 9, 1000, N, a, pa));
    s.ctx.n_threads = 2;
    assert_ok(&s, kad_fields_complete(&s.ctx, s.model->action, 9, 1000, 13, b, pb));
    assert_ok(&s, kad_fields_complete(&s.ctx, s.model->action, 9, 1013, N - 13,
                                      b + 13 * n_rows, pb + 13));
    assert_memory_equal(a, b, N * n_rows * sizeof *a);
    assert_memory_equal(pa, pb, sizeof pa);
    kad_free(a);
    kad_free(b);
    scene_clear(&s);
}

/* S of the whole field equals S_eff - ln p(inactive | active), the full action being
 * evaluated without decimation. */
static void actions_agree(void **state)
{
    (void)state;
    enum { N = 20 };
    scene s;
    kad_action *full;
    double lnp[N], S[N], S_eff[N];
    scene_make(&s, phi4, 0);
    const size_t n_rows = (size_t)s.model->flow->n_rows;
    double *y = kad_alloc(N * n_rows, sizeof *y);
    fill(s.model, N, y);
    kad_action_options options;
    assert_ok(&s, kad_action_options_read(&s.ctx, s.config, &options));
    assert_ok(&s, kad_action_create(&s.ctx, &options, s.model->lattice, false, &full));
    kad_action_options_clear(&options);
    assert_ok(&s, kad_action_values(&s.ctx, s.model->action, N, y, S_eff));
    assert_ok(&s, kad_fields_complete(&s.ctx, s.model->action, 9, 0, N, y, lnp));
    assert_ok(&s, kad_action_values(&s.ctx, full, N, y, S));
    const double constant = s.model->action->log_z_offset - full->log_z_offset;
    for (int i = 0; i < N; i++)
        assert_true(fabs(S_eff[i] - lnp[i] - constant - S[i]) < 1e-8);
    kad_action_destroy(full);
    kad_free(y);
    scene_clear(&s);
}

static void shifts_move_sites(void **state)
{
    (void)state;
    scene s;
    scene_make(&s, phi4, 0);
    const kad_lattice *lattice = s.model->lattice;
    double in[48], out[48];
    int seen[4][6] = {{0}}, shift[KAD_MAX_DIM];
    for (int i = 0; i < 48; i++)
        in[i] = i;
    for (uint64_t number = 0; number < 2400; number++) {
        kad_fields_shift_of(lattice, 5, number, shift);
        assert_true(shift[0] >= 0 && shift[0] < 4 && shift[1] >= 0 && shift[1] < 6);
        seen[shift[0]][shift[1]]++;
        kad_fields_shift(lattice, 2, shift, in, out);
        /* site (1, 2) arrives at (1, 2) + shift */
        const int to = (1 + shift[0]) % 4 * 6 + (2 + shift[1]) % 6;
        assert_true(out[2 * to] == in[16] && out[2 * to + 1] == in[17]);
    }
    /* 100 expected, sigma 9.8: six sigma */
    for (int a = 0; a < 4; a++)
        for (int b = 0; b < 6; b++)
            assert_true(abs(seen[a][b] - 100) < 59);
    scene_clear(&s);
}

/* --- the frozen flow as target ------------------------------------------------------- */

typedef struct frozen {
    kad_ctx ctx;
    const kad_map *map;
} frozen;

static void frozen_value(const kad_action *action, const void *y, double *S,
                         void *scratch)
{
    /* ln q lane by lane through the public interface: slow and independent */
    frozen *self = action->self;
    const size_t n_rows = (size_t)action->lattice->n_sites * (size_t)action->n_comp;
    double *one = scratch;
    for (int lane = 0; lane < KAD_W_DOUBLE; lane++) {
        for (size_t r = 0; r < n_rows; r++)
            one[r] = ((const double *)y)[r * KAD_W_DOUBLE + (size_t)lane];
        if (kad_map_lnq(&self->ctx, self->map, 1, KAD_DOUBLE, one, &S[lane], NULL) !=
            KAD_OK)
            S[lane] = NAN;
        S[lane] = -S[lane];
    }
}

/* Every weight is 1: all proposals are accepted and ln Z = 0, to the float-double
 * difference of nothing (both sides infer in double at the same y). */
static void frozen_flow_is_sampled_perfectly(void **state)
{
    (void)state;
    enum { DRAWS = 96 };
    static const char yaml[] = "lattice: {shape: [4, 4]}\n"
                               "action: {name: on-dual, temperature: 2.5}\n"
                               "flow: {recipe: wavelet}\n";
    scene s;
    kad_map *map;
    scene_make(&s, yaml, 0);
    double *theta = kad_alloc(s.model->flow->n_theta, sizeof *theta);
    kad_flow_init(s.model->flow, 3, theta);
    for (size_t i = 0; i < s.model->flow->n_theta; i++)
        theta[i] += 0.05 * sin(1.0 + (double)i);
    assert_ok(&s, kad_map_create(&s.ctx, s.model->flow, theta, s.model->mixture, &map));
    frozen target = {.map = map};
    kad_ctx_init(&target.ctx, 1);
    const kad_action_kern kern = {.value = frozen_value};
    const kad_action_ops ops = {.name = "frozen", .kern = {NULL, &kern}};
    const kad_action action = {.ops = &ops,
                               .lattice = s.model->lattice,
                               .n_comp = 1,
                               .flags = KAD_ACTION_SYMMETRIC,
                               .n_active = 16,
                               .scratch_bytes = {4096, 4096},
                               .self = &target};
    const kad_sampler_setup setup = {.action = &action,
                                     .map = map,
                                     .prec = KAD_SINGLE,
                                     .seed = 1,
                                     .n_chains = 1,
                                     .n_draws = DRAWS,
                                     .n_batch_max = DRAWS,
                                     .exact = true};
    kad_sampler *sampler;
    s.ctx.n_threads = 1;
    assert_ok(&s, kad_sampler_create(&s.ctx, "mis", &setup, &sampler));
    uint64_t number[DRAWS];
    double x[DRAWS * 16], S[DRAWS], log_w[DRAWS], dh[DRAWS];
    uint8_t accepted[DRAWS];
    kad_draws draws = {.n = DRAWS,
                       .number = number,
                       .x = x,
                       .action = S,
                       .log_weight = log_w,
                       .delta_h = dh,
                       .accepted = accepted};
    assert_ok(&s, sampler->ops->advance(&s.ctx, sampler->self, &draws));
    for (int i = 0; i < DRAWS; i++) {
        assert_true(fabs(log_w[i]) < 1e-10);
        assert_true(fabs(S[i]) > 1.0);
        assert_int_equal(accepted[i], 1);
    }
    kad_sampler_destroy(sampler);
    kad_map_destroy(map);
    kad_free(theta);
    scene_clear(&s);
}

/* Weights that are not finite are rejected and counted; too many stop the run. */
static int n_calls;
static void broken_value(const kad_action *action, const void *y, double *S,
                         void *scratch)
{
    (void)scratch;
    const int every = *(const int *)action->self;
    for (int lane = 0; lane < KAD_W_DOUBLE; lane++) {
        const double first = ((const double *)y)[lane];
        S[lane] = n_calls++ % every == 0 ? NAN : 0.5 * first * first;
    }
}

static kad_status broken_run(scene *s, const char *name, unsigned flags, int every,
                             size_t draws, double *log_w, uint8_t *accepted, double *x)
{
    kad_map *map;
    kad_sampler *sampler;
    double *theta = kad_alloc(s->model->flow->n_theta, sizeof *theta);
    kad_flow_init(s->model->flow, 3, theta);
    assert_ok(s, kad_map_create(&s->ctx, s->model->flow, theta, NULL, &map));
    const kad_action_kern kern = {.value = broken_value};
    const kad_action_ops ops = {.name = "broken", .kern = {NULL, &kern}};
    const kad_action action = {.ops = &ops,
                               .lattice = s->model->lattice,
                               .n_comp = 1,
                               .flags = flags,
                               .n_active = 16,
                               .scratch_bytes = {4096, 4096},
                               .self = &every};
    const kad_sampler_setup setup = {.action = &action,
                                     .map = map,
                                     .prec = KAD_SINGLE,
                                     .seed = 1,
                                     .n_chains = 1,
                                     .n_draws = (int64_t)draws,
                                     .n_batch_max = draws};
    s->ctx.n_threads = 1;
    assert_ok(s, kad_sampler_create(&s->ctx, name, &setup, &sampler));
    kad_draws out = {.n = draws, .log_weight = log_w, .accepted = accepted, .x = x};
    out.number = kad_alloc(draws, sizeof(uint64_t));
    out.action = kad_alloc(draws, sizeof(double));
    const kad_status status = sampler->ops->advance(&s->ctx, sampler->self, &out);
    kad_free(out.number);
    kad_free(out.action);
    kad_sampler_destroy(sampler);
    kad_map_destroy(map);
    kad_free(theta);
    return status;
}

static void bad_weights_are_rejected(void **state)
{
    (void)state;
    enum { DRAWS = 3200 };
    static double log_w[DRAWS];
    static uint8_t accepted[DRAWS];
    static double x[DRAWS * 16];
    scene s;
    int n_bad = 0;
    scene_make(&s,
               "lattice: {shape: [4, 4]}\n"
               "action: {name: on-dual, temperature: 2.5}\n"
               "flow: {recipe: fourier}\n",
               0);
    n_calls = 0;
    assert_ok(&s, broken_run(&s, "mis", 0, 300, DRAWS, log_w, accepted, x));
    for (int i = 0; i < DRAWS; i++) {
        assert_true(log_w[i] == log_w[i]);
        if (isfinite(log_w[i])) continue;
        assert_int_equal(accepted[i], 0);
        n_bad++;
    }
    assert_int_equal(n_bad, DRAWS / 300 + 1);
    n_calls = 0;
    assert_int_equal(broken_run(&s, "mis", 0, 20, DRAWS, log_w, accepted, x),
                     KAD_EINTERNAL);
    print_message("# %s\n", s.ctx.message);
    /* what is left in their place has a direction, where fields are directions */
    for (unsigned flags = 0; flags <= KAD_ACTION_DIRECTIONS;
         flags += KAD_ACTION_DIRECTIONS) {
        n_bad = n_calls = 0;
        assert_ok(&s, broken_run(&s, "direct", flags, 300, DRAWS, log_w, accepted, x));
        for (int i = 0; i < DRAWS; i++) {
            if (isfinite(log_w[i])) continue;
            for (int r = 0; r < 16; r++)
                assert_true(x[i * 16 + r] == (flags != 0));
            n_bad++;
        }
        assert_int_equal(n_bad, DRAWS / 300 + 1);
    }
    scene_clear(&s);
}

static void setups_are_checked(void **state)
{
    (void)state;
    scene s;
    kad_sampler *sampler;
    scene_make(&s, phi4, 0);
    kad_sampler_setup setup = {
        .action = s.model->action, .n_chains = 1, .n_draws = 10, .n_batch_max = 10};
    assert_int_equal(kad_sampler_create(&s.ctx, "mis", &setup, &sampler), KAD_ECONFIG);
    assert_null(sampler);
    assert_int_equal(kad_sampler_create(&s.ctx, "mia", &setup, &sampler), KAD_ECONFIG);
    assert_non_null(strstr(s.ctx.message, "\"mia\""));
    setup.n_draws = 0;
    assert_int_equal(kad_sampler_create(&s.ctx, "mis", &setup, &sampler), KAD_ECONFIG);
    for (size_t i = 0; kad_samplers[i] != NULL; i++) {
        const kad_sampler_ops *ops = kad_samplers[i];
        assert_true(ops->name && ops->summary && ops->reference && ops->time_unit &&
                    ops->create && ops->destroy && ops->advance && ops->save &&
                    ops->load);
        /* its options fit where an entry's are kept */
        assert_true(ops->options_size <= KAD_SAMPLER_OPTIONS);
        assert_true((ops->options_size > 0) == (ops->n_keys > 0));
        /* the config's choices know every sampler */
        assert_int_equal(kad_key_choice_index(&kad_sample_keys[0], ops->name), i);
    }
    scene_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("boundary: drawn sites depend on the sample's number only",
              completion_is_keyed),
        CLAIM("boundary: S of the whole field is S_eff - ln p", actions_agree),
        CLAIM("boundary: shifts move sites, uniformly", shifts_move_sites),
        CLAIM("mis: a frozen flow as target is sampled perfectly",
              frozen_flow_is_sampled_perfectly),
        CLAIM("mis: weights that are not finite are rejected and counted",
              bad_weights_are_rejected),
        CLAIM("samplers: setups are checked, the registry is sound", setups_are_checked),
    };
    return cmocka_run_group_tests_name("boundary", tests, NULL, NULL);
}
