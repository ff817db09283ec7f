/*
 * write-upgrade COUNT STRIDE: stores to pages that are mapped write-protected. The handler asks a server over loopback
 * TCP, 64 bytes there and 64 back, then lifts the protection. Prints µs for each store.
 */
#include "reference.h"

struct node {
    struct cache cache;
    int socket;
};

static void serve(int *connections, void *argument) {
    (void)argument;
    for (;;) {
        struct message message;
        receive_all(connections[0], &message, sizeof message);
        send_all(connections[0], &message, sizeof message, 0);
    }
}

static void *handler(void *argument) {
    struct node *node = argument;
    for (;;) {
        uint64_t page = next_fault(&node->cache);
        struct message message = {.page = page};
        send_all(node->socket, &message, sizeof message, 0);
        receive_all(node->socket, &message, sizeof message);
        if (message.page != page) die("an answer to another question");
        allow_write(&node->cache, page);
    }
    return NULL;
}

int main(int count, char **arguments) {
    if (count != 3) return 2;
    uint64_t faults = atol(arguments[1]), stride = atol(arguments[2]);
    struct node node;
    start_server(serve, NULL, 1, &node.socket);
    node.cache = open_cache(faults * stride);
    uint64_t *pages = shuffled_pages(faults, stride);
    for (uint64_t i = 0; i < faults; i++) {
        *(uint32_t *)(node.cache.alias + pages[i] * PAGE) = stamp_of(pages[i]);
        continue_pages(&node.cache, pages[i], 1);
    }

    start_thread(handler, &node);
    double start = micros();
    for (uint64_t i = 0; i < faults; i++) *(volatile uint32_t *)(node.cache.view + pages[i] * PAGE) += 1;
    double elapsed = micros() - start;

    for (uint64_t i = 0; i < faults; i++) {
        if (*(uint32_t *)(node.cache.alias + pages[i] * PAGE) != stamp_of(pages[i]) + 1) die("a store was lost");
    }
    printf("%.3f\n", elapsed / faults);
    return 0;
}
