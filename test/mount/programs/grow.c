/*
 * grow SEED APPENDS WRITER READER...: one thread makes a file longer, in each of the ways that programs have, and reads what it
 * wrote by other descriptors and a map. Others read the file up to the end that fstat(2) tells them, each in a way of its own.
 * Every byte says where it is, and none is zero: whoever sees a byte before it was written, or an old copy of it, says so.
 */
#include "program.h"

#define RECORD_MAX 9000UL
#define BLOCK_MAX (4 * PAGE)
#define FILE_MAX (64UL << 20)

static unsigned char record[RECORD_MAX];
static atomic_int is_over;

static unsigned char byte_at(uint64_t offset) {
    return 1 + offset % 251;
}

static char **paths;
static int path_count;

/* Whose copy of a wrong byte is wrong: the kernel's, this node's (which O_DIRECT asks), another node's, or the home's. */
static void tell_copies(uint64_t at) {
    static unsigned char page[PAGE] __attribute__((aligned(PAGE)));
    for (int i = 0; i < path_count; i++) {
        for (int direct = 0; direct < 2; direct++) {
            int fd = open_file(paths[i], O_RDONLY | (direct ? O_DIRECT : 0));
            ssize_t got = pread(fd, page, PAGE, at / PAGE * PAGE);
            fprintf(stderr, "  %s%s: %zd bytes of its page, it is %d\n", paths[i], direct ? " by O_DIRECT" : "", got, page[at % PAGE]);
            close(fd);
        }
    }
}

static void check(const char *who, const unsigned char *bytes, uint64_t from, uint64_t to) {
    for (uint64_t at = from; at < to; at++) {
        if (bytes[at - from] == byte_at(at)) continue;
        fprintf(stderr, "%s: byte %#lx (of %#lx..%#lx) is %d, not %d\n", who, at, from, to, bytes[at - from], byte_at(at));
        tell_copies(at);
        exit(1);
    }
}

static uint64_t size_of(int fd) {
    struct stat found;
    if (fstat(fd, &found) != 0) die("fstat");
    return found.st_size;
}

/* Reads [from, to), all of which is in the file. */
static void read_back(const char *who, int fd, uint64_t from, uint64_t to) {
    static _Thread_local unsigned char bytes[1 << 16];
    while (from < to) {
        uint64_t count = to - from < sizeof bytes ? to - from : sizeof bytes;
        ssize_t got = pread(fd, bytes, count, from);
        if (got < 0) die(who);
        if (got == 0) {
            fprintf(stderr, "%s: nothing at %#lx, but the file ends at %#lx\n", who, from, to);
            exit(1);
        }
        check(who, bytes, from, from + got);
        from += got;
    }
}

enum way { READ, DIRECT, MAP, WAYS };
static const char *const ways[] = {"by read", "by O_DIRECT", "by a map"};

struct reader {
    const char *path;
    enum way way;
    pthread_t thread;
};

static void *read_along(void *argument) {
    struct reader *reader = argument;
    char who[200];
    snprintf(who, sizeof who, "%s %s", reader->path, ways[reader->way]);
    int fd = open_file(reader->path, O_RDONLY);
    unsigned char *map = map_file(fd, 0, FILE_MAX, PROT_READ, MAP_SHARED), *block = NULL;
    if (posix_memalign((void **)&block, PAGE, BLOCK_MAX) != 0) die("posix_memalign");
    int direct = open_file(reader->path, O_RDONLY | O_DIRECT);
    for (uint64_t seen = 0; !is_over;) {
        uint64_t end = size_of(fd), from = end > RECORD_MAX ? end - RECORD_MAX : 0;
        if (end == seen) continue;
        if (reader->way == READ) {
            read_back(who, fd, from, end);
        } else if (reader->way == MAP) {
            check(who, map + from, from, end);
        } else {
            uint64_t start = from / PAGE * PAGE;
            ssize_t got = pread(direct, block, BLOCK_MAX, start);
            if (got < 0) die(who);
            if (start + got < end) {
                fprintf(stderr, "%s: %zd bytes at %#lx, but the file ends at %#lx\n", who, got, start, end);
                exit(1);
            }
            check(who, block, start, start + got);
        }
        seen = end;
    }
    close(fd);
    close(direct);
    return NULL;
}

int main(int count, char **arguments) {
    if (count < 5) return 2;
    seed_random(strtoul(arguments[1], NULL, 10));
    long appends = strtol(arguments[2], NULL, 10);
    const char *path = arguments[3];
    paths = arguments + 4;
    path_count = count - 4;
    int flags[] = {O_WRONLY | O_APPEND, O_RDWR | O_APPEND, O_WRONLY, O_RDWR};
    int writers[4];
    for (int i = 0; i < 4; i++) writers[i] = open_file(path, flags[i] | O_CREAT);
    int own = open_file(path, O_RDONLY);
    unsigned char *map = map_file(own, 0, FILE_MAX, PROT_READ, MAP_SHARED);

    int reader_count = (count - 4) * WAYS;
    struct reader readers[reader_count];
    for (int i = 0; i < reader_count; i++) {
        readers[i] = (struct reader){.path = arguments[4 + i / WAYS], .way = i % WAYS};
        if (pthread_create(&readers[i].thread, NULL, read_along, &readers[i]) != 0) die("a thread");
    }
    uint64_t end = 0;
    for (long append = 0; append < appends; append++) {
        int how = random_below(4);
        uint64_t length = 1 + random_below(random_below(2) ? 200 : RECORD_MAX);
        if (end + length > FILE_MAX) break;
        for (uint64_t i = 0; i < length; i++) record[i] = byte_at(end + i);
        ssize_t written = how < 2 ? write(writers[how], record, length) : pwrite(writers[how], record, length, end);
        if (written != (ssize_t)length) die("write");
        uint64_t from = end > PAGE ? end - PAGE : 0;
        end += length;
        if (random_below(2)) read_back("what was written, read", own, from, end);
        if (random_below(2)) check("what was written, in a map", map + from, from, end);
        if (random_below(4) == 0) read_back("what was written, read by its writer", writers[3], from, end);
    }
    is_over = 1;
    for (int i = 0; i < reader_count; i++) pthread_join(readers[i].thread, NULL);
    if (size_of(own) != end) die("the size");
    for (int i = 0; i < 4; i++) close(writers[i]);
    printf("%lu bytes\n", end);
    return 0;
}
