/* Lets system calls on files below FI_PREFIX fail as the block of numbers mapped from FI_CTL says (see faults.py).
 *
 * int32: 0 kind of call (1 open for writing, 2 write, 3 fsync, 4 rename, 5 close, 6 unlink, 7 ftruncate, 8 mkdir; 0 none),
 * 1 which one (from 1), 2 errno, 3 it and all later ones, 5 how often it failed, 7 armed, 8 + kind: calls counted.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define REAL(name, ...) (*(__typeof__(&name))dlsym(RTLD_NEXT, #name))(__VA_ARGS__)
#define WRITES(flags) (((flags) & O_ACCMODE) != O_RDONLY || ((flags) & O_CREAT))

static volatile int *control;
static const char *prefix;

static void begin(void) {
    static int done;
    if (done) return;
    done = 1;
    const char *name = getenv("FI_CTL");
    prefix = getenv("FI_PREFIX");
    if (!name) return;
    int file = REAL(open, name, O_RDWR);
    if (file < 0) return;
    void *block = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    control = block == MAP_FAILED ? 0 : block;
}

static int fails(int kind, const char *path) {
    begin();
    if (!control || !prefix || !control[7] || strncmp(path, prefix, strlen(prefix))) return 0;
    int count = ++control[8 + kind];
    if (control[0] != kind || (count != control[1] && !(control[3] && count > control[1]))) return 0;
    control[5]++;
    errno = control[2];
    return 1;
}

static int path_fails(int kind, const char *path) {
    char whole[8192], here[4096];
    if (path[0] == '/' || !getcwd(here, sizeof here)) return fails(kind, path);
    snprintf(whole, sizeof whole, "%s/%s", here, path);
    return fails(kind, whole);
}

static int file_fails(int kind, int file) {
    char link[64], path[4096];
    begin();
    if (!control || !control[7]) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size <= 0) return 0;
    path[size] = 0;
    return fails(kind, path);
}

static mode_t mode_of(int flags, va_list list) { return flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0; }

#define OPENS(name)                                              \
    int name(const char *path, int flags, ...) {                 \
        va_list list;                                            \
        va_start(list, flags);                                   \
        mode_t mode = mode_of(flags, list);                      \
        va_end(list);                                            \
        return WRITES(flags) && path_fails(1, path) ? -1 : REAL(name, path, flags, mode); \
    }
OPENS(open)
OPENS(open64)

int openat(int at, const char *path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    mode_t mode = mode_of(flags, list);
    va_end(list);
    return WRITES(flags) && path_fails(1, path) ? -1 : REAL(openat, at, path, flags, mode);
}

ssize_t write(int file, const void *data, size_t size) { return file_fails(2, file) ? -1 : REAL(write, file, data, size); }
ssize_t pwrite(int file, const void *data, size_t size, off_t at) {
    return file_fails(2, file) ? -1 : REAL(pwrite, file, data, size, at);
}
ssize_t pwrite64(int file, const void *data, size_t size, off64_t at) {
    return file_fails(2, file) ? -1 : REAL(pwrite64, file, data, size, at);
}
int fsync(int file) { return file_fails(3, file) ? -1 : REAL(fsync, file); }
int fdatasync(int file) { return file_fails(3, file) ? -1 : REAL(fdatasync, file); }
int rename(const char *from, const char *to) { return path_fails(4, to) ? -1 : REAL(rename, from, to); }
int renameat(int a, const char *from, int b, const char *to) {
    return path_fails(4, to) ? -1 : REAL(renameat, a, from, b, to);
}
int close(int file) {
    int failed = file_fails(5, file), number = errno, result = REAL(close, file);
    if (failed) errno = number;
    return failed ? -1 : result;
}
int unlink(const char *path) { return path_fails(6, path) ? -1 : REAL(unlink, path); }
int unlinkat(int at, const char *path, int flags) { return path_fails(6, path) ? -1 : REAL(unlinkat, at, path, flags); }
int ftruncate(int file, off_t size) { return file_fails(7, file) ? -1 : REAL(ftruncate, file, size); }
int ftruncate64(int file, off64_t size) { return file_fails(7, file) ? -1 : REAL(ftruncate64, file, size); }
int mkdir(const char *path, mode_t mode) { return path_fails(8, path) ? -1 : REAL(mkdir, path, mode); }
