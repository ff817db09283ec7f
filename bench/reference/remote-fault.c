/* remote-fault FILE COUNT STRIDE: faults on pages that a server process sends over loopback TCP. Prints µs for each. */
#include "reference.h"

struct node {
    struct cache cache;
    int socket;
};

static void *handler(void *argument) {
    struct node *node = argument;
    for (;;) {
        uint64_t page = next_fault(&node->cache);
        fetch(node->socket, &node->cache, page, 1);
        continue_pages(&node->cache, page, 1);
    }
    return NULL;
}

int main(int count, char **arguments) {
    if (count != 4) return 2;
    uint64_t faults = atol(arguments[2]), stride = atol(arguments[3]);
    struct node node;
    start_server(serve_file, arguments[1], 1, &node.socket);
    node.cache = open_cache(faults * stride);
    uint64_t *pages = shuffled_pages(faults, stride);

    start_thread(handler, &node);
    double start = micros();
    for (uint64_t i = 0; i < faults; i++) verify(node.cache.view + pages[i] * PAGE, pages[i]);
    printf("%.3f\n", (micros() - start) / faults);
    return 0;
}
