/* SPDX-License-Identifier: Apache-2.0 */
/* A light writer on each of several filesystems: what an application sees of a freeze.
 *
 *   stall_writer [--period-us 1000] [--stall-us 1000] DIRECTORY...
 *
 * One thread per directory writes 4 KiB into a small ring file, sleeps the period, and so on,
 * timing every write in CLOCK_BOOTTIME. It is told by lines on stdin and answers each with one on
 * stdout:
 *
 *   reset   forget everything so far (a write in flight counts from its true beginning)   "ok"
 *   report  [{"longest_ns", "writes", "errors", "last_end_ns", "writing_since_ns" (0: none),
 *            "lost_stalls", "stalls": [[begin, end], ...]}, ...] in the order of the directories
 *   quit    (or the end of stdin) leaves at once, stuck threads or not
 *
 * Nothing is written or allocated outside the ring files while it runs, so that it cannot be
 * stopped by a freeze elsewhere. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_LANES 256
#define MAX_STALLS 512
#define BLOCK 4096
#define RING_BLOCKS 64

struct stall {
    int64_t begin, end;
};

struct lane {
    pthread_mutex_t lock;
    int fd;
    int64_t longest, last_end, writing_since;
    uint64_t writes, errors, lost_stalls;
    unsigned stall_count;
    struct stall stalls[MAX_STALLS];
};

static struct lane lanes[MAX_LANES];
static int lane_count;
static long period_us = 1000;
static int64_t stall_ns = 1000000;

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void note_end(struct lane* lane, int64_t begin, int64_t end, int failed) {
    pthread_mutex_lock(&lane->lock);
    lane->writing_since = 0;
    lane->last_end = end;
    lane->writes += 1;
    lane->errors += failed ? 1 : 0;
    lane->longest = end - begin > lane->longest ? end - begin : lane->longest;
    if (end - begin >= stall_ns) {
        if (lane->stall_count < MAX_STALLS) {
            lane->stalls[lane->stall_count++] = (struct stall){begin, end};
        } else {
            lane->lost_stalls += 1;
        }
    }
    pthread_mutex_unlock(&lane->lock);
}

static void* write_for_ever(void* argument) {
    struct lane* lane = argument;
    char block[BLOCK];
    memset(block, 0x5a, sizeof block);
    const struct timespec pause = {period_us / 1000000, (period_us % 1000000) * 1000};
    for (uint64_t i = 0;; ++i) {
        const int64_t begin = now_ns();
        pthread_mutex_lock(&lane->lock);
        lane->writing_since = begin;
        pthread_mutex_unlock(&lane->lock);
        memcpy(block, &begin, sizeof begin);
        const ssize_t n = pwrite(lane->fd, block, BLOCK, (off_t)(i % RING_BLOCKS) * BLOCK);
        note_end(lane, begin, now_ns(), n != BLOCK);
        clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
    }
    return NULL;
}

static void reset(void) {
    for (int i = 0; i < lane_count; ++i) {
        struct lane* l = &lanes[i];
        pthread_mutex_lock(&l->lock);
        l->longest = 0;
        l->writes = l->errors = l->lost_stalls = 0;
        l->stall_count = 0;
        pthread_mutex_unlock(&l->lock);
    }
    printf("ok\n");
}

static void report(void) {
    static struct lane copy;
    printf("[");
    for (int i = 0; i < lane_count; ++i) {
        pthread_mutex_lock(&lanes[i].lock);
        copy = lanes[i];
        pthread_mutex_unlock(&lanes[i].lock);
        printf("%s{\"longest_ns\": %" PRId64 ", \"writes\": %" PRIu64 ", \"errors\": %" PRIu64
               ", \"last_end_ns\": %" PRId64 ", \"writing_since_ns\": %" PRId64
               ", \"lost_stalls\": %" PRIu64 ", \"stalls\": [",
               i == 0 ? "" : ", ", copy.longest, copy.writes, copy.errors, copy.last_end,
               copy.writing_since, copy.lost_stalls);
        for (unsigned s = 0; s < copy.stall_count; ++s) {
            printf("%s[%" PRId64 ", %" PRId64 "]", s == 0 ? "" : ", ", copy.stalls[s].begin,
                   copy.stalls[s].end);
        }
        printf("]}");
    }
    printf("]\n");
}

static int open_lane(const char* directory) {
    struct lane* lane = &lanes[lane_count];
    char path[4096];
    if (lane_count == MAX_LANES ||
        snprintf(path, sizeof path, "%s/stall_writer.ring", directory) >= (int)sizeof path) {
        return -1;
    }
    lane->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (lane->fd < 0) {
        perror(path);
        return -1;
    }
    pthread_mutex_init(&lane->lock, NULL);
    lane_count += 1;
    return 0;
}

static int start_threads(void) {
    for (int i = 0; i < lane_count; ++i) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, write_for_ever, &lanes[i]) != 0) {
            perror("pthread_create");
            return -1;
        }
    }
    return 0;
}

int main(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
        if (strcmp(argv[i], "--period-us") == 0 && i + 1 < argc) {
            period_us = strtol(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--stall-us") == 0 && i + 1 < argc) {
            stall_ns = strtol(argv[++i], NULL, 10) * 1000;
        } else if (open_lane(argv[i]) != 0) {
            return 1;
        }
    }
    if (lane_count == 0 || period_us <= 0 || stall_ns <= 0) {
        fprintf(stderr, "usage: stall_writer [--period-us N] [--stall-us N] DIRECTORY...\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    if (start_threads() != 0) {
        return 1;
    }
    char line[64];
    while (fgets(line, sizeof line, stdin) != NULL && strcmp(line, "quit\n") != 0) {
        if (strcmp(line, "reset\n") == 0) {
            reset();
        } else if (strcmp(line, "report\n") == 0) {
            report();
        } else {
            printf("unknown\n");
        }
        fflush(stdout);
    }
    _exit(0);
}
