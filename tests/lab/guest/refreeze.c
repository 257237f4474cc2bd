// SPDX-License-Identifier: Apache-2.0

// Somebody else who freezes a filesystem the moment it is let go: is that freeze taken away?
//
//   refreeze MOUNT WAIT_MS HOLD_MS PID...    prints {"refused": N, "waited_ms": N, "kept": BOOL}
//
// Finds the filesystem frozen, kills the processes, and tries FIFREEZE until it is not busy any
// more, at most WAIT_MS; then holds for HOLD_MS and thaws. "kept": it was frozen throughout, and
// this was the one thaw. Exit code 0: kept, 1: taken away, 2: never got it.

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

int main(int argc, char** argv) {
    int fd = argc > 4 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) {
        perror("refreeze MOUNT WAIT_MS HOLD_MS PID...");
        return 2;
    }
    double begun = now_ms();
    long refused = 0;
    while (ioctl(fd, FIFREEZE, 0) != 0) {
        for (int i = 4; refused == 0 && i < argc; ++i) {
            kill(atoi(argv[i]), SIGKILL);
        }
        ++refused;
        if (errno != EBUSY || now_ms() - begun > atof(argv[2])) {
            perror("FIFREEZE");
            return 2;
        }
    }
    double frozen = now_ms();
    int kept = 1;
    while (kept && now_ms() - frozen < atof(argv[3])) {
        usleep(1000);
        // Succeeds only if it is not frozen; then it is again, and thawed below.
        kept = ioctl(fd, FIFREEZE, 0) != 0 && errno == EBUSY;
    }
    kept = ioctl(fd, FITHAW, 0) == 0 && kept;
    printf("{\"refused\": %ld, \"waited_ms\": %.1f, \"kept\": %s}\n", refused, frozen - begun,
           kept ? "true" : "false");
    return kept ? 0 : 1;
}
