/* tokenizer_golden - folders as Hugging Face's tokenizers have them (tools/golden_tokenizer_files.py): the ids of
 * transformers, or the sentence that refuses them; what is written of one is that one again */
#include "folder.h"

#include <stdlib.h>

#include "base/json.h"
#include "format/tokenizer.h"
#include "text/wordpiece.h"

#define GOLDEN TEST_DATA "/golden/tokenizers"

static char *texts[128]; /* that may hold zeros */
static size_t lengths[128];
static int text_count;

static el_mapping open_file(const char *place, const char *name)
{
    char path[1024];
    el_mapping file;
    snprintf(path, sizeof path, GOLDEN "/%s%s%s", place, *place ? "/" : "", name);
    CHECK_OK(el_mapping_open(&file, path));
    return file;
}

static bool is_there(const char *place, const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, GOLDEN "/%s/%s", place, name);
    return el_file_exists(path);
}

/* The next line of a file as a string on the heap, NULL at its end. */
static char *next_line(const el_mapping *file, size_t *at)
{
    if (*at >= file->size)
        return NULL;
    const char *begin = (const char *)file->data + *at, *end = memchr(begin, '\n', file->size - *at);
    *at += (size_t)(end - begin) + 1;
    return strndup(begin, (size_t)(end - begin));
}

static int open_texts(void **state)
{
    el_mapping file = open_file("", "texts.txt");
    size_t at = 0;
    for (char *line; (line = next_line(&file, &at)); free(line)) {
        json_t *text = json_loads(line, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        lengths[text_count] = json_string_length(text);
        texts[text_count] = malloc(lengths[text_count] + 1);
        memcpy(texts[text_count], json_string_value(text), lengths[text_count] + 1);
        text_count++;
        json_decref(text);
    }
    el_mapping_close(&file);
    return make_folder(state);
}

static int close_texts(void **state)
{
    for (int i = 0; i < text_count; i++)
        free(texts[i]);
    return remove_folder(state);
}

static void check_line(const char *name, int number, const char *wanted, const el_ids *ids)
{
    char *got = calloc(ids->count + 1, 12), *at = got;
    for (size_t i = 0; i < ids->count; i++)
        at += sprintf(at, "%s%d", i ? " " : "", ids->data[i]);
    CHECK(strcmp(got, wanted) == 0, "%s, text %d \"%s\":\n  Hugging Face %s\n  here         %s", name, number,
          texts[number], wanted, got);
    free(got);
}

/* Every text in both ways of cutting, with the spans inside the text. */
static void check_ids(const char *name, const el_vocab *vocab)
{
    el_mapping file = open_file(name, "ids.txt");
    el_wordpiece *session;
    el_ids ids = {0};
    el_spans spans = {0};
    size_t at = 0;
    CHECK_OK(el_wordpiece_open(&session, vocab, EL_SPECIAL_TOKENS));
    for (int i = 0; i < text_count; i++) {
        char *wanted = next_line(&file, &at);
        const size_t bytes = lengths[i];
        CHECK(wanted, "%s: no ids of text %d", name, i);
        ids.count = 0;
        CHECK_OK(el_wordpiece_encode(session, texts[i], bytes, &ids));
        check_line(name, i, wanted, &ids);
        ids.count = spans.count = 0;
        CHECK_OK(el_wordpiece_encode_spans(session, texts[i], bytes, &ids, &spans));
        check_line(name, i, wanted, &ids);
        for (size_t s = 0; s < spans.count; s++)
            CHECK(spans.data[s].begin < spans.data[s].end && spans.data[s].end <= bytes,
                  "%s: piece %zu spans %u to %u", name, s, spans.data[s].begin, spans.data[s].end);
        free(wanted);
    }
    el_ids_release(&ids);
    el_spans_release(&spans);
    el_wordpiece_close(session);
    el_mapping_close(&file);
}

/* What is written for a model, and what a shard keeps, is the same vocabulary. */
static void check_copies(const char *name, const el_vocab *vocab)
{
    el_vocab *again;
    CHECK_OK(el_folder_make(in_folder("written")));
    CHECK_OK(el_tokenizer_save_model(vocab, 64, in_folder("written")));
    CHECK_OK(el_tokenizer_load(&again, in_folder("written"), EL_CASING_UNSET));
    CHECK_OK(el_vocab_same(vocab, name, again, "written"));
    CHECK(vocab->hash == again->hash, "%s has another hash when written and read", name);
    check_ids(name, again);
    el_vocab_close(again);
    CHECK_OK(el_vocab_reopen(&again, vocab->text, vocab->text_bytes, vocab->casing, vocab->beyond, name));
    CHECK(vocab->hash == again->hash, "%s has another hash when opened again", name);
    check_ids(name, again);
    el_vocab_close(again);
}

static void check_folder(const char *name)
{
    char path[1024];
    el_vocab *vocab;
    snprintf(path, sizeof path, GOLDEN "/%s", name);
    if (is_there(name, "refused.txt")) {
        el_mapping file = open_file(name, "refused.txt");
        size_t at = 0;
        char *words = next_line(&file, &at);
        CHECK_FAILS(el_tokenizer_load(&vocab, path, EL_CASING_UNSET), EL_EDATA, words);
        CHECK(!vocab, "%s left a vocabulary", name);
        free(words);
        el_mapping_close(&file);
        return;
    }
    CHECK_OK(el_tokenizer_load(&vocab, path, EL_CASING_UNSET));
    check_ids(name, vocab);
    check_copies(name, vocab);
    el_vocab_close(vocab);
}

static void test_folders(void **state)
{
    (void)state;
    char **names;
    int count;
    CHECK_OK(el_folder_list(GOLDEN, &names, &count));
    CHECK(count > 100, "%d folders", count);
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], "texts.txt") != 0)
            check_folder(names[i]);
    el_folder_list_release(names, count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_folders)};
    return cmocka_run_group_tests(tests, open_texts, close_texts);
}
