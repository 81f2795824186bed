/* Which instruction sets this file, and so every kernel, was compiled for. Data and no
 * code: what is compiled here may not run before it was checked. */
#include "base/isa.h"
#include "base/real.h"

const char KR(kad_kernel_isa)[] = ""
#ifdef __SSE4_2__
                                  " sse4.2"
#endif
#ifdef __POPCNT__
                                  " popcnt"
#endif
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
#ifdef __AVX512IFMA__
                                  " avx512ifma"
#endif
#ifdef __AVX512VBMI__
                                  " avx512vbmi"
#endif
#ifdef __BMI__
                                  " bmi"
#endif
#ifdef __BMI2__
                                  " bmi2"
#endif
    ;
