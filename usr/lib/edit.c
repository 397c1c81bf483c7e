/*
 * usr/lib/edit.c: line editing and history for programs that talk to people; the shell does.
 *
 * Keys come from the kernel untouched (console_keys). Each changes the line in memory only; before
 * the next wait the screen is brought up to date in one write. A paste is so drawn in large pieces.
 * Contracts: include/uapi/user/edit.h.
 */
#include "kernel/types.h"
#include "user/user.h"
#include "user/edit.h"

#define HISTORY_LINES 16
#define CTRL(letter)  ((letter)&0x1f)
#define KEY_ESCAPE    0x1b
#define KEY_DELETE    0x7f

struct text {
    char bytes[EDIT_BYTES];
    int len;
    int cursor; /* 0..len */
};

static struct text now;   /* the line as it is */
static struct text shown; /* the line as the screen has it */
static int limit;         /* how long the line may become */
static int too_long;      /* a byte came that did not fit */

static struct {
    struct text lines[HISTORY_LINES];
    struct text draft; /* the line being typed, while an older one is looked at */
    int count;         /* lines ever kept; line i is in slot i % HISTORY_LINES */
    int back;          /* how many lines back the one shown is; 0: the line being typed */
} history;

static char keys[64]; /* typed, not looked at yet: never beyond an LF */
static int key_next;
static int key_count;

/* ---- the screen ---- */

static char output[4 * EDIT_BYTES];
static int output_len;

static void put(const char *bytes, int n)
{
    memmove(output + output_len, bytes, n);
    output_len += n;
}

static void put_times(char c, int n)
{
    while (n-- > 0)
        put(&c, 1);
}

static void move_cursor(const struct text *text, int from, int to)
{
    put_times('\b', from - to);
    if (to > from)
        put(text->bytes + from, to - from);
}

/* Makes the screen show the line as it is, from the first byte that differs on. */
static void show(void)
{
    int same = 0;

    while (same < now.len && same < shown.len && now.bytes[same] == shown.bytes[same])
        same++;
    if (same < now.len || same < shown.len) {
        move_cursor(&shown, shown.cursor, same);
        put(now.bytes + same, now.len - same);
        put_times(' ', shown.len - now.len);
        put_times('\b', shown.len - now.len);
        shown.cursor = now.len;
    }
    move_cursor(&now, shown.cursor, now.cursor);
    shown = now;
    write(0, output, output_len);
    output_len = 0;
}

/* Shows the whole line and what ends it. */
static void show_end(const char *end)
{
    now.cursor = now.len;
    show();
    write(0, end, (int)strlen(end));
}

/* ---- keys ---- */

/* => -1 when there will be none any more. */
static int next_key(void)
{
    if (key_next == key_count) {
        show();
        key_next = 0;
        key_count = console_keys(0, keys, sizeof(keys));
        if (key_count <= 0) {
            key_count = 0;
            return -1;
        }
    }
    return (uchar)keys[key_next++];
}

static void untake_key(int key)
{
    if (key >= 0)
        key_next--;
}

/*
 * What follows ESC, as terminals send it: [ or O, perhaps a number, and a byte that says which key.
 * => that byte, and for the older form "number ~" the letter that says the same; 0: ESC alone
 */
static int escape_sequence(void)
{
    static const char letters[] = {0, 'H', 0, '~', 'F', 0, 0, 'H', 'F'};
    int number = 0;
    int key = next_key();

    if (key != '[' && key != 'O') {
        untake_key(key);
        return 0;
    }
    while ((key = next_key()) >= ' ' && key < '@')
        number = key >= '0' && key <= '9' ? (number * 10 + key - '0') % 100 : 0;
    if (key < '@' || key > '~')
        untake_key(key);
    else if (key != '~')
        return key;
    else if (number < (int)sizeof(letters))
        return letters[number];
    return 0;
}

/* ---- the line ---- */

static void insert(char c)
{
    if (now.len == limit) {
        too_long = 1;
        return;
    }
    memmove(now.bytes + now.cursor + 1, now.bytes + now.cursor, now.len - now.cursor);
    now.bytes[now.cursor++] = c;
    now.len++;
}

static void erase_at(int i)
{
    if (i < 0 || i >= now.len)
        return;
    memmove(now.bytes + i, now.bytes + i + 1, now.len - i - 1);
    now.len--;
    now.cursor = i;
}

static void replace(const struct text *by)
{
    now = *by;
    if (now.len > limit)
        now.len = limit;
    now.cursor = now.len;
    too_long = 0;
}

static void erase_line(void)
{
    static const struct text empty;

    replace(&empty);
}

static void history_go(int back)
{
    int kept = history.count < HISTORY_LINES ? history.count : HISTORY_LINES;

    if (back < 0 || back > kept)
        return;
    if (history.back == 0)
        history.draft = now;
    history.back = back;
    replace(back == 0 ? &history.draft : &history.lines[(history.count - back) % HISTORY_LINES]);
}

/* Keeps the line, unless it is empty or the same as the last one. */
static void history_add(void)
{
    struct text *last = &history.lines[(history.count + HISTORY_LINES - 1) % HISTORY_LINES];

    if (now.len == 0)
        return;
    if (last->len == now.len && memcmp(last->bytes, now.bytes, (uint)now.len) == 0)
        return;
    history.lines[history.count++ % HISTORY_LINES] = now;
}

static void edit_escape(int key)
{
    switch (key) {
    case 'A':
        history_go(history.back + 1);
        break;
    case 'B':
        history_go(history.back - 1);
        break;
    case 'C':
        now.cursor += now.cursor < now.len;
        break;
    case 'D':
        now.cursor -= now.cursor > 0;
        break;
    case 'H':
        now.cursor = 0;
        break;
    case 'F':
        now.cursor = now.len;
        break;
    case '~':
        erase_at(now.cursor);
        break;
    }
}

static void edit_key(int key)
{
    switch (key) {
    case KEY_ESCAPE:
        edit_escape(escape_sequence());
        break;
    case CTRL('H'):
    case KEY_DELETE:
        erase_at(now.cursor - 1);
        break;
    case CTRL('U'):
        erase_line();
        break;
    case '\t': /* a blank of known width */
        insert(' ');
        break;
    default:
        if (key >= ' ')
            insert((char)key);
    }
}

/* ---- whole lines ---- */

int edit_possible(void)
{
    return console_keys(0, keys, 0) == 0 && write(0, keys, 0) == 0;
}

/* The line is complete: gives it to the caller with what ended it, `end`. */
static enum edit_result finish(char *line, const char *end)
{
    if (too_long)
        return EDIT_TOO_LONG;
    memmove(line, now.bytes, now.len);
    strcpy(line + now.len, end);
    history_add();
    return EDIT_LINE;
}

static enum edit_result edit_keys(char *line)
{
    for (;;) {
        int key = next_key();

        switch (key) {
        case -1:
            return EDIT_END;
        case CTRL('D'):
            show_end("");
            return now.len == 0 && !too_long ? EDIT_END : finish(line, "");
        case CTRL('C'):
            show_end("^C\n");
            return EDIT_INTERRUPTED;
        case '\n':
            show_end("\n");
            return finish(line, "\n");
        default:
            edit_key(key);
        }
    }
}

/* Bytes as they come, from a file or pipe. As xv6's gets, CR ends a line, too. */
static enum edit_result read_bytes(char *line, int size)
{
    int n = 0;
    int got = 0;
    char c = 0;

    while (c != '\n' && c != '\r' && read(0, &c, 1) == 1) {
        got = 1;
        if (n < size)
            line[n++] = c;
    }
    if (n == size)
        return EDIT_TOO_LONG;
    line[n] = 0;
    return got ? EDIT_LINE : EDIT_END;
}

enum edit_result edit_line(char *line, int size)
{
    if (!edit_possible())
        return read_bytes(line, size);
    limit = (size < EDIT_BYTES ? size : EDIT_BYTES) - 2; /* room for LF and 0 */
    erase_line();
    shown = now;
    history.back = 0;
    return edit_keys(line);
}
