/* Counts the instructions of an emulated program, all threads together, and prints the count at marks.
 *
 * A mark is the system call sched_get_priority_max with a number from 770000 on, which the kernel answers with an error;
 * `counted.py` makes it. No package of Debian holds qemu-plugin.h, so the few functions used are declared here. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SCHED_GET_PRIORITY_MAX 125 /* on aarch64 */
#define FIRST_MARK 770000
#define NO_REGISTERS 0
#ifndef API
#define API 1 /* QEMU 6 to 8; 2 from QEMU 9 on */
#endif

struct qemu_plugin_tb;
extern void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, void (*)(uint64_t, struct qemu_plugin_tb *));
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, void (*)(unsigned, void *), int, void *);
extern void qemu_plugin_register_vcpu_syscall_cb(
    uint64_t id, void (*)(uint64_t, unsigned, int64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                          uint64_t, uint64_t));
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);

int qemu_plugin_version = API;
static uint64_t instructions;

static void executed(unsigned vcpu, void *n) { __atomic_fetch_add(&instructions, (uintptr_t)n, __ATOMIC_RELAXED); }

static void translated(uint64_t id, struct qemu_plugin_tb *block)
{
    qemu_plugin_register_vcpu_tb_exec_cb(block, executed, NO_REGISTERS, (void *)qemu_plugin_tb_n_insns(block));
}

static void called(uint64_t id, unsigned vcpu, int64_t number, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
                   uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8)
{
    if (number == SCHED_GET_PRIORITY_MAX && (uint32_t)a1 >= FIRST_MARK)
        fprintf(stderr, "mark %u %llu\n", (uint32_t)a1 - FIRST_MARK, (unsigned long long)instructions);
}

int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_vcpu_syscall_cb(id, called);
    return 0;
}
