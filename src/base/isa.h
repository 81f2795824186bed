/* The instruction set the kernels were compiled for, checked at program start and where
 * the library is entered, so that what was copied to an older machine says so in one line
 * instead of dying of SIGILL. */
#ifndef KAD_BASE_ISA_H
#define KAD_BASE_ISA_H

#include "base/context.h"

#include <stdbool.h>
#include <stddef.h>

/* Names of the instruction sets of the kernels ("avx2 fma avx512f ..."; "generic" if
 * none beyond the baseline), as the compiler saw them. */
extern const char kad_kernel_isa_f32[];
extern const char kad_kernel_isa_f64[];

/* The first of the names (as above) that this processor lacks, copied to `out`; false when
 * it has all of them. */
bool kad_isa_lacks(const char *names, size_t size, char *out);

/* KAD_OK when this processor has all of them; else KAD_EINTERNAL naming the missing one.
 */
KAD_MUST_USE kad_status kad_isa_check(kad_ctx *ctx);

/* Level and maker of this processor: "x86-64-v4, Intel", ...; "generic" where it has no level.
 * Libraries choose their code by the level, and estimates of reciprocals are the makers' own
 * (vmath.h), so that last bits differ between them. */
const char *kad_cpu_level(void);

#endif
