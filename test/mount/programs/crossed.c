/* crossed SECONDS PATH OTHER PATH' OTHER': two files, each by its path on two mounts. Processes on both read and write one file from
 * and to maps of the same file, and of the other one, at once: each call needs a page of the one while it holds a page of the
 * other. It has to go on; every word is always one that somebody wrote there. */
#include "program.h"

#include <sys/wait.h>

#define PAGES 6
#define BYTES (PAGES * PAGE)

struct file {
    int fd;
    unsigned char *map;
};

static struct file open_both_ways(const char *path) {
    struct file file = {open_file(path, O_RDWR), NULL};
    file.map = map_file(file.fd, 0, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED);
    return file;
}

/* Words move, but only ever to the same place of a page: there they name it. */
static void check(const unsigned char *bytes, size_t count) {
    const uint32_t *words = (const uint32_t *)bytes;
    for (size_t i = 0; i < count / 4; i += 97) {
        if (words[i] % 1024 == i % 1024) continue;
        fprintf(stderr, "word %zu is %u\n", i, words[i]);
        exit(1);
    }
}

static int play(const char *path, const char *other, int rank, double limit) {
    struct file files[2] = {open_both_ways(path), open_both_ways(other)};
    seed_random(rank + 1);
    uint64_t done = 0;
    for (double end = seconds() + limit; seconds() < end; done++) {
        struct file *one = &files[random_below(2)], *two = &files[random_below(2)];
        size_t pages = 1 + random_below(3), from = random_below(PAGES - pages + 1), to = random_below(PAGES - pages + 1);
        size_t count = pages * PAGE;
        if (one == two && from < to + pages && to < from + pages) continue; /* Nobody says what a copy onto itself is. */
        ssize_t moved = random_below(2) ? pread(one->fd, two->map + to * PAGE, count, from * PAGE)
                                        : pwrite(one->fd, two->map + from * PAGE, count, to * PAGE);
        if (moved != (ssize_t)count) die("a crossed call");
        check(two->map + to * PAGE, count);
    }
    printf("%d: %" PRIu64 " calls; ", rank, done);
    return done < 20;
}

int main(int count, char **arguments) {
    if (count != 6) return 2;
    static uint32_t words[BYTES / 4];
    for (size_t i = 0; i < BYTES / 4; i++) words[i] = i % 1024 + 1024 * (i / 1024);
    for (int file = 0; file < 2; file++)
        if (pwrite(open_file(arguments[2 + 2 * file], O_RDWR), words, BYTES, 0) != (ssize_t)BYTES) die("pwrite");
    for (int rank = 0; rank < 4; rank++)
        if (fork() == 0) return play(arguments[2 + rank % 2], arguments[4 + rank % 2], rank, atof(arguments[1]));
    int failed = 0, status;
    while (wait(&status) > 0) failed |= status != 0;
    return failed;
}
