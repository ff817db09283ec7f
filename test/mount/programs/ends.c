/* ends SEED SECONDS KIND STOPPED PATH...: processes, each by a path of its own to one file, append to it by descriptors of all kinds,
 * and do what moves its end or the kernel's cache of it, at random. No call takes longer than `SECONDS_MAX`.
 *
 * KIND `records`: all that is written are records, and in the end each is there, once, those of each writer in their order. `all`: they
 * cut the file as well, and write and store anywhere near its end. STOPPED: processes with commas in between, which are stopped for
 * some ms again and again; `-` for none. */
#include "program.h"

#include <sys/wait.h>

#define SECONDS_MAX 30
#define PROCESSES_MAX 16
#define FILE_MAX 2000000
#define ROOM 16384

/* It divides a page: what the kernel sends page by page is a record then. */
struct record {
    uint32_t writer, number, words[14];
};

struct slot {
    pid_t pid;
    const char *volatile call;
    volatile double since;
    volatile uint32_t records;
};

static struct slot *slots, *mine;
static sigjmp_buf at_bus_error;

static void on_bus_error(int signal) {
    (void)signal;
    siglongjmp(at_bus_error, 1);
}

/* A call, while which the parent looks how long it takes. */
#define CALL(expression) (begin(#expression), end((long)(expression)))

static void begin(const char *call) {
    mine->call = call;
    mine->since = seconds();
}

static long end(long result) {
    mine->since = 0;
    return result;
}

static off_t size_of(int fd) {
    struct stat status;
    if (CALL(fstat(fd, &status)) != 0) die("fstat");
    return status.st_size;
}

static void fill(struct record *record, uint32_t writer, uint32_t number) {
    record->writer = writer;
    record->number = number;
    for (uint32_t at = 0; at < 14; at++) record->words[at] = writer * 31 + number * 17 + at;
}

static void append(int fd, uint32_t writer) {
    struct record record;
    fill(&record, writer, mine->records);
    int is_placed = random_below(4) == 0; /* O_APPEND does not ask where. */
    ssize_t written = is_placed ? CALL(pwrite(fd, &record, sizeof record, 0)) : CALL(write(fd, &record, sizeof record));
    if (written != sizeof record) die("append");
    mine->records++;
}

static void touch(char *map, off_t map_at, int fd, int is_store) {
    off_t at = size_of(fd) - 1 - (off_t)random_below(3000);
    if (map == NULL || at < map_at || at >= map_at + ROOM) return;
    volatile char *byte = map + (at - map_at);
    begin("a load, or a store");
    if (sigsetjmp(at_bus_error, 1) == 0) {
        if (is_store) *byte = 1;
        else (void)*byte;
    }
    mine->since = 0;
}

/* Moves the end in ways that lose what was written. */
static void move_end(int fd, int *is_append) {
    static char bytes[200];
    off_t size = size_of(fd), to = size + (off_t)random_below(9000) - 5000;
    if (to < 0 || to > FILE_MAX) to = 0;
    switch (random_below(4)) {
    case 0: CALL(ftruncate(fd, to)); break;
    case 1: CALL(fallocate(fd, 0, size, random_below(3000) + 1)); break;
    case 2: CALL(pwrite(fd, bytes, random_below(sizeof bytes) + 1, to)); break;
    default:
        *is_append = random_below(3) > 0;
        CALL(fcntl(fd, F_SETFL, *is_append ? O_APPEND : 0));
    }
}

static void work(uint32_t writer, const char *path, int is_all, double until) {
    static char bytes[ROOM];
    int fd = -1, is_append = 0, access = 0;
    char *map = NULL;
    off_t map_at = 0;
    signal(SIGBUS, on_bus_error);
    while (seconds() < until) {
        if (fd < 0) {
            access = random_below(4) == 0 ? O_WRONLY : O_RDWR;
            is_append = random_below(3) == 0;
            fd = CALL(open_file(path, O_CREAT | access | (is_append ? O_APPEND : 0)));
            if (!is_append) CALL(fcntl(fd, F_SETFL, O_APPEND));
            is_append = 1;
        }
        uint64_t what = random_below(100);
        int is_readable = access == O_RDWR;
        if (what < 55) {
            if (is_append) append(fd, writer);
        } else if (what < 60) size_of(fd);
        else if (what < 63) CALL(lseek(fd, 0, SEEK_END));
        else if (what < 71 && is_readable) {
            off_t from = size_of(fd) - (off_t)random_below(9000);
            CALL(pread(fd, bytes, random_below(12000) + 1, from < 0 ? 0 : from));
        } else if (what < 75 && is_readable) {
            if (map != NULL) CALL(munmap(map, ROOM));
            map_at = (size_of(fd) > 8192 ? size_of(fd) - 8192 : 0) & ~(off_t)(PAGE - 1);
            map = (char *)CALL(map_file(fd, map_at, ROOM, PROT_READ | PROT_WRITE, MAP_SHARED));
        } else if (what < 83) touch(map, map_at, fd, is_all && random_below(2));
        else if (what < 87) CALL(fsync(fd));
        else if (what < 91) CALL(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
        else if (what < 93) {
            CALL(close(fd));
            fd = -1;
        } else if (is_all) move_end(fd, &is_append);
    }
    if (map != NULL) CALL(munmap(map, ROOM));
    if (fd >= 0) CALL(close(fd));
}

static int check(const char *path, int writers) {
    uint32_t next[PROCESSES_MAX] = {0};
    struct record record, expected;
    int fd = open_file(path, O_RDONLY);
    for (off_t at = 0; pread(fd, &record, sizeof record, at) > 0; at += sizeof record) {
        uint32_t writer = record.writer < (uint32_t)writers ? record.writer : 0;
        fill(&expected, writer, next[writer]++);
        if (memcmp(&record, &expected, sizeof record) == 0) continue;
        fprintf(stderr, "%s: at %ld is no record %u of writer %u\n", path, (long)at, expected.number, writer);
        return 1;
    }
    for (int writer = 0; writer < writers; writer++) {
        if (next[writer] == slots[writer].records) continue;
        fprintf(stderr, "%s: writer %d has %u records of %u\n", path, writer, next[writer], slots[writer].records);
        return 1;
    }
    close(fd);
    return 0;
}

static void stop_one(const char *stopped) {
    char list[200], *rest = list;
    pid_t pids[PROCESSES_MAX];
    int count = 0;
    snprintf(list, sizeof list, "%s", stopped);
    for (char *one; count < PROCESSES_MAX && (one = strsep(&rest, ",")) != NULL;) pids[count++] = atoi(one);
    pid_t pid = pids[random_below(count)];
    kill(pid, SIGSTOP);
    usleep(1000 + random_below(random_below(3) ? 30000 : 300000));
    kill(pid, SIGCONT);
}

/* Who has waited for too long is named, with what all the others are at. */
static int is_stuck(int writers) {
    int stuck = 0;
    for (int at = 0; at < writers; at++) stuck |= slots[at].since > 0 && seconds() - slots[at].since > SECONDS_MAX;
    for (int at = 0; at < writers && stuck; at++) {
        double since = slots[at].since;
        fprintf(stderr, "%d: %s for %.1f s\n", slots[at].pid, slots[at].call, since > 0 ? seconds() - since : 0);
    }
    for (int at = 0; at < writers && stuck; at++) kill(slots[at].pid, SIGKILL);
    return stuck;
}

int main(int count, char **arguments) {
    int writers = count - 5, is_all = count > 3 && strcmp(arguments[3], "all") == 0, failed = 0;
    if (writers < 1 || writers > PROCESSES_MAX) return 2;
    slots = mmap(NULL, PROCESSES_MAX * sizeof *slots, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    double until = seconds() + atof(arguments[2]);
    for (int writer = 0; writer < writers; writer++) {
        mine = &slots[writer];
        seed_random(strtoull(arguments[1], NULL, 10) * PROCESSES_MAX + writer);
        pid_t pid = fork();
        if (pid < 0) die("fork");
        if (pid > 0) mine->pid = pid;
        if (pid > 0) continue;
        work(writer, arguments[5 + writer], is_all, until);
        return 0;
    }
    for (int live = writers; live > 0;) {
        usleep(50000);
        int status;
        for (; live > 0 && waitpid(-1, &status, WNOHANG) > 0; live--) failed |= status != 0;
        if (arguments[4][0] != '-' && seconds() < until && random_below(4) == 0) stop_one(arguments[4]);
        if (is_stuck(writers)) return 1;
    }
    for (int at = 0; at < writers && !failed && !is_all; at++) failed = check(arguments[5 + at], writers);
    return failed;
}
