/*
 * Pipes: bytes from a writer to a reader.
 */
#ifndef IPC_PIPE_H
#define IPC_PIPE_H

struct file;

/*
 * Make a pipe.
 * => 0 and one reference to each end; -ENFILE no room for two open files; -ENOMEM.
 */
int pipe_create(struct file **read_end, struct file **write_end);

#endif
