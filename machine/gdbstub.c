/*
 * gdb's stub: build/glass -g PORT. It is QEMU's protocol, and it runs backwards, too.
 *
 * Harts are gdb's threads 1, 2, ...; memory is read as the chosen hart's tables say, or physically after
 * Qqemu.PhyMemMode:1, as in QEMU. Writing memory or registers would make another run: it is refused.
 *
 * Source: the gdb manual, appendix E (remote protocol): E.2 packets, E.3 stop replies, E.4 general queries.
 */
#include "session.h"
#include "native.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PACKET_MAX 4096
#define BREAKS_MAX 64
#define STOPS      (1U << EVENT_BREAK | 1U << EVENT_STORE)

static const char *const csr_names[] = {"sstatus", "sie",   "stvec", "sscratch", "sepc",
                                        "scause",  "stval", "sip",   "satp",     "priv"};
static const uint16_t csr_numbers[] = {0x100, 0x104, 0x105, 0x140, 0x141,
                                       0x142, 0x143, 0x144, 0x180};

static struct {
    int fd;
    struct session *session;
    unsigned thread; /* the hart that registers and memory are read of */
    bool physical;
    uint64_t breaks[BREAKS_MAX];
    unsigned nbreaks;
    uint64_t watch_va; /* 0: none */
    char reply[2 * PACKET_MAX + 64];
} stub;

/* ---- Packets ---- */

static int get_char(void)
{
    uint8_t c;

    return read(stub.fd, &c, 1) == 1 ? c : -1;
}

/* => the length of the next packet; 0: gdb asks to stop; -1: gdb is gone */
static int get_packet(char *packet)
{
    int n = 0, c;

    while ((c = get_char()) != '$')
        if (c < 0 || c == 3)
            return c < 0 ? -1 : 0;
    while ((c = get_char()) != '#' && c >= 0 && n < PACKET_MAX - 1)
        packet[n++] = (char)c;
    packet[n] = 0;
    get_char();
    get_char();
    return write(stub.fd, "+", 1) == 1 ? n : -1;
}

static void put_packet(const char *text)
{
    static char framed[sizeof(stub.reply) + 8];
    uint8_t sum = 0;
    int n;

    for (const char *c = text; *c; c++)
        sum += (uint8_t)*c;
    n = snprintf(framed, sizeof(framed), "$%s#%02x", text, sum);
    if (write(stub.fd, framed, (size_t)n) != n)
        fprintf(stderr, "glass: gdb does not listen\n");
}

static void put_hex(char *to, const void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sprintf(to + 2 * i, "%02x", ((const uint8_t *)bytes)[i]);
}

/* ---- Registers and memory ---- */

static struct hart *hart(void)
{
    return &stub.session->m.hart[stub.thread];
}

/* x0 to x31, pc, then the CSRs in the order of csr_names. */
static uint64_t register_value(unsigned number)
{
    struct hart *h = hart(), copy = *h;
    uint64_t value = 0;

    if (number < 32)
        return h->x[number];
    if (number == 32)
        return h->pc;
    if (number - 33 == sizeof(csr_numbers) / sizeof(*csr_numbers))
        return h->mode;
    copy.mode = MODE_SUPERVISOR;
    if (number - 33 < sizeof(csr_numbers) / sizeof(*csr_numbers))
        csr_read(h->mode == MODE_SUPERVISOR ? h : &copy, csr_numbers[number - 33], &value);
    return value;
}

/* A walk that changes nothing: neither A and D nor the TLB. => false: no page there */
static bool find(uint64_t va, uint64_t *pa)
{
    uint64_t table = (hart()->satp & ((1ULL << 44) - 1)) << 12, pte = 0;

    if (stub.physical || hart()->satp == 0) {
        *pa = va;
        return true;
    }
    for (int level = 2; level >= 0; level--) {
        uint64_t span = 1ULL << (12 + 9 * level);

        if (!bus_ram(&stub.session->m, table + (va >> (12 + 9 * level) & 511) * 8, 8) ||
            !bus_load(&stub.session->m, table + (va >> (12 + 9 * level) & 511) * 8, 8, &pte) ||
            !(pte & PTE_V))
            return false;
        table = (pte >> 10 & ((1ULL << 44) - 1)) << 12;
        if (pte & (PTE_R | PTE_X)) {
            *pa = table + (va & (span - 1));
            return true;
        }
    }
    return false;
}

static void read_memory(const char *args)
{
    uint64_t va, size, pa, i;

    if (sscanf(args, "%lx,%lx", &va, &size) != 2 || size > PACKET_MAX)
        size = 0;
    for (i = 0; i < size && find(va + i, &pa) && bus_ram(&stub.session->m, pa, 1); i++)
        put_hex(stub.reply + 2 * i, bus_ram(&stub.session->m, pa, 1), 1);
    put_packet(i ? stub.reply : "E01");
}

static void read_registers(void)
{
    for (unsigned i = 0; i < 33; i++) {
        uint64_t value = register_value(i);

        put_hex(stub.reply + 16 * i, &value, 8);
    }
    put_packet(stub.reply);
}

static void describe_target(const char *args)
{
    static const char *const names[32] = {"zero", "ra", "sp",  "gp",  "tp", "t0", "t1", "t2",
                                          "fp",   "s1", "a0",  "a1",  "a2", "a3", "a4", "a5",
                                          "a6",   "a7", "s2",  "s3",  "s4", "s5", "s6", "s7",
                                          "s8",   "s9", "s10", "s11", "t3", "t4", "t5", "t6"};
    static char xml[8192];
    unsigned offset = 0, room = 0, n = 0;

    n += (unsigned)sprintf(xml + n,
                           "<?xml version=\"1.0\"?><target><architecture>riscv:rv64</architecture>"
                           "<feature name=\"org.gnu.gdb.riscv.cpu\">");
    for (unsigned i = 0; i < 33; i++)
        n += (unsigned)sprintf(xml + n, "<reg name=\"%s\" bitsize=\"64\" regnum=\"%u\"%s/>",
                               i < 32 ? names[i] : "pc", i, i == 32 ? " type=\"code_ptr\"" : "");
    n += (unsigned)sprintf(xml + n, "</feature><feature name=\"org.gnu.gdb.riscv.csr\">");
    for (unsigned i = 0; i < 9; i++)
        n += (unsigned)sprintf(xml + n, "<reg name=\"%s\" bitsize=\"64\" regnum=\"%u\"/>",
                               csr_names[i], 33 + i);
    n += (unsigned)sprintf(
        xml + n, "</feature><feature name=\"org.gnu.gdb.riscv.virtual\"><reg name=\"priv\" "
                 "bitsize=\"64\" regnum=\"42\"/></feature></target>");
    sscanf(args, "%x,%x", &offset, &room);
    room = room < PACKET_MAX ? room : PACKET_MAX;
    snprintf(stub.reply, room + 2, "%c%s", offset + room < n ? 'm' : 'l',
             offset < n ? xml + offset : "");
    put_packet(stub.reply);
}

/* ---- Breakpoints ---- */

static bool is_break(uint64_t pc)
{
    for (unsigned i = 0; i < stub.nbreaks; i++)
        if (stub.breaks[i] == pc)
            return true;
    return false;
}

/* For host_event(): marks are by a hash, so others than ours come, too. */
static bool wanted(const struct event *event)
{
    return event->kind != EVENT_BREAK || is_break(event->a);
}

static void mark_all(void)
{
    memset(stub.session->m.probe, 0, sizeof(stub.session->m.probe));
    for (unsigned i = 0; i < stub.nbreaks; i++)
        machine_mark(&stub.session->m, stub.breaks[i]);
}

static void change_break(uint64_t va, bool on)
{
    for (unsigned i = 0; i < stub.nbreaks; i++)
        if (stub.breaks[i] == va)
            stub.breaks[i--] = stub.breaks[--stub.nbreaks];
    if (on && stub.nbreaks < BREAKS_MAX)
        stub.breaks[stub.nbreaks++] = va;
    mark_all();
}

/* Z and z: kinds 0 and 1 are breakpoints, 2 is a watchpoint for stores, of which there is one. */
static void set_break(const char *args, bool on)
{
    uint64_t kind, va, size, pa;

    if (sscanf(args, "%lx,%lx,%lx", &kind, &va, &size) != 3 || kind > 2) {
        put_packet("");
        return;
    }
    if (kind < 2) {
        change_break(va, on);
    } else if (on && (stub.watch_va || !find(va, &pa))) {
        put_packet("E02");
        return;
    } else {
        stub.watch_va = on ? va : 0;
        stub.session->m.watch_start = on ? pa : 0;
        stub.session->m.watch_end = on ? pa + size : 0;
    }
    put_packet("OK");
}

static uint32_t stops(void)
{
    return (stub.nbreaks ? 1U << EVENT_BREAK : 0) | (stub.watch_va ? 1U << EVENT_STORE : 0);
}

/* ---- Going on, and back ---- */

/* Tells gdb why the machine stands: `event` 0 is the end of a step or of all there is. */
static void report(const char *why, const struct event *event)
{
    int n;

    if (event)
        stub.thread = event->hart;
    n = sprintf(stub.reply, "T05thread:%x;", stub.thread + 1);
    if (event && event->kind == EVENT_STORE)
        n += sprintf(stub.reply + n, "watch:%lx;", stub.watch_va);
    sprintf(stub.reply + n, "%s", why);
    put_packet(stub.reply);
}

/* Has gdb sent something while the machine runs? It is an interrupt, or gdb is gone. */
static bool gdb_speaks(void)
{
    uint8_t c;

    return recv(stub.fd, &c, 1, MSG_DONTWAIT) == 1 || !native_keys(stub.session);
}

static void run_on(void)
{
    struct session *s = stub.session;
    enum stop stop = STOP_UNTIL;

    session_run(s, s->m.steps + 1); /* off the breakpoint that it stands at */
    s->stop_on = stops();
    while (stop == STOP_UNTIL || stop == STOP_IDLE) {
        stop = session_run(s, s->m.steps + 100000);
        if (stop == STOP_IDLE)
            native_wait(s);
        if (gdb_speaks())
            break;
    }
    s->stop_on = 0;
    if (stop == STOP_OFF || stop == STOP_RESET)
        put_packet("W00");
    else
        report("", stop == STOP_EVENT ? &s->last : NULL);
}

/* One instruction of the chosen hart; others run as their turns come. */
static void step_on(void)
{
    uint64_t before = hart()->instret;

    while (hart()->instret == before && stub.session->m.stop == STOP_UNTIL)
        if (session_run(stub.session, stub.session->m.steps + 1) == STOP_IDLE)
            native_wait(stub.session);
    report("", NULL);
}

/* The instant before the chosen hart's last instruction: between these two its count changes. */
static void step_back(void)
{
    uint64_t now = hart()->instret, high = stub.session->m.steps, low, span = 1;

    if (high == 0 || now == 0) {
        report("replaylog:begin;", NULL);
        return;
    }
    for (low = high; low > 0 && hart()->instret == now; span *= 4) {
        low = low > span ? low - span : 0;
        session_seek(stub.session, low);
    }
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;

        session_seek(stub.session, middle);
        if (hart()->instret == now)
            high = middle;
        else
            low = middle;
    }
    session_seek(stub.session, low);
    report("", NULL);
}

/* A break stops before its instruction; a store has been done, so going back stops before it, too. */
static void run_back(void)
{
    struct event event;
    uint64_t from = stub.session->m.steps;

    stub.session->wanted = wanted;
    if (stops() && session_before(stub.session, stops(), from, &event)) {
        session_seek(stub.session, event.step);
        report("", &event);
    } else {
        session_seek(stub.session, 0);
        report("replaylog:begin;", NULL);
    }
}

/* ---- The rest ---- */

static void list_threads(void)
{
    int n = sprintf(stub.reply, "m");

    for (unsigned i = 0; i < stub.session->m.options.harts; i++)
        n += sprintf(stub.reply + n, "%s%x", i ? "," : "", i + 1);
    put_packet(stub.reply);
}

static void query(const char *packet)
{
    if (strncmp(packet, "qSupported", 10) == 0)
        put_packet("PacketSize=1000;qXfer:features:read+;ReverseStep+;ReverseContinue+;"
                   "vContSupported+;hwbreak+");
    else if (strncmp(packet, "qXfer:features:read:target.xml:", 31) == 0)
        describe_target(packet + 31);
    else if (strcmp(packet, "qfThreadInfo") == 0)
        list_threads();
    else if (strcmp(packet, "qsThreadInfo") == 0)
        put_packet("l");
    else if (strcmp(packet, "qC") == 0)
        sprintf(stub.reply, "QC%x", stub.thread + 1), put_packet(stub.reply);
    else if (strcmp(packet, "qAttached") == 0)
        put_packet("1");
    else if (strcmp(packet, "qqemu.PhyMemMode") == 0)
        put_packet(stub.physical ? "1" : "0");
    else if (strncmp(packet, "Qqemu.PhyMemMode:", 17) == 0)
        stub.physical = packet[17] == '1', put_packet("OK");
    else
        put_packet("");
}

static void choose_thread(const char *text)
{
    long number = strtol(text, NULL, 16);

    if (number >= 1 && number <= (long)stub.session->m.options.harts)
        stub.thread = (unsigned)number - 1;
}

static void go_on(const char *packet)
{
    const char *thread = strchr(packet, ':');

    if (thread)
        choose_thread(thread + 1);
    if (packet[0] == 's')
        step_on();
    else
        run_on();
}

/* => false: gdb has done */
static bool answer(char *packet)
{
    uint64_t value;

    switch (packet[0]) {
    case '?':
        report("", NULL);
        break;
    case 'g':
        read_registers();
        break;
    case 'p':
        value = register_value((unsigned)strtoul(packet + 1, NULL, 16));
        put_hex(stub.reply, &value, 8);
        put_packet(stub.reply);
        break;
    case 'm':
        read_memory(packet + 1);
        break;
    case 'H':
        choose_thread(packet + 2);
        put_packet("OK");
        break;
    case 'T':
        put_packet("OK");
        break;
    case 'Z':
    case 'z':
        set_break(packet + 1, packet[0] == 'Z');
        break;
    case 's':
    case 'c':
        go_on(packet);
        break;
    case 'v':
        if (strcmp(packet, "vCont?") == 0)
            put_packet("vCont;c;C;s;S");
        else if (strncmp(packet, "vCont;", 6) == 0)
            packet[6] |= 32, go_on(packet + 6);
        else
            put_packet("");
        break;
    case 'b':
        if (packet[1] == 's')
            step_back();
        else
            run_back();
        break;
    case 'G':
    case 'P':
    case 'M':
    case 'X':
        put_packet("E03"); /* what was run cannot be run with other values */
        break;
    case 'q':
    case 'Q':
        query(packet);
        break;
    case 'D':
    case 'k':
        put_packet("OK");
        return false;
    default:
        put_packet("");
    }
    return true;
}

/* Waits for gdb at a port of this host, and serves it to its end. => false: no such port */
bool gdbstub_serve(struct session *s, uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1, n;
    static char packet[PACKET_MAX];

    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(listener, 1) != 0)
        return false;
    stub.session = s;
    s->wanted = wanted;
    stub.fd = accept(listener, NULL, NULL);
    close(listener);
    while ((n = get_packet(packet)) >= 0)
        if (n > 0 && !answer(packet))
            break;
    close(stub.fd);
    return true;
}
