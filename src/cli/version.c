/* --version: what was built, from which sources, and which library answers for what. */
#include "config.h"

#include "base/isa.h"
#include "build_info.h"
#include "cli/command.h"

#include <dlfcn.h>

/* File of the library whose function a call to `symbol` reaches. */
static const char *provider(const char *symbol)
{
    Dl_info info;
    void *address = dlsym(RTLD_DEFAULT, symbol);
    if (address == NULL || dladdr(address, &info) == 0 || info.dli_fname == NULL)
        return "linked statically";
    return info.dli_fname;
}

void kad_print_version(FILE *out)
{
    const char *isa = kad_kernel_isa_f32;
    fprintf(out, "kadanoff %s (commit %s)\n", PACKAGE_VERSION, KAD_COMMIT);
    fprintf(out, "compiler  %s\n", KAD_CC);
    fprintf(out, "CFLAGS    %s\n", KAD_CFLAGS);
    fprintf(out, "kernels   %s; instruction sets:%s\n", KAD_KERNEL_FLAGS,
            isa[0] != '\0' ? isa : " baseline");
    fprintf(out, "FFTW      %s, %s\n", KAD_FFTW_VERSION, provider("fftwf_execute"));
    fprintf(out, "GSL       %s, %s\n", KAD_GSL_VERSION, provider("gsl_strerror"));
    fprintf(out, "HDF5      %s, %s\n", KAD_HDF5_VERSION, provider("H5open"));
    fprintf(out, "Copyright 2026 the kadanoff authors. GPL-3.0-or-later; no warranty.\n");
}
