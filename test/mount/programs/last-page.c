/* last-page PATH OTHER: a file's last page, mapped through one mount while the other one changes the file's size, and private
 * pages that one has written (R4, R5, R7). One process, one step after the other. */
#include "program.h"

#define BYTES (4 * PAGE)

static sigjmp_buf back;

static void on_bus_error(int number) {
    (void)number;
    siglongjmp(back, 1);
}

static void want(int truth, const char *what) {
    if (truth) return;
    fprintf(stderr, "%s (%s)\n", what, strerror(errno));
    exit(1);
}

static int is_bus_error(volatile unsigned char *address, int is_store) {
    if (sigsetjmp(back, 1) != 0) return 1;
    if (is_store) *address = 1;
    else (void)*address;
    return 0;
}

static int is_all(const unsigned char *bytes, size_t count, int value) {
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != value) return 0;
    return 1;
}

static int near_fd, far_fd;
static unsigned char *near_map, *far_map, *private_map;

static void start(const char *path, const char *other, int value) {
    static unsigned char bytes[BYTES];
    want(truncate(path, 0) == 0, "truncate");
    near_fd = open_file(path, O_RDWR);
    far_fd = open_file(other, O_RDWR);
    memset(bytes, value, BYTES);
    want(pwrite(near_fd, bytes, BYTES, 0) == (ssize_t)BYTES, "pwrite");
    near_map = map_file(near_fd, 0, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED);
    far_map = map_file(far_fd, 0, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED);
    private_map = map_file(near_fd, 0, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE);
}

static void end(void) {
    munmap(near_map, BYTES);
    munmap(far_map, BYTES);
    munmap(private_map, BYTES);
    close(near_fd);
    close(far_fd);
}

/* What is stored behind the end of file, in its last page, belongs to nobody: it is never written, and never comes back, whoever
 * extends the file. */
static void tail_of_the_last_page(void) {
    unsigned char bytes[PAGE];
    want(ftruncate(near_fd, PAGE + 100) == 0, "ftruncate");
    want(is_all(near_map + PAGE + 100, PAGE - 100, 0) && is_all(far_map + PAGE + 100, PAGE - 100, 0), "the tail is zero");
    memset(near_map + PAGE, 7, PAGE);
    want(msync(near_map, 2 * PAGE, MS_SYNC) == 0, "msync");
    want(is_all(far_map + PAGE, 100, 7), "the other mount sees what is in the file");
    want(is_all(far_map + PAGE + 100, PAGE - 100, 0), "and zeros behind it");
    for (int way = 0; way < 4; way++) {
        want(ftruncate(near_fd, PAGE + 100) == 0, "ftruncate");
        memset(far_map + PAGE + 50, 9, PAGE - 50);
        int fd = way % 2 == 0 ? far_fd : near_fd;
        if (way < 2) want(ftruncate(fd, BYTES) == 0, "extend");
        else want(fallocate(fd, 0, 3 * PAGE, PAGE) == 0, "allocate");
        want(is_all(far_map + PAGE + 100, BYTES - PAGE - 100, 0), "on the mount of the stores, all that is new is zero");
        want(is_all(near_map + PAGE + 50, 50, 9), "what was stored in the file is there");
        want(is_all(near_map + PAGE + 100, BYTES - PAGE - 100, 0), "on the other one, all that is new is zero");
        want(pread(near_fd, bytes, PAGE, PAGE) == (ssize_t)PAGE && is_all(bytes + 100, PAGE - 100, 0), "a read sees the same");
    }
}

/* A file that the other mount cuts under a map: SIGBUS behind its last page, and nothing old when it grows again. */
static void truncate_while_mapped(void) {
    memset(near_map, 5, BYTES);
    want(ftruncate(far_fd, PAGE - 1) == 0, "cut by the other mount");
    want(is_all(near_map, PAGE - 1, 5) && near_map[PAGE - 1] == 0, "the rest of the last page is zero");
    for (size_t page = 1; page < BYTES / PAGE; page++) {
        want(is_bus_error(near_map + page * PAGE, 0), "a load behind the last page is SIGBUS");
        want(is_bus_error(far_map + page * PAGE, 1), "so is a store, on the mount that cut it");
    }
    want(ftruncate(far_fd, 0) == 0, "cut to nothing");
    want(is_bus_error(near_map, 0), "then there is no page at all");
    want(ftruncate(near_fd, BYTES) == 0, "extended by this mount");
    want(is_all(near_map, BYTES, 0) && is_all(far_map, BYTES, 0), "zeros on both");
    near_map[3 * PAGE] = 4;
    want(far_map[3 * PAGE] == 4, "and shared as before");
    want(ftruncate(far_fd, 2 * PAGE) == 0 && ftruncate(far_fd, BYTES) == 0, "cut and extended before anybody looks");
    want(near_map[3 * PAGE] == 0, "zeros: nothing old comes back");
}

/* Pages that a private mapper wrote are its own through whatever the other mount does, until a cut takes them away. */
static void private_pages(void) {
    want(private_map[0] == 1 && private_map[PAGE] == 1 && private_map[3 * PAGE] == 1, "it begins as the file");
    private_map[PAGE] = 42;
    private_map[3 * PAGE] = 43;
    memset(far_map, 2, BYTES);
    want(private_map[0] == 2, "a page that was only read follows the file, across mounts");
    want(private_map[PAGE] == 42 && private_map[PAGE + 1] == 1, "one that was written does not");
    want(near_map[PAGE] == 2, "nor is it seen by anybody");
    for (int round = 3; round < 20; round++) {
        memset(round % 2 == 0 ? far_map : near_map, round, BYTES);
        if (round % 5 == 0) want(fsync(far_fd) == 0, "fsync");
        want(private_map[2 * PAGE] == round && private_map[PAGE] == 42 && private_map[3 * PAGE] == 43, "still");
    }
    want(ftruncate(far_fd, 3 * PAGE) == 0, "the other mount cuts the last page off");
    want(is_bus_error(private_map + 3 * PAGE, 0), "the private page has gone with it");
    want(private_map[PAGE] == 42, "the one before it has not");
    want(ftruncate(far_fd, BYTES) == 0, "extended again");
    want(is_all(private_map + 3 * PAGE, PAGE, 0), "zeros");
    want(ftruncate(far_fd, PAGE) == 0 && ftruncate(far_fd, BYTES) == 0, "cut and extended before anybody looks");
    want(is_all(private_map + PAGE, 3 * PAGE, 0), "no private page comes back");
    memset(far_map + PAGE, 6, PAGE);
    want(private_map[PAGE] == 6, "and they follow the file again");
}

int main(int count, char **arguments) {
    if (count != 3) return 2;
    signal(SIGBUS, on_bus_error);
    void (*const parts[])(void) = {tail_of_the_last_page, truncate_while_mapped, private_pages};
    for (int turn = 0; turn < 6; turn++) {
        start(arguments[1 + turn % 2], arguments[2 - turn % 2], 1);
        parts[turn / 2]();
        end();
    }
    return 0;
}
