/* What tests of exact results share: exact values that agree within what they say. */
#ifndef KAD_TESTS_EXACT_CASE_H
#define KAD_TESTS_EXACT_CASE_H

#include "models/exact.h"
#include "tests/support/models_util.h"

#include <float.h>
#include <stdlib.h>

/* make check-long walks the same parameters in finer steps (long_exact). */
#ifdef KAD_DENSE
enum { DENSE = 1 };
#else
enum { DENSE = 0 };
#endif

static inline double step(double factor)
{
    return DENSE ? pow(factor, 0.15) : factor;
}

static kad_ctx ctx;

static inline kad_lattice *lattice_of(int d, int a, int b, int c)
{
    kad_lattice *lattice;
    kad_ctx_init(&ctx, 1);
    assert_int_equal(kad_lattice_create(&ctx, d, (int[]){a, b, c}, &lattice), KAD_OK);
    return lattice;
}

/* Both may be off by what they say, and by nothing else. */
#define assert_agree(a, b)                                               \
    do {                                                                 \
        const kad_exact_value x_ = (a), y_ = (b);                        \
        assert_close(x_.value, y_.value, x_.error + y_.error + DBL_MIN); \
    } while (0)

/* An independent number of the test, good to `relative`. */
static inline kad_exact_value about(double value, double relative)
{
    return (kad_exact_value){value, relative * fabs(value)};
}

static inline kad_exact_value per_site(kad_exact_value x, int N)
{
    return (kad_exact_value){x.value / N, x.error / N};
}

#endif
