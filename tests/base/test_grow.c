/* Lists that become longer. */
#include "base/grow.h"

#include <stdint.h>
#include <stdlib.h>

#include "folder.h"

static void items_stay_and_room_grows_by_half(void **state)
{
    (void)state;
    int *list = NULL;
    size_t room = 0, moves = 0;
    for (int i = 0; i < 1000; i++) {
        const size_t before = room;
        assert_true(el_grow(&list, &room, (size_t)i + 1, sizeof *list));
        assert_true(room > (size_t)i && (room == before || room >= before + before / 2));
        moves += room != before;
        list[i] = i;
    }
    for (int i = 0; i < 1000; i++)
        assert_int_equal(list[i], i);
    assert_true(moves < 15);
    free(list);
}

static void nothing_is_asked_of_an_empty_list(void **state)
{
    (void)state;
    char *list = NULL;
    size_t room = 0;
    assert_true(el_grow(&list, &room, 0, 1));
    assert_null(list);
    assert_int_equal(room, 0);
}

static void what_no_memory_holds_leaves_the_list(void **state)
{
    (void)state;
    double *list = NULL;
    size_t room = 0;
    assert_true(el_grow(&list, &room, 3, sizeof *list));
    double *const was = list;
    const size_t had = room;
    list[2] = 7;
    assert_false(el_grow(&list, &room, SIZE_MAX / sizeof *list + 1, sizeof *list)); /* the bytes would wrap */
    assert_ptr_equal(list, was);
    assert_int_equal(room, had);
    assert_true(list[2] == 7);
    free(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_stay_and_room_grows_by_half),
        cmocka_unit_test(nothing_is_asked_of_an_empty_list),
        cmocka_unit_test(what_no_memory_holds_leaves_the_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
