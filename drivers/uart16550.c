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
#include "drivers/devtree.h"
#include "drivers/irq.h"
#include "lib/printk.h"
#include "mm/kmap.h"

#include "serial.h"

enum { /* register numbers */
    UART_DATA = 0,
    UART_INTERRUPT_ENABLE = 1,
    UART_FIFO_CONTROL = 2,  /* when written */
    UART_INTERRUPT_ID = 2,  /* when read */
    UART_LINE_CONTROL = 3,
    UART_MODEM_CONTROL = 4,
    UART_LINE_STATUS = 5,
};

#define IE_RECEIVED    0x01
#define FIFO_ENABLE    0x01 /* on; what was typed before stays in it */
#define ID_FIFO_WORKS  0xc0
#define LINE_8N1       0x03 /* also closes the door to the divisor */
#define MODEM_READY    0x0b /* DTR, RTS, and OUT2, which gates the interrupt on PCs */
#define STATUS_DATA    0x01
#define STATUS_NONE    0xff /* no device answered */
#define STATUS_EMPTY   0x20 /* transmitter holding register, or the whole FIFO */
#define FIFO_BYTES     16

static struct {
    uint8_t *base;
    uint32_t shift;    /* distance of two registers is 1 << shift bytes */
    uint32_t io_width; /* bytes of one access: 1 or 4 */
    size_t burst;      /* bytes an empty transmitter takes */
    void (*received)(void);
} uart;

static const char *const uart_names[] = {"ns16550a", "ns16550", "snps,dw-apb-uart"};

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
    if (n > uart.burst)
        n = uart.burst;
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

static bool is_16550(const struct devtree_node *node)
{
    for (size_t i = 0; i < sizeof(uart_names) / sizeof(uart_names[0]); i++) {
        if (devtree_has_string(node, "compatible", uart_names[i]))
            return devtree_enabled(node);
    }
    return false;
}

static bool find_port(struct devtree_node *node)
{
    if (devtree_stdout(node))
        return is_16550(node);
    for (size_t i = 0; i < sizeof(uart_names) / sizeof(uart_names[0]); i++) {
        if (devtree_find_compatible(NULL, uart_names[i], node))
            return true;
    }
    return false;
}

/* Read where and how wide the registers are, and map them. */
static bool map_port(const struct devtree_node *node)
{
    paddr_t start;
    uint64_t size;
    uint32_t offset = 0;

    uart.shift = 0;
    uart.io_width = 1;
    devtree_u32(node, "reg-shift", &uart.shift);
    devtree_u32(node, "reg-io-width", &uart.io_width);
    devtree_u32(node, "reg-offset", &offset);
    if (uart.shift > 8 || (uart.io_width != 1 && uart.io_width != 4) ||
        (uart.io_width == 4 && uart.shift < 2) || devtree_reg(node, 0, &start, &size) ||
        offset > size || size - offset < (8ULL << uart.shift) ||
        (start + offset) % uart.io_width != 0)
        return false;
    uart.base = ioremap(start + offset, 8ULL << uart.shift);
    return uart.base != NULL;
}

/* => whether the port is there, and ready. */
static bool set_up(void)
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
    struct devtree_node node;

    if (!find_port(&node))
        return NULL;
    if (!map_port(&node) || !set_up()) {
        printk("%s: no serial port answers there, left out\n", devtree_name(&node));
        return NULL;
    }
    uart.received = received;
    if (irq_register(irq_of_node(&node, 0), uart_interrupt, NULL) == 0)
        uart_port.listen = uart_listen;
    return &uart_port;
}
