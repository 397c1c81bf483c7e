/*
 * A serial port, as the console sees it.
 */
#ifndef DRIVERS_SERIAL_H
#define DRIVERS_SERIAL_H

#include <stdbool.h>
#include <stddef.h>

/*
 * send() is called with the console's transmit lock held, in any context; the others may be called
 * while another hart sends.
 */
struct serial_port {
    const char *name;
    /* Sends what fits now without waiting; => bytes taken, 0 when none fit at present. */
    size_t (*send)(const char *bytes, size_t n);
    /* Takes one received byte; => -1 when there is none. */
    int (*receive)(void);
    /* Interrupts for what has arrived or arrives, or not until listened to again: it stays in the
     * port, which holds its sender up when it is full. NULL: the port must be polled. */
    void (*listen)(bool on);
};

/*
 * Finds the 16550 of the device tree and makes it ready to send; its interrupt calls `received`,
 * once it is listened to.
 * => boot only. NULL when the console is none, or (with a line) when it does not answer.
 */
const struct serial_port *uart16550_probe(void (*received)(void));

#endif
