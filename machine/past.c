/*
 * A session's past: which event was the last before an instant, who stored last, and a run's name.
 *
 * A search goes from snapshot to snapshot, backwards, and runs what lies between them again. For stores each snapshot's
 * filter tells first whether there is something to find.
 */
#include "session.h"

/* ---- Searching ---- */

/* Looks between a snapshot and an instant. */
static bool look(struct session *s, uint32_t index, uint64_t until, uint32_t kinds,
                 struct event *found)
{
    uint32_t stop_on = s->stop_on;

    s->found = false;
    s->stop_on = kinds;
    session_replay(s, index, until, kinds);
    s->stop_on = stop_on;
    *found = s->last;
    return s->found;
}

/* Where the search in the interval behind a snapshot ends. */
static uint64_t interval_end(const struct session *s, uint32_t index, uint64_t instant)
{
    if (index + 1 < s->nsnapshots && s->snapshot[index + 1].step < instant)
        return s->snapshot[index + 1].step;
    return instant;
}

bool session_before(struct session *s, uint32_t kinds, uint64_t instant, struct event *found)
{
    for (uint32_t i = session_snapshot(s, instant) + 1; i-- > 0;)
        if (look(s, i, interval_end(s, i, instant), kinds, found))
            return true;
    return false;
}

/* May something in the range have been stored to between a snapshot and the next? */
static bool maybe_written(const struct session *s, uint32_t index, uint64_t pa, uint64_t size)
{
    const uint8_t *written =
        index + 1 < s->nsnapshots ? s->snapshot[index + 1].written : s->m.written;

    for (uint64_t at = pa & ~7ULL; at < pa + size; at += 8)
        if (written[store_hash(at) / 8] & 1U << store_hash(at) % 8)
            return true;
    return false;
}

bool session_writer(struct session *s, uint64_t pa, uint64_t size, uint64_t instant,
                    struct event *found)
{
    s->m.watch_start = pa;
    s->m.watch_end = pa + size;
    for (uint32_t i = session_snapshot(s, instant) + 1; i-- > 0;)
        if (maybe_written(s, i, pa, size) &&
            look(s, i, interval_end(s, i, instant), 1U << EVENT_STORE, found))
            return true;
    return false;
}

/* ---- A run's name: h3m128i1000..., then for each thing typed _STEPS~TEXT, steps since the one before ---- */

struct text {
    char *at;
    size_t n, room;
};

static void put(struct text *t, char c)
{
    if (t->n < t->room)
        t->at[t->n] = c;
    t->n++;
}

static void put_number(struct text *t, char letter, uint64_t value)
{
    char digits[20];
    int n = 0;

    put(t, letter);
    do
        digits[n++] = (char)('0' + value % 10);
    while (value /= 10);
    while (n)
        put(t, digits[--n]);
}

/* Letters and digits stand for themselves; any other byte is a dot and two hexadecimal digits. */
static void put_byte(struct text *t, uint8_t byte)
{
    static const char hex[] = "0123456789abcdef";

    if ((unsigned)((byte | 32) - 'a') < 26 || (unsigned)(byte - '0') < 10) {
        put(t, (char)byte);
        return;
    }
    put(t, '.');
    put(t, hex[byte >> 4]);
    put(t, hex[byte & 15]);
}

/* The options that have a number, with their letters. */
static uint64_t *numbered(struct options *o, char letter, uint32_t **word)
{
    *word = letter == 'h'   ? &o->harts
            : letter == 'i' ? &o->slice
            : letter == 'p' ? &o->steps_per_time
            : letter == 'b' ? &o->timebase
            : letter == 'u' ? &o->unkind
            : letter == 'd' ? &o->disk_delay
                            : NULL;
    return letter == 'm' ? &o->ram : letter == 's' ? &o->seed : NULL;
}

static const char letters[] = "hmsipbud";

size_t session_name(const struct session *s, char *name, size_t room)
{
    struct options options = s->m.options;
    struct text text = {name, 0, room};
    uint64_t before = 0, *number;
    uint32_t *word;

    for (const char *letter = letters; *letter; letter++) {
        number = numbered(&options, *letter, &word);
        put_number(&text, *letter, number ? *number : *word);
    }
    if (options.disk_is_ram)
        put(&text, 'r');
    if (options.sstc)
        put(&text, 't');
    put(&text, '~');
    for (const char *c = options.bootargs; *c; c++)
        put_byte(&text, (uint8_t)*c);
    for (uint32_t i = 0; i < s->ntyped; before = s->typed[i++].step) {
        if (i == 0 || s->typed[i].step != before) {
            put_number(&text, '_', s->typed[i].step - before);
            put(&text, '~');
        }
        put_byte(&text, s->typed[i].byte);
    }
    put(&text, 0);
    return text.n <= room ? text.n - 1 : 0;
}

static uint64_t get_number(const char **at)
{
    uint64_t value = 0;

    while (**at >= '0' && **at <= '9')
        value = 10 * value + (uint64_t)(*(*at)++ - '0');
    return value;
}

static uint8_t get_digit(char c)
{
    return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* The next byte of a text. => false: it ends here */
static bool get_byte(const char **at, uint8_t *byte)
{
    if (**at == 0 || **at == '_')
        return false;
    *byte = (uint8_t) * (*at)++;
    if (*byte == '.' && (*at)[0] && (*at)[1]) {
        *byte = (uint8_t)(get_digit((*at)[0]) << 4 | get_digit((*at)[1]));
        *at += 2;
    }
    return true;
}

static bool parse_options(const char **at, struct options *o)
{
    uint64_t *number, value;
    uint32_t *word;

    while (**at && **at != '~') {
        char letter = *(*at)++;

        number = numbered(o, letter, &word);
        value = number || word ? get_number(at) : 1;
        if (number)
            *number = value;
        else if (word)
            *word = (uint32_t)value;
        else if (letter == 'r')
            o->disk_is_ram = true;
        else if (letter == 't')
            o->sstc = true;
        else
            return false;
    }
    return *(*at)++ == '~';
}

bool session_parse(struct session *s, const char *name, struct options *options)
{
    uint64_t step = 0;
    unsigned n = 0;
    uint8_t byte;

    __builtin_memset(options, 0, sizeof(*options));
    if (!parse_options(&name, options))
        return false;
    while (n < sizeof(options->bootargs) - 1 && get_byte(&name, &byte))
        options->bootargs[n++] = (char)byte;
    while (*name == '_') {
        name++;
        step += get_number(&name);
        if (*name++ != '~')
            return false;
        while (get_byte(&name, &byte))
            if (!session_will_type(s, step, byte))
                return false;
    }
    return *name == 0;
}
