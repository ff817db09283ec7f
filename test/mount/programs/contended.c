/*
 * contended WRITES SECONDS BYTES NEAR FAR
 *
 * One page, by two paths. A thread for each path writes BYTES to its half of the page (or to the whole of it) again and again, and
 * two threads read it by the near path all the time. Each side has to come to WRITES writes; none of them may take longer than
 * SECONDS. Where each has a half, NEAR reads its own last number right after writing it (FAR reads nothing, so that the kernel of its
 * mount never has the whole page), and no reader sees a number go back.
 */
#include "program.h"

#define SIDES 2
#define READERS 2
#define HALF (PAGE / 2)

static const char *paths[SIDES];
static long writes_wanted;
static double wait_max;
static size_t byte_length;
static atomic_long writes_done[SIDES];
static double longest[SIDES];
static atomic_int is_over;

static void *writing(void *argument) {
    long side = (long)argument;
    uint64_t block[PAGE / sizeof(uint64_t)] = {0};
    off_t at = byte_length < PAGE ? side * HALF : 0;
    int fd = open_file(paths[side], O_RDWR);
    while (!is_over) {
        double start = seconds();
        block[0]++;
        if (pwrite(fd, block, byte_length, at) != (ssize_t)byte_length) die("pwrite");
        double waited = seconds() - start;
        if (waited > longest[side]) longest[side] = waited;
        uint64_t seen;
        if (byte_length < PAGE && side == 0) {
            if (pread(fd, &seen, sizeof seen, at) != sizeof seen) die("pread");
            if (seen != block[0]) {
                fprintf(stderr, "side %ld reads %" PRIu64 " where it wrote %" PRIu64 "\n", side, seen, block[0]);
                exit(1);
            }
        }
        if (++writes_done[side] >= writes_wanted && writes_done[1 - side] >= writes_wanted) is_over = 1;
    }
    return NULL;
}

static void *reading(void *unused) {
    uint64_t last[SIDES] = {0};
    uint64_t block[PAGE / sizeof(uint64_t)];
    int fd = open_file(paths[0], O_RDONLY);
    while (!is_over) {
        if (pread(fd, block, PAGE, 0) != PAGE) die("pread");
        for (int side = 0; side < SIDES && byte_length < PAGE; side++) {
            uint64_t seen = block[side * HALF / sizeof(uint64_t)];
            if (seen < last[side]) {
                fprintf(stderr, "%" PRIu64 " of side %d after %" PRIu64 "\n", seen, side, last[side]);
                exit(1);
            }
            last[side] = seen;
        }
    }
    return unused;
}

/* A call that never returns is to be told of, too. */
static void watch(void) {
    long done[SIDES] = {-1, -1};
    double since[SIDES] = {0};
    while (!is_over) {
        for (int side = 0; side < SIDES; side++) {
            if (writes_done[side] != done[side]) {
                done[side] = writes_done[side];
                since[side] = seconds();
            } else if (seconds() - since[side] > wait_max) {
                fprintf(stderr, "a write of side %d takes longer than %g s: %ld and %ld are done\n", side, wait_max,
                        (long)writes_done[0], (long)writes_done[1]);
                exit(1);
            }
        }
        usleep(10000);
    }
}

int main(int count, char **arguments) {
    if (count != 6) return 2;
    writes_wanted = atol(arguments[1]);
    wait_max = atof(arguments[2]);
    byte_length = atol(arguments[3]);
    paths[0] = arguments[4];
    paths[1] = arguments[5];
    static char zeros[PAGE];
    int fd = open_file(paths[0], O_RDWR | O_CREAT);
    if (pwrite(fd, zeros, PAGE, 0) != PAGE) die("pwrite");
    close(fd);
    pthread_t threads[SIDES + READERS];
    for (long thread = 0; thread < SIDES + READERS; thread++)
        if (pthread_create(&threads[thread], NULL, thread < SIDES ? writing : reading, (void *)thread)) die("pthread_create");
    watch();
    for (int thread = 0; thread < SIDES + READERS; thread++) pthread_join(threads[thread], NULL);
    printf("%ld and %ld writes, the longest %.3f and %.3f s\n", (long)writes_done[0], (long)writes_done[1], longest[0],
           longest[1]);
    return 0;
}
