/*
 * uapi/kernel/file.h: device major numbers, for mknod().
 */
#ifndef LAMINA_UAPI_FILE_H
#define LAMINA_UAPI_FILE_H

#define CONSOLE 1

#endif
