/*
 * What a litmus program stands on: harts in S-mode without paging, a barrier, a way to print. No kernel.
 *
 * start.S calls run(index) on each of HARTS harts, index 0 first alone in begin().
 */
#ifndef BARE_H
#define BARE_H

#include <stdbool.h>
#include <stdint.h>

#define HARTS_MAX 4

struct sbi_result {
    long error, value;
};

static inline struct sbi_result sbi(long extension, long function, long a, long b, long c, long d)
{
    register long a0 __asm__("a0") = a;
    register long a1 __asm__("a1") = b;
    register long a2 __asm__("a2") = c;
    register long a3 __asm__("a3") = d;
    register long a6 __asm__("a6") = function;
    register long a7 __asm__("a7") = extension;

    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a3), "r"(a6), "r"(a7) : "memory");
    return (struct sbi_result){a0, a1};
}

static inline void print(const char *text)
{
    for (; *text; text++)
        sbi(1, 0, *text, 0, 0, 0);
}

static inline void print_number(unsigned long n)
{
    char digits[24], *at = digits + sizeof(digits);

    *--at = 0;
    do
        *--at = (char)('0' + n % 10);
    while (n /= 10);
    print(at);
}

/* One line of the report: the test's runner reads it. */
static inline void report(const char *name, const char *rule, unsigned long seen,
                          unsigned long tries)
{
    print(name);
    print(" ");
    print(rule);
    print(" ");
    print_number(seen);
    print(" ");
    print_number(tries);
    print("\n");
}

static inline void power_off(void)
{
    sbi(0x53525354, 0, 0, 0, 0, 0);
}

/* Waits until n harts are here. Everything that any of them did before is seen by all behind it. */
static inline void barrier(unsigned n)
{
    static volatile unsigned arrived, round;
    unsigned mine;

    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    mine = round;
    if (__atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST) == n) {
        arrived = 0;
        __atomic_store_n(&round, mine + 1, __ATOMIC_SEQ_CST);
    }
    while (__atomic_load_n(&round, __ATOMIC_SEQ_CST) == mine)
        ;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* ---- What a program gives ---- */

extern const unsigned harts; /* how many take part */

void run(unsigned index);

#endif
