#include "sample/step_size.h"

#include <math.h>

static const double GAMMA = 0.2, OFFSET = 10.0, KAPPA = 0.75, LOG_BIAS = 0.693147181;

kad_step_size kad_step_size_start(double start, double longest, double target)
{
    kad_step_size step = {.target = target, .longest = longest, .log_start = log(start)};
    step.log_now = step.log_mean = step.log_start;
    return step;
}

void kad_step_size_update(kad_step_size *step, double acceptance)
{
    if (step->frozen > 0) return;
    step->n += 1;
    const double w = 1 / (step->n + OFFSET), decay = pow(step->n, -KAPPA);
    step->h += w * (step->target - acceptance - step->h);
    double now = step->log_start + LOG_BIAS - sqrt(step->n) / GAMMA * step->h;
    if (now > log(step->longest)) now = log(step->longest);
    step->log_now = now;
    step->log_mean += decay * (now - step->log_mean);
}

void kad_step_size_freeze(kad_step_size *step)
{
    step->frozen = 1;
}

double kad_step_size_now(const kad_step_size *step)
{
    return exp(step->frozen > 0 ? step->log_mean : step->log_now);
}

void kad_step_size_get(const kad_step_size *step, double state[KAD_STEP_SIZE_STATE])
{
    const double all[KAD_STEP_SIZE_STATE] = {
        step->log_start, step->n, step->h, step->log_now, step->log_mean, step->frozen};
    for (int i = 0; i < KAD_STEP_SIZE_STATE; i++)
        state[i] = all[i];
}

void kad_step_size_set(kad_step_size *step, const double state[KAD_STEP_SIZE_STATE])
{
    step->log_start = state[0];
    step->n = state[1];
    step->h = state[2];
    step->log_now = state[3];
    step->log_mean = state[4];
    step->frozen = state[5];
}
