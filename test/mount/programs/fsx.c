/*
 * fsx SEED OPERATIONS BASE LENGTH PATH...: one file, seen through several mounts, against one model in memory. Each
 * operation happens through one of the mounts, drawn by the seed; whatever is read through any of them must be what the model
 * says. The model is of the LENGTH bytes from BASE on, and of what private maps of each mount have written. Prints what it did
 * before a failure.
 */
#include "program.h"

enum { VIEWS_MAX = 4, LOG_MAX = 1000, PAGES_MAX = 64 };

/* The file as one mount shows it: a descriptor, a shared and a private map, opened anew now and then. */
struct view {
    const char *path;
    int fd, is_writable;
    unsigned char *shared, *private;
    unsigned char is_own[PAGES_MAX]; /* pages that the private map has written */
    unsigned char own[PAGES_MAX * PAGE];
};

static struct view views[VIEWS_MAX];
static int view_count;
static uint64_t seed, base, length, size; /* `length` and `size` count from `base` */
static unsigned char model[PAGES_MAX * PAGE], scratch[PAGES_MAX * PAGE];
static char lines[LOG_MAX][96];
static long operation;

#define SAY(...) snprintf(lines[operation % LOG_MAX], sizeof lines[0], __VA_ARGS__)

static void fail(const char *what, uint64_t at, int expected, int actual) {
    long first = operation < 60 ? 0 : operation - 60;
    for (long i = first; i <= operation; i++) fprintf(stderr, "%5ld %s\n", i, lines[i % LOG_MAX]);
    fprintf(stderr, "seed %lu, operation %ld: %s at %#lx (page %lu): expected %#x, is %#x; size %#lx\n", seed, operation, what,
            at, at / PAGE, expected, actual, size);
    exit(1);
}

static void check_call(int ok, const char *what) {
    if (!ok) fail(what, 0, 0, errno);
}

static void compare(const char *what, const unsigned char *actual, const unsigned char *expected, uint64_t at, uint64_t count) {
    for (uint64_t i = 0; i < count; i++)
        if (actual[i] != expected[i]) fail(what, at + i, expected[i], actual[i]);
}

static uint64_t page_end(uint64_t at) {
    return (at + PAGE - 1) / PAGE * PAGE;
}

static void open_view(struct view *view, int is_writable) {
    int protection = is_writable ? PROT_READ | PROT_WRITE : PROT_READ;
    view->fd = open_file(view->path, is_writable ? O_RDWR : O_RDONLY);
    view->is_writable = is_writable;
    view->shared = map_file(view->fd, base, page_end(length), protection, MAP_SHARED);
    view->private = map_file(view->fd, base, page_end(length), PROT_READ | PROT_WRITE, MAP_PRIVATE);
    memset(view->is_own, 0, sizeof view->is_own);
}

static void close_view(struct view *view) {
    munmap(view->shared, page_end(length));
    munmap(view->private, page_end(length));
    check_call(close(view->fd) == 0, "close");
}

/* A change of size. Pages that are cut off are gone from private maps too, even those that these have written (R5). */
static void set_size(uint64_t to) {
    if (to < size) memset(model + to, 0, size - to);
    for (int i = 0; i < view_count; i++)
        for (uint64_t page = page_end(to) / PAGE; page < PAGES_MAX; page++) views[i].is_own[page] = 0;
    size = to;
}

static void pick(uint64_t limit, uint64_t *at, uint64_t *count) {
    *at = random_below(limit);
    *count = 1 + random_below(random_below(2) ? 300 : limit);
    if (random_below(4) == 0) *at = *at / PAGE * PAGE;
    if (*count > limit - *at) *count = limit - *at;
}

static void fill(unsigned char *to, uint64_t count) {
    unsigned char value = 1 + random_below(255);
    for (uint64_t i = 0; i < count; i++) to[i] = value + i % 7;
}

static void do_read(struct view *view) {
    uint64_t at, count;
    pick(length, &at, &count);
    SAY("%s: pread %#lx + %#lx", view->path, at, count);
    uint64_t expected = at >= size ? 0 : count < size - at ? count : size - at;
    ssize_t got = pread(view->fd, scratch, count, base + at);
    check_call(got >= 0, "pread");
    if ((uint64_t)got != expected) fail("length of a read", at, expected, got);
    compare("pread", scratch, model + at, at, got);
}

/* Up to the end of the file's last page: what is behind the file's end there is zero. */
static void do_load(struct view *view) {
    uint64_t at, count;
    if (size == 0) return;
    pick(page_end(size) < length ? page_end(size) : length, &at, &count);
    SAY("%s: load %#lx + %#lx", view->path, at, count);
    memcpy(scratch, view->shared + at, count);
    for (uint64_t i = 0; i < count; i++) {
        int expected = at + i < size ? model[at + i] : 0;
        if (scratch[i] != expected) fail("load", at + i, expected, scratch[i]);
    }
}

static void do_private_load(struct view *view) {
    uint64_t at, count;
    if (size == 0) return;
    pick(size, &at, &count);
    SAY("%s: private load %#lx + %#lx", view->path, at, count);
    memcpy(scratch, view->private + at, count);
    for (uint64_t i = at; i < at + count; i++) {
        int expected = view->is_own[i / PAGE] ? view->own[i] : model[i];
        if (scratch[i - at] != expected) fail("private load", i, expected, scratch[i - at]);
    }
}

static void do_private_store(struct view *view) {
    uint64_t at, count;
    if (size == 0) return;
    pick(size, &at, &count);
    if (count > 2 * PAGE) count = 2 * PAGE;
    SAY("%s: private store %#lx + %#lx", view->path, at, count);
    for (uint64_t page = at / PAGE; page <= (at + count - 1) / PAGE; page++) {
        if (view->is_own[page]) continue;
        view->is_own[page] = 1;
        memset(view->own + page * PAGE, 0, PAGE);
        uint64_t present = size - page * PAGE < PAGE ? size - page * PAGE : PAGE;
        memcpy(view->own + page * PAGE, model + page * PAGE, present);
    }
    fill(view->own + at, count);
    memcpy(view->private + at, view->own + at, count);
}

static void do_store(struct view *view) {
    uint64_t at, count;
    if (!view->is_writable || size == 0) return;
    pick(size, &at, &count);
    SAY("%s: store %#lx + %#lx", view->path, at, count);
    fill(model + at, count);
    memcpy(view->shared + at, model + at, count);
    if (random_below(4) == 0) check_call(msync(view->shared, page_end(length), MS_SYNC) == 0, "msync");
}

static void wrote(uint64_t at, uint64_t count) {
    if (at + count > size) set_size(at + count);
}

static void do_write(struct view *view) {
    uint64_t at, count;
    if (!view->is_writable) return;
    pick(length, &at, &count);
    SAY("%s: pwrite %#lx + %#lx", view->path, at, count);
    fill(model + at, count);
    check_call(pwrite(view->fd, model + at, count, base + at) == (ssize_t)count, "pwrite");
    wrote(at, count);
}

/* Through a descriptor of its own, opened with flags that lead past the kernel's cache. */
static void do_other_write(struct view *view) {
    uint64_t at, count;
    int is_append = random_below(2);
    pick(length, &at, &count);
    if (is_append) {
        at = size;
        if (count > length - at) count = length - at;
        if (count == 0) return;
    }
    SAY("%s: %s %#lx + %#lx", view->path, is_append ? "append" : "write only", at, count);
    int fd = open_file(view->path, O_WRONLY | (is_append ? O_APPEND : 0));
    fill(model + at, count);
    ssize_t done = is_append ? write(fd, model + at, count) : pwrite(fd, model + at, count, base + at);
    check_call(done == (ssize_t)count, "write");
    check_call(close(fd) == 0, "close");
    wrote(at, count);
}

static void do_direct(struct view *view) {
    static unsigned char *aligned;
    if (aligned == NULL) aligned = aligned_alloc(PAGE, PAGES_MAX * PAGE);
    uint64_t at = random_below(length / PAGE) * PAGE;
    uint64_t count = PAGE * (1 + random_below(length / PAGE - at / PAGE));
    int is_write = random_below(2);
    SAY("%s: direct %s %#lx + %#lx", view->path, is_write ? "write" : "read", at, count);
    int fd = open_file(view->path, O_RDWR | O_DIRECT);
    if (is_write) {
        fill(model + at, count);
        memcpy(aligned, model + at, count);
        check_call(pwrite(fd, aligned, count, base + at) == (ssize_t)count, "direct write");
        wrote(at, count);
    } else {
        uint64_t expected = at >= size ? 0 : count < size - at ? count : size - at;
        ssize_t got = pread(fd, aligned, count, base + at);
        if (got != (ssize_t)expected) fail("length of a direct read", at, expected, got);
        compare("direct read", aligned, model + at, at, got);
    }
    check_call(close(fd) == 0, "close");
}

static void do_truncate(struct view *view) {
    uint64_t to = random_below(3) == 0 ? random_below(length / PAGE) * PAGE : random_below(length + 1);
    SAY("%s: truncate %#lx", view->path, to);
    if (view->is_writable) check_call(ftruncate(view->fd, base + to) == 0, "ftruncate");
    else check_call(truncate(view->path, base + to) == 0, "truncate");
    set_size(to);
}

/* Shorter and longer again before anybody looks. */
static void do_shrink_and_grow(struct view *view) {
    uint64_t to = random_below(size + 1), then = to + random_below(length - to + 1);
    SAY("%s: truncate %#lx, then %#lx", view->path, to, then);
    check_call(truncate(view->path, base + to) == 0 && truncate(view->path, base + then) == 0, "truncate");
    set_size(to);
    set_size(then);
}

static void do_allocate(struct view *view) {
    static const int modes[] = {0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE,
                                FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE};
    uint64_t at, count;
    if (!view->is_writable) return;
    int mode = modes[random_below(5)];
    pick(length, &at, &count);
    SAY("%s: fallocate %#lx + %#lx, mode %#x", view->path, at, count, mode);
    check_call(fallocate(view->fd, mode, base + at, count) == 0, "fallocate");
    if ((mode & FALLOC_FL_KEEP_SIZE) == 0) wrote(at, count);
    if ((mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) == 0 || at >= size) return;
    memset(model + at, 0, count < size - at ? count : size - at);
}

static void do_copy(struct view *view) {
    if (!view->is_writable || size < 2) return;
    uint64_t from = random_below(size - 1), count = 1 + random_below(size - from);
    uint64_t to = random_below(length);
    if (count > length - to) count = length - to;
    if (from < to + count && to < from + count) return;
    SAY("%s: copy_file_range %#lx to %#lx + %#lx", view->path, from, to, count);
    off_t in = base + from, out = base + to;
    for (uint64_t done = 0; done < count;) {
        ssize_t copied = copy_file_range(view->fd, &in, view->fd, &out, count - done, 0);
        check_call(copied > 0, "copy_file_range");
        done += copied;
    }
    memcpy(model + to, model + from, count);
    wrote(to, count);
}

/* Between a hole's beginning and its end there is nothing but zeros. */
static void do_seek(struct view *view) {
    if (size == 0) return;
    uint64_t at = random_below(size);
    SAY("%s: seek from %#lx", view->path, at);
    off_t data = lseek(view->fd, base + at, SEEK_DATA);
    if (data < 0) check_call(errno == ENXIO, "SEEK_DATA");
    uint64_t zero_end = data < 0 ? size : data - base;
    if (zero_end < at || zero_end > size) fail("SEEK_DATA", at, 0, 1);
    for (uint64_t i = at; i < zero_end; i++)
        if (model[i] != 0) fail("data in a hole", i, 0, model[i]);
    off_t hole = lseek(view->fd, base + at, SEEK_HOLE);
    if (hole < (off_t)(base + at) || hole > (off_t)(base + size)) fail("SEEK_HOLE", at, 0, 1);
}

static void do_stat(struct view *view) {
    struct stat status;
    SAY("%s: stat", view->path);
    check_call((random_below(2) ? stat(view->path, &status) : fstat(view->fd, &status)) == 0, "stat");
    if ((uint64_t)status.st_size != base + size) fail("st_size", status.st_size - base, 0, 1);
}

static void do_sync(struct view *view) {
    SAY("%s: fsync", view->path);
    check_call(fsync(view->fd) == 0, "fsync");
}

static void do_reopen(struct view *view) {
    int is_writable = random_below(3) > 0;
    SAY("%s: reopen %s", view->path, is_writable ? "for writing" : "for reading");
    close_view(view);
    open_view(view, is_writable);
}

static const struct {
    void (*act)(struct view *);
    int weight;
} operations[] = {
    {do_read, 20},  {do_load, 20},     {do_private_load, 8}, {do_private_store, 3}, {do_store, 20},          {do_write, 15},
    {do_other_write, 5}, {do_direct, 4}, {do_truncate, 6},     {do_shrink_and_grow, 2}, {do_allocate, 6},       {do_copy, 4},
    {do_seek, 3},   {do_stat, 4},      {do_sync, 1},         {do_reopen, 3},
};

static void do_one(struct view *view) {
    int total = 0;
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) total += operations[i].weight;
    int drawn = random_below(total);
    for (size_t i = 0;; i++) {
        drawn -= operations[i].weight;
        if (drawn < 0) return operations[i].act(view);
    }
}

static void on_bus_error(int signal) {
    (void)signal;
    fail("SIGBUS", 0, 0, 0);
}

int main(int count, char **arguments) {
    if (count < 6) return 2;
    seed = strtoull(arguments[1], NULL, 10);
    long operations_max = atol(arguments[2]);
    base = strtoull(arguments[3], NULL, 10);
    length = strtoull(arguments[4], NULL, 10);
    if (length > PAGES_MAX * PAGE) return 2;
    seed_random(seed);
    signal(SIGBUS, on_bus_error);
    for (int i = 5; i < count && view_count < VIEWS_MAX; i++) views[view_count++].path = arguments[i];
    check_call(truncate(views[0].path, base) == 0, "truncate");
    for (int i = 0; i < view_count; i++) open_view(&views[i], 1);
    for (operation = 0; operation < operations_max; operation++) {
        lines[operation % LOG_MAX][0] = 0;
        do_one(&views[random_below(view_count)]);
    }
    for (int i = 0; i < view_count; i++) close_view(&views[i]);
    return 0;
}
