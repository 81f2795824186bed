#include "analysis/combine.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdbool.h>

static bool counts(const kad_estimate *e)
{
    return isfinite(e->value) && isfinite(e->err) && e->err > 0;
}

kad_combined kad_combine(size_t n, const kad_estimate *estimate)
{
    kad_combined all = {.value = NAN, .err = NAN, .chi2 = 0, .p_value = NAN};
    double weight = 0, sum = 0;
    for (size_t i = 0; i < n; i++) {
        if (!counts(&estimate[i])) continue;
        const double w = 1 / (estimate[i].err * estimate[i].err);
        weight += w;
        sum += w * estimate[i].value;
        all.n++;
    }
    if (all.n == 0) return all;
    all.value = sum / weight;
    all.err = 1 / sqrt(weight);
    if (all.n == 1) return all;
    for (size_t i = 0; i < n; i++) {
        const double r = (estimate[i].value - all.value) / estimate[i].err;
        if (counts(&estimate[i])) all.chi2 += r * r;
    }
    const double dof = (double)(all.n - 1);
    all.err *= sqrt(fmax(1, all.chi2 / dof));
    all.p_value = gsl_cdf_chisq_Q(all.chi2, dof);
    return all;
}

size_t kad_worst_pull(size_t n, const kad_estimate *estimate, const double *exact,
                      double *pull)
{
    size_t worst = n;
    *pull = NAN;
    for (size_t i = 0; i < n; i++) {
        const double r = (estimate[i].value - exact[i]) / estimate[i].err;
        if (!counts(&estimate[i]) || !isfinite(exact[i])) continue;
        if (worst < n && fabs(r) <= fabs(*pull)) continue;
        worst = i;
        *pull = r;
    }
    return worst;
}
