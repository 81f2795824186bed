/* What every test program begins with: cmocka and the headers it wants, claims, statuses
 * that should be fine and numbers that should be close. */
#ifndef KAD_TESTS_CLAIM_H
#define KAD_TESTS_CLAIM_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CLAIM(text, function)            \
    {                                    \
        text, function, NULL, NULL, NULL \
    }

/* s: anything with a context `ctx`. */
#define assert_ok(s, expr)                                                              \
    do {                                                                                \
        const kad_status status_ = (expr);                                              \
        if (status_ != KAD_OK) fail_msg("%s: %d %s", #expr, status_, (s)->ctx.message); \
    } while (0)

#define assert_close(a, b, tolerance)                                         \
    do {                                                                      \
        const double a_ = (a), b_ = (b), t_ = (tolerance);                    \
        if (!(fabs(a_ - b_) <= t_))                                           \
            fail_msg("%s = %.17g, expected %.17g within %g", #a, a_, b_, t_); \
    } while (0)

/* One of a registry alone, by an environment variable: KAD_SAMPLER=NAME, KAD_ACTION=NAME. */
static inline bool left_out(const char *variable, const char *name)
{
    const char *only = getenv(variable);
    return only != NULL && strcmp(only, name) != 0;
}

#endif
