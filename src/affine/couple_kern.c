#include "affine/couple.h"

#include "base/vmath.h"

#include <string.h>

typedef KR(kad_affine_desk) desk_of_net;

static vreal *at(real *x, int row, int v)
{
    return (vreal *)(x + row * KAD_W + v * KAD_V);
}

/* What the nets see. */
static void look(const kad_affine_stage *s, const kad_affine_pass *pass, const real *x,
                 real *u)
{
    memset(u, 0, (size_t)s->n_rows * KAD_W * sizeof *u);
    for (int i = 0; i < pass->n_seen; i++)
        memcpy(u + pass->seen[i] * KAD_W, x + pass->seen[i] * KAD_W, KAD_W * sizeof *u);
}

/* Runs a net; rows that move get their factor times the last stream in `to`. */
static const real *net(const kad_affine_stage *s, const kad_affine_pass *pass,
                       const real *packed, desk_of_net *d, const real *x, real *to)
{
    look(s, pass, x, d->u[0]);
    const real *u = KR(kad_affine_net_up)(&s->net, (int)(pass - s->pass), packed, d);
    for (int i = 0; i < pass->n_moved && to; i++)
        for (int v = 0; v < KAD_NV; v++)
            *at(to, pass->moved[i], v) =
                packed[pass->moved[i]] * *at((real *)u, pass->moved[i], v);
    return u;
}

void KR(kad_affine_layer_infer)(const kad_affine_stage *s, const real *s_net,
                                const real *t_net, desk_of_net *d, real *x,
                                double *ln_det)
{
    for (int p = 0; p < s->n_passes; p++) {
        const kad_affine_pass *pass = &s->pass[p];
        net(s, pass, t_net, d, x, d->t);
        const real *u = net(s, pass, s_net, d, x, NULL);
        for (int i = 0; i < pass->n_moved; i++) {
            const int r = pass->moved[i];
            double *sum = ln_det + s->channel[r] * KAD_W;
            real values[KAD_W] __attribute__((aligned(64)));
            for (int v = 0; v < KAD_NV; v++) {
                const vreal by = kad_vtanh(s_net[r] * *at((real *)u, r, v));
                *at(x, r, v) = *at(x, r, v) * kad_vexp(by) + *at(d->t, r, v);
                *at(values, 0, v) = by;
            }
            for (int l = 0; l < KAD_W; l++)
                sum[l] += (double)values[l];
        }
    }
}

void KR(kad_affine_layer_generate)(const kad_affine_stage *s, const real *s_net,
                                   const real *t_net, desk_of_net *d, real *x)
{
    for (int p = s->n_passes - 1; p >= 0; p--) {
        const kad_affine_pass *pass = &s->pass[p];
        net(s, pass, t_net, d, x, d->t);
        const real *u = net(s, pass, s_net, d, x, NULL);
        for (int i = 0; i < pass->n_moved; i++) {
            const int r = pass->moved[i];
            for (int v = 0; v < KAD_NV; v++) {
                const vreal by = kad_vtanh(s_net[r] * *at((real *)u, r, v));
                *at(x, r, v) = (*at(x, r, v) - *at(d->t, r, v)) * kad_vexp(-by);
            }
        }
    }
}

/* The net's gradient reaches what it saw. */
static void pass_on(const kad_affine_stage *s, const kad_affine_pass *pass,
                    const real *packed, desk_of_net *d, real *dx, real *sums)
{
    KR(kad_affine_net_down)(&s->net, (int)(pass - s->pass), packed, d, sums);
    for (int i = 0; i < pass->n_seen; i++)
        for (int v = 0; v < KAD_NV; v++)
            *at(dx, pass->seen[i], v) += *at(d->du, pass->seen[i], v);
}

/* The shifts need no scales: dL/dt = dL/dz. */
static void shift_down(const kad_affine_stage *s, const kad_affine_pass *pass,
                       const real *packed, desk_of_net *d, const real *x, real *dx,
                       real *sums)
{
    const real *u = net(s, pass, packed, d, x, d->t);
    memset(d->du, 0, (size_t)s->n_rows * KAD_W * sizeof *d->du);
    for (int i = 0; i < pass->n_moved; i++) {
        const int r = pass->moved[i];
        KR(kad_affine_scale_sum)(r, dx + r * KAD_W, u + r * KAD_W, sums);
        for (int v = 0; v < KAD_NV; v++)
            *at(d->du, r, v) = packed[r] * *at(dx, r, v);
    }
    pass_on(s, pass, packed, d, dx, sums);
}

/* With z - t = x e^s: dL/ds = dL/dz (z - t) + dL/d ln_det, x = (z - t) e^-s,
 * dL/dx = dL/dz e^s. */
static void scale_down(const kad_affine_stage *s, const kad_affine_pass *pass,
                       const real *packed, const real *by_ln_det, desk_of_net *d, real *x,
                       real *dx, real *sums)
{
    const real *u = net(s, pass, packed, d, x, NULL);
    memset(d->du, 0, (size_t)s->n_rows * KAD_W * sizeof *d->du);
    for (int i = 0; i < pass->n_moved; i++) {
        const int r = pass->moved[i];
        for (int v = 0; v < KAD_NV; v++) {
            const vreal by = kad_vtanh(packed[r] * *at((real *)u, r, v)),
                        moved = *at(x, r, v) - *at(d->t, r, v), up = *at(dx, r, v);
            const vreal ds = up * moved + ((const vreal *)by_ln_det)[v];
            *at(d->du, r, v) = ds * (1 - by * by);
            *at(x, r, v) = moved * kad_vexp(-by);
            *at(dx, r, v) = up * kad_vexp(by);
        }
        KR(kad_affine_scale_sum)(r, d->du + r * KAD_W, u + r * KAD_W, sums);
        for (int v = 0; v < KAD_NV; v++)
            *at(d->du, r, v) *= packed[r];
    }
    pass_on(s, pass, packed, d, dx, sums);
}

void KR(kad_affine_layer_adjoint)(const kad_affine_stage *s, const real *s_net,
                                  const real *t_net, const real *by_ln_det,
                                  desk_of_net *d, real *x, real *dx, real *sums)
{
    for (int p = s->n_passes - 1; p >= 0; p--) {
        const kad_affine_pass *pass = &s->pass[p];
        shift_down(s, pass, t_net, d, x, dx,
                   sums ? sums + KR(kad_affine_sums)(&s->net) : NULL);
        scale_down(s, pass, s_net, by_ln_det, d, x, dx, sums);
    }
}
