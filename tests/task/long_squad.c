/* A file of questions is read whatever its size: those of several hundred megabytes are usual in Korean. */
#include "folder.h"

#include "task/task.h"

enum { ARTICLES = 1200, WORDS = 12500 }; /* 120 MB */

static const char *write_large(void)
{
    const char *const path = in_folder("large.json");
    FILE *const out = fopen(path, "w");
    assert_non_null(out);
    fputs("{\"version\":\"1\",\"data\":[", out);
    for (int a = 0; a < ARTICLES; a++) {
        fprintf(out, "%s{\"title\":\"%d\",\"paragraphs\":[{\"context\":\"in Seoul ", a ? "," : "", a);
        for (int w = 0; w < WORDS; w++)
            fputs("the game", out);
        fprintf(out,
                "\",\"qas\":[{\"id\":\"%d\",\"question\":\"where\",\"answers\":[{\"text\":\"Seoul\",\"answer_"
                "start\":3}]}]}]}",
                a);
    }
    fputs("]}", out);
    assert_int_equal(fclose(out), 0);
    return path;
}

static void large_file(void **state)
{
    (void)state;
    el_labels labels = {0};
    el_dataset d;
    CHECK_OK(el_task_read(el_task_find("squadv1"), write_large(),
                          (el_task_reading){.labels = EL_LABELS_NEEDED}, &labels, NULL, &d));
    CHECK(d.count == ARTICLES, "%d questions", d.count);
    CHECK(d.answers[ARTICLES - 1].begin == 3, "the last answer begins at %d",
          (int)d.answers[ARTICLES - 1].begin);
    el_dataset_release(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(large_file)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
