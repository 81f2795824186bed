/* Entry point of the program. */
#include "config.h"

#include "base/context.h"
#include "cli/isa.h"

#include <stdio.h>

int main(void)
{
    kad_ctx ctx;
    kad_ctx_init(&ctx, 0);
    kad_status status = kad_isa_check(&ctx);
    if (status != KAD_OK) fprintf(stderr, "kadanoff: %s\n", ctx.message);
    return (int)status;
}
