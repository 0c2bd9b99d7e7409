/* A program whose page sequence is known: on 16 pages at 0x10000000, which are pages 65536 on. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "mark.h"

enum { PAGE = 4096, PAGES = 16 };

static volatile char *const area = (volatile char *)0x10000000;

static void known(void)
{
    char sum = 0;
    balloonist_mark("start");
    for (int page = 0; page < 4; page++)
        area[page * PAGE] = 1;
    for (int page = 3; page >= 0; page--)
        sum += area[page * PAGE];
    balloonist_mark("phase-two");
    munmap((void *)area, 2 * PAGE);
    madvise((void *)(area + 2 * PAGE), PAGE, MADV_DONTNEED);
    sum += area[2 * PAGE];
    /* Page 3 moves behind the area, and keeps what is in it. */
    mremap((void *)(area + 3 * PAGE), PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
           (void *)(area + 20 * PAGE));
    sum += area[20 * PAGE];
    /* Eight bytes across a boundary: both pages. */
    *(volatile long *)(area + 6 * PAGE - 4) = sum;
    balloonist_mark("stop");
}

/* Pages by an ordinary generator of pseudo-random numbers, most of them among the first. */
static void many(int accesses)
{
    unsigned long state = 1;
    for (int at = 0; at < accesses; at++) {
        state = state * 6364136223846793005ul + 1442695040888963407ul;
        unsigned page = (state >> 40) % PAGES, limit = (state >> 50) % PAGES;
        area[(page < limit ? page : limit) * PAGE]++;
    }
}

int main(int count, char **words)
{
    const char *what = count > 1 ? words[1] : "known";
    mmap((void *)area, PAGES * PAGE, PROT_READ | PROT_WRITE,
         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (strcmp(what, "many") == 0)
        many(100000);
    else if (strcmp(what, "forever") == 0)
        for (;;)
            many(1000);
    else if (strcmp(what, "killed") == 0)
        many(1000), kill(getpid(), SIGKILL);
    else
        known();
    return strcmp(what, "fails") == 0 ? 3 : 0;
}
