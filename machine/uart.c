/*
 * The console: a 16550 serial port. What is sent goes to the host at once.
 *
 * Source: National Semiconductor PC16550D data sheet, section 8.
 */
#include "machine.h"

enum { /* register numbers */
    DATA = 0,
    INTERRUPT_ENABLE = 1,
    INTERRUPT_ID = 2, /* read; written, the FIFO's control */
    LINE_CONTROL = 3,
    MODEM_CONTROL = 4,
    LINE_STATUS = 5,
    MODEM_STATUS = 6,
    SCRATCH = 7,
};

enum {
    LINE_DIVISOR = 0x80, /* of LINE_CONTROL: registers 0 and 1 are the divisor */
    FIFO_ON = 0x01,
    ENABLE_RECEIVED = 0x01,
    ENABLE_EMPTY = 0x02,
    ID_NONE = 0x01,
    ID_EMPTY = 0x02,
    ID_RECEIVED = 0x04,
    ID_FIFO = 0xc0,
    STATUS_DATA = 0x01,
    STATUS_EMPTY = 0x60, /* holding register and transmitter */
    MODEM_READY = 0xb0,  /* carrier, data set ready, clear to send */
};

static bool has_input(const struct machine *m)
{
    return m->input_head != m->input_tail;
}

static uint32_t interrupt_id(const struct machine *m)
{
    if (m->uart.interrupt_enable & ENABLE_RECEIVED && has_input(m))
        return ID_RECEIVED;
    return m->uart.interrupt_enable & ENABLE_EMPTY ? ID_EMPTY : ID_NONE;
}

void uart_update(struct machine *m)
{
    plic_line(m, SOURCE_UART, interrupt_id(m) != ID_NONE);
}

static uint32_t take_input(struct machine *m)
{
    uint8_t byte = 0;

    if (has_input(m))
        byte = m->input[m->input_tail++ % CONSOLE_MAX];
    uart_update(m);
    return byte;
}

uint32_t uart_load(struct machine *m, uint32_t reg)
{
    struct uart *uart = &m->uart;

    if (uart->line_control & LINE_DIVISOR && reg <= INTERRUPT_ENABLE)
        return uart->divisor[reg];
    switch (reg) {
    case DATA:
        return take_input(m);
    case INTERRUPT_ENABLE:
        return uart->interrupt_enable;
    case INTERRUPT_ID:
        return interrupt_id(m) | (uart->fifo & FIFO_ON ? ID_FIFO : 0);
    case LINE_CONTROL:
        return uart->line_control;
    case MODEM_CONTROL:
        return uart->modem_control;
    case LINE_STATUS:
        return STATUS_EMPTY | (has_input(m) ? STATUS_DATA : 0);
    case MODEM_STATUS:
        return MODEM_READY;
    case SCRATCH:
        return uart->scratch;
    default:
        return 0;
    }
}

void uart_store(struct machine *m, uint32_t reg, uint8_t value)
{
    struct uart *uart = &m->uart;

    if (uart->line_control & LINE_DIVISOR && reg <= INTERRUPT_ENABLE) {
        uart->divisor[reg] = value;
        return;
    }
    switch (reg) {
    case DATA:
        host_output(m, value);
        break;
    case INTERRUPT_ENABLE:
        uart->interrupt_enable = value & 0x0f;
        break;
    case INTERRUPT_ID:
        uart->fifo = value;
        break;
    case LINE_CONTROL:
        uart->line_control = value;
        break;
    case MODEM_CONTROL:
        uart->modem_control = value;
        break;
    case SCRATCH:
        uart->scratch = value;
        break;
    }
    uart_update(m);
}

bool machine_input(struct machine *m, uint8_t byte)
{
    if (m->input_head - m->input_tail == CONSOLE_MAX)
        return false;
    m->input[m->input_head++ % CONSOLE_MAX] = byte;
    uart_update(m);
    return true;
}
