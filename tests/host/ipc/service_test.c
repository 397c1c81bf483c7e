/*
 * service_test.c - the queue of a service: what a request lends goes with that request and with no
 * other, and everybody is answered.
 *
 * A request is the word at its beginning: 0, or the answer.
 */
#include "players.h"

#include "ipc/service.h"
#include "mm/region.h"
#include "mm/uaccess.h"
#include "sched/ticks.h"

enum {
    CLIENT = 1,
    SERVER,
    THIRD
};
enum {
    WAITING,
    ANSWERED,
    FAILED
};

#define SCATTERED 0x10000000UL
#define SLOT      0x1000UL /* in the server's data: where a request is, and its size */

/* ---- what ipc/ext/service.c calls ---- */

uint64_t port_time, timebase_hz = 1000;

uint32_t ticks(void)
{
    return 0;
}

enum proc_state proc_server_state(void)
{
    return mm_of(SERVER) ? PROC_LIVE : PROC_FREE;
}

int copy_to_user(vaddr_t to, const void *from, size_t n)
{
    assert_int_equal(n, sizeof(uint64_t));
    return world_write(current()->mm, to, *(const uint64_t *)from) ? 0 : -EFAULT;
}

static void answer_failed(vaddr_t va)
{
    assert_int_equal(port_locks_held(), 0);
    world_write(current()->mm, va, FAILED);
}

static bool answered(vaddr_t va)
{
    uint64_t answer;

    return world_read(current()->mm, va, &answer) && (answer == ANSWERED || answer == FAILED);
}

static struct service service = SERVICE_INIT(service, answer_failed, answered);

/* ---- processes ---- */

static void leave_service(uint64_t family)
{
    service_left(&service);
}

static int submit_at(vaddr_t va, size_t npages)
{
    play_as(CLIENT);
    store(CLIENT, va, 0, WAITING);
    return service_submit(&service, va, PAGES(npages));
}

static int submit(size_t first, size_t npages)
{
    return submit_at(HEAP + PAGES(first), npages);
}

/* The server takes the next request. => where it has it. */
static vaddr_t take_one(void)
{
    play_as(SERVER);
    assert_int_equal(service_take(&service, SLOT, SLOT + 8), 0);
    return load(SERVER, SLOT, 0);
}

static void remove_one(vaddr_t va, size_t npages)
{
    play_as(SERVER);
    assert_int_equal(service_remove(&service, va, PAGES(npages)), 0);
}

static int is_killed(void)
{
    return -EINTR;
}

/* The server comes, and has nothing to do yet. */
static void server_comes(void)
{
    player_comes(SERVER, 0);
    play_as(SERVER);
    proc_current()->of_init = true;
    while_asleep = is_killed;
    assert_int_equal(service_take(&service, SLOT, SLOT + 8), -EINTR);
    while_asleep = NULL;
}

static int two_come(void **state)
{
    world_begin(state);
    player_left = leave_service;
    player_comes(CLIENT, 40);
    server_comes();
    return 0;
}

static int all_go(void **state)
{
    while_asleep = NULL;
    for (int pid = CLIENT; pid <= THIRD; pid++)
        if (mm_of(pid))
            player_exits(pid);
    player_comes(CLIENT,
                 100); /* takes the frames that were freed: the checking build looks at them */
    player_exits(CLIENT);
    return world_end(state);
}

/* ---- what a request lends ---- */

/* Two requests for the same pages: the end of one takes nothing from the other. */
static void a_request_ends_and_the_other_stays(void **state)
{
    for (int turn = 0; turn < 2; turn++) {
        vaddr_t one, two;

        assert_int_equal(submit(0, 4), 0);
        assert_int_equal(submit(0, 4), 0);
        one = take_one();
        two = take_one();
        remove_one(turn ? two : one, 4);
        assert_false(can_load(SERVER, turn ? two : one, 0) ||
                     can_load(SERVER, turn ? two : one, 3));
        store(SERVER, turn ? one : two, 3, 77);
        assert_int_equal(load(CLIENT, HEAP, 3), 77);
        remove_one(turn ? one : two, 4);
        assert_int_equal(load(CLIENT, HEAP, 3), 77);
        world_check();
    }
}

/* The client's memory from SCATTERED on: each page is a region, and so lent by itself. */
static void scatter(size_t npages)
{
    struct map_request q = {
        .addr = SCATTERED, .len = PAGE_SIZE, .prot = RW, .max_prot = RW, .place = MAP_OVER};
    vaddr_t va;

    for (size_t i = 0; i < npages; i++, q.addr += PAGE_SIZE) {
        q.region = region_create_zero(1);
        assert_int_equal(mm_map(mm_of(CLIENT), &q, &va), 0);
        region_put(q.region);
    }
}

/* The limit of what a consent lends is each request's own: all that fit in the queue are taken. */
static void a_limit_of_its_own(void **state)
{
    enum {
        EACH = LOANS_MAX / SERVICE_QUEUE + 100
    };
    vaddr_t at[SERVICE_QUEUE];

    scatter(EACH);
    for (int i = 0; i < SERVICE_QUEUE; i++)
        assert_int_equal(submit_at(SCATTERED, EACH), 0);
    for (int i = 0; i < SERVICE_QUEUE; i++)
        at[i] = take_one();
    for (int i = 0; i < SERVICE_QUEUE; i++)
        assert_int_equal(submit_at(SCATTERED, EACH), 0);
    for (int i = 0; i < SERVICE_QUEUE; i++)
        remove_one(at[i], EACH);
    store(CLIENT, SCATTERED, EACH - 1, 5);
    assert_int_equal(load(SERVER, take_one(), EACH - 1), 5);
}

/* One that is too large for its limit is refused, and takes nothing from those that come after it. */
static void one_too_large_is_refused_alone(void **state)
{
    scatter(LOANS_MAX + 1);
    assert_int_equal(submit_at(SCATTERED, LOANS_MAX + 1), -ENOMEM);
    world_check();
    assert_int_equal(submit_at(SCATTERED + PAGE_SIZE, LOANS_MAX), 0);
    assert_int_equal(submit_at(SCATTERED, LOANS_MAX), 0);
}

/* What the server's child has of a request outlives the request, which is forgotten by then. */
static void a_child_of_the_server_keeps_what_it_has(void **state)
{
    struct mm *child;
    uint64_t value;
    vaddr_t va;

    assert_int_equal(submit(0, 4), 0);
    va = take_one();
    child = player_forks(SERVER);
    remove_one(va, 4);
    store(CLIENT, HEAP, 2, 1234);
    assert_true(world_read(child, va + PAGES(2), &value));
    assert_int_equal(value, 1234);
    world_exit(child);
    assert_int_equal(submit(0, 4), 0);
    assert_int_equal(load(SERVER, take_one(), 2), 1234);
}

/* What a third party may take back from the client cannot be submitted: the server would lose it. */
static void borrowed_memory_is_no_request(void **state)
{
    struct loans loans = LOANS_INIT(loans, false);
    const struct lend lend = {.prot = RW, .consent = &loans.consent};
    vaddr_t va;

    player_comes(THIRD, 2);
    va = (map_shared_pages)(mm_of(THIRD), mm_of(CLIENT), HEAP, PAGES(2), lend);
    assert_int_not_equal(va, 0);
    play_as(CLIENT);
    assert_int_not_equal(service_submit(&service, va, PAGES(2)), 0);
    assert_int_equal(submit(0, 4), 0);
    loans_revoke(&loans);
    store(SERVER, take_one(), 0, ANSWERED);
    assert_int_equal(load(CLIENT, HEAP, 0), ANSWERED);
}

/* ---- ends ---- */

static void the_client_is_gone(void **state)
{
    vaddr_t va;

    assert_int_equal(submit(0, 4), 0);
    assert_int_equal(submit(4, 4), 0);
    va = take_one();
    player_exits(CLIENT);
    assert_int_equal(load(SERVER, va, 1), 101);
    remove_one(va, 4);
    assert_int_equal(load(SERVER, take_one(), 1), 105);
}

static void the_server_is_gone(void **state)
{
    for (int how = 0; how < 2; how++) {
        for (size_t i = 0; i < 4; i++)
            assert_int_equal(submit(4 * i, 4), 0);
        store(SERVER, take_one(), 0, ANSWERED);
        take_one();
        if (how)
            player_execs(SERVER);
        player_exits(SERVER);
        for (size_t i = 0; i < 4; i++)
            assert_int_equal(load(CLIENT, HEAP, 4 * i), FAILED);
        assert_int_equal(submit(0, 4), -ESRCH);
        world_check();
        server_comes();
    }
}

/* ---- waiting for an answer ---- */

static vaddr_t taken;
static unsigned naps;

static int server_answers(void)
{
    naps++;
    if (naps == 1)
        taken = take_one();
    if (naps == 3)
        store(SERVER, taken, 0, FAILED);
    return -ETIMEDOUT;
}

/* A server that answers and never removes: the client looks for itself. */
static void an_answer_without_a_removal(void **state)
{
    naps = 0;
    assert_int_equal(submit(0, 4), 0);
    while_asleep = server_answers;
    play_as(CLIENT);
    assert_int_equal(service_wait(&service, HEAP), 0);
    assert_int_equal(naps, 3);
    assert_int_equal(load(CLIENT, HEAP, 0), FAILED);
}

static int server_goes(void)
{
    if (naps++ == 0)
        player_exits(SERVER);
    return 0;
}

static void a_wait_ends_with_the_server(void **state)
{
    naps = 0;
    assert_int_equal(submit(0, 4), 0);
    while_asleep = server_goes;
    play_as(CLIENT);
    assert_int_equal(service_wait(&service, HEAP), 0);
    assert_int_equal(load(CLIENT, HEAP, 0), FAILED);
    assert_int_equal(service_wait(&service, HEAP + PAGES(8)), -EINVAL);
}

/* The queue is full; then the server takes one, or is gone, and who waits for room goes on. */
static int server_takes(void)
{
    take_one();
    naps++;
    return 0;
}

static void room_in_the_queue(void **state)
{
    for (int how = 0; how < 3; how++) {
        naps = 0;
        for (size_t i = 0; i < SERVICE_QUEUE; i++)
            assert_int_equal(submit(i, 1), 0);
        while_asleep = how == 0 ? server_takes : how == 1 ? server_goes : is_killed;
        assert_int_equal(submit(20, 4), how == 0 ? 0 : how == 1 ? -ESRCH : -EINTR);
        assert_int_equal(naps, how < 2);
        while_asleep = NULL;
        world_check();
        if (mm_of(SERVER))
            player_exits(SERVER);
        server_comes();
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, two_come, all_go)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_request_ends_and_the_other_stays),
        T(a_limit_of_its_own),
        T(one_too_large_is_refused_alone),
        T(a_child_of_the_server_keeps_what_it_has),
        T(borrowed_memory_is_no_request),
        T(the_client_is_gone),
        T(the_server_is_gone),
        T(an_answer_without_a_removal),
        T(a_wait_ends_with_the_server),
        T(room_in_the_queue),
    };

    world_start(16384);
    return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}
