/*
 * The one atomic operation that the compiler must be helped with.
 */
#ifndef LIB_ATOMIC_H
#define LIB_ATOMIC_H

/*
 * Makes *p `to` if it is *from; else *from becomes what it is. => whether it was.
 * => ordered against everything before and after, also where that is more than the caller needs:
 *    for RISC-V gcc 12 takes the order from the failing case alone, so a weaker one there would
 *    lose the release and the acquire of the other.
 */
#define compare_and_swap(p, from, to) \
    __atomic_compare_exchange_n(p, from, to, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

#endif
