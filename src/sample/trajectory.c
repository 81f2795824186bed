#include "sample/trajectory.h"

#include "base/signals.h"

#include <string.h>

enum { W = KAD_W_DOUBLE };

/* Position versions: exactly n_kicks forces a step, none left over at the ends.
 * lambda of Omelyan, Mryglod, Folk, Comput. Phys. Commun. 151 (2003) 272, eq. 31. */
#define LAMBDA 0.1931833275037836
static const kad_integrator integrators[] = {
    {.name = "leapfrog",
     .reference = "10.1016/0370-2693(87)91197-X",
     .n_kicks = 1,
     .drift = {0.5, 0.5},
     .kick = {1.0}},
    {.name = "omelyan",
     .reference = "10.1016/S0010-4655(02)00754-3",
     .n_kicks = 2,
     .drift = {LAMBDA, 1.0 - 2.0 * LAMBDA, LAMBDA},
     .kick = {0.5, 0.5}},
};

enum { N_INTEGRATORS = sizeof integrators / sizeof *integrators };

const char *kad_integrator_name(size_t i)
{
    return i < N_INTEGRATORS ? integrators[i].name : NULL;
}

const kad_integrator *kad_integrator_find(const char *name)
{
    for (size_t i = 0; i < N_INTEGRATORS; i++)
        if (strcmp(integrators[i].name, name) == 0) return &integrators[i];
    return NULL;
}

/* q += eps p */
static void drift(size_t n_rows, double eps, double *restrict q, const double *restrict p)
{
    for (size_t r = 0; r < n_rows; r++, q += W, p += W)
        for (int l = 0; l < W; l++)
            q[l] += eps * p[l];
}

/* p -= eps g, float or double g of lanes `at` ... of a tile */
static void kick_single(size_t n_rows, double eps, const float *restrict g,
                        double *restrict p)
{
    for (size_t r = 0; r < n_rows; r++, g += KAD_W_SINGLE, p += W)
        for (int l = 0; l < W; l++)
            p[l] -= eps * (double)g[l];
}

static void narrow(size_t n_rows, const double *restrict q, float *restrict out)
{
    for (size_t r = 0; r < n_rows; r++, q += W, out += KAD_W_SINGLE)
        for (int l = 0; l < W; l++)
            out[l] = (float)q[l];
}

void kad_kick(const kad_hmc_target *target, double eps, const double *q, double *p,
              void *work, void *g, void *scratch)
{
    const size_t n_rows = target->n_rows, size = n_rows * W;
    if (target->prec == KAD_DOUBLE) {
        memcpy(work, q, size * sizeof *q);
        target->force(target, work, g, scratch);
        drift(n_rows, -eps, p, g);
        return;
    }
    for (size_t sub = 0; sub < KAD_W_SINGLE / W; sub++)
        narrow(n_rows, q + sub * size, (float *)work + sub * W);
    target->force(target, work, g, scratch);
    for (size_t sub = 0; sub < KAD_W_SINGLE / W; sub++)
        kick_single(n_rows, eps, (const float *)g + sub * W, p + sub * size);
}

bool kad_trajectory(const kad_hmc_target *target, const kad_integrator *integrator,
                    double eps, int n_steps, double begun, double *q, double *p,
                    void *work, void *g, void *scratch)
{
    const int n = integrator->n_kicks;
    const size_t rows = target->n_rows * (size_t)(kad_lanes(target->prec) / W);
    for (int step = 0; step < n_steps; step++) {
        /* the last drift of a step and the first of the next are one; symmetric */
        const double first = integrator->drift[0] * (step > 0 ? 2.0 : 1.0);
        if (kad_stop_overdue(begun)) return false;
        for (int k = 0; k < n; k++) {
            drift(rows, eps * (k > 0 ? integrator->drift[k] : first), q, p);
            kad_kick(target, eps * integrator->kick[k], q, p, work, g, scratch);
        }
    }
    if (n_steps > 0) drift(rows, eps * integrator->drift[n], q, p);
    return true;
}

void kad_kinetic(size_t n_rows, const double *p, double *K)
{
    memset(K, 0, W * sizeof *K);
    for (size_t r = 0; r < n_rows; r++, p += W)
        for (int l = 0; l < W; l++)
            K[l] += 0.5 * p[l] * p[l];
}
