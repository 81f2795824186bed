/* Spins with couplings and phases of pairs (xy.h): flux, files, ln Z of paths and rings, forces,
 * decimation, updates, energies, against naive sums. */
#include "io/h5.h"
#include "measure/measure.h"
#include "models/local.h"
#include "models/xy.h"
#include "tests/support/models_util.h"

#include <stdlib.h>
#include <unistd.h>

enum { W = KAD_W_DOUBLE };

/* A file of couplings; removed by `drop`. */
static void put(char path[32], const char *text)
{
    snprintf(path, 32, "/tmp/kad-links-XXXXXX");
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void make(fixture *f, const char *rest, const char *path, int d, const int *shape)
{
    char yaml[256];
    snprintf(yaml, sizeof yaml, "action: {name: xy, components: 2, beta: 0.8, %s%s}",
             rest, path);
    fixture_make(f, yaml, d, shape, false);
}

/* Energy of angles, without fields: every link from both ends. */
static double energy_of(const kad_xy *xy, const double *angle)
{
    double sum = 0;
    for (int i = 0; i < xy->action.lattice->n_sites; i++)
        for (int b = xy->first[i]; b < xy->first[i + 1]; b++) {
            const kad_xy_link *l = &xy->link[b];
            sum -=
                hypot(l->c, l->s) * cos(angle[i] - angle[l->j] - atan2(l->s, l->c)) / 2;
        }
    return sum;
}

/* ln Z, and the means of E and cos theta_0, by the trapezoidal rule on M angles a site. */
enum { M = 23 }; /* I_23(1) is 1e-29 */
static double by_angles(const kad_xy *xy, double mean[2])
{
    const int N = xy->action.lattice->n_sites;
    size_t total = 1;
    double Z = 0;
    mean[0] = mean[1] = 0;
    for (int i = 0; i < N; i++)
        total *= M;
    for (size_t state = 0; state < total; state++) {
        double angle[5] = {0}, field = 0;
        size_t rest = state;
        for (int i = 0; i < N; i++, rest /= M) {
            angle[i] = 2 * M_PI * (double)(rest % M) / M;
            field += xy->h * cos(angle[i]);
        }
        const double E = energy_of(xy, angle) - field, w = exp(-xy->beta * E);
        Z += w;
        mean[0] += w * E;
        mean[1] += w * cos(angle[0]);
    }
    mean[0] /= Z;
    mean[1] /= Z;
    return log(Z / (double)total);
}

/* --- flux -------------------------------------------------------------------------------- */

/* The links around every plaquette turn by 2 pi f, on odd extents too. */
static void plaquettes(void **state)
{
    static const struct {
        int shape[2];
        double flux;
    } cases[] = {{{4, 6}, 0.25},     {{3, 5}, 2.0 / 15}, {{5, 3}, -7.0 / 15},
                 {{4, 4}, 1.0 / 16}, {{6, 4}, 0.5},      {{3, 4}, 1.0 / 3}};
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        fixture f;
        char rest[64];
        snprintf(rest, sizeof rest, "coupling: -1.5, flux: %.17g", cases[k].flux);
        make(&f, rest, "", 2, cases[k].shape);
        const kad_xy *xy = f.action->self;
        for (int i = 0; i < f.lattice->n_sites; i++) {
            /* +0, +1, -0, -1 */
            static const int way[] = {0, 2, 1, 3};
            double re = 1, im = 0;
            int at = i;
            for (int step = 0; step < 4; step++) {
                const kad_xy_link *l = &xy->link[xy->first[at] + way[step]];
                const double c = l->c / -1.5, s = l->s / -1.5, x = re * c - im * s;
                im = re * s + im * c;
                re = x;
                at = l->j;
            }
            assert_int_equal(at, i);
            assert_close(re, cos(2 * M_PI * cases[k].flux), 1e-12);
            assert_close(im, sin(2 * M_PI * cases[k].flux), 1e-12);
        }
        fixture_clear(&f);
    }
}

/* --- exact values ------------------------------------------------------------------------ */

static void paths_and_rings(void **state)
{
    static const struct {
        const char *text;
        int n;
    } cases[] = {
        {"0 1 1.2 0.7\n1 2 -0.8\n0 2 0.5 -1.1\n", 3},
        {"0 1 1 0.3\n1 2 0.8\n2 3 1.1 2\n3 0 0.9 0.1\n", 4},
        {"0 1 1 0.3\n1 2 0.8 5\n", 3},
        {"2 0 1.5 3\n0 1 1\n1 2 1\n", 4},
        {"0 2 1\n2 4 1.3 1.5707963267948966\n4 1 -1\n1 0 1\n", 5},
    };
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        fixture f;
        char path[32];
        double mean[2];
        put(path, cases[k].text);
        make(&f, "couplings: ", path, 1, &cases[k].n);
        assert_string_equal(f.action->log_z_source, "paths and rings");
        assert_close(f.action->log_z_exact, by_angles(f.action->self, mean), 1e-11);
        fixture_clear(&f);
        unlink(path);
    }
    for (int quanta = -1; quanta <= 2; quanta++) {
        fixture f;
        char rest[64];
        double mean[2];
        snprintf(rest, sizeof rest, "flux: %g", quanta / 4.0);
        make(&f, rest, "", 2, (int[]){2, 2});
        assert_close(f.action->log_z_exact, by_angles(f.action->self, mean), 1e-11);
        fixture_clear(&f);
    }
    /* no flux is the uniform model */
    fixture f, g;
    make(&f, "flux: 0", "", 2, (int[]){2, 2});
    make(&g, "coupling: 1", "", 2, (int[]){2, 2});
    assert_close(f.action->log_z_exact, g.action->log_z_exact, 1e-13);
    fixture_clear(&f);
    fixture_clear(&g);
}

/* --- kernels ----------------------------------------------------------------------------- */

static void angles_of(const tile *t, size_t n_sites, int lane, double *angle)
{
    for (size_t i = 0; i < n_sites; i++)
        angle[i] =
            atan2(tile_get(t, t->y, 2 * i + 1, lane), tile_get(t, t->y, 2 * i, lane));
}

/* S is beta E + sum |y|^2 / 2 in both precisions, its gradient central differences. */
static void values_and_forces(void **state)
{
    char path[32];
    (void)state;
    put(path, "0 1 1.2 0.7\n1 5 -0.8\n0 2 0.5 -1.1\n7 3 1\n5 3 0.4 3.14159265358979\n");
    for (int k = 0; k < 4; k++) {
        fixture f;
        tile t;
        make(&f, k / 2 ? "couplings: " : "flux: 0.375, field: 0.2", k / 2 ? path : "", 2,
             (int[]){4, 2});
        const kad_xy *xy = f.action->self;
        tile_make(&t, &f, (kad_prec)(k % 2));
        tile_fill(&t, 1, 9);
        tile_gradient(&t);
        double S[KAD_W_MAX], angle[8];
        memcpy(S, t.S, sizeof S);
        for (int lane = 0; lane < t.lanes; lane++) {
            double want = 0;
            angles_of(&t, 8, lane, angle);
            for (size_t r = 0; r < 16; r++)
                want += 0.5 * pow(tile_get(&t, t.y, r, lane), 2);
            for (int i = 0; i < 8; i++)
                want -= xy->beta * xy->h * cos(angle[i]);
            want += xy->beta * energy_of(xy, angle);
            assert_close(S[lane], want, k % 2 ? 1e-12 : 2e-5);
        }
        if (k % 2) check_forces(&t, 1e-6);
        tile_clear(&t);
        fixture_clear(&f);
    }
    unlink(path);
}

/* Odd sites are drawn from what is left out of S_eff, whose gradient is its differences. */
static void decimation(void **state)
{
    static const char yaml[] =
        "action: {name: xy, components: 2, beta: 0.8, flux: 0.25, field: 0.3}";
    fixture full, half;
    tile t;
    (void)state;
    fixture_make(&full, yaml, 2, (int[]){4, 4}, false);
    fixture_make(&half, yaml, 2, (int[]){4, 4}, true);
    check_decimated(&full, &half, KAD_SINGLE);
    check_decimated(&full, &half, KAD_DOUBLE);
    tile_make(&t, &half, KAD_DOUBLE);
    tile_fill(&t, 1, 1);
    check_forces(&t, 1e-5);
    tile_clear(&t);
    fixture_clear(&full);
    fixture_clear(&half);
}

/* --- updates ----------------------------------------------------------------------------- */

/* Means of E (as observed, too) and cos theta_0 over STEPS steps of W chains against the sums
 * over angles. */
static void check_updates(const char *text, const char *rest, bool clusters)
{
    enum { STEPS = 4000, SKIP = 100 };
    fixture f;
    char path[32], more[64];
    kad_measure *m;
    kad_rng rng[KAD_LOCAL_STREAMS];
    kad_bonds bonds = {0};
    double exact[2], sum[W][2] = {{0}};
    put(path, text);
    snprintf(more, sizeof more, "%scouplings: ", rest);
    make(&f, more, path, 1, (int[]){4});
    by_angles(f.action->self, exact);
    const kad_action_local *local = f.action->ops->local;
    for (uint32_t i = 0; i < KAD_LOCAL_STREAMS; i++)
        rng[i] = kad_rng_stream(31, KAD_RNG_TEST, i);
    double *x = kad_alloc(f.n_rows, KAD_ROW_BYTES);
    void *scratch = kad_alloc(1, local->scratch_bytes(f.action));
    assert_int_equal(kad_measure_create(&f.ctx, f.action, 1, 0, &m), KAD_OK);
    double *row = kad_alloc(m->n_columns, sizeof *row);
    int energy = -1;
    for (int i = 0; i < m->n; i++)
        if (!strcmp(m->ops[i]->name, "energy")) energy = (int)m->offset[i];
    if (clusters) assert_int_equal(local->bonds(&f.ctx, f.action, &bonds), KAD_OK);
    for (uint64_t step = 0; step < STEPS + SKIP; step++) {
        const kad_turn turn = {.rng = rng, .step = step, .n_lanes = W};
        if (step == 0) local->start(f.action, &turn, true, x, scratch);
        if (clusters) local->cluster(f.action, &turn, &bonds, 2, x, scratch);
        if (!clusters || step % 4 == 0)
            local->sweep(f.action, &turn, 1, x, NULL, scratch);
        if (!clusters) local->reflect(f.action, x);
        for (size_t lane = 0; lane < W && step >= SKIP; lane++) {
            double one[8];
            for (size_t r = 0; r < 8; r++)
                one[r] = x[r * W + lane];
            kad_measure_rows(m, 1, &step, one, &(double){0}, row);
            sum[lane][0] += row[energy] * 4 / STEPS;
            sum[lane][1] += one[0] / hypot(one[0], one[1]) / STEPS;
        }
    }
    for (int k = 0; k < 2; k++) {
        double mean = 0, square = 0;
        for (int lane = 0; lane < W; lane++) {
            mean += sum[lane][k] / W;
            square += sum[lane][k] * sum[lane][k] / W;
        }
        const double err = sqrt((square - mean * mean) / (W - 1)) + 1e-12;
        print_message("# %s, clusters %d: mean %d %.4f(%.4f), exact %.4f\n", rest,
                      clusters, k, mean, err, exact[k]);
        assert_true(fabs(mean - exact[k]) < 5 * err && err < 0.02);
    }
    kad_measure_destroy(m);
    kad_free(x);
    kad_free(row);
    kad_free(scratch);
    kad_bonds_clear(&bonds);
    fixture_clear(&f);
    unlink(path);
}

static void updates_keep_the_weight(void **state)
{
    static const char
        phases[] = "0 1 1.2 0.7\n1 2 -0.8\n0 2 0.5 -1.1\n3 1 1 2\n3 0 0.6\n",
        signs[] = "0 1 1.2\n1 2 -0.8\n0 2 0.5\n3 1 1 3.141592653589793\n3 0 0.6\n";
    (void)state;
    check_updates(phases, "", false);
    check_updates(phases, "field: 0.4, ", false);
    check_updates(signs, "", true);
    check_updates(signs, "field: 0.4, ", true);
}

/* --- what is refused, and files ---------------------------------------------------------- */

static void refusals(void **state)
{
    static const struct {
        const char *yaml, *message;
    } bad[] = {
        {"action: {name: xy, components: 2, beta: 1, flux: 0.3}", "quantised"},
        {"action: {name: xy, components: 3, beta: 1, flux: 0.25}", "two components"},
    };
    static const struct {
        const char *text, *rest, *message;
        int status;
    } files[] = {
        {"0 1 1 0.5\n", "components: 3", "two components", KAD_ECONFIG},
        {"0 1 1 x\n", "components: 2", "expected a phase", KAD_EDATA},
        {"0 1 1 1 1\n", "components: 2", "site site coupling phase", KAD_EDATA},
        {"0 1 1\n", "components: 2, coupling: 1", "uniform", KAD_ECONFIG},
        {"0 1 1\n", "components: 2, flux: 0.25", "uniform", KAD_ECONFIG},
    };
    (void)state;
    fixture f;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(fixture_try(&f, bad[i].yaml, 2, (int[]){4, 4}, false),
                         KAD_ECONFIG);
        assert_non_null(strstr(f.ctx.message, bad[i].message));
        fixture_clear(&f);
    }
    assert_int_equal(fixture_try(&f,
                                 "action: {name: xy, components: 2, beta: 1, flux: 0.5}",
                                 1, (int[]){4}, false),
                     KAD_ECONFIG);
    fixture_clear(&f);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[32], yaml[160];
        put(path, files[i].text);
        snprintf(yaml, sizeof yaml, "action: {name: xy, beta: 1, %s, couplings: %s}",
                 files[i].rest, path);
        assert_int_equal(fixture_try(&f, yaml, 2, (int[]){4, 4}, false), files[i].status);
        assert_non_null(strstr(f.ctx.message, files[i].message));
        fixture_clear(&f);
        unlink(path);
    }
    /* phases have no clusters, neither a sign to mix nor translations */
    kad_bonds bonds;
    make(&f, "flux: 0.25", "", 2, (int[]){4, 4});
    assert_int_equal(f.action->ops->local->bonds(&f.ctx, f.action, &bonds), KAD_ECONFIG);
    assert_true(f.action->flags & KAD_ACTION_SYMMETRIC);
    assert_true(!(f.action->flags & KAD_ACTION_TRANSLATION));
    assert_true(isnan(kad_action_bond(f.action)));
    fixture_clear(&f);
}

/* What a results file keeps makes the same action. */
static void stored_and_read(void **state)
{
    (void)state;
    fixture f, g;
    char path[32], stored[40];
    kad_h5 *file;
    put(path, "0 1 1.2 0.7\n1 2 -0.8\n0 2 0.5 -1.1\n3 1 -1 2\n3 0 0.6\n");
    make(&f, "couplings: ", path, 1, (int[]){4});
    snprintf(stored, sizeof stored, "%s.h5", path);
    assert_int_equal(kad_h5_create(&f.ctx, &file), KAD_OK);
    assert_int_equal(f.action->ops->store(&f.ctx, f.action, file), KAD_OK);
    assert_int_equal(kad_h5_save(&f.ctx, file, stored, false), KAD_OK);
    kad_h5_close(file);
    make(&g, "couplings: ", stored, 1, (int[]){4});
    const kad_xy *a = f.action->self, *b = g.action->self;
    for (int i = 0; i <= 4; i++)
        assert_int_equal(a->first[i], b->first[i]);
    for (int i = 0; i < a->first[4]; i++) {
        assert_int_equal(a->link[i].j, b->link[i].j);
        assert_close(a->link[i].c, b->link[i].c, 1e-14);
        assert_close(a->link[i].s, b->link[i].s, 1e-14);
    }
    fixture_clear(&f);
    fixture_clear(&g);
    unlink(path);
    unlink(stored);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("links: the flux of every plaquette is f", plaquettes),
        CLAIM("links: ln Z of paths and rings is the sum over angles", paths_and_rings),
        CLAIM("links: S is the energy, forces are differences", values_and_forces),
        CLAIM("links: decimated sites are drawn exactly", decimation),
        CLAIM("links: updates keep the weight", updates_keep_the_weight),
        CLAIM("links: what does not fit is refused", refusals),
        CLAIM("links: results files keep them", stored_and_read),
    };
    return cmocka_run_group_tests_name("links", tests, NULL, NULL);
}
