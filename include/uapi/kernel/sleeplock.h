/*
 * uapi/kernel/sleeplock.h: empty on purpose. xv6's init.c includes it and uses nothing of it.
 */
