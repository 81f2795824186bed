/* Where curves of two lattice sizes meet, and what follows. A dimensionless quantity (the
 * Binder cumulant, xi/L) is, with t = (T - T_c)/T_c,
 *     U(T, L) = F(t L^{1/nu}) + L^{-omega} G(t L^{1/nu}) + ...,
 * so that the curves of L and s L meet at
 *     T* = T_c + a(s) L^{-1/nu-omega},  a(s) = a_0 (1 - s^{-omega})/(s^{1/nu} - 1),
 * and there  1/nu = ln(U'_{sL}/U'_L)/ln s  up to corrections of order L^{-omega}, and of an
 * O ~ L^{x/nu}:  x/nu = ln(O_{sL}/O_L)/ln s.
 *
 * Errors: everything is done again for every jackknife replica (replicas.h).
 * Sources: Binder, Z. Phys. B 43 (1981) 119; Ballesteros et al., Phys. Lett. B 378 (1996)
 * 207 (quotients); Hasenbusch, J. Phys. A 32 (1999) 4851 (a(s), corrections). */
#ifndef KAD_ANALYSIS_CROSSING_H
#define KAD_ANALYSIS_CROSSING_H

#include "analysis/smooth.h"

/* An observable along the tuned coupling on one lattice. */
typedef struct kad_sized {
    double size; /* L */
    kad_smooth curve;
} kad_sized;

/* What a crossing gives, each with its replicas. */
enum {
    KAD_CROSSING_AT,     /* T* */
    KAD_CROSSING_VALUE,  /* U there */
    KAD_CROSSING_INV_NU, /* NaN where the slopes differ in sign */
    KAD_CROSSING_N
};

typedef struct kad_crossing {
    double size, s;  /* L, s */
    bool found;      /* false: they do not meet where both are known */
    kad_replicas of; /* [KAD_CROSSING_N] */
} kad_crossing;

/* Where `lower` and `upper` meet within both their ranges; of several places the one with
 * the steepest difference. Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_crossing_find(kad_scope *in, const kad_sized *lower,
                                          const kad_sized *upper, kad_crossing *out);

/* x/nu of other curves at the crossing: their values must be positive, else NaN. */
KAD_MUST_USE kad_status kad_crossing_exponent(kad_scope *in, const kad_crossing *c,
                                              const kad_smooth *lower,
                                              const kad_smooth *upper, kad_replicas *out);

/* T_c from crossings. */
typedef enum kad_extrapolation {
    KAD_EXTRAPOLATED_NONE,  /* nothing found */
    KAD_EXTRAPOLATED_LAST,  /* T* of the largest lattices as it is */
    KAD_EXTRAPOLATED_GIVEN, /* T* = T_c + a(s) L^{-1/nu-omega}, omega given */
    KAD_EXTRAPOLATED_FITTED /* the exponent 1/nu + omega fitted too */
} kad_extrapolation;

typedef struct kad_critical {
    kad_extrapolation how;
    kad_replicas tc;       /* [1] */
    double chi2, p_value;  /* NaN without degrees of freedom */
    size_t dof, n;         /* n: crossings used */
    kad_estimate exponent; /* 1/nu + omega where it is fitted, else NaN */
} kad_critical;

/* From the crossings that were found, all of one ratio s (else, omega given, of any).
 * omega NaN: fitted where there are three of them, and T_c is that of the largest where the
 * data do not fix it. inv_nu: 1/nu. Errors: KAD_ENOMEM, KAD_EDATA. */
KAD_MUST_USE kad_status kad_crossing_extrapolate(kad_scope *in, size_t n,
                                                 const kad_crossing *crossing,
                                                 double inv_nu, double omega,
                                                 kad_critical *out);

#endif
