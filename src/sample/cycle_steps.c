/* The list of a cycle's steps. */
#include "sample/cycle.h"

#include "io/number.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { WORD = 64 };

/* "name" or "name n", blanks around allowed. */
static bool split(const char *item, size_t length, char name[WORD], int64_t *n)
{
    char text[2 * WORD], count[WORD] = "1", rest[2];
    if (length >= sizeof text) return false;
    memcpy(text, item, length);
    text[length] = '\0';
    const int found = sscanf(text, " %63s %63s %1s", name, count, rest);
    return found >= 1 && found <= 2 && kad_parse_int(count, n);
}

/* Cycles of cycles would have no end of seeds. */
static bool can_be_step(const kad_sampler_ops *ops)
{
    return ops != NULL && ops->set_state != NULL && ops != &kad_sampler_cycle;
}

/* Samplers that can be a step. */
static void possible(char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; kad_samplers[i] != NULL && used < size; i++) {
        if (!can_be_step(kad_samplers[i])) continue;
        const int n = snprintf(text + used, size - used, "%s%s", used > 0 ? ", " : "",
                               kad_samplers[i]->name);
        if (n < 0) return;
        used += (size_t)n;
    }
}

static bool one(const char *item, size_t length, kad_cycle_step *step,
                char message[KAD_CYCLE_MESSAGE])
{
    char name[WORD] = "", names[KAD_CYCLE_MESSAGE / 2];
    int64_t n = 1;
    possible(names, sizeof names);
    if (!split(item, length, name, &n)) {
        snprintf(message, KAD_CYCLE_MESSAGE,
                 "expected a sampler and a number of updates, got \"%.*s\"",
                 length < WORD ? (int)length : WORD, item);
        return false;
    }
    step->ops = kad_sampler_find(name);
    if (!can_be_step(step->ops)) {
        snprintf(message, KAD_CYCLE_MESSAGE, "expected one of %s, got \"%s\"", names,
                 name);
        return false;
    }
    if (n < 1 || n > KAD_CYCLE_UPDATES) {
        snprintf(message, KAD_CYCLE_MESSAGE, "expected 1 to %d updates of %s, got %lld",
                 KAD_CYCLE_UPDATES, name, (long long)n);
        return false;
    }
    step->n = (int)n;
    return true;
}

int kad_cycle_parse(const char *text, kad_cycle_step steps[KAD_CYCLE_STEPS],
                    char message[KAD_CYCLE_MESSAGE])
{
    int n = 0;
    for (;;) {
        const size_t length = strcspn(text, ",");
        if (n == KAD_CYCLE_STEPS) {
            snprintf(message, KAD_CYCLE_MESSAGE, "at most %d steps", KAD_CYCLE_STEPS);
            return 0;
        }
        if (!one(text, length, &steps[n], message)) return 0;
        n++;
        if (text[length] == '\0') return n;
        text += length + 1;
    }
}
