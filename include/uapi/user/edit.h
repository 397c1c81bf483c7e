/*
 * uapi/user/edit.h: reading lines from people at the console.
 *
 * Backspace and ^U erase, the arrow keys move in the line and bring the last lines back, Home, End
 * and Delete work. ^D ends the line, or the input where there is no line; ^C drops the line.
 * The screen is drawn with backspaces and blanks alone, so no kind of terminal is assumed; a line
 * is expected to fit one row.
 */
#ifndef LAMINA_UAPI_USER_EDIT_H
#define LAMINA_UAPI_USER_EDIT_H

#define EDIT_BYTES 128 /* no line is longer, its LF and closing 0 included */

enum edit_result {
    EDIT_LINE,        /* there is a line */
    EDIT_END,         /* the input has ended */
    EDIT_INTERRUPTED, /* ^C: prompt anew */
    EDIT_TOO_LONG,    /* the line did not fit, and was dropped from its first byte to its last */
};

/* Whether descriptor 0 is a console on which lines can be edited. */
int edit_possible(void);

/*
 * Reads a line from descriptor 0 into `line`, of `size` bytes: with its LF, if it ended with one,
 * and a closing 0. Where editing is not possible the bytes are taken as they come.
 */
enum edit_result edit_line(char *line, int size);

#endif
