/* The device whose memory the host may not touch: it computes what the one below it does, and what is forbidden ends
 * the program.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "ops/distant.h"

typedef struct {
    el_queue *q;
    el_tensor x; /* 2 x 3, on the device */
    float host[6];
} fixture;

static fixture opened(void)
{
    fixture f = {.q = distant_open(2, NULL), .host = {1, 2, 3, 4, 5, 6}};
    f.x = el_tensor_make(f.q->dev->alloc(f.q->dev, sizeof f.host), EL_F32, 2, 3);
    f.q->send(f.q, f.x.data, f.host, sizeof f.host);
    f.q->wait(f.q);
    return f;
}

static void closed(fixture *f)
{
    f->q->dev->release(f->q->dev, f->x.data);
    el_queue_close(f->q);
}

static void ops_run_in_its_memory(void **state)
{
    (void)state;
    fixture f = opened();
    f.q->add(f.q, f.x, f.x, f.x);
    double *const sum = f.q->dev->alloc(f.q->dev, sizeof *sum), squares;
    f.q->sum_squares(f.q, sum, &f.x, 1);
    f.q->fetch(f.q, &squares, sum, sizeof squares);
    f.q->wait(f.q);
    f.q->dev->release(f.q->dev, sum);
    CHECK(squares == 4 * 91, "sum of squares %g, expected 364", squares);
    CHECK(distant_get(f.q, f.x, 1, 2) == 12, "the last element is %g", distant_get(f.q, f.x, 1, 2));
    float got[6] = {0};
    f.q->fetch(f.q, got, f.x.data, sizeof got);
    CHECK(got[0] != 2, "what is fetched is there before wait()");
    f.q->wait(f.q);
    CHECK(got[0] == 2 && got[5] == 12, "fetched %g ... %g", (double)got[0], (double)got[5]);
    closed(&f);
}

static void reads(fixture *f)
{
    volatile const float *const place = f->x.data;
    f->host[0] = *place;
}

static void writes(fixture *f)
{
    el_set(f->x, 0, 0, 1);
}

static void gives_host_memory_to_an_op(fixture *f)
{
    f->q->copy(f->q, f->x, el_tensor_make(f->host, EL_F32, 2, 3));
}

static void gives_host_ids_to_an_op(fixture *f)
{
    const int rows[] = {1, 0};
    f->q->gather_forward(f->q, f->x, f->x, rows);
}

static void forgets_to_wait(fixture *f)
{
    f->q->fetch(f->q, f->host, f->x.data, sizeof f->host);
    closed(f);
}

static void check_ends(const char *what, void (*act)(fixture *f), int number)
{
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL); /* cmocka catches them */
        signal(SIGABRT, SIG_DFL);
        fclose(stderr);
        fixture f = opened();
        act(&f);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == number, "a host that %s ends with status %#x", what,
          (unsigned)status);
}

static void what_is_forbidden_ends_the_program(void **state)
{
    (void)state;
    check_ends("reads its memory", reads, SIGSEGV);
    check_ends("writes its memory", writes, SIGSEGV);
    check_ends("gives its own memory to an op", gives_host_memory_to_an_op, SIGABRT);
    check_ends("gives its own ids to an op", gives_host_ids_to_an_op, SIGABRT);
    check_ends("forgets to wait", forgets_to_wait, SIGABRT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ops_run_in_its_memory),
                                       cmocka_unit_test(what_is_forbidden_ends_the_program)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
