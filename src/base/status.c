/* Texts of the status codes, and the version. */
#include "config.h"

#include "base/status.h"

const char *kad_status_text(kad_status status)
{
    switch (status) {
#define KAD_STATUS_TEXT(name, text) \
    case name:                      \
        return text;
        KAD_STATUS_LIST(KAD_STATUS_TEXT)
#undef KAD_STATUS_TEXT
    }
    return "unknown status";
}

const char *kad_version(void)
{
    return PACKAGE_VERSION;
}
