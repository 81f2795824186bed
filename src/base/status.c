/* Texts of the status codes. */
#include "base/status.h"

const char *kad_status_text(kad_status status)
{
    switch (status) {
#define KAD_STATUS_TEXT(name, code, text) \
    case name:                            \
        return text;
        KAD_STATUS_LIST(KAD_STATUS_TEXT)
#undef KAD_STATUS_TEXT
    }
    return "unknown status";
}
