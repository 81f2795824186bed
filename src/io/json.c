/* JSON with reals as short as they read back; jansson writes all 17 digits. */
#include "base/memory.h"
#include "io/config_impl.h"
#include "io/number.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* The length of the string that begins at s, with its quotes. */
static size_t string_length(const char *s)
{
    size_t n = 1;
    while (s[n] != '"')
        n += s[n] == '\\' ? 2 : 1;
    return n + 1;
}

/* One number, which begins at s; returns its length. */
static size_t add_number(kad_out *out, const char *s)
{
    const size_t n = strspn(s, "+-.0123456789eE");
    char token[KAD_NUMBER_CHARS + 1], text[KAD_NUMBER_CHARS];
    double x;
    snprintf(token, sizeof token, "%.*s", (int)n, s);
    if (n >= sizeof token || token[strcspn(token, ".eE")] == 0 ||
        !kad_parse_real(token, &x)) {
        kad_out_add(out, "%.*s", (int)n, s); /* an integer */
        return n;
    }
    kad_format_real(text, x);
    kad_out_add(out, "%s%s", text, text[strcspn(text, ".e")] ? "" : ".0");
    return n;
}

char *kad_json_text(const json_t *value, size_t flags)
{
    kad_out out = {0};
    char *dump = json_dumps(value, flags);
    if (!dump) return NULL;
    for (const char *s = dump; *s;) {
        size_t n = strcspn(s, "\"-0123456789");
        if (n == 0 && *s == '"') n = string_length(s);
        if (n > 0)
            kad_out_add(&out, "%.*s", (int)n, s);
        else
            n = add_number(&out, s);
        s += n;
    }
    free(dump);
    return kad_out_finish(&out);
}
