/* One phi^4 site in a field h, all O(n), n = 1, 2, 3:
 *     Z_1(|h|) = int d^n phi exp(h.phi - mu |phi|^2 - lambda |phi|^4)
 * its logarithm to rounding, and exact draws from its density. Also the spin weights
 * w_n(r) = mean of exp(r.s) over unit spins: cosh r, I_0(r), sinh(r)/r. */
#ifndef KAD_MODELS_SINGLE_SITE_H
#define KAD_MODELS_SINGLE_SITE_H

#include "base/rng.h"
#include "models/radial_table.h"

#include <stdbool.h>

/* ln w_n(r), r >= 0, to rounding. */
double kad_spin_ln_weight(int n, double r);
/* ln w_n(r) - r, also to rounding. */
double kad_spin_ln_weight_scaled(int n, double r);
/* w_n'(r) / w_n(r): tanh r, I_1/I_0, coth r - 1/r. */
double kad_spin_mean(int n, double r);
/* Table of F(s) = ln w_n(sqrt s). */
void kad_spin_table(kad_radial_table *table, int n);

enum { KAD_SINGLE_SITE_NODES = 32 };

typedef struct kad_single_site {
    int n;
    double mu, lambda;            /* lambda > 0, or lambda = 0 and mu > 0 */
    const kad_radial_table *spin; /* ln w_n to use (borrowed); NULL: closed forms */
    double ln_z0;                 /* ln Z_1(0) */
    double m2;                    /* <|phi|^2> at h = 0 */
    int n_attempts; /* made for all lanes at once (phi4_complete_kern.c); 0: a deep well */
    /* positive half of the quadrature rule */
    double node[KAD_SINGLE_SITE_NODES], weight[KAD_SINGLE_SITE_NODES];
} kad_single_site;

/* spin: table from kad_spin_table, which makes n = 2 ten times faster, or NULL. */
void kad_single_site_init(kad_single_site *site, int n, double mu, double lambda,
                          const kad_radial_table *spin);
/* ln Z_1(|h|); m2 (may be NULL) = <|phi|^2>. */
double kad_single_site_ln_z(const kad_single_site *site, double h, double *m2);
/* Table of F(s) = ln Z_1(sqrt s) - ln Z_1(0); F'(0) = m2 / (2 n). */
void kad_single_site_table(const kad_single_site *site, kad_radial_table *table);

/* Position of the peak of r^{n-1} w_n(h r) exp(-mu r^2 - lambda r^4); 0 when it decreases
 * from r = 0 (n = 1, h^2 <= 2 mu). */
double kad_single_site_peak(const kad_single_site *site, double h);

/* An exact draw of phi given h: rejection from the Gaussian whose exponent touches the
 * quartic's; after many attempts, as in the deep wells of mu << -sqrt lambda, by the
 * radius. Counters used: first, first + stride, ... of the stream. */
void kad_single_site_draw(const kad_single_site *site, kad_rng rng, uint64_t step,
                          uint64_t sample, uint32_t first, uint32_t stride,
                          const double *h, double *phi);

/* The same by the radius and then the direction, lambda > 0: some three attempts whatever
 * the couplings, each dearer than the Gaussian's (radial_draw.c). False when there is no
 * peak at r > 0: nothing is drawn. */
bool kad_single_site_draw_radial(const kad_single_site *site, kad_rng rng, uint64_t step,
                                 uint64_t sample, const double *h, double *phi);

/* c of the envelope exp(h.phi - c |phi|^2 + lambda b^2), c = mu + 2 lambda b. */
double kad_single_site_envelope(const kad_single_site *site, double h2);

#endif
