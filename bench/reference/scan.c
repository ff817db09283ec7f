/*
 * scan FILE PAGES: touches every page of a file in order, nothing cached at first; the handler fetches 1 MiB for a fault,
 * over loopback TCP, one fetch at a time. Prints MB/s.
 */
#include "reference.h"

static const uint64_t fetch_pages = 256;

struct node {
    struct cache cache;
    int socket;
};

static void *handler(void *argument) {
    struct node *node = argument;
    for (;;) {
        uint64_t page = next_fault(&node->cache);
        fetch(node->socket, &node->cache, page, fetch_pages);
        continue_pages(&node->cache, page, fetch_pages);
    }
    return NULL;
}

int main(int count, char **arguments) {
    if (count != 3) return 2;
    uint64_t pages = atol(arguments[2]);
    if (pages % fetch_pages != 0) return 2;
    struct node node;
    start_server(serve_file, arguments[1], 1, &node.socket);
    node.cache = open_cache(pages);

    start_thread(handler, &node);
    double start = micros();
    for (uint64_t page = 0; page < pages; page++) verify(node.cache.view + page * PAGE, page);
    printf("%.3f\n", pages * PAGE / (micros() - start));
    return 0;
}
