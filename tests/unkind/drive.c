/*
 * The machine, driven by a test: drive [options] KERNEL IMAGE [COMMAND ...]
 *
 * Types each command when the shell's prompt appears, and ends when it appears after the last one. What the machine prints
 * goes to stdout. Exit status: 0 the end or power off, 1 power off with a failure, 3 the limit, 4 all harts wait for ever, 5 the power went.
 */
#include "../../machine/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct machine machine;
static char last[2]; /* what was printed last */
static const char *write_to;
static uint64_t limit = NEVER, cut_at = NEVER, at_once = 50000;
static bool tell_state;

void host_output(struct machine *m, uint8_t byte)
{
    (void)m;
    putchar(byte);
    last[0] = last[1];
    last[1] = (char)byte;
}

bool host_event(struct machine *m, const struct event *event)
{
    (void)m;
    (void)event;
    return false;
}

static void die(const char *what)
{
    fprintf(stderr, "drive: %s\n", what);
    exit(2);
}

static uint8_t *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes;

    if (!file || fseek(file, 0, SEEK_END) != 0)
        die(path);
    *size = (size_t)ftell(file);
    rewind(file);
    bytes = malloc(*size + 1);
    if (!bytes || fread(bytes, 1, *size, file) != *size)
        die(path);
    fclose(file);
    return bytes;
}

/* A setting, as "timebase=1000000". */
static void set(struct options *o, const char *text)
{
    static const struct {
        const char *name;
        size_t offset, size;
    } settings[] = {
#define SETTING(name) {#name, offsetof(struct options, name), sizeof(((struct options *)0)->name)}
        SETTING(harts),
        SETTING(slice),
        SETTING(steps_per_time),
        SETTING(timebase),
        SETTING(ram),
        SETTING(seed),
        SETTING(unkind),
        SETTING(disk_delay),
        SETTING(hartid_base),
        SETTING(hartid_stride),
        SETTING(disk_is_ram),
        SETTING(sstc),
        SETTING(no_chosen),
        SETTING(boot_hart),
        SETTING(uart_shift),
        {"bank0.base", offsetof(struct options, further[0].base), 8},
        {"bank0.size", offsetof(struct options, further[0].size), 8},
        {"bank1.base", offsetof(struct options, further[1].base), 8},
        {"bank1.size", offsetof(struct options, further[1].size), 8},
    };
    const char *equals = strchr(text, '=');
    uint64_t value = equals ? strtoull(equals + 1, NULL, 0) : 0;

    for (size_t i = 0; equals && i < sizeof(settings) / sizeof(*settings); i++) {
        if (strncmp(settings[i].name, text, (size_t)(equals - text)) == 0 &&
            !settings[i].name[equals - text]) {
            memcpy((char *)o + settings[i].offset, &value, settings[i].size);
            return;
        }
    }
    if (strncmp(text, "bootargs=", 9) != 0)
        die(text);
    snprintf(o->bootargs, sizeof(o->bootargs), "%s", equals + 1);
}

static void read_options(int argc, char **argv, struct options *o)
{
    int letter;

    while ((letter = getopt(argc, argv, "+o:l:k:w:e:")) != -1) {
        if (letter == 'o')
            set(o, optarg);
        else if (letter == 'l')
            limit = strtoull(optarg, NULL, 0);
        else if (letter == 'k')
            cut_at = strtoull(optarg, NULL, 0);
        else if (letter == 'e')
            at_once = strtoull(optarg, NULL, 0), tell_state = true;
        else if (letter == 'w')
            write_to = optarg;
        else
            die("[-o name=value] [-l limit] [-k power goes from] [-w image] [-e steps at once, "
                "tells the state] "
                "KERNEL IMAGE [COMMAND "
                "...]");
    }
    if (argc - optind < 2)
        die("KERNEL and IMAGE are missing");
}

static void start(const char *kernel_path, const char *image_path, const struct options *o)
{
    size_t kernel_size, image_size;
    uint8_t *kernel = read_file(kernel_path, &kernel_size);
    uint8_t *image = read_file(image_path, &image_size);
    uint64_t size = machine_plan(&machine, o, image_size), entry;

    if (!size)
        die("no such machine");
    machine_give(&machine, calloc(1, size), calloc(1, size / PAGE_SIZE + 1));
    memcpy(machine.memory + machine.disk_offset, image, image_size);
    entry = machine_load(&machine, kernel, kernel_size);
    if (!entry || !machine_boot(&machine, entry))
        die(kernel_path);
    free(kernel);
    free(image);
}

static void type(const char *command)
{
    for (; *command; command++)
        machine_input(&machine, (uint8_t)*command);
    machine_input(&machine, '\n');
    last[1] = 0;
}

static bool disk_busy(void)
{
    for (size_t i = 0; i < sizeof(machine.disk.request) / sizeof(*machine.disk.request); i++)
        if (machine.disk.request[i].flying)
            return true;
    return false;
}

/* The power goes when the disk is busy, at this instant or the next such. */
static bool power_goes(void)
{
    return machine.steps >= cut_at && disk_busy();
}

static int run(char **commands)
{
    while (machine.steps < limit && !power_goes()) {
        uint64_t until = machine.steps + (machine.steps >= cut_at ? 100 : at_once);
        enum stop stop;

        if (machine.steps < cut_at && until > cut_at)
            until = cut_at;
        stop = machine_run(&machine, until < limit ? until : limit);
        fflush(stdout);
        if (stop == STOP_OFF || stop == STOP_RESET)
            return (int)machine.exit_code;
        if (last[0] == '$' && last[1] == ' ' && machine.input_head == machine.input_tail) {
            if (!*commands)
                return 0;
            type(*commands++);
        } else if (stop == STOP_IDLE) {
            return 4;
        }
    }
    return power_goes() ? 5 : 3;
}

static void write_image(void)
{
    FILE *file = fopen(write_to, "wb");

    if (!file || fwrite(machine.memory + machine.disk_offset, 1, machine.disk_size, file) !=
                     machine.disk_size)
        die(write_to);
    fclose(file);
}

static bool is_pointer(uint64_t word)
{
    return word - (uint64_t)&machine < sizeof(machine) ||
           word - (uint64_t)machine.memory < machine.memory_size;
}

/* A number for all that a run depends on. */
static uint64_t hash(void)
{
    const uint8_t *parts[2] = {(const uint8_t *)&machine, machine.memory};
    const size_t sizes[2] = {offsetof(struct machine, unsaved), machine.memory_size};
    uint64_t sum = 0, word;

    for (int part = 0; part < 2; part++) {
        for (size_t i = 0; i + 8 <= sizes[part]; i += 8) {
            memcpy(&word, parts[part] + i, 8);
            if (word && (part || !is_pointer(word)))
                sum = (sum ^ word ^ i) * 0x9e3779b97f4a7c15ULL;
        }
    }
    return sum;
}

int main(int argc, char **argv)
{
    struct options options = {.harts = 3,
                              .slice = 1000,
                              .steps_per_time = 10,
                              .timebase = TIMEBASE,
                              .ram = 128 << 20,
                              .disk_delay = 1000};
    int status;

    read_options(argc, argv, &options);
    start(argv[optind], argv[optind + 1], &options);
    status = run(argv + optind + 2);
    if (status == 5)
        disk_lose_power(&machine);
    if (write_to)
        write_image();
    fprintf(stderr, "drive: %llu steps, status %d\n", (unsigned long long)machine.steps, status);
    if (tell_state)
        fprintf(stderr, "state %016llx\n", (unsigned long long)hash());
    return status;
}
