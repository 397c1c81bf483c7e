/*
 * Doubly linked rings of nodes that live inside the objects they link.
 *
 * A head is a node of its own; an empty ring, and a node on no ring, points at itself.
 * => every function: the lock of the ring is the caller's business.
 */
#ifndef LIB_LIST_H
#define LIB_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

#define LIST_INIT(head)  \
    {                    \
        &(head), &(head) \
    }

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define list_entry(ptr, type, member)   container_of(ptr, type, member)

/* Steps a `struct list *pos` over the ring; the body must not remove pos. */
#define list_for_each(pos, head) for ((pos) = (head)->next; (pos) != (head); (pos) = (pos)->next)

/* Makes a head empty, or a node belong to no ring. */
static inline void list_init(struct list *l)
{
    l->next = l;
    l->prev = l;
}

/* True when the head links nothing, or the node is on no ring. */
static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

/* Puts node first; or right after `head`, where that is a node. */
static inline void list_push_front(struct list *head, struct list *node)
{
    node->prev = head;
    node->next = head->next;
    node->next->prev = node;
    head->next = node;
}

/* Puts node last; or right before `head`, where that is a node. */
static inline void list_push_back(struct list *head, struct list *node)
{
    node->next = head;
    node->prev = head->prev;
    node->prev->next = node;
    head->prev = node;
}

/* Takes node off its ring and leaves it linked to itself, so that a second removal is harmless. */
static inline void list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->next = node->prev = node;
}

/* Moves all nodes of `from` to the end of `to`; `from` is empty then. */
static inline void list_splice(struct list *to, struct list *from)
{
    if (list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

/* The first node; => NULL when the ring is empty. */
static inline struct list *list_first(const struct list *head)
{
    return head->next == head ? NULL : head->next;
}

/* The last node; => NULL when the ring is empty. */
static inline struct list *list_last(const struct list *head)
{
    return head->prev == head ? NULL : head->prev;
}

/* Takes the first node off the ring; => NULL when the ring is empty. */
static inline struct list *list_pop_front(struct list *head)
{
    struct list *node = head->next;

    if (node == head)
        return NULL;
    head->next = node->next;
    node->next->prev = head;
    node->next = node->prev = node;
    return node;
}

#endif
