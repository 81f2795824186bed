/* The Kosterlitz-Thouless transition from the helicity modulus Y of an XY model on L x L
 * sites, periodic. At T_KT, and only there,
 *     beta Y(L) = J + A/(ln L + C),  J = 0.6365082, A = 0.3188995,
 * up to terms of higher order in 1/ln L; J is less than the jump's 2/pi by what fields that
 * wind around the lattice take. Two sizes L, s L are rid of C: T_KT is where
 *     A/(beta Y(s L) - J) - A/(beta Y(L) - J) = ln s.
 * Sources: Nelson, Kosterlitz, Phys. Rev. Lett. 39 (1977) 1201; Weber, Minnhagen, Phys. Rev. B
 * 37 (1988) 5986 (the logarithm); Hasenbusch, J. Phys. A 38 (2005) 5869 (J, A). */
#ifndef KAD_ANALYSIS_JUMP_H
#define KAD_ANALYSIS_JUMP_H

#include "analysis/crossing.h"

/* Where beta Y meets 2/pi on one lattice. found false: it does not. Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_jump_meet(kad_scope *in, const kad_sized *beta_y,
                                      kad_crossing *out);
/* T_KT of two sizes, as KAD_CROSSING_AT, with beta Y of the larger one there as its value.
 * found false: not within the couplings of both, above the jump. Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_jump_pair(kad_scope *in, const kad_sized *lower,
                                      const kad_sized *upper, kad_crossing *out);

#endif
