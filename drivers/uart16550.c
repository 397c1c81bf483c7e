/*
 * The 16550 serial port, as QEMU's virt and most boards have it.
 *
 * Owns the port's registers. Input comes by interrupt; output is polled: once the transmitter is
 * empty a whole FIFO goes out without looking again. The line's speed stays as the firmware set it.
 * No lock of its own: senders hold the console's transmit lock; only one flow receives (the
 * interrupt, or the console's polling timer). Source: National PC16550D data sheet; device tree
 * binding "serial/8250". Called by drivers/console.c.
 */
#include "asm/mmio.h"
#include "lib/minmax.h"
#include "lib/printk.h"
#include "mm/kmap.h"

#include "dtnode.h"
#include "serial.h"

enum { /* register numbers */
    UART_DATA = 0,
    UART_INTERRUPT_ENABLE = 1,
    UART_FIFO_CONTROL = 2, /* when written */
    UART_INTERRUPT_ID = 2, /* when read */
    UART_LINE_CONTROL = 3,
    UART_MODEM_CONTROL = 4,
    UART_LINE_STATUS = 5,
};

#define IE_RECEIVED   0x01
#define FIFO_ENABLE   0x01 /* on; what was typed before stays in it */
#define ID_FIFO_WORKS 0xc0
#define LINE_8N1      0x03 /* also closes the door to the divisor */
#define MODEM_READY   0x0b /* DTR, RTS, and OUT2, which gates the interrupt on PCs */
#define STATUS_DATA   0x01
#define STATUS_NONE   0xff /* no device answered */
#define STATUS_EMPTY  0x20 /* transmitter holding register, or the whole FIFO */
#define FIFO_BYTES    16

static struct {
    uint8_t *base;
    uint32_t shift;    /* distance of two registers is 1 << shift bytes */
    uint32_t io_width; /* bytes of one access: 1 or 4 */
    size_t burst;      /* bytes an empty transmitter takes */
    void (*received)(void);
} uart;

static uint32_t uart_read(unsigned reg)
{
    uint8_t *at = uart.base + ((size_t)reg << uart.shift);

    return uart.io_width == 4 ? mmio_read32(at) & 0xff : mmio_read8(at);
}

static void uart_write(unsigned reg, uint8_t value)
{
    uint8_t *at = uart.base + ((size_t)reg << uart.shift);

    if (uart.io_width == 4)
        mmio_write32(at, value);
    else
        mmio_write8(at, value);
}

static size_t uart_send(const char *bytes, size_t n)
{
    if (!(uart_read(UART_LINE_STATUS) & STATUS_EMPTY))
        return 0;
    n = min(n, uart.burst);
    for (size_t i = 0; i < n; i++)
        uart_write(UART_DATA, (uint8_t)bytes[i]);
    return n;
}

static int uart_receive(void)
{
    return uart_read(UART_LINE_STATUS) & STATUS_DATA ? (int)uart_read(UART_DATA) : -1;
}

static void uart_listen(bool on)
{
    uart_write(UART_INTERRUPT_ENABLE, on ? IE_RECEIVED : 0);
}

static void uart_interrupt(void *arg)
{
    uart.received();
}

static struct serial_port uart_port = {
    .name = "16550",
    .send = uart_send,
    .receive = uart_receive,
};

static dtnode_t find_port(void)
{
    static const char *const names[] = {"ns16550a", "ns16550", "snps,dw-apb-uart"};
    dtnode_t found = 0, console = dt_stdout();

    for (size_t i = 0; i < ARRAY_LEN(names) && !found; i++) {
        if (!console)
            found = dt_find_compatible(0, names[i]);
        else if (dt_has_string(console, "compatible", names[i]) && dt_enabled(console))
            found = console;
    }
    return found;
}

/* Reads where and how wide the registers are, and maps them. => true: usable */
static bool map_port(dtnode_t node)
{
    paddr_t start;
    uint64_t size;
    uint32_t offset = 0;

    uart.shift = 0;
    uart.io_width = 1;
    dt_u32(node, "reg-shift", &uart.shift);
    dt_u32(node, "reg-io-width", &uart.io_width);
    dt_u32(node, "reg-offset", &offset);
    if (uart.shift > 8 || (uart.io_width != 1 && uart.io_width != 4) ||
        (uart.io_width == 4 && uart.shift < 2) || !dt_reg(node, 0, &start, &size) ||
        offset > size || size - offset < (8ULL << uart.shift) ||
        (start + offset) % uart.io_width != 0)
        return false;
    uart.base = ioremap(start + offset, 8ULL << uart.shift);
    return uart.base;
}

/* => whether the port is there, and ready. */
static bool set_up_port(void)
{
    uart_write(UART_INTERRUPT_ENABLE, 0);
    uart_write(UART_LINE_CONTROL, LINE_8N1);
    uart_write(UART_FIFO_CONTROL, FIFO_ENABLE);
    uart_write(UART_MODEM_CONTROL, MODEM_READY);
    uart.burst = (uart_read(UART_INTERRUPT_ID) & ID_FIFO_WORKS) == ID_FIFO_WORKS ? FIFO_BYTES : 1;
    return uart_read(UART_LINE_CONTROL) == LINE_8N1 && uart_read(UART_LINE_STATUS) != STATUS_NONE;
}

const struct serial_port *uart16550_probe(void (*received)(void))
{
    dtnode_t node = find_port();

    if (!node)
        return NULL;
    if (!map_port(node) || !set_up_port()) {
        printk("%s: no serial port answers there, left out\n", dt_name(node));
        return NULL;
    }
    uart.received = received;
    if (plic_connect(node, uart_interrupt, NULL))
        uart_port.listen = uart_listen;
    return &uart_port;
}
