/* What the plugin tells balloonist, as it happens: operations, in bytes through a pipe. The reader is
 * src/formats/recording.rs. Numbers have seven bits a byte, the lowest first, and the high bit set
 * on all bytes but the last (LEB128).
 *
 *   kind | count << 2, [count - 64], page, [number]   accesses of a kind to a page; a count of 64 or
 *       more follows as a number behind a 0; a page is an index in the order of first use, and the
 *       first time its number follows
 *   CONTROL | OP_FREE << 2, page                      the guest frees a page that it uses
 *   CONTROL | OP_MARK << 2, length, bytes             the guest says a word
 *   CONTROL | OP_END << 2                             nothing follows: the recording is whole
 */
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
enum { OP_FREE, OP_MARK, OP_END };

enum {
    /* A pipe of Linux takes so many bytes; no operation is longer than the rest of the buffer. */
    STREAM_FULL = 1 << 16,
    STREAM_BYTES = STREAM_FULL + 128,
    SHORT_COUNT = 64,
    WORD_BYTES_MAX = 60,
};

static const uint32_t NO_PAGE = UINT32_MAX;

struct stream {
    int file;
    bool has_failed;
    /* Pages that the reader knows. */
    uint32_t pages;
    uint32_t fill;
    uint8_t bytes[STREAM_BYTES];
};

/* Opens the pipe. */
static bool stream_open(struct stream *stream, const char *path)
{
    stream->file = open(path, O_WRONLY | O_CLOEXEC);
    if (stream->file < 0)
        fprintf(stderr, "balloonist: the recorder cannot open %s: %s\n", path, strerror(errno));
    return stream->file >= 0;
}

/* Hands over the operations so far. */
static void stream_flush(struct stream *stream)
{
    const uint8_t *bytes = stream->bytes;
    while (stream->fill > 0 && !stream->has_failed) {
        ssize_t wrote = write(stream->file, bytes, stream->fill);
        if (wrote > 0) {
            bytes += wrote;
            stream->fill -= (uint32_t)wrote;
        } else if (wrote == 0 || errno != EINTR) {
            stream->has_failed = true;
        }
    }
    stream->fill = 0;
}

static void put_byte(struct stream *stream, unsigned byte)
{
    stream->bytes[stream->fill++] = (uint8_t)byte;
}

static void put_number(struct stream *stream, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        put_byte(stream, (unsigned)(value & 0x7f) | 0x80);
    put_byte(stream, (unsigned)value);
}

static void end_operation(struct stream *stream)
{
    if (stream->fill >= STREAM_FULL)
        stream_flush(stream);
}

/* `count` accesses to a page. Its number is looked at if the reader does not know the page. */
static void stream_accesses(struct stream *stream, uint32_t page, uint64_t number, unsigned kind,
                            uint64_t count)
{
    if (count == 0)
        return;
    put_byte(stream, kind | (count < SHORT_COUNT ? (unsigned)count : 0) << 2);
    if (count >= SHORT_COUNT)
        put_number(stream, count - SHORT_COUNT);
    put_number(stream, page);
    if (page == stream->pages) {
        put_number(stream, number);
        stream->pages++;
    }
    end_operation(stream);
}

static void stream_free(struct stream *stream, uint32_t page)
{
    put_byte(stream, CONTROL | OP_FREE << 2);
    put_number(stream, page);
    end_operation(stream);
}

static void stream_mark(struct stream *stream, const char *word)
{
    size_t length = strnlen(word, WORD_BYTES_MAX);
    put_byte(stream, CONTROL | OP_MARK << 2);
    put_number(stream, length);
    while (length-- > 0)
        put_byte(stream, (uint8_t)*word++);
    end_operation(stream);
}

static void stream_end(struct stream *stream)
{
    put_byte(stream, CONTROL | OP_END << 2);
    stream_flush(stream);
    close(stream->file);
}

#endif
