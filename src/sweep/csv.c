#include "sweep/csv.h"

#include <string.h>

/* Length of the field at s as it is written, *n characters of content copied to `to`;
 * SIZE_MAX: a quote without its end, or text behind it. */
static size_t field(const char *s, char *to, size_t *n)
{
    size_t i = 0;
    *n = 0;
    if (s[0] != '"') {
        *n = strcspn(s, ",\r\n");
        memcpy(to, s, *n);
        to[*n] = 0;
        return *n;
    }
    for (i = 1; s[i] != 0; i++) {
        if (s[i] == '"' && s[i + 1] != '"') break;
        i += s[i] == '"';
        to[(*n)++] = s[i];
    }
    to[*n] = 0;
    return s[i] == '"' && strchr(",\r\n", s[i + 1]) != NULL ? i + 1 : SIZE_MAX;
}

/* At least the fields of a text, and those of its first row, whatever the quotes. */
static void count(const char *text, size_t *most)
{
    *most = 1;
    for (const char *s = text; *s != 0; s++)
        *most += *s == ',' || *s == '\n';
}

kad_status kad_csv_read(kad_scope *scope, const char *name, const char *text,
                        kad_csv *out)
{
    size_t most, n, n_fields = 0, in_row = 0;
    *out = (kad_csv){0};
    count(text, &most);
    char *to;
    KAD_CALL(kad_take(scope, most, &out->field));
    KAD_CALL(kad_take(scope, strlen(text) + most + 1, &to));
    while (*text != 0) {
        const size_t length = field(text, to, &n);
        if (length == SIZE_MAX)
            return kad_fail(scope->ctx, KAD_EDATA, "%s:%zu: a quote that does not end",
                            name, out->n_rows + 1);
        out->field[n_fields++] = to;
        to += n + 1;
        in_row++;
        text += length;
        if (*text == ',') {
            text++;
            continue;
        }
        text += *text == '\r';
        text += *text == '\n';
        if (out->n_columns == 0) out->n_columns = in_row;
        if (in_row != out->n_columns)
            return kad_fail(scope->ctx, KAD_EDATA, "%s:%zu: %zu fields, expected %zu",
                            name, out->n_rows + 1, in_row, out->n_columns);
        in_row = 0;
        out->n_rows++;
    }
    if (in_row > 0)
        return kad_fail(scope->ctx, KAD_EDATA, "%s:%zu: ends in a comma", name,
                        out->n_rows + 1);
    return KAD_OK;
}

void kad_csv_field(FILE *out, const char *text)
{
    if (text == NULL) return;
    if (strpbrk(text, ",\"\r\n") == NULL) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text != 0; text++) {
        if (*text == '"') fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}
