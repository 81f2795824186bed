/* Dual averaging of a step size: Hoffman, Gelman, JMLR 15 (2014) 1593, section 3.2.
 *   ln eps_t = mu - sqrt(t)/gamma * mean of (target - acceptance), mu = ln(2 eps_0),
 *   ln eps_bar = average of ln eps_t with weights t^-kappa,
 * gamma = 0.2, t_0 = 10, kappa = 0.75. eps_bar is what is kept in the end. Their mu =
 * ln(10 eps_0) and gamma = 0.05 are for one chain, whose acceptance is noisier than the
 * mean over many, and for acceptances without a cliff: near the stability limit of a
 * stiff mode gamma = 0.05 still gives 0.99 for 0.8 after 50 updates, 0.2 gives 0.8. */
#ifndef KAD_SAMPLE_STEP_SIZE_H
#define KAD_SAMPLE_STEP_SIZE_H

enum { KAD_STEP_SIZE_STATE = 6 };

typedef struct kad_step_size {
    double target;  /* acceptance wanted */
    double longest; /* no step is longer */
    /* what changes, in the order of the saved state */
    double log_start; /* ln eps_0 */
    double n, h, log_now, log_mean, frozen;
} kad_step_size;

/* eps_0 = start, in (0, longest]. */
kad_step_size kad_step_size_start(double start, double longest, double target);
/* One update by the mean acceptance probability of an update of all chains. */
void kad_step_size_update(kad_step_size *step, double acceptance);
/* No more changes: the average from now on (the start, if there never was an update). */
void kad_step_size_freeze(kad_step_size *step);
/* The step in force. */
double kad_step_size_now(const kad_step_size *step);
/* What save and load need. */
void kad_step_size_get(const kad_step_size *step, double state[KAD_STEP_SIZE_STATE]);
void kad_step_size_set(kad_step_size *step, const double state[KAD_STEP_SIZE_STATE]);

#endif
