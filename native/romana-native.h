// What the parts of the native helper share.
#ifndef ROMANA_NATIVE_H
#define ROMANA_NATIVE_H
#define _GNU_SOURCE

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

int pipe_main(void);
int cni_main(void);

enum { OP_OPEN = 1, OP_SEND, OP_CLOSE, OP_NETNS, OP_READ = 6, OP_WRITE, OP_RUN, OP_RECV = 16, OP_OVERRUN };

// Sends one frame to Node: up to three parts after op and id. Exits when Node is gone.
struct part {
    const void *data;
    size_t size;
};
void send_frame(int op, uint32_t id, const struct part *parts, int count);

// Moves into the network namespace at `path` and back; "" is our own. 0, or an errno.
int enter_netns(const char *path);
void leave_netns(void);

// Programs under way (run.c). `payload` as in README.md. Once a turn, the poll entries that run_pollfds filled go to run_serve.
struct pollfd;
void run_start(uint32_t id, const unsigned char *payload, size_t size);
int run_pollfds(struct pollfd *fds);
void run_serve(const struct pollfd *fds);
int run_timeout(void); // milliseconds until the next deadline; -1: none
void run_kill_all(void);
enum { MAX_RUNS = 256, RUN_FDS = 4 };

// Writes all of `size` bytes; -1 with errno on failure.
static inline int write_all(int fd, const void *data, size_t size) {
    const char *at = data;
    while (size > 0) {
        ssize_t n = write(fd, at, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        at += n;
        size -= (size_t)n;
    }
    return 0;
}

static inline uint32_t get_u32(const unsigned char *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline void put_u32(unsigned char *p, uint32_t value) {
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(value >> (8 * i));
}

#endif
