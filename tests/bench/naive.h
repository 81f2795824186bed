/* The tuned kernels beside straightforward scalar C, which is their reference: results
 * are compared first, then both are timed. */
#ifndef KAD_BENCH_NAIVE_H
#define KAD_BENCH_NAIVE_H

#include <stdio.h>

/* Prints one line a kernel; non-zero when a kernel disagrees with its reference. */
int kad_naive_compare(int repeats, FILE *json);

#endif
