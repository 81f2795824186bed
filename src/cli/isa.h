/* The instruction set the kernels were compiled for, checked at program start, so that a
 * program copied to an older machine says so in one line instead of dying of SIGILL. */
#ifndef KAD_CLI_ISA_H
#define KAD_CLI_ISA_H

#include "base/context.h"

/* Names of the instruction sets of the kernels ("avx2 fma avx512f ..."; "generic" if
 * none beyond the baseline), as the compiler saw them. */
const char *kad_kernel_isa_f32(void);
const char *kad_kernel_isa_f64(void);

/* KAD_OK when this processor has all of them; else KAD_EINTERNAL naming the missing one.
 */
KAD_MUST_USE kad_status kad_isa_check(kad_ctx *ctx);

#endif
