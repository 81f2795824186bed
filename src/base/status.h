/* Status codes (kadanoff.h has them, since they are public) and how failures travel. Every
 * function that can fail returns one; the value is also the program's exit code, so that a
 * message and a code say the same thing everywhere. */
#ifndef KAD_BASE_STATUS_H
#define KAD_BASE_STATUS_H

#include "kadanoff.h"

/* Every code with its text. */
#define KAD_STATUS_LIST(X)                               \
    X(KAD_OK, "ok")                                      \
    X(KAD_EUSAGE, "usage error")                         \
    X(KAD_EDATA, "bad data")                             \
    X(KAD_ENOINPUT, "missing input")                     \
    X(KAD_EINUSE, "folder in use")                       \
    X(KAD_EINTERNAL, "internal or numerical failure")    \
    X(KAD_ENOMEM, "out of memory")                       \
    X(KAD_ECREATE, "cannot create output")               \
    X(KAD_EIO, "input/output error")                     \
    X(KAD_EINTERRUPTED, "interrupted with a checkpoint") \
    X(KAD_ECONFIG, "configuration error or over budget")

#if defined(__GNUC__)
#define KAD_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define KAD_PRINTF(f, a)
#endif

/* Evaluate a kad_status expression; on failure return it. What the function took it took
 * in scopes (base/memory.h): there is nothing to undo. */
#define KAD_CALL(expr)                               \
    do {                                             \
        const kad_status kad_called = (expr);        \
        if (kad_called != KAD_OK) return kad_called; \
    } while (0)

#endif
