/* local-fault COUNT STRIDE: faults on pages that are cached but not mapped. Prints µs for each. */
#include "reference.h"

static void *handler(void *argument) {
    struct cache *cache = argument;
    for (;;) continue_pages(cache, next_fault(cache), 1);
    return NULL;
}

int main(int count, char **arguments) {
    if (count != 3) return 2;
    uint64_t faults = atol(arguments[1]), stride = atol(arguments[2]);
    struct cache cache = open_cache(faults * stride);
    uint64_t *pages = shuffled_pages(faults, stride);
    for (uint64_t i = 0; i < faults; i++) *(uint32_t *)(cache.alias + pages[i] * PAGE) = stamp_of(pages[i]);

    start_thread(handler, &cache);
    double start = micros();
    for (uint64_t i = 0; i < faults; i++) verify(cache.view + pages[i] * PAGE, pages[i]);
    printf("%.3f\n", (micros() - start) / faults);
    return 0;
}
