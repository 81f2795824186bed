/* Channels of a bond between O(n) vectors,
 *     exp(x s.s' - x) = sum_l q_l(x) (projector on channel l),  q_0 = w_n(x) e^{-x},
 *     q_l / q_{l-1} = 1 / ((2l + n - 2)/x + q_{l+1}/q_l)   (Gegenbauer polynomials),
 * channel l having kad_exact_multiplicity states. n = 1: the even and the odd one. */
#ifndef KAD_MODELS_EXACT_RING_H
#define KAD_MODELS_EXACT_RING_H

#include "models/exact.h"

/* q_l(x), l = 0 .. n_channels - 1, for x >= 0. */
void kad_exact_channels(int n, double x, int n_channels, double *q);
int kad_exact_multiplicity(int n, int l);
/* -1 for odd channels of antiferromagnetic bonds on odd rings. */
double kad_exact_channel_sign(double coupling, int l, int L);

/* A ring of O(n) phi^4: minimum of the wells W(r) = m r^2 + lambda r^4 + constant at r0,
 * t with its sign, m = mu - |t|. */
typedef struct kad_exact_chain {
    int n, L;
    double t, m, lambda, r0;
} kad_exact_chain;

/* W at r0 + y. */
double kad_exact_well(const kad_exact_chain *chain, double y);
/* y in one direction (+-1), at most `most` away, where `cost`, which grows, is `fall`. */
double kad_exact_window(const kad_exact_chain *chain,
                        double (*cost)(const kad_exact_chain *chain, double y),
                        double fall, double direction, double most);
/* ln of the area of the unit sphere. */
double kad_exact_ln_sphere(int n);
/* ln Z, without the minimum of the wells, from the distribution of the mean field; value
 * NaN where that is not possible. */
KAD_MUST_USE kad_status kad_exact_mean_field(kad_ctx *ctx, const kad_exact_chain *chain,
                                             kad_exact_value *ln_z);

#endif
