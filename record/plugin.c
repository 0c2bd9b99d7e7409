/* A plugin of QEMU's emulator (TCG) that tells balloonist which pages a program uses, by their
 * virtual addresses, or a machine, by their places in its memory. `balloonist record` builds it and
 * starts QEMU with it:
 *
 *   qemu-x86_64 -plugin recorder.so,out=PIPE,reduce=32 PROGRAM
 *   qemu-system-x86_64 -plugin recorder.so,out=PIPE,reduce=32,memory=BYTES -m …
 *
 * Arguments: out=PIPE (stream.h); reduce=K and resolution=ACCESSES, as `balloonist trace convert`
 * has them; fetch=off leaves out instructions; written=on leaves out what was never written (it may
 * not wait, nor be a machine); wait=on records from the mark `start` to the mark
 * `stop` (mark.h); memory=BYTES is the size of a machine's memory. An instruction's fetch is an
 * access, and so are its loads and stores, in their order. An access that crosses a page boundary
 * counts once for each page. */
#define _GNU_SOURCE
#include <pthread.h>
#include "machine.h"
#include "recording.h"
#include "versions.h"

/* A program's threads; of a machine, QEMU says how many vCPUs it may have. */
enum { THREADS_MAX = 1 << 12 };

/* A translated block: its instructions lie on one page or two. */
struct block {
    const struct instruction *instructions;
    uint64_t pages[2];
    /* Instructions; those that begin on the first page; whether the last of these crosses. */
    uint32_t count, first;
    bool crosses;
};

struct instruction {
    struct block *block;
    uint64_t address;
    uint32_t index;
    uint8_t letter; /* of a mark */
};

/* Memory for blocks, until QEMU throws all of them away. */
struct arena {
    struct arena *before;
    size_t used;
    char bytes[(1 << 18) - 2 * sizeof(size_t)];
};

struct vcpu {
    /* The block that is executed and its instructions that were fetched so far. */
    const struct block *block;
    uint32_t fetched;
    uint32_t letters;
    char word[WORD_BYTES_MAX + 1];
    uint64_t call[5];
    struct translations *translations; /* of a machine */
} __attribute__((aligned(64)));

static struct recording recording;
static struct vcpu *vcpus;
static unsigned vcpus_max = THREADS_MAX;
static struct memory memory;
static struct arena *arena;
static bool is_on = true, is_machine, fetches = true, copies_data;
/* Whether more than one thread runs code, and the lock that they then take. */
static bool is_shared;
static pthread_spinlock_t lock;
static uint64_t program_break;

static void enter(void)
{
    if (is_shared)
        pthread_spin_lock(&lock);
}

static void leave(void)
{
    if (is_shared)
        pthread_spin_unlock(&lock);
}

/* --- what is executed ----------------------------------------------------------------------- */

/* Accesses to a page, if it is one. */
static inline void touch_page(uint64_t page, unsigned kind, uint64_t count)
{
    if (page != NOWHERE)
        touch(&recording, page, kind, count);
}

/* The fetches of the instructions of a vCPU's block up to `end`. */
static void fetch(struct vcpu *vcpu, uint32_t end)
{
    const struct block *block = vcpu->block;
    if (vcpu->fetched < block->first) {
        uint32_t stop = end < block->first ? end : block->first;
        touch_page(block->pages[0], FETCH, stop - vcpu->fetched);
        vcpu->fetched = stop;
        if (block->crosses && stop == block->first)
            touch_page(block->pages[1], FETCH, 1);
    }
    if (vcpu->fetched < end) {
        touch_page(block->pages[1], FETCH, end - vcpu->fetched);
        vcpu->fetched = end;
    }
}

/* The fetches up to an instruction, which is executed. */
static void fetch_to(struct vcpu *vcpu, const struct instruction *instruction)
{
    if (vcpu->block == instruction->block && vcpu->fetched <= instruction->index)
        fetch(vcpu, instruction->index + 1);
}

/* An instruction that uses a device ends its block, and QEMU executes it once more in a block of its
 * own, of which a plugin hears only what it reads and writes. */
static void end_block_at(struct vcpu *vcpu, const struct instruction *instruction)
{
    const struct block *block = vcpu->block;
    for (uint32_t at = vcpu->fetched; block && at < block->count; at++)
        if (block->instructions[at].address == instruction->address) {
            fetch(vcpu, at + 1);
            vcpu->block = NULL;
            return;
        }
}

static void complete_block(struct vcpu *vcpu)
{
    if (vcpu->block && vcpu->fetched < vcpu->block->count)
        fetch(vcpu, vcpu->block->count);
}

static void block_begins(unsigned number, void *block)
{
    struct vcpu *vcpu = &vcpus[number % vcpus_max];
    if (!is_on)
        return;
    enter();
    complete_block(vcpu);
    vcpu->block = block;
    vcpu->fetched = 0;
    leave();
}

static void touch_data(struct vcpu *vcpu, qemu_plugin_meminfo_t info, uint64_t address,
                       unsigned kind)
{
    if (is_machine)
        touch_page(page_of_data(&memory, vcpu->translations, info, address), kind, 1);
    else
        touch(&recording, address >> PAGE_BITS, kind, 1);
}

static void memory_is_used(unsigned number, qemu_plugin_meminfo_t info, uint64_t address,
                           void *data)
{
    struct vcpu *vcpu = &vcpus[number % vcpus_max];
    const struct instruction *instruction = data;
    unsigned kind = qemu_plugin_mem_is_store(info) ? STORE : LOAD;
    uint64_t last = address + (UINT64_C(1) << qemu_plugin_mem_size_shift(info)) - 1;
    if (!is_on)
        return;
    enter();
    if (vcpu->block != instruction->block)
        end_block_at(vcpu, instruction);
    fetch_to(vcpu, instruction);
    touch_data(vcpu, info, address, kind);
    if (address >> PAGE_BITS != last >> PAGE_BITS)
        touch_data(vcpu, info, last, kind);
    leave();
}

static void translations_are_flushed(unsigned number, void *unused)
{
    (void)unused;
    flush_translations(vcpus[number % vcpus_max].translations);
}

/* A byte of a word that the program marks something with; 0 ends it. */
static void mark_is_met(unsigned number, void *data)
{
    struct vcpu *vcpu = &vcpus[number % vcpus_max];
    const struct instruction *instruction = data;
    if (instruction->letter) {
        if (vcpu->letters < WORD_BYTES_MAX)
            vcpu->word[vcpu->letters++] = (char)instruction->letter;
        return;
    }
    vcpu->word[vcpu->letters] = 0;
    vcpu->letters = 0;
    enter();
    if (is_on) {
        fetch_to(vcpu, instruction);
    } else if (fetches) {
        vcpu->block = instruction->block;
        vcpu->fetched = instruction->index + 1;
    }
    if (strcmp(vcpu->word, "start") == 0)
        is_on = true;
    mark(&recording, checked(strdup(vcpu->word)));
    if (strcmp(vcpu->word, "stop") == 0)
        is_on = false;
    leave();
}

/* --- translation ---------------------------------------------------------------------------- */

static void *remember(size_t bytes)
{
    bytes = (bytes + 15) & ~(size_t)15;
    if (!arena || arena->used + bytes > sizeof arena->bytes) {
        struct arena *next = checked(malloc(sizeof *next));
        next->before = arena;
        next->used = 0;
        arena = next;
    }
    arena->used += bytes;
    return arena->bytes + arena->used - bytes;
}

/* Looks for what is more than an instruction: a byte of a mark, or a flush of translations. */
static void look_at(struct qemu_plugin_insn *instruction, struct instruction *known)
{
    static const uint8_t head[] = { 0x0f, 0x1f, 0x84, 0x00 }, tail[] = { 'B', 'L', 'N' };
    uint8_t copied[16];
    const uint8_t *bytes = copied;
    size_t size = qemu_plugin_insn_size(instruction);
    if (!is_machine && size != 8)
        return;
    if (copies_data)
        qemu_plugin_insn_data(instruction, copied, sizeof copied);
    else
        bytes = (const uint8_t *)qemu_plugin_insn_data(instruction, NULL, 0);
    if (size == 8 && memcmp(bytes, head, sizeof head) == 0
        && memcmp(bytes + 5, tail, sizeof tail) == 0) {
        known->letter = bytes[4];
        qemu_plugin_register_vcpu_insn_exec_cb(instruction, mark_is_met, QEMU_PLUGIN_CB_NO_REGS,
                                               known);
    }
    if (is_machine && flushes(bytes, size))
        qemu_plugin_register_vcpu_insn_exec_cb(instruction, translations_are_flushed,
                                               QEMU_PLUGIN_CB_NO_REGS, NULL);
}

/* The page that an instruction begins on. */
static uint64_t page_of(const struct qemu_plugin_insn *instruction)
{
    return is_machine ? page_of_code(&memory, instruction)
                      : qemu_plugin_insn_vaddr(instruction) >> PAGE_BITS;
}

static void block_is_translated(struct qemu_plugin_tb *translated, void *unused)
{
    size_t count = qemu_plugin_tb_n_insns(translated);
    (void)unused;
    enter();
    struct block *block = remember(sizeof *block);
    struct instruction *instructions = remember(count * sizeof *instructions);
    leave();
    *block = (struct block){ .instructions = instructions, .count = (uint32_t)count,
                             .first = (uint32_t)count };
    for (size_t i = 0; i < count; i++) {
        struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(translated, i);
        uint64_t address = qemu_plugin_insn_vaddr(instruction), page = page_of(instruction);
        uint64_t end = address + qemu_plugin_insn_size(instruction) - 1;
        if (i == 0) {
            block->pages[0] = block->pages[1] = page;
        } else if (page != block->pages[0] && block->first == count) {
            block->first = (uint32_t)i;
            block->pages[1] = page;
        }
        /* Where a machine's next page lies is not known before it executes code there. */
        if (!is_machine && page == block->pages[0] && end >> PAGE_BITS != page) {
            block->first = (uint32_t)i + 1;
            block->pages[1] = end >> PAGE_BITS;
            block->crosses = true;
        }
        instructions[i] = (struct instruction){ .block = block, .address = address,
                                                .index = (uint32_t)i };
        look_at(instruction, &instructions[i]);
        qemu_plugin_register_vcpu_mem_cb(instruction, memory_is_used, QEMU_PLUGIN_CB_NO_REGS,
                                         QEMU_PLUGIN_MEM_RW, &instructions[i]);
    }
    if (fetches)
        qemu_plugin_register_vcpu_tb_exec_cb(translated, block_begins, QEMU_PLUGIN_CB_NO_REGS,
                                             block);
}

/* QEMU has thrown away all blocks. */
static void blocks_are_gone(void *unused)
{
    (void)unused;
    enter();
    for (struct vcpu *vcpu = vcpus; vcpu < vcpus + vcpus_max; vcpu++) {
        if (is_on)
            complete_block(vcpu);
        vcpu->block = NULL;
    }
    while (arena) {
        struct arena *before = arena->before;
        free(arena);
        arena = before;
    }
    leave();
}

/* --- system calls of a program -------------------------------------------------------------- */

/* Numbers of Linux on x86-64 (arch/x86/entry/syscalls/syscall_64.tbl). */
enum {
    CALL_MMAP = 9, CALL_MUNMAP = 11, CALL_BRK = 12, CALL_MREMAP = 25, CALL_MADVISE = 28,
    CALL_CLONE = 56, CALL_EXECVE = 59, CALL_KILL = 62, CALL_TKILL = 200, CALL_TGKILL = 234,
    CALL_EXECVEAT = 322, CALL_CLONE3 = 435,
};
enum { MAP_FIXED_FLAG = 0x10, DONTNEED = 4, FREE = 8, REMOVE = 9 };

static void call_begins(unsigned number, int64_t call, uint64_t a, uint64_t b, uint64_t c,
                        uint64_t d, uint64_t e, uint64_t f, uint64_t g, uint64_t h, void *unused)
{
    struct vcpu *vcpu = &vcpus[number % vcpus_max];
    (void)f, (void)g, (void)h, (void)unused;
    memcpy(vcpu->call, (uint64_t[]){ a, b, c, d, e }, sizeof vcpu->call);
    if (call == CALL_CLONE || call == CALL_CLONE3)
        is_shared = true;
    if (!is_on)
        return;
    enter();
    complete_block(vcpu);
    /* The process may end with this call, without another word to a plugin. */
    if (call == CALL_EXECVE || call == CALL_EXECVEAT || call == CALL_KILL || call == CALL_TKILL
        || call == CALL_TGKILL)
        settle(&recording);
    leave();
}

/* The pages that lie in `length` bytes as wholes are free. */
static void free_bytes(uint64_t address, uint64_t length)
{
    free_pages(&recording, (address + PAGE_BYTES - 1) >> PAGE_BITS,
               (address + length) >> PAGE_BITS);
}

static uint64_t whole_pages(uint64_t length)
{
    return (length + PAGE_BYTES - 1) >> PAGE_BITS;
}

static void move_bytes(uint64_t from, uint64_t length, uint64_t to, uint64_t new_length)
{
    uint64_t count = whole_pages(length), kept = whole_pages(new_length);
    uint64_t moved = kept < count ? kept : count;
    free_pages(&recording, (from >> PAGE_BITS) + moved, (from >> PAGE_BITS) + count);
    if (from == to)
        return;
    /* What was at the new place is unmapped by the call. */
    free_pages(&recording, to >> PAGE_BITS, (to >> PAGE_BITS) + kept);
    move_pages(&recording, from >> PAGE_BITS, to >> PAGE_BITS, moved);
}

static void call_ends(unsigned number, int64_t call, int64_t result, void *unused)
{
    const uint64_t *words = vcpus[number % vcpus_max].call;
    uint64_t address = (uint64_t)result;
    (void)unused;
    if (recording.stream.file < 0 || (result < 0 && result > -PAGE_BYTES))
        return;
    enter();
    if (call == CALL_MUNMAP) {
        free_bytes(words[0], whole_pages(words[1]) << PAGE_BITS);
    } else if (call == CALL_MMAP && words[3] & MAP_FIXED_FLAG) {
        free_bytes(address, whole_pages(words[1]) << PAGE_BITS);
    } else if (call == CALL_MADVISE
               && (words[2] == DONTNEED || words[2] == FREE || words[2] == REMOVE)) {
        free_bytes(words[0], whole_pages(words[1]) << PAGE_BITS);
    } else if (call == CALL_MREMAP && words[1]) {
        move_bytes(words[0], words[1], address, words[2]);
    } else if (call == CALL_BRK) {
        if (address < program_break)
            free_bytes(address, program_break - address);
        program_break = address;
    }
    leave();
}

/* --- beginning and end ---------------------------------------------------------------------- */

/* A child process is another program: its pages are its own. */
static void child_begins(void)
{
    is_on = false;
    close(recording.stream.file);
    recording.stream.file = -1;
}

static void emulator_ends(void *unused)
{
    (void)unused;
    if (recording.stream.file < 0)
        return;
    enter();
    for (struct vcpu *vcpu = vcpus; is_on && vcpu < vcpus + vcpus_max; vcpu++)
        complete_block(vcpu);
    finish(&recording);
    is_on = false;
    recording.stream.file = -1;
    recording.stream.has_failed = true; /* other threads may still run */
    leave();
}

/* Reads `word` as `name=value`. */
static const char *value_of(const char *word, const char *name)
{
    size_t length = strlen(name);
    return strncmp(word, name, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}

static bool read_arguments(int count, char **words, const char **out)
{
    const char *value;
    for (int i = 0; i < count; i++) {
        if ((value = value_of(words[i], "out")))
            *out = value;
        else if ((value = value_of(words[i], "reduce")))
            recording.k = strtoull(value, NULL, 10);
        else if ((value = value_of(words[i], "resolution")))
            recording.resolution = strtoull(value, NULL, 10);
        else if ((value = value_of(words[i], "fetch")))
            fetches = strcmp(value, "off") != 0;
        else if ((value = value_of(words[i], "written")))
            recording.is_of_written = strcmp(value, "on") == 0;
        else if ((value = value_of(words[i], "memory")))
            memory.bytes = strtoull(value, NULL, 10);
        else if ((value = value_of(words[i], "wait")))
            is_on = strcmp(value, "on") != 0;
        else {
            fprintf(stderr, "balloonist: the recorder knows no argument `%s`\n", words[i]);
            return false;
        }
    }
    if (!*out || recording.k == 1 || (recording.resolution && !recording.k)
        || is_machine != (memory.bytes > 0)) {
        fputs("balloonist: the recorder needs out=FILE, reduce=K of 2 or more, no resolution "
              "without it, and memory=BYTES for a machine only\n", stderr);
        return false;
    }
    return true;
}

/* The vCPUs of a machine, or the threads of a program. */
static void make_vcpus(const qemu_info_t *info)
{
    if (is_machine) {
        vcpus_max = (unsigned)info->system.max_vcpus;
        is_shared = vcpus_max > 1;
    }
    vcpus = checked(aligned_alloc(64, vcpus_max * sizeof *vcpus));
    memset(vcpus, 0, vcpus_max * sizeof *vcpus);
    for (unsigned i = 0; is_machine && i < vcpus_max; i++) {
        vcpus[i].translations = checked(malloc(sizeof *vcpus[i].translations));
        translations_init(vcpus[i].translations);
    }
}

EXPORTED int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int count,
                                 char **words)
{
    const char *out = NULL;
    copies_data = info->version.cur >= 3;
    is_machine = info->system_emulation;
    if (strcmp(info->target_name, "x86_64") != 0) {
        fputs("balloonist: the recorder records x86-64, by qemu-x86_64 or qemu-system-x86_64\n",
              stderr);
        return -1;
    }
    if (!read_arguments(count, words, &out))
        return -1;
    recording_init(&recording);
    if (!stream_open(&recording.stream, out))
        return -1;
    make_vcpus(info);
    pthread_spin_init(&lock, PTHREAD_PROCESS_PRIVATE);
    listen(id, info, (struct listeners){ block_is_translated, blocks_are_gone, emulator_ends,
                                         call_begins, call_ends });
    pthread_atfork(NULL, NULL, child_begins);
    return 0;
}
