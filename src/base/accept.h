/* The accept/reject rule of independent proposals.
 *
 * With weights w = pi/q a proposal y' ~ q replaces the state y with probability
 * min(1, w(y') / w(y)); pi is then invariant (detailed balance: pi(y) q(y') min(1, w'/w)
 * = q(y) q(y') min(w, w') is symmetric).
 * A weight of zero (ln w = -inf) is never accepted unless the state's is zero too, which
 * only a chain's unborn state has.
 * Source: Liu, Stat. Comput. 6 (1996) 113; Albergo, Kanwar, Shanahan, arXiv:1904.12072.
 */
#ifndef KAD_BASE_ACCEPT_H
#define KAD_BASE_ACCEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True when the proposal is taken. u is uniform on (0, 1). */
typedef bool (*kad_accept_rule)(double log_w_new, double log_w_old, double u);

/* The rule of the head comment. */
bool kad_accept_independent(double log_w_new, double log_w_old, double u);

/* Walk one chain over n proposals: accepted[i] = the rule's answer, *log_w_state is the
 * state's ln w (in: before the first, -inf when there is no state yet; out: after the
 * last), *i_state the place of the current state in this batch, or -1 while it is the one
 * brought along. */
void kad_accept_walk(kad_accept_rule rule, size_t n, const double *log_w, const double *u,
                     double *log_w_state, uint8_t *accepted, ptrdiff_t *i_state);

#endif
