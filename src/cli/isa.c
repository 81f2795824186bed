#include "cli/isa.h"

#include <stddef.h>
#include <string.h>

#if defined(__x86_64__) || defined(__i386__)

/* __builtin_cpu_supports takes literals only. */
#define ISA_LIST(X)                                                                      \
    X("avx")                                                                             \
    X("avx2")                                                                            \
    X("fma")                                                                             \
    X("avx512f") X("avx512vl") X("avx512bw") X("avx512dq") X("avx512cd") X("avx512vnni") \
        X("bmi") X("bmi2")

static int supported(const char *name)
{
#define ISA_TEST(literal) \
    if (strcmp(name, literal) == 0) return __builtin_cpu_supports(literal) != 0;
    ISA_LIST(ISA_TEST)
#undef ISA_TEST
    return 1;
}

#else

static int supported(const char *name)
{
    (void)name;
    return 1;
}

#endif

kad_status kad_isa_check(kad_ctx *ctx)
{
    const char *lists[2] = {kad_kernel_isa_f32(), kad_kernel_isa_f64()};
    for (int i = 0; i < 2; i++) {
        const char *p = lists[i];
        while (*p != '\0') {
            p += strspn(p, " ");
            size_t length = strcspn(p, " ");
            char name[32];
            if (length == 0 || length >= sizeof name) break;
            memcpy(name, p, length);
            name[length] = '\0';
            p += length;
            if (!supported(name))
                return kad_fail(ctx, KAD_EINTERNAL,
                                "this processor has no %s, which the program was built "
                                "for: rebuild it here, or with --with-arch=generic",
                                name);
        }
    }
    return KAD_OK;
}
