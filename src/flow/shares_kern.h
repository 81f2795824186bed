/* Sums of what the shares of a stage left apart (shares.h). */
#ifndef KAD_FLOW_SHARES_KERN_H
#define KAD_FLOW_SHARES_KERN_H

#include <stddef.h>

/* Row home[k] of the tile g += row k of `away`, k < n, one after the other. */
void kad_shares_home_f32(int n, const int *home, const void *away, void *g);
void kad_shares_home_f64(int n, const int *home, const void *away, void *g);

/* to[i] += from[i], i < n. */
void kad_shares_add_f32(size_t n, const void *from, void *to);
void kad_shares_add_f64(size_t n, const void *from, void *to);

#endif
