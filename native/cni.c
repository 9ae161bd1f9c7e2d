// The CNI plugin: hands the runtime's request to the agent and prints its reply. Decides nothing.
#include "romana-native.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

enum { MAX_REQUEST = 1 << 20, MAX_REPLY = 4 << 20, TIMEOUT_SECONDS = 90 };
#define DEFAULT_SOCKET "/run/romana/cni.sock"
#define VERSIONS "\"0.3.0\",\"0.3.1\",\"0.4.0\",\"1.0.0\",\"1.1.0\""

extern char **environ;

// Prints a CNI error; `details` is ours or strerror's, so it needs no escaping.
static int fail(int code, const char *message, const char *details) {
    printf("{\"cniVersion\":\"1.0.0\",\"code\":%d,\"msg\":\"%s\",\"details\":\"%s\"}\n", code, message, details);
    return 1;
}

// The value of the first "socket" key with a plain string value; escapes are refused. 0: there is none, -1: unusable.
static int socket_of(const char *json, char *path, size_t size) {
    const char *at = strstr(json, "\"socket\"");
    if (!at)
        return 0;
    at += strlen("\"socket\"");
    at += strspn(at, " \t\r\n:");
    if (*at != '"')
        return -1;
    size_t length = strcspn(++at, "\"\\\n");
    if (at[length] != '"' || length == 0 || length >= size || at[0] != '/')
        return -1;
    memcpy(path, at, length);
    path[length] = '\0';
    return 1;
}

// Reads up to `size` bytes until the end of input; -1 on failure.
static ssize_t read_to_end(int fd, char *data, size_t size) {
    size_t have = 0;
    while (have < size) {
        ssize_t n = read(fd, data + have, size - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        have += (size_t)n;
    }
    return (ssize_t)have;
}

static int connect_agent(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval timeout = {.tv_sec = TIMEOUT_SECONDS};
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    return fd;
}

static int relay(int fd, const unsigned char *request, size_t length) {
    unsigned char *reply = malloc(MAX_REPLY);
    if (!reply || write_all(fd, request, length) < 0)
        return fail(11, "the Romana agent does not take the request", strerror(errno));
    ssize_t n = read_to_end(fd, (char *)reply, MAX_REPLY);
    if (n < 8 || get_u32(reply + 4) != (size_t)n - 8)
        return fail(11, "the Romana agent did not answer", n < 0 ? strerror(errno) : "connection closed");
    int status = (int)get_u32(reply) & 255;
    if (write_all(1, reply + 8, (size_t)n - 8) < 0)
        status = 1;
    free(reply);
    return status;
}

int cni_main(void) {
    static unsigned char request[4 + MAX_REQUEST + 1];
    const char *command = getenv("CNI_COMMAND");
    if (command && strcmp(command, "VERSION") == 0)
        return printf("{\"cniVersion\":\"1.1.0\",\"supportedVersions\":[" VERSIONS "]}\n") < 0;
    size_t at = 4;
    for (char **entry = environ; *entry; entry++) {
        size_t size = strlen(*entry) + 1;
        if (strncmp(*entry, "CNI_", 4) != 0)
            continue;
        if (at + size >= MAX_REQUEST)
            return fail(4, "the CNI environment is too large", "");
        memcpy(request + at, *entry, size);
        at += size;
    }
    request[at++] = '\0';
    ssize_t n = read_to_end(0, (char *)request + at, 4 + MAX_REQUEST - at);
    if (n < 0 || at + (size_t)n >= 4 + MAX_REQUEST)
        return fail(6, "the network configuration cannot be read", n < 0 ? strerror(errno) : "larger than 1 MiB");
    request[at + (size_t)n] = '\0';
    char path[sizeof((struct sockaddr_un *)0)->sun_path] = DEFAULT_SOCKET;
    if (socket_of((char *)request + at, path, sizeof path) < 0)
        return fail(7, "socket: expected an absolute path of at most 107 characters", "");
    put_u32(request, (uint32_t)(at - 4 + (size_t)n));
    int fd = connect_agent(path);
    if (fd < 0)
        return fail(11, "the Romana agent does not run on this node", strerror(errno));
    int status = relay(fd, request, at + (size_t)n);
    close(fd);
    return status;
}
