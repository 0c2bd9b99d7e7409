/* touch PHASE...: writes to one page after another of an anonymous mapping, as the phases say.
 *
 * A phase is KIND:FIRST:PAGES:ACCESSES:SEED, and its pages are those from FIRST on. KIND is
 *   zipf  by Zipf's law with exponent 1, over the pages in a random order;
 *   loop  in order, again and again;
 *   mix   nine of ten among the first tenth of the pages, the others anywhere.
 * tests/library/kernel.rs makes the same accesses. With `-p N` first, it says `PAUSE` after every N
 * accesses and waits for a line. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define MOST_PHASES 16

struct phase {
    char kind[8];
    unsigned long first, pages, accesses, seed;
};

static uint64_t state;

/* Vigna's SplitMix64. */
static uint64_t draw(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static long majors(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_majflt;
}

static unsigned long made, pause_every;

static void use(volatile unsigned char *page)
{
    *page += 1;
    if (pause_every && ++made % pause_every == 0) {
        printf("PAUSE %ld\n", majors());
        fflush(stdout);
        for (int c = 0; c != EOF && c != '\n'; c = getchar())
            ;
    }
}

static void run(const struct phase *phase, unsigned char *memory)
{
    memory += phase->first << 12;
    state = phase->seed * 1000003;
    uint32_t *order = NULL;
    if (!strcmp(phase->kind, "zipf")) {
        order = malloc(phase->pages * sizeof *order);
        for (unsigned long at = 0; at < phase->pages; at++)
            order[at] = at;
        for (unsigned long at = phase->pages - 1; at > 0; at--) {
            unsigned long other = draw() % (at + 1);
            uint32_t page = order[at];
            order[at] = order[other];
            order[other] = page;
        }
    }
    double range = log(phase->pages + 1.0);
    for (unsigned long at = 0; at < phase->accesses; at++) {
        unsigned long page;
        if (order) {
            page = (unsigned long)exp((draw() >> 11) * 0x1p-53 * range) - 1;
            page = order[page < phase->pages ? page : phase->pages - 1];
        } else if (!strcmp(phase->kind, "mix")) {
            page = draw() % 10 ? draw() % (phase->pages / 10) : draw() % phase->pages;
        } else {
            page = at % phase->pages;
        }
        draw(); /* one draw more an access than the page needs, as the first measurements had */
        use(memory + (page << 12));
    }
    free(order);
}

int main(int count, char **words)
{
    struct phase phases[MOST_PHASES];
    unsigned long pages = 0;
    int known = 0;
    for (int at = 1; at < count; at++) {
        struct phase *phase = &phases[known];
        if (!strcmp(words[at], "-p") && at + 1 < count) {
            pause_every = strtoul(words[++at], NULL, 10);
            continue;
        }
        if (known == MOST_PHASES
            || sscanf(words[at], "%7[^:]:%lu:%lu:%lu:%lu", phase->kind, &phase->first, &phase->pages,
                      &phase->accesses, &phase->seed) != 5) {
            fprintf(stderr, "touch: no phase: %s\n", words[at]);
            return 2;
        }
        if (phase->first + phase->pages > pages)
            pages = phase->first + phase->pages;
        known++;
    }
    unsigned char *memory = mmap(NULL, pages << 12, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        perror("touch");
        return 1;
    }
    long before = majors();
    for (int at = 0; at < known; at++)
        run(&phases[at], memory);
    printf("FAULTS %ld\n", majors() - before);
    return 0;
}
