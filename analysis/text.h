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

void kad_text_add(kad_text *text, const char *format, ...) KAD_PRINTF(2, 3);
/* The same characters with &, <, > and quotes as entities. */
void kad_text_escape(kad_text *text, const char *raw);
/* The same characters percent-encoded, as in the path of an URI (RFC 3986). */
void kad_text_percent(kad_text *text, const char *raw);
/* Bytes as base64. */
void kad_text_base64(kad_text *text, const unsigned char *bytes, size_t n);
/* Frees the text; `numbers` stays the caller's. */
void kad_text_clear(kad_text *text);

#endif
