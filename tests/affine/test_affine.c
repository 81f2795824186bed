/* Maps of couplings: inverse, Jacobian, gradients, threads, precisions. */
#include "affine/flow.h"
#include "base/memory.h"
#include "base/rng.h"
#include "tests/support/claim.h"

#include <math.h>

typedef kad_status creates(kad_ctx *, const kad_affine_options *, int, int, int,
                           kad_affine_map **);

typedef struct affine_case {
    kad_ctx ctx;
    kad_affine_map *map;
    double *theta;
    size_t size;
} affine_case;

static double uniform(uint64_t i, uint32_t what)
{
    return 2 * kad_rng_uniform(kad_rng_stream(5, KAD_RNG_TEST, what), 0, i, 0) - 1;
}

/* Weights of the start, each moved by up to `rough`, so that no factor is 0. */
static void open_case(affine_case *s, creates *create, int n_threads, int hidden,
                      int channels, int side, double rough)
{
    const kad_affine_options o = {
        .hidden = hidden, .blocks = 2, .n_layers = 2, .layers = {2, 1}};
    kad_ctx_init(&s->ctx, n_threads);
    assert_ok(s, create(&s->ctx, &o, channels, side, side, &s->map));
    s->size = kad_affine_size(s->map);
    s->theta = kad_alloc(s->map->n_theta, sizeof *s->theta);
    kad_affine_init(s->map, 3, s->theta);
    for (size_t i = 0; i < s->map->n_theta; i++)
        s->theta[i] += rough * uniform(i, 1);
}

static void close_case(affine_case *s)
{
    kad_free(s->theta);
    kad_affine_map_destroy(s->map);
}

static size_t dets_of(const affine_case *s)
{
    return (size_t)(s->map->n_levels * s->map->n_channels);
}

static double *values(size_t n, uint32_t what)
{
    double *x = kad_alloc(n, sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = 2 * uniform(i, what);
    return x;
}

/* x -> z of n images; returns ln det of the first. */
static double infer(affine_case *s, size_t n, double *x)
{
    kad_affine_batch_f64 *b = NULL;
    double *ln_det = kad_alloc(n * dets_of(s), sizeof *ln_det), sum = 0;
    assert_ok(s, kad_affine_batch_create_f64(&s->ctx, s->map, n, false, &b));
    kad_affine_load_f64(b, s->theta);
    kad_affine_infer_f64(b, n, x, ln_det);
    for (size_t i = 0; i < dets_of(s); i++)
        sum += ln_det[i];
    kad_affine_batch_destroy_f64(b);
    kad_free(ln_det);
    return sum;
}

static void inverse(creates *create, int side)
{
    affine_case s = {0};
    enum { N = 3 };
    open_case(&s, create, 2, 7, 3, side, 0.1);
    double *x = values(N * s.size, 2), *z = values(N * s.size, 2), moved = 0;
    infer(&s, N, z);
    for (size_t i = 0; i < N * s.size; i++)
        moved += fabs(z[i] - x[i]) > 1e-3;
    assert_true(moved > 0.9 * (double)(N * s.size)); /* nearly all are moved */
    kad_affine_batch_f64 *b = NULL;
    assert_ok(&s, kad_affine_batch_create_f64(&s.ctx, s.map, N, false, &b));
    kad_affine_load_f64(b, s.theta);
    kad_affine_generate_f64(b, N, z);
    for (size_t i = 0; i < N * s.size; i++)
        assert_close(z[i], x[i], 1e-11);
    kad_affine_batch_destroy_f64(b);
    kad_free(x), kad_free(z);
    close_case(&s);
}

static void mera_is_inverted(void **state)
{
    (void)state;
    inverse(kad_affine_mera, 16);
}

static void scales_are_inverted(void **state)
{
    (void)state;
    inverse(kad_affine_scales, 16);
}

/* ln|det J| of a matrix by elimination with pivots. */
static double ln_det_of(size_t n, double *a)
{
    double sum = 0;
    for (size_t k = 0; k < n; k++) {
        size_t best = k;
        for (size_t i = k + 1; i < n; i++)
            if (fabs(a[i * n + k]) > fabs(a[best * n + k])) best = i;
        for (size_t j = 0; j < n; j++) {
            const double swap = a[k * n + j];
            a[k * n + j] = a[best * n + j];
            a[best * n + j] = swap;
        }
        sum += log(fabs(a[k * n + k]));
        for (size_t i = k + 1; i < n; i++) {
            const double f = a[i * n + k] / a[k * n + k];
            for (size_t j = k; j < n; j++)
                a[i * n + j] -= f * a[k * n + j];
        }
    }
    return sum;
}

/* Central differences of step h are wrong by h^2 and 1e-16/h: 1e-9 of an element, and of the
 * logarithm some n times that. */
static void jacobian(creates *create, int side)
{
    affine_case s = {0};
    open_case(&s, create, 2, 6, 1, side, 0.3);
    const size_t n = s.size;
    const double h = 1e-5;
    double *x = values(n, 2), *all = kad_alloc(2 * n * n, sizeof *all),
           *a = kad_alloc(n * n, sizeof *a), *z = values(n, 2);
    const double ln_det = infer(&s, 1, z);
    for (size_t k = 0; k < 2 * n; k++)
        for (size_t i = 0; i < n; i++)
            all[k * n + i] = x[i] + (i == k / 2 ? (k % 2 ? h : -h) : 0);
    infer(&s, 2 * n, all);
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; i < n; i++)
            a[i * n + k] = (all[(2 * k + 1) * n + i] - all[2 * k * n + i]) / (2 * h);
    assert_true(fabs(ln_det) > 0.1);
    assert_close(ln_det_of(n, a), ln_det, 1e-6);
    kad_free(x), kad_free(all), kad_free(a), kad_free(z);
    close_case(&s);
}

static void mera_has_its_jacobian(void **state)
{
    (void)state;
    jacobian(kad_affine_mera, 8);
}

static void scales_have_their_jacobian(void **state)
{
    (void)state;
    jacobian(kad_affine_scales, 16);
}

/* L = sum of w z + z^2/2 + c ln det over images, w fixed. */
static const double BY_LN_DET = -0.7;

static double loss_of(affine_case *s, size_t n, const double *x, const double *w)
{
    kad_affine_batch_f64 *b = NULL;
    double *z = kad_alloc(n * s->size, sizeof *z),
           *ln_det = kad_alloc(n * dets_of(s), sizeof *ln_det), loss = 0;
    memcpy(z, x, n * s->size * sizeof *z);
    assert_ok(s, kad_affine_batch_create_f64(&s->ctx, s->map, n, false, &b));
    kad_affine_load_f64(b, s->theta);
    kad_affine_infer_f64(b, n, z, ln_det);
    for (size_t i = 0; i < n * s->size; i++)
        loss += w[i] * z[i] + z[i] * z[i] / 2;
    for (size_t i = 0; i < n * dets_of(s); i++)
        loss += BY_LN_DET * ln_det[i];
    kad_affine_batch_destroy_f64(b);
    kad_free(z), kad_free(ln_det);
    return loss;
}

static void differences(creates *create, int side)
{
    enum { N = 2, TRIED = 300 };
    affine_case s = {0};
    open_case(&s, create, 2, 6, 2, side, 0.3);
    const size_t n = N * s.size;
    double *x = values(n, 2), *w = values(n, 3), *z = values(n, 2),
           *dx = kad_alloc(n, sizeof *dx), *ln_det = kad_alloc(N * dets_of(&s), 8),
           *gradient = kad_alloc(s.map->n_theta, sizeof *gradient);
    kad_affine_batch_f64 *b = NULL;
    assert_ok(&s, kad_affine_batch_create_f64(&s.ctx, s.map, N, true, &b));
    kad_affine_load_f64(b, s.theta);
    kad_affine_infer_f64(b, N, z, ln_det);
    for (size_t i = 0; i < n; i++)
        dx[i] = w[i] + z[i];
    kad_affine_adjoint_f64(b, N, BY_LN_DET, z, dx, gradient);
    kad_affine_batch_destroy_f64(b);
    /* the images are back */
    for (size_t i = 0; i < n; i++)
        assert_close(z[i], x[i], 1e-11);
    const double h = 1e-5;
    for (size_t k = 0; k < TRIED; k++) {
        const size_t i = (k * 7919) % n;
        const double keep = x[i];
        x[i] = keep + h;
        const double up = loss_of(&s, N, x, w);
        x[i] = keep - h;
        const double down = loss_of(&s, N, x, w);
        x[i] = keep;
        assert_close((up - down) / (2 * h), dx[i], 1e-5 * (1 + fabs(dx[i])));
    }
    size_t nonzero = 0;
    for (size_t k = 0; k < TRIED; k++) {
        const size_t i = (size_t)((uniform(k, 4) + 1) / 2 * (double)s.map->n_theta);
        const double keep = s.theta[i];
        s.theta[i] = keep + h;
        const double up = loss_of(&s, N, x, w);
        s.theta[i] = keep - h;
        const double down = loss_of(&s, N, x, w);
        s.theta[i] = keep;
        nonzero += gradient[i] != 0;
        assert_close((up - down) / (2 * h), gradient[i], 1e-5 * (1 + fabs(gradient[i])));
    }
    assert_true(nonzero > TRIED / 4);
    kad_free(x), kad_free(w), kad_free(z), kad_free(dx), kad_free(ln_det);
    kad_free(gradient);
    close_case(&s);
}

static void mera_has_its_gradient(void **state)
{
    (void)state;
    differences(kad_affine_mera, 8);
}

static void scales_have_their_gradient(void **state)
{
    (void)state;
    differences(kad_affine_scales, 16);
}

/* One image more than fills a panel, so that there is a part that is not full. */
static void threads(creates *create)
{
    enum { N = 17 };
    double *first = NULL;
    for (int n_threads = 1; n_threads <= 8; n_threads *= 2) {
        affine_case s = {0};
        open_case(&s, create, n_threads, 16, 3, 16, 0.1);
        const size_t n = N * s.size, n_theta = s.map->n_theta;
        double *ln_det = kad_alloc(N * dets_of(&s), sizeof *ln_det),
               *all = kad_alloc(n + n_theta, sizeof *all);
        float *x = kad_alloc(n, sizeof *x), *dx = kad_alloc(n, sizeof *dx);
        kad_affine_batch_f32 *b = NULL;
        for (size_t i = 0; i < n; i++)
            x[i] = (float)uniform(i, 2);
        assert_ok(&s, kad_affine_batch_create_f32(&s.ctx, s.map, N, true, &b));
        kad_affine_load_f32(b, s.theta);
        kad_affine_infer_f32(b, N, x, ln_det);
        for (size_t i = 0; i < n; i++) {
            dx[i] = x[i];
            all[i] = (double)x[i];
        }
        kad_affine_adjoint_f32(b, N, BY_LN_DET, x, dx, all + n);
        if (first == NULL) {
            first = all;
        } else {
            assert_memory_equal(first, all, (n + n_theta) * sizeof *all);
            kad_free(all);
        }
        kad_affine_batch_destroy_f32(b);
        kad_free(x), kad_free(dx), kad_free(ln_det);
        close_case(&s);
    }
    kad_free(first);
}

static void threads_do_not_matter(void **state)
{
    (void)state;
    threads(kad_affine_mera);
    threads(kad_affine_scales);
}

/* Gradients of activations that are computed again from the output, in single precision,
 * against double: relative to their norm, 1e-7 times the root of the number of roundings. */
static void single_precision_suffices(void **state)
{
    enum { N = 8 };
    affine_case s = {0};
    (void)state;
    open_case(&s, kad_affine_mera, 2, 32, 3, 16, 0.05);
    const size_t n = N * s.size, n_theta = s.map->n_theta;
    double *x = values(n, 2), *dx = kad_alloc(n, sizeof *dx),
           *ln_det = kad_alloc(N * dets_of(&s), sizeof *ln_det),
           *g = kad_alloc(n_theta, sizeof *g), *gf = kad_alloc(n_theta, sizeof *gf);
    float *xf = kad_alloc(n, sizeof *xf), *dxf = kad_alloc(n, sizeof *dxf);
    kad_affine_batch_f64 *b = NULL;
    kad_affine_batch_f32 *bf = NULL;
    for (size_t i = 0; i < n; i++)
        xf[i] = (float)x[i];
    assert_ok(&s, kad_affine_batch_create_f64(&s.ctx, s.map, N, true, &b));
    assert_ok(&s, kad_affine_batch_create_f32(&s.ctx, s.map, N, true, &bf));
    kad_affine_load_f64(b, s.theta);
    kad_affine_load_f32(bf, s.theta);
    kad_affine_infer_f64(b, N, x, ln_det);
    double sum = 0;
    for (size_t i = 0; i < N * dets_of(&s); i++)
        sum += ln_det[i];
    kad_affine_infer_f32(bf, N, xf, ln_det);
    for (size_t i = 0; i < N * dets_of(&s); i++)
        sum -= ln_det[i];
    assert_close(sum / (double)n, 0, 1e-6);
    for (size_t i = 0; i < n; i++) {
        assert_close((double)xf[i], x[i], 1e-3);
        dx[i] = x[i];
        dxf[i] = xf[i];
    }
    kad_affine_adjoint_f64(b, N, BY_LN_DET, x, dx, g);
    kad_affine_adjoint_f32(bf, N, BY_LN_DET, xf, dxf, gf);
    double norm2 = 0, far2 = 0;
    for (size_t i = 0; i < n_theta; i++) {
        norm2 += g[i] * g[i];
        far2 += (gf[i] - g[i]) * (gf[i] - g[i]);
    }
    assert_true(norm2 > 0 && far2 < 1e-8 * norm2);
    kad_affine_batch_destroy_f64(b);
    kad_affine_batch_destroy_f32(bf);
    kad_free(x), kad_free(dx), kad_free(ln_det), kad_free(g), kad_free(gf);
    kad_free(xf), kad_free(dxf);
    close_case(&s);
}

/* One value is changed: in images latents change within the inference cone and nowhere else, in
 * latents values of the image within the generation cone; and nearly all there do. */
static void cones_hold_all_that_changes(creates *create)
{
    enum { SIDE = 32 };
    affine_case s = {0};
    open_case(&s, create, 2, 7, 1, SIDE, 0.1);
    bool *mark = kad_alloc(s.size, sizeof *mark);
    double *x = values(s.size, 2), *from = kad_alloc(s.size, sizeof *from),
           *to = kad_alloc(s.size, sizeof *to);
    kad_affine_batch_f64 *b = NULL;
    double *ln_det = kad_alloc(dets_of(&s), sizeof *ln_det);
    assert_ok(&s, kad_affine_batch_create_f64(&s.ctx, s.map, 1, false, &b));
    kad_affine_load_f64(b, s.theta);
    for (int up = 0; up < 2; up++) {
        size_t inside = 0, changed = 0, smallest = s.size;
        for (size_t i = 0; i < s.size; i += 37) {
            size_t n = 0;
            for (size_t k = 0; k < s.size; k++)
                from[k] = to[k] = x[k], mark[k] = k == i;
            to[i] += 0.5;
            if (up) {
                kad_affine_infer_f64(b, 1, from, ln_det);
                kad_affine_infer_f64(b, 1, to, ln_det);
                kad_affine_inference_cone(s.map, mark);
            } else {
                kad_affine_generate_f64(b, 1, from);
                kad_affine_generate_f64(b, 1, to);
                kad_affine_generation_cone(s.map, mark);
            }
            for (size_t k = 0; k < s.size; k++) {
                if (!mark[k]) assert_true(from[k] == to[k]);
                n += mark[k];
                changed += from[k] != to[k];
            }
            inside += n;
            smallest = n < smallest ? n : smallest;
        }
        assert_true((double)changed > 0.95 * (double)inside);
        assert_true(smallest < s.size / 4); /* a latent of the finest level stays near */
    }
    kad_affine_batch_destroy_f64(b);
    kad_free(mark), kad_free(x), kad_free(from), kad_free(to), kad_free(ln_det);
    close_case(&s);
}

static void cones_of_mera(void **state)
{
    (void)state;
    cones_hold_all_that_changes(kad_affine_mera);
}

static void cones_of_scales(void **state)
{
    (void)state;
    cones_hold_all_that_changes(kad_affine_scales);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("mera: generating undoes inferring", mera_is_inverted),
        CLAIM("mera: ln det is that of the Jacobian by differences",
              mera_has_its_jacobian),
        CLAIM("mera: gradients are those of differences, and images come back",
              mera_has_its_gradient),
        CLAIM("scales: generating undoes inferring", scales_are_inverted),
        CLAIM("scales: ln det is that of the Jacobian by differences",
              scales_have_their_jacobian),
        CLAIM("scales: gradients are those of differences, and images come back",
              scales_have_their_gradient),
        CLAIM("mera: cones hold all that changes", cones_of_mera),
        CLAIM("scales: cones hold all that changes", cones_of_scales),
        CLAIM("mera, scales: 1 to 8 threads give the same bytes", threads_do_not_matter),
        CLAIM("mera: single precision gives the gradient to 1e-4",
              single_precision_suffices),
    };
    return cmocka_run_group_tests_name("couplings on images", tests, NULL, NULL);
}
