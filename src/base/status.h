/* Status codes of the library. Every function that can fail returns one; the value is
 * also the program's exit code, so that a message and a code say the same thing
 * everywhere. */
#ifndef KAD_BASE_STATUS_H
#define KAD_BASE_STATUS_H

#define KAD_STATUS_LIST(X)                                                     \
    X(KAD_OK, 0, "ok")                                                         \
    X(KAD_EUSAGE, 64, "usage error")                                           \
    X(KAD_EDATA, 65, "bad data")                                               \
    X(KAD_ENOINPUT, 66, "missing input")                                       \
    X(KAD_EINTERNAL, 70, "internal or numerical failure")                      \
    X(KAD_ENOMEM, 71, "out of memory")                                         \
    X(KAD_ECREATE, 73, "cannot create output")                                 \
    X(KAD_EIO, 74, "input/output error")                                       \
    X(KAD_EINTERRUPTED, 75, "interrupted with a checkpoint, or folder in use") \
    X(KAD_ECONFIG, 78, "configuration error or over budget")

typedef enum kad_status {
#define KAD_STATUS_ENUM(name, code, text) name = code,
    KAD_STATUS_LIST(KAD_STATUS_ENUM)
#undef KAD_STATUS_ENUM
} kad_status;

#if defined(__GNUC__)
#define KAD_MUST_USE __attribute__((warn_unused_result))
#define KAD_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define KAD_MUST_USE
#define KAD_PRINTF(f, a)
#endif

/* Short text of a status, never NULL. */
const char *kad_status_text(kad_status status);

/* Evaluate a kad_status expression; on failure go to the label `done` with `status` set.
 */
#define KAD_TRY(expr)                    \
    do {                                 \
        status = (expr);                 \
        if (status != KAD_OK) goto done; \
    } while (0)

#endif
