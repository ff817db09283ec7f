/*
 * extend ROUNDS MAPS BUSY PATH [OTHER]: a file grows, while threads ask for its size all the time, and read its last page. One
 * thread appends past the kernel's cache, then writes behind that through it. With OTHER, the file's path on another mount, it is
 * the other one that makes the file longer first. No byte may get lost, nor be seen as it was before: the kernel zeroes what is
 * behind a size that it has just heard. MAPS of the file make it slow at that, BUSY threads keep the processors from those that
 * have just been answered.
 */
#include "program.h"

#include <sys/resource.h>
#include <sys/syscall.h>

#define RECORD 100UL
#define MAP_BYTES (64UL << 20)

static const char *path, *other;
static long rounds;
static atomic_int is_over;
static atomic_long begun, done_far;

static unsigned char byte_at(uint64_t offset) {
    return 1 + offset % 251;
}

/* `offset`: -1 to append, at `end`. */
static void put(int fd, uint64_t end, int64_t offset) {
    unsigned char record[RECORD];
    for (uint64_t i = 0; i < RECORD; i++) record[i] = byte_at(end + i);
    ssize_t written = offset < 0 ? write(fd, record, RECORD) : pwrite(fd, record, RECORD, offset);
    if (written != (ssize_t)RECORD) die("write");
}

static void check(const char *who, int fd, uint64_t from, uint64_t end) {
    static unsigned char bytes[2 * PAGE];
    for (; from < end; from += sizeof bytes) {
        ssize_t count = end - from < sizeof bytes ? end - from : sizeof bytes;
        ssize_t got = pread(fd, bytes, count, from);
        if (got != count) {
            fprintf(stderr, "%s: %zd bytes at %#lx, of a file that ends at %#lx\n", who, got, from, end);
            exit(1);
        }
        for (uint64_t at = from; at < from + count; at++) {
            if (bytes[at - from] == byte_at(at)) continue;
            fprintf(stderr, "%s: byte %#lx, of a file that ends at %#lx, is %d\n", who, at, end, bytes[at - from]);
            exit(1);
        }
    }
}

static uint64_t size_of(int fd) {
    struct stat found;
    if (fstat(fd, &found) != 0) die("fstat");
    return found.st_size;
}

static void *ask(void *unused) {
    int fd = open_file(path, O_RDONLY);
    while (!is_over) size_of(fd);
    return unused;
}

/* Takes the lock that writes take, for as long as the kernel asks for the size. */
static void *ask_by_seek(void *unused) {
    int fd = open_file(path, O_RDONLY);
    while (!is_over)
        if (lseek(fd, 0, SEEK_END) < 0) die("lseek");
    return unused;
}

static void *ask_and_read(void *unused) {
    static unsigned char page[PAGE];
    int fd = open_file(path, O_RDONLY);
    while (!is_over)
        if (pread(fd, page, PAGE, size_of(fd) / PAGE * PAGE) < 0) die("pread");
    return unused;
}

/* What is there already: it makes the page one that the kernel has to write down. Not where that may come at any time, for another
 * host: from Linux 6.17 on it zeroes what is behind the size that it knows, and a write behind that with it (docs/mounting.md). */
static void *ask_and_store(void *unused) {
    int fd = open_file(path, O_RDWR);
    volatile unsigned char *map = map_file(fd, 0, MAP_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED);
    while (!is_over) {
        uint64_t size = size_of(fd);
        if (size > 0) map[size - 1] = byte_at(size - 1);
    }
    return unused;
}

static void *keep_busy(void *unused) {
    while (!is_over) continue;
    return unused;
}

static void *write_far(void *unused) {
    int fd = open_file(other, O_RDWR);
    for (long round = 0; round < rounds; round++) {
        while (begun <= round) continue;
        put(fd, 2 * round * RECORD, 2 * round * RECORD);
        done_far = round + 1;
    }
    return unused;
}

static void start(void *(*run)(void *)) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, NULL) != 0) die("a thread");
}

int main(int count, char **arguments) {
    if (count < 5) return 2;
    rounds = strtol(arguments[1], NULL, 10);
    path = arguments[4];
    other = count > 5 ? arguments[5] : NULL;
    int past_cache = open_file(path, O_WRONLY | O_APPEND | O_CREAT), cached = open_file(path, O_RDWR);
    for (long map = strtol(arguments[2], NULL, 10); map > 0; map--) map_file(cached, 0, MAP_BYTES, PROT_READ, MAP_SHARED);
    start(ask);
    start(ask_by_seek);
    start(ask_and_read);
    if (other == NULL) start(ask_and_store);
    for (long busy = strtol(arguments[3], NULL, 10); busy > 0; busy--) start(keep_busy);
    if (setpriority(PRIO_PROCESS, syscall(SYS_gettid), 10) != 0) die("setpriority");
    if (other != NULL) start(write_far);
    for (long round = 0; round < rounds; round++) {
        uint64_t at = 2 * round * RECORD, end = at + 2 * RECORD;
        begun = round + 1;
        if (other == NULL) put(past_cache, at, -1);
        else if (round % 3 == 0) while (done_far <= round) continue; /* As soon as it is complete, */
        else if (round % 3 == 1) while (size_of(cached) < at + RECORD) continue; /* or is seen here; or at the same time. */
        put(cached, at + RECORD, at + RECORD);
        while (other != NULL && done_far <= round) continue;
        for (int look = 0; look < 3; look++) {
            check("who wrote it", cached, end > PAGE ? end - PAGE : 0, end);
            if (look > 0) usleep(1000);
        }
    }
    is_over = 1;
    check("in the end", cached, 0, 2 * rounds * RECORD);
    if (other != NULL) check("on the other mount", open_file(other, O_RDONLY), 0, 2 * rounds * RECORD);
    return 0;
}
