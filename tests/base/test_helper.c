/* A helper does one thing at a time beside its owner, and hands over its status with its sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/helper.h"

static el_status square(void *context)
{
    int *const number = context;
    usleep(2000); /* so that an owner who does not wait would be seen */
    *number *= *number;
    return EL_OK;
}

static el_status refuse(void *context)
{
    return el_fail(EL_EDATA, "%s is no shard", (const char *)context);
}

static void work_is_done_when_waited_for(void **state)
{
    (void)state;
    el_helper *helper;
    assert_int_equal(el_helper_open(&helper), EL_OK);
    assert_int_equal(el_helper_wait(helper), EL_OK);
    for (int i = 2; i < 40; i++) {
        int number = i;
        el_helper_start(helper, square, &number);
        assert_int_equal(el_helper_wait(helper), EL_OK);
        assert_int_equal(number, i * i);
    }
    int last = 9;
    el_helper_start(helper, square, &last);
    el_helper_close(helper);
    assert_int_equal(last, 81);
    el_helper_close(NULL);
}

static void a_failure_comes_with_its_sentence(void **state)
{
    (void)state;
    el_helper *helper;
    int number = 3;
    assert_int_equal(el_helper_open(&helper), EL_OK);
    el_helper_start(helper, refuse, "this");
    (void)el_fail(EL_EFAILED, "the owner's own sentence");
    assert_int_equal(el_helper_wait(helper), EL_EDATA);
    assert_string_equal(el_error(), "this is no shard");
    assert_int_equal(el_helper_wait(helper), EL_OK);
    el_helper_start(helper, square, &number);
    assert_int_equal(el_helper_wait(helper), EL_OK);
    el_helper_close(helper);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(work_is_done_when_waited_for),
                                       cmocka_unit_test(a_failure_comes_with_its_sentence)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
