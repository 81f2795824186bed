#include "train/schedule.h"

#include <math.h>
#include <stddef.h>

double kad_schedule_rate(const kad_schedule *s, int64_t step, int n_plateaus)
{
    const double pi = 3.14159265358979323846;
    if (step < s->warmup) return s->rate * (double)(step + 1) / (double)(s->warmup + 1);
    const int64_t rest = s->steps - 1 - s->warmup;
    const double u =
        rest > 0 ? fmin(1.0, (double)(step - s->warmup) / (double)rest) : 1.0;
    switch (s->kind) {
    case KAD_SCHEDULE_COSINE:
        return s->rate_final + (s->rate - s->rate_final) * 0.5 * (1.0 + cos(pi * u));
    case KAD_SCHEDULE_EXPONENTIAL:
        return s->rate * pow(s->rate_final / s->rate, u);
    case KAD_SCHEDULE_PLATEAU:
        return fmax(fmin(s->rate, s->rate_final), ldexp(s->rate, -n_plateaus));
    case KAD_SCHEDULE_CONSTANT:
        break;
    }
    return s->rate;
}

void kad_plateau_reset(kad_plateau *p)
{
    *p = (kad_plateau){.best = INFINITY};
}

void kad_plateau_add(kad_plateau *p, double span, double loss, double error)
{
    const double a = 1.0 / span;
    p->mean += a * (loss - p->mean);
    p->variance += a * (error * error - p->variance);
    p->weight += a * (1.0 - p->weight);
    const double mean = kad_plateau_mean(p);
    p->since++;
    /* the average means something once it has seen about its own span */
    if (p->weight < 0.5 || mean < p->best - kad_plateau_error(p, span)) {
        p->best = mean;
        p->since = 0;
    }
}

double kad_plateau_mean(const kad_plateau *p)
{
    return p->weight > 0.0 ? p->mean / p->weight : NAN;
}

double kad_plateau_error(const kad_plateau *p, double span)
{
    /* sum of the squared weights of an exponential average: a / (2 - a), less the start
     */
    const double a = 1.0 / span;
    if (!(p->weight > 0.0)) return NAN;
    const double q = 1.0 - p->weight;
    const double squares = a / (2.0 - a) * (1.0 - q * q) / (p->weight * p->weight);
    return sqrt(p->variance / p->weight * squares);
}

double kad_anneal_value(double start, double final, int64_t step, int64_t n_anneal)
{
    if (step >= n_anneal) return final;
    return start + (final - start) * ((double)step / (double)n_anneal);
}
