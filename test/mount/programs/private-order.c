/* private-order SECONDS PATH OTHER: on each of two mounts one process stores rising numbers to its words through a shared map,
 * and one reads the other's words through a private map: it must never see a number that is older than one that was stored
 * before it looked, nor than one that it has seen. */
#include "program.h"

#include <sys/wait.h>

#define WORDS 3
/* Two of a word in one page, and one in a page of its own. */
static const size_t places[WORDS] = {0, 64, 3 * PAGE};
#define BYTES (4 * PAGE)

typedef struct {
    _Atomic uint64_t stored[2][WORDS];
    _Atomic uint64_t looks[2], changes[2];
    _Atomic int is_over;
} shared_t;

static shared_t *shared;

static volatile uint64_t *word(unsigned char *map, int side, int index) {
    return (volatile uint64_t *)(map + places[index] + side * 8);
}

static int store(const char *path, int side) {
    unsigned char *map = map_file(open_file(path, O_RDWR), 0, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED);
    struct timespec nap = {0, 50000};
    for (uint64_t number = 1; !atomic_load(&shared->is_over); number++) {
        for (int index = 0; index < WORDS; index++) {
            *word(map, side, index) = number;
            atomic_store(&shared->stored[side][index], number);
        }
        nanosleep(&nap, NULL);
    }
    return 0;
}

static int look(const char *path, int side) {
    unsigned char *map = map_file(open_file(path, O_RDWR), 0, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    uint64_t seen[WORDS] = {0};
    while (!atomic_load(&shared->is_over)) {
        int index = random_below(WORDS);
        uint64_t stored = atomic_load(&shared->stored[side][index]);
        uint64_t number = *word(map, side, index);
        if (number < stored || number < seen[index]) {
            fprintf(stderr, "word %d: %" PRIu64 " is seen, after %" PRIu64 " was stored and %" PRIu64 " seen\n", index, number,
                    stored, seen[index]);
            return 1;
        }
        if (number != seen[index]) atomic_fetch_add(&shared->changes[side], 1);
        atomic_fetch_add(&shared->looks[side], 1);
        seen[index] = number;
    }
    return 0;
}

int main(int count, char **arguments) {
    if (count != 4) return 2;
    const char *paths[2] = {arguments[2], arguments[3]};
    if (truncate(paths[0], BYTES) != 0) die("truncate");
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) die("mmap");
    for (int side = 0; side < 2; side++) {
        if (fork() == 0) return store(paths[side], side);
        if (fork() == 0) return look(paths[1 - side], side);
    }
    for (double end = seconds() + atof(arguments[1]); seconds() < end;) {
        struct timespec nap = {0, 50000000};
        nanosleep(&nap, NULL);
        int status;
        if (waitpid(-1, &status, WNOHANG) > 0) break; /* One has found something. */
    }
    atomic_store(&shared->is_over, 1);
    int failed = 0, status, ended = 0;
    while (wait(&status) > 0) {
        failed |= status != 0;
        ended++;
    }
    for (int side = 0; side < 2; side++)
        printf("%" PRIu64 " looks, %" PRIu64 " new numbers; ", shared->looks[side], shared->changes[side]);
    return failed || ended < 4 || shared->changes[0] < 10 || shared->changes[1] < 10;
}
