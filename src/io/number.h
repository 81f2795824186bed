/* Numbers as text, in the C locale whatever the program's locale is. */
#ifndef KAD_IO_NUMBER_H
#define KAD_IO_NUMBER_H

#include "io/config.h"

enum { KAD_NUMBER_CHARS = 32 };

/* The shortest decimal that reads back as exactly x ("0.1", "1e-05", "3"). Returns text.
 */
char *kad_format_real(char text[KAD_NUMBER_CHARS], double x);

#endif
