// What a machine rarely does, on demand: a disk that is full and a clock that jumps. Preloaded into
// programs under test (LD_PRELOAD) by regress/oracle/machine.js, which writes the file that
// BRIGADE_FAULTS names while they run.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct faults {
  int64_t clock_ahead_s;         // how far the wall clock is ahead
  int64_t growth_fails_percent;  // how often a regular file cannot grow for want of space
};

static const struct faults none;
static const struct faults* faults = &none;

__attribute__((constructor)) static void open_faults(void) {
  const char* path = getenv("BRIGADE_FAULTS");
  int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  void* memory = mmap(NULL, sizeof(struct faults), PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (memory != MAP_FAILED) faults = memory;
}

static int happens(int64_t percent) {
  static uint32_t state;
  state = state * 1664525 + (uint32_t)getpid() * 2 + 1;
  return (state >> 16) % 100 < percent;
}

// Standard error is the log that says what happened, so it stays.
static int cannot_grow(int file, off_t end) {
  struct stat now;
  if (faults->growth_fails_percent == 0 || file <= STDERR_FILENO) return 0;
  if (fstat(file, &now) != 0 || !S_ISREG(now.st_mode) || end <= now.st_size) return 0;
  return happens(faults->growth_fails_percent);
}

static off_t position_after(int file, size_t size) {
  off_t position =
      fcntl(file, F_GETFL) & O_APPEND ? lseek(file, 0, SEEK_END) : lseek(file, 0, SEEK_CUR);
  return position < 0 ? 0 : position + (off_t)size;
}

static size_t total(const struct iovec* parts, int count) {
  size_t sum = 0;
  for (int i = 0; i < count; i++) sum += parts[i].iov_len;
  return sum;
}

// The function of that name that would have been called without this library.
#define NEXT(name)                                              \
  ({                                                            \
    static __typeof__(&(name)) next;                            \
    if (next == NULL) *(void**)&next = dlsym(RTLD_NEXT, #name); \
    next;                                                       \
  })
#define FAIL_WITHOUT_SPACE(file, end) \
  if (cannot_grow(file, end)) return errno = ENOSPC, -1

ssize_t write(int file, const void* bytes, size_t size) {
  if (faults->growth_fails_percent != 0) {
    FAIL_WITHOUT_SPACE(file, position_after(file, size));
  }
  return NEXT(write)(file, bytes, size);
}

ssize_t pwrite(int file, const void* bytes, size_t size, off_t offset) {
  FAIL_WITHOUT_SPACE(file, offset + (off_t)size);
  return NEXT(pwrite)(file, bytes, size, offset);
}

ssize_t pwritev(int file, const struct iovec* parts, int count, off_t offset) {
  FAIL_WITHOUT_SPACE(file, offset + (off_t)total(parts, count));
  return NEXT(pwritev)(file, parts, count, offset);
}

int posix_fallocate(int file, off_t offset, off_t size) {
  if (cannot_grow(file, offset + size)) return ENOSPC;
  return NEXT(posix_fallocate)(file, offset, size);
}

// The names that programs with 64-bit file offsets call.
ssize_t pwrite64(int, const void*, size_t, off_t) __attribute__((alias("pwrite")));
ssize_t pwritev64(int, const struct iovec*, int, off_t) __attribute__((alias("pwritev")));
int posix_fallocate64(int, off_t, off_t) __attribute__((alias("posix_fallocate")));

int clock_gettime(clockid_t clock, struct timespec* now) {
  int result = NEXT(clock_gettime)(clock, now);
  if (result == 0 && clock == CLOCK_REALTIME) now->tv_sec += faults->clock_ahead_s;
  return result;
}
