/* Gauss-Legendre quadrature on (-1, 1). */
#ifndef KAD_MODELS_LEGENDRE_H
#define KAD_MODELS_LEGENDRE_H

/* The positive half of the symmetric rule of 2 n_half nodes, largest node first. */
void kad_legendre(int n_half, double *node, double *weight);

#endif
