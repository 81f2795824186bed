/* Kernels of the learned linear map (rotation.h): W and its inverse are formed in double
 * when parameters are packed and applied as dense products. */
#include "flow/bijectors/rotation.h"

#include "flow/nets/rows_kern.h"

#include <math.h>
#include <string.h>

/* Matrices are stored as rows_product reads them: [input][output], the transpose of the
 * map. */
typedef struct packed_view {
    double *sum;           /* sum of s */
    double *lower, *right; /* L and R = U + diag(sign e^s), [m][m] */
    real *w, *w_t;         /* apply W, W^T */
    real *inv, *inv_t;     /* apply W^-1, W^-T */
} packed_view;

static packed_view view(const kad_stage *stage, const void *packed)
{
    const kad_rotation *r = stage->self;
    const size_t mm = (size_t)r->m * (size_t)r->m;
    packed_view p;
    p.sum = (double *)(uintptr_t)packed;
    p.lower = p.sum + 8;
    p.right = p.lower + mm;
    p.w = (real *)(p.right + mm);
    p.w_t = p.w + mm;
    p.inv = p.w_t + mm;
    p.inv_t = p.inv + mm;
    return p;
}

/* L and R from theta. */
static void factors(const kad_rotation *r, const double *theta, const packed_view *p)
{
    const int m = r->m;
    *p->sum = 0.0;
    for (int i = 0; i < m; i++) {
        *p->sum += theta[r->s + (size_t)i];
        for (int j = 0; j < m; j++) {
            const size_t at = (size_t)(i * m + j);
            p->lower[at] = j < i ? theta[r->lower + at] : (double)(i == j);
            p->right[at] = j > i ? theta[r->upper + at] : 0.0;
        }
        p->right[i * m + i] = r->sign[i] * exp(theta[r->s + (size_t)i]);
    }
}

/* v = W^-1 e_j by substitution. */
static void solve_column(const kad_rotation *r, const packed_view *p, int j, double *v)
{
    const int m = r->m;
    for (int i = 0; i < m; i++)
        v[r->perm[i]] = i == j ? 1.0 : 0.0;
    for (int i = 0; i < m; i++)
        for (int k = 0; k < i; k++)
            v[i] -= p->lower[i * m + k] * v[k];
    for (int i = m - 1; i >= 0; i--) {
        for (int k = i + 1; k < m; k++)
            v[i] -= p->right[i * m + k] * v[k];
        v[i] /= p->right[i * m + i];
    }
}

static void pack(const kad_stage *stage, const double *theta, void *packed)
{
    const kad_rotation *r = stage->self;
    const packed_view p = view(stage, packed);
    const int m = r->m;
    factors(r, theta, &p);
    for (int i = 0; i < m; i++)
        for (int j = 0; j < m; j++) {
            double w = 0.0;
            for (int k = 0; k < m; k++)
                w += p.lower[r->perm[i] * m + k] * p.right[k * m + j];
            p.w_t[i * m + j] = p.w[j * m + i] = (real)w;
        }
    for (int j = 0; j < m; j++) {
        double column[KAD_ROTATION_MAX];
        solve_column(r, &p, j, column);
        for (int i = 0; i < m; i++)
            p.inv_t[i * m + j] = p.inv[j * m + i] = (real)column[i];
    }
}

/* Scratch of one call. */
typedef struct space {
    const real **in, **gin; /* [m] the block's rows and cotangents */
    real **out, **home;     /* [m] rows of temp; where they go */
    real *temp;
    vreal *acc; /* [m][m] dW by lanes */
    int n_vec;  /* vectors a row */
} space;

static space carve(const kad_stage *stage, void *scratch)
{
    const kad_rotation *r = stage->self;
    const size_t m = (size_t)r->m;
    space s;
    s.n_vec = KAD_NV * (r->over_components ? 1 : stage->n_comp);
    s.in = scratch;
    s.gin = s.in + m;
    s.out = (real **)(uintptr_t)(s.gin + m);
    s.home = s.out + m;
    s.temp = (real *)((char *)scratch + (4 * m * sizeof(void *) + 63) / 64 * 64);
    s.acc = (vreal *)s.temp + m * (size_t)s.n_vec;
    for (size_t i = 0; i < m; i++)
        s.out[i] = (real *)((vreal *)s.temp + i * (size_t)s.n_vec);
    return s;
}

static void block_rows(const kad_stage *stage, real *x, int block, real **rows)
{
    const kad_rotation *r = stage->self;
    const size_t site_reals = (size_t)stage->n_comp * KAD_W;
    for (int i = 0; i < r->m; i++)
        rows[i] = r->over_components
                      ? x + (size_t)r->sites[block] * site_reals + (size_t)i * KAD_W
                      : x + (size_t)r->sites[block * r->m + i] * site_reals;
}

/* Rows of one block through a matrix, in place. */
static void apply_block(const kad_stage *stage, const space *s, const real *matrix,
                        real *x, int block)
{
    const kad_rotation *r = stage->self;
    block_rows(stage, x, block, s->home);
    for (int i = 0; i < r->m; i++)
        s->in[i] = s->home[i];
    rows_product(s->n_vec, r->m, r->m, matrix, s->in, s->out);
    for (int i = 0; i < r->m; i++)
        memcpy(s->home[i], s->out[i], (size_t)s->n_vec * sizeof(vreal));
}

/* Copies of the block's vector per block. */
static double n_copies(const kad_stage *stage)
{
    const kad_rotation *r = stage->self;
    return (double)r->n_blocks * (r->over_components ? 1 : stage->n_comp);
}

static void generate(const kad_stage *stage, const void *packed, void *x, double *ld,
                     void *scratch)
{
    const kad_rotation *r = stage->self;
    const packed_view p = view(stage, packed);
    const space s = carve(stage, scratch);
    for (int b = 0; b < r->n_blocks; b++)
        apply_block(stage, &s, p.w, x, b);
    kad_lanes_ld_all(ld, *p.sum * n_copies(stage));
}

static void infer(const kad_stage *stage, const void *packed, void *x, double *ld,
                  void *scratch)
{
    const kad_rotation *r = stage->self;
    const packed_view p = view(stage, packed);
    const space s = carve(stage, scratch);
    for (int b = 0; b < r->n_blocks; b++)
        apply_block(stage, &s, p.inv, x, b);
    kad_lanes_ld_all(ld, -*p.sum * n_copies(stage));
}

/* acc += gy z^T of one block. */
static void add_outer(const kad_stage *stage, const space *s, real *gy, real *z,
                      int block)
{
    const kad_rotation *r = stage->self;
    block_rows(stage, gy, block, s->home);
    for (int i = 0; i < r->m; i++)
        s->gin[i] = s->home[i];
    block_rows(stage, z, block, s->home);
    for (int i = 0; i < r->m; i++)
        s->in[i] = s->home[i];
    rows_outer(s->n_vec, r->m, r->m, s->gin, s->in, s->acc);
}

/* dL += (P^T dW R^T), dR += (L^T P^T dW) on their triangles, ds_i += dR_ii R_ii + gl
 * times the number of copies and lanes; all times `sign`. */
static void chain_factors(const kad_stage *stage, const packed_view *p, const space *s,
                          double sign, double gl, real *dtheta)
{
    const kad_rotation *r = stage->self;
    const int m = r->m;
    double dw[KAD_ROTATION_MAX * KAD_ROTATION_MAX]; /* P^T dW */
    for (int i = 0; i < m; i++)
        for (int j = 0; j < m; j++)
            dw[r->perm[i] * m + j] = sign * (double)kad_lanes_sum(s->acc + i * m + j);
    for (int i = 0; i < m; i++)
        for (int j = 0; j < m; j++) {
            double sum = 0.0;
            if (j < i)
                for (int k = 0; k < m; k++)
                    sum += dw[i * m + k] * p->right[j * m + k];
            else
                for (int k = 0; k < m; k++)
                    sum += p->lower[k * m + i] * dw[k * m + j];
            const size_t at = (size_t)(i * m + j);
            if (j < i)
                dtheta[r->lower + at] += (real)sum;
            else if (j > i)
                dtheta[r->upper + at] += (real)sum;
            else
                dtheta[r->s + (size_t)i] +=
                    (real)(sum * p->right[at] + sign * gl * n_copies(stage) * KAD_W);
        }
}

static void generate_adjoint(const kad_stage *stage, const void *packed, void *x, void *g,
                             double gl, void *dtheta, double *ld, void *scratch)
{
    const kad_rotation *r = stage->self;
    const packed_view p = view(stage, packed);
    const space s = carve(stage, scratch);
    memset(s.acc, 0, (size_t)(r->m * r->m) * sizeof *s.acc);
    for (int b = 0; b < r->n_blocks; b++) {
        apply_block(stage, &s, p.inv, x, b);
        if (dtheta) add_outer(stage, &s, g, x, b);
        apply_block(stage, &s, p.w_t, g, b);
    }
    if (dtheta) chain_factors(stage, &p, &s, 1.0, gl, dtheta);
    kad_lanes_ld_all(ld, -*p.sum * n_copies(stage));
}

static void infer_adjoint(const kad_stage *stage, const void *packed, void *x, void *g,
                          double gl, void *dtheta, double *ld, void *scratch)
{
    const kad_rotation *r = stage->self;
    const packed_view p = view(stage, packed);
    const space s = carve(stage, scratch);
    memset(s.acc, 0, (size_t)(r->m * r->m) * sizeof *s.acc);
    for (int b = 0; b < r->n_blocks; b++) {
        apply_block(stage, &s, p.inv_t, g, b);
        if (dtheta) add_outer(stage, &s, g, x, b);
        apply_block(stage, &s, p.w, x, b);
    }
    if (dtheta) chain_factors(stage, &p, &s, -1.0, gl, dtheta);
    kad_lanes_ld_all(ld, *p.sum * n_copies(stage));
}

const kad_bijector_kern KR(kad_rotation_kern) = {
    .pack = pack,
    .generate = generate,
    .infer = infer,
    .generate_adjoint = generate_adjoint,
    .infer_adjoint = infer_adjoint,
};
