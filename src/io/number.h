/* Numbers as text, in the C locale whatever the program's locale is. */
#ifndef KAD_IO_NUMBER_H
#define KAD_IO_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KAD_NUMBER_CHARS = 32 };

/* A whole token, C locale, finite. */
bool kad_parse_real(const char *text, double *out);
/* The same, exactly integral: "1e6" too. */
bool kad_parse_int(const char *text, int64_t *out);

/* The shortest decimal that reads back as exactly x: "6.975", "60", "0.0001", "1e-07".
 * Returns text. */
char *kad_format_real(char text[KAD_NUMBER_CHARS], double x);

/* The text of a JSON value with every real as short as that ("6.975", "60.0"); flags are
 * those of json_dumps. From kad_alloc; NULL on exhaustion or where it has no text. */
struct json_t;
char *kad_json_text(const struct json_t *value, size_t flags);

#endif
