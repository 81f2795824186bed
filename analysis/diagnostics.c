#include "analysis/diagnostics.h"

#include "base/memory.h"
#include "io/writer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const names[] = {"note", "warning", "error"};

const char *kad_severity_name(kad_severity severity)
{
    return names[severity];
}

/* The last place counts what has none. */
static kad_diagnostic *add_more(kad_diagnostics *diagnostics, kad_severity severity)
{
    kad_diagnostic *last = &diagnostics->item[KAD_DIAGNOSTICS_MAX - 1];
    if (diagnostics->n_more == 0) diagnostics->n_more = 1; /* what stood there */
    diagnostics->n_more++;
    if (severity > last->severity) last->severity = severity;
    snprintf(last->code, sizeof last->code, "more");
    last->sampler[0] = '\0';
    last->burn_in = 0;
    snprintf(last->message, sizeof last->message,
             "%zu more messages do not fit into the list of %d", diagnostics->n_more,
             KAD_DIAGNOSTICS_MAX);
    return last;
}

kad_diagnostic *kad_diagnostics_add(kad_diagnostics *diagnostics, kad_severity severity,
                                    const char *code, const char *sampler,
                                    const char *format, ...)
{
    va_list args;
    if (diagnostics->n == KAD_DIAGNOSTICS_MAX) return add_more(diagnostics, severity);
    kad_diagnostic *item = &diagnostics->item[diagnostics->n++];
    item->severity = severity;
    item->burn_in = 0;
    snprintf(item->code, sizeof item->code, "%s", code);
    snprintf(item->sampler, sizeof item->sampler, "%s", sampler != NULL ? sampler : "");
    va_start(args, format);
    vsnprintf(item->message, sizeof item->message, format, args);
    va_end(args);
    return item;
}

kad_severity kad_diagnostics_worst(const kad_diagnostics *diagnostics)
{
    kad_severity worst = KAD_NOTE;
    for (size_t i = 0; i < diagnostics->n; i++)
        if (diagnostics->item[i].severity > worst) worst = diagnostics->item[i].severity;
    return worst;
}

kad_status kad_diagnostics_write(kad_ctx *ctx, kad_h5 *file,
                                 const kad_diagnostics *diagnostics)
{
    const size_t n = diagnostics->n;
    const char *code[KAD_DIAGNOSTICS_MAX], *severity[KAD_DIAGNOSTICS_MAX],
        *sampler[KAD_DIAGNOSTICS_MAX], *message[KAD_DIAGNOSTICS_MAX];
    int64_t burn_in[KAD_DIAGNOSTICS_MAX];
    for (size_t i = 0; i < n; i++) {
        code[i] = diagnostics->item[i].code;
        severity[i] = names[diagnostics->item[i].severity];
        sampler[i] = diagnostics->item[i].sampler;
        burn_in[i] = diagnostics->item[i].burn_in;
        message[i] = diagnostics->item[i].message;
    }
    kad_writer w = kad_write_anew(ctx, file, "/diagnostics");
    if (n == 0) return kad_write_end(&w);
    kad_write_names(&w, "code", "warning", "the same fact has the same code", n, code);
    kad_write_names(&w, "severity", "warning", "note, warning or error", n, severity);
    kad_write_names(&w, "sampler", "warning", "sampler concerned; empty: none", n,
                    sampler);
    kad_write(&w, "burn_in", KAD_H5_I64, "warning", "draws",
              "what to set its burn_in to; 0: no remedy", &n, burn_in);
    kad_write_names(&w, "message", "warning", "what is wrong: what to do", n, message);
    return kad_write_end(&w);
}

static kad_status severity_of(kad_ctx *ctx, const char *name, kad_severity *out)
{
    for (int i = 0; i < 3; i++)
        if (strcmp(name, names[i]) == 0) {
            *out = (kad_severity)i;
            return KAD_OK;
        }
    return kad_fail(ctx, KAD_EDATA,
                    "/diagnostics/severity: expected note, warning or error, got \"%s\"",
                    name);
}

/* Files of format_version 2 do not say whose they are. */
static kad_status read_fields(kad_scope *in, kad_h5 *file, size_t n, char **sampler,
                              int64_t *burn_in)
{
    if (!kad_h5_exists(file, "/diagnostics/sampler")) return KAD_OK;
    KAD_CALL(kad_h5_read_strings(in, file, "/diagnostics/sampler", n, sampler));
    return kad_h5_read(in->ctx, file, "/diagnostics/burn_in", KAD_H5_I64, 1, &n, burn_in);
}

kad_status kad_diagnostics_read(kad_ctx *ctx, kad_h5 *file, kad_diagnostics *out)
{
    KAD_SCOPE(scope, ctx);
    char *text[3][KAD_DIAGNOSTICS_MAX], *sampler[KAD_DIAGNOSTICS_MAX] = {NULL};
    int64_t burn_in[KAD_DIAGNOSTICS_MAX] = {0};
    size_t dims[KAD_H5_MAX_RANK];
    int rank;

    memset(out, 0, sizeof *out);
    if (!kad_h5_exists(file, "/diagnostics/code")) return KAD_OK;
    KAD_CALL(kad_h5_shape(ctx, file, "/diagnostics/code", &rank, dims));
    if (rank != 1 || dims[0] > KAD_DIAGNOSTICS_MAX)
        return kad_fail(ctx, KAD_EDATA, "/diagnostics/code: expected up to %d messages",
                        KAD_DIAGNOSTICS_MAX);
    const size_t n = dims[0];
    KAD_CALL(kad_h5_read_strings(&scope, file, "/diagnostics/code", n, text[0]));
    KAD_CALL(kad_h5_read_strings(&scope, file, "/diagnostics/severity", n, text[1]));
    KAD_CALL(kad_h5_read_strings(&scope, file, "/diagnostics/message", n, text[2]));
    KAD_CALL(read_fields(&scope, file, n, sampler, burn_in));
    for (size_t i = 0; i < n; i++) {
        kad_diagnostic *item = &out->item[i];
        snprintf(item->code, sizeof item->code, "%s", text[0][i]);
        KAD_CALL(severity_of(ctx, text[1][i], &item->severity));
        snprintf(item->message, sizeof item->message, "%s", text[2][i]);
        if (sampler[i] != NULL)
            snprintf(item->sampler, sizeof item->sampler, "%s", sampler[i]);
        item->burn_in = burn_in[i];
    }
    out->n = n;
    return KAD_OK;
}
