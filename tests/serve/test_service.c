/* service - what passes between the layers of another question changes no bit of it, nor of itself */
#include "serve/check.h"

#include "serve/service.h"

static const char *const TEXTS[] = {"ab c [MASK] de", "f [MASK]", "[MASK] abcdefgh ij klm"};
enum { TEXT_COUNT = sizeof TEXTS / sizeof *TEXTS, TOP = 3 };

/* Who passes at the next halt, and how many halts there were. */
typedef struct {
    el_service *service;
    el_question *passing;
    int halts;
} road;

static void compute(el_service *s, el_question *q, bool passing)
{
    const el_part part = {&q->job, 0};
    el_service_compute(s, &part, 1, passing);
    CHECK(q->computed.status == EL_OK, "%s", q->computed.sentence);
}

static void reached(void *context)
{
    road *const r = context;
    el_question *const q = r->passing;
    r->halts++;
    r->passing = NULL;
    if (q)
        compute(r->service, q, true);
}

static void read_question(el_service *s, el_question *q, el_ask ask, const char *text)
{
    *q = (el_question){.ask = ask, .top_k = TOP, .count = 1, .queries = calloc(1, sizeof *q->queries)};
    assert_non_null(q->queries);
    q->queries->text[0] = strdup(text);
    q->queries->bytes[0] = strlen(text);
    CHECK_OK(el_service_read(s, q));
    assert_int_equal(q->job.parts, 1);
}

static void check_same(const el_service *s, const el_question *have, const el_question *want)
{
    const el_query *const a = have->queries, *const b = want->queries;
    if (have->ask == EL_ASK_FILL) {
        for (int i = 0; i < TOP; i++) {
            assert_int_equal(a->guesses[i].id, b->guesses[i].id);
            assert_memory_equal(&a->guesses[i].probability, &b->guesses[i].probability,
                                sizeof a->guesses[i].probability);
        }
    } else {
        const size_t numbers =
            have->ask == EL_ASK_EMBED ? (size_t)el_service_width(s) : want->queries->ids.count;
        assert_memory_equal(a->numbers, b->numbers, numbers * sizeof *a->numbers);
    }
}

static void check_passing(road *r, el_question *alone, el_ask waits, el_ask passes, int text)
{
    el_question first, second;
    read_question(r->service, &first, waits, TEXTS[text]);
    read_question(r->service, &second, passes, TEXTS[(text + 1) % TEXT_COUNT]);
    r->passing = &second;
    r->halts = 0;
    compute(r->service, &first, false);
    CHECK(!r->passing && r->halts > 1, "%d halts", r->halts);
    check_same(r->service, &first, &alone[waits * TEXT_COUNT + text]);
    check_same(r->service, &second, &alone[passes * TEXT_COUNT + (text + 1) % TEXT_COUNT]);
    el_question_release(&first);
    el_question_release(&second);
}

static void test_passing(void **state)
{
    (void)state;
    static const el_ask ASKS[] = {EL_ASK_EMBED, EL_ASK_DETECT, EL_ASK_FILL};
    el_question alone[EL_ASKS * TEXT_COUNT];
    road r = {0};
    const el_service_settings settings = {
        .load = {.precision = EL_PRECISION_FP32, .threads = 2}, .batch_tokens = 16, .halt = {reached, &r}};
    CHECK_OK(el_service_open(&r.service, "run", run, &settings));
    for (int a = 0; a < 3; a++)
        for (int text = 0; text < TEXT_COUNT; text++) {
            el_question *const q = &alone[ASKS[a] * TEXT_COUNT + text];
            read_question(r.service, q, ASKS[a], TEXTS[text]);
            compute(r.service, q, false);
        }
    for (int a = 0; a < 3; a++)
        for (int b = 0; b < 3; b++)
            for (int text = 0; text < TEXT_COUNT; text++)
                check_passing(&r, alone, ASKS[a], ASKS[b], text);
    for (int a = 0; a < 3; a++)
        for (int text = 0; text < TEXT_COUNT; text++)
            el_question_release(&alone[ASKS[a] * TEXT_COUNT + text]);
    el_service_release(r.service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_passing)};
    return cmocka_run_group_tests(tests, make_run, remove_run);
}
