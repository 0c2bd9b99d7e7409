/* The stream form of a trace, as docs/trace-format.md describes it: a header, then chunks of
 * operations, each under a checksum, written as they are recorded. A file that ends after any
 * chunk, or inside one, can be read up to there. No C library but the system's is needed. */
#ifndef BALLOONIST_STREAM_H
#define BALLOONIST_STREAM_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FETCH, LOAD, STORE, CONTROL };
enum { PAGE_NAMED, PAGE_NEXT, PAGE_SECOND, PAGE_SAME };
enum { OP_FREE, OP_THREAD, OP_MARK, OP_END };
enum { STREAM_KINDS = 1, STREAM_REDUCED = 4 };

enum {
    CHUNK_HEAD = 24,
    CHUNK_DATA = 1 << 16,
    /* No operation is longer, but a name, which is cut. */
    OPERATION_MAX = 64,
    NAME_MAX_BYTES = 255,
};

struct stream {
    int file;
    bool failed;
    /* Accesses of the operations so far, and the thread that made the last ones. */
    uint64_t accesses;
    uint64_t thread;
    /* Pages named so far, the number of the last new one, and the page of the last operation. */
    uint32_t pages;
    uint64_t number;
    uint32_t page;
    /* The checksum of the header or the chunk before, which the next one includes. */
    uint64_t before;
    uint32_t fill;
    uint8_t chunk[CHUNK_HEAD + CHUNK_DATA + OPERATION_MAX + NAME_MAX_BYTES];
};

/* The two pages that followed a page last, the latest first. A reader keeps the same. */
struct followers {
    uint32_t next, second;
};

static const uint32_t NO_PAGE = UINT32_MAX;

static uint64_t checksum_word(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    return hash << 29 | hash >> 35;
}

static uint64_t little_endian(const uint8_t *bytes, size_t count)
{
    uint64_t word = 0;
    while (count-- > 0)
        word = word << 8 | bytes[count];
    return word;
}

static void put_word(uint8_t *bytes, uint64_t word, size_t count)
{
    for (size_t i = 0; i < count; i++, word >>= 8)
        bytes[i] = (uint8_t)word;
}

/* The checksum of a word and some bytes: whole words, the rest padded with zeros, the length. */
static uint64_t checksum(uint64_t before, const uint8_t *bytes, size_t count)
{
    uint64_t hash = 0xcbf29ce484222325u;
    size_t at = 0;
    for (const char *seed = "balloonist/stream/1"; *seed; seed++)
        hash = (hash ^ (uint8_t)*seed) * 0x100000001b3u;
    hash = checksum_word(hash, before);
    for (; at + 8 <= count; at += 8)
        hash = checksum_word(hash, little_endian(bytes + at, 8));
    hash = checksum_word(hash, little_endian(bytes + at, count - at));
    return checksum_word(hash, count + 8);
}

static void stream_write(struct stream *stream, const uint8_t *bytes, size_t count)
{
    while (count > 0 && !stream->failed) {
        ssize_t wrote = write(stream->file, bytes, count);
        if (wrote > 0) {
            bytes += wrote;
            count -= (size_t)wrote;
        } else if (wrote == 0 || errno != EINTR) {
            stream->failed = true;
            fprintf(stderr, "balloonist: the recording cannot be written: %s; it ends here\n",
                    strerror(errno));
        }
    }
}

/* Creates the file and writes its header. K is 0 for a whole recording. */
static bool stream_open(struct stream *stream, const char *path, uint64_t k, uint64_t resolution)
{
    uint8_t header[64] = "\xb1" "balloon";
    stream->file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (stream->file < 0) {
        fprintf(stderr, "balloonist: %s cannot be created: %s\n", path, strerror(errno));
        return false;
    }
    put_word(header + 8, 2, 4);
    put_word(header + 12, STREAM_KINDS | (k ? STREAM_REDUCED : 0), 4);
    put_word(header + 16, k, 8);
    put_word(header + 24, resolution, 8);
    stream->before = checksum(0, header, 56);
    put_word(header + 56, stream->before, 8);
    stream->page = NO_PAGE;
    stream_write(stream, header, sizeof header);
    return true;
}

/* Writes the operations since the last chunk as one. */
static void stream_seal(struct stream *stream)
{
    uint8_t *chunk = stream->chunk;
    if (stream->fill == 0)
        return;
    put_word(chunk, stream->fill, 4);
    put_word(chunk + 4, ~stream->fill, 4);
    put_word(chunk + 8, stream->accesses, 8);
    /* The checksum covers what stands before and behind it. */
    stream->before = checksum(checksum(stream->before, chunk, 16), chunk + CHUNK_HEAD,
                              stream->fill);
    put_word(chunk + 16, stream->before, 8);
    stream_write(stream, chunk, CHUNK_HEAD + stream->fill);
    stream->fill = 0;
}

static void put_byte(struct stream *stream, uint8_t byte)
{
    stream->chunk[CHUNK_HEAD + stream->fill++] = byte;
}

/* Seven bits a byte, the lowest first, the high bit set on all but the last (LEB128). */
static void put_number(struct stream *stream, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        put_byte(stream, (uint8_t)(value | 0x80));
    put_byte(stream, (uint8_t)value);
}

static void put_control(struct stream *stream, unsigned operation)
{
    put_byte(stream, (uint8_t)(operation << 2 | CONTROL));
}

static void end_operation(struct stream *stream)
{
    if (stream->fill >= CHUNK_DATA)
        stream_seal(stream);
}

/* `count` accesses to a page. `of` are the followers of all pages; `number` is looked at if the
 * page is new. */
static void stream_accesses(struct stream *stream, struct followers *of, uint32_t page,
                            uint64_t number, unsigned kind, uint64_t count, uint64_t thread)
{
    unsigned how = PAGE_NAMED;
    struct followers *last = stream->page == NO_PAGE ? NULL : &of[stream->page];
    if (count == 0)
        return;
    if (thread != stream->thread) {
        put_control(stream, OP_THREAD);
        put_number(stream, thread);
        stream->thread = thread;
    }
    if (page == stream->page)
        how = PAGE_SAME;
    else if (last && last->next == page)
        how = PAGE_NEXT;
    else if (last && last->second == page)
        how = PAGE_SECOND;
    put_byte(stream, (uint8_t)((count < 16 ? count : 0) << 4 | how << 2 | kind));
    if (count >= 16)
        put_number(stream, count - 16);
    if (how == PAGE_NAMED) {
        put_number(stream, page);
        if (page == stream->pages) {
            uint64_t step = number - stream->number;
            put_number(stream, step << 1 ^ (step >> 63 ? UINT64_MAX : 0));
            stream->number = number;
            stream->pages++;
            of[page] = (struct followers){ NO_PAGE, NO_PAGE };
        }
    }
    if (last && (how == PAGE_NAMED || how == PAGE_SECOND))
        *last = (struct followers){ page, last->next };
    stream->page = page;
    stream->accesses += count;
    end_operation(stream);
}

/* The guest frees a page that it uses. */
static void stream_free(struct stream *stream, uint32_t page)
{
    put_control(stream, OP_FREE);
    put_number(stream, page);
    end_operation(stream);
}

/* The program tells that something begins, or the recorder that it starts or stops. */
static void stream_mark(struct stream *stream, const char *name)
{
    size_t length = strnlen(name, NAME_MAX_BYTES);
    put_control(stream, OP_MARK);
    put_number(stream, length);
    while (length-- > 0)
        put_byte(stream, (uint8_t)*name++);
    end_operation(stream);
}

/* Nothing follows: the recording is whole. */
static void stream_end(struct stream *stream)
{
    put_control(stream, OP_END);
    stream_seal(stream);
    close(stream->file);
}

#endif
