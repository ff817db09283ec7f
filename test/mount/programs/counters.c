/* counters SECONDS COUNT PATH: adds to counters of 32 bits, 100 bytes apart, of a shared map, each addition atomic.
 * Prints how much it has added to each. */
#include "program.h"

int main(int count, char **arguments) {
    if (count != 4) return 2;
    int counters = atoi(arguments[2]);
    unsigned char *map = map_file(open_file(arguments[3], O_RDWR), 0, counters * 100, PROT_READ | PROT_WRITE, MAP_SHARED);
    uint64_t rounds = 0;
    for (double end = seconds() + atof(arguments[1]); seconds() < end; rounds++)
        for (int i = 0; i < counters; i++) atomic_fetch_add((_Atomic uint32_t *)(map + i * 100), 1);
    printf("%" PRIu64 "\n", rounds);
    return 0;
}
