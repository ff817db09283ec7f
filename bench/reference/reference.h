/*
 * What the C references share: a memfd mapped twice (once watched by a userfaultfd, once as the handler's alias), the
 * ioctls on it, blocking sockets, a clock, and an order of pages to touch. Each reference is the plainest program that
 * does its job well in C: blocking calls, no spinning, no pinning, data received straight into the memfd.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096UL

/* Absent from older headers: include/uapi/linux/userfaultfd.h. */
#ifndef UFFDIO_CONTINUE_MODE_WP
#define UFFDIO_CONTINUE_MODE_WP ((__u64)1 << 1)
#endif
#ifndef UFFD_FEATURE_WP_HUGETLBFS_SHMEM
#define UFFD_FEATURE_WP_HUGETLBFS_SHMEM (1 << 12)
#endif
#ifndef USERFAULTFD_IOC_NEW
#define USERFAULTFD_IOC_NEW _IO(0xAA, 0x00)
#endif

/* A request or an answer of the references: as long as a frame header of dmmap. */
struct message {
    uint32_t kind;
    uint32_t bytes; /* of the payload that follows */
    uint64_t page;
    uint64_t filler[6];
};

static inline void die(const char *what) {
    perror(what);
    exit(1);
}

static inline double micros(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

/* The word that the file holds at the start of each page: the benchmark writes the same. */
static inline uint32_t stamp_of(uint64_t page) {
    return page + 1;
}

static inline void verify(const volatile char *address, uint64_t page) {
    uint32_t word = *(const volatile uint32_t *)address;
    if (word == stamp_of(page)) return;
    fprintf(stderr, "page %lu holds %u, expected %u\n", page, word, stamp_of(page));
    exit(1);
}

/* Every stride-th page, shuffled by a fixed seed: no order that a prefetcher could follow. */
static inline uint64_t *shuffled_pages(uint64_t count, uint64_t stride) {
    uint64_t *pages = malloc(count * sizeof *pages);
    uint32_t random = 2463534242;
    for (uint64_t i = 0; i < count; i++) pages[i] = i * stride;
    for (uint64_t i = count - 1; i > 0; i--) {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        uint64_t j = random % (i + 1), kept = pages[i];
        pages[i] = pages[j];
        pages[j] = kept;
    }
    return pages;
}

/* One page cache: what the program touches, and the same pages as the handler reaches them. */
struct cache {
    int uffd;
    int memfd;
    char *view;
    char *alias;
};

static inline int open_uffd(void) {
    int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        int device = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
        if (device >= 0) fd = ioctl(device, USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK);
    }
    if (fd < 0) fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
    if (fd < 0) die("userfaultfd");
    struct uffdio_api api = {
        .api = UFFD_API,
        .features = UFFD_FEATURE_MISSING_SHMEM | UFFD_FEATURE_MINOR_SHMEM | UFFD_FEATURE_PAGEFAULT_FLAG_WP |
                    UFFD_FEATURE_WP_HUGETLBFS_SHMEM,
    };
    if (ioctl(fd, UFFDIO_API, &api)) die("UFFDIO_API");
    return fd;
}

static inline struct cache open_cache(uint64_t pages) {
    struct cache cache = {.uffd = open_uffd(), .memfd = memfd_create("reference", MFD_CLOEXEC)};
    if (cache.memfd < 0 || ftruncate(cache.memfd, pages * PAGE)) die("memfd");
    cache.view = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, cache.memfd, 0);
    cache.alias = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, cache.memfd, 0);
    if (cache.view == MAP_FAILED || cache.alias == MAP_FAILED) die("mmap");
    struct uffdio_register registration = {
        .range = {(uintptr_t)cache.view, pages * PAGE},
        .mode = UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_MINOR | UFFDIO_REGISTER_MODE_WP,
    };
    if (ioctl(cache.uffd, UFFDIO_REGISTER, &registration)) die("UFFDIO_REGISTER");
    return cache;
}

/* Sleeps until a thread faults. Returns the page it touched. */
static inline uint64_t next_fault(const struct cache *cache) {
    for (;;) {
        struct uffd_msg message;
        if (read(cache->uffd, &message, sizeof message) == sizeof message) {
            if (message.event != UFFD_EVENT_PAGEFAULT) continue;
            return (message.arg.pagefault.address - (uintptr_t)cache->view) / PAGE;
        }
        struct pollfd ready = {.fd = cache->uffd, .events = POLLIN};
        poll(&ready, 1, -1);
    }
}

/* Maps cached pages, write-protected, and wakes whoever waits for them. */
static inline void continue_pages(const struct cache *cache, uint64_t page, uint64_t count) {
    struct uffdio_continue argument = {
        .range = {(uintptr_t)cache->view + page * PAGE, count * PAGE},
        .mode = UFFDIO_CONTINUE_MODE_WP,
    };
    if (ioctl(cache->uffd, UFFDIO_CONTINUE, &argument)) die("UFFDIO_CONTINUE");
}

static inline void allow_write(const struct cache *cache, uint64_t page) {
    struct uffdio_writeprotect argument = {.range = {(uintptr_t)cache->view + page * PAGE, PAGE}, .mode = 0};
    if (ioctl(cache->uffd, UFFDIO_WRITEPROTECT, &argument)) die("UFFDIO_WRITEPROTECT");
}

static inline void start_thread(void *(*body)(void *), void *argument) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, body, argument)) die("pthread_create");
    pthread_detach(thread);
}

static inline void send_all(int fd, const void *from, size_t bytes, int flags) {
    for (size_t done = 0; done < bytes;) {
        ssize_t count = send(fd, (const char *)from + done, bytes - done, MSG_NOSIGNAL | flags);
        if (count <= 0) exit(1);
        done += count;
    }
}

/* Ends the process when the other side is gone: a server serves until its client ends. */
static inline void receive_all(int fd, void *to, size_t bytes) {
    for (size_t done = 0; done < bytes;) {
        ssize_t count = recv(fd, (char *)to + done, bytes - done, MSG_WAITALL);
        if (count <= 0) exit(0);
        done += count;
    }
}

static inline void no_delay(int fd) {
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/*
 * Forks a server process that serves `clients` connections over loopback TCP, given as an array; the caller's ends come
 * back in `sockets`. The server dies with its parent.
 */
static inline void start_server(void (*serve)(int *connections, void *argument), void *argument, int clients,
                                int *sockets) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, length) || listen(listener, 8)) die("listen");
    if (getsockname(listener, (struct sockaddr *)&address, &length)) die("getsockname");
    fflush(stdout);
    pid_t child = fork();
    if (child < 0) die("fork");
    if (child == 0) {
        int connections[8];
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (int i = 0; i < clients; i++) {
            connections[i] = accept(listener, NULL, NULL);
            if (connections[i] < 0) die("accept");
            no_delay(connections[i]);
        }
        serve(connections, argument);
        _exit(0);
    }
    for (int i = 0; i < clients; i++) {
        sockets[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(sockets[i], (struct sockaddr *)&address, length)) die("connect");
        no_delay(sockets[i]);
    }
    close(listener);
}

/* A server that answers each request with `bytes` of the file, from the page on. */
static inline void serve_file(int *connections, void *path) {
    static char buffer[1 << 20];
    int file = open(path, O_RDONLY);
    if (file < 0) die(path);
    for (;;) {
        struct message message;
        receive_all(connections[0], &message, sizeof message);
        if (pread(file, buffer, message.bytes, message.page * PAGE) != (ssize_t)message.bytes) die("pread");
        send_all(connections[0], &message, sizeof message, MSG_MORE);
        send_all(connections[0], buffer, message.bytes, 0);
    }
}

/* Asks the server for pages and receives them into the memfd. */
static inline void fetch(int socket, const struct cache *cache, uint64_t page, uint64_t count) {
    struct message message = {.page = page, .bytes = count * PAGE};
    send_all(socket, &message, sizeof message, 0);
    receive_all(socket, &message, sizeof message);
    receive_all(socket, cache->alias + page * PAGE, count * PAGE);
}
