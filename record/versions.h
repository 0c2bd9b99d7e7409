/* The versions of QEMU's plugin interface: which one a QEMU has, and what it calls back in which way.
 * From version 7 on, functions get the plugin's own argument as their last one, and no longer its
 * number as their first. */
#ifndef BALLOONIST_VERSIONS_H
#define BALLOONIST_VERSIONS_H

#include <dlfcn.h>
#include "qemu.h"

#define EXPORTED __attribute__((visibility("default")))

EXPORTED int qemu_plugin_version = 1;

/* QEMU asks which version of the interface a plugin was built for, before anything else runs but
 * this: it is the version of the QEMU that loads it, which its functions tell. */
__attribute__((constructor)) static void tell_version(void)
{
    static const struct { int version; const char *since; } all[] = {
        { 2, "qemu_plugin_num_vcpus" },         /* QEMU 8.2 */
        { 3, "qemu_plugin_update_ns" },         /* 9.1 */
        { 4, "qemu_plugin_read_memory_vaddr" }, /* 9.2 */
        { 5, "qemu_plugin_translate_vaddr" },   /* 10.1 */
        { 7, "qemu_plugin_set_pc" },            /* 11.1 */
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (dlsym(RTLD_DEFAULT, all[i].since))
            qemu_plugin_version = all[i].version;
}

/* What hears of translations, of their end, of QEMU's end, and of a program's system calls. */
struct listeners {
    void (*translated)(struct qemu_plugin_tb *, void *);
    void (*flushed)(void *);
    void (*ended)(void *);
    void (*call)(unsigned vcpu, int64_t number, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                 uint64_t, uint64_t, uint64_t, void *);
    void (*called)(unsigned vcpu, int64_t number, int64_t result, void *);
};

static struct listeners listeners;

static void translated_6(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    (void)id;
    listeners.translated(block, NULL);
}

static void flushed_6(qemu_plugin_id_t id)
{
    (void)id;
    listeners.flushed(NULL);
}

static void ended_6(qemu_plugin_id_t id, void *unused)
{
    (void)id, (void)unused;
    listeners.ended(NULL);
}

static void call_6(qemu_plugin_id_t id, unsigned vcpu, int64_t number, uint64_t a, uint64_t b,
                   uint64_t c, uint64_t d, uint64_t e, uint64_t f, uint64_t g, uint64_t h)
{
    (void)id;
    listeners.call(vcpu, number, a, b, c, d, e, f, g, h, NULL);
}

static void called_6(qemu_plugin_id_t id, unsigned vcpu, int64_t number, int64_t result)
{
    (void)id;
    listeners.called(vcpu, number, result, NULL);
}

static void listen(qemu_plugin_id_t id, const qemu_info_t *info, struct listeners to)
{
    bool is_new = info->version.cur >= 7;
    listeners = to;
    qemu_plugin_register_vcpu_tb_trans_cb(
        id, is_new ? (void *)to.translated : (void *)translated_6, NULL);
    qemu_plugin_register_flush_cb(id, is_new ? (void *)to.flushed : (void *)flushed_6, NULL);
    qemu_plugin_register_atexit_cb(id, is_new ? (void *)to.ended : (void *)ended_6, NULL);
    if (info->system_emulation)
        return;
    qemu_plugin_register_vcpu_syscall_cb(id, is_new ? (void *)to.call : (void *)call_6, NULL);
    qemu_plugin_register_vcpu_syscall_ret_cb(
        id, is_new ? (void *)to.called : (void *)called_6, NULL);
}

#endif
