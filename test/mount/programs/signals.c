/* signals SECONDS FOLDER: uses files in all ways while a signal comes every 200 us that it handles. On a local disk no call
 * of these fails for that, nor is cut short. */
#include "program.h"

#include <sys/time.h>

#define BYTES (6 * PAGE)

static volatile sig_atomic_t signals;

static void on_signal(int number) {
    (void)number;
    signals++;
}

static void want(int truth, const char *what) {
    if (!truth) die(what);
}

/* Without SA_RESTART: whoever is interrupted is told so. */
static void start_signals(void) {
    struct sigaction action = {.sa_handler = on_signal};
    struct itimerval every = {{0, 200}, {0, 200}};
    want(sigaction(SIGALRM, &action, NULL) == 0, "sigaction");
    want(setitimer(ITIMER_REAL, &every, NULL) == 0, "setitimer");
}

static void use(int round) {
    static char bytes[BYTES], seen[BYTES];
    struct stat status;
    char name[32], moved[32];
    snprintf(name, sizeof name, "file-%d", round % 3);
    snprintf(moved, sizeof moved, "moved-%d", round % 3);
    memset(bytes, round, sizeof bytes);
    int fd = open(name, O_RDWR | O_CREAT, 0644);
    want(fd >= 0, "open");
    want(pwrite(fd, bytes, BYTES, 0) == (ssize_t)BYTES, "pwrite");
    want(pread(fd, seen, BYTES, 0) == (ssize_t)BYTES, "pread");
    want(fsync(fd) == 0, "fsync");
    want(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE) == 0, "fallocate");
    want(ftruncate(fd, PAGE * 2) == 0, "ftruncate");
    want(fchmod(fd, 0600) == 0, "fchmod");
    struct flock lock = {.l_type = F_WRLCK, .l_len = 1};
    want(fcntl(fd, F_GETLK, &lock) == 0, "F_GETLK");
    lock.l_type = F_WRLCK;
    want(fcntl(fd, F_SETLK, &lock) == 0, "F_SETLK");
    want(close(fd) == 0, "close");
    want(rename(name, moved) == 0, "rename");
    want(link(moved, name) == 0, "link");
    want(stat(name, &status) == 0 && status.st_size == PAGE * 2, "stat");
    want(unlink(name) == 0, "unlink");
    want(mkdir("folder", 0755) == 0, "mkdir");
    want(rmdir("folder") == 0, "rmdir");
}

int main(int count, char **arguments) {
    if (count != 3) return 2;
    want(chdir(arguments[2]) == 0, "chdir");
    start_signals();
    int round = 0;
    for (double end = seconds() + atof(arguments[1]); seconds() < end; round++) use(round);
    printf("%d rounds, %d signals\n", round, (int)signals);
    return 0;
}
