#include "lattice/fourier.h"

#include "base/memory.h"

#include <fftw3.h>

struct kad_fourier {
    fftw_plan forward, backward;
    size_t n_sites, n_modes;
};

kad_status kad_fourier_create(kad_ctx *ctx, const kad_lattice *lattice, kad_fourier **out)
{
    KAD_SCOPE(scope, ctx);
    KAD_LOCAL(kad_fourier, plan);
    double *field;
    fftw_complex *modes;
    const int d = lattice->d, last = lattice->shape[lattice->d - 1];

    *out = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *plan, &plan));
    plan->n_sites = (size_t)lattice->n_sites;
    plan->n_modes = plan->n_sites / (size_t)last * (size_t)(last / 2 + 1);
    KAD_CALL(kad_take(&scope, plan->n_sites, &field));
    KAD_CALL(kad_take(&scope, plan->n_modes, &modes));
    plan->forward = fftw_plan_dft_r2c(d, lattice->shape, field, modes,
                                      FFTW_ESTIMATE | FFTW_DESTROY_INPUT);
    plan->backward = fftw_plan_dft_c2r(d, lattice->shape, modes, field,
                                       FFTW_ESTIMATE | FFTW_DESTROY_INPUT);
    if (plan->forward == NULL || plan->backward == NULL)
        return kad_fail(ctx, KAD_EINTERNAL, "fftw: no plan for %zu sites", plan->n_sites);
    *out = plan;
    plan = NULL;
    return KAD_OK;
}

void kad_fourier_destroy(kad_fourier *plan)
{
    if (plan == NULL) return;
    if (plan->forward != NULL) fftw_destroy_plan(plan->forward);
    if (plan->backward != NULL) fftw_destroy_plan(plan->backward);
    kad_free(plan);
}

size_t kad_fourier_n_modes(const kad_fourier *plan)
{
    return plan->n_modes;
}

/* The modes, then a copy of the field, each from a cache line of its own. */
static size_t padded_modes(const kad_fourier *plan)
{
    return (2 * plan->n_modes + 7) / 8 * 8;
}

size_t kad_fourier_scratch(const kad_fourier *plan)
{
    return padded_modes(plan) + (plan->n_sites + 7) / 8 * 8;
}

void kad_fourier_power(const kad_fourier *plan, const double *phi, double *P,
                       double *scratch)
{
    fftw_complex *modes = (fftw_complex *)scratch;
    double *field = scratch + padded_modes(plan);
    const double weight = 1.0 / (double)plan->n_sites;
    for (size_t i = 0; i < plan->n_sites; i++)
        field[i] = phi[i];
    fftw_execute_dft_r2c(plan->forward, field, modes);
    for (size_t k = 0; k < plan->n_modes; k++)
        P[k] += weight * (scratch[2 * k] * scratch[2 * k] +
                          scratch[2 * k + 1] * scratch[2 * k + 1]);
}

void kad_fourier_correlator(const kad_fourier *plan, const double *P, double *G,
                            double *scratch)
{
    const double weight = 1.0 / (double)plan->n_sites;
    for (size_t k = 0; k < plan->n_modes; k++) {
        scratch[2 * k] = weight * P[k];
        scratch[2 * k + 1] = 0.0;
    }
    fftw_execute_dft_c2r(plan->backward, (fftw_complex *)scratch, G);
}
