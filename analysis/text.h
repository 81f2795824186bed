/* A growing text buffer. Exhaustion is remembered instead of reported at every call:
 * check `failed` once at the end. */
#ifndef KAD_ANALYSIS_TEXT_H
#define KAD_ANALYSIS_TEXT_H

#include "base/context.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct kad_text {
    char *data; /* NUL-terminated; NULL while empty */
    size_t n, capacity;
    bool failed;
    struct kad_text
        *numbers; /* where drawings write their numbers (CSV); NULL: nowhere */
} kad_text;

/* A variable that is an empty text, cleared wherever its block is left. */
#define KAD_TEXT(name) kad_text name __attribute__((cleanup(kad_text_clear))) = {0}

void kad_text_add(kad_text *text, const char *format, ...) KAD_PRINTF(2, 3);
/* Frees the text; `numbers` stays the caller's. */
void kad_text_clear(kad_text *text);

#endif
