/* What the programs that run on mounts share. Each exits with 0, or says what was wrong and exits with 1. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096UL

static inline void die(const char *what) {
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

static inline int open_file(const char *path, int flags) {
    int fd = open(path, flags, 0644);
    if (fd < 0) die(path);
    return fd;
}

static inline void *map_file(int fd, uint64_t offset, size_t length, int protection, int sharing) {
    void *address = mmap(NULL, length, protection, sharing, fd, offset);
    if (address == MAP_FAILED) die("mmap");
    return address;
}

static inline double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

/* xorshift: the same numbers for the same seed, everywhere. */
static uint64_t random_state = 88172645463325252;

static inline void seed_random(uint64_t seed) {
    random_state = seed * 2685821657736338717 + 88172645463325252;
}

static inline uint64_t random_below(uint64_t limit) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (random_state >> 11) % limit;
}
