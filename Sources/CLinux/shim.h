#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/// prctl(PR_SET_DUMPABLE): prctl takes variable arguments, which Swift cannot call.
static inline int linux_set_dumpable(int is_dumpable) {
  return prctl(PR_SET_DUMPABLE, is_dumpable, 0, 0, 0);
}

/// close_range(2) with CLOSE_RANGE_CLOEXEC: nothing from this descriptor on is handed to programs that are started.
static inline long linux_close_on_exec(unsigned int first) {
  return syscall(SYS_close_range, first, ~0U, 4U);
}
