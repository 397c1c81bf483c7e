/*
 * usr/sh.c: the shell.
 *
 *   line  = pipe { "&" } [ ";" line ]        exec  = { word | redir }, or block
 *   pipe  = exec [ "|" pipe ]                block = "(" line ")" { redir }
 *   redir = ( "<" | ">" | ">>" ) word
 *
 * Each line is parsed and run in a child, so a syntax error ends the child only. The stack is one
 * page: parsing is bounded in depth, running is a loop. `cd` is built in.
 * Lines come from usr/lib/edit.c, so they can be edited at the console.
 * As in xv6: the prompt goes to descriptor 2; ">>" starts at offset 0 without truncating; a word
 * is given to exec as it is; of several redirections of one descriptor the first wins.
 */
#include "kernel/types.h"
#include "kernel/fcntl.h"
#include "user/user.h"
#include "user/edit.h"

#define LINE_BYTES 100 /* the LF and the closing 0 included */
#define ARGS_MAX   10  /* the closing 0 included */
#define NODES_MAX  128 /* a line of 99 characters needs fewer */
#define DEPTH_MAX  10  /* parentheses, pipes and lists inside one another */

enum node_kind {
    NODE_EXEC,
    NODE_REDIR,
    NODE_PIPE,
    NODE_LIST,
    NODE_BACKGROUND
};

struct node {
    enum node_kind kind;
    struct node *left;  /* REDIR, BACKGROUND: what it applies to; PIPE, LIST: first part */
    struct node *right; /* PIPE, LIST: second part */
    union {
        char *argv[ARGS_MAX]; /* EXEC */
        struct {
            char *file;
            int flags;
            int fd;
        } redir;
    };
};

struct parser {
    char *at;
    int depth;
};

static char line[LINE_BYTES];
static char *word_ends[LINE_BYTES]; /* where words are to be cut when the line is parsed */
static int word_count;
static struct node nodes[NODES_MAX];
static int node_count;

static struct node *parse_line(struct parser *p);

static void __attribute__((noreturn)) give_up(const char *why)
{
    fprintf(2, "%s\n", why);
    exit(1);
}

static int fork_or_give_up(void)
{
    int pid = fork();

    if (pid < 0)
        give_up("fork");
    return pid;
}

/* ---- parsing ---- */

static struct node *new_node(enum node_kind kind, struct node *left, struct node *right)
{
    struct node *node;

    if (node_count == NODES_MAX)
        give_up("syntax");
    node = &nodes[node_count++];
    node->kind = kind;
    node->left = left;
    node->right = right;
    return node;
}

static int is_blank(char c)
{
    return c != 0 && strchr(" \t\r\n\v", c) != 0;
}

static int is_symbol(char c)
{
    return c != 0 && strchr("<|>&;()", c) != 0;
}

/* The next character that is not blank, which may be 0. It is not consumed. */
static char peek(struct parser *p)
{
    while (is_blank(*p->at))
        p->at++;
    return *p->at;
}

static int accept(struct parser *p, char c)
{
    if (peek(p) != c)
        return 0;
    p->at++;
    return 1;
}

/* The next word, to be cut at its end later; 0 when a symbol or the end comes first. */
static char *take_word(struct parser *p)
{
    char c = peek(p);
    char *word = p->at;

    if (c == 0 || is_symbol(c))
        return 0;
    while (*p->at != 0 && !is_blank(*p->at) && !is_symbol(*p->at))
        p->at++;
    word_ends[word_count++] = p->at;
    return word;
}

static void enter(struct parser *p)
{
    if (++p->depth > DEPTH_MAX)
        give_up("syntax: nested too deeply");
}

static struct node *parse_redirs(struct parser *p, struct node *node)
{
    for (;;) {
        int fd = 1;
        int flags = O_WRONLY | O_CREATE | O_TRUNC;

        if (accept(p, '<')) {
            fd = 0;
            flags = O_RDONLY;
        } else if (!accept(p, '>')) {
            return node;
        } else if (*p->at == '>') {
            p->at++;
            flags = O_WRONLY | O_CREATE;
        }
        node = new_node(NODE_REDIR, node, 0);
        node->redir.fd = fd;
        node->redir.flags = flags;
        node->redir.file = take_word(p);
        if (node->redir.file == 0)
            give_up("missing file for redirection");
    }
}

static struct node *parse_block(struct parser *p)
{
    struct node *node;

    enter(p);
    node = parse_line(p);
    if (!accept(p, ')'))
        give_up("syntax - missing )");
    p->depth--;
    return parse_redirs(p, node);
}

static struct node *parse_exec(struct parser *p)
{
    struct node *command;
    struct node *outer;
    int n = 0;

    if (accept(p, '('))
        return parse_block(p);
    command = new_node(NODE_EXEC, 0, 0);
    outer = parse_redirs(p, command);
    while (peek(p) != 0 && strchr("|)&;", *p->at) == 0) {
        command->argv[n] = take_word(p);
        if (command->argv[n] == 0)
            give_up("syntax");
        if (++n == ARGS_MAX)
            give_up("too many args");
        outer = parse_redirs(p, outer);
    }
    command->argv[n] = 0;
    return outer;
}

/* The parts of a pipe or list hang to the right, so each is put into the hole the last one left. */
static struct node *parse_pipe(struct parser *p)
{
    struct node *first = parse_exec(p);
    struct node **last = &first;

    while (accept(p, '|')) {
        *last = new_node(NODE_PIPE, *last, 0);
        last = &(*last)->right;
        *last = parse_exec(p);
    }
    return first;
}

static struct node *parse_line(struct parser *p)
{
    struct node *first = 0;
    struct node **last = &first;

    for (;;) {
        *last = parse_pipe(p);
        while (accept(p, '&'))
            *last = new_node(NODE_BACKGROUND, *last, 0);
        if (!accept(p, ';'))
            return first;
        *last = new_node(NODE_LIST, *last, 0);
        last = &(*last)->right;
    }
}

static struct node *parse(char *text)
{
    struct parser p = {text, 0};
    struct node *node = parse_line(&p);

    if (peek(&p) != 0) {
        fprintf(2, "leftovers: %s\n", p.at);
        give_up("syntax");
    }
    for (int i = 0; i < word_count; i++)
        *word_ends[i] = 0;
    return node;
}

/* ---- running ---- */

/* Makes `fd` of this process what `from` is. */
static void move_to(int fd, int from)
{
    close(fd);
    dup(from);
}

/*
 * Forks both sides of a pipe. In each child returns what it has to run; the parent waits for both
 * and exits.
 */
static struct node *run_pipe(struct node *node)
{
    int ends[2];

    if (pipe(ends) < 0)
        give_up("pipe");
    for (int side = 1; side >= 0; side--) {
        if (fork_or_give_up() != 0)
            continue;
        move_to(side, ends[side]);
        close(ends[0]);
        close(ends[1]);
        return side == 1 ? node->left : node->right;
    }
    close(ends[0]);
    close(ends[1]);
    wait(0);
    wait(0);
    exit(0);
}

static void redirect(struct node *node)
{
    close(node->redir.fd);
    if (open(node->redir.file, node->redir.flags) < 0) {
        fprintf(2, "open %s failed\n", node->redir.file);
        exit(1);
    }
}

static void __attribute__((noreturn)) run_program(char **argv)
{
    if (argv[0] == 0)
        exit(1);
    exec(argv[0], argv);
    fprintf(2, "exec %s failed\n", argv[0]);
    exit(0);
}

static void __attribute__((noreturn)) run(struct node *node)
{
    for (;;) {
        switch (node->kind) {
        case NODE_EXEC:
            run_program(node->argv);
        case NODE_REDIR:
            redirect(node);
            node = node->left;
            break;
        case NODE_LIST:
            if (fork_or_give_up() == 0) {
                node = node->left;
                break;
            }
            wait(0);
            node = node->right;
            break;
        case NODE_PIPE:
            node = run_pipe(node);
            break;
        case NODE_BACKGROUND:
            if (fork_or_give_up() != 0)
                exit(0);
            node = node->left;
            break;
        }
    }
}

/* ---- the loop ---- */

/* Reads a line after the prompt. Returns 0, or -1 at the end of the input. */
static int read_line(void)
{
    enum edit_result result;

    do {
        write(2, "$ ", 2);
        result = edit_line(line, sizeof(line));
        if (result == EDIT_TOO_LONG)
            fprintf(2, "sh: a line has at most %d characters; this one is not run\n",
                    LINE_BYTES - 2);
    } while (result != EDIT_LINE && result != EDIT_END);
    return result == EDIT_LINE ? 0 : -1;
}

static void change_directory(char *path)
{
    uint n = strlen(path);

    if (n > 0 && path[n - 1] == '\n')
        path[n - 1] = 0;
    if (chdir(path) < 0)
        fprintf(2, "cannot cd %s\n", path);
}

/* Descriptors 0, 1 and 2 are open from here on. */
static void open_standard_files(void)
{
    int fd;

    do {
        fd = open("console", O_RDWR);
    } while (fd >= 0 && fd < 3);
    if (fd >= 0)
        close(fd);
}

static void run_line(char *text)
{
    int pid = fork();

    if (pid < 0)
        fprintf(2, "fork\n");
    if (pid == 0)
        run(parse(text));
    if (pid > 0)
        wait(0);
}

int main(void)
{
    open_standard_files();
    if (edit_possible())
        fprintf(2, "Ctrl-c ends a command, poweroff the machine; Ctrl-a x leaves QEMU at once.\n");
    while (read_line() == 0) {
        char *text = line;

        while (*text == ' ' || *text == '\t')
            text++;
        if (*text == '\n' || *text == 0)
            continue;
        if (text[0] == 'c' && text[1] == 'd' && text[2] == ' ')
            change_directory(text + 3);
        else
            run_line(text);
    }
    exit(0);
}
