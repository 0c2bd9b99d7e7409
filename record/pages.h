/* The pages that a guest uses: dense numbers in the order of first use. */
#ifndef BALLOONIST_PAGES_H
#define BALLOONIST_PAGES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "stream.h"

/* The numbers of pages that took the place of one that has moved away begin here, above those of
 * any machine. */
static const uint64_t RENAMED = (uint64_t)1 << 52;

/* What every run looks at: two pages fit into a line of the processor's cache. */
struct page {
    /* For the reduction: where its latest run and its last kept run begin, its neighbours in the list by
     * recency, its latest run in the queue or 0. */
    uint64_t latest, kept;
    uint32_t newer, older, record;
    bool is_listed : 1, is_near : 1, is_free : 1, was_freed : 1, kept_writes : 1;
};

/* What few runs look at: its number, and the block of its last access, for the reduction. */
struct seldom {
    uint64_t number, block;
};

/* Where an address's page is found: open addressing, never emptied. */
struct place {
    uint64_t key;
    uint32_t page; /* or NO_PAGE if the page has moved away */
    bool is_taken;
};

struct pages {
    struct page *all;
    struct seldom *seldom;
    uint32_t count, room;
    struct place *places;
    uint32_t mask, filled;
    uint64_t renamed;
    struct { uint64_t key; uint32_t page; } recent[1024];
};

static void *checked(void *memory)
{
    if (!memory) {
        fputs("balloonist: no memory for the recorder\n", stderr);
        abort();
    }
    return memory;
}

static void pages_init(struct pages *pages)
{
    pages->mask = (1 << 14) - 1;
    pages->places = checked(calloc(pages->mask + 1, sizeof *pages->places));
    for (size_t i = 0; i < sizeof pages->recent / sizeof *pages->recent; i++)
        pages->recent[i].key = UINT64_MAX;
}

static struct place *place_of(struct pages *pages, uint64_t key)
{
    uint32_t at = (uint32_t)(key * 0x9e3779b97f4a7c15u >> 32) & pages->mask;
    while (pages->places[at].is_taken && pages->places[at].key != key)
        at = (at + 1) & pages->mask;
    return &pages->places[at];
}

static void grow_places(struct pages *pages)
{
    struct place *old = pages->places;
    uint32_t count = pages->mask + 1;
    pages->mask = 2 * count - 1;
    pages->places = checked(calloc(pages->mask + 1, sizeof *old));
    for (uint32_t i = 0; i < count; i++)
        if (old[i].is_taken)
            *place_of(pages, old[i].key) = old[i];
    free(old);
}

static void set_place(struct pages *pages, uint64_t key, uint32_t page)
{
    struct place *place = place_of(pages, key);
    pages->recent[key % 1024].key = UINT64_MAX;
    if (!place->is_taken) {
        *place = (struct place){ key, page, true };
        if (++pages->filled > pages->mask / 2)
            grow_places(pages);
    } else {
        place->page = page;
    }
}

static uint32_t new_page(struct pages *pages, uint64_t key, bool is_renamed)
{
    uint32_t page = pages->count++;
    if (page == pages->room) {
        pages->room = page ? 2 * page : 1 << 12;
        struct page *all = checked(aligned_alloc(64, pages->room * sizeof *all));
        if (page)
            memcpy(all, pages->all, page * sizeof *all);
        free(pages->all);
        pages->all = all;
        pages->seldom = checked(realloc(pages->seldom, pages->room * sizeof *pages->seldom));
    }
    pages->all[page] = (struct page){ 0 };
    pages->seldom[page] = (struct seldom){
        .number = is_renamed ? RENAMED + pages->renamed++ : key, .block = UINT64_MAX,
    };
    set_place(pages, key, page);
    return page;
}

/* The page at this place, a new one if there is none. */
static uint32_t page_at(struct pages *pages, uint64_t key)
{
    uint32_t page;
    if (pages->recent[key % 1024].key == key)
        return pages->recent[key % 1024].page;
    struct place *place = place_of(pages, key);
    if (place->is_taken && place->page != NO_PAGE)
        page = place->page;
    else
        page = new_page(pages, key, place->is_taken);
    pages->recent[key % 1024].key = key;
    pages->recent[key % 1024].page = page;
    return page;
}

/* The page at this place, or NO_PAGE. */
static uint32_t known_page(struct pages *pages, uint64_t key)
{
    struct place *place = place_of(pages, key);
    return place->is_taken ? place->page : NO_PAGE;
}

/* A page moves from one place to another, which is empty. */
static void move_page(struct pages *pages, uint64_t from, uint64_t to)
{
    uint32_t page = known_page(pages, from);
    uint32_t there = known_page(pages, to);
    /* A page that was freed there before keeps its number, under which nothing is found. */
    if (page == NO_PAGE && there == NO_PAGE)
        return;
    if (page != NO_PAGE)
        set_place(pages, from, NO_PAGE);
    set_place(pages, to, page);
}

#endif
