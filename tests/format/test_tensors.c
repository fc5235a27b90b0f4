/* Every file that weights come in gives the same tensors (tools/golden_sources.py, tools/golden_hostile.py). */
#define _GNU_SOURCE
#include <unistd.h>

#include "../check.h"
#include "format/crc32c.h"
#include "format/tensors.h"
#include "format/torch_file.h"

static const char SOURCES[] = TEST_DATA "/golden/sources";

static void check_tensor(const char *form, const el_st_entry *want, const el_stored *got)
{
    CHECK(got, "%s: %s is not there", form, want->name);
    CHECK(got->dims == want->dims && memcmp(got->shape, want->shape, sizeof want->shape) == 0,
          "%s: %s has another shape", form, want->name);
    float *const numbers = malloc(want->bytes);
    CHECK(numbers && el_stored_floats(got, numbers), "%s: %s is no tensor of numbers", form, want->name);
    for (size_t i = 0; i < want->bytes / sizeof *numbers; i++)
        CHECK(numbers[i] == ((const float *)want->data)[i], "%s: %s: number %zu is %g, not %g", form,
              want->name, i, (double)numbers[i], (double)((const float *)want->data)[i]);
    free(numbers);
}

static void test_every_form_gives_the_same_tensors(void **state)
{
    (void)state;
    char **forms, *path = el_path_join(SOURCES, "plain/model.safetensors");
    int count;
    el_safetensors plain;
    CHECK(el_safetensors_open(&plain, path) == EL_OK, "%s", el_error());
    CHECK(el_folder_list(SOURCES, &forms, &count) == EL_OK, "%s", el_error());
    CHECK(count == 19, "%d forms", count);
    for (int f = 0; f < count; f++) {
        el_tensors source;
        char *folder = el_path_join(SOURCES, forms[f]);
        bool exist;
        CHECK(el_tensors_look(folder, &exist) == EL_OK && exist, "%s: no source", forms[f]);
        CHECK(el_tensors_open(&source, folder) == EL_OK, "%s: %s", forms[f], el_error());
        for (int i = 0; i < plain.count; i++)
            check_tensor(forms[f], &plain.entries[i], el_tensors_find(&source, plain.entries[i].name));
        el_tensors_close(&source);
        free(folder);
    }
    el_folder_list_release(forms, count);
    el_safetensors_close(&plain);
    free(path);
}

/* A line of hostile.tsv: a folder, and the sentence that is said of it after its name. */
static void test_hostile_files_get_a_sentence(void **state)
{
    (void)state;
    FILE *const list = fopen(TEST_DATA "/golden/hostile.tsv", "r");
    char line[512];
    int count = 0;
    assert_non_null(list);
    while (fgets(line, sizeof line, list)) {
        char *const tab = strchr(line, '\t'), folder[sizeof line + 256];
        assert_non_null(tab);
        *tab = '\0';
        tab[1 + strcspn(tab + 1, "\n")] = '\0';
        snprintf(folder, sizeof folder, "%s/golden/hostile/%s", TEST_DATA, line);
        el_tensors source;
        const el_status st = el_tensors_open(&source, folder);
        CHECK(st == EL_EDATA, "%s: status %d", line, st);
        CHECK(strstr(el_error(), tab + 1), "%s: \"%s\" and not \"%s\"", line, el_error(), tab + 1);
        CHECK(strncmp(el_error(), folder, strlen(folder)) == 0, "%s: %s", line, el_error());
        count++;
    }
    CHECK(count >= 25, "%d hostile files", count);
    fclose(list);
}

/* A dict in which a quarter of a million keys recall one value, a dict of as many numbers, in torch's old form. */
static void test_recalled_again_and_again(void **state)
{
    (void)state;
    enum { KEYS = 250000, SECONDS = 20 };
    static const unsigned char BEGINNING[] = {
        0x80, 2, 0x8a, 10,   0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.', 0x80, 2,  'M',
        0xe9, 3, '.',  0x80, 2,    '}',  '.',  0x80, 2,    '}',  '(',  'K',  1,    'q',  0,   '}',  '('};
    static const unsigned char BETWEEN[] = {'u', 'q', 1}, END[] = {'u', '.', 0x80, 2, ']', '.'};
    unsigned char *const file = malloc(sizeof BEGINNING + sizeof BETWEEN + sizeof END + 8 * (size_t)KEYS),
                         *at = file;
    assert_non_null(file);
    at = mempcpy(at, BEGINNING, sizeof BEGINNING);
    for (int i = 0; i < KEYS; i++)
        at = mempcpy(at, "h\0h\0", 4);
    at = mempcpy(at, BETWEEN, sizeof BETWEEN);
    for (int i = 1; i < KEYS; i++)
        at = mempcpy(at, "h\0h\1", 4);
    at = mempcpy(at, END, sizeof END);
    el_tensors source = {0};
    alarm(SECONDS); /* the one dict looked at for each key takes minutes */
    CHECK(el_torch_read(&source, (el_bytes){file, (size_t)(at - file)}, "file") == EL_EDATA, "it is read");
    alarm(0);
    CHECK(strstr(el_error(), "holds no dict of tensors"), "%s", el_error());
    el_tensors_close(&source);
    free(file);
}

static void test_what_is_no_model_folder_is_said(void **state)
{
    (void)state;
    el_tensors source;
    assert_int_equal(el_tensors_open(&source, TEST_DATA "/nothere"), EL_EDATA);
    CHECK(strstr(el_error(), "nothere: no such folder"), "%s", el_error());
    assert_int_equal(el_tensors_open(&source, TEST_DATA "/test_tensors.c"), EL_EDATA);
    CHECK(strstr(el_error(), "a file, where a folder is wanted"), "%s", el_error());
    assert_int_equal(el_tensors_open(&source, TEST_DATA), EL_EDATA);
    CHECK(strstr(el_error(), "not a model folder"), "%s", el_error());
    bool exist;
    CHECK(el_tensors_look(TEST_DATA, &exist) == EL_OK && !exist, "a folder without weights has some");
}

/* A file of a few bytes cannot ask for memory without end, whatever its shapes and strides are. */
static void test_sizes(void **state)
{
    (void)state;
    const int64_t much = (int64_t)1 << 31;
    el_stored t = {.type = EL_ST_F32, .element = 4, .dims = 2, .shape = {2, 3}};
    el_stored_pack(&t);
    assert_true(el_stored_fits(&t, 24));
    assert_false(el_stored_fits(&t, 23));
    const el_stored alike = {.type = EL_ST_F32, .element = 4, .dims = 2, .shape = {much, much}};
    assert_false(el_stored_fits(&alike, 4)); /* strides of 0: one number for all */
    const el_stored few = {.type = EL_ST_F32, .element = 4, .dims = 1, .shape = {2}};
    assert_false(el_stored_fits(&few, 4));
    el_stored none = {.type = EL_ST_F32, .element = 4, .dims = 3, .shape = {much * much, 4, 0}};
    el_stored_pack(&none);
    assert_true(el_stored_fits(&none, 0));
    assert_int_equal(el_stored_elements(&none), 0);
}

static void test_crc32c(void **state)
{
    (void)state;
    unsigned char zeros[32] = {0};
    assert_int_equal(el_crc32c("123456789", 9), 0xe3069283); /* RFC 3720, B.4, and the usual check value */
    assert_int_equal(el_crc32c(zeros, sizeof zeros), 0x8a9136aa);
    assert_int_equal(el_crc32c("", 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_form_gives_the_same_tensors),
        cmocka_unit_test(test_hostile_files_get_a_sentence),
        cmocka_unit_test(test_recalled_again_and_again),
        cmocka_unit_test(test_what_is_no_model_folder_is_said),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_crc32c),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
