/* The measured peak of the machine, in the same run as the benchmarks: what floors are
 * made of. */
#ifndef KAD_BENCH_PEAK_H
#define KAD_BENCH_PEAK_H

typedef struct kad_peak {
    double fma_per_s;  /* float fused multiply-adds a second, all threads */
    double exp_per_s;  /* float exponentials (the library's vector exp) a second, all
                         threads */
    double root_per_s; /* float reciprocal square roots (the kernels'), likewise */
} kad_peak;

/* On n_threads, in a few milliseconds: measure it beside every timing. */
kad_peak kad_peak_measure(int n_threads);

#endif
