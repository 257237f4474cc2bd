// SPDX-License-Identifier: Apache-2.0

// When can filesystems be written to?
//
//   probe LIMIT_MS MOUNT... [-- COMMAND...]
//
// Runs the command to its end, if there is one, and at once writes a file on every mount and syncs
// it. Prints "MOUNT MS" for each, counted from before the command, or "MOUNT blocked". Exit code 0:
// all were written.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { most = 16 };

static double now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int write_on(const char* mount) {
    char path[4096];
    snprintf(path, sizeof path, "%s/probe", mount);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    return fd >= 0 && write(fd, "probe", 5) == 5 && fdatasync(fd) == 0 ? 0 : 1;
}

int main(int argc, char** argv) {
    double begun = now_ms();
    double limit = argc > 2 ? atof(argv[1]) : 0;
    pid_t children[most];
    int count = 0;
    while (count < most && count + 2 < argc && strcmp(argv[count + 2], "--") != 0) {
        ++count;
    }
    if (count == 0) {
        fputs("probe LIMIT_MS MOUNT... [-- COMMAND...]\n", stderr);
        return 2;
    }
    if (count + 3 < argc) {
        pid_t command = fork();
        if (command == 0) {
            execvp(argv[count + 3], argv + count + 3);
            _exit(127);
        }
        waitpid(command, NULL, 0);
    }
    for (int i = 0; i < count; ++i) {
        children[i] = fork();
        if (children[i] == 0) {
            _exit(write_on(argv[i + 2]));
        }
    }
    int left = count, failed = 0;
    while (left > 0 && now_ms() - begun < limit) {
        int status = 0;
        pid_t ended = waitpid(-1, &status, WNOHANG);
        for (int i = 0; i < count && ended > 0; ++i) {
            if (children[i] == ended) {
                children[i] = 0;
                --left;
                failed += status != 0;
                printf("%s %.1f%s\n", argv[i + 2], now_ms() - begun, status ? " failed" : "");
            }
        }
        usleep(500);
    }
    for (int i = 0; i < count; ++i) {
        if (children[i] != 0) {
            printf("%s blocked\n", argv[i + 2]);
        }
    }
    return left + failed > 0;
}
