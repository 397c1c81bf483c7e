/*
 * uapi/kernel/vm.h: the second argument of sys_sbrk(). Exactly 2 is lazy, all else is eager.
 */
#ifndef LAMINA_UAPI_VM_H
#define LAMINA_UAPI_VM_H

#define SBRK_EAGER 1
#define SBRK_LAZY  2

#endif
