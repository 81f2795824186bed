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

/* A claim that many draws, steps or differences hold up, whose code another claim enters too:
 * sanitizers, which ask whether what code does is defined, leave it out, and say so. */
#ifdef __SANITIZE_ADDRESS__
enum { CLAIM_NUMBERS = 0 };
#define CLAIM_LEFT_OUT " (left out under sanitizers)"
#else
enum { CLAIM_NUMBERS = 1 };
#define CLAIM_LEFT_OUT ""
#endif
static inline void claim_left_out(void **state)
{
    (void)state;
}
#define CLAIM_OF_NUMBERS(text, function) \
    CLAIM(text CLAIM_LEFT_OUT, CLAIM_NUMBERS ? (function) : claim_left_out)

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
