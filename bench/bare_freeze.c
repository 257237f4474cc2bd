/* SPDX-License-Identifier: Apache-2.0 */
/* The limit that everything is compared with: one thread per filesystem does a plain FIFREEZE, all
 * at once and cold (no syncfs, no rehearsal), then a call is made, then the same threads FITHAW.
 *
 *   bare_freeze [--call-ms N] MOUNT... [-- COMMAND ARGS...]
 *
 * Prints one JSON object, times in CLOCK_BOOTTIME nanoseconds. Freezes only what it is given. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_MOUNTS 256

struct lane {
    const char* mount_point;
    int fd;
    int freeze_errno;
    int thaw_errno;
    int64_t freeze_begun, frozen, thaw_begun, thawed;
    pthread_t thread;
};

static struct lane lanes[MAX_MOUNTS];
static pthread_barrier_t at_freeze, all_frozen, at_thaw;
extern char** environ;

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void* freeze_and_thaw(void* argument) {
    struct lane* lane = argument;
    pthread_barrier_wait(&at_freeze);
    lane->freeze_begun = now_ns();
    lane->freeze_errno = ioctl(lane->fd, FIFREEZE, 0) == 0 ? 0 : errno;
    lane->frozen = now_ns();
    pthread_barrier_wait(&all_frozen);
    pthread_barrier_wait(&at_thaw);
    lane->thaw_begun = now_ns();
    /* What we did not freeze is not ours to thaw. */
    if (lane->freeze_errno == 0) {
        lane->thaw_errno = ioctl(lane->fd, FITHAW, 0) == 0 ? 0 : errno;
    }
    lane->thawed = now_ns();
    return NULL;
}

static int make_call(char** command, long call_ms) {
    if (command == NULL) {
        struct timespec pause = {call_ms / 1000, (call_ms % 1000) * 1000000};
        while (clock_nanosleep(CLOCK_BOOTTIME, 0, &pause, &pause) == EINTR) {
        }
        return 0;
    }
    pid_t pid;
    int status = 0;
    if (posix_spawnp(&pid, command[0], NULL, NULL, command, environ) != 0) {
        return -1;
    }
    if (waitpid(pid, &status, 0) != pid) {
        return -1;
    }
    return status;
}

static int print_result(int count, int call_status) {
    int failed = call_status != 0;
    int64_t first_begun = INT64_MAX, last_frozen = 0, first_thaw = INT64_MAX, last_thawed = 0;
    printf("{\"filesystems\": [");
    for (int i = 0; i < count; ++i) {
        const struct lane* l = &lanes[i];
        failed |= l->freeze_errno != 0 || l->thaw_errno != 0;
        first_begun = l->freeze_begun < first_begun ? l->freeze_begun : first_begun;
        last_frozen = l->frozen > last_frozen ? l->frozen : last_frozen;
        first_thaw = l->thaw_begun < first_thaw ? l->thaw_begun : first_thaw;
        last_thawed = l->thawed > last_thawed ? l->thawed : last_thawed;
        printf("%s{\"freeze_begun_ns\": %" PRId64 ", \"frozen_ns\": %" PRId64
               ", \"thaw_begun_ns\": %" PRId64 ", \"thawed_ns\": %" PRId64
               ", \"freeze_errno\": %d, \"thaw_errno\": %d}",
               i == 0 ? "" : ", ", l->freeze_begun, l->frozen, l->thaw_begun, l->thawed,
               l->freeze_errno, l->thaw_errno);
    }
    printf("], \"held_ns\": %" PRId64 ", \"window_ns\": %" PRId64 ", \"call_status\": %d}\n",
           first_thaw - last_frozen, last_thawed - first_begun, call_status);
    return failed ? 1 : 0;
}

static int usage(void) {
    fprintf(stderr, "usage: bare_freeze [--call-ms N] MOUNT... [-- COMMAND ARGS...]\n");
    return 2;
}

int main(int argc, char** argv) {
    long call_ms = 0;
    char** command = NULL;
    int count = 0;
    for (int i = 1; i < argc; ++i) {
        if (strcmp(argv[i], "--") == 0) {
            command = i + 1 < argc ? argv + i + 1 : NULL;
            break;
        }
        if (strcmp(argv[i], "--call-ms") == 0 && i + 1 < argc) {
            call_ms = strtol(argv[++i], NULL, 10);
        } else if (argv[i][0] == '-' || count == MAX_MOUNTS) {
            return usage();
        } else {
            lanes[count++].mount_point = argv[i];
        }
    }
    if (count == 0 || call_ms < 0) {
        return usage();
    }
    const unsigned parties = (unsigned)count + 1;
    pthread_barrier_init(&at_freeze, NULL, parties);
    pthread_barrier_init(&all_frozen, NULL, parties);
    pthread_barrier_init(&at_thaw, NULL, parties);
    for (int i = 0; i < count; ++i) {
        lanes[i].fd = open(lanes[i].mount_point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (lanes[i].fd < 0) {
            perror(lanes[i].mount_point);
            return 1;
        }
    }
    for (int i = 0; i < count; ++i) {
        if (pthread_create(&lanes[i].thread, NULL, freeze_and_thaw, &lanes[i]) != 0) {
            perror("pthread_create");
            return 1;
        }
    }
    pthread_barrier_wait(&at_freeze);
    pthread_barrier_wait(&all_frozen);
    const int call_status = make_call(command, call_ms);
    pthread_barrier_wait(&at_thaw);
    for (int i = 0; i < count; ++i) {
        pthread_join(lanes[i].thread, NULL);
    }
    return print_result(count, call_status);
}
