/* Marks of a program for the recorder, by instructions of x86-64 that do nothing elsewhere:
 * a no-operation of eight bytes, whose operand holds a byte of a word and the letters BLN.
 * `balloonist_mark("start")` and `balloonist_mark("stop")` begin and end a recording that waits for
 * them (`record --wait`), any other word names the phase that begins. */
#ifndef BALLOONIST_MARK_H
#define BALLOONIST_MARK_H

#define BALLOONIST_BYTE(byte) \
    case byte: __asm__ volatile(".byte 0x0f,0x1f,0x84,0," #byte ",0x42,0x4c,0x4e"); break;
#define BALLOONIST_BYTES(tens) \
    BALLOONIST_BYTE(tens##0) BALLOONIST_BYTE(tens##1) BALLOONIST_BYTE(tens##2) \
    BALLOONIST_BYTE(tens##3) BALLOONIST_BYTE(tens##4) BALLOONIST_BYTE(tens##5) \
    BALLOONIST_BYTE(tens##6) BALLOONIST_BYTE(tens##7) BALLOONIST_BYTE(tens##8) \
    BALLOONIST_BYTE(tens##9)

static void balloonist_byte(int byte)
{
    switch (byte) {
        BALLOONIST_BYTE(0)
        BALLOONIST_BYTES(3) BALLOONIST_BYTES(4) BALLOONIST_BYTES(5) BALLOONIST_BYTES(6)
        BALLOONIST_BYTES(7) BALLOONIST_BYTES(8) BALLOONIST_BYTES(9) BALLOONIST_BYTES(10)
        BALLOONIST_BYTES(11) BALLOONIST_BYTES(12)
    }
}

/* A word of up to 60 letters, digits and signs. */
static void balloonist_mark(const char *word)
{
    for (; *word; word++)
        balloonist_byte(*word);
    balloonist_byte(0);
}

#endif
