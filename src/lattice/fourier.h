/* Discrete Fourier transform of one field on the lattice, in double, by FFTW (ESTIMATE:
 * the same plan, hence the same bits, in every process):
 *     phi_k = sum_i phi_i e^{-i k.x_i},   k_mu = 2 pi n_mu / L_mu.
 * Real fields need half of the modes: the last axis runs over n = 0 .. L/2, the others
 * over 0 .. L - 1 (row-major, like sites). A plan is read-only after creation; many
 * threads may use it. */
#ifndef KAD_LATTICE_FOURIER_H
#define KAD_LATTICE_FOURIER_H

#include "base/memory.h"
#include "lattice/lattice.h"

#include <stddef.h>

typedef struct kad_fourier kad_fourier;

KAD_MUST_USE kad_status kad_fourier_create(kad_ctx *ctx, const kad_lattice *lattice,
                                           kad_fourier **out);
void kad_fourier_destroy(kad_fourier *plan);
KAD_LOCAL_OF(kad_fourier, kad_fourier_destroy)
/* Modes of the half spectrum, and doubles of scratch (64-byte aligned, one a thread). */
size_t kad_fourier_n_modes(const kad_fourier *plan);
size_t kad_fourier_scratch(const kad_fourier *plan);

/* P[mode] += |phi_k|^2 / N. phi [n_sites], 64-byte aligned. */
void kad_fourier_power(const kad_fourier *plan, const double *phi, double *P,
                       double *scratch);
/* G[site] = (1/N) sum_k P(k) e^{i k.r}, over all modes: the correlation function of a
 * power spectrum. G [n_sites], 64-byte aligned. */
void kad_fourier_correlator(const kad_fourier *plan, const double *P, double *G,
                            double *scratch);

#endif
