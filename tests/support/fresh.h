/* Seeds of the long tests: new with every commit and every day, the same within them, so
 * that a red run can be repeated. Below 2^48. */
#ifndef KAD_TESTS_FRESH_H
#define KAD_TESTS_FRESH_H

#include "build_info.h"

#include <stdint.h>
#include <stdio.h>
#include <time.h>

static inline uint64_t fresh_mix(uint64_t hash, const char *text)
{
    for (; *text != '\0'; text++)
        hash = (hash ^ (uint64_t)(unsigned char)*text) * UINT64_C(0x100000001b3);
    return hash;
}

/* Of the commit, the date, and two words. Prints it. */
static inline uint64_t fresh_seed(const char *what, const char *which)
{
    char date[32];
    const time_t now = time(NULL);
    struct tm day;
    gmtime_r(&now, &day);
    strftime(date, sizeof date, "%Y-%m-%d", &day);
    uint64_t hash = fresh_mix(UINT64_C(0xcbf29ce484222325), KAD_COMMIT);
    hash = fresh_mix(fresh_mix(fresh_mix(hash, date), what), which) >> 16;
    printf("# %s %s: commit %s, %s, seed %llu\n", what, which, KAD_COMMIT, date,
           (unsigned long long)hash);
    return hash;
}

#endif
