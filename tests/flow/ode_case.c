#include "tests/flow/ode_case.h"

#include "base/memory.h"
#include "tests/support/claim.h"

kad_ode_options ode_case_options(int features, int time_modes, bool marks)
{
    return (kad_ode_options){.features = features,
                             .time_modes = time_modes,
                             .tolerance = 1e-4,
                             .marks = marks};
}

void rig_open_on(rig *r, int d, const int *shape, int n_comp, bool sublattice,
                 kad_ode_options o, double noise)
{
    const kad_rng rng = kad_rng_stream(7, KAD_RNG_TEST, 0);
    memset(r, 0, sizeof *r);
    kad_ctx_init(&r->ctx, 1);
    assert_int_equal(kad_lattice_create(&r->ctx, d, shape, &r->lattice), KAD_OK);
    assert_int_equal(
        kad_ode_create(&r->ctx, r->lattice, n_comp, sublattice, &o, &r->stage), KAD_OK);
    r->s = r->stage.self;
    r->size = (size_t)r->stage.n_rows * W;
    r->theta = kad_alloc(r->stage.n_theta + 2, sizeof *r->theta);
    r->z = kad_alloc(r->size, sizeof *r->z);
    r->x = kad_alloc(r->size, sizeof *r->x);
    r->packed = kad_alloc(r->stage.packed_bytes[KAD_DOUBLE], 1);
    r->scratch = kad_alloc(r->stage.scratch_bytes[KAD_DOUBLE], 1);
    assert_true(r->theta && r->z && r->x && r->packed && r->scratch);
    r->stage.ops->init(&r->stage, rng, 0, r->theta);
    for (size_t i = 0; i < r->stage.n_theta; i++) {
        double u[2];
        kad_rng_normal2(rng, 1, i, 0, u);
        r->theta[i] += noise * u[0];
    }
    for (size_t i = 0; i < r->size; i += 2)
        kad_rng_normal2(rng, 2, i, 0, r->z + i);
    r->stage.ops->kern[KAD_DOUBLE]->pack(&r->stage, r->theta, r->packed);
}

void rig_open_of(rig *r, int d, const int *shape, int n_comp, kad_ode_options o,
                 double noise)
{
    rig_open_on(r, d, shape, n_comp, false, o, noise);
}

void rig_open(rig *r, int d, const int *shape, kad_ode_options o, double noise)
{
    rig_open_of(r, d, shape, 1, o, noise);
}

void rig_close(rig *r)
{
    double *all[] = {r->theta, r->z, r->x};
    for (int i = 0; i < 3; i++)
        kad_free(all[i]);
    kad_free(r->packed);
    kad_free(r->scratch);
    kad_stage_clear(&r->stage);
    kad_lattice_destroy(r->lattice);
}

/* x = generate(z) in n steps. */
void rig_generate(rig *r, int n, double *ld)
{
    memcpy(r->x, r->z, r->size * sizeof *r->x);
    memset(ld, 0, W * sizeof *ld);
    r->stage.ops->solver->set_steps(&r->stage, r->packed, n);
    r->stage.ops->kern[KAD_DOUBLE]->generate(&r->stage, r->packed, r->x, ld, r->scratch);
}

/* ---- the equation -------------------------------------------------------------------*/

/* w_f(k; t) of a mode. */
double rig_weight(const rig *r, int f, int mode, double t)
{
    const kad_ode_options *o = &r->s->options;
    const size_t row = (size_t)r->s->modes.orbit_of[mode];
    double sum = 0;
    for (int m = 0; m < o->time_modes; m++)
        sum += cos(m * M_PI * t) * r->theta[r->s->weights +
                                            (row * (size_t)r->s->n_features + (size_t)f) *
                                                (size_t)o->time_modes +
                                            (size_t)m];
    return sum;
}

/* W_f(x - x'; t) = (1/N) sum_k w_f(k; t) prod_mu cos(2 pi k_mu (x - x')_mu / L_mu). */
static double kernel(const rig *r, int f, int x, int y, double t)
{
    const kad_lattice *l = r->lattice;
    int a[KAD_MAX_DIM], b[KAD_MAX_DIM], k[KAD_MAX_DIM];
    double sum = 0;
    kad_lattice_coords(l, x, a);
    kad_lattice_coords(l, y, b);
    for (int mode = 0; mode < l->n_sites; mode++) {
        double part = rig_weight(r, f, mode, t);
        kad_lattice_coords(l, mode, k);
        for (int mu = 0; mu < l->d; mu++)
            part *= cos(2 * M_PI * k[mu] * (a[mu] - b[mu]) / l->shape[mu]);
        sum += part;
    }
    return sum / l->n_sites;
}

/* value = b_f(c) F_f(phi) at a site, phi of n components; the trace of its derivative. */
static double feature(const rig *r, int f, int site, const double *phi, double *value)
{
    const kad_ode *s = r->s;
    const int n = r->stage.n_comp;
    const bool linear = f < s->n_linear;
    const double omega = linear ? 0 : r->theta[s->omega + (size_t)(f - s->n_linear)];
    int at[KAD_MAX_DIM], c = 0;
    double b = 1, r2 = 0;
    kad_lattice_coords(r->lattice, site, at);
    for (int mu = 0; mu < r->lattice->d; mu++) /* classes in order of their first site */
        if (r->lattice->shape[mu] % 2 == 0) c = 2 * c + at[mu] % 2;
    if (s->n_marks > 1) b = r->theta[s->marks + (size_t)(f * s->n_marks + c)];
    for (int k = 0; k < n; k++)
        r2 += phi[k] * phi[k];
    const double length = sqrt(r2);
    for (int k = 0; k < n; k++)
        value[k] = b * phi[k] * (linear ? 1 : sin(omega * length) / length);
    return b * (linear ? n
                       : omega * cos(omega * length) +
                             (n - 1) * sin(omega * length) / length);
}

/* Velocity and divergence of one field. */
static double naive_velocity(const rig *r, double t, const double *phi, double *v)
{
    const int n = r->stage.n_comp, n_sites = r->lattice->n_sites;
    double div = 0, value[4];
    for (int i = 0; i < n_sites * n; i++)
        v[i] = 0;
    for (int f = 0; f < r->s->n_features; f++)
        for (int y = 0; y < n_sites; y++) {
            div += kernel(r, f, y, y, t) * feature(r, f, y, phi + y * n, value);
            for (int x = 0; x < n_sites; x++)
                for (int c = 0; c < n; c++)
                    v[x * n + c] += kernel(r, f, x, y, t) * value[c];
        }
    return div;
}

/* |v|^2, and |dv/dphi|^2 by central differences. */
static void naive_norms(const rig *r, double t, const double *phi, double *norms)
{
    const int n = r->stage.n_rows;
    const double h = 1e-5;
    double at[ODE_CASE_ROWS], one[ODE_CASE_ROWS], two[ODE_CASE_ROWS];
    naive_velocity(r, t, phi, one);
    norms[0] = norms[1] = 0;
    for (int i = 0; i < n; i++)
        norms[0] += one[i] * one[i];
    for (int j = 0; j < n; j++) {
        memcpy(at, phi, (size_t)n * sizeof *at);
        at[j] = phi[j] + h;
        naive_velocity(r, t, at, one);
        at[j] = phi[j] - h;
        naive_velocity(r, t, at, two);
        for (int i = 0; i < n; i++)
            norms[1] += pow((one[i] - two[i]) / (2 * h), 2);
    }
}

/* The method's formulas, one step; integrals (NULL: not wanted) += those of the norms. */
double rig_naive_step(const rig *r, double t, double h, double *phi, double *integrals)
{
    double X[ODE_CASE_ROWS], v[KAD_RK_STAGES][ODE_CASE_ROWS], ld = 0, norms[2];
    const int n = r->stage.n_rows;
    assert_true(n <= ODE_CASE_ROWS);
    for (int i = 0; i < KAD_RK_STAGES; i++) {
        const double at = t + kad_rk_method.c[i] * h, weight = h * kad_rk_method.b[i];
        for (int x = 0; x < n; x++) {
            X[x] = phi[x];
            for (int j = 0; j < i; j++)
                X[x] += h * kad_rk_method.a[i][j] * v[j][x];
        }
        ld += weight * naive_velocity(r, at, X, v[i]);
        if (!integrals) continue;
        naive_norms(r, at, X, norms);
        for (int k = 0; k < 2; k++)
            integrals[k] += weight * norms[k];
    }
    for (int x = 0; x < n; x++)
        for (int i = 0; i < KAD_RK_STAGES; i++)
            phi[x] += h * kad_rk_method.b[i] * v[i][x];
    return ld;
}

static const int shapes[][3] = {{5, 1, 1}, {4, 3, 1}, {2, 2, 2}};

/* Case k of eighteen: dimensions, components 1 to 3, without marks and with them. */
void rig_case(rig *r, int k)
{
    const int d = 1 + k % 3, n_comp = d == 2 ? 1 + k / 3 % 2 : 1 + k / 3 % 3;
    rig_open_of(r, d, shapes[d - 1], n_comp, ode_case_options(2, 2, k >= 9), 0.2);
}
