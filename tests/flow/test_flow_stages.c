/* The stages against their documented formulas: naive double-precision references, exact
 * free-field results, symmetries, refused arguments. */
#include "base/memory.h"
#include "flow/bijectors/haar.h"
#include "flow/bijectors/rotation.h"
#include "flow/bijectors/scale.h"
#include "flow/bijectors/spectrum.h"
#include "flow/bijectors/stencil.h"
#include "tests/flow/naive_stencil.h"
#include "tests/support/claim.h"

enum { W = KAD_W_DOUBLE, MAX_THETA = 16 };

#define assert_near(a, b, tolerance) assert_true(fabs((a) - (b)) <= (tolerance))

/* A stage packed in double with its scratch, and a tile. */
typedef struct rig {
    kad_ctx ctx;
    kad_lattice *lattice;
    kad_stage stage;
    double *theta, *x;
    void *packed, *scratch;
} rig;

static void rig_lattice(rig *r, int d, const int *shape)
{
    memset(r, 0, sizeof *r);
    kad_ctx_init(&r->ctx, 1);
    assert_int_equal(kad_lattice_create(&r->ctx, d, shape, &r->lattice), KAD_OK);
}

/* theta = init + noise * N(0, 1), x = N(0, 1). */
static void rig_finish(rig *r, double noise)
{
    const kad_rng rng = kad_rng_stream(7, KAD_RNG_TEST, 0);
    const size_t n = r->stage.n_theta, n_x = (size_t)r->stage.n_rows * W;
    r->theta = kad_alloc(n + 2, sizeof *r->theta);
    r->x = kad_alloc(n_x, sizeof *r->x);
    r->packed = kad_alloc(r->stage.packed_bytes[KAD_DOUBLE], 1);
    r->scratch = kad_alloc(r->stage.scratch_bytes[KAD_DOUBLE], 1);
    assert_true(r->theta && r->x && r->packed && r->scratch);
    if (n > 0) r->stage.ops->init(&r->stage, rng, 3, r->theta);
    for (size_t i = 0; i < n; i++) {
        double z[2];
        kad_rng_normal2(rng, 1, i, 0, z);
        r->theta[i] += noise * z[0];
    }
    for (size_t i = 0; i < n_x; i += 2)
        kad_rng_normal2(rng, 2, i, 0, r->x + i);
    r->stage.ops->kern[KAD_DOUBLE]->pack(&r->stage, r->theta, r->packed);
}

static void rig_generate(rig *r, double *ld)
{
    r->stage.ops->kern[KAD_DOUBLE]->generate(&r->stage, r->packed, r->x, ld, r->scratch);
}

static void rig_close(rig *r)
{
    kad_free(r->theta);
    kad_free(r->x);
    kad_free(r->packed);
    kad_free(r->scratch);
    kad_stage_clear(&r->stage);
    kad_lattice_destroy(r->lattice);
}

/* ---- haar ---------------------------------------------------------------------------*/

static void haar_coarse_value_is_the_blocks_mean(void **state)
{
    (void)state;
    const int shape[] = {4, 4}, sites[] = {0, 1, 4, 5};
    rig r;
    rig_lattice(&r, 2, shape);
    assert_int_equal(kad_haar_create(&r.ctx, r.lattice, 1, 1, 4, sites, &r.stage),
                     KAD_OK);
    rig_finish(&r, 0.0);
    const double coarse = r.x[0], right = r.x[W], down = r.x[4 * W], both = r.x[5 * W];
    rig_generate(&r, NULL);
    const double *x = r.x;
    assert_near(x[0] + x[W] + x[4 * W] + x[5 * W], 2.0 * coarse, 1e-14);
    assert_near(x[0], 0.5 * (coarse + right + down + both), 1e-14);
    assert_near(x[W], 0.5 * (coarse - right + down - both), 1e-14);
    assert_near(x[4 * W], 0.5 * (coarse + right - down - both), 1e-14);
    rig_close(&r);
}

/* ---- spectrum -----------------------------------------------------------------------*/

/* Rows of the map's matrix from unit vectors, one a lane: m[i][j] = dy_i/dz_j. */
static void dense_matrix(rig *r, double *m)
{
    const int n = r->stage.n_rows;
    for (int first = 0; first < n; first += W) {
        memset(r->x, 0, (size_t)n * W * sizeof *r->x);
        for (int j = first; j < n && j < first + W; j++)
            r->x[j * W + j - first] = 1.0;
        rig_generate(r, NULL);
        for (int j = first; j < n && j < first + W; j++)
            for (int i = 0; i < n; i++)
                m[i * n + j] = r->x[i * W + j - first];
    }
}

/* Propagator of the free field of stiffness 3 by the sum over modes. */
static double propagator(const kad_lattice *l, double mass2, int site)
{
    int x[KAD_MAX_DIM], k[KAD_MAX_DIM];
    double sum = 0.0;
    kad_lattice_coords(l, site, x);
    for (int mode = 0; mode < l->n_sites; mode++) {
        double phase = 0.0;
        kad_lattice_coords(l, mode, k);
        for (int m = 0; m < l->d; m++)
            phase += 2.0 * M_PI * k[m] * x[m] / l->shape[m];
        sum += cos(phase) / (3.0 * (mass2 + kad_lattice_khat2(l, mode)));
    }
    return sum / l->n_sites;
}

static void spectrum_starts_as_the_free_field(void **state)
{
    (void)state;
    const int shapes[][3] = {{9, 1, 1}, {6, 4, 1}, {5, 5, 1}, {3, 2, 4}};
    const int dims[] = {1, 2, 2, 3};
    for (int i = 0; i < 4; i++) {
        rig r;
        rig_lattice(&r, dims[i], shapes[i]);
        const double mass2 = 0.25;
        assert_int_equal(
            kad_spectrum_create(&r.ctx, r.lattice, 1, false, mass2, 3.0, &r.stage),
            KAD_OK);
        rig_finish(&r, 0.0);
        const int n = r.stage.n_rows;
        double *m = kad_alloc((size_t)n * (size_t)n, sizeof *m), ld[W] = {0}, want = 0.0;
        assert_non_null(m);
        dense_matrix(&r, m);
        for (int a = 0; a < n; a++) {
            double sum = 0.0;
            for (int j = 0; j < n; j++)
                sum += m[j] * m[a * n + j];
            assert_near(sum, propagator(r.lattice, mass2, a), 1e-13);
            want -= 0.5 * log(3.0 * (mass2 + kad_lattice_khat2(r.lattice, a)));
        }
        rig_generate(&r, ld);
        assert_near(ld[0], want, 1e-12 * n);
        kad_free(m);
        rig_close(&r);
    }
}

/* A circulant that respects all symmetries, on even sites only. */
static void spectrum_on_the_sublattice_is_a_symmetric_circulant(void **state)
{
    (void)state;
    const int shape[] = {6, 6};
    rig r;
    rig_lattice(&r, 2, shape);
    assert_int_equal(kad_spectrum_create(&r.ctx, r.lattice, 1, true, 1.0, 2.0, &r.stage),
                     KAD_OK);
    rig_finish(&r, 0.3);
    const int n = r.stage.n_rows;
    double *m = kad_alloc((size_t)n * (size_t)n, sizeof *m);
    assert_non_null(m);
    dense_matrix(&r, m);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            if (r.lattice->parity[i] || r.lattice->parity[j]) {
                assert_true(m[i * n + j] == (i == j ? 1.0 : 0.0));
                continue;
            }
            int a[KAD_MAX_DIM], b[KAD_MAX_DIM], diff[KAD_MAX_DIM] = {0};
            int mirror[KAD_MAX_DIM] = {0}, swapped[KAD_MAX_DIM] = {0};
            kad_lattice_coords(r.lattice, i, a);
            kad_lattice_coords(r.lattice, j, b);
            for (int c = 0; c < 2; c++) {
                diff[c] = a[c] - b[c];
                mirror[c] = c ? diff[c] : -diff[c];
                swapped[1 - c] = diff[c];
            }
            const double at = m[i * n + j];
            assert_near(at, m[kad_lattice_site(r.lattice, diff) * n], 1e-14);
            assert_near(at, m[kad_lattice_site(r.lattice, mirror) * n], 1e-14);
            assert_near(at, m[kad_lattice_site(r.lattice, swapped) * n], 1e-14);
        }
    kad_free(m);
    rig_close(&r);
}

static void spectrum_orbits_carry_their_khat2(void **state)
{
    (void)state;
    const int shape[] = {4, 4};
    rig r;
    rig_lattice(&r, 2, shape);
    assert_int_equal(kad_spectrum_create(&r.ctx, r.lattice, 1, false, 0.0, 2.0, &r.stage),
                     KAD_OK);
    /* (0,0) (0,1) (1,1) (0,2) (1,2) (2,2) */
    const double all[] = {0, 2, 4, 4, 6, 8};
    assert_int_equal(r.stage.n_theta, 6);
    for (int i = 0; i < 6; i++)
        assert_near(r.stage.tensors[0].modes[i], all[i], 1e-14);
    kad_stage_clear(&r.stage);
    assert_int_equal(kad_spectrum_create(&r.ctx, r.lattice, 1, true, 0.0, 2.0, &r.stage),
                     KAD_OK);
    /* (0,0)~(2,2), (0,1)~(1,2), (1,1), (0,2)~(2,0) */
    const double even[] = {0, 2, 4, 4};
    assert_int_equal(r.stage.n_theta, 4);
    for (int i = 0; i < 4; i++)
        assert_near(r.stage.tensors[0].modes[i], even[i], 1e-14);
    rig_finish(&r, 0.0);
    rig_close(&r);
}

/* ---- scale, rotation ----------------------------------------------------------------*/

static void scale_is_its_formula(void **state)
{
    (void)state;
    const int shape[] = {4, 2}, sites[] = {1, 6};
    rig r;
    rig_lattice(&r, 2, shape);
    assert_int_equal(
        kad_scale_create(&r.ctx, r.lattice, 2, 2, sites, true, true, &r.stage), KAD_OK);
    rig_finish(&r, 0.5);
    double ld[W] = {0};
    const double z = r.x[(6 * 2 + 1) * W + 3];
    rig_generate(&r, ld);
    assert_near(r.x[(6 * 2 + 1) * W + 3], exp(r.theta[1]) * z + r.theta[3], 1e-14);
    assert_near(ld[5], 2.0 * (r.theta[0] + r.theta[1]), 1e-14);
    rig_close(&r);
}

static void rotation_is_its_formula(void **state)
{
    (void)state;
    const int shape[] = {4, 2}, sites[] = {1, 6, 3}, perm[] = {2, 0, 1},
              sign[] = {1, -1, 1};
    rig r;
    rig_lattice(&r, 2, shape);
    assert_int_equal(kad_rotation_create(&r.ctx, r.lattice, 1, false, 1, 3, sites, perm,
                                         sign, &r.stage),
                     KAD_OK);
    rig_finish(&r, 0.4);
    double z[3], ld[W] = {0};
    for (int i = 0; i < 3; i++)
        z[i] = r.x[sites[i] * W];
    rig_generate(&r, ld);
    const double *lower = r.theta, *upper = r.theta + 9, *s = r.theta + 18;
    double right[3], left[3];
    for (int i = 0; i < 3; i++) {
        right[i] = sign[i] * exp(s[i]) * z[i];
        for (int j = i + 1; j < 3; j++)
            right[i] += upper[i * 3 + j] * z[j];
    }
    for (int i = 0; i < 3; i++) {
        left[i] = right[i];
        for (int j = 0; j < i; j++)
            left[i] += lower[i * 3 + j] * right[j];
    }
    for (int i = 0; i < 3; i++)
        assert_near(r.x[sites[i] * W], left[perm[i]], 1e-14);
    assert_near(ld[0], s[0] + s[1] + s[2], 1e-14);
    rig_close(&r);
}

/* ---- stencil --------------------------------------------------------------------------*/

/* All parts of a stage on one lane, against the tile. */
static void compare_with_naive(rig *r, int n)
{
    const kad_stencil *e = r->stage.self;
    const int F = e->n_sources, lane = 5;
    double *before = kad_alloc((size_t)r->stage.n_rows * W, sizeof *before);
    double ld[W] = {0}, want = 0.0;
    assert_non_null(before);
    memcpy(before, r->x, (size_t)r->stage.n_rows * W * sizeof *before);
    rig_generate(r, ld);
    for (int i = 0; i < e->n_parts; i++) {
        const int *part = e->sites + i * (F + 1);
        double X[64 * 3], z[3], y[3];
        for (int f = 0; f < F; f++)
            for (int c = 0; c < n; c++)
                X[f * n + c] = before[(part[f] * n + c) * W + lane];
        for (int c = 0; c < n; c++)
            z[c] = before[(part[F] * n + c) * W + lane];
        want += naive_stencil(e, r->theta, n, X, z, y);
        for (int c = 0; c < n; c++)
            assert_near(r->x[(part[F] * n + c) * W + lane], y[c], 1e-12);
    }
    assert_near(ld[lane], want, 1e-12 * (1 + e->n_parts));
    kad_free(before);
}

static void stencil_is_its_formula(void **state)
{
    (void)state;
    int n = 0;
    for (int variant = 0;; variant++, n++) {
        const int shape[] = {6, 4};
        rig r;
        rig_lattice(&r, 2, shape);
        if (kad_stencil_ops.example(&r.ctx, r.lattice, variant, &r.stage) == KAD_EUSAGE) {
            kad_lattice_destroy(r.lattice);
            break;
        }
        rig_finish(&r, 0.3);
        compare_with_naive(&r, r.stage.n_comp);
        rig_close(&r);
    }
    assert_true(n >= 10);
}

/* Rotate the first two components (n = 1: flip the sign) of every site. */
static void rotate_field(int n, int n_sites, double angle, double *x)
{
    for (int i = 0; i < n_sites; i++)
        for (int l = 0; l < W; l++) {
            double *p = x + (size_t)(i * n) * W + l;
            if (n == 1) {
                p[0] = -p[0];
                continue;
            }
            const double a = p[0], b = p[W];
            p[0] = cos(angle) * a - sin(angle) * b;
            p[W] = sin(angle) * a + cos(angle) * b;
            if (n > 2) p[2 * W] = -p[2 * W];
        }
}

static void stencil_commutes_with_rotations(void **state)
{
    (void)state;
    for (int variant = 0;; variant++) {
        const int shape[] = {6, 4};
        rig r;
        rig_lattice(&r, 2, shape);
        if (kad_stencil_ops.example(&r.ctx, r.lattice, variant, &r.stage) == KAD_EUSAGE) {
            kad_lattice_destroy(r.lattice);
            break;
        }
        const kad_stencil *e = r.stage.self;
        const double turn = e->frame.clock > 0 ? 2 * M_PI / e->frame.clock : 0.7;
        if (e->frame.axis) { /* it points somewhere */
            kad_stage_clear(&r.stage);
            kad_lattice_destroy(r.lattice);
            continue;
        }
        rig_finish(&r, 0.3);
        const int n = r.stage.n_comp, n_sites = r.lattice->n_sites;
        const size_t size = (size_t)r.stage.n_rows * W;
        double *x = kad_alloc(size, sizeof *x), ld[2][W] = {{0}};
        assert_non_null(x);
        memcpy(x, r.x, size * sizeof *x);
        rig_generate(&r, ld[0]); /* generate, then rotate */
        rotate_field(n, n_sites, turn, r.x);
        double *keep = r.x;
        r.x = x; /* rotate, then generate */
        rotate_field(n, n_sites, turn, r.x);
        rig_generate(&r, ld[1]);
        for (size_t i = 0; i < size; i++)
            assert_near(r.x[i], keep[i], 1e-12);
        for (int l = 0; l < W; l++)
            assert_near(ld[0][l], ld[1][l], 1e-11);
        kad_free(keep);
        rig_close(&r);
    }
}

/* Far out and deep in the ring the maps stay finite and invertible in single precision:
 * relative errors of a few roundings times the slope ratio y/(z dy/dz) <= 2. */
static void stencil_is_safe_far_out(void **state)
{
    (void)state;
    for (int i = 0; kad_transforms[i] != NULL; i++) {
        const int shape[] = {2}, site[] = {0};
        rig r;
        if (kad_transforms[i]->min_comp > 1) continue;
        rig_lattice(&r, 1, shape);
        assert_int_equal(kad_stencil_create(&r.ctx, r.lattice, 1, kad_transforms[i], 0, 0,
                                            1, site, &r.stage),
                         KAD_OK);
        rig_finish(&r, 0.0);
        const double bias[MAX_THETA] = {0.5, 2.0,  -1.0, 0.3, -0.7, 1.1,
                                        0.2, -0.4, 0.9,  0.6, -1.3};
        assert_true(r.stage.n_theta <= MAX_THETA);
        memcpy(r.theta, bias, r.stage.n_theta * sizeof *bias);
        const kad_bijector_kern *kern = r.stage.ops->kern[KAD_SINGLE];
        float *x = kad_alloc(2 * KAD_W_SINGLE, sizeof *x);
        double ld[KAD_W_SINGLE] = {0};
        assert_non_null(x);
        for (int l = 0; l < KAD_W_SINGLE; l++)
            x[l] = (l % 2 ? -1.0f : 1.0f) * (float)pow(10.0, l / 8.0 - 4.0);
        kern->pack(&r.stage, r.theta, r.packed);
        kern->generate(&r.stage, r.packed, x, ld, r.scratch);
        for (int l = 0; l < KAD_W_SINGLE; l++)
            assert_true(isfinite(x[l]) && isfinite(ld[l]));
        kern->infer(&r.stage, r.packed, x, ld, r.scratch);
        for (int l = 0; l < KAD_W_SINGLE; l++) {
            const double z = (l % 2 ? -1.0 : 1.0) * pow(10.0, l / 8.0 - 4.0);
            assert_near(x[l] / z, 1.0, 2e-6);
            assert_near(ld[l], 0.0, 2e-5);
        }
        kad_free(x);
        rig_close(&r);
    }
}

/* ---- refusals -----------------------------------------------------------------------*/

#define REFUSED(call)                                                  \
    do {                                                               \
        memset(&r.stage, 0xff, sizeof r.stage);                        \
        assert_int_equal(call, KAD_EUSAGE);                            \
        assert_true(!r.stage.self && !r.stage.tensors);                \
        assert_true(r.ctx.message[0] && !strchr(r.ctx.message, '\n')); \
    } while (0)

static void bad_arguments_are_refused(void **state)
{
    (void)state;
    const int shape[] = {4, 3}, outside[] = {0, 12}, twice[] = {3, 3}, fine[] = {0, 1};
    const int source_target[] = {0, 1, 1, 2}, two_targets[] = {0, 1, 2, 1};
    const int not_perm[] = {0, 0}, not_sign[] = {1, 2};
    rig r;
    rig_lattice(&r, 2, shape);
    kad_ctx *c = &r.ctx;
    const kad_lattice *l = r.lattice;
    REFUSED(kad_haar_create(c, l, 1, 1, 2, outside, &r.stage));
    REFUSED(kad_haar_create(c, l, 1, 1, 2, twice, &r.stage));
    REFUSED(kad_haar_create(c, l, 1, 1, 3, fine, &r.stage));
    REFUSED(kad_spectrum_create(c, l, 1, true, 0.0, 2.0, &r.stage));
    REFUSED(kad_scale_create(c, l, 1, 2, twice, false, false, &r.stage));
    REFUSED(kad_rotation_create(c, l, 1, false, 1, 2, outside, NULL, NULL, &r.stage));
    REFUSED(kad_rotation_create(c, l, 1, false, 1, 2, fine, not_perm, NULL, &r.stage));
    REFUSED(kad_rotation_create(c, l, 1, false, 1, 2, fine, NULL, not_sign, &r.stage));
    REFUSED(kad_rotation_create(c, l, 1, true, 1, 2, fine, NULL, NULL, &r.stage));
    const kad_transform_ops *lfa = &kad_transform_lfa, *q4t = &kad_transform_q4t;
    REFUSED(kad_stencil_create(c, l, 1, lfa, 4, 1, 1, outside, &r.stage));
    REFUSED(kad_stencil_create(c, l, 1, lfa, 4, 1, 2, source_target, &r.stage));
    REFUSED(kad_stencil_create(c, l, 1, lfa, 4, 1, 2, two_targets, &r.stage));
    REFUSED(kad_stencil_create(c, l, 2, q4t, 4, 1, 1, fine, &r.stage));
    REFUSED(kad_stencil_create(c, l, 4, lfa, 4, 1, 1, fine, &r.stage));
    REFUSED(kad_stencil_create(c, l, 1, lfa, 0, 1, 1, fine, &r.stage));
    kad_lattice_destroy(r.lattice);
}

static void kernels_allocate_nothing(void **state)
{
    (void)state;
    for (int b = 0; kad_bijectors[b]; b++) {
        const int shape[] = {4, 4};
        rig r;
        rig_lattice(&r, 2, shape);
        assert_int_equal(kad_bijectors[b]->example(&r.ctx, r.lattice, 0, &r.stage),
                         KAD_OK);
        rig_finish(&r, 0.1);
        const kad_bijector_kern *k = r.stage.ops->kern[KAD_DOUBLE];
        double *g = kad_alloc((size_t)r.stage.n_rows * W, sizeof *g), ld[W] = {0};
        double *d = kad_alloc(r.stage.n_theta, sizeof *d);
        assert_true(g && d);
        const uint64_t before = kad_memory_n_allocations();
        k->generate(&r.stage, r.packed, r.x, ld, r.scratch);
        k->infer(&r.stage, r.packed, r.x, ld, r.scratch);
        k->generate_adjoint(&r.stage, r.packed, r.x, g, 1, d, ld, r.scratch);
        k->infer_adjoint(&r.stage, r.packed, r.x, g, 1, d, ld, r.scratch);
        k->pack(&r.stage, r.theta, r.packed);
        assert_true(kad_memory_n_allocations() == before);
        kad_free(g);
        kad_free(d);
        rig_close(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("haar: the coarse value is the block's sum over 2^{d/2}",
              haar_coarse_value_is_the_blocks_mean),
        CLAIM("spectrum: starts as the free field, propagator to 1e-13",
              spectrum_starts_as_the_free_field),
        CLAIM("spectrum: on the sublattice, a symmetric circulant of even sites",
              spectrum_on_the_sublattice_is_a_symmetric_circulant),
        CLAIM("spectrum: orbits carry their khat^2", spectrum_orbits_carry_their_khat2),
        CLAIM("scale: is its formula", scale_is_its_formula),
        CLAIM("rotation: is P L (U + diag) to 1e-14", rotation_is_its_formula),
        CLAIM("stencil: equals the naive formulas to 1e-12", stencil_is_its_formula),
        CLAIM("stencil: commutes with O(n) to 1e-12", stencil_commutes_with_rotations),
        CLAIM("stencil: finite and invertible for |z| from 1e-4 to 1e4 in float",
              stencil_is_safe_far_out),
        CLAIM("stages: bad arguments are refused in one line, nothing leaks",
              bad_arguments_are_refused),
        CLAIM("stages: kernels allocate nothing", kernels_allocate_nothing),
    };
    return cmocka_run_group_tests_name("flow stages", tests, NULL, NULL);
}
