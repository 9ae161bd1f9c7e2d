// The CNI plugin: hands the runtime's request to the agent and prints its reply. Decides nothing.
#include "romana-native.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#ifndef TIMEOUT_SECONDS
#define TIMEOUT_SECONDS 60
#endif
#define TEXT(x) #x
#define STRING(x) TEXT(x)
#define VERSIONS "\"0.3.0\",\"0.3.1\",\"0.4.0\",\"1.0.0\",\"1.1.0\""
enum { MAX_REQUEST = 1 << 20, MAX_REPLY = 1 << 20 };
enum { BAD_ENVIRONMENT = 4, IO_FAILURE = 5, BAD_CONFIG = 7, TRY_AGAIN = 11, NOT_AVAILABLE = 50 }; // of the CNI specification

extern char **environ;
static char version[16] = "1.0.0"; // the configuration's cniVersion, once read
static char path[sizeof((struct sockaddr_un *)0)->sun_path] = "/run/romana/cni.sock";
static char expired[256]; // what is said when the time is over

static int is_command(const char *word) {
    const char *command = getenv("CNI_COMMAND");
    return command && strcmp(command, word) == 0;
}

// Prints a CNI error; no argument needs escaping: all are our words, strerror's, or plain strings of the configuration.
static int fail(int code, const char *message, const char *where, const char *why) {
    printf("{\"cniVersion\":\"%s\",\"code\":%d,\"msg\":\"%s\",\"details\":\"%s%s\"}\n", version, code, message, where, why);
    return 1;
}

// The agent is not there: STATUS has a code of its own for that, for all else the runtime is to try again later.
static int absent(const char *message, const char *doing, const char *why) {
    char where[sizeof path + 32];
    snprintf(where, sizeof where, "%s %s: ", doing, path);
    return fail(is_command("STATUS") ? NOT_AVAILABLE : TRY_AGAIN, message, where, why);
}

static void on_alarm(int signal) {
    (void)signal;
    write_all(1, expired, strlen(expired));
    _exit(1);
}

// Past the string that begins after its opening quote; `plain`: printable ASCII without escapes. NULL: it does not end.
static const char *string_end(const char *at, int *plain) {
    for (*plain = 1; *at && *at != '"'; at++) {
        if (*at < 0x20 || *at > 0x7e || *at == '\\')
            *plain = 0;
        if (*at == '\\' && at[1])
            at++;
    }
    return *at ? at + 1 : NULL;
}

// Copies the string value of a top-level key of a JSON object. 1: copied, 0: no such key, -1: not a plain string that fits.
static int top_level(const char *at, const char *key, char *value, size_t size) {
    static const char space[] = " \t\r\n";
    int depth = 0, plain;
    while (*at) {
        char c = *at++;
        depth += (c == '{' || c == '[') - (c == '}' || c == ']');
        if (c != '"')
            continue;
        const char *start = at;
        if (!(at = string_end(start, &plain)))
            return 0;
        const char *next = at + strspn(at, space);
        if (depth != 1 || *next != ':' || (size_t)(at - 1 - start) != strlen(key) || strncmp(start, key, strlen(key)) != 0)
            continue;
        start = next + 1 + strspn(next + 1, space);
        const char *end = *start == '"' ? string_end(++start, &plain) : NULL;
        if (!end || !plain || (size_t)(end - start) > size) // the closing quote makes room for the zero
            return -1;
        memcpy(value, start, (size_t)(end - 1 - start));
        value[end - 1 - start] = '\0';
        return 1;
    }
    return 0;
}

// Reads until `size` bytes or the end of input; -1 on failure.
static ssize_t read_some(int fd, unsigned char *data, size_t size) {
    size_t have = 0;
    while (have < size) {
        ssize_t n = read(fd, data + have, size - have);
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        have += (size_t)n;
    }
    return (ssize_t)have;
}

static int relay(const unsigned char *request, size_t size) {
    static unsigned char reply[MAX_REPLY];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        return absent("the Romana agent does not run on this node", "connect", strerror(errno));
    if (write_all(fd, request, size) < 0)
        return absent("the Romana agent does not take the request", "write to", strerror(errno));
    ssize_t n = read_some(fd, reply, 8);
    if (n != 8)
        return absent("the Romana agent did not answer", "read from", n < 0 ? strerror(errno) : "connection closed");
    int status = (int)get_u32(reply) & 255;
    size_t length = get_u32(reply + 4);
    if (length > MAX_REPLY || read_some(fd, reply, length) != (ssize_t)length)
        return absent("the Romana agent's answer is cut short", "read from", "connection closed");
    return write_all(1, reply, length) < 0 ? 1 : status;
}

// Appends what the agent needs of our environment, and the zero that ends it; 0: too large.
static size_t put_environment(unsigned char *request, size_t at) {
    for (char **entry = environ; *entry; entry++) {
        size_t size = strlen(*entry) + 1;
        if (strncmp(*entry, "CNI_", 4) != 0)
            continue;
        if (size >= MAX_REQUEST - at)
            return 0;
        memcpy(request + at, *entry, size);
        at += size;
    }
    request[at] = '\0';
    return at + 1;
}

int cni_main(void) {
    static unsigned char request[4 + MAX_REQUEST + 2];
    snprintf(expired, sizeof expired, "{\"cniVersion\":\"%s\",\"code\":%d,\"msg\":\"%s\"}\n", version, TRY_AGAIN,
             "the Romana agent did not answer within " STRING(TIMEOUT_SECONDS) " s");
    signal(SIGPIPE, SIG_IGN);
    signal(SIGALRM, on_alarm);
    alarm(TIMEOUT_SECONDS);
    size_t at = put_environment(request, 4);
    if (at == 0)
        return fail(BAD_ENVIRONMENT, "the CNI environment is too large", "expected at most 1 MiB", "");
    ssize_t n = read_some(0, request + at, 4 + MAX_REQUEST + 1 - at);
    if (n < 0 || at + (size_t)n > 4 + MAX_REQUEST)
        return fail(IO_FAILURE, "the network configuration cannot be read", "", n < 0 ? strerror(errno) : "larger than 1 MiB");
    request[at + (size_t)n] = '\0';
    const char *json = (const char *)request + at;
    top_level(json, "cniVersion", version, sizeof version); // the agent judges it
    if (is_command("VERSION"))
        return printf("{\"cniVersion\":\"%s\",\"supportedVersions\":[" VERSIONS "]}\n", version) < 0;
    if (top_level(json, "socket", path, sizeof path) < 0 || path[0] != '/')
        return fail(BAD_CONFIG, "socket: expected an absolute path of at most 107 plain characters", "", "");
    put_u32(request, (uint32_t)(at - 4 + (size_t)n));
    return relay(request, at + (size_t)n);
}
