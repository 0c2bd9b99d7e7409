/* Which page of a machine's memory an address belongs to. A page's number is its place in the
 * memory, which is its guest-physical address / 4096: machines larger than that leaves true are
 * refused by `balloonist record`. Devices, the BIOS and graphics memory are no pages.
 *
 * A vCPU keeps the translations of its data as a real one does, until an instruction that flushes
 * them: a move to a control register, invlpg or invpcid. */
#ifndef BALLOONIST_MACHINE_H
#define BALLOONIST_MACHINE_H

#include <stdio.h>
#include "qemu.h"
#include "stream.h"

enum { PAGE_BITS = 12, PAGE_BYTES = 1 << PAGE_BITS };
enum { KEPT = 1 << 10, ROUND_BITS = 52 };

/* No page of the machine's memory. */
static const uint64_t NOWHERE = UINT64_MAX;

/* The translations since the last flush: entries of other rounds are void. */
struct translations {
    uint64_t round;
    struct { uint64_t virtual, page; } kept[KEPT];
};

struct memory {
    uint64_t bytes;
    /* Where it begins in QEMU's own memory, or 0; a range of that which is something else. */
    uint64_t begins, other_begins, other_ends;
};

static void flush_translations(struct translations *of)
{
    of->round += UINT64_C(1) << ROUND_BITS;
    if (of->round == 0)
        for (size_t i = 0; i < KEPT; i++)
            of->kept[i].virtual = UINT64_MAX;
}

static void translations_init(struct translations *of)
{
    of->round = UINT64_MAX << ROUND_BITS;
    flush_translations(of);
}

/* The page that is read or written at a virtual address. */
static uint64_t page_of_data(const struct memory *memory, struct translations *of,
                             qemu_plugin_meminfo_t info, uint64_t address)
{
    uint64_t virtual = address >> PAGE_BITS | of->round;
    size_t at = (address >> PAGE_BITS) % KEPT;
    if (of->kept[at].virtual == virtual)
        return of->kept[at].page;
    struct qemu_plugin_hwaddr *physical = qemu_plugin_get_hwaddr(info, address);
    uint64_t page = NOWHERE;
    if (physical && !qemu_plugin_hwaddr_is_io(physical)) {
        uint64_t place = qemu_plugin_hwaddr_phys_addr(physical);
        if (place < memory->bytes)
            page = place >> PAGE_BITS;
    }
    of->kept[at].virtual = virtual;
    of->kept[at].page = page;
    return page;
}

/* Looks for the mapping of this process that an address lies in. The machine's memory is one whose
 * end is the mapping's, because QEMU puts a page behind it that cannot be used. */
static void find_memory(struct memory *memory, uint64_t address)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    unsigned long begins, ends;
    while (maps && fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%lx-%lx", &begins, &ends) != 2 || address < begins || address >= ends)
            continue;
        if (ends - begins >= memory->bytes) {
            memory->begins = ends - memory->bytes;
        } else {
            memory->other_begins = begins;
            memory->other_ends = ends;
        }
    }
    if (maps)
        fclose(maps);
}

/* The page that holds an instruction, by its place in this process. */
static uint64_t page_of_code(struct memory *memory, const struct qemu_plugin_insn *instruction)
{
    uint64_t address = (uintptr_t)qemu_plugin_insn_haddr(instruction);
    if (!memory->begins && address
        && (address < memory->other_begins || address >= memory->other_ends))
        find_memory(memory, address);
    if (!memory->begins || address < memory->begins || address - memory->begins >= memory->bytes)
        return NOWHERE;
    return (address - memory->begins) >> PAGE_BITS;
}

/* Whether an instruction flushes translations. */
static bool flushes(const uint8_t *bytes, size_t size)
{
    size_t at = 0;
    while (at < size && (bytes[at] == 0x66 || (bytes[at] & 0xf0) == 0x40))
        at++;
    if (size - at < 3 || bytes[at] != 0x0f)
        return false;
    bool is_invlpg = bytes[at + 1] == 0x01 && (bytes[at + 2] & 0x38) == 0x38
                     && bytes[at + 2] < 0xc0;
    bool is_invpcid = bytes[at + 1] == 0x38 && bytes[at + 2] == 0x82;
    return bytes[at + 1] == 0x22 || is_invlpg || is_invpcid;
}

#endif
