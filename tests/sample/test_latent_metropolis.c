/* Bulk Metropolis: exact laws, planted bugs, bits, what it says of its cost. */
#include "sample/latent_metropolis.h"
#include "tests/support/frozen_case.h"
#include "tests/support/hmc_case.h"

/* A scene with a map far from the identity. */
typedef struct play {
    scene s;
    kad_map *map;
    const kad_flow *flow;
    size_t n_rows;
} play;

static void play_make(play *p, const char *yaml, double sigma)
{
    memset(p, 0, sizeof *p);
    scene_make(&p->s, yaml, 0);
    p->map = rough_map(&p->s, sigma);
    p->flow = kad_map_flow(p->map);
    p->n_rows = (size_t)p->flow->n_rows;
}

static void play_clear(play *p)
{
    kad_map_destroy(p->map);
    scene_clear(&p->s);
}

#define L4 "lattice: {shape: [4, 4]}\n"
static const char free_scene[] =
    "lattice: {shape: [8, 8]}\n"
    "action: {name: phi4, form: albergo, m2: 0.25, lambda: 0}\n"
    "flow: {hierarchy: decimator, couplings: 2, widths: [6], haar: true, spectrum: none, "
    "decimation: "
    "false}\n";
static const char block_scene[] =
    L4 "action: {name: phi4, form: albergo, m2: -4, lambda: 6.975}\n"
       "flow: {recipe: neuralrg, couplings: 3, widths: [6]}\n";

static const char tree_scene[] =
    L4 "action: {name: phi4, form: albergo, m2: -4, lambda: 6.975}\n"
       "flow: {recipe: neuralrg, hierarchy: decimator, couplings: 3, widths: [6]}\n";

/* --- a target whose law is known in the latents --------------------------------------- */

/* S = -ln q of the map itself: S_eff(z) = z.z/2 + constant. Planted bugs of a sweep. */
typedef enum bug {
    NONE,
    NO_LN_DET,      /* ln|det| left out */
    FLIPPED_LN_DET, /* or taken with the wrong sign */
    NO_UNDO,        /* rejected moves stay in the field */
    BIASED,         /* proposals drawn towards 0 */
    SIGN,           /* the action's change with the wrong sign */
    N_BUGS
} bug;
static const char *const bug_names[] = {"none",    "no ln det", "ln det sign",
                                        "no undo", "biased",    "wrong sign"};

typedef struct law {
    double z2, z4; /* their deviations from 1 and 3, in standard errors */
    double n_accepted, n_tried;
} law;

enum { N_CHAINS_LAW = 2048, N_SWEEPS = 4 };

/* Moves as kad_moves_sweep makes them, but for the bug. */
static void sweep_with(const play *p, const kad_action *action, kad_cone_state *cone,
                       bug kind, uint64_t step, uint64_t first, double *S, void *scratch,
                       law *out)
{
    const kad_action_kern *kern = action->ops->kern[KAD_DOUBLE];
    const kad_rng rng = kad_rng_stream(9, KAD_RNG_TEST, 0);
    for (int site = 0; site < p->flow->lattice->n_sites; site++) {
        double z[W], dld[W], now[W];
        uint8_t keep[W], undo[W];
        const double *old = cone->slots + (size_t)cone->cone->z_slot[site] * W;
        for (int l = 0; l < W; l++) {
            double two[2];
            kad_rng_normal2(rng, step, first + (uint64_t)l, 2 * (uint32_t)site, two);
            z[l] = (kind == BIASED ? 0.8 : 1.0) * old[l] + 1.5 * two[0];
        }
        kad_cone_move(cone, site, z, dld);
        kern->value(action, cone->slots, now, scratch);
        for (int l = 0; l < W; l++) {
            const double dS = now[l] - S[l];
            const double factor = kind == NO_LN_DET ? 0 : kind == FLIPPED_LN_DET ? -1 : 1;
            const double dU = (kind == SIGN ? -dS : dS) - factor * dld[l];
            const double u =
                kad_rng_uniform(rng, step, first + (uint64_t)l, 2 * (uint32_t)site + 1);
            keep[l] = log(u) < -dU;
            undo[l] = kind == NO_UNDO ? 1 : keep[l];
            if (undo[l]) S[l] = now[l];
            out->n_accepted += keep[l];
            out->n_tried += 1;
        }
        kad_cone_settle(cone, undo);
    }
}

/* Exact draws, N_SWEEPS sweeps, and the law of the latents of independent chains. */
static law law_after(play *p, const kad_action *action, bug kind)
{
    kad_cone *plan;
    kad_cone_state *cone;
    law out = {0};
    const size_t n = p->n_rows * W;
    double *z = kad_alloc(n, sizeof *z), sum2 = 0, sum4 = 0;
    void *scratch = kad_alloc(1, action->scratch_bytes[KAD_DOUBLE]);
    assert_ok(&p->s, kad_cone_create(&p->s.ctx, p->flow, &plan));
    assert_ok(&p->s, kad_cone_state_create(&p->s.ctx, plan,
                                           kad_map_packed(p->map, KAD_DOUBLE), &cone));
    for (uint64_t first = 0; first < N_CHAINS_LAW; first += W) {
        double S[W];
        kad_flow_prior_draw(p->flow, KAD_DOUBLE, kad_rng_stream(8, KAD_RNG_TEST, 0), 0,
                            first, z);
        kad_cone_begin(cone, z);
        action->ops->kern[KAD_DOUBLE]->value(action, cone->slots, S, scratch);
        for (uint64_t step = 0; step < N_SWEEPS; step++)
            sweep_with(p, action, cone, kind, step, first, S, scratch, &out);
        kad_cone_latents(cone, z);
        for (size_t i = 0; i < n; i++) {
            sum2 += z[i] * z[i];
            sum4 += z[i] * z[i] * z[i] * z[i];
        }
    }
    /* variances of z^2 and z^4 of independent normal numbers: 2 and 96 */
    const double m = (double)p->n_rows * N_CHAINS_LAW;
    out.z2 = (sum2 / m - 1) / sqrt(2 / m);
    out.z4 = (sum4 / m - 3) / sqrt(96 / m);
    kad_free(z);
    kad_free(scratch);
    kad_cone_state_destroy(cone);
    kad_cone_destroy(plan);
    return out;
}

static void bugs_are_caught(void **state)
{
    (void)state;
    play p;
    frozen target;
    play_make(&p, tree_scene, 0.4);
    frozen_make(&target, p.flow->lattice, p.map);
    for (int kind = 0; kind < N_BUGS; kind++) {
        const law l = law_after(&p, &target.action, (bug)kind);
        const double worst = fmax(fabs(l.z2), fabs(l.z4));
        print_message("# %-12s z^2 %+8.2f z^4 %+8.2f sigma, accepted %.3f\n",
                      bug_names[kind], l.z2, l.z4, l.n_accepted / l.n_tried);
        /* two normal numbers: P(beyond 5.5) = 8e-8 */
        if (kind == NONE) assert_true(worst < 5.5);
        if (kind != NONE) assert_true(worst > 10);
    }
    play_clear(&p);
}

/* --- the sampler ---------------------------------------------------------------------- */

static kad_sampler_setup setup_of(const play *p, const kad_action *action, int n_chains,
                                  int64_t n_burn_in, int64_t n_draws)
{
    return (kad_sampler_setup){.action = action,
                               .map = p->map,
                               .prec = KAD_SINGLE,
                               .seed = 13,
                               .n_chains = n_chains,
                               .n_burn_in = n_burn_in,
                               .n_tune = n_burn_in,
                               .n_draws = n_draws,
                               .n_batch_max =
                                   (size_t)(n_burn_in > n_draws ? n_burn_in : n_draws)};
}

static void rig_run(rig *r, play *p, const kad_sampler_setup *setup)
{
    assert_ok(&p->s, rig_make(r, &p->s.ctx, "latent-metropolis", setup));
    if (setup->n_burn_in > 0) rig_advance(r, &p->s.ctx, (size_t)setup->n_burn_in);
    rig_advance(r, &p->s.ctx, (size_t)setup->n_draws);
}

static double of_z2(const rig *r, size_t at)
{
    double sum = 0;
    for (size_t i = 0; i < r->n_rows; i++)
        sum += r->draws.z[at * r->n_rows + i] * r->draws.z[at * r->n_rows + i];
    return sum / (double)r->n_rows;
}

/* From the map's draws; the latents stay normal, moves are accepted as a width of 2.4
 * promises, and tuning keeps it there. */
static void frozen_flow(void **state)
{
    (void)state;
    play p;
    frozen target;
    rig r;
    play_make(&p, block_scene, 0.2);
    frozen_make(&target, p.flow->lattice, p.map);
    kad_sampler_setup setup = setup_of(&p, &target.action, 96, 60, 40);
    rig_run(&r, &p, &setup);
    const kad_latent_metropolis *m = r.sampler->self;
    assert_true(fabs(pull("z^2", over_chains(&r, of_z2), 1)) < 5);
    const int n_levels = m->bulk->n_levels;
    for (int level = 0; level < n_levels; level++) {
        const double accepted = m->counts[level] / m->counts[n_levels + level];
        print_message("# level %d: width %.3f, accepted %.4f\n", level, m->width[level],
                      accepted);
        /* a normal law of variance 1: acceptance 2/pi atan(2/width) */
        assert_true(fabs(accepted - 2 / M_PI * atan(2 / m->width[level])) < 0.02);
        assert_true(accepted > 0.37 && accepted < 0.51);
    }
    assert_int_equal(m->n_nonfinite, 0);
    rig_clear(&r);
    play_clear(&p);
}

static void check_phi(play *p, const kad_action *action, double phi2, double phi4)
{
    rig r;
    kad_sampler_setup setup = setup_of(p, action, 128, 60, 100);
    setup.translate = true;
    rig_run(&r, p, &setup);
    const mean m2 = over_chains(&r, of_phi2);
    assert_true(fabs(pull("phi^2", m2, phi2)) < 5);
    assert_true(m2.error < 0.01 * phi2);
    assert_true(fabs(pull("phi^4", over_chains(&r, of_phi4), phi4)) < 5);
    rig_clear(&r);
}

static void free_field_with_haar(void **state)
{
    (void)state;
    play p;
    play_make(&p, free_scene, 0.03);
    check_phi(&p, p.s.model->action, 0.19275059454, 3 * 0.19275059454 * 0.19275059454);
    play_clear(&p);
}

/* PHYSICS, L = 4, E1's parameters: whole, and decimated with a Fourier base in the map. */
static void phi4_moments(void **state)
{
    (void)state;
    static const char *const scenes[] = {block_scene, latent_scene};
    for (int i = 0; i < 2; i++) {
        play p;
        play_make(&p, scenes[i], 0.04);
        assert_int_equal(p.s.model->decimated, i);
        check_phi(&p, p.s.model->action, 0.1673917691, 0.0557089904);
        play_clear(&p);
    }
}

/* --- the dual's quadratic form -------------------------------------------------------- */

/* 200 sweeps of rank updates against one evaluation: errors of 3200 moves of size 1e-16
 * add up like a walk, to about 1e-14. */
static void rank_updates_stay(void **state)
{
    (void)state;
    static const char *const names[] = {"whitened", "field"};
    for (int i = 0; i < 2; i++) {
        char yaml[300];
        play p;
        kad_moves *bulk;
        kad_moves_tile *work, *fresh;
        double width[8], accepted[8 * W] = {0}, worst = 0;
        snprintf(
            yaml, sizeof yaml,
            L4
            "action: {name: on-dual, temperature: 2.5, representation: %s}\n"
            "flow: {recipe: neuralrg, hierarchy: decimator, couplings: 3, widths: [6]}\n",
            names[i]);
        play_make(&p, yaml, 0.05);
        assert_ok(&p.s, kad_moves_create(&p.s.ctx, p.s.model->action, p.map, &bulk));
        assert_ok(&p.s, kad_moves_tile_create(&p.s.ctx, bulk, &work));
        assert_ok(&p.s, kad_moves_tile_create(&p.s.ctx, bulk, &fresh));
        for (int level = 0; level < 8; level++)
            width[level] = 1;
        const size_t n = p.n_rows * W;
        double *z = kad_alloc(n, sizeof *z);
        kad_flow_prior_draw(p.flow, KAD_DOUBLE, kad_rng_stream(8, KAD_RNG_TEST, 0), 0, 0,
                            z);
        kad_moves_begin(work, z);
        for (uint64_t step = 0; step < 200; step++) {
            const kad_moves_turn turn = {.propose = kad_rng_stream(1, KAD_RNG_TEST, 1),
                                         .decide = kad_rng_stream(1, KAD_RNG_TEST, 2),
                                         .step = step,
                                         .n_lanes = W};
            assert_true(kad_moves_sweep(work, &turn, width, INFINITY, accepted));
        }
        kad_moves_latents(work, z);
        kad_moves_begin(fresh, z);
        assert_memory_equal(kad_moves_field(fresh), kad_moves_field(work),
                            n * sizeof(double));
        /* the state starts with v = M y */
        for (size_t k = 0; k < n; k++)
            worst = fmax(worst,
                         fabs(((double *)work->state)[k] - ((double *)fresh->state)[k]));
        print_message("# %s: drift %.2g after %lld evaluations\n", names[i], worst,
                      (long long)work->n_evaluations);
        assert_true(worst > 0 && worst < 1e-12);
        assert_int_equal(work->n_evaluations, 200 * bulk->n_evaluations);
        kad_moves_tile_destroy(work);
        kad_moves_tile_destroy(fresh);
        kad_moves_destroy(bulk);
        kad_free(z);
        play_clear(&p);
    }
}

/* <s_i s_j> of nearest neighbours from tanh: the Ising energy, exact by Kaufman. */
static double of_energy(const rig *r, size_t at)
{
    const kad_lattice *lattice = r->setup.action->lattice;
    const double *x = r->draws.x + at * r->n_rows;
    double sum = 0;
    for (int i = 0; i < lattice->n_sites; i++)
        for (int mu = 0; mu < 2; mu++)
            sum -= tanh(x[i]) * tanh(x[lattice->nbr[i * 4 + 2 * mu]]);
    return sum / lattice->n_sites;
}

/* PHYSICS: L = 4 at T_c. */
static void ising_energy(void **state)
{
    (void)state;
    static const char *const names[] = {"whitened", "field"};
    for (int i = 0; i < 2; i++) {
        char yaml[300];
        play p;
        rig r;
        snprintf(
            yaml, sizeof yaml,
            L4
            "action: {name: on-dual, representation: %s, epsilon: 0.1}\n"
            "flow: {recipe: neuralrg, hierarchy: decimator, couplings: 3, widths: [6]}\n",
            names[i]);
        play_make(&p, yaml, 0.05);
        kad_sampler_setup setup =
            setup_of(&p, p.s.model->action, 256, i == 0 ? 100 : 800, 60);
        rig_run(&r, &p, &setup);
        assert_true(fabs(pull(names[i], over_chains(&r, of_energy), -1.565623787638)) <
                    5);
        rig_clear(&r);
        play_clear(&p);
    }
}

/* --- bits and descriptions ------------------------------------------------------------- */

enum { BURN_IN = 5, DRAWS = 6, N_CHAINS = 70 };

static void run_pieces(play *p, int n_threads, size_t cut, bool reload, rig *r)
{
    kad_h5 *file = NULL;
    kad_sampler_setup setup = setup_of(p, p->s.model->action, N_CHAINS, BURN_IN, DRAWS);
    setup.n_batch_max = BURN_IN + DRAWS;
    setup.translate = true;
    p->s.ctx.n_threads = n_threads;
    assert_ok(&p->s, rig_make(r, &p->s.ctx, "latent-metropolis", &setup));
    rig_advance(r, &p->s.ctx, cut);
    if (reload) {
        assert_ok(&p->s, kad_h5_create(&p->s.ctx, &file));
        assert_ok(&p->s, kad_h5_group(&p->s.ctx, file, "/state"));
        assert_ok(&p->s,
                  r->sampler->ops->save(&p->s.ctx, r->sampler->self, file, "/state"));
        kad_sampler_destroy(r->sampler);
        assert_ok(&p->s, kad_sampler_create(&p->s.ctx, "latent-metropolis", &r->setup,
                                            &r->sampler));
        assert_ok(&p->s,
                  r->sampler->ops->load(&p->s.ctx, r->sampler->self, file, "/state"));
        kad_h5_close(file);
    }
    if (cut < BURN_IN) rig_advance(r, &p->s.ctx, BURN_IN - cut);
    rig_advance(r, &p->s.ctx, cut < BURN_IN ? DRAWS : DRAWS + BURN_IN - cut);
}

static void same_bits(void **state)
{
    (void)state;
    static const char *const scenes[] = {
        latent_scene, block_scene,
        L4 "action: {name: on-dual, temperature: 2.5}\nflow: {recipe: neuralrg}\n"};
    for (int i = 0; i < 3; i++) {
        play p;
        rig a, b;
        play_make(&p, scenes[i], 0.04);
        run_pieces(&p, 1, 2, false, &a);
        run_pieces(&p, 2, 3, true, &b);
        const size_t n = N_CHAINS * DRAWS;
        assert_memory_equal(a.draws.number, b.draws.number, n * sizeof(uint64_t));
        assert_memory_equal(a.draws.x, b.draws.x, n * a.n_rows * sizeof(double));
        assert_memory_equal(a.draws.z, b.draws.z, n * a.n_rows * sizeof(double));
        assert_memory_equal(a.draws.action, b.draws.action, n * sizeof(double));
        assert_memory_equal(a.draws.accepted, b.draws.accepted, n);
        rig_clear(&a);
        rig_clear(&b);
        play_clear(&p);
    }
}

static void runs_from_config(void **state)
{
    (void)state;
    static const struct {
        const char *flow, *cone;
        int64_t sweep, generation;
    } cases[] = {
        /* 10 couplings x 16 sites x 2 levels; the top block's 10 and the finest's 40 */
        {"flow: {recipe: neuralrg, hierarchy: decimator}", "local", 320, 50},
        /* 14 stages; 16 sites for the spectrum */
        {"flow: {recipe: wavelet}", "global", 0, 0},
    };
    for (int i = 0; i < 2; i++) {
        char yaml[400], *cone = NULL;
        scene s;
        kad_h5 *file = NULL;
        int64_t sweep, generation;
        double acceptance;
        snprintf(yaml, sizeof yaml,
                 L4 "action: {name: on-dual, temperature: 2.5}\n%s\n"
                    "sample: [{name: latent-metropolis, chains: 8, draws: 20, burn_in: "
                    "20,\n    sweeps: 2, start: hot, store_latents: true}]\n",
                 cases[i].flow);
        scene_make(&s, yaml, 0);
        assert_ok(&s, kad_sample(&s.ctx, s.run, &s.options.sample, s.model, NULL));
        assert_ok(&s, kad_results_open(&s.ctx, s.run, &file));
        const char *group = "/samplers/latent-metropolis";
        assert_ok(&s, kad_h5_attr_real(&s.ctx, file, group, "acceptance", &acceptance));
        assert_ok(&s, kad_h5_attr_int(&s.ctx, file, group, "block_evaluations_per_sweep",
                                      &sweep));
        assert_ok(&s, kad_h5_attr_int(&s.ctx, file, group,
                                      "block_evaluations_of_generation", &generation));
        assert_ok(&s, kad_h5_attr_string(&s.scope, file, group, "cone", &cone));
        print_message("# %s: accepted %.3f, %lld a sweep, %lld a generation\n", cone,
                      acceptance, (long long)sweep, (long long)generation);
        assert_string_equal(cone, cases[i].cone);
        assert_true(acceptance > 0.3 && acceptance < 0.6);
        if (cases[i].sweep > 0) {
            assert_int_equal(sweep, cases[i].sweep);
            assert_int_equal(generation, cases[i].generation);
        } else {
            assert_true(sweep > 16 * 16);
        }
        kad_h5_close(file);
        scene_clear(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("bulk moves: planted bugs are caught", bugs_are_caught),
        CLAIM("latent-metropolis: a frozen flow has normal latents", frozen_flow),
        CLAIM("latent-metropolis: free field with a Haar map", free_field_with_haar),
        CLAIM("latent-metropolis: phi^4, decimated or not", phi4_moments),
        CLAIM("latent-metropolis: the Ising energy from both duals", ising_energy),
        CLAIM("latent-metropolis: rank updates stay exact", rank_updates_stay),
        CLAIM("latent-metropolis: the same bits for any threads, pieces and resumption",
              same_bits),
        CLAIM("latent-metropolis: runs from a config, says what it costs",
              runs_from_config),
    };
    return cmocka_run_group_tests_name("latent metropolis", tests, NULL, NULL);
}
