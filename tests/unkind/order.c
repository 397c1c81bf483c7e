/*
 * Litmus programs for memory order. Each is a few instructions on each of two to four harts, and an outcome that RVWMO
 * allows or forbids (unprivileged specification, section 14.1.3; appendix A.3 has most of them as examples).
 *
 * For each a line: its name, "allowed" or "forbidden", how often the outcome was seen, and the number of tries.
 */
#include "bare.h"

#define TRIES 1000
#define ANY   -1

const unsigned harts = HARTS_MAX;

typedef void thread(long *x, long *y, long *z, long *r);

#define THREAD(name, text)                                                                  \
    static void name(long *x, long *y, long *z, long *r)                                    \
    {                                                                                       \
        long a = 0, b = 0;                                                                  \
                                                                                            \
        /* Nothing needs a and b for a while: a load that may be late has time to be. */    \
        __asm__ volatile(text ".rept 40\nnop\n.endr"                                        \
                         : [a] "+&r"(a), [b] "+&r"(b)                                       \
                         : [x] "r"(x), [y] "r"(y), [z] "r"(z), [one] "r"(1L), [two] "r"(2L) \
                         : "t0", "t1", "memory");                                           \
        r[0] = a;                                                                           \
        r[1] = b;                                                                           \
    }

#define ST(value, at) "sd %[" #value "], (%[" #at "])\n"
#define LD(reg, at)   "ld %[" #reg "], (%[" #at "])\n"
#define FENCE(p, s)   "fence " #p ", " #s "\n"
#define TSO           "fence.tso\n"
#define CTRL(reg)     "bnez %[" #reg "], 1f\n1:\n"
#define ADDR(reg, to, at) \
    "xor t0, %[" #reg "], %[" #reg "]\nadd t0, t0, %[" #at "]\nld %[" #to "], (t0)\n"
#define DATA(reg, at) "xor t0, %[" #reg "], %[" #reg "]\nadd t0, t0, %[one]\nsd t0, (%[" #at "])\n"

/* Message passing: x is the message, y says that it is there. */
THREAD(mp_w, ST(one, x) ST(one, y))
THREAD(mp_w_ww, ST(one, x) FENCE(w, w) ST(one, y))
THREAD(mp_w_tso, ST(one, x) TSO ST(one, y))
THREAD(mp_w_rl, ST(one, x) "amoswap.d.rl zero, %[one], (%[y])\n")
THREAD(mp_w_amo, ST(one, x) "amoswap.d zero, %[one], (%[y])\n")
THREAD(mp_r, LD(a, y) LD(b, x))
THREAD(mp_r_rr, LD(a, y) FENCE(r, r) LD(b, x))
THREAD(mp_r_ww, LD(a, y) FENCE(w, w) LD(b, x))
THREAD(mp_r_tso, LD(a, y) TSO LD(b, x))
THREAD(mp_r_ctrl, LD(a, y) CTRL(a) LD(b, x))
THREAD(mp_r_addr, LD(a, y) ADDR(a, b, x))
THREAD(mp_r_aq, "amoadd.d.aq %[a], zero, (%[y])\n" LD(b, x))
THREAD(mp_r_lraq, "lr.d.aq %[a], (%[y])\n" LD(b, x))
THREAD(mp_r_amo, "amoadd.d %[a], zero, (%[y])\n" LD(b, x))
/* ... through a store of the reader's own: rule 12, and where only a branch leads to that store, no rule. */
THREAD(mp_r_through,
       LD(a, y) DATA(a, z) "ld t1, (%[z])\nxor t1, t1, t1\nadd t1, t1, %[x]\nld %[b], (t1)\n")
THREAD(mp_r_ppoca,
       LD(a, y) CTRL(a)
           ST(one, z) "ld t1, (%[z])\nxor t1, t1, t1\nadd t1, t1, %[x]\nld %[b], (t1)\n")

/* Store buffering: each says that it is there, then looks for the other. */
THREAD(sb_0, ST(one, x) LD(a, y))
THREAD(sb_1, ST(one, y) LD(a, x))
THREAD(sb_0_f, ST(one, x) FENCE(rw, rw) LD(a, y))
THREAD(sb_1_f, ST(one, y) FENCE(rw, rw) LD(a, x))
THREAD(sb_0_wr, ST(one, x) FENCE(w, r) LD(a, y))
THREAD(sb_1_wr, ST(one, y) FENCE(w, r) LD(a, x))
THREAD(sb_0_ww, ST(one, x) FENCE(w, w) LD(a, y))
THREAD(sb_1_ww, ST(one, y) FENCE(r, r) LD(a, x))
THREAD(sb_0_tso, ST(one, x) TSO LD(a, y))
THREAD(sb_1_tso, ST(one, y) TSO LD(a, x))
THREAD(sb_0_rl, "amoswap.d.rl zero, %[one], (%[x])\n" LD(a, y))
THREAD(sb_1_rl, "amoswap.d.rl zero, %[one], (%[y])\n" LD(a, x))
THREAD(sb_0_sc, "amoswap.d.rl zero, %[one], (%[x])\nlr.d.aq %[a], (%[y])\n")
THREAD(sb_1_sc, "amoswap.d.rl zero, %[one], (%[y])\nlr.d.aq %[a], (%[x])\n")
THREAD(sb_0_aqrl, "amoswap.d.aqrl zero, %[one], (%[x])\n" LD(a, y))
THREAD(sb_1_aqrl, "amoswap.d.aqrl zero, %[one], (%[y])\n" LD(a, x))
THREAD(sb_0_fwd, ST(one, x) LD(a, x) FENCE(r, r) LD(b, y))
THREAD(sb_1_fwd, ST(one, y) LD(a, y) FENCE(r, r) LD(b, x))

/* Load buffering: each looks first, then says so. */
THREAD(lb_0, LD(a, y) ST(one, x))
THREAD(lb_1, LD(a, x) ST(one, y))
THREAD(lb_0_data, LD(a, y) DATA(a, x))
THREAD(lb_1_data, LD(a, x) DATA(a, y))
THREAD(lb_0_ctrl, LD(a, y) CTRL(a) ST(one, x))
THREAD(lb_1_ctrl, LD(a, x) CTRL(a) ST(one, y))
THREAD(lb_0_rw, LD(a, y) FENCE(r, w) ST(one, x))
THREAD(lb_1_rw, LD(a, x) FENCE(r, w) ST(one, y))
THREAD(lb_0_addrpo, LD(a, y) ADDR(a, b, z) ST(one, x))
THREAD(lb_1_addrpo, LD(a, x) ADDR(a, b, z) ST(one, y))
THREAD(lb_0_rl, LD(a, y) "amoswap.d.rl zero, %[one], (%[x])\n")
THREAD(lb_1_rl, LD(a, x) "amoswap.d.rl zero, %[one], (%[y])\n")

/* S, R and 2+2W: what memory holds in the end tells the order of stores. */
THREAD(s_0, ST(two, x) FENCE(w, w) ST(one, y))
THREAD(s_1, LD(a, y) ST(one, x))
THREAD(s_1_data, LD(a, y) DATA(a, x))
THREAD(r_0, ST(one, x) ST(one, y))
THREAD(r_1, ST(two, y) LD(a, x))
THREAD(r_0_f, ST(one, x) FENCE(rw, rw) ST(one, y))
THREAD(r_1_f, ST(two, y) FENCE(rw, rw) LD(a, x))
THREAD(ww_0, ST(one, x) ST(two, y))
THREAD(ww_1, ST(one, y) ST(two, x))
THREAD(ww_0_ww, ST(one, x) FENCE(w, w) ST(two, y))
THREAD(ww_1_ww, ST(one, y) FENCE(w, w) ST(two, x))

/* One location: coherence. */
THREAD(co_w1, ST(one, x))
THREAD(co_w2, ST(two, x))
THREAD(co_rr, LD(a, x) LD(b, x))
THREAD(co_rw, LD(a, x) ST(one, x))
THREAD(co_wr, ST(one, x) LD(a, x))
THREAD(co_ww, ST(one, x) ST(two, x))

/* Three and four harts. */
THREAD(w_y, ST(one, y))
THREAD(wrc_1, LD(a, x) ST(one, y))
THREAD(wrc_1_data, LD(a, x) DATA(a, y))
THREAD(isa2_1, LD(a, y) DATA(a, z))
THREAD(isa2_2, LD(a, z) ADDR(a, b, x))
THREAD(rd_xy, LD(a, x) LD(b, y))
THREAD(rd_xy_rr, LD(a, x) FENCE(r, r) LD(b, y))
THREAD(rd_xy_addr, LD(a, x) ADDR(a, b, y))
THREAD(rd_xy_ctrl, LD(a, x) CTRL(a) LD(b, y))

static const struct litmus {
    const char *name;
    thread *thread[HARTS_MAX];
    signed char r[HARTS_MAX][2]; /* the outcome: a and b of each hart, ... */
    signed char x, y;            /* ... and what memory holds in the end */
    bool allowed;
} tests[] = {
#define A ANY
    {"MP", {mp_w, mp_r}, {{A, A}, {1, 0}}, A, A, true},
    {"MP+ww+po", {mp_w_ww, mp_r}, {{A, A}, {1, 0}}, A, A, true},
    {"MP+po+rr", {mp_w, mp_r_rr}, {{A, A}, {1, 0}}, A, A, true},
    {"MP+ww+ww", {mp_w_ww, mp_r_ww}, {{A, A}, {1, 0}}, A, A, true},
    {"MP+ww+ctrl", {mp_w_ww, mp_r_ctrl}, {{A, A}, {1, 0}}, A, A, true},
    {"MP+amos", {mp_w_amo, mp_r_amo}, {{A, A}, {1, 0}}, A, A, true},
    {"MP+rl+po", {mp_w_rl, mp_r}, {{A, A}, {1, 0}}, A, A, true},
    {"MP+ww+ctrl-rfi-addr", {mp_w_ww, mp_r_ppoca}, {{A, A}, {1, 0}}, A, A, true},
    {"MP+ww+data-rfi-addr", {mp_w_ww, mp_r_through}, {{A, A}, {1, 0}}, A, A, false},
    {"MP+ww+rr", {mp_w_ww, mp_r_rr}, {{A, A}, {1, 0}}, A, A, false},
    {"MP+ww+addr", {mp_w_ww, mp_r_addr}, {{A, A}, {1, 0}}, A, A, false},
    {"MP+tsos", {mp_w_tso, mp_r_tso}, {{A, A}, {1, 0}}, A, A, false},
    {"MP+rl+aq", {mp_w_rl, mp_r_aq}, {{A, A}, {1, 0}}, A, A, false},
    {"MP+rl+lr.aq", {mp_w_rl, mp_r_lraq}, {{A, A}, {1, 0}}, A, A, false},
    {"SB", {sb_0, sb_1}, {{0, A}, {0, A}}, A, A, true},
    {"SB+ww+rr", {sb_0_ww, sb_1_ww}, {{0, A}, {0, A}}, A, A, true},
    {"SB+tsos", {sb_0_tso, sb_1_tso}, {{0, A}, {0, A}}, A, A, true},
    {"SB+rls", {sb_0_rl, sb_1_rl}, {{0, A}, {0, A}}, A, A, true},
    {"SB+rfi-rrs", {sb_0_fwd, sb_1_fwd}, {{1, 0}, {1, 0}}, A, A, true},
    {"SB+fences", {sb_0_f, sb_1_f}, {{0, A}, {0, A}}, A, A, false},
    {"SB+wrs", {sb_0_wr, sb_1_wr}, {{0, A}, {0, A}}, A, A, false},
    {"SB+rl-lr.aqs", {sb_0_sc, sb_1_sc}, {{0, A}, {0, A}}, A, A, false},
    {"SB+aqrls", {sb_0_aqrl, sb_1_aqrl}, {{0, A}, {0, A}}, A, A, false},
    {"LB", {lb_0, lb_1}, {{1, A}, {1, A}}, A, A, true},
    {"LB+data+po", {lb_0_data, lb_1}, {{1, A}, {1, A}}, A, A, true},
    {"LB+datas", {lb_0_data, lb_1_data}, {{1, A}, {1, A}}, A, A, false},
    {"LB+ctrls", {lb_0_ctrl, lb_1_ctrl}, {{1, A}, {1, A}}, A, A, false},
    {"LB+rws", {lb_0_rw, lb_1_rw}, {{1, A}, {1, A}}, A, A, false},
    {"LB+addr-pos", {lb_0_addrpo, lb_1_addrpo}, {{1, A}, {1, A}}, A, A, false},
    {"LB+rls", {lb_0_rl, lb_1_rl}, {{1, A}, {1, A}}, A, A, false},
    {"S+ww+po", {s_0, s_1}, {{A, A}, {1, A}}, 2, A, true},
    {"S+ww+data", {s_0, s_1_data}, {{A, A}, {1, A}}, 2, A, false},
    {"R", {r_0, r_1}, {{A, A}, {0, A}}, A, 2, true},
    {"R+fences", {r_0_f, r_1_f}, {{A, A}, {0, A}}, A, 2, false},
    {"2+2W", {ww_0, ww_1}, {{A, A}, {A, A}}, 1, 1, true},
    {"2+2W+wws", {ww_0_ww, ww_1_ww}, {{A, A}, {A, A}}, 1, 1, false},
    {"CoRR", {co_w1, co_rr}, {{A, A}, {1, 0}}, A, A, false},
    {"CoRW", {co_w2, co_rw}, {{A, A}, {2, A}}, 2, A, false},
    {"CoWR", {co_wr, co_w2}, {{2, A}, {A, A}}, 1, A, false},
    {"CoWR-own", {co_wr, co_rr}, {{0, A}, {A, A}}, A, A, false},
    {"CoWW", {co_ww, co_rr}, {{A, A}, {A, A}}, 1, A, false},
    {"CoRR-order", {co_w1, co_w2, co_rr, co_rr}, {{A, A}, {A, A}, {1, 2}, {2, 1}}, A, A, false},
    {"WRC", {co_w1, wrc_1, mp_r}, {{A, A}, {1, A}, {1, 0}}, A, A, true},
    {"WRC+data+addr", {co_w1, wrc_1_data, mp_r_addr}, {{A, A}, {1, A}, {1, 0}}, A, A, false},
    {"ISA2+ww+data+addr", {mp_w_ww, isa2_1, isa2_2}, {{A, A}, {1, A}, {1, 0}}, A, A, false},
    {"IRIW", {co_w1, w_y, rd_xy, mp_r}, {{A, A}, {A, A}, {1, 0}, {1, 0}}, A, A, true},
    {"IRIW+ctrls",
     {co_w1, w_y, rd_xy_ctrl, mp_r_ctrl},
     {{A, A}, {A, A}, {1, 0}, {1, 0}},
     A,
     A,
     true},
    {"IRIW+rrs", {co_w1, w_y, rd_xy_rr, mp_r_rr}, {{A, A}, {A, A}, {1, 0}, {1, 0}}, A, A, false},
    {"IRIW+addrs",
     {co_w1, w_y, rd_xy_addr, mp_r_addr},
     {{A, A}, {A, A}, {1, 0}, {1, 0}},
     A,
     A,
     false},
#undef A
};

/* ---- Running them ---- */

static long place[3][16]
    __attribute__((aligned(128))); /* x, y, z, each in a cache line of its own */
static long result[HARTS_MAX][16];

static unsigned threads_of(const struct litmus *t)
{
    unsigned n = 0;

    while (n < HARTS_MAX && t->thread[n])
        n++;
    return n;
}

static bool matches(long value, signed char wanted)
{
    return wanted == ANY || value == wanted;
}

static bool outcome(const struct litmus *t)
{
    for (unsigned i = 0; i < threads_of(t); i++)
        if (!matches(result[i][0], t->r[i][0]) || !matches(result[i][1], t->r[i][1]))
            return false;
    return matches(place[0][0], t->x) && matches(place[1][0], t->y);
}

static void some_time(unsigned *random)
{
    *random = *random * 1103515245 + 12345;
    for (unsigned n = *random >> 16 & 15; n; n--)
        __asm__ volatile("");
}

static void run_test(const struct litmus *t, unsigned index, unsigned *random)
{
    unsigned long seen = 0, tries = threads_of(t) == HARTS_MAX ? 4 * TRIES : TRIES;

    for (unsigned long i = 0; i < tries; i++) {
        if (index == 0)
            place[0][0] = place[1][0] = place[2][0] = 0;
        barrier(harts);
        if (index < threads_of(t)) {
            some_time(random);
            t->thread[index](place[0], place[1], place[2], result[index]);
        }
        barrier(harts);
        if (index == 0)
            seen += outcome(t);
    }
    if (index == 0)
        report(t->name, t->allowed ? "allowed" : "forbidden", seen, tries);
}

/* ---- Counting: what is added must not be lost, and a loop of LR and SC ends ---- */

static volatile long counter;
static unsigned long tries_max;

static unsigned long add_reserved(void)
{
    unsigned long tries = 0;

    __asm__ volatile("1: addi %0, %0, 1\n" /* counts, and keeps the loop below 16 instructions */
                     "   lr.d t0, (%1)\n"
                     "   addi t0, t0, 1\n"
                     "   sc.d t0, t0, (%1)\n"
                     "   bnez t0, 1b\n"
                     : "+r"(tries)
                     : "r"(&counter)
                     : "t0", "memory");
    return tries;
}

static void add_locked(bool fenced)
{
    static int lock;

    while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
        ;
    counter = counter + 1;
    if (fenced)
        __asm__ volatile("fence rw, w" : : : "memory");
    __atomic_store_n(&lock, 0, __ATOMIC_RELAXED);
}

enum way {
    BY_SC,
    BY_AMO,
    BY_LOCK,
    BY_BAD_LOCK
};

static void count(const char *name, enum way way, unsigned index)
{
    unsigned long most = 0, n = TRIES / 2;

    if (index == 0)
        counter = 0;
    barrier(harts);
    for (unsigned i = 0; i < n; i++) {
        unsigned long tries = 0;

        if (way == BY_SC)
            tries = add_reserved();
        else if (way == BY_AMO)
            __atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED);
        else
            add_locked(way == BY_LOCK);
        most = tries > most ? tries : most;
    }
    __atomic_fetch_add(&tries_max, 0, __ATOMIC_RELAXED);
    if (most > __atomic_load_n(&tries_max, __ATOMIC_RELAXED))
        __atomic_store_n(&tries_max, most, __ATOMIC_RELAXED);
    barrier(harts);
    if (index == 0)
        report(name, way == BY_BAD_LOCK ? "allowed" : "forbidden",
               n * harts - (unsigned long)counter, n * harts);
    barrier(harts);
}

void run(unsigned index)
{
    unsigned random = index + 1;

    barrier(harts);
    for (unsigned i = 0; i < sizeof(tests) / sizeof(*tests); i++)
        run_test(&tests[i], index, &random);
    count("lost-by-SC", BY_SC, index);
    count("lost-by-AMO", BY_AMO, index);
    count("lost-by-lock", BY_LOCK, index);
    count("lost-by-lock-without-release", BY_BAD_LOCK, index);
    if (index == 0) {
        report("SC-starves", "forbidden", tries_max > 500, tries_max);
        power_off();
    }
}
