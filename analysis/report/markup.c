#include "analysis/report/markup.h"

#include <string.h>

/* The entity of a character of HTML; NULL: it stands for itself. */
static const char *entity(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    default:
        return NULL;
    }
}

void kad_text_escape(kad_text *text, const char *raw)
{
    while (*raw != '\0') {
        const int n = (int)strcspn(raw, "&<>\"");
        kad_text_add(text, "%.*s", n, raw);
        raw += n;
        if (*raw != '\0') kad_text_add(text, "%s", entity(*raw++));
    }
}

void kad_text_percent(kad_text *text, const char *raw)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                "0123456789-._~,:;()+=*!$@/";
    while (*raw != '\0') {
        const int n = (int)strspn(raw, plain);
        kad_text_add(text, "%.*s", n, raw);
        raw += n;
        if (*raw != '\0') kad_text_add(text, "%%%02X", (unsigned char)*raw++);
    }
}

void kad_text_base64(kad_text *text, const unsigned char *bytes, size_t n)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        unsigned word = (unsigned)bytes[i] << 16;
        if (i + 1 < n) word |= (unsigned)bytes[i + 1] << 8;
        if (i + 2 < n) word |= (unsigned)bytes[i + 2];
        kad_text_add(text, "%c%c%c%c", digits[word >> 18 & 63], digits[word >> 12 & 63],
                     i + 1 < n ? digits[word >> 6 & 63] : '=',
                     i + 2 < n ? digits[word & 63] : '=');
    }
}

void kad_note_rest(kad_text *out, size_t shown, size_t n, const char *what)
{
    if (shown >= n) return;
    kad_text_add(out, "<p class=\"note\">%zu of %zu ", shown, n);
    kad_text_escape(out, what);
    kad_text_add(out, " are drawn; run.h5 has all.</p>\n");
}
