#include "image/mean.h"

#include <math.h>

static void end_picture(kad_image_mean *m)
{
    const double c = (double)m->here;
    m->squares += m->sum_here * m->sum_here;
    m->cross += m->sum_here * c;
    m->count += c * c;
    m->sum_here = 0;
    m->here = 0;
}

void kad_image_mean_add(kad_image_mean *m, size_t picture, double x)
{
    if (m->n == 0) m->origin = x;
    if (m->n == 0 || picture != m->at) {
        end_picture(m);
        m->at = picture;
        m->n_pictures++;
    }
    m->n++;
    m->here++;
    m->sum += x - m->origin;
    m->sum_here += x - m->origin;
}

double kad_image_mean_value(const kad_image_mean *m)
{
    return m->n > 0 ? m->origin + m->sum / (double)m->n : NAN;
}

double kad_image_mean_error(const kad_image_mean *mean)
{
    kad_image_mean m = *mean;
    const double n = (double)m.n, pictures = (double)m.n_pictures;
    if (m.n_pictures < 2) return NAN;
    end_picture(&m);
    const double r = m.sum / n;
    const double all = m.squares - 2 * r * m.cross + r * r * m.count;
    return sqrt(pictures / (pictures - 1) * fmax(0, all)) / n;
}
