// Programs started for Node: stdin given, stdout and stderr collected, a deadline kept. Forked from this small process.
#include "romana-native.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

enum { OUTPUT_MOST = 1 << 20, MAX_ARGS = 256 };

struct output {
    int fd;
    size_t size;
    unsigned char *data;
};

struct run {
    uint32_t id;
    pid_t pid;
    int pid_fd;       // readable when the program has ended
    int64_t deadline; // of CLOCK_MONOTONIC, in ms; INT64_MAX once it has passed
    int input_fd;
    size_t input_at, input_size;
    unsigned char *input;
    struct output out, err;
};

static struct run runs[MAX_RUNS];
static int run_count;

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void reply(uint32_t id, int status, const struct output *out, const struct output *err) {
    unsigned char head[8];
    put_u32(head, (uint32_t)status);
    put_u32(head + 4, (uint32_t)(out ? out->size : 0));
    struct part parts[] = {{head, 8}, {out ? out->data : NULL, out ? out->size : 0}, {err ? err->data : NULL, err ? err->size : 0}};
    send_frame(OP_RUN, id, parts, 3);
}

// In the child: never returns. Its own process group, so that a deadline ends what it started too.
static void become(char **argv, const char *netns, int in, int out, int err, int report) {
    prctl(PR_SET_PDEATHSIG, SIGKILL); // a program does not outlive its asker
    setpgid(0, 0);
    int error = enter_netns(netns);
    if (!error && (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0))
        error = errno;
    if (!error) {
        for (int i = 1; i < NSIG; i++)
            signal(i, SIG_DFL);
        execvp(argv[0], argv);
        error = errno;
    }
    write_all(report, &error, sizeof error);
    _exit(127);
}

// Cuts `payload` into the namespace and argv, in place; what is left is stdin. NULL: not well-formed.
static const unsigned char *parse(const unsigned char *payload, size_t size, const char **netns, char **argv) {
    const unsigned char *at = payload + 8, *end = payload + size;
    uint32_t argc = size < 8 ? 0 : get_u32(payload + 4);
    if (argc == 0 || argc >= MAX_ARGS)
        return NULL;
    for (uint32_t i = 0; i <= argc; i++) {
        const unsigned char *zero = at < end ? memchr(at, 0, (size_t)(end - at)) : NULL;
        if (!zero)
            return NULL;
        if (i == 0)
            *netns = (const char *)at;
        else
            argv[i - 1] = (char *)at;
        at = zero + 1;
    }
    argv[argc] = NULL;
    return at;
}

// Starts the child; -errno if it could not. `ends`: our ends of stdin, stdout, stderr.
static int spawn(char **argv, const char *netns, int ends[3]) {
    int pipes[4][2], error = 0;
    for (int i = 0; i < 4; i++)
        if (pipe2(pipes[i], O_CLOEXEC) < 0) {
            for (int j = 0; j < i; j++)
                close(pipes[j][0]), close(pipes[j][1]);
            return -EMFILE;
        }
    pid_t pid = fork();
    if (pid == 0)
        become(argv, netns, pipes[0][0], pipes[1][1], pipes[2][1], pipes[3][1]);
    close(pipes[0][0]), close(pipes[1][1]), close(pipes[2][1]), close(pipes[3][1]);
    ends[0] = pipes[0][1], ends[1] = pipes[1][0], ends[2] = pipes[2][0];
    // Closed by a successful exec, else it carries the errno.
    if (pid > 0 && read(pipes[3][0], &error, sizeof error) == (ssize_t)sizeof error)
        waitpid(pid, NULL, 0);
    close(pipes[3][0]);
    if (pid > 0 && !error)
        return pid;
    for (int i = 0; i < 3; i++)
        close(ends[i]);
    return pid < 0 ? -EAGAIN : -error;
}

void run_start(uint32_t id, const unsigned char *payload, size_t size) {
    char *argv[MAX_ARGS];
    const char *netns = "";
    int ends[3];
    const unsigned char *text = parse(payload, size, &netns, argv);
    int pid = !text ? -EINVAL : run_count == MAX_RUNS ? -EAGAIN : spawn(argv, netns, ends);
    if (pid < 0) {
        reply(id, pid, NULL, NULL);
        return;
    }
    for (int i = 0; i < 3; i++)
        fcntl(ends[i], F_SETFL, O_NONBLOCK);
    size_t input_size = (size_t)(payload + size - text);
    struct run *run = &runs[run_count++];
    int pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
    *run = (struct run){.id = id, .pid = pid, .pid_fd = pid_fd, .deadline = now_ms() + get_u32(payload), .input_fd = ends[0], .input_size = input_size, .out.fd = ends[1], .err.fd = ends[2]};
    run->input = malloc(input_size + 1);
    run->out.data = malloc(OUTPUT_MOST);
    run->err.data = malloc(OUTPUT_MOST);
    if (pid_fd < 0 || !run->input || !run->out.data || !run->err.data)
        _exit(5);
    memcpy(run->input, text, input_size);
}

// RUN_FDS entries a program: stdin, stdout, stderr, its end. A closed one is -1, and poll passes over it.
int run_pollfds(struct pollfd *fds) {
    int count = 0;
    for (int i = 0; i < run_count; i++) {
        fds[count++] = (struct pollfd){.fd = runs[i].input_fd, .events = POLLOUT};
        fds[count++] = (struct pollfd){.fd = runs[i].out.fd, .events = POLLIN};
        fds[count++] = (struct pollfd){.fd = runs[i].err.fd, .events = POLLIN};
        fds[count++] = (struct pollfd){.fd = runs[i].pid_fd, .events = POLLIN};
    }
    return count;
}

int run_timeout(void) {
    int64_t next = INT64_MAX;
    for (int i = 0; i < run_count; i++)
        next = runs[i].deadline < next ? runs[i].deadline : next;
    int64_t left = next == INT64_MAX ? -1 : next - now_ms();
    return next == INT64_MAX ? -1 : left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

static void feed(struct run *run) {
    if (run->input_fd < 0)
        return;
    ssize_t n = write(run->input_fd, run->input + run->input_at, run->input_size - run->input_at);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    run->input_at += n > 0 ? (size_t)n : 0;
    if (n < 0 || run->input_at == run->input_size) {
        close(run->input_fd);
        run->input_fd = -1;
    }
}

// Takes all that is there; what is beyond the most is read and dropped, so that the program does not hang.
static void drain(struct output *output) {
    static unsigned char dropped[4096];
    while (output->fd >= 0) {
        size_t room = OUTPUT_MOST - output->size;
        ssize_t n = room > 0 ? read(output->fd, output->data + output->size, room) : read(output->fd, dropped, sizeof dropped);
        if (n > 0)
            output->size += room > 0 ? (size_t)n : 0;
        else if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        else
            close(output->fd), output->fd = -1;
    }
}

static void finish(struct run *run, int status) {
    drain(&run->out);
    drain(&run->err);
    reply(run->id, WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status), &run->out, &run->err);
    int fds[] = {run->input_fd, run->out.fd, run->err.fd, run->pid_fd};
    for (int i = 0; i < RUN_FDS; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    free(run->input), free(run->out.data), free(run->err.data);
    *run = runs[--run_count];
}

// From the last, because finish() moves the last one, served already, into the gap.
void run_serve(const struct pollfd *fds) {
    int64_t now = run_count > 0 ? now_ms() : 0;
    for (int i = run_count - 1; i >= 0; i--) {
        struct run *run = &runs[i];
        const struct pollfd *ready = fds + RUN_FDS * i;
        int status;
        if (ready[0].revents)
            feed(run);
        if (ready[1].revents)
            drain(&run->out);
        if (ready[2].revents)
            drain(&run->err);
        if (now >= run->deadline) {
            kill(-run->pid, SIGKILL);
            run->deadline = INT64_MAX;
        }
        if (ready[3].revents && waitpid(run->pid, &status, WNOHANG) == run->pid)
            finish(run, status);
    }
}

void run_kill_all(void) {
    for (int i = 0; i < run_count; i++)
        kill(-runs[i].pid, SIGKILL);
}
