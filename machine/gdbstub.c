/*
 * gdb's stub: build/glass -g PORT. It is QEMU's protocol, and it runs backwards, too.
 *
 * Harts are gdb's threads 1, 2, ...; memory is read as the chosen hart's tables say, or physically after
 * Qqemu.PhyMemMode:1, as in QEMU. Writing memory or registers would make another run: it is refused.
 *
 * Source: the gdb manual, appendix E (remote protocol): E.2 packets, E.3 stop replies, E.4 general queries.
 */
#include "gdbview.h"
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

static struct {
    int fd;
    struct gdb_view view;
    uint64_t breaks[BREAKS_MAX];
    unsigned nbreaks;
    uint64_t watch_va; /* 0: none */
    char reply[2 * PACKET_MAX + 64];
} stub;

static void put_packet(const char *text)
{
    if (!gdb_put_packet(stub.fd, text))
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
    return &stub.view.session->m.hart[stub.view.thread];
}

static void read_memory(const char *args)
{
    uint64_t va, size, pa, i;

    if (sscanf(args, "%lx,%lx", &va, &size) != 2 || size > PACKET_MAX)
        size = 0;
    for (i = 0;
         i < size && gdb_find(&stub.view, va + i, &pa) && bus_ram(&stub.view.session->m, pa, 1);
         i++)
        put_hex(stub.reply + 2 * i, bus_ram(&stub.view.session->m, pa, 1), 1);
    put_packet(i ? stub.reply : "E01");
}

static void read_registers(void)
{
    for (unsigned i = 0; i < 33; i++) {
        uint64_t value = gdb_register(&stub.view, i);

        put_hex(stub.reply + 16 * i, &value, 8);
    }
    put_packet(stub.reply);
}

static void describe_target(const char *args)
{
    static char xml[8192];
    unsigned offset = 0, room = 0, n = gdb_describe(xml);

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
    memset(stub.view.session->m.probe, 0, sizeof(stub.view.session->m.probe));
    for (unsigned i = 0; i < stub.nbreaks; i++)
        machine_mark(&stub.view.session->m, stub.breaks[i]);
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
    } else if (on && (stub.watch_va || !gdb_find(&stub.view, va, &pa))) {
        put_packet("E02");
        return;
    } else {
        stub.watch_va = on ? va : 0;
        stub.view.session->m.watch_start = on ? pa : 0;
        stub.view.session->m.watch_end = on ? pa + size : 0;
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
        stub.view.thread = event->hart;
    n = sprintf(stub.reply, "T05thread:%x;", stub.view.thread + 1);
    if (event && event->kind == EVENT_STORE)
        n += sprintf(stub.reply + n, "watch:%lx;", stub.watch_va);
    sprintf(stub.reply + n, "%s", why);
    put_packet(stub.reply);
}

/* Has gdb sent something while the machine runs? It is an interrupt, or gdb is gone. */
static bool gdb_speaks(void)
{
    uint8_t c;

    return recv(stub.fd, &c, 1, MSG_DONTWAIT) == 1 || !native_keys(stub.view.session);
}

static void run_on(void)
{
    struct session *s = stub.view.session;
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

    while (hart()->instret == before && stub.view.session->m.stop == STOP_UNTIL)
        if (session_run(stub.view.session, stub.view.session->m.steps + 1) == STOP_IDLE)
            native_wait(stub.view.session);
    report("", NULL);
}

/* The instant before the chosen hart's last instruction: between these two its count changes. */
static void step_back(void)
{
    uint64_t now = hart()->instret, high = stub.view.session->m.steps, low, span = 1;

    if (high == 0 || now == 0) {
        report("replaylog:begin;", NULL);
        return;
    }
    for (low = high; low > 0 && hart()->instret == now; span *= 4) {
        low = low > span ? low - span : 0;
        session_seek(stub.view.session, low);
    }
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;

        session_seek(stub.view.session, middle);
        if (hart()->instret == now)
            high = middle;
        else
            low = middle;
    }
    session_seek(stub.view.session, low);
    report("", NULL);
}

/* A break stops before its instruction; a store has been done, so going back stops before it, too. */
static void run_back(void)
{
    struct event event;
    uint64_t from = stub.view.session->m.steps;

    stub.view.session->wanted = wanted;
    if (stops() && session_before(stub.view.session, stops(), from, &event)) {
        session_seek(stub.view.session, event.step);
        report("", &event);
    } else {
        session_seek(stub.view.session, 0);
        report("replaylog:begin;", NULL);
    }
}

/* ---- The rest ---- */

static void list_threads(void)
{
    int n = sprintf(stub.reply, "m");

    for (unsigned i = 0; i < stub.view.session->m.options.harts; i++)
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
        sprintf(stub.reply, "QC%x", stub.view.thread + 1), put_packet(stub.reply);
    else if (strcmp(packet, "qAttached") == 0)
        put_packet("1");
    else if (strcmp(packet, "qqemu.PhyMemMode") == 0)
        put_packet(stub.view.physical ? "1" : "0");
    else if (strncmp(packet, "Qqemu.PhyMemMode:", 17) == 0)
        stub.view.physical = packet[17] == '1', put_packet("OK");
    else
        put_packet("");
}

static void choose_thread(const char *text)
{
    long number = strtol(text, NULL, 16);

    if (number >= 1 && number <= (long)stub.view.session->m.options.harts)
        stub.view.thread = (unsigned)number - 1;
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
        value = gdb_register(&stub.view, (unsigned)strtoul(packet + 1, NULL, 16));
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
    stub.view.session = s;
    s->wanted = wanted;
    stub.fd = accept(listener, NULL, NULL);
    close(listener);
    while ((n = gdb_get_packet(stub.fd, packet, PACKET_MAX)) >= 0)
        if (n > 0 && !answer(packet))
            break;
    close(stub.fd);
    return true;
}
