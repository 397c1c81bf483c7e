/*
 * The machine at a terminal: build/glass [options] KERNEL IMAGE. tools and tests use it, too: see usage().
 *
 * While all harts wait, time passes as fast as it does outside, so that sleep 10 takes a second.
 */
#include "native.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define STEPS_AT_ONCE 200000
#define ESCAPE        ('a' & 31) /* Ctrl-a, then a key, as in QEMU */

static const char usage[] = "usage: glass [options] KERNEL IMAGE\n"
                            "    -c N        harts, 1 to 8 (3)\n"
                            "    -m SIZE     RAM, as 128M (128M)\n"
                            "    -a WORDS    boot arguments\n"
                            "    -r          no disk: the image is an initrd\n"
                            "    -i N        instructions to a hart's turn (1000)\n"
                            "    -p N        instructions to a unit of time (1)\n"
                            "    -s N        seed of the unkind switches (0)\n"
                            "    -u BITS     unkind switches, as machine.h numbers them (0)\n"
                            "    -n NAME     repeat the run of this name, options included\n"
                            "    -l N        end after N instructions, with status 3\n"
                            "    -f          time does not pace: whoever waits goes on at once\n"
                            "    -w FILE     at the end, write the disk's image there\n"
                            "    -g PORT     wait for gdb there\n"
                            "    -q          no line at the end about speed\n"
                            "Ctrl-a x leaves, Ctrl-a n prints the run's name.\n";

static struct {
    const char *kernel, *image, *name, *write;
    uint64_t limit;
    uint16_t port;
    bool fast, quiet;
} args = {.limit = NEVER};

static struct session session;
static struct termios terminal;

/* ---- What the machine asks of its host ---- */

void *host_memory(size_t size)
{
    void *at;

    if (size < (64 << 10))
        return calloc(1, size);
    at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
              0);
    return at == MAP_FAILED ? NULL : at;
}

void host_output(struct machine *m, uint8_t byte)
{
    if (session_prints((struct session *)m))
        putchar(byte);
}

/* ---- Files and options ---- */

static void die(const char *what, const char *why)
{
    fprintf(stderr, "glass: %s: %s\n", what, why);
    exit(2);
}

static uint8_t *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes;

    if (!file || fseek(file, 0, SEEK_END) != 0)
        die(path, strerror(errno));
    *size = (size_t)ftell(file);
    rewind(file);
    bytes = malloc(*size + 1);
    if (!bytes || fread(bytes, 1, *size, file) != *size)
        die(path, "cannot be read");
    fclose(file);
    return bytes;
}

static uint64_t number(const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 0);

    if (end == text)
        die(text, "is no number");
    if (*end == 'K' || *end == 'M' || *end == 'G')
        value <<= *end == 'K' ? 10 : *end == 'M' ? 20 : 30;
    return value;
}

static void take_option(struct options *o, int letter, const char *value)
{
    switch (letter) {
    case 'c':
        o->harts = (uint32_t)number(value);
        break;
    case 'm':
        o->ram = number(value);
        break;
    case 'a':
        snprintf(o->bootargs, sizeof(o->bootargs), "%s", value);
        break;
    case 'i':
        o->slice = (uint32_t)number(value);
        break;
    case 'p':
        o->steps_per_time = (uint32_t)number(value);
        break;
    case 's':
        o->seed = number(value);
        break;
    case 'u':
        o->unkind = (uint32_t)number(value);
        break;
    case 'l':
        args.limit = number(value);
        break;
    case 'n':
        args.name = value;
        break;
    case 'w':
        args.write = value;
        break;
    case 'g':
        args.port = (uint16_t)number(value);
        break;
    case 'r':
        o->disk_is_ram = true;
        break;
    case 'f':
        args.fast = true;
        break;
    case 'q':
        args.quiet = true;
        break;
    default:
        fputs(usage, stderr);
        exit(2);
    }
}

static void read_options(int argc, char **argv, struct options *o)
{
    int letter;

    while ((letter = getopt(argc, argv, "c:m:a:i:p:s:u:l:n:w:g:rfq")) != -1)
        take_option(o, letter, optarg);
    if (argc - optind != 2)
        take_option(o, '?', NULL);
    args.kernel = argv[optind];
    args.image = argv[optind + 1];
    if (args.name && !session_parse(&session, args.name, o))
        die(args.name, "is no run's name; Ctrl-a n prints one");
}

/* ---- The terminal ---- */

static void restore_terminal(void)
{
    tcsetattr(STDIN_FILENO, TCSANOW, &terminal);
}

static void open_terminal(void)
{
    struct termios raw;

    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    if (tcgetattr(STDIN_FILENO, &terminal) != 0)
        return;
    raw = terminal;
    cfmakeraw(&raw);
    raw.c_oflag |= OPOST;
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    atexit(restore_terminal);
}

static void print_name(void)
{
    static char name[1 << 20];

    if (session_name(&session, name, sizeof(name)))
        fprintf(stderr, "\r\nglass: -n %s\r\n", name);
}

/* => false: leave */
static bool key(uint8_t byte)
{
    static bool escaped;

    if (escaped || byte != ESCAPE) {
        if (escaped && byte == 'x')
            return false;
        if (escaped && byte == 'n')
            print_name();
        else
            session_type(&session, byte);
        escaped = false;
    } else {
        escaped = true;
    }
    return true;
}

/* Waits for a key, at most so many milliseconds; -1: for ever. => false: leave */
static bool read_keys(int wait)
{
    static bool closed;
    struct pollfd poll_in = {.fd = STDIN_FILENO, .events = POLLIN};
    uint8_t bytes[256];
    ssize_t n;

    fflush(stdout);
    if (closed) {
        if (wait > 0)
            usleep(1000U * (unsigned)wait);
        return wait >= 0;
    }
    if (poll(&poll_in, 1, wait) <= 0)
        return true;
    n = read(STDIN_FILENO, bytes, sizeof(bytes));
    closed = n <= 0;
    for (ssize_t i = 0; i < n; i++)
        if (!key(bytes[i]))
            return false;
    return true;
}

/* ---- Running ---- */

/* How long the machine has to wait, in milliseconds; -1: for a key alone. */
static int wait_time(void)
{
    uint64_t next = machine_next_time(&session.m), now = machine_time(&session.m);

    if (next == NEVER)
        return -1;
    return next <= now ? 0 : (int)((next - now) * 1000 / session.m.options.timebase);
}

bool native_keys(struct session *s)
{
    (void)s;
    return read_keys(0);
}

void native_wait(struct session *s)
{
    read_keys(wait_time());
    if (s->m.input_head == s->ntyped)
        session_skip(s);
}

static enum stop run_all(void)
{
    enum stop stop = STOP_UNTIL;

    while (session.m.steps < args.limit && (stop == STOP_UNTIL || stop == STOP_IDLE)) {
        uint64_t until = session.m.steps + STEPS_AT_ONCE;

        if (!read_keys(stop == STOP_IDLE ? wait_time() : 0))
            break;
        if (stop == STOP_IDLE && session.m.input_head == session.ntyped)
            session_skip(&session);
        stop = session_run(&session, until < args.limit ? until : args.limit);
    }
    return stop;
}

static void write_image(void)
{
    FILE *file = fopen(args.write, "wb");

    if (!file || fwrite(session.m.memory + session.m.disk_offset, 1, session.m.disk_size, file) !=
                     session.m.disk_size)
        die(args.write, strerror(errno));
    fclose(file);
}

int main(int argc, char **argv)
{
    struct options options = {.harts = 3,
                              .slice = 1000,
                              .steps_per_time = 1,
                              .timebase = TIMEBASE,
                              .ram = 128 << 20,
                              .disk_delay = 1000};
    size_t kernel_size, image_size;
    uint8_t *kernel, *image;
    enum stop stop;
    double seconds;

    read_options(argc, argv, &options);
    kernel = read_file(args.kernel, &kernel_size);
    image = read_file(args.image, &image_size);
    if (!machine_plan(&session.m, &options, image_size))
        die("options", "no such machine: 1 to 8 harts, 4M to 64G of RAM, no zeros");
    if (!session_begin(&session, kernel, kernel_size, image))
        die(args.kernel, "does not fit: is it a kernel for RISC-V, and the RAM large enough?");
    session.paced = !args.fast;
    open_terminal();
    if (args.port && !gdbstub_serve(&session, args.port))
        die("port", "is taken; make print-gdbport tells which one it is");
    stop = run_all();
    fflush(stdout);
    if (args.write)
        write_image();
    seconds = (double)clock() / CLOCKS_PER_SEC;
    if (!args.quiet)
        fprintf(stderr, "\nglass: %llu instructions, %.1f million a second\n",
                (unsigned long long)session.m.steps, (double)session.m.steps / seconds / 1e6);
    return stop == STOP_OFF || stop == STOP_RESET ? (int)session.m.exit_code
           : stop == STOP_UNTIL                   ? 3
                                                  : 0;
}
