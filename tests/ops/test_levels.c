/* Every op of the processor's device does what the reference says, at every level that the processor has, in
 * F32 and in BF16, at sizes that fit no tile; and any number of threads gives the same bits.
 *
 * A case computes outputs on whatever device it is given: exactly (F64) on the reference, rounded on the
 * other. Each level runs in a process of its own.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "cases.h"
#include "ops/cpu.h"

static const char *level;

static el_queue *opened(int threads)
{
    el_queue *q = NULL;
    CHECK(el_queue_open(&q, threads, level) == EL_OK, "%s: %s", level, el_error());
    CHECK(strcmp(q->dev->level, level) == 0, "level %s, asked for %s", q->dev->level, level);
    return q;
}

static void compare(const op_case *c, sizes s, el_type type)
{
    static const int threads[] = {1, 2, 3, 7};
    const run expected = computed(el_queue_reference(), c, s, type);
    run first = {.count = 0};
    for (int t = 0; t < 4; t++) {
        el_queue *const q = opened(threads[t]);
        const run got = computed(q, c, s, type);
        el_queue_close(q);
        for (int i = 0; i < got.count; i++) {
            char what[160];
            const output *const o = &got.outputs[i];
            snprintf(what, sizeof what, "%s %s, %s, %s, %d x %d (%d), %d threads", c->name, o->name, level,
                     type == EL_BF16 ? "bf16" : "float", s.rows, s.cols, s.more, threads[t]);
            const bool rounded = type == EL_BF16 && o->tolerance > 0;
            if (t > 0)
                check_same(what, o->value, first.outputs[i].value);
            else if (o->value.type == EL_BF16 && o->tolerance == 0)
                check_close(what, o->value, expected.outputs[i].value, 4e-3);
            else
                check_close(what, o->value, expected.outputs[i].value, rounded ? c->bf16 : o->tolerance);
        }
        if (t == 0)
            first = got;
    }
}

static void agrees(void **state)
{
    const op_case *const c = *state;
    for (int i = 0; i < SHAPES && c->shapes[i].rows; i++)
        for (int type = EL_F32; type <= EL_BF16; type++) {
            compare(c, c->shapes[i], (el_type)type);
            check_release(NULL);
        }
}

/* A block has 32 rows at most: what is left of a number of rows is cut in a way of its own.  Once with a depth of whole tiles,
 * whose rows are read where they lie. */
static void every_number_of_rows(void **state)
{
    (void)state;
    static const op_case products[] = {{"linear", case_linear, {{0}}, 8e-3}, {"int8", case_int8, {{0}}, 0}};
    for (int c = 0; c < 2; c++)
        for (int rows = 1; rows <= 66; rows += rows < 34 ? 1 : 16)
            for (int type = EL_F32; type <= EL_BF16; type++) {
                compare(&products[c], (sizes){rows, 19, 37}, (el_type)type);
                compare(&products[c], (sizes){rows, 32, 37}, (el_type)type);
                check_release(NULL);
            }
}

static int run_level(void)
{
    el_queue *const q = opened(1);
    int8_steps = q->dev->int8_steps;
    el_queue_close(q);
    struct CMUnitTest tests[CASES + 1];
    for (int i = 0; i < CASES; i++)
        tests[i] = (struct CMUnitTest){.name = cases[i].name,
                                       .test_func = agrees,
                                       .teardown_func = check_release,
                                       .initial_state = (void *)&cases[i]};
    tests[CASES] = (struct CMUnitTest){
        .name = "every_number_of_rows", .test_func = every_number_of_rows, .teardown_func = check_release};
    return cmocka_run_group_tests_name(level, tests, NULL, NULL);
}

/* An unknown level, and one that the processor lacks, are refused by name. */
static int refuses(void)
{
    el_queue *q = NULL;
    return el_queue_open(&q, 1, "mmx") == EL_EUSAGE && strstr(el_error(), "mmx") ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "run") == 0) {
        level = argv[2];
        return run_level() ? 1 : 0;
    }
    int failed = refuses();
    if (failed)
        printf("mmx: not refused by name\n");
    const char *name;
    for (int i = 0; (name = el_level_name(i)); i++) {
        if (argc > 1 && strcmp(argv[1], name) != 0)
            continue;
        if (!el_level_available(name)) {
            printf("%s: this processor lacks it; skipped\n", name);
            continue;
        }
        fflush(stdout);
        const pid_t child = fork();
        if (child == 0)
            execv("/proc/self/exe", (char *[]){argv[0], "run", (char *)name, NULL});
        int status = 1;
        if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
            failed++;
    }
    return failed;
}
