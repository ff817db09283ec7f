/* ranks RANKS ROUNDS PATH...: processes on several mounts share a file of blocks of 508 bytes, which lie across pages and
 * beside each other in one. In each round every rank in turn writes its block while nobody looks, and all others compare; then
 * all write at once, and all compare everything. Ranks write and read by map and by call in turn. */
#include "program.h"

#include <sys/wait.h>

#define BLOCK 508UL
#define BLOCKS_EACH 3UL

struct shared {
    pthread_barrier_t barrier;
    atomic_int failed;
};

static struct shared *shared;
static int ranks, rank, fd;
static size_t length;
static unsigned char *map, *scratch;

static unsigned char byte_of(int round, int step, size_t block, size_t at) {
    return (unsigned char)(round * 31 + step * 7 + block * 13 + at * 3 + 1);
}

static void meet(void) {
    pthread_barrier_wait(&shared->barrier);
    if (atomic_load(&shared->failed)) exit(1);
}

static void write_block(int round, int step, size_t block) {
    unsigned char bytes[BLOCK];
    for (size_t i = 0; i < BLOCK; i++) bytes[i] = byte_of(round, step, block, i);
    if ((round + rank) % 3 != 0) memcpy(map + block * BLOCK, bytes, BLOCK);
    else if (pwrite(fd, bytes, BLOCK, block * BLOCK) != (ssize_t)BLOCK) die("pwrite");
}

static void compare_block(int round, int step, size_t block) {
    const unsigned char *bytes = map + block * BLOCK;
    if ((round + rank) % 2 == 0) {
        if (pread(fd, scratch, BLOCK, block * BLOCK) != (ssize_t)BLOCK) die("pread");
        bytes = scratch;
    }
    for (size_t i = 0; i < BLOCK; i++) {
        if (bytes[i] == byte_of(round, step, block, i)) continue;
        fprintf(stderr, "rank %d, round %d, step %d: byte %zu of block %zu is %d, not %d\n", rank, round, step, i, block,
                bytes[i], byte_of(round, step, block, i));
        atomic_store(&shared->failed, 1);
        return;
    }
}

/* Blocks of a rank lie between those of the others. */
static size_t block_of(int of, size_t index) {
    return index * ranks + of;
}

static void play(int rounds) {
    for (int round = 0; round < rounds; round++) {
        for (int writer = 0; writer < ranks; writer++) {
            size_t block = block_of(writer, round % BLOCKS_EACH);
            if (rank == writer) write_block(round, writer, block);
            meet();
            if (rank != writer) compare_block(round, writer, block);
            meet();
        }
        for (size_t index = 0; index < BLOCKS_EACH; index++) write_block(round, ranks, block_of(rank, index));
        meet();
        for (size_t block = 0; block < ranks * BLOCKS_EACH; block++) compare_block(round, ranks, block);
        meet();
    }
}

static int child(const char *path, int rounds) {
    fd = open_file(path, O_RDWR);
    map = map_file(fd, 0, length, PROT_READ | PROT_WRITE, MAP_SHARED);
    scratch = malloc(BLOCK);
    play(rounds);
    return 0;
}

int main(int count, char **arguments) {
    if (count < 4) return 2;
    ranks = atoi(arguments[1]);
    length = ranks * BLOCKS_EACH * BLOCK;
    if (truncate(arguments[3], length) != 0) die("truncate");
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) die("mmap");
    pthread_barrierattr_t attributes;
    pthread_barrierattr_init(&attributes);
    pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(&shared->barrier, &attributes, ranks);
    for (rank = 0; rank < ranks; rank++) {
        pid_t pid = fork();
        if (pid < 0) die("fork");
        if (pid == 0) return child(arguments[3 + rank % (count - 3)], atoi(arguments[2]));
    }
    int failed = 0, status;
    while (wait(&status) > 0) failed |= status != 0;
    return failed;
}
