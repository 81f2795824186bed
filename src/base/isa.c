#include "base/isa.h"

#include <stdio.h>
#include <string.h>

#if defined(__x86_64__) || defined(__i386__)

/* __builtin_cpu_supports takes literals only. A name that isa_kern.c records and that is
 * not listed counts as missing. */
static int supported(const char *name)
{
    if (strcmp(name, "sse4.2") == 0) return __builtin_cpu_supports("sse4.2");
    if (strcmp(name, "popcnt") == 0) return __builtin_cpu_supports("popcnt");
    if (strcmp(name, "avx") == 0) return __builtin_cpu_supports("avx");
    if (strcmp(name, "avx2") == 0) return __builtin_cpu_supports("avx2");
    if (strcmp(name, "fma") == 0) return __builtin_cpu_supports("fma");
    if (strcmp(name, "avx512f") == 0) return __builtin_cpu_supports("avx512f");
    if (strcmp(name, "avx512vl") == 0) return __builtin_cpu_supports("avx512vl");
    if (strcmp(name, "avx512bw") == 0) return __builtin_cpu_supports("avx512bw");
    if (strcmp(name, "avx512dq") == 0) return __builtin_cpu_supports("avx512dq");
    if (strcmp(name, "avx512cd") == 0) return __builtin_cpu_supports("avx512cd");
    if (strcmp(name, "avx512vnni") == 0) return __builtin_cpu_supports("avx512vnni");
    if (strcmp(name, "avx512ifma") == 0) return __builtin_cpu_supports("avx512ifma");
    if (strcmp(name, "avx512vbmi") == 0) return __builtin_cpu_supports("avx512vbmi");
    if (strcmp(name, "bmi") == 0) return __builtin_cpu_supports("bmi");
    if (strcmp(name, "bmi2") == 0) return __builtin_cpu_supports("bmi2");
    return 0;
}

static const char *maker(void)
{
    if (__builtin_cpu_is("amd")) return ", AMD";
    if (__builtin_cpu_is("intel")) return ", Intel";
    return "";
}

#else

static const char *maker(void)
{
    return "";
}

static int supported(const char *name)
{
    (void)name;
    return 0;
}

#endif

const char *kad_cpu_level(void)
{
    static const struct {
        const char *level, *needs;
    } levels[] = {
        {"x86-64-v4", "avx2 fma bmi2 avx512f avx512bw avx512cd avx512dq avx512vl"},
        {"x86-64-v3", "avx2 fma bmi2"},
        {"x86-64-v2", "sse4.2 popcnt"},
    };
    static _Thread_local char known[32];
    const char *level = "generic";
    char name[32];
    for (size_t i = sizeof levels / sizeof levels[0]; i-- > 0;)
        if (!kad_isa_lacks(levels[i].needs, sizeof name, name)) level = levels[i].level;
    snprintf(known, sizeof known, "%s%s", level, maker());
    return known;
}

bool kad_isa_lacks(const char *names, size_t size, char *out)
{
    for (const char *p = names; *p != '\0';) {
        p += strspn(p, " ");
        const size_t length = strcspn(p, " ");
        if (length == 0 || length >= size) return false;
        memcpy(out, p, length);
        out[length] = '\0';
        if (!supported(out)) return true;
        p += length;
    }
    return false;
}

kad_status kad_isa_check(kad_ctx *ctx)
{
    char name[32];
    if (!kad_isa_lacks(kad_kernel_isa_f32, sizeof name, name) &&
        !kad_isa_lacks(kad_kernel_isa_f64, sizeof name, name))
        return KAD_OK;
    return kad_fail(
        ctx, KAD_EINTERNAL,
        "this processor has no %s, which the program was built for: rebuild it "
        "here, or with --with-arch=generic",
        name);
}
