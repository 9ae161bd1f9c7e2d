// The pipe: one loop over stdin, the netlink sockets and the programs under way. Knows nothing of netlink's content.
#include "romana-native.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/vfs.h>

enum { MAX_FRAME = 16 << 20, MAX_CHANNELS = 4096 };
enum { SOCKET_BUFFER = 32 << 20, DATAGRAM = 1 << 20, FILE_MOST = 64 << 10, TURNS = 4096 };
enum { NSFS = 0x6e736673 }; // NSFS_MAGIC of linux/magic.h: namespace files live there

struct channel {
    uint32_t id;
    int fd;
};

static struct channel channels[MAX_CHANNELS];
static int channel_count;
static int own_netns = -1;
static unsigned char *input;
static size_t input_have;

void send_frame(int op, uint32_t id, const struct part *parts, int count) {
    unsigned char head[9];
    struct iovec io[4] = {{head, sizeof head}};
    size_t size = 5;
    for (int i = 0; i < count; i++) {
        io[i + 1] = (struct iovec){(void *)parts[i].data, parts[i].size};
        size += parts[i].size;
    }
    put_u32(head, (uint32_t)size);
    head[4] = (unsigned char)op;
    put_u32(head + 5, id);
    struct iovec *at = io;
    int left = count + 1;
    while (left > 0) {
        ssize_t n = writev(1, at, left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            _exit(0); // Node is gone, and with it all that we are for
        for (; left > 0 && (size_t)n >= at->iov_len; at++, left--)
            n -= (ssize_t)at->iov_len;
        if (left > 0) {
            at->iov_base = (char *)at->iov_base + n;
            at->iov_len -= (size_t)n;
        }
    }
}

static void reply_numbers(int op, uint32_t id, int first, int second, int count) {
    unsigned char body[8];
    put_u32(body, (uint32_t)first);
    put_u32(body + 4, (uint32_t)second);
    send_frame(op, id, &(struct part){body, (size_t)count * 4}, 1);
}

// A namespace file or -1; never blocks, whatever the path names.
static int open_netns(const char *path) {
    struct statfs fs;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || (fstatfs(fd, &fs) == 0 && fs.f_type == NSFS))
        return fd;
    close(fd);
    errno = EINVAL;
    return -1;
}

int enter_netns(const char *path) {
    if (!*path)
        return 0;
    int fd = open_netns(path);
    if (fd < 0)
        return errno;
    int error = setns(fd, CLONE_NEWNET) < 0 ? errno : 0;
    close(fd);
    return error;
}

void leave_netns(void) {
    if (setns(own_netns, CLONE_NEWNET) < 0)
        _exit(3); // in the wrong namespace everything after would be wrong
}

static int open_netlink(int protocol, uint32_t groups) {
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
    if (fd < 0)
        return -1;
    int on = 1, buffer = SOCKET_BUFFER;
    setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
    setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
    setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer) < 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer) < 0)
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = groups};
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static void op_open(uint32_t id, const unsigned char *payload, size_t size) {
    int error = size < 9 || channel_count == MAX_CHANNELS ? EINVAL : enter_netns((const char *)payload + 8);
    if (!error) {
        int fd = open_netlink((int)get_u32(payload), get_u32(payload + 4));
        if (fd < 0)
            error = errno;
        else
            channels[channel_count++] = (struct channel){id, fd};
        leave_netns();
    }
    reply_numbers(OP_OPEN, id, error, 0, 1);
}

static struct channel *channel_of(uint32_t id) {
    for (int i = 0; i < channel_count; i++)
        if (channels[i].id == id)
            return &channels[i];
    return NULL;
}

static void serve_channel(struct channel *channel) {
    static unsigned char datagram[DATAGRAM];
    for (int turn = 0; turn < TURNS; turn++) {
        ssize_t n = recv(channel->fd, datagram, sizeof datagram, 0);
        if (n < 0 && errno == ENOBUFS)
            send_frame(OP_OVERRUN, channel->id, NULL, 0);
        else if (n <= 0)
            return;
        else
            send_frame(OP_RECV, channel->id, &(struct part){datagram, (size_t)n}, 1);
    }
}

// Takes the answers at once: those to many failing messages would overrun the socket while the next batch waits.
static void op_send(uint32_t id, const unsigned char *payload, size_t size) {
    struct channel *channel = channel_of(id);
    int error = channel ? 0 : EBADF;
    if (channel && send(channel->fd, payload, size, 0) < 0)
        error = errno;
    if (error)
        reply_numbers(OP_SEND, id, error, 0, 1);
    else
        serve_channel(channel);
}

static void op_close(uint32_t id) {
    struct channel *channel = channel_of(id);
    if (!channel)
        return;
    close(channel->fd);
    *channel = channels[--channel_count];
}

// The descriptor stays open as long as we live.
static void op_netns(uint32_t id, const char *path) {
    int fd = open_netns(path);
    reply_numbers(OP_NETNS, id, fd < 0 ? errno : 0, fd, 2);
}

// `payload`: namespace \0 file \0 text; the frame's end is a \0 of our own making.
static void op_file(int op, uint32_t id, const char *payload, size_t size) {
    static char content[FILE_MOST];
    const char *file = payload + strnlen(payload, size) + 1;
    const char *text = file <= payload + size ? file + strnlen(file, (size_t)(payload + size - file)) + 1 : NULL;
    ssize_t n = 0;
    int error = text ? enter_netns(payload) : EINVAL;
    if (!error) {
        int fd = open(file, (op == OP_READ ? O_RDONLY : O_WRONLY) | O_CLOEXEC);
        size_t length = text <= payload + size ? (size_t)(payload + size - text) : 0;
        n = fd < 0 ? -1 : op == OP_READ ? read(fd, content, sizeof content) : write(fd, text, length);
        error = n < 0 ? errno : 0;
        if (fd >= 0)
            close(fd);
        leave_netns();
    }
    unsigned char status[4];
    put_u32(status, (uint32_t)error);
    struct part parts[] = {{status, 4}, {content, op == OP_READ && n > 0 ? (size_t)n : 0}};
    send_frame(op, id, parts, 2);
}

static void serve_frame(unsigned char *frame, size_t size) {
    uint32_t id = get_u32(frame + 1);
    unsigned char *payload = frame + 5;
    unsigned char after = frame[size];
    frame[size] = '\0'; // texts that end the frame end here
    size -= 5;
    switch (frame[0]) {
    case OP_OPEN: op_open(id, payload, size + 1); break;
    case OP_SEND: op_send(id, payload, size); break;
    case OP_CLOSE: op_close(id); break;
    case OP_NETNS: op_netns(id, (const char *)payload); break;
    case OP_READ:
    case OP_WRITE: op_file(frame[0], id, (const char *)payload, size); break;
    case OP_RUN: run_start(id, payload, size); break;
    default: _exit(4); // not our Node: nothing after can be trusted
    }
    payload[size] = after;
}

// Reads what is there and serves every whole frame; 0 at the end of input.
static int serve_input(void) {
    ssize_t n = read(0, input + input_have, 4 + MAX_FRAME - input_have);
    if (n < 0 && errno == EINTR)
        return 1;
    if (n <= 0)
        return 0;
    input_have += (size_t)n;
    size_t at = 0;
    while (input_have - at >= 4) {
        size_t size = get_u32(input + at);
        if (size < 5 || size > MAX_FRAME)
            _exit(4);
        if (input_have - at - 4 < size)
            break;
        serve_frame(input + at + 4, size);
        at += 4 + size;
    }
    memmove(input, input + at, input_have - at);
    input_have -= at;
    return 1;
}

int pipe_main(void) {
    static struct pollfd fds[1 + MAX_CHANNELS + RUN_FDS * MAX_RUNS];
    // A signal to the terminal's or service's whole group is Node's to answer; we end when it does, as stdin then ends.
    static const int ignored[] = {SIGPIPE, SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        signal(ignored[i], SIG_IGN);
    own_netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    input = malloc(4 + MAX_FRAME + 1);
    if (own_netns < 0 || !input)
        return 1;
    for (;;) {
        int polled = channel_count;
        fds[0] = (struct pollfd){.fd = 0, .events = POLLIN};
        for (int i = 0; i < polled; i++)
            fds[1 + i] = (struct pollfd){.fd = channels[i].fd, .events = POLLIN};
        int programs = run_pollfds(fds + 1 + polled);
        if (poll(fds, (nfds_t)(1 + polled + programs), run_timeout()) < 0 && errno != EINTR)
            return 1;
        for (int i = 0; i < polled; i++)
            if (fds[1 + i].revents)
                serve_channel(&channels[i]);
        run_serve(fds + 1 + polled);
        if (fds[0].revents && !serve_input()) {
            run_kill_all();
            return 0;
        }
    }
}
