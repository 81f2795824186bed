/* Which instruction sets this file, and so every kernel, was compiled for. */
#include "base/real.h"
#include "cli/isa.h"

const char *KR(kad_kernel_isa)(void)
{
    return ""
#ifdef __AVX__
           " avx"
#endif
#ifdef __AVX2__
           " avx2"
#endif
#ifdef __FMA__
           " fma"
#endif
#ifdef __AVX512F__
           " avx512f"
#endif
#ifdef __AVX512VL__
           " avx512vl"
#endif
#ifdef __AVX512BW__
           " avx512bw"
#endif
#ifdef __AVX512DQ__
           " avx512dq"
#endif
#ifdef __AVX512CD__
           " avx512cd"
#endif
#ifdef __AVX512VNNI__
           " avx512vnni"
#endif
#ifdef __BMI__
           " bmi"
#endif
#ifdef __BMI2__
           " bmi2"
#endif
        ;
}
