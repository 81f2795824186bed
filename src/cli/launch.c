#include "cli/launch.h"

kad_status kad_launch(kad_ctx *ctx, int *argc, char ***argv)
{
    (void)ctx;
    (void)argc;
    (void)argv;
    return KAD_OK;
}

bool kad_launch_speaks(void)
{
    return true;
}

void kad_launch_end(void)
{
}
