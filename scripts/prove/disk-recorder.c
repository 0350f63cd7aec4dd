/*
 * Preloaded into a command and all that it starts: writes down each change of a disk, in the order in which the changes were
 * made, so that the disk can be built again as it was at any moment, or without what no fsync had made sure of.
 * RECORD_TO is the log, made before; RECORD_LOCK a file of eight bytes that keeps the order between processes; RECORD_UNDER
 * the folder beneath which changes count. What is written to standard output is written down too.
 * A record is a line, `what <tab> inode <tab> offset <tab> bytes <tab> path <tab> other path`, and then so many bytes.
 * What is written through a mapping, as SQLite's shared index is, passes no call and is not written down.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
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

/* The C library's own, as ours below stands in front of it. */
static long (*system_call)(long, ...);
static _Atomic long *turn;
static const char *under;
static int log_fd = -1;

static void find(void) {
  if (!system_call) system_call = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
}

__attribute__((constructor)) static void begin(void) {
  find();
  const char *file = getenv("RECORD_TO"), *lock = getenv("RECORD_LOCK");
  under = getenv("RECORD_UNDER");
  if (!file || !lock || !under) return;
  int fd = system_call(SYS_openat, AT_FDCWD, lock, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void *page = mmap(NULL, sizeof(long), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  system_call(SYS_close, fd);
  if (page == MAP_FAILED) return;
  log_fd = system_call(SYS_openat, AT_FDCWD, file, O_WRONLY | O_APPEND | O_CLOEXEC);
  if (log_fd >= 0) turn = page;
}

/* One change at a time, from before it is made until it is written down. */
static void take(void) {
  long free = 0;
  while (!atomic_compare_exchange_weak(turn, &free, 1)) {
    free = 0;
    sched_yield();
  }
}

static void give(void) { atomic_store(turn, 0); }

static int is_inside(const char *path) { return turn && !strncmp(path, under, strlen(under)); }

static int path_of(int fd, char *path) {
  char link[64];
  snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return is_inside(path);
}

static int path_at(int dir, const char *path, char *whole) {
  char base[PATH_MAX], link[64];
  int end = 0;
  if (!turn || !path) return 0;
  /* Through a folder that is open. */
  if (sscanf(path, "/proc/self/fd/%d/%n", &dir, &end) == 1 && end > 0) path += end;
  else if (path[0] == '/') {
    snprintf(whole, PATH_MAX, "%s", path);
    return is_inside(whole);
  }
  snprintf(link, sizeof(link), dir == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", dir);
  ssize_t length = readlink(link, base, sizeof(base) - 1);
  if (length < 0) return 0;
  base[length] = 0;
  if (snprintf(whole, PATH_MAX, "%s/%s", base, path) >= PATH_MAX) return 0;
  return is_inside(whole);
}

static void say(const char *what, unsigned long inode, long offset, const struct iovec *pieces, int count, size_t bytes, const char *path, const char *other) {
  char line[2 * PATH_MAX + 128];
  int length = snprintf(line, sizeof(line), "%s\t%lu\t%ld\t%zu\t%s\t%s\n", what, inode, offset, bytes, path, other);
  system_call(SYS_write, log_fd, line, length);
  for (int at = 0; at < count && bytes > 0; at += 1) {
    size_t part = pieces[at].iov_len < bytes ? pieces[at].iov_len : bytes;
    for (size_t done = 0; done < part;) {
      long now = system_call(SYS_write, log_fd, (char *)pieces[at].iov_base + done, part - done);
      if (now <= 0) return;
      done += now;
    }
    bytes -= part;
  }
}

static unsigned long inode_of(int fd) {
  struct stat found;
  return fstat(fd, &found) == 0 ? found.st_ino : 0;
}

#define REAL(type, name, ...) \
  static type (*real)(__VA_ARGS__); \
  if (!real) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)
#define TYPES(...) __VA_ARGS__

/* Names: what is done to them, and what a path or two are. */
#define NAME_CALL(name, signature, types, arguments, what, da, a, db, b, number) \
  int name signature { \
    REAL(int, #name, types); \
    char one[PATH_MAX], two[PATH_MAX] = ""; \
    const char *other = b; \
    if (!path_at(da, a, one)) return real arguments; \
    if (other && !path_at(db, other, two)) two[0] = 0; \
    take(); \
    int done = real arguments; \
    if (done == 0) say(what, 0, number, NULL, 0, 0, one, two); \
    give(); \
    return done; \
  }

#define NOBODY ((const char *)NULL)
NAME_CALL(unlink, (const char *a), TYPES(const char *), (a), "unlink", AT_FDCWD, a, 0, NOBODY, 0)
NAME_CALL(unlinkat, (int d, const char *a, int f), TYPES(int, const char *, int), (d, a, f), "unlink", d, a, 0, NOBODY, 0)
NAME_CALL(rmdir, (const char *a), TYPES(const char *), (a), "unlink", AT_FDCWD, a, 0, NOBODY, 0)
NAME_CALL(mkdir, (const char *a, mode_t m), TYPES(const char *, mode_t), (a, m), "mkdir", AT_FDCWD, a, 0, NOBODY, m)
NAME_CALL(mkdirat, (int d, const char *a, mode_t m), TYPES(int, const char *, mode_t), (d, a, m), "mkdir", d, a, 0, NOBODY, m)
NAME_CALL(rename, (const char *a, const char *b), TYPES(const char *, const char *), (a, b), "rename", AT_FDCWD, a, AT_FDCWD, b, 0)
NAME_CALL(renameat, (int c, const char *a, int d, const char *b), TYPES(int, const char *, int, const char *), (c, a, d, b), "rename", c, a, d, b, 0)
NAME_CALL(link, (const char *a, const char *b), TYPES(const char *, const char *), (a, b), "link", AT_FDCWD, a, AT_FDCWD, b, 0)
NAME_CALL(linkat, (int c, const char *a, int d, const char *b, int f), TYPES(int, const char *, int, const char *, int), (c, a, d, b, f), "link", c, a, d, b, 0)
NAME_CALL(symlink, (const char *a, const char *b), TYPES(const char *, const char *), (a, b), "symlink", AT_FDCWD, b, 0, NOBODY, 0)
NAME_CALL(chmod, (const char *a, mode_t m), TYPES(const char *, mode_t), (a, m), "chmod", AT_FDCWD, a, 0, NOBODY, m)
NAME_CALL(truncate, (const char *a, off_t n), TYPES(const char *, off_t), (a, n), "cut", AT_FDCWD, a, 0, NOBODY, n)

/* What is done to an open file or folder. */
#define FILE_CALL(name, signature, types, arguments, what, number) \
  int name signature { \
    REAL(int, #name, types); \
    char path[PATH_MAX]; \
    if (!turn || fd <= 2 || !path_of(fd, path)) return real arguments; \
    take(); \
    int done = real arguments; \
    if (done == 0) say(what, inode_of(fd), number, NULL, 0, 0, path, ""); \
    give(); \
    return done; \
  }

FILE_CALL(fsync, (int fd), TYPES(int), (fd), "sync", 0)
FILE_CALL(fdatasync, (int fd), TYPES(int), (fd), "sync", 0)
FILE_CALL(ftruncate, (int fd, off_t n), TYPES(int, off_t), (fd, n), "truncate", n)
FILE_CALL(ftruncate64, (int fd, off64_t n), TYPES(int, off64_t), (fd, n), "truncate", n)
FILE_CALL(fchmod, (int fd, mode_t m), TYPES(int, mode_t), (fd, m), "chmod", m)

static int makes(int flags) { return (flags & (O_CREAT | O_TRUNC)) != 0; }

/* Made, or emptied; what is opened otherwise changes nothing. */
#define OPEN_BODY(dir, call) \
  char whole[PATH_MAX]; \
  if (!makes(flags) || !path_at(dir, path, whole)) return call; \
  take(); \
  struct stat before; \
  int was = fstatat(dir, path, &before, 0) == 0; \
  int fd = call; \
  if (fd >= 0 && !was) say("create", inode_of(fd), mode, NULL, 0, 0, whole, ""); \
  if (fd >= 0 && was && (flags & O_TRUNC)) say("truncate", inode_of(fd), 0, NULL, 0, 0, whole, ""); \
  give(); \
  return fd;

#define MODE \
  va_list rest; \
  va_start(rest, flags); \
  mode_t mode = makes(flags) ? va_arg(rest, mode_t) : 0; \
  va_end(rest);

#define OPEN_CALL(name) \
  int name(const char *path, int flags, ...) { \
    REAL(int, #name, const char *, int, ...); \
    MODE OPEN_BODY(AT_FDCWD, real(path, flags, mode)) \
  }
OPEN_CALL(open)
OPEN_CALL(open64)

#define OPENAT_CALL(name) \
  int name(int dir, const char *path, int flags, ...) { \
    REAL(int, #name, int, const char *, int, ...); \
    MODE OPEN_BODY(dir, real(dir, path, flags, mode)) \
  }
OPENAT_CALL(openat)
OPENAT_CALL(openat64)

/* `place`: where it is written, or -1 for where the file stands. */
#define WRITE_CALL(name, signature, types, arguments, pieces, count, place) \
  ssize_t name signature { \
    REAL(ssize_t, #name, types); \
    char path[PATH_MAX] = ""; \
    if (!turn || fd == 2 || fd == 0) return real arguments; \
    int is_said = fd == 1; \
    if (!is_said && !path_of(fd, path)) return real arguments; \
    take(); \
    long at = place; \
    struct stat before = {0}; \
    if (at < 0 && !is_said) { \
      int flags = fcntl(fd, F_GETFL); \
      fstat(fd, &before); \
      at = flags & O_APPEND ? before.st_size : lseek(fd, 0, SEEK_CUR); \
    } \
    ssize_t done = real arguments; \
    if (done > 0) say(is_said ? "said" : "write", is_said ? 0 : inode_of(fd), at, pieces, count, done, path, ""); \
    give(); \
    return done; \
  }
#define ONE (&(struct iovec){(void *)b, n})

WRITE_CALL(write, (int fd, const void *b, size_t n), TYPES(int, const void *, size_t), (fd, b, n), ONE, 1, -1)
WRITE_CALL(pwrite, (int fd, const void *b, size_t n, off_t o), TYPES(int, const void *, size_t, off_t), (fd, b, n, o), ONE, 1, o)
WRITE_CALL(pwrite64, (int fd, const void *b, size_t n, off64_t o), TYPES(int, const void *, size_t, off64_t), (fd, b, n, o), ONE, 1, o)
WRITE_CALL(writev, (int fd, const struct iovec *v, int n), TYPES(int, const struct iovec *, int), (fd, v, n), v, n, -1)
WRITE_CALL(pwritev, (int fd, const struct iovec *v, int n, off_t o), TYPES(int, const struct iovec *, int, off_t), (fd, v, n, o), v, n, o)
WRITE_CALL(pwritev64, (int fd, const struct iovec *v, int n, off64_t o), TYPES(int, const struct iovec *, int, off64_t), (fd, v, n, o), v, n, o)

/* What the kernel copies from file to file passes no buffer of the program's: it is read again from the file. */
static void say_again(int fd, long at, long done, const char *path) {
  char link[64], bytes[65536];
  snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  int again = system_call(SYS_openat, AT_FDCWD, link, O_RDONLY | O_CLOEXEC);
  if (again < 0) return;
  while (done > 0) {
    long part = system_call(SYS_pread64, again, bytes, done < (long)sizeof(bytes) ? done : (long)sizeof(bytes), at);
    if (part <= 0) break;
    say("write", inode_of(fd), at, &(struct iovec){bytes, part}, 1, part, path, "");
    at += part;
    done -= part;
  }
  system_call(SYS_close, again);
}

ssize_t sendfile64(int fd, int from, off64_t *start, size_t n) {
  REAL(ssize_t, "sendfile64", int, int, off64_t *, size_t);
  char path[PATH_MAX];
  if (!turn || fd <= 2 || !path_of(fd, path)) return real(fd, from, start, n);
  take();
  long at = lseek(fd, 0, SEEK_CUR);
  ssize_t done = real(fd, from, start, n);
  if (done > 0) say_again(fd, at, done, path);
  give();
  return done;
}

/* Node copies files by a call that has no name in the C library. */
long syscall(long number, ...) {
  long a[6];
  va_list rest;
  va_start(rest, number);
  for (int n = 0; n < 6; n += 1) a[n] = va_arg(rest, long);
  va_end(rest);
  find();
  char path[PATH_MAX];
  int fd = a[2];
  if (number != SYS_copy_file_range || !turn || fd <= 2 || !path_of(fd, path)) return system_call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  take();
  long at = a[3] ? *(off64_t *)a[3] : lseek(fd, 0, SEEK_CUR);
  long done = system_call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  if (done > 0) say_again(fd, at, done, path);
  give();
  return done;
}

/* What a stream keeps back goes out by a call of the C library's own: it is flushed here, and read again from the file. */
static int flushed(FILE *stream, int (*real)(FILE *)) {
  char path[PATH_MAX], link[64], bytes[8192];
  int fd = stream ? fileno(stream) : -1;
  size_t pending = turn && fd > 2 ? __fpending(stream) : 0;
  if (pending == 0 || pending > sizeof(bytes) || !path_of(fd, path)) return real(stream);
  take();
  struct stat before = {0};
  fstat(fd, &before);
  long at = fcntl(fd, F_GETFL) & O_APPEND ? before.st_size : lseek(fd, 0, SEEK_CUR);
  unsigned long inode = inode_of(fd);
  snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  int again = system_call(SYS_openat, AT_FDCWD, link, O_RDONLY | O_CLOEXEC);
  int done = real(stream);
  long found = again < 0 ? -1 : system_call(SYS_pread64, again, bytes, pending, at);
  if (again >= 0) system_call(SYS_close, again);
  if (found > 0) say("write", inode, at, &(struct iovec){bytes, found}, 1, found, path, "");
  give();
  return done;
}

int fclose(FILE *stream) {
  REAL(int, "fclose", FILE *);
  return flushed(stream, real);
}

int fflush(FILE *stream) {
  REAL(int, "fflush", FILE *);
  return flushed(stream, real);
}
