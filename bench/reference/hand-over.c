/*
 * hand-over COUNT: one page goes to and fro between two processes through a server, over loopback TCP. Each time:
 * acquire (64 bytes) to the server, revoke (64) to the holder, the page (64 + 4096) back, the page on to the asker, who
 * adds one. No faults and no hold time: the bare messages. Prints µs for each hand-over.
 */
#include "reference.h"

enum kind { ACQUIRE = 1, REVOKE, RELEASE, GRANT };

struct packet {
    struct message head;
    uint64_t words[PAGE / 8];
};

static void serve(int *connections, void *argument) {
    static struct packet packet;
    (void)argument;
    for (int asker = 0;; asker = 1 - asker) {
        receive_all(connections[asker], &packet.head, sizeof packet.head);
        packet.head.kind = REVOKE;
        send_all(connections[1 - asker], &packet.head, sizeof packet.head, 0);
        receive_all(connections[1 - asker], &packet, sizeof packet);
        packet.head.kind = GRANT;
        send_all(connections[asker], &packet, sizeof packet, 0);
    }
}

static void give(int socket, struct packet *packet) {
    receive_all(socket, &packet->head, sizeof packet->head);
    if (packet->head.kind != REVOKE) die("expected a revoke");
    packet->head.kind = RELEASE;
    send_all(socket, packet, sizeof *packet, 0);
}

static void take(int socket, struct packet *packet) {
    struct message message = {.kind = ACQUIRE};
    send_all(socket, &message, sizeof message, 0);
    receive_all(socket, packet, sizeof *packet);
    if (packet->head.kind != GRANT) die("expected a grant");
    packet->words[0]++;
}

int main(int count, char **arguments) {
    static struct packet packet;
    if (count != 2) return 2;
    uint64_t rounds = atol(arguments[1]) / 2;
    int sockets[2];
    start_server(serve, NULL, 2, sockets);
    pid_t child = fork();
    if (child < 0) die("fork");
    if (child == 0) { /* Holds the page at first. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (uint64_t i = 0; i < rounds; i++) {
            give(sockets[1], &packet);
            take(sockets[1], &packet);
        }
        give(sockets[1], &packet);
        _exit(0);
    }
    double start = micros();
    for (uint64_t i = 0; i < rounds; i++) {
        take(sockets[0], &packet);
        give(sockets[0], &packet);
    }
    double elapsed = micros() - start;
    take(sockets[0], &packet);
    if (packet.words[0] != 2 * rounds + 1) die("an increment was lost");
    printf("%.3f\n", elapsed / (2 * rounds));
    return 0;
}
