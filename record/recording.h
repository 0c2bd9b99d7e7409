/* What a program does, one access after the other, becomes a trace here: whole, or reduced while it
 * is recorded.
 *
 * Idea. Of three references to a page the middle one is dropped if fewer than K other pages are
 * used between the outer two: with K frames or more the page stays in memory over all three.
 * Follows. S. F. Kaplan, Y. Smaragdakis and P. R. Wilson, "Flexible reference trace reduction for
 * VM simulations", ACM Transactions on Modeling and Computer Simulation 13(1), 2003: safely allowed
 * drop, by the rules of src/trace/reduce.rs, which reduces a trace that is whole. Both give the
 * same trace.
 * Departs. Whether a run is dropped is known when its page is used again, so runs wait in a queue
 * until it is known of all before them; one that would wait for more than HOLD accesses is kept,
 * which is never wrong. The accesses of dropped runs count for the run kept before them: fetches as
 * fetches, so that these are as many as were made; loads and stores as loads, so that no page is
 * written that was not.
 * Cost. O(1) a run: K other pages were used since a page's kept run if the page at place K of the
 * list by recency was used since. 48 bytes per page and 48 per waiting run, of which there are
 * some K. */
#ifndef BALLOONIST_RECORDING_H
#define BALLOONIST_RECORDING_H

#include "pages.h"

enum { FLUSH = 1 << 16, HOLD = 1 << 24, WAITING_MAX = 1 << 16 };
enum event { RUN, FREED, MARKED };

/* A run that waits, or what lies between runs. */
struct record {
    uint64_t start;
    /* Fetches and stores before it. */
    uint64_t fetches, stores;
    const char *name;
    uint32_t page, before, after;
    uint8_t event, kind;
    bool is_kept;
};

struct recording {
    struct stream stream;
    struct pages pages;
    uint64_t k, resolution;
    /* Leaves out accesses to a page before its first write since it became a page or was freed: code
     * and other files' pages, and memory that is zero. */
    bool is_of_written;
    /* Accesses so far, and how many there will be when the stream is flushed. */
    uint64_t now, flush_at;
    /* Accesses so far of each kind. */
    uint64_t made[CONTROL];
    /* The run that goes on: the address of its page, its beginning, its kind. */
    uint64_t key, start;
    uint32_t page;
    unsigned kind;
    bool is_open, follows_free;
    /* The list by recency: its ends, the page at place K, how many there are. */
    uint32_t front, back, near_last, listed;
    /* The queue, as a ring through record 0; `spare` are those not in use. */
    struct record *queue;
    uint32_t room, spare, waiting;
    /* The run that is written when its end is known. */
    struct record last;
};

static void recording_init(struct recording *it)
{
    pages_init(&it->pages);
    it->room = 1 << 10;
    it->queue = checked(calloc(it->room, sizeof *it->queue));
    for (uint32_t i = it->room - 1; i > 0; i--) {
        it->queue[i].after = it->spare;
        it->spare = i;
    }
    it->front = it->back = it->near_last = NO_PAGE;
    it->flush_at = FLUSH;
    it->last.page = NO_PAGE;
}

/* --- the list by recency -------------------------------------------------------------------- */

static void unlink_page(struct recording *it, struct page *page)
{
    struct page *all = it->pages.all;
    if (page->newer == NO_PAGE)
        it->front = page->older;
    else
        all[page->newer].older = page->older;
    if (page->older == NO_PAGE)
        it->back = page->newer;
    else
        all[page->older].newer = page->newer;
}

static void to_front(struct recording *it, uint32_t number)
{
    struct page *all = it->pages.all, *page = &all[number];
    bool was_near = page->is_near;
    if (it->front == number)
        return;
    if (it->near_last == number)
        it->near_last = page->newer;
    if (page->is_listed)
        unlink_page(it, page);
    else
        it->listed++;
    page->is_listed = page->is_near = true;
    if (!was_near && it->near_last != NO_PAGE) {
        /* It comes in among the first K + 1, so the last of them leaves. */
        all[it->near_last].is_near = false;
        it->near_last = all[it->near_last].newer;
    } else if (!was_near && it->listed == it->k + 1) {
        it->near_last = it->back;
    }
    page->newer = NO_PAGE;
    page->older = it->front;
    if (it->front == NO_PAGE)
        it->back = number;
    else
        all[it->front].newer = number;
    it->front = number;
}

/* A page whose last kept run began before this has seen K other pages since. */
static uint64_t threshold(const struct recording *it)
{
    return it->near_last == NO_PAGE ? 0 : it->pages.all[it->near_last].latest + 1;
}

/* --- the queue ------------------------------------------------------------------------------ */

static uint32_t wait_for(struct recording *it, enum event event, uint32_t page)
{
    uint32_t number = it->spare;
    if (number == 0) {
        number = it->room;
        it->room *= 2;
        it->queue = checked(realloc(it->queue, it->room * sizeof *it->queue));
        for (uint32_t i = it->room - 1; i > number; i--) {
            it->queue[i].after = it->spare;
            it->spare = i;
        }
    } else {
        it->spare = it->queue[number].after;
    }
    uint32_t last = it->queue[0].before;
    struct record *record = &it->queue[number];
    record->start = it->now;
    record->fetches = it->made[FETCH];
    record->stores = it->made[STORE];
    record->page = page;
    record->before = last;
    record->after = 0;
    record->event = (uint8_t)event;
    record->kind = FETCH;
    record->is_kept = false;
    it->queue[last].after = it->queue[0].before = number;
    it->waiting++;
    return number;
}

static void leave_queue(struct recording *it, uint32_t number)
{
    struct record *record = &it->queue[number];
    it->queue[record->before].after = record->after;
    it->queue[record->after].before = record->before;
    record->after = it->spare;
    it->spare = number;
    it->waiting--;
}

static void keep(struct recording *it, struct record *record)
{
    struct page *page = &it->pages.all[record->page];
    record->is_kept = true;
    page->kept = record->start;
    page->kept_writes = record->kind == STORE;
}

/* Writes the last run, which lasts until another record. */
static void write_last(struct recording *it, const struct record *next)
{
    struct record *last = &it->last;
    if (last->page == NO_PAGE)
        return;
    uint64_t number = it->pages.seldom[last->page].number, count = next->start - last->start;
    uint64_t fetches = next->fetches - last->fetches;
    uint64_t stores = last->kind == STORE ? next->stores - last->stores : 0;
    stream_accesses(&it->stream, last->page, number, FETCH, fetches);
    stream_accesses(&it->stream, last->page, number, LOAD, count - fetches - stores);
    stream_accesses(&it->stream, last->page, number, STORE, stores);
    last->page = NO_PAGE;
}

static void write_record(struct recording *it, const struct record *record)
{
    if (record->event == RUN && record->page == it->last.page) {
        /* What lay between was dropped: one run. */
        if (record->kind > it->last.kind)
            it->last.kind = record->kind;
        return;
    }
    write_last(it, record);
    if (record->event == RUN) {
        it->last = *record;
    } else if (record->event == MARKED) {
        stream_mark(&it->stream, record->name);
    } else {
        stream_free(&it->stream, record->page);
    }
}

/* Writes what waits at the head of the queue and is decided. */
static void write_decided(struct recording *it)
{
    for (uint32_t number; (number = it->queue[0].after) != 0;) {
        struct record *record = &it->queue[number];
        if (record->event == RUN) {
            struct page *page = &it->pages.all[record->page];
            if (!record->is_kept) {
                if (page->kept >= threshold(it) && it->now - record->start < HOLD
                    && it->waiting < WAITING_MAX)
                    return;
                keep(it, record);
            }
            if (page->record == number)
                page->record = 0;
        }
        write_record(it, record);
        leave_queue(it, number);
    }
}

/* --- runs ----------------------------------------------------------------------------------- */

/* Ends the run that goes on, if one does; the next access begins another. */
static void close_run(struct recording *it)
{
    if (!it->is_open)
        return;
    it->is_open = false;
    if (it->k == 0) {
        stream_accesses(&it->stream, it->page, it->pages.seldom[it->page].number, it->kind,
                        it->now - it->start);
        return;
    }
    struct page *page = &it->pages.all[it->page];
    struct record *record = &it->queue[page->record];
    record->kind = (uint8_t)it->kind;
    if (record->is_kept)
        page->kept_writes = it->kind == STORE;
    else if (it->kind == STORE && !page->kept_writes)
        keep(it, record);
    if (it->resolution) {
        uint64_t first = it->start / it->resolution, last = (it->now - 1) / it->resolution;
        uint64_t *block = &it->pages.seldom[it->page].block;
        if (*block != first || first != last)
            keep(it, record);
        *block = last;
    }
    write_decided(it);
}

static void open_run(struct recording *it, uint64_t key, unsigned kind)
{
    uint32_t number = page_at(&it->pages, key);
    struct page *page = &it->pages.all[number];
    bool stays = !page->is_listed || page->was_freed || it->follows_free;
    it->key = key;
    it->page = number;
    it->start = it->now;
    it->kind = kind;
    it->is_open = true;
    page->is_free = page->was_freed = it->follows_free = false;
    if (it->k == 0)
        return;
    uint32_t middle = page->record;
    if (middle && !it->queue[middle].is_kept) {
        if (page->kept >= threshold(it))
            leave_queue(it, middle);
        else
            keep(it, &it->queue[middle]);
    }
    page->latest = it->now;
    to_front(it, number);
    page->record = wait_for(it, RUN, number);
    if (stays)
        keep(it, &it->queue[page->record]);
}

static void begin_run(struct recording *it, uint64_t key, unsigned kind)
{
    close_run(it);
    if (it->now >= it->flush_at) {
        it->flush_at = it->now + FLUSH;
        stream_flush(&it->stream);
    }
    open_run(it, key, kind);
}

/* Whether a page that is not written now has been. */
static bool was_written(struct recording *it, uint64_t key)
{
    uint32_t page = known_page(&it->pages, key);
    return page != NO_PAGE && !it->pages.all[page].is_free;
}

/* `count` accesses of a kind to the page at an address. */
static inline void touch(struct recording *it, uint64_t key, unsigned kind, uint64_t count)
{
    if (it->is_open && key == it->key && (it->k > 0 || kind == it->kind))
        it->kind = kind > it->kind ? kind : it->kind;
    else if (!it->is_of_written || kind == STORE || was_written(it, key))
        begin_run(it, key, kind);
    else
        return;
    it->now += count;
    it->made[kind] += count;
}

/* --- what lies between accesses --------------------------------------------------------------- */

static void free_page(struct recording *it, uint32_t number)
{
    if (number == NO_PAGE || it->pages.all[number].is_free)
        return;
    close_run(it);
    struct page *page = &it->pages.all[number];
    page->is_free = page->was_freed = it->follows_free = true;
    if (it->k == 0) {
        stream_free(&it->stream, number);
        return;
    }
    if (page->record && !it->queue[page->record].is_kept)
        keep(it, &it->queue[page->record]);
    wait_for(it, FREED, number);
    write_decided(it);
}

/* The guest frees the pages that lie in `first..end`. */
static void free_pages(struct recording *it, uint64_t first, uint64_t end)
{
    if (end <= first)
        return;
    if (end - first <= it->pages.mask) {
        for (uint64_t key = first; key < end; key++)
            free_page(it, known_page(&it->pages, key));
        return;
    }
    for (uint32_t at = 0; at <= it->pages.mask; at++) {
        struct place *place = &it->pages.places[at];
        if (place->is_taken && place->key >= first && place->key < end)
            free_page(it, place->page);
    }
}

/* The guest moves `count` pages: each keeps its content and its frame. */
static void move_pages(struct recording *it, uint64_t from, uint64_t to, uint64_t count)
{
    close_run(it);
    for (uint64_t at = 0; at < count; at++)
        move_page(&it->pages, from + at, to + at);
}

/* A mark of the program; the name stays where it is. */
static void mark(struct recording *it, const char *name)
{
    close_run(it);
    if (it->k == 0) {
        stream_mark(&it->stream, name);
        return;
    }
    it->queue[wait_for(it, MARKED, 0)].name = name;
    write_decided(it);
}

/* Writes all that waits: every run stays. */
static void settle(struct recording *it)
{
    close_run(it);
    for (uint32_t at = it->queue[0].after; at; at = it->queue[at].after)
        if (it->queue[at].event == RUN)
            keep(it, &it->queue[at]);
    if (it->k)
        write_decided(it);
    stream_flush(&it->stream);
}

static void finish(struct recording *it)
{
    settle(it);
    struct record end = { .start = it->now, .fetches = it->made[FETCH],
                          .stores = it->made[STORE] };
    write_last(it, &end);
    stream_end(&it->stream);
}

#endif
