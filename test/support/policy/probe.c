// Sends whole IP packets from network namespaces and tells where they were delivered, after all hooks of netfilter. Its arguments are paths
// of namespaces. A line of input is the index of one and a packet in hexadecimal; an empty line ends a batch and is answered with a
// line "index protocol token" for each packet that came to somebody, and a dot. A token is what follows "rmna" at a packet's end.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 64, PROTOCOLS = 5, HOPS = 16, PACKET = 2048, BUFFER = 4 << 20 };
static const int protocols[2][PROTOCOLS] = {{1, 6, 17, 132, 253}, {58, 6, 17, 132, 253}};
static const int families[2] = {AF_INET, AF_INET6};
static int senders[MOST][2], receivers[MOST][2][PROTOCOLS];

static int check(int result, const char *what) {
    if (result >= 0)
        return result;
    perror(what);
    exit(1);
}

static int raw_socket(int family, int protocol) {
    int size = BUFFER, fd = check(socket(family, SOCK_RAW | SOCK_NONBLOCK, protocol), "socket");
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    return fd;
}

static void open_namespace(int index, const char *path) {
    int ns = check(open(path, O_RDONLY), path);
    check(setns(ns, CLONE_NEWNET), path);
    close(ns);
    for (int f = 0; f < 2; f++) {
        senders[index][f] = raw_socket(families[f], IPPROTO_RAW);
        for (int p = 0; p < PROTOCOLS; p++)
            receivers[index][f][p] = raw_socket(families[f], protocols[f][p]);
    }
}

// What cannot be sent is as what is lost on the way: netfilter's drop on output is EPERM.
static void send_packet(int index, const unsigned char *packet, size_t size) {
    if (packet[0] >> 4 == 4) {
        struct sockaddr_in to = {.sin_family = AF_INET};
        memcpy(&to.sin_addr, packet + 16, 4);
        sendto(senders[index][0], packet, size, 0, (struct sockaddr *)&to, sizeof to);
    } else {
        struct sockaddr_in6 to = {.sin6_family = AF_INET6};
        memcpy(&to.sin6_addr, packet + 24, 16);
        sendto(senders[index][1], packet, size, 0, (struct sockaddr *)&to, sizeof to);
    }
}

static void send_line(char *line) {
    unsigned char packet[PACKET];
    char *hex;
    size_t size = 0;
    long index = strtol(line, &hex, 10);
    unsigned byte;
    for (hex++; size < PACKET && sscanf(hex, "%2x", &byte) == 1; hex += 2)
        packet[size++] = (unsigned char)byte;
    send_packet((int)index, packet, size);
}

// All packets wait in one processor's queue, each once a hop. A datagram to ourselves comes back when those before it went on.
static void drain_queues(void) {
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof own;
    int fd = check(socket(AF_INET, SOCK_DGRAM, 0), "socket");
    check(bind(fd, (struct sockaddr *)&own, sizeof own), "bind");
    check(getsockname(fd, (struct sockaddr *)&own, &size), "getsockname");
    char byte = 0;
    for (int i = 0; i < HOPS; i++) {
        check((int)sendto(fd, &byte, 1, 0, (struct sockaddr *)&own, sizeof own), "sendto");
        check((int)recv(fd, &byte, 1, 0), "recv");
    }
    close(fd);
}

static void tell(int index, int protocol, int fd) {
    unsigned char packet[PACKET];
    for (;;) {
        ssize_t n = recv(fd, packet, sizeof packet, 0);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        check((int)n, "recv");
        uint32_t token;
        if (n < 8 || memcmp(packet + n - 8, "rmna", 4) != 0)
            continue;
        memcpy(&token, packet + n - 4, 4);
        printf("%d %d %u\n", index, protocol, ntohl(token));
    }
}

int main(int count, char **paths) {
    // One processor, one queue.
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    check(sched_setaffinity(0, sizeof one, &one), "sched_setaffinity");
    if (--count > MOST)
        return 2;
    for (int i = 0; i < count; i++)
        open_namespace(i, paths[i + 1]);
    static char line[2 * PACKET + 16];
    while (fgets(line, sizeof line, stdin)) {
        if (line[0] != '\n') {
            send_line(line);
            continue;
        }
        drain_queues();
        for (int i = 0; i < count; i++)
            for (int f = 0; f < 2; f++)
                for (int p = 0; p < PROTOCOLS; p++)
                    tell(i, protocols[f][p], receivers[i][f][p]);
        puts(".");
        fflush(stdout);
    }
    return 0;
}
