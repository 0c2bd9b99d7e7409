/* touch PHASE...: writes to one page after another of an anonymous mapping, as the phases say.
 *
 * A phase is KIND:FIRST:PAGES:ACCESSES:SEED, and its pages are those from FIRST on. KIND is
 *   zipf  by Zipf's law with exponent 1, over the pages in a random order;
 *   loop  in order, again and again;
 *   mix   nine of ten among the first tenth of the pages, the others anywhere.
 * tests/library/kernel.rs makes the same accesses. With `-p N` first, it marks a `pause` after every N
 * accesses, says how many major and minor faults it has had and how many pages of anonymous memory are
 * resident in the machine, and waits for a line. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "../record/mark.h"

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

static void say(const char *word)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    unsigned long anonymous = 0, value;
    char name[64];
    FILE *file = fopen("/proc/vmstat", "r");
    while (file && fscanf(file, "%63s %lu", name, &value) == 2)
        if (!strcmp(name, "nr_active_anon") || !strcmp(name, "nr_inactive_anon"))
            anonymous += value;
    if (file)
        fclose(file);
    printf("%s %ld %ld %lu\n", word, usage.ru_majflt, usage.ru_minflt, anonymous);
    fflush(stdout);
}

static unsigned long made, pause_every;

static void use(volatile unsigned char *page)
{
    *page += 1;
    if (pause_every && ++made % pause_every == 0) {
        balloonist_mark("pause");
        say("PAUSE");
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
    for (int at = 0; at < known; at++)
        run(&phases[at], memory);
    say("END");
    return 0;
}
