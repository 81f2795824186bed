/* Text as HTML and URIs want it, and a sentence of the page. */
#ifndef KAD_REPORT_MARKUP_H
#define KAD_REPORT_MARKUP_H

#include "analysis/text.h"

/* Characters with &, <, > and quotes as entities. */
void kad_text_escape(kad_text *text, const char *raw);
/* The same characters percent-encoded, as in the path of an URI (RFC 3986). */
void kad_text_percent(kad_text *text, const char *raw);
/* Bytes as base64. */
void kad_text_base64(kad_text *text, const unsigned char *bytes, size_t n);
/* Say what a figure leaves out: "8 of 12 samplers are drawn; run.h5 has all". Nothing when
 * it leaves out nothing. */
void kad_note_rest(kad_text *out, size_t shown, size_t n, const char *what);

#endif
