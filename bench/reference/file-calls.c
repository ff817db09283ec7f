/*
 * file-calls CALL PATH COUNT: one system call again and again, as programs make it, on a file or in a folder of whatever
 * file system. Prints µs for each, or how many in a second (create).
 *
 *   fault   touches COUNT pages of a mapped file, every fourth, shuffled; no read-ahead
 *   pread   reads 4 KiB at COUNT shuffled places of a file that has been read once
 *   pwrite  writes 4 KiB at COUNT shuffled places of a file
 *   stat    of a path
 *   open    and close
 *   create  and close and unlink, of files in a folder
 *   forget  no figure: drops a file from the page cache
 */
#include "reference.h"
#include <sys/stat.h>

#define STRIDE 4

static double each(double start, uint64_t count) {
    return (micros() - start) / count;
}

static int open_or_die(const char *path, int flags) {
    int file = open(path, flags, 0644);
    if (file < 0) die(path);
    return file;
}

static double fault(const char *path, uint64_t count) {
    uint64_t *pages = shuffled_pages(count, STRIDE), bytes = count * STRIDE * PAGE;
    int file = open_or_die(path, O_RDONLY);
    char *view = mmap(NULL, bytes, PROT_READ, MAP_SHARED, file, 0);
    if (view == MAP_FAILED || madvise(view, bytes, MADV_RANDOM)) die("mmap");
    double start = micros();
    for (uint64_t i = 0; i < count; i++) verify(view + pages[i] * PAGE, pages[i]);
    return each(start, count);
}

static double pread_cached(const char *path, uint64_t count) {
    static char buffer[PAGE];
    uint64_t *pages = shuffled_pages(count, 1);
    int file = open_or_die(path, O_RDONLY);
    double start = 0;
    for (int pass = 0; pass < 2; pass++) {
        start = micros();
        for (uint64_t i = 0; i < count; i++) {
            if (pread(file, buffer, PAGE, pages[i] * PAGE) != PAGE) die("pread");
            verify(buffer, pages[i]);
        }
    }
    return each(start, count);
}

static double pwrite_random(const char *path, uint64_t count) {
    static char buffer[PAGE];
    uint64_t *pages = shuffled_pages(count, 1);
    int file = open_or_die(path, O_RDWR);
    double start = micros();
    for (uint64_t i = 0; i < count; i++) {
        *(uint32_t *)buffer = stamp_of(pages[i]);
        if (pwrite(file, buffer, PAGE, pages[i] * PAGE) != PAGE) die("pwrite");
    }
    double figure = each(start, count);
    if (close(file)) die("close");
    return figure;
}

static double stat_again(const char *path, uint64_t count) {
    struct stat status;
    double start = micros();
    for (uint64_t i = 0; i < count; i++)
        if (stat(path, &status)) die(path);
    return each(start, count);
}

static double open_again(const char *path, uint64_t count) {
    double start = micros();
    for (uint64_t i = 0; i < count; i++)
        if (close(open_or_die(path, O_RDONLY))) die("close");
    return each(start, count);
}

static double create_in(const char *folder, uint64_t count) {
    char path[4096];
    double start = micros();
    for (uint64_t i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/created-%lu", folder, i);
        if (close(open_or_die(path, O_CREAT | O_EXCL | O_WRONLY))) die("close");
        if (unlink(path)) die("unlink");
    }
    return 1e6 / each(start, count);
}

static double forget(const char *path, uint64_t count) {
    (void)count;
    int file = open_or_die(path, O_RDONLY);
    if (fsync(file) || posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED)) die("fadvise");
    return 0;
}

static const struct call {
    const char *name;
    double (*run)(const char *path, uint64_t count);
} calls[] = {
    {"fault", fault},     {"pread", pread_cached}, {"pwrite", pwrite_random}, {"stat", stat_again},
    {"open", open_again}, {"create", create_in},   {"forget", forget},
};

int main(int count, char **arguments) {
    if (count != 4) return 2;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        if (strcmp(calls[i].name, arguments[1]) != 0) continue;
        printf("%.3f\n", calls[i].run(arguments[2], atol(arguments[3])));
        return 0;
    }
    return 2;
}
