#include "base/grouped.h"

#include <math.h>

static void end_group(kad_grouped_mean *m)
{
    const double c = (double)m->here;
    m->squares += m->sum_here * m->sum_here;
    m->cross += m->sum_here * c;
    m->count += c * c;
    m->sum_here = 0;
    m->here = 0;
}

void kad_grouped_mean_add(kad_grouped_mean *m, size_t group, double x)
{
    if (m->n == 0) m->origin = x;
    if (m->n == 0 || group != m->at) {
        end_group(m);
        m->at = group;
        m->n_groups++;
    }
    m->n++;
    m->here++;
    m->sum += x - m->origin;
    m->sum_here += x - m->origin;
}

double kad_grouped_mean_value(const kad_grouped_mean *m)
{
    return m->n > 0 ? m->origin + m->sum / (double)m->n : NAN;
}

double kad_grouped_mean_error(const kad_grouped_mean *mean)
{
    kad_grouped_mean m = *mean;
    const double n = (double)m.n, groups = (double)m.n_groups;
    if (m.n_groups < 2) return NAN;
    end_group(&m);
    const double r = m.sum / n;
    const double all = m.squares - 2 * r * m.cross + r * r * m.count;
    return sqrt(groups / (groups - 1) * fmax(0, all)) / n;
}
