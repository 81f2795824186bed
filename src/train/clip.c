#include "train/clip.h"

#include <math.h>

enum { SUMS = 8 }; /* partial sums, added in a fixed tree */

double kad_norm(size_t n, const double *gradient)
{
    double sum[SUMS] = {0};
    size_t i = 0;
    for (; i + SUMS <= n; i += SUMS)
        for (int k = 0; k < SUMS; k++)
            sum[k] += gradient[i + (size_t)k] * gradient[i + (size_t)k];
    for (int k = 0; i < n; i++, k++)
        sum[k] += gradient[i] * gradient[i];
    for (int k = SUMS / 2; k > 0; k /= 2)
        for (int j = 0; j < k; j++)
            sum[j] += sum[j + k];
    return sqrt(sum[0]);
}

void kad_clip_init(kad_clip *clip, double factor, double absolute)
{
    *clip = (kad_clip){.factor = factor, .absolute = absolute, .running = -1.0};
}

double kad_clip_apply(kad_clip *clip, double norm, size_t n, double *gradient)
{
    double limit = INFINITY;
    if (clip->factor > 0.0 && clip->running > 0.0) limit = clip->factor * clip->running;
    if (clip->absolute > 0.0) limit = fmin(limit, clip->absolute);
    const double scale = norm > limit ? limit / norm : 1.0;
    if (scale < 1.0) {
        clip->n_clipped++;
        for (size_t i = 0; i < n; i++)
            gradient[i] *= scale;
    }
    const double seen = norm * scale;
    clip->running = clip->running < 0.0 ? seen : 0.99 * clip->running + 0.01 * seen;
    return scale;
}

void kad_average_init(kad_average *a, double decay)
{
    *a = (kad_average){.decay = decay, .remainder = 1.0};
}

void kad_average_add(kad_average *a, size_t n, const double *restrict theta,
                     double *restrict average)
{
    a->remainder *= a->decay;
    const double w = (1.0 - a->decay) / (1.0 - a->remainder);
    for (size_t i = 0; i < n; i++)
        average[i] += w * (theta[i] - average[i]);
}
