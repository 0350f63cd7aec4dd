/*
 * Preloaded into a command and all that it starts: counts the calls that change a disk, and does something to one of them.
 * SHIM_COUNTER is a file of eight bytes in which all of the processes count; SHIM_UNDER the folder beneath which
 * changes count; SHIM_AT the call, counted from 1 (0: none); SHIM_HOW what becomes of it: `kill` before it, `torn` after
 * half of a write or after all of another call, `EIO` or `ENOSPC`.
 * What is written through a mapping, as SQLite's shared index is, passes no call and is not counted.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum how { NOTHING, KILL, TORN, FAIL };

/* The C library's own, as ours below stands in front of it. */
static long (*system_call)(long, ...);
static _Atomic long *counter;
static const char *under;
static long at;
static enum how how;
static int failure;

static void find(void) {
  if (!system_call) system_call = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
}

__attribute__((constructor)) static void begin(void) {
  find();
  const char *file = getenv("SHIM_COUNTER"), *word = getenv("SHIM_HOW");
  under = getenv("SHIM_UNDER");
  if (!file || !under || !word) return;
  at = atol(getenv("SHIM_AT") ? getenv("SHIM_AT") : "0");
  how = !strcmp(word, "kill") ? KILL : !strcmp(word, "torn") ? TORN : FAIL;
  failure = !strcmp(word, "ENOSPC") ? ENOSPC : EIO;
  int fd = system_call(SYS_openat, AT_FDCWD, file, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void *page = mmap(NULL, sizeof(long), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  system_call(SYS_close, fd);
  if (page != MAP_FAILED) counter = page;
}

static void die(void) {
  system_call(SYS_kill, getpid(), SIGKILL);
  for (;;) pause();
}

static enum how count(const char *path) {
  if (!counter || strncmp(path, under, strlen(under))) return NOTHING;
  if (atomic_fetch_add(counter, 1) + 1 != at) return NOTHING;
  if (how == KILL) die();
  if (how == FAIL) {
    static const char said[] = "syscall-shim: this change fails\n";
    system_call(SYS_write, 2, said, sizeof(said) - 1);
    errno = failure;
  }
  return how;
}

static enum how count_fd(int fd) {
  char link[64], path[PATH_MAX];
  if (!counter || fd <= 2) return NOTHING;
  snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof(path) - 1);
  if (length < 0) return NOTHING;
  path[length] = 0;
  return count(path);
}

static enum how count_at(int dir, const char *path) {
  char base[PATH_MAX / 2], link[64], whole[PATH_MAX];
  int end = 0;
  if (!counter || !path) return NOTHING;
  /* Through a folder that is open. */
  if (sscanf(path, "/proc/self/fd/%d/%n", &dir, &end) == 1 && end > 0) path += end;
  else if (path[0] == '/') return count(path);
  snprintf(link, sizeof(link), dir == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", dir);
  ssize_t length = readlink(link, base, sizeof(base) - 1);
  if (length < 0) return NOTHING;
  base[length] = 0;
  snprintf(whole, sizeof(whole), "%s/%s", base, path);
  return count(whole);
}

#define REAL(type, name, ...) \
  static type (*real)(__VA_ARGS__); \
  if (!real) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

/* Of calls that are done or not: where one is to be torn, it is done, and then all ends. */
#define WHOLE(found, call) \
  switch (found) { \
  case FAIL: return -1; \
  case TORN: (void)!(call); die(); return -1; \
  default: return call; \
  }

#define PATH_CALL(name, signature, types, arguments, directory, path) \
  int name signature { \
    REAL(int, #name, types); \
    WHOLE(count_at(directory, path), real arguments) \
  }
#define TYPES(...) __VA_ARGS__

PATH_CALL(unlink, (const char *a), TYPES(const char *), (a), AT_FDCWD, a)
PATH_CALL(unlinkat, (int d, const char *a, int f), TYPES(int, const char *, int), (d, a, f), d, a)
PATH_CALL(rmdir, (const char *a), TYPES(const char *), (a), AT_FDCWD, a)
PATH_CALL(mkdir, (const char *a, mode_t m), TYPES(const char *, mode_t), (a, m), AT_FDCWD, a)
PATH_CALL(rename, (const char *a, const char *b), TYPES(const char *, const char *), (a, b), AT_FDCWD, b)
PATH_CALL(renameat, (int c, const char *a, int d, const char *b), TYPES(int, const char *, int, const char *), (c, a, d, b), d, b)
PATH_CALL(link, (const char *a, const char *b), TYPES(const char *, const char *), (a, b), AT_FDCWD, b)
PATH_CALL(linkat, (int c, const char *a, int d, const char *b, int f), TYPES(int, const char *, int, const char *, int), (c, a, d, b, f), d, b)
PATH_CALL(symlink, (const char *a, const char *b), TYPES(const char *, const char *), (a, b), AT_FDCWD, b)
PATH_CALL(chmod, (const char *a, mode_t m), TYPES(const char *, mode_t), (a, m), AT_FDCWD, a)
PATH_CALL(truncate, (const char *a, off_t n), TYPES(const char *, off_t), (a, n), AT_FDCWD, a)

#define FD_CALL(name, signature, types, arguments, fd) \
  int name signature { \
    REAL(int, #name, types); \
    WHOLE(count_fd(fd), real arguments) \
  }

FD_CALL(fsync, (int fd), TYPES(int), (fd), fd)
FD_CALL(fdatasync, (int fd), TYPES(int), (fd), fd)
FD_CALL(ftruncate, (int fd, off_t n), TYPES(int, off_t), (fd, n), fd)
FD_CALL(ftruncate64, (int fd, off64_t n), TYPES(int, off64_t), (fd, n), fd)
FD_CALL(fchmod, (int fd, mode_t m), TYPES(int, mode_t), (fd, m), fd)
FD_CALL(fallocate, (int fd, int m, off_t o, off_t n), TYPES(int, int, off_t, off_t), (fd, m, o, n), fd)

static int makes(int flags) { return (flags & (O_CREAT | O_TRUNC)) != 0; }

#define OPEN_CALL(name) \
  int name(const char *path, int flags, ...) { \
    REAL(int, #name, const char *, int, ...); \
    va_list rest; \
    va_start(rest, flags); \
    mode_t mode = makes(flags) ? va_arg(rest, mode_t) : 0; \
    va_end(rest); \
    WHOLE(makes(flags) ? count_at(AT_FDCWD, path) : NOTHING, real(path, flags, mode)) \
  }
OPEN_CALL(open)
OPEN_CALL(open64)

#define OPENAT_CALL(name) \
  int name(int dir, const char *path, int flags, ...) { \
    REAL(int, #name, int, const char *, int, ...); \
    va_list rest; \
    va_start(rest, flags); \
    mode_t mode = makes(flags) ? va_arg(rest, mode_t) : 0; \
    va_end(rest); \
    WHOLE(makes(flags) ? count_at(dir, path) : NOTHING, real(dir, path, flags, mode)) \
  }
OPENAT_CALL(openat)
OPENAT_CALL(openat64)

#define WRITE_CALL(name, signature, types, arguments, half) \
  ssize_t name signature { \
    REAL(ssize_t, #name, types); \
    switch (count_fd(fd)) { \
    case FAIL: return -1; \
    case TORN: (void)!(half); die(); return -1; \
    default: return real arguments; \
    } \
  }

WRITE_CALL(write, (int fd, const void *b, size_t n), TYPES(int, const void *, size_t), (fd, b, n), real(fd, b, n / 2))
WRITE_CALL(pwrite, (int fd, const void *b, size_t n, off_t o), TYPES(int, const void *, size_t, off_t), (fd, b, n, o), real(fd, b, n / 2, o))
WRITE_CALL(pwrite64, (int fd, const void *b, size_t n, off64_t o), TYPES(int, const void *, size_t, off64_t), (fd, b, n, o), real(fd, b, n / 2, o))
WRITE_CALL(writev, (int fd, const struct iovec *v, int n), TYPES(int, const struct iovec *, int), (fd, v, n), write(fd, v[0].iov_base, v[0].iov_len / 2))
WRITE_CALL(pwritev, (int fd, const struct iovec *v, int n, off_t o), TYPES(int, const struct iovec *, int, off_t), (fd, v, n, o), pwrite(fd, v[0].iov_base, v[0].iov_len / 2, o))
WRITE_CALL(pwritev64, (int fd, const struct iovec *v, int n, off64_t o), TYPES(int, const struct iovec *, int, off64_t), (fd, v, n, o), pwrite64(fd, v[0].iov_base, v[0].iov_len / 2, o))

WRITE_CALL(sendfile64, (int fd, int from, off64_t *o, size_t n), TYPES(int, int, off64_t *, size_t), (fd, from, o, n), real(fd, from, o, n / 2))

/* Node copies files by a call that has no name in the C library. */
long syscall(long number, ...) {
  long a[6];
  va_list rest;
  va_start(rest, number);
  for (int n = 0; n < 6; n += 1) a[n] = va_arg(rest, long);
  va_end(rest);
  find();
  switch (number == SYS_copy_file_range ? count_fd(a[2]) : NOTHING) {
  case FAIL: return -1;
  case TORN: system_call(number, a[0], a[1], a[2], a[3], a[4] / 2, a[5]); die(); return -1;
  default: return system_call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  }
}

/* What a stream keeps back goes out by a call of the C library's own. */
static int flushed(FILE *stream, int (*real)(FILE *)) {
  if (!counter || !stream || __fpending(stream) == 0) return real(stream);
  switch (count_fd(fileno(stream))) {
  case FAIL:
    __fpurge(stream);
    real(stream);
    errno = failure;
    return EOF;
  case TORN: real(stream); die(); return EOF;
  default: return real(stream);
  }
}

int fclose(FILE *stream) {
  REAL(int, "fclose", FILE *);
  return flushed(stream, real);
}

int fflush(FILE *stream) {
  REAL(int, "fflush", FILE *);
  return flushed(stream, real);
}
