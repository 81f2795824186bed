#include "base/jackknife.h"

#include <math.h>

kad_jackknife kad_jackknife_start(double full)
{
    return (kad_jackknife){.full = full};
}

void kad_jackknife_add(kad_jackknife *jackknife, double left_out)
{
    const double d = left_out - jackknife->full;
    jackknife->sum += d;
    jackknife->square += d * d;
    jackknife->fourth += d * d * d * d;
    jackknife->n++;
}

double kad_jackknife_error(const kad_jackknife *jackknife)
{
    const double n = (double)jackknife->n;
    if (jackknife->n < 2) return NAN;
    const double spread = jackknife->square - jackknife->sum * jackknife->sum / n;
    return spread > 0.0 ? sqrt((n - 1.0) / n * spread) : NAN;
}

double kad_spread_dof(double n, double square, double fourth)
{
    const double noise = fourth / square / square - 1.0 / n;
    if (!(square > 0.0) || isnan(noise)) return NAN;
    return noise > 2.0 / n ? 2.0 / noise : n; /* no distribution is surer than so */
}

double kad_jackknife_dof(const kad_jackknife *jackknife)
{
    return kad_spread_dof((double)jackknife->n, jackknife->square, jackknife->fourth);
}

double kad_jackknife_corrected(const kad_jackknife *jackknife)
{
    const double n = (double)jackknife->n;
    if (jackknife->n < 2) return jackknife->full;
    return jackknife->full - (n - 1.0) * jackknife->sum / n;
}
