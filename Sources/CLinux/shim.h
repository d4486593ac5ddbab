#include <sys/prctl.h>

/// prctl(PR_SET_DUMPABLE): prctl takes variable arguments, which Swift cannot call.
static inline int linux_set_dumpable(int is_dumpable) {
  return prctl(PR_SET_DUMPABLE, is_dumpable, 0, 0, 0);
}
