/* What is used of QEMU's plugin interface. QEMU ships its header from 8.2 on only, and a plugin
 * must say one version of the interface; these functions have been the same in all of them, but
 * for those whose changes are noted and what they call back (versions.h). Each is declared as QEMU
 * does (include/qemu/qemu-plugin.h, Emilio G. Cota and Linaro); behind it stands the version of QEMU
 * that introduced it. */
#ifndef BALLOONIST_QEMU_H
#define BALLOONIST_QEMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t qemu_plugin_id_t;
typedef uint32_t qemu_plugin_meminfo_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_hwaddr;

typedef struct {
    const char *target_name;
    struct { int min, cur; } version;
    bool system_emulation;
    union { struct { int smp_vcpus, max_vcpus; } system; };
} qemu_info_t; /* 5.0 */

enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };
enum qemu_plugin_mem_rw { QEMU_PLUGIN_MEM_RW = 3 };

typedef void (*qemu_execute_t)(unsigned vcpu, void *);
typedef void (*qemu_access_t)(unsigned vcpu, qemu_plugin_meminfo_t, uint64_t address, void *);

/* 4.2; the argument behind the function: 11.1, which passes it on. */
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, void *function, void *);
void qemu_plugin_register_vcpu_syscall_cb(qemu_plugin_id_t, void *function, void *);
void qemu_plugin_register_vcpu_syscall_ret_cb(qemu_plugin_id_t, void *function, void *);
void qemu_plugin_register_flush_cb(qemu_plugin_id_t, void *function, void *);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, void *function, void *);
/* 4.2 */
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, qemu_execute_t,
                                          enum qemu_plugin_cb_flags, void *);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, qemu_execute_t,
                                            enum qemu_plugin_cb_flags, void *);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *, qemu_access_t,
                                      enum qemu_plugin_cb_flags, enum qemu_plugin_mem_rw, void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
unsigned qemu_plugin_mem_size_shift(qemu_plugin_meminfo_t);
bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t);
void *qemu_plugin_insn_haddr(const struct qemu_plugin_insn *);
struct qemu_plugin_hwaddr *qemu_plugin_get_hwaddr(qemu_plugin_meminfo_t, uint64_t address);
bool qemu_plugin_hwaddr_is_io(const struct qemu_plugin_hwaddr *);
/* 6.0 */
uint64_t qemu_plugin_hwaddr_phys_addr(const struct qemu_plugin_hwaddr *);
/* 4.2: gives a pointer to the instruction; 9.1, version 3: copies it. */
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *, void *, size_t);

#endif
