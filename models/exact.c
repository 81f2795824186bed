/* What is certain enough to be stated. */
#include "models/exact.h"

#include <float.h>
#include <math.h>

static const double CERTAIN = 1e-9;

bool kad_exact_certain(kad_exact_value x)
{
    return x.error <= CERTAIN * fabs(x.value) && isfinite(x.value);
}

bool kad_exact_certain_ln_z(kad_exact_value x)
{
    return x.error <= CERTAIN * fmax(1, fabs(x.value)) && isfinite(x.value);
}

int kad_exact_digits(kad_exact_value x)
{
    int digits = 1;
    while (digits < 15 && x.error <= 0.5 * fabs(x.value) * pow(10, -digits))
        digits++;
    return digits;
}

kad_exact_log_z kad_exact_state(const char *method, kad_exact_value ln_z,
                                const char *unknown)
{
    const kad_exact_value nothing = {(double)NAN, (double)NAN};
    if (unknown != NULL) return (kad_exact_log_z){nothing, NULL, unknown};
    if (!kad_exact_certain_ln_z(ln_z))
        return (kad_exact_log_z){nothing, NULL, "rounding leaves fewer than 9 digits"};
    return (kad_exact_log_z){ln_z, method, NULL};
}

void kad_exact_show(const kad_exact_log_z *known, kad_action *action)
{
    action->log_z_exact = known->ln_z.value;
    action->log_z_exact_error = known->ln_z.error;
    action->log_z_source = known->source;
    action->log_z_unknown = known->unknown;
}

void kad_exact_add(kad_exact_means *means, const char *name, kad_exact_value x,
                   const char *source)
{
    if (means->n < KAD_EXACT_MEANS)
        means->row[means->n++] = (kad_exact_mean){name, source, x};
}

kad_exact_value kad_exact_times(double factor, kad_exact_value x)
{
    const double value = factor * x.value;
    return (kad_exact_value){value, fabs(factor) * x.error + DBL_EPSILON * fabs(value)};
}
