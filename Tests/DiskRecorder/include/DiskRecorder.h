// Writes down what a process does to the files below one directory: every write with its bytes, every change of a name,
// every sync, in order. It takes the place of libc's functions of the same names, for LMDB and for our own file calls
// alike, and passes everything on to the kernel. One process, one recording at a time.

#ifndef DISK_RECORDER_H
#define DISK_RECORDER_H

#include <stdint.h>

enum {
  DISK_OPEN,       // descriptor, path; flags as of open(2) in offset
  DISK_CLOSE,      // descriptor
  DISK_WRITE,      // descriptor, offset, data
  DISK_WRITE_SYNC, // the write just before was durable when it returned (O_DSYNC)
  DISK_TRUNCATE,   // descriptor; the new length in offset
  DISK_EXTEND,     // descriptor; the file is at least as long as offset says
  DISK_SYNC,       // descriptor of a file or a directory
  DISK_RENAME,     // path, other
  DISK_UNLINK,     // path
  DISK_MKDIR,      // path
  DISK_MARK,       // the caller's own event: offset is its kind, length its number
};

struct disk_event {
  int32_t kind;
  int32_t descriptor;
  int64_t offset;
  int64_t length;
  const uint8_t *data;
  const char *path;
  const char *other;
};

/// Forgets the last recording and begins one of what happens below `root`.
void disk_record(const char *root);
void disk_stop(void);
void disk_mark(int64_t kind, int64_t number);
int64_t disk_count(void);
const struct disk_event *disk_event_at(int64_t index);

#endif
