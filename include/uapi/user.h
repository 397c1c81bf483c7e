/*
 * uapi/user.h: for programs that say "user.h" because their course built with -Iuser.
 */
#include "user/user.h"
