// SPDX-License-Identifier: Apache-2.0

// The guest's end of the command channel (lab.py has the other): runs shell scripts that come over
// a virtio-serial port, one at a time.
//
//   request  "ID LIMIT_MS SCRIPT_BYTES INPUT_BYTES\n", the script, its standard input
//   answer   "ID STATUS OUTPUT_BYTES\n", standard output and error
//
// Status 128 + N: ended by signal N; 124: out of time.
//
// It must go on while the root filesystem is frozen: its memory is locked, and input and output are
// memory files. A script that is blocked in the kernel cannot be killed; it is left behind.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { out_of_time = 124 };

static int port;

static void die(const char* what) {
    perror(what);
    exit(1);
}

static void read_all(void* to, size_t size) {
    for (char* at = to; size > 0;) {
        ssize_t got = read(port, at, size);
        if (got > 0) {
            at += got;
            size -= (size_t)got;
        } else if (got == 0) {
            usleep(20000);  // nobody at the other end yet
        } else if (errno != EINTR) {
            die("read");
        }
    }
}

static void write_all(int to, const char* from, size_t size) {
    while (size > 0) {
        ssize_t done = write(to, from, size);
        if (done < 0 && errno != EINTR) {
            die("write");
        }
        from += done > 0 ? done : 0;
        size -= done > 0 ? (size_t)done : 0;
    }
}

static char* read_text(size_t size) {
    char* text = malloc(size + 1);
    if (!text) {
        die("malloc");
    }
    read_all(text, size);
    text[size] = 0;
    return text;
}

static int memory_file(const char* content, size_t size) {
    int fd = memfd_create("lab", MFD_CLOEXEC);
    if (fd < 0) {
        die("memfd_create");
    }
    write_all(fd, content, size);
    (void)lseek(fd, 0, SEEK_SET);
    return fd;
}

static int run(const char* script, int input, int output, int limit_ms) {
    pid_t child = fork();
    if (child == 0) {
        setsid();
        dup2(input, 0);
        dup2(output, 1);
        dup2(output, 2);
        execl("/bin/sh", "sh", "-c", script, (char*)0);
        _exit(127);
    }
    int fd = (int)syscall(SYS_pidfd_open, child, 0);
    struct pollfd ended = {fd, POLLIN, 0};
    int status = 0;
    if (poll(&ended, 1, limit_ms) == 1) {
        waitpid(child, &status, 0);
        status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    } else {
        kill(-child, SIGKILL);
        status = out_of_time;
    }
    close(fd);
    return status;
}

static void serve_one(void) {
    char line[128];
    size_t length = 0;
    do {
        read_all(line + length, 1);
    } while (line[length] != '\n' && ++length < sizeof line - 1);
    line[length] = 0;
    long id = 0;
    int limit_ms = 0;
    size_t script_size = 0, input_size = 0;
    if (sscanf(line, "%ld %d %zu %zu", &id, &limit_ms, &script_size, &input_size) != 4) {
        return;
    }
    char* script = read_text(script_size);
    char* content = read_text(input_size);
    int input = memory_file(content, input_size);
    int output = memory_file("", 0);
    int status = run(script, input, output, limit_ms);
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
    struct stat size = {0};
    (void)fstat(output, &size);
    const char* said =
        size.st_size > 0 ? mmap(NULL, (size_t)size.st_size, PROT_READ, MAP_PRIVATE, output, 0) : "";
    int header = snprintf(line, sizeof line, "%ld %d %lld\n", id, status, (long long)size.st_size);
    write_all(port, line, (size_t)header);
    write_all(port, said, (size_t)size.st_size);
    if (size.st_size > 0) {
        munmap((void*)said, (size_t)size.st_size);
    }
    close(input);
    close(output);
    free(script);
    free(content);
}

int main(int argc, char** argv) {
    for (int tries = 0; tries < 600 && argc > 1; ++tries) {
        port = open(argv[1], O_RDWR | O_CLOEXEC);
        if (port >= 0) {
            break;
        }
        usleep(50000);
    }
    if (argc != 2 || port < 0) {
        die("labd PORT");
    }
    (void)mlockall(MCL_CURRENT | MCL_FUTURE);
    while (1) {
        serve_one();
    }
}
