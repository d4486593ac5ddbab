#define _GNU_SOURCE
#include "DiskRecorder.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define DESCRIPTORS 4096

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char root[4096];
static size_t root_length;
static int recording;
static struct disk_event *events;
static int64_t count, room;
/// Descriptors that were opened below the root while recording, with O_DSYNC or without.
static char tracked[DESCRIPTORS];
static char synchronous[DESCRIPTORS];

static void append(struct disk_event event) {
  if (count == room) {
    room = room ? room * 2 : 1024;
    events = realloc(events, (size_t)room * sizeof(struct disk_event));
    if (!events) abort();
  }
  events[count++] = event;
}

static int below(const char *path) { return recording && path && strncmp(path, root, root_length) == 0; }
static int known(int fd) { return recording && fd >= 0 && fd < DESCRIPTORS && tracked[fd]; }

void disk_record(const char *path) {
  pthread_mutex_lock(&lock);
  for (int64_t i = 0; i < count; i++) {
    free((void *)events[i].data);
    free((void *)events[i].path);
    free((void *)events[i].other);
  }
  count = 0;
  memset(tracked, 0, sizeof tracked);
  strncpy(root, path, sizeof root - 1);
  root_length = strlen(root);
  recording = 1;
  pthread_mutex_unlock(&lock);
}

void disk_stop(void) {
  pthread_mutex_lock(&lock);
  recording = 0;
  pthread_mutex_unlock(&lock);
}

void disk_mark(int64_t kind, int64_t number) {
  pthread_mutex_lock(&lock);
  if (recording) append((struct disk_event){.kind = DISK_MARK, .offset = kind, .length = number});
  pthread_mutex_unlock(&lock);
}

int64_t disk_count(void) { return count; }
const struct disk_event *disk_event_at(int64_t index) { return &events[index]; }

// MARK: - Names

static int open_at(const char *path, int flags, mode_t mode) {
  int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
  if (fd < 0 || fd >= DESCRIPTORS) return fd;
  pthread_mutex_lock(&lock);
  tracked[fd] = 0;
  if (below(path)) {
    tracked[fd] = 1;
    synchronous[fd] = (flags & O_DSYNC) != 0;
    append((struct disk_event){.kind = DISK_OPEN, .descriptor = fd, .offset = flags, .path = strdup(path)});
  }
  pthread_mutex_unlock(&lock);
  return fd;
}

int open(const char *path, int flags, ...) {
  mode_t mode = 0;
  if (flags & O_CREAT) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  return open_at(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  mode_t mode = 0;
  if (flags & O_CREAT) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  return open_at(path, flags, mode);
}

int close(int fd) {
  pthread_mutex_lock(&lock);
  if (known(fd)) {
    append((struct disk_event){.kind = DISK_CLOSE, .descriptor = fd});
    tracked[fd] = 0;
  }
  pthread_mutex_unlock(&lock);
  return (int)syscall(SYS_close, fd);
}

static int named(int result, int kind, const char *path, const char *other) {
  if (result != 0) return result;
  int saved = errno;
  pthread_mutex_lock(&lock);
  if (below(path)) {
    append((struct disk_event){.kind = kind, .path = strdup(path), .other = other ? strdup(other) : NULL});
  }
  pthread_mutex_unlock(&lock);
  errno = saved;
  return result;
}

int rename(const char *old, const char *new) { return named((int)syscall(SYS_rename, old, new), DISK_RENAME, old, new); }
int unlink(const char *path) { return named((int)syscall(SYS_unlink, path), DISK_UNLINK, path, NULL); }
int mkdir(const char *path, mode_t mode) { return named((int)syscall(SYS_mkdir, path, mode), DISK_MKDIR, path, NULL); }

// MARK: - Contents

static void wrote(int fd, off_t offset, const void *data, ssize_t length) {
  if (length <= 0) return;
  int saved = errno;
  pthread_mutex_lock(&lock);
  if (known(fd)) {
    uint8_t *copy = malloc((size_t)length);
    if (!copy) abort();
    memcpy(copy, data, (size_t)length);
    append((struct disk_event){
        .kind = DISK_WRITE, .descriptor = fd, .offset = offset, .length = length, .data = copy});
    if (synchronous[fd]) append((struct disk_event){.kind = DISK_WRITE_SYNC, .descriptor = fd});
  }
  pthread_mutex_unlock(&lock);
  errno = saved;
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) {
  ssize_t done = syscall(SYS_pwrite64, fd, data, length, offset);
  wrote(fd, offset, data, done);
  return done;
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) { return pwrite(fd, data, length, offset); }

static off_t position(int fd) { return known(fd) ? lseek(fd, 0, SEEK_CUR) : 0; }

ssize_t write(int fd, const void *data, size_t length) {
  off_t offset = position(fd);
  ssize_t done = syscall(SYS_write, fd, data, length);
  wrote(fd, offset, data, done);
  return done;
}

static ssize_t vector(int fd, const struct iovec *parts, int number, off_t offset, ssize_t done) {
  ssize_t left = done;
  for (int i = 0; i < number && left > 0; i++) {
    ssize_t length = (ssize_t)parts[i].iov_len < left ? (ssize_t)parts[i].iov_len : left;
    wrote(fd, offset, parts[i].iov_base, length);
    offset += length;
    left -= length;
  }
  return done;
}

ssize_t writev(int fd, const struct iovec *parts, int number) {
  off_t offset = position(fd);
  return vector(fd, parts, number, offset, syscall(SYS_writev, fd, parts, number));
}

ssize_t pwritev(int fd, const struct iovec *parts, int number, off_t offset) {
  return vector(fd, parts, number, offset, syscall(SYS_pwritev, fd, parts, number, offset, 0));
}

static int sized(int result, int fd, int kind, int64_t length) {
  if (result != 0) return result;
  pthread_mutex_lock(&lock);
  if (known(fd)) append((struct disk_event){.kind = kind, .descriptor = fd, .offset = length});
  pthread_mutex_unlock(&lock);
  return result;
}

int ftruncate(int fd, off_t length) { return sized((int)syscall(SYS_ftruncate, fd, length), fd, DISK_TRUNCATE, length); }

int posix_fallocate(int fd, off_t offset, off_t length) {
  if (syscall(SYS_fallocate, fd, 0, offset, length) != 0) return errno;
  return sized(0, fd, DISK_EXTEND, offset + length);
}

// MARK: - Syncs

int fsync(int fd) { return sized((int)syscall(SYS_fsync, fd), fd, DISK_SYNC, 0); }
int fdatasync(int fd) { return sized((int)syscall(SYS_fdatasync, fd), fd, DISK_SYNC, 0); }
