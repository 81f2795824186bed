/* Hartley transform against its definition, as its own inverse, and on stencils. */
#include "lattice/hartley.h"
#include "tests/support/models_util.h"

/* Extents that take every branch: odd, even, 2, primes, and one beyond the dense limit.
 */
static const int SHAPES[][KAD_MAX_DIM] = {
    {2},     {3},       {5},       {6},       {7},       {14},     {16},
    {96},    {2, 2},    {3, 2},    {5, 6},    {7, 14},   {16, 16}, {80, 3},
    {4, 66}, {2, 3, 5}, {6, 7, 2}, {4, 4, 4}, {3, 65, 2}};
enum { N_SHAPES = sizeof SHAPES / sizeof *SHAPES };

static int dimension(const int *shape)
{
    return shape[1] == 0 ? 1 : shape[2] == 0 ? 2 : 3;
}

typedef struct plan {
    kad_lattice *lattice;
    kad_hartley *hartley;
    int n_comp;
    size_t n_rows;
    double *x64;
    float *x32;
    void *scratch;
} plan;

static void plan_make(plan *p, const int *shape, int n_comp)
{
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    assert_int_equal(kad_lattice_create(&ctx, dimension(shape), shape, &p->lattice),
                     KAD_OK);
    assert_int_equal(kad_hartley_create(&ctx, p->lattice, n_comp, &p->hartley), KAD_OK);
    p->n_comp = n_comp;
    p->n_rows = (size_t)p->lattice->n_sites * (size_t)n_comp;
    p->x64 = kad_alloc(p->n_rows, KAD_ROW_BYTES);
    p->x32 = kad_alloc(p->n_rows, KAD_ROW_BYTES);
    p->scratch = kad_alloc(1, kad_hartley_scratch_bytes(p->hartley, KAD_DOUBLE) +
                                  kad_hartley_scratch_bytes(p->hartley, KAD_SINGLE));
    for (size_t r = 0; r < p->n_rows; r++) {
        for (size_t l = 0; l < KAD_W_SINGLE; l++)
            p->x32[r * KAD_W_SINGLE + l] = (float)random_normal(0, l, (uint32_t)r);
        for (size_t l = 0; l < KAD_W_DOUBLE; l++)
            p->x64[r * KAD_W_DOUBLE + l] = (double)p->x32[r * KAD_W_SINGLE + l];
    }
}

static void plan_clear(plan *p)
{
    kad_hartley_destroy(p->hartley);
    kad_lattice_destroy(p->lattice);
    kad_free(p->x64);
    kad_free(p->x32);
    kad_free(p->scratch);
}

static double cas(int k, int n, int L)
{
    const double a = 2 * M_PI * (double)((int64_t)k * n % L) / L;
    return (cos(a) + sin(a)) / sqrt(L);
}

/* Row (k, c) of lane 0 by the definition, O(N). */
static double reference(const plan *p, const double *x, int mode, int c, size_t lane)
{
    int k[KAD_MAX_DIM], n[KAD_MAX_DIM];
    double sum = 0;
    kad_lattice_coords(p->lattice, mode, k);
    for (int s = 0; s < p->lattice->n_sites; s++) {
        double w = 1;
        kad_lattice_coords(p->lattice, s, n);
        for (int a = 0; a < p->lattice->d; a++)
            w *= cas(k[a], n[a], p->lattice->shape[a]);
        sum += w * x[(size_t)(s * p->n_comp + c) * KAD_W_DOUBLE + lane];
    }
    return sum;
}

/* Rounding: sums of up to 96 terms per axis of size one, each axis orthonormal: a few
 * 1e-15; 20 times that is allowed. Single: 2^29 times more. */
static void matches_definition(void **state)
{
    (void)state;
    for (int i = 0; i < N_SHAPES; i++)
        for (int n_comp = 1; n_comp <= 2; n_comp++) {
            plan p;
            plan_make(&p, SHAPES[i], n_comp);
            double *x0 = kad_alloc(p.n_rows, KAD_ROW_BYTES);
            memcpy(x0, p.x64, p.n_rows * KAD_ROW_BYTES);
            kad_hartley_apply_f64(p.hartley, p.x64, p.scratch);
            kad_hartley_apply_f32(p.hartley, p.x32, p.scratch);
            for (int mode = 0; mode < p.lattice->n_sites; mode++)
                for (int c = 0; c < n_comp; c++) {
                    const size_t row = (size_t)(mode * n_comp + c), lane = 13;
                    const double expected = reference(&p, x0, mode, c, lane);
                    assert_close(p.x64[row * KAD_W_DOUBLE + lane], expected, 5e-14);
                    assert_close((double)p.x32[row * KAD_W_SINGLE + lane], expected,
                                 2e-5);
                }
            kad_free(x0);
            plan_clear(&p);
        }
}

static void is_its_own_inverse(void **state)
{
    (void)state;
    for (int i = 0; i < N_SHAPES; i++) {
        plan p;
        plan_make(&p, SHAPES[i], 3);
        double *x0 = kad_alloc(p.n_rows, KAD_ROW_BYTES);
        memcpy(x0, p.x64, p.n_rows * KAD_ROW_BYTES);
        for (int twice = 0; twice < 2; twice++) {
            kad_hartley_apply_f64(p.hartley, p.x64, p.scratch);
            kad_hartley_apply_f32(p.hartley, p.x32, p.scratch);
        }
        for (size_t r = 0; r < p.n_rows; r++)
            for (size_t l = 0; l < KAD_W_DOUBLE; l++) {
                const double x = x0[r * KAD_W_DOUBLE + l];
                assert_close(p.x64[r * KAD_W_DOUBLE + l], x, 5e-14);
                assert_close((double)p.x32[r * KAD_W_SINGLE + l], x, 2e-5);
            }
        kad_free(x0);
        plan_clear(&p);
    }
}

/* H (nearest-neighbour sum) H is diagonal with eigenvalue 2 d - khat^2. */
static void diagonalises_the_stencil(void **state)
{
    (void)state;
    for (int i = 0; i < N_SHAPES; i++) {
        plan p;
        plan_make(&p, SHAPES[i], 1);
        const kad_lattice *l = p.lattice;
        double *hx = kad_alloc(p.n_rows, KAD_ROW_BYTES);
        for (int s = 0; s < l->n_sites; s++)
            for (int b = 0; b < 2 * l->d; b++)
                for (int lane = 0; lane < KAD_W_DOUBLE; lane++)
                    hx[s * KAD_W_DOUBLE + lane] +=
                        p.x64[l->nbr[2 * l->d * s + b] * KAD_W_DOUBLE + lane];
        kad_hartley_apply_f64(p.hartley, p.x64, p.scratch);
        kad_hartley_apply_f64(p.hartley, hx, p.scratch);
        for (int k = 0; k < l->n_sites; k++) {
            const double e = 2 * l->d - kad_lattice_khat2(l, k);
            for (int lane = 0; lane < KAD_W_DOUBLE; lane++)
                assert_close(hx[k * KAD_W_DOUBLE + lane],
                             e * p.x64[k * KAD_W_DOUBLE + lane], 3e-13);
        }
        kad_free(hx);
        plan_clear(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(matches_definition),
                                       cmocka_unit_test(is_its_own_inverse),
                                       cmocka_unit_test(diagonalises_the_stencil)};
    return cmocka_run_group_tests_name(
        "hartley: orthonormal, its own inverse, diagonalises stencils", tests, NULL,
        NULL);
}
