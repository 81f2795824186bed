#ifndef KAD_BASE_LOG_ADD_H
#define KAD_BASE_LOG_ADD_H

#include <math.h>

/* ln(e^a + e^b) without overflow; -inf stands for ln 0. */
static inline double kad_log_add(double a, double b)
{
    const double top = fmax(a, b);
    if (isfinite(top)) return top + log1p(exp(-fabs(a - b)));
    return isnan(a) || isnan(b) ? NAN : top;
}

#endif
