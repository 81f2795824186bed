#include "cli/isa.h"

#include <stddef.h>
#include <string.h>

#if defined(__x86_64__) || defined(__i386__)

/* __builtin_cpu_supports takes literals only; names not listed need no check. */
static int supported(const char *name)
{
    if (strcmp(name, "avx") == 0) return __builtin_cpu_supports("avx");
    if (strcmp(name, "avx2") == 0) return __builtin_cpu_supports("avx2");
    if (strcmp(name, "fma") == 0) return __builtin_cpu_supports("fma");
    if (strcmp(name, "avx512f") == 0) return __builtin_cpu_supports("avx512f");
    if (strcmp(name, "avx512vl") == 0) return __builtin_cpu_supports("avx512vl");
    if (strcmp(name, "avx512bw") == 0) return __builtin_cpu_supports("avx512bw");
    if (strcmp(name, "avx512dq") == 0) return __builtin_cpu_supports("avx512dq");
    if (strcmp(name, "avx512cd") == 0) return __builtin_cpu_supports("avx512cd");
    if (strcmp(name, "avx512vnni") == 0) return __builtin_cpu_supports("avx512vnni");
    if (strcmp(name, "bmi") == 0) return __builtin_cpu_supports("bmi");
    if (strcmp(name, "bmi2") == 0) return __builtin_cpu_supports("bmi2");
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
