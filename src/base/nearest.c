#include "base/nearest.h"

#include <string.h>

enum { LONGEST = 127 };

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t kad_word_distance(const char *a, const char *b)
{
    const size_t n = strlen(a), m = strlen(b);
    if (n > LONGEST || m > LONGEST) return LONGEST + 1;
    size_t row[LONGEST + 1];
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            const size_t above = row[j];
            const size_t swap = diagonal + (a[i - 1] != b[j - 1]);
            row[j] = smaller(swap, smaller(above, row[j - 1]) + 1);
            diagonal = above;
        }
    }
    return row[m];
}

const char *kad_nearest(const char *word, size_t n, const char *const *names)
{
    const char *best = NULL;
    size_t best_distance = strlen(word) / 2 + 2;
    for (size_t i = 0; i < n; i++) {
        const size_t d = kad_word_distance(word, names[i]);
        if (d < best_distance) {
            best = names[i];
            best_distance = d;
        }
    }
    return best;
}
