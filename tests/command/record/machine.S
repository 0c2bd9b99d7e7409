/* A machine of one page table, whose accesses are known: what lies between the marks `start` and
 * `stop` is in mod.rs as a table. Built with `cc -m32 -nostdlib -static -no-pie -Wl,-Ttext=0x100000`,
 * started by QEMU's -kernel, ended through its device isa-debug-exit.
 *
 * Virtual pages 0x300 to 0x303 are not where their numbers say; the rest of 4 MiB is. */
.code32
.text
.set DIRECTORY, 0x200000
.set TABLE, 0x201000

.macro letter byte
    .byte 0x0f, 0x1f, 0x84, 0, \byte, 0x42, 0x4c, 0x4e
.endm
.macro map page, to
    movl $(\to * 4096 + 3), TABLE + \page * 4
.endm

/* What QEMU's -kernel looks for (the Multiboot specification, version 0.6.96). */
.long 0x1badb002, 0, -0x1badb002

.globl _start
_start:
    movl $3, %eax
    movl $TABLE, %edi
1:  movl %eax, (%edi)
    addl $4096, %eax
    addl $4, %edi
    cmpl $(TABLE + 4096), %edi
    jne 1b
    movl $(TABLE + 3), DIRECTORY
    map 0x300, 0x310
    map 0x301, 0x340
    map 0x302, 0x104
    movl $DIRECTORY, %eax
    movl %eax, %cr3
    movl %cr0, %ebx
    orl $0x80000000, %ebx
    movl %ebx, %cr0

    letter 's'; letter 't'; letter 'a'; letter 'r'; letter 't'; letter 0
    movl $7, 0x300000         /* a store to page 0x310 */
    movl 0x300000, %ecx       /* a load of it */
    map 0x300, 0x320          /* a store to page 0x201 */
    invlpg 0x300000
    incl 0x300000             /* a load and a store of page 0x320 */
    map 0x300, 0x330
    movl %eax, %cr3
    movl 0x300000, %ecx       /* a load of page 0x330 */
    movl %ecx, 0x300ffe       /* stores to pages 0x330 and 0x340 */
    map 0x303, 0xfee00        /* the vCPU's interrupt controller is no page of memory */
    movl 0x303020, %ecx
    jmp *target
back:
    letter 's'; letter 't'; letter 'o'; letter 'p'; letter 0
    movb $0, %al
    outb %al, $0xf4
    hlt

.balign 4096
target:
    .long 0x302000

/* These instructions lie on page 0x104, which is executed as page 0x302. */
.org 0x4000
elsewhere:
    movl $back, %ecx
    jmp *%ecx
