/* append WRITERS RECORDS PATH...: processes on several mounts append records of all lengths to one log. Then it holds every record,
 * whole, and those of each writer in their order. */
#include "program.h"

#include <sys/wait.h>

#define LENGTH_MAX 9000

struct head {
    uint32_t writer, number, length, sum;
};

static unsigned char byte_of(const struct head *head, size_t at) {
    return (unsigned char)(head->writer * 7 + head->number * 13 + at);
}

static void append(const char *path, uint32_t writer, uint32_t records) {
    static unsigned char record[sizeof(struct head) + LENGTH_MAX];
    int fd = open_file(path, O_WRONLY | O_APPEND);
    seed_random(writer + 1);
    for (uint32_t number = 0; number < records; number++) {
        struct head head = {writer, number, random_below(3) == 0 ? random_below(LENGTH_MAX) : random_below(200), 0};
        head.sum = head.writer ^ head.number * 31 ^ head.length * 1009;
        memcpy(record, &head, sizeof head);
        for (size_t i = 0; i < head.length; i++) record[sizeof head + i] = byte_of(&head, i);
        if (write(fd, record, sizeof head + head.length) != (ssize_t)(sizeof head + head.length)) die("write");
    }
    if (close(fd) != 0) die("close");
}

static int check(const char *path, uint32_t writers, uint32_t records) {
    uint32_t next[64] = {0};
    int fd = open_file(path, O_RDONLY);
    struct stat status;
    if (fstat(fd, &status) != 0) die("fstat");
    unsigned char *bytes = map_file(fd, 0, status.st_size, PROT_READ, MAP_SHARED);
    for (off_t at = 0; at < status.st_size;) {
        struct head head;
        memcpy(&head, bytes + at, sizeof head);
        int is_sound = head.sum == (head.writer ^ head.number * 31 ^ head.length * 1009) && head.writer < writers;
        if (!is_sound || head.number != next[head.writer]++) {
            fprintf(stderr, "%s: at %ld is record %u of writer %u, torn, twice, or out of order\n", path, (long)at, head.number,
                    head.writer);
            return 1;
        }
        for (size_t i = 0; i < head.length; i++) {
            if (bytes[at + sizeof head + i] == byte_of(&head, i)) continue;
            fprintf(stderr, "%s: record %u of writer %u, at %ld, is torn at byte %zu\n", path, head.number, head.writer,
                    (long)at, i);
            return 1;
        }
        at += sizeof head + head.length;
    }
    for (uint32_t writer = 0; writer < writers; writer++) {
        if (next[writer] == records) continue;
        fprintf(stderr, "%s: writer %u has %u records of %u\n", path, writer, next[writer], records);
        return 1;
    }
    return 0;
}

int main(int count, char **arguments) {
    if (count < 4) return 2;
    int writers = atoi(arguments[1]), records = atoi(arguments[2]), mounts = count - 3;
    for (int writer = 0; writer < writers; writer++) {
        if (fork() == 0) {
            append(arguments[3 + writer % mounts], writer, records);
            return 0;
        }
    }
    int failed = 0, status;
    while (wait(&status) > 0) failed |= status != 0;
    for (int mount = 0; mount < mounts && !failed; mount++) failed = check(arguments[3 + mount], writers, records);
    return failed;
}
