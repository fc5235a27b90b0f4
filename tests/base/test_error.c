/* error, log and arena */
#include "folder.h"

#include <pthread.h>

#include "base/arena.h"
#include "base/log.h"

/* The sentence is what was formatted, may quote the one before, is one line of UTF-8 and is cut with dots. */
static void test_sentence(void **state)
{
    (void)state;
    assert_int_equal(el_fail(EL_EDATA, "%s: %d", "a", 5), EL_EDATA);
    assert_string_equal(el_error(), "a: 5");
    assert_int_equal(el_fail(EL_EFAILED, "b: %s", el_error()), EL_EFAILED);
    assert_string_equal(el_error(), "b: a: 5");
    el_fail(EL_EDATA, "two\nlines\x1b");
    assert_string_equal(el_error(), "two lines ");
    el_fail(EL_EDATA, "%.5s, %.4s: %s", "서울", "서울", "\xC7\xD1.csv");
    assert_string_equal(el_error(), "서?, 서?: ??.csv");
    char *text = malloc(100001);
    memset(text, 'x', 100000), text[100000] = '\0';
    el_fail(EL_EDATA, "%s", text);
    free(text);
    const size_t length = strlen(el_error());
    assert_true(length < 10000 && strcmp(el_error() + length - 4, "x...") == 0);
}

static void *fail_elsewhere(void *context)
{
    (void)context;
    const bool empty = el_error()[0] == '\0';
    el_fail(EL_EFAILED, "elsewhere");
    return (void *)(intptr_t)empty;
}

/* Each thread has its own sentence, empty at first. */
static void test_threads(void **state)
{
    (void)state;
    pthread_t other;
    void *empty;
    el_fail(EL_EDATA, "here");
    assert_int_equal(pthread_create(&other, NULL, fail_elsewhere, NULL), 0);
    pthread_join(other, &empty);
    assert_non_null(empty);
    assert_string_equal(el_error(), "here");
}

static void *keep_elsewhere(void *context)
{
    el_outcome_keep(context, el_fail(EL_EDATA, "elsewhere"));
    return NULL;
}

/* What was kept is said again, on another thread and after other failures; what ended well says nothing. */
static void test_outcome(void **state)
{
    (void)state;
    pthread_t other;
    el_outcome outcome;
    assert_int_equal(pthread_create(&other, NULL, keep_elsewhere, &outcome), 0);
    pthread_join(other, NULL);
    el_fail(EL_EFAILED, "here");
    assert_int_equal(el_outcome_repeat(&outcome), EL_EDATA);
    assert_string_equal(el_error(), "elsewhere");
    el_fail(EL_EFAILED, "here");
    el_outcome_keep(&outcome, EL_OK);
    assert_int_equal(el_outcome_repeat(&outcome), EL_OK);
    assert_string_equal(el_error(), "here");
}

/* Of several endings the first failure counts, before or after a stop; else the first stop. */
static void test_outcomes(void **state)
{
    (void)state;
    static const struct {
        el_status endings[4];
        int counts;
    } CASES[] = {{{EL_OK, EL_ESTOPPED, EL_ESTOPPED, EL_OK}, 1},
                 {{EL_ESTOPPED, EL_OK, EL_EFAILED, EL_EDATA}, 2},
                 {{EL_EDATA, EL_ESTOPPED, EL_EFAILED, EL_OK}, 0}};
    for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++) {
        el_outcome all = {0};
        char counts[8];
        for (int i = 0; i < 4; i++) {
            const el_status st = CASES[c].endings[i];
            if (st)
                el_fail(st, "ending %d", i);
            const bool counts_now = el_outcome_join(&all, st);
            CHECK(counts_now || i != CASES[c].counts, "case %zu: ending %d does not count", c, i);
        }
        snprintf(counts, sizeof counts, "%d", CASES[c].counts);
        assert_int_equal(el_outcome_repeat(&all), CASES[c].endings[CASES[c].counts]);
        CHECK(strstr(el_error(), counts), "case %zu: not ending %s, but %s", c, counts, el_error());
    }
}

static char logged[100];

static void remember(el_log_level level, const char *line)
{
    snprintf(logged, sizeof logged, "%d %s", (int)level, line);
}

/* Without a sink a line is dropped; with one it arrives formatted, as one line of UTF-8. */
static void test_log(void **state)
{
    (void)state;
    el_log(EL_LOG_WARNING, "dropped");
    el_log_to(remember);
    el_log(EL_LOG_WARNING, "step %d", 3);
    assert_string_equal(logged, "1 step 3");
    el_log(EL_LOG_NOTE, "two\nlines, %.4s", "서울");
    assert_string_equal(logged, "0 two lines, 서?");
    el_log_to(NULL);
    el_log(EL_LOG_NOTE, "dropped");
    assert_string_equal(logged, "0 two lines, 서?");
}

/* Notes that are held are said in their order once they are let go, or never; warnings are not held. */
static void test_held(void **state)
{
    (void)state;
    el_log_to(remember);
    for (int say = 0; say < 2; say++) {
        el_log_hold_notes();
        el_log(EL_LOG_WARNING, "a warning");
        el_log(EL_LOG_NOTE, "a note");
        el_log(EL_LOG_NOTE, "another");
        assert_string_equal(logged, "1 a warning");
        el_log_release_notes(say);
        assert_string_equal(logged, say ? "0 another" : "1 a warning");
    }
    el_log(EL_LOG_NOTE, "at once");
    assert_string_equal(logged, "0 at once");
    el_log_to(NULL);
}

/* Measuring and binding give the same layout: aligned, apart, zeroed, inside. */
static void test_arena(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 0, 256, 257, 5000000, 3};
    enum { PUSHES = sizeof sizes / sizeof *sizes };
    el_arena arena = {0};
    for (int i = 0; i < PUSHES; i++)
        assert_null(el_arena_push(&arena, sizes[i]));
    const size_t measured = arena.used;
    CHECK_OK(el_arena_reserve(&arena));
    assert_int_equal(arena.used, 0);
    char *last = NULL;
    for (int i = 0; i < PUSHES; i++) {
        char *place = el_arena_push(&arena, sizes[i]);
        assert_true((uintptr_t)place % EL_ALIGNMENT == 0 && place >= last);
        for (size_t b = 0; b < sizes[i]; b++)
            assert_int_equal(place[b], 0);
        memset(place, 1, sizes[i]);
        last = place + sizes[i];
    }
    assert_int_equal(arena.used, measured);
    el_arena_release(&arena);
    assert_null(arena.base);
    CHECK_OK(el_arena_reserve(&arena)); /* of nothing */
    el_arena_release(&arena);
}

/* More than there is: a status, not a crash. */
static void test_arena_too_large(void **state)
{
    (void)state;
    el_arena arena = {0};
    el_arena_push(&arena, SIZE_MAX / 4);
    CHECK_FAILS(el_arena_reserve(&arena), EL_ENOMEM, "no memory for");
    el_arena_release(&arena);
}

static char said[4][64];
static int said_count;

static void keep_said(el_log_level level, const char *line)
{
    (void)level;
    snprintf(said[said_count++ % 4], sizeof said[0], "%s", line);
}

static void *log_elsewhere(void *context)
{
    el_log(EL_LOG_NOTE, "elsewhere");
    return context;
}

/* Lines of a thread begin with its words; a note is said once behind them, a warning each time. */
static void test_beginning(void **state)
{
    (void)state;
    pthread_t thread;
    el_log_to(keep_said);
    el_log_begin_with("job");
    for (int i = 0; i < 2; i++) {
        el_log(EL_LOG_NOTE, "a note");
        el_log(EL_LOG_WARNING, "a warning");
    }
    assert_int_equal(said_count, 3);
    assert_string_equal(said[0], "job: a note");
    assert_string_equal(said[2], "job: a warning");
    pthread_create(&thread, NULL, log_elsewhere, NULL);
    pthread_join(thread, NULL);
    assert_string_equal(said[3], "elsewhere");
    el_log_begin_with("other");
    el_log(EL_LOG_NOTE, "a note");
    assert_string_equal(said[0], "other: a note");
    el_log(EL_LOG_NOTE, "other: its own");
    assert_string_equal(said[1], "other: its own");
    el_log_begin_with(NULL);
    for (int i = 0; i < 2; i++)
        el_log(EL_LOG_NOTE, "a note");
    assert_int_equal(said_count, 8);
    assert_string_equal(said[3], "a note");
    el_log_to(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sentence),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_outcome),
        cmocka_unit_test(test_outcomes),
        cmocka_unit_test(test_log),
        cmocka_unit_test(test_beginning),
        cmocka_unit_test(test_held),
        cmocka_unit_test(test_arena),
        cmocka_unit_test(test_arena_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
