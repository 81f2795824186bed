/* Warnings with advice: collected by the analyses, written to /diagnostics (code,
 * severity, sampler, burn_in, message), read by `diagnose` and the report. */
#ifndef KAD_ANALYSIS_DIAGNOSTICS_H
#define KAD_ANALYSIS_DIAGNOSTICS_H

#include "io/h5.h"

typedef enum kad_severity { KAD_NOTE, KAD_WARNING, KAD_ERROR } kad_severity;

enum {
    KAD_DIAGNOSTICS_MAX = 64,
    KAD_DIAGNOSTIC_TEXT = 240,
    KAD_DIAGNOSTIC_CODE = 40,
    KAD_DIAGNOSTIC_SAMPLER = 64
};

typedef struct kad_diagnostic {
    char code[KAD_DIAGNOSTIC_CODE]; /* "small-ess"; the same fact has the same code */
    kad_severity severity;
    char sampler[KAD_DIAGNOSTIC_SAMPLER]; /* group below /samplers; empty: not of one */
    int64_t burn_in;                      /* what to set it to; 0: that is no remedy */
    char message[KAD_DIAGNOSTIC_TEXT];    /* what is wrong: what to do */
} kad_diagnostic;

typedef struct kad_diagnostics {
    size_t n, n_more; /* n_more: the last one stands for so many */
    kad_diagnostic item[KAD_DIAGNOSTICS_MAX];
} kad_diagnostics;

/* Append one, of a sampler or of none (NULL), and return it. Where they do not fit the last
 * one says how many more there are, with the worst severity of those. */
kad_diagnostic *kad_diagnostics_add(kad_diagnostics *diagnostics, kad_severity severity,
                                    const char *code, const char *sampler,
                                    const char *format, ...) KAD_PRINTF(5, 6);
/* Worst severity; KAD_NOTE when empty. */
kad_severity kad_diagnostics_worst(const kad_diagnostics *diagnostics);
/* "note", "warning", "error". */
const char *kad_severity_name(kad_severity severity);

/* Replaces /diagnostics. */
KAD_MUST_USE kad_status kad_diagnostics_write(kad_ctx *ctx, kad_h5 *file,
                                              const kad_diagnostics *diagnostics);
/* n = 0 when there are none. Errors: KAD_EDATA, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_diagnostics_read(kad_ctx *ctx, kad_h5 *file,
                                             kad_diagnostics *out);

#endif
