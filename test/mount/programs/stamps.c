/* stamps SECONDS PAGES PATH...: writers stamp whole pages, readers look at them: nobody ever sees two stamps in one page. The lower
 * half of the file is used by map under fcntl's locks, with a writer and a reader on each mount. The upper half is used by one
 * call a page, without locks: the first mount writes, the others read (no kernel makes a read of one page wait for a write). */
#include "program.h"

#include <sys/wait.h>

static int fd, pages;
static uint64_t *map;

static void lock(int type, int page) {
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = page * PAGE, .l_len = PAGE};
    if (fcntl(fd, F_SETLKW, &lock) != 0) die("F_SETLKW");
}

static int check(const uint64_t *words, int page) {
    for (size_t i = 1; i < PAGE / 8; i++) {
        if (words[i] == words[0]) continue;
        fprintf(stderr, "page %d: %#" PRIx64 ", and %#" PRIx64 " at word %zu\n", page, words[0], words[i], i);
        return 1;
    }
    return 0;
}

static int play(const char *path, int rank, double limit) {
    static uint64_t words[PAGE / 8];
    fd = open_file(path, O_RDWR);
    map = map_file(fd, 0, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
    seed_random(rank);
    uint64_t done = 0;
    for (double end = seconds() + limit; seconds() < end; done++) {
        int page = random_below(pages), is_mapped = page < pages / 2, is_writer = is_mapped ? rank % 2 : rank < 2;
        uint64_t *where = map + page * (PAGE / 8);
        if (is_mapped) lock(is_writer ? F_WRLCK : F_RDLCK, page);
        for (size_t i = 0; is_writer && i < PAGE / 8; i++) (is_mapped ? where : words)[i] = (uint64_t)rank << 32 | done;
        if (!is_mapped) {
            ssize_t moved = is_writer ? pwrite(fd, words, PAGE, page * PAGE) : pread(fd, words, PAGE, page * PAGE);
            if (moved != (ssize_t)PAGE) die("a page by one call");
        }
        if (check(is_mapped ? where : words, page)) return 1;
        if (is_mapped) lock(F_UNLCK, page);
    }
    printf("%d: %" PRIu64 " pages; ", rank, done);
    return done < 20;
}

int main(int count, char **arguments) {
    if (count < 4) return 2;
    pages = atoi(arguments[2]);
    if (truncate(arguments[3], pages * PAGE) != 0) die("truncate");
    int mounts = count - 3;
    for (int rank = 0; rank < 2 * mounts; rank++)
        if (fork() == 0) return play(arguments[3 + rank / 2], rank, atof(arguments[1]));
    int failed = 0, status;
    while (wait(&status) > 0) failed |= status != 0;
    return failed;
}
