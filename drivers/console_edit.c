/*
 * Line editing for people at the console: erase, cursor keys, history.
 *
 * Owns the line being typed and the last lines. Plain bytes are echoed and appended exactly as xv6
 * does; only complete escape sequences (ESC [ or ESC O, as terminals send for arrows, Home, End and
 * Delete) move the cursor or bring back old lines. The screen is redrawn with BS and spaces alone,
 * so no kind of terminal is assumed; a line is expected to fit one row.
 * All of it under the console lock, held by the caller (drivers/console_line.c).
 */
#include "drivers/console.h"
#include "lib/string.h"

#include "internal.h"

#define HISTORY_LINES 16
#define KEY_ESCAPE 0x1b
#define KEY_DELETE 0x7f

enum escape_state { ESCAPE_NONE, ESCAPE_BEGUN, ESCAPE_PARAMETERS };

static struct {
    char text[EDIT_MAX];
    size_t len;
    size_t cursor; /* 0..len */
    enum escape_state escape;
    unsigned parameter; /* of the escape sequence being read */
} edit;

static struct {
    char text[HISTORY_LINES][EDIT_MAX];
    size_t len[HISTORY_LINES];
    size_t count; /* lines ever stored; line i is in slot i % HISTORY_LINES */
    size_t back;  /* how many lines back the one shown is; 0 = the line being typed */
    char draft[EDIT_MAX];
    size_t draft_len;
} history;

static void echo(const char *bytes, size_t n)
{
    if (n > 0)
        console_write(bytes, n);
}

static void echo_repeat(char byte, size_t n)
{
    char run[EDIT_MAX];

    memset(run, byte, n);
    echo(run, n);
}

static void cursor_left(size_t n)
{
    edit.cursor -= n;
    echo_repeat('\b', n);
}

static void cursor_right(size_t n)
{
    echo(edit.text + edit.cursor, n);
    edit.cursor += n;
}

static enum edit_event insert(char byte, size_t room)
{
    size_t tail = edit.len - edit.cursor;

    if (edit.len >= room)
        return EDIT_GOING;
    memmove(edit.text + edit.cursor + 1, edit.text + edit.cursor, tail);
    edit.text[edit.cursor] = byte;
    edit.len++;
    cursor_right(tail + 1);
    cursor_left(tail);
    return edit.len == room ? EDIT_DONE : EDIT_GOING;
}

/* End the line with LF or ^D, wherever the cursor is; only LF is shown. */
static enum edit_event finish(char byte, size_t room)
{
    if (edit.len >= room)
        return EDIT_GOING;
    cursor_right(edit.len - edit.cursor);
    edit.text[edit.len++] = byte;
    if (byte == '\n')
        echo("\n", 1);
    return EDIT_DONE;
}

static void erase_before(void)
{
    size_t tail = edit.len - edit.cursor;

    if (edit.cursor == 0)
        return;
    cursor_left(1);
    memmove(edit.text + edit.cursor, edit.text + edit.cursor + 1, tail);
    edit.len--;
    echo(edit.text + edit.cursor, tail);
    echo(" ", 1);
    echo_repeat('\b', tail + 1);
}

static void erase_under(void)
{
    if (edit.cursor < edit.len) {
        cursor_right(1);
        erase_before();
    }
}

static void erase_line(void)
{
    cursor_right(edit.len - edit.cursor);
    for (size_t i = 0; i < edit.len; i++)
        echo("\b \b", 3);
    edit.len = 0;
    edit.cursor = 0;
}

static void show(const char *text, size_t len, size_t room)
{
    erase_line();
    if (len >= room) /* a line brought back must not be full at once */
        len = room > 0 ? room - 1 : 0;
    memcpy(edit.text, text, len);
    edit.len = len;
    cursor_right(len);
}

static void history_older(size_t room)
{
    size_t kept = history.count < HISTORY_LINES ? history.count : HISTORY_LINES;

    if (history.back == kept)
        return;
    if (history.back++ == 0) {
        memcpy(history.draft, edit.text, edit.len);
        history.draft_len = edit.len;
    }
    size_t slot = (history.count - history.back) % HISTORY_LINES;

    show(history.text[slot], history.len[slot], room);
}

static void history_newer(size_t room)
{
    if (history.back == 0)
        return;
    if (--history.back == 0) {
        show(history.draft, history.draft_len, room);
        return;
    }
    size_t slot = (history.count - history.back) % HISTORY_LINES;

    show(history.text[slot], history.len[slot], room);
}

/* Keep a finished line, without its LF, unless it is empty or the same as the last one. */
static void history_add(void)
{
    size_t len = edit.len - 1;
    size_t last = (history.count + HISTORY_LINES - 1) % HISTORY_LINES;

    if (len == 0 || (history.count > 0 && history.len[last] == len &&
                     memcmp(history.text[last], edit.text, len) == 0))
        return;
    size_t slot = history.count++ % HISTORY_LINES;

    memcpy(history.text[slot], edit.text, len);
    history.len[slot] = len;
}

/* The letter that says the same as the older "number ~"; '~' for Delete, which has no letter. */
static char escape_letter(unsigned number)
{
    switch (number) {
    case 1:
    case 7:
        return 'H';
    case 4:
    case 8:
        return 'F';
    case 3:
        return '~';
    default:
        return 0;
    }
}

/* The last byte of an escape sequence says which key it is. */
static void escape_key(char key, size_t room)
{
    switch (key == '~' ? escape_letter(edit.parameter) : key) {
    case 'A':
        history_older(room);
        break;
    case 'B':
        history_newer(room);
        break;
    case 'C':
        cursor_right(edit.cursor < edit.len);
        break;
    case 'D':
        cursor_left(edit.cursor > 0);
        break;
    case 'H':
        cursor_left(edit.cursor);
        break;
    case 'F':
        cursor_right(edit.len - edit.cursor);
        break;
    case '~':
        erase_under();
        break;
    }
}

/* Take a byte that belongs to an escape sequence; false when it does not. */
static bool escape_input(char byte, size_t room)
{
    if (edit.escape == ESCAPE_BEGUN) {
        if (byte != '[' && byte != 'O')
            return false;
        edit.escape = ESCAPE_PARAMETERS;
        edit.parameter = 0;
        return true;
    }
    if (byte < ' ' || byte > '~')
        return false;
    if (byte >= '0' && byte <= '9') {
        edit.parameter = (edit.parameter * 10 + (unsigned)(byte - '0')) % 100;
    } else if (byte >= '@') {
        edit.escape = ESCAPE_NONE;
        escape_key(byte, room);
    }
    return true;
}

static enum edit_event plain_input(char byte, size_t room)
{
    switch (byte) {
    case 0:
        return EDIT_GOING;
    case '\r':
    case '\n':
        return finish('\n', room);
    case EDIT_END_OF_FILE:
        return finish(byte, room);
    case CONSOLE_KEY('H'):
    case KEY_DELETE:
        erase_before();
        return EDIT_GOING;
    case CONSOLE_KEY('U'):
        erase_line();
        return EDIT_GOING;
    default:
        return insert(byte, room);
    }
}

enum edit_event edit_input(char byte, size_t room)
{
    if (edit.escape != ESCAPE_NONE) {
        bool alone = edit.escape == ESCAPE_BEGUN;

        if (escape_input(byte, room))
            return EDIT_GOING;
        edit.escape = ESCAPE_NONE; /* ESC by itself: an ordinary byte, and so is what follows */
        if (alone && insert(KEY_ESCAPE, room) == EDIT_DONE)
            return EDIT_DONE;
    }
    if (byte == KEY_ESCAPE) {
        edit.escape = ESCAPE_BEGUN;
        return EDIT_GOING;
    }
    return plain_input(byte, room);
}

size_t edit_take(char *to)
{
    size_t len = edit.len;

    memcpy(to, edit.text, len);
    if (len > 0 && edit.text[len - 1] == '\n')
        history_add();
    edit.len = 0;
    edit.cursor = 0;
    history.back = 0;
    return len;
}
