#include "base/accept.h"

#include <math.h>

bool kad_accept_independent(double log_w_new, double log_w_old, double u)
{
    if (!(log_w_new > -INFINITY)) return false;
    return log(u) < log_w_new - log_w_old;
}

void kad_accept_walk(kad_accept_rule rule, size_t n, const double *log_w, const double *u,
                     double *log_w_state, uint8_t *accepted, ptrdiff_t *i_state)
{
    *i_state = -1;
    for (size_t i = 0; i < n; i++) {
        accepted[i] = rule(log_w[i], *log_w_state, u[i]);
        if (!accepted[i]) continue;
        *log_w_state = log_w[i];
        *i_state = (ptrdiff_t)i;
    }
}
