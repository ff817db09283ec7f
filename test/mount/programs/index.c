/* index SECONDS PATH...: on each mount a writer and a reader share an index in a mapped file, as SQLite's of its log: a header in the
 * first page that says how far the index goes, and the entries in the pages behind it. Writers take turns by a lock of fcntl on a
 * byte of the same file; readers take none. Whoever sees a header sees all entries that it speaks of. */
#include "program.h"

#include <sys/wait.h>

#define PAGES 8
#define ENTRIES ((PAGES - 1) * PAGE / 4)
#define LOOK_BACK 60

static int fd;
static volatile uint32_t *map;

static volatile uint32_t *entry(uint32_t number) {
    return map + PAGE / 4 + (number * 577) % ENTRIES; /* Entries that follow each other are in different pages. */
}

static void lock(int type) {
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = 120, .l_len = 1};
    if (fcntl(fd, F_SETLKW, &lock) != 0) die("F_SETLKW");
}

static int check(const char *who, uint32_t last) {
    for (uint32_t number = last; number > 0 && number + LOOK_BACK > last; number--) {
        uint32_t found = *entry(number);
        /* A newer one may be there already, when the entries have gone once around. */
        if (found == number || (found > number && (found - number) % ENTRIES == 0)) continue;
        fprintf(stderr, "%s: the header says %u, and entry %u is %u\n", who, last, number, found);
        return 1;
    }
    return 0;
}

static int write_entries(double limit) {
    uint64_t done = 0;
    for (double end = seconds() + limit; seconds() < end; done++) {
        lock(F_WRLCK);
        uint32_t last = map[0];
        if (map[1] != last || check("a writer", last)) return 1;
        int count = 1 + random_below(4);
        for (int i = 0; i < count; i++) {
            last++;
            *entry(last) = last;
        }
        map[0] = last;
        atomic_thread_fence(memory_order_seq_cst);
        map[1] = last;
        lock(F_UNLCK);
    }
    printf("%" PRIu64 " turns; ", done);
    return done < 5;
}

static int read_entries(double limit) {
    uint64_t done = 0;
    for (double end = seconds() + limit; seconds() < end; done++) {
        uint32_t last = map[1];
        if (check("a reader", last)) return 1;
        struct timespec nap = {0, 300000};
        nanosleep(&nap, NULL);
    }
    printf("%" PRIu64 " looks; ", done);
    return done < 5;
}

int main(int count, char **arguments) {
    if (count < 3) return 2;
    if (truncate(arguments[2], PAGES * PAGE) != 0) die("truncate");
    int mounts = count - 2;
    for (int rank = 0; rank < 2 * mounts; rank++) {
        if (fork() != 0) continue;
        fd = open_file(arguments[2 + rank / 2], O_RDWR);
        map = map_file(fd, 0, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
        seed_random(rank + 1);
        return rank % 2 ? read_entries(atof(arguments[1])) : write_entries(atof(arguments[1]));
    }
    int failed = 0, status;
    while (wait(&status) > 0) failed |= status != 0;
    return failed;
}
