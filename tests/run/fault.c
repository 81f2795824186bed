/* Preloaded into the program by tests/run/faults.sh: system calls on files below one folder
 * are counted and the k-th fails with a given errno; so are allocations. Built for the
 * tests only. Environment:
 *   KAD_FAULT_BELOW    the folder, spelt as on the program's command line
 *   KAD_FAULT_CALL     k of the failing system call (from 1; absent: none)
 *   KAD_FAULT_ERRNO    its errno, a number
 *   KAD_FAULT_LOG      file that gets a line for each counted call
 *   KAD_FAULT_MALLOC   k of the failing allocation (from 1, counted from main on)
 *   KAD_FAULT_MALLOCS  file that gets their number when the program ends
 *   KAD_FAULT_OWN      only allocations that the program itself asks for are counted
 *                      (a crash within HDF5 after it: exit code 222)
 *   KAD_FAULT_STICKY   set: everything from the k-th on fails
 *   KAD_FAULT_FREE     bytes that statvfs calls free */
#define _GNU_SOURCE
#include <features.h>
#if defined(__GLIBC__)
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PUBLIC __attribute__((visibility("default")))

/* The next definition of a function, of the same type. */
#define REAL(name)                             \
    static __typeof__(&(name)) real;           \
    if (!real) {                               \
        void *found = dlsym(RTLD_NEXT, #name); \
        memcpy(&real, &found, sizeof found);   \
    }

static long number_of(const char *name)
{
    const char *text = getenv(name);
    return text ? strtol(text, NULL, 10) : 0;
}

/* ---- system calls ---- */

enum { MAX_FD = 1024 };
static bool watched[MAX_FD]; /* descriptors of files below the folder */
static long n_calls;

static void log_call(const char *call, const char *what)
{
    char line[PATH_MAX];
    const char *path = getenv("KAD_FAULT_LOG");
    if (!path) return;
    int n = snprintf(line, sizeof line, "%ld %s %s\n", n_calls, call, what);
    long fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT, 0666);
    if (fd < 0) return;
    syscall(SYS_write, (int)fd, line, (size_t)n);
    syscall(SYS_close, (int)fd);
}

static bool due(long n, long k)
{
    return k > 0 && (n == k || (n > k && getenv("KAD_FAULT_STICKY")));
}

/* Counts a call; true, with errno set, when it is the one to fail. */
static bool fails(const char *call, const char *what)
{
    int before = errno;
    n_calls++;
    log_call(call, what);
    errno = before;
    if (!due(n_calls, number_of("KAD_FAULT_CALL"))) return false;
    errno = (int)number_of("KAD_FAULT_ERRNO");
    return true;
}

static bool is_below(const char *path)
{
    const char *top = getenv("KAD_FAULT_BELOW");
    size_t n = top ? strlen(top) : 0;
    return n > 0 && strncmp(path, top, n) == 0 && (path[n] == 0 || path[n] == '/');
}

static bool path_fails(const char *call, const char *path)
{
    return is_below(path) && fails(call, path);
}

static bool is_watched(int fd)
{
    return fd >= 0 && fd < MAX_FD && watched[fd];
}

static bool fd_fails(const char *call, int fd)
{
    char what[24];
    if (!is_watched(fd)) return false;
    snprintf(what, sizeof what, "fd %d", fd);
    return fails(call, what);
}

static int watch(int fd, const char *path)
{
    if (fd >= 0 && fd < MAX_FD) watched[fd] = is_below(path);
    return fd;
}

#define OPEN(name)                                                              \
    PUBLIC int name(const char *path, int flags, ...)                           \
    {                                                                           \
        REAL(name)                                                              \
        va_list args;                                                           \
        va_start(args, flags);                                                  \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0; \
        va_end(args);                                                           \
        if (path_fails("open", path)) return -1;                                \
        return watch(real(path, flags, mode), path);                            \
    }
OPEN(open)
OPEN(open64)

PUBLIC FILE *fopen(const char *path, const char *mode)
{
    REAL(fopen)
    return path_fails("fopen", path) ? NULL : real(path, mode);
}

PUBLIC DIR *opendir(const char *path)
{
    REAL(opendir)
    if (path_fails("opendir", path)) return NULL;
    DIR *dir = real(path);
    if (dir) watch(dirfd(dir), path);
    return dir;
}

PUBLIC struct dirent *readdir(DIR *dir)
{
    REAL(readdir)
    return fd_fails("readdir", dirfd(dir)) ? NULL : real(dir);
}

PUBLIC int closedir(DIR *dir)
{
    REAL(closedir)
    int fd = dirfd(dir);
    if (fd >= 0 && fd < MAX_FD) watched[fd] = false;
    return real(dir);
}

/* As on Linux: the descriptor goes whatever is returned. */
PUBLIC int close(int fd)
{
    REAL(close)
    bool failing = fd_fails("close", fd);
    int why = errno;
    if (fd >= 0 && fd < MAX_FD) watched[fd] = false;
    int result = real(fd);
    if (!failing) return result;
    errno = why;
    return -1;
}

#define OF_PATH(result, name, args, call)           \
    PUBLIC result name args                         \
    {                                               \
        REAL(name)                                  \
        return path_fails(#name, path) ? -1 : call; \
    }
#define OF_FD(result, name, args, call)         \
    PUBLIC result name args                     \
    {                                           \
        REAL(name)                              \
        return fd_fails(#name, fd) ? -1 : call; \
    }

OF_PATH(int, access, (const char *path, int mode), real(path, mode))
OF_PATH(int, stat, (const char *path, struct stat *info), real(path, info))
OF_PATH(int, lstat, (const char *path, struct stat *info), real(path, info))
OF_PATH(int, mkdir, (const char *path, mode_t mode), real(path, mode))
OF_PATH(int, rename, (const char *path, const char *to), real(path, to))
OF_PATH(int, link, (const char *path, const char *to), real(path, to))
OF_PATH(int, unlink, (const char *path), real(path))
OF_FD(int, unlinkat, (int fd, const char *path, int flags), real(fd, path, flags))
OF_FD(int, fstat, (int fd, struct stat *info), real(fd, info))
OF_FD(ssize_t, read, (int fd, void *data, size_t n), real(fd, data, n))
OF_FD(ssize_t, write, (int fd, const void *data, size_t n), real(fd, data, n))
OF_FD(ssize_t, pread, (int fd, void *data, size_t n, off_t at), real(fd, data, n, at))
OF_FD(ssize_t, pwrite, (int fd, const void *data, size_t n, off_t at),
      real(fd, data, n, at))
OF_FD(int, fsync, (int fd), real(fd))
OF_FD(int, ftruncate, (int fd, off_t n), real(fd, n))

PUBLIC int fcntl(int fd, int command, ...)
{
    REAL(fcntl)
    va_list args;
    va_start(args, command);
    void *argument = va_arg(args, void *);
    va_end(args);
    return fd_fails("fcntl", fd) ? -1 : real(fd, command, argument);
}

PUBLIC int statvfs(const char *path, struct statvfs *info)
{
    REAL(statvfs)
    const char *free_bytes = getenv("KAD_FAULT_FREE");
    if (path_fails("statvfs", path)) return -1;
    int result = real(path, info);
    if (result == 0 && free_bytes)
        info->f_bavail = strtoull(free_bytes, NULL, 10) / info->f_frsize;
    return result;
}

/* ---- memory ---- */

static bool in_main, own_only;
static long n_mallocs, failing_malloc;

/* Where a piece of code lies. */
typedef enum owner { OTHER, PROGRAM, HDF5, EXCUSED } owner;

enum { MAX_RANGES = 32, MAX_FRAMES = 32, CRASH_WITHIN_HDF5 = 222 };
static struct {
    uintptr_t from, to;
    owner owner;
} ranges[MAX_RANGES];
static int n_ranges;

/* Excused are libraries that end the program themselves when they get no memory. */
static owner owner_of_file(const char *name)
{
    static const char *const names[] = {"libgomp", "libomp", "libfftw"};
    if (*name == 0) return PROGRAM;
    if (strstr(name, "libhdf5")) return HDF5;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strstr(name, names[i])) return EXCUSED;
    return OTHER;
}

static int note_ranges(struct dl_phdr_info *info, size_t size, void *unused)
{
    owner who = owner_of_file(info->dlpi_name);
    (void)size;
    (void)unused;
    for (int k = 0; who != OTHER && k < info->dlpi_phnum && n_ranges < MAX_RANGES; k++) {
        if (info->dlpi_phdr[k].p_type != PT_LOAD) continue;
        ranges[n_ranges].from = info->dlpi_addr + info->dlpi_phdr[k].p_vaddr;
        ranges[n_ranges].to = ranges[n_ranges].from + info->dlpi_phdr[k].p_memsz;
        ranges[n_ranges++].owner = who;
    }
    return 0;
}

static owner owner_of(const void *address)
{
    for (int i = 0; i < n_ranges; i++)
        if ((uintptr_t)address >= ranges[i].from && (uintptr_t)address < ranges[i].to)
            return ranges[i].owner;
    return OTHER;
}

/* A crash of HDF5's own is told from one of the program. */
static void on_crash(int number)
{
    void *frames[MAX_FRAMES];
    int n = backtrace(frames, MAX_FRAMES);
    for (int i = 0; i < n; i++) {
        owner who = owner_of(frames[i]);
        if (who == HDF5) _exit(CRASH_WITHIN_HDF5);
        if (who == PROGRAM) break;
    }
    signal(number, SIG_DFL);
    raise(number);
}

static bool malloc_fails(const void *caller)
{
    if (!in_main) return false;
    const owner who = owner_of(caller);
    if (who == EXCUSED || (own_only && who != PROGRAM)) return false;
    if (!due(__atomic_add_fetch(&n_mallocs, 1, __ATOMIC_RELAXED), failing_malloc))
        return false;
    errno = ENOMEM;
    return true;
}

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *block, size_t n);
void *__libc_memalign(size_t align, size_t n);

PUBLIC void *malloc(size_t n)
{
    return malloc_fails(__builtin_return_address(0)) ? NULL : __libc_malloc(n);
}

PUBLIC void *calloc(size_t n, size_t size)
{
    return malloc_fails(__builtin_return_address(0)) ? NULL : __libc_calloc(n, size);
}

PUBLIC void *realloc(void *block, size_t n)
{
    return malloc_fails(__builtin_return_address(0)) ? NULL : __libc_realloc(block, n);
}

PUBLIC void *aligned_alloc(size_t align, size_t n)
{
    return malloc_fails(__builtin_return_address(0)) ? NULL : __libc_memalign(align, n);
}

PUBLIC int posix_memalign(void **out, size_t align, size_t n)
{
    *out = malloc_fails(__builtin_return_address(0)) ? NULL : __libc_memalign(align, n);
    return *out ? 0 : ENOMEM;
}

/* ---- counting begins with main ---- */

static int (*program)(int, char **, char **);

static void write_count(void)
{
    const char *path = getenv("KAD_FAULT_MALLOCS");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file) return;
    fprintf(file, "%ld\n", n_mallocs);
    fclose(file);
}

/* On a stack of its own: HDF5 can recurse until there is none left. */
static void catch_crashes(void)
{
    static char stack[1 << 16];
    static const int crashes[] = {SIGSEGV, SIGABRT, SIGFPE};
    const stack_t own = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_handler = on_crash, .sa_flags = SA_ONSTACK};
    sigaltstack(&own, NULL);
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
        sigaction(crashes[i], &action, NULL);
}

static int counted_main(int argc, char **argv, char **environment)
{
    void *frames[1];
    dl_iterate_phdr(note_ranges, NULL);
    own_only = getenv("KAD_FAULT_OWN");
    failing_malloc = number_of("KAD_FAULT_MALLOC");
    if (failing_malloc > 0 && backtrace(frames, 1) >= 0) { /* which allocates once */
        catch_crashes();
    }
    atexit(write_count);
    in_main = true;
    int code = program(argc, argv, environment);
    in_main = false;
    return code;
}

typedef int start_main(int (*)(int, char **, char **), int, char **, void (*)(void),
                       void (*)(void), void (*)(void), void *);

int __libc_start_main(int (*)(int, char **, char **), int, char **, void (*)(void),
                      void (*)(void), void (*)(void), void *);

PUBLIC int __libc_start_main(int (*function)(int, char **, char **), int argc,
                             char **argv, void (*init)(void), void (*fini)(void),
                             void (*ld_fini)(void), void *stack)
{
    start_main *real;
    void *found = dlsym(RTLD_NEXT, "__libc_start_main");
    memcpy(&real, &found, sizeof found);
    program = function;
    return real(counted_main, argc, argv, init, fini, ld_fini, stack);
}
#endif
