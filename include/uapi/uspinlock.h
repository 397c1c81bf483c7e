/*
 * uapi/uspinlock.h: for programs that say "uspinlock.h".
 */
#include "user/uspinlock.h"
