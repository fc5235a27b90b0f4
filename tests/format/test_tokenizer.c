/* tokenizer - casing goes with the pieces and is never guessed against; what a folder says is done or refused */
#define _GNU_SOURCE
#include "folder.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "format/tokenizer.h"
#include "text/wordpiece.h"

#define SPECIAL "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"

/* A path without a vocabulary is named. */
static void test_missing(void **state)
{
    (void)state;
    el_vocab *vocab;
    CHECK_FAILS(el_tokenizer_load(&vocab, in_folder("nowhere.txt"), EL_CASING_UNSET), EL_EDATA,
                "nowhere.txt");
    CHECK_OK(el_folder_make(in_folder("void")));
    CHECK_FAILS(el_tokenizer_load(&vocab, in_folder("void"), EL_CASING_UNSET), EL_EDATA, "no vocab.txt");
}

static void check_casing(const el_vocab *vocab, bool lowercase, bool strip_accents, bool chinese_chars)
{
    const el_casing c = vocab->casing;
    CHECK(c.lowercase == lowercase && c.strip_accents == strip_accents && c.chinese_chars == chinese_chars,
          "casing is %d %d %d, not %d %d %d", c.lowercase, c.strip_accents, c.chinese_chars, lowercase,
          strip_accents, chinese_chars);
}

/* Casing written is casing read, in every combination, and part of the hash. */
static void test_save(void **state)
{
    (void)state;
    uint64_t hashes[8];
    for (int i = 0; i < 8; i++) {
        const el_casing casing = {i & 1, i & 2, i & 4};
        el_vocab *vocab, *read;
        CHECK_OK(el_folder_make(in_folder("saved")));
        CHECK_OK(el_vocab_parse(&vocab, SPECIAL "a\n", strlen(SPECIAL "a\n"), casing, "v"));
        CHECK_OK(el_tokenizer_save(vocab, in_folder("saved")));
        CHECK_OK(el_tokenizer_load(&read, in_folder("saved"), EL_CASING_UNSET));
        check_casing(read, casing.lowercase, casing.strip_accents, casing.chinese_chars);
        CHECK_OK(el_vocab_same(vocab, "written", read, "read"));
        hashes[i] = read->hash;
        for (int j = 0; j < i; j++)
            CHECK(hashes[i] != hashes[j], "casings %d and %d have one hash", i, j);
        el_vocab_close(vocab);
        el_vocab_close(read);
    }
}

/* What tokenizer_config.json says holds; a request against it is refused by name; without one wishes hold. */
static void test_casing(void **state)
{
    (void)state;
    el_vocab *vocab;
    CHECK_OK(el_folder_make(in_folder("c")));
    CHECK_OK(el_file_write(in_folder("c/vocab.txt"), SPECIAL, strlen(SPECIAL)));
    CHECK_OK(el_tokenizer_load(&vocab, in_folder("c/vocab.txt"), EL_CASING_UNSET));
    check_casing(vocab, true, true, true);
    el_vocab_close(vocab);
    CHECK_OK(el_tokenizer_load(&vocab, in_folder("c/vocab.txt"), (el_casing_request){0, EL_UNSET, EL_UNSET}));
    check_casing(vocab, false, false, true);
    el_vocab_close(vocab);

    const char *config = "{\"do_lower_case\": false, \"strip_accents\": null}";
    CHECK_OK(el_file_write(in_folder("c/tokenizer_config.json"), config, strlen(config)));
    CHECK_OK(el_tokenizer_load(&vocab, in_folder("c"), (el_casing_request){0, 0, EL_UNSET}));
    check_casing(vocab, false, false, true);
    el_vocab_close(vocab);
    CHECK_FAILS(el_tokenizer_load(&vocab, in_folder("c"), (el_casing_request){1, EL_UNSET, EL_UNSET}),
                EL_EUSAGE, "do_lower_case is false");
    CHECK_FAILS(el_tokenizer_load(&vocab, in_folder("c"), (el_casing_request){0, 1, EL_UNSET}), EL_EUSAGE,
                "strip_accents is false");
    config = "{\"do_lower_case\": \"yes\"}";
    CHECK_OK(el_file_write(in_folder("c/tokenizer_config.json"), config, strlen(config)));
    CHECK_FAILS(el_tokenizer_load(&vocab, in_folder("c"), EL_CASING_UNSET), EL_EDATA, "do_lower_case");
}

/* A tokenizer.json with one part exchanged; NULL: as BERT's. */
typedef struct {
    const char *normalizer, *pre_tokenizer, *post_processor, *added, *model;
} parts;

static const char BERT_NORMALIZER[] =
    "{\"type\": \"BertNormalizer\", \"clean_text\": true, \"handle_chinese_chars\": true, "
    "\"strip_accents\": null, \"lowercase\": false}";
static const char WORDPIECE[] =
    "{\"type\": \"WordPiece\", \"unk_token\": \"[UNK]\", \"continuing_subword_prefix\": \"##\", "
    "\"max_input_chars_per_word\": 100, \"vocab\": {\"[MASK]\": 4, \"[PAD]\": 0, \"a\": 5, "
    "\"[UNK]\": 1, \"[SEP]\": 3, \"[CLS]\": 2}}";

static const char *or_else(const char *part, const char *otherwise)
{
    return part ? part : otherwise;
}

static el_status load_json(el_vocab **vocab, const parts *p)
{
    char text[4096];
    const int bytes = snprintf(text, sizeof text,
                               "{\"added_tokens\": %s, \"normalizer\": %s, \"pre_tokenizer\": %s, "
                               "\"post_processor\": %s, \"model\": %s}",
                               or_else(p->added, "[]"), or_else(p->normalizer, BERT_NORMALIZER),
                               or_else(p->pre_tokenizer, "{\"type\": \"BertPreTokenizer\"}"),
                               or_else(p->post_processor, "null"), or_else(p->model, WORDPIECE));
    CHECK_OK(el_folder_make(in_folder("j")));
    CHECK_OK(el_file_write(in_folder("j/tokenizer.json"), text, (size_t)bytes));
    return el_tokenizer_load(vocab, in_folder("j"), EL_CASING_UNSET);
}

/* A folder that transformers saved may hold tokenizer.json only. */
static void test_tokenizer_json(void **state)
{
    (void)state;
    el_vocab *vocab;
    CHECK_OK(load_json(&vocab, &(parts){0}));
    check_casing(vocab, false, false, true);
    CHECK(vocab->size == 6 && strcmp(vocab->pieces[5], "a") == 0 && vocab->mask == 4, "%d pieces",
          vocab->size);
    CHECK(*vocab->beyond == 0 && strcmp(vocab->casing_from, "tokenizer.json") == 0, "\"%s\" from %s",
          vocab->beyond, vocab->casing_from);
    el_vocab_close(vocab);
}

/* What is not BERT's is refused by the name of the part. */
static void test_refused_parts(void **state)
{
    (void)state;
    static const struct {
        parts parts;
        const char *words;
    } cases[] = {
        {{.normalizer = "{\"type\": \"NFKC\"}"}, "normalizer NFKC is not BERT's"},
        {{.normalizer = "{\"type\": \"Sequence\", \"normalizers\": []}"},
         "normalizer Sequence is not BERT's"},
        {{.normalizer = "3"}, "normalizer of no type"},
        {{.pre_tokenizer = "{\"type\": \"Whitespace\"}"}, "pre_tokenizer Whitespace is not BERT's"},
        {{.pre_tokenizer = "{\"type\": \"ByteLevel\"}"}, "pre_tokenizer ByteLevel is not BERT's"},
        {{.pre_tokenizer = "null"}, "no pre_tokenizer"},
        {{.post_processor = "{\"type\": \"RobertaProcessing\"}"}, "post_processor RobertaProcessing"},
        {{.post_processor = "{\"type\": \"TemplateProcessing\", \"single\": [], \"pair\": []}"},
         "post_processor"},
        {{.model = "{\"type\": \"BPE\", \"vocab\": {}, \"merges\": []}"}, "model BPE is no WordPiece"},
        {{.model = "{\"type\": \"Unigram\", \"vocab\": [[\"a\", 0]]}"}, "model Unigram is no WordPiece"},
        {{.model = "{\"vocab\": {}, \"merges\": []}"}, "no WordPiece"},
        {{.model = "null"}, "no model"},
        {{.model = "{\"vocab\": {\"a\": 0, \"b\": 0}}"}, "have the same id"},
        {{.model = "{\"vocab\": {\"a\": -1}}"}, "the id of the piece a"},
        {{.model = "{\"vocab\": {\"a\": 0}}"}, "[PAD] is missing"},
        {{.model = "{\"vocab\": {\"a\": 0}, \"max_input_chars_per_word\": 100000}"},
         "max_input_chars_per_word is 100000"},
        {{.added = "{}"}, "added_tokens"},
        {{.added = "[{\"id\": 6}]"}, "no \"content\""},
        {{.added = "[{\"id\": 5, \"content\": \"x\"}]"}, "has the id 5, which is a's"},
        {{.added = "[{\"id\": 6, \"content\": \"a\"}]"}, "has the id 6, but its piece is 5"},
        {{.added = "[{\"id\": 9, \"content\": \"x\"}]"}, "but Hugging Face gives it 6"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        el_vocab *vocab;
        CHECK_FAILS(load_json(&vocab, &cases[i].parts), EL_EDATA, cases[i].words);
        CHECK(!vocab, "case %zu left a vocabulary", i);
    }
}

/* A hundred thousand added tokens, and a name for each tenth: read in a moment, where looking through all of them for
 * each takes minutes. */
static void test_many_added(void **state)
{
    (void)state;
    enum { TOKENS = 100000, NAMES = 10000, SECONDS = 60, LONGEST = 40 };
    char *const json = malloc(1024 + (size_t)TOKENS * 2 * LONGEST), *const config =
                                                                        malloc(1024 + NAMES * LONGEST);
    assert_true(json && config);
    char *at =
        json +
        sprintf(json,
                "{\"pre_tokenizer\": {\"type\": \"BertPreTokenizer\"}, \"model\": %s, \"added_tokens\": [",
                WORDPIECE);
    for (int i = 0; i < TOKENS; i++)
        at += sprintf(at, "%s{\"id\": %d, \"content\": \"<%d>\"}", i ? "," : "", 6 + i, i);
    at += sprintf(at, "]}");
    char *end = config + sprintf(config, "{\"extra_special_tokens\": {");
    for (int i = 0; i < NAMES; i++)
        end += sprintf(end, "%s\"n%d\": \"<%d>\"", i ? "," : "", i, i);
    end += sprintf(end, "}}");
    for (int named = 0; named < 2; named++) {
        el_vocab *vocab;
        int special = 0;
        alarm(SECONDS);
        CHECK_OK(el_tokenizer_parse(&vocab, json, (size_t)(at - json), named ? config : NULL,
                                    (size_t)(end - config), "many"));
        alarm(0);
        for (int i = 0; i < vocab->options.added_count; i++)
            special += vocab->options.added[i].special;
        CHECK(vocab->options.added_count == TOKENS + EL_SPECIALS, "%d added tokens",
              vocab->options.added_count);
        CHECK(special == EL_SPECIALS + named * NAMES, "%d of them are special", special);
        el_vocab_close(vocab);
    }
    free(config);
    free(json);
}

/* The vocabulary of KoELECTRA: cased, the ids that its makers print; lower-cased, its syllables would fall apart. */
static void test_koelectra(void **state)
{
    (void)state;
    const char *path = SHARED_DATA "/fixtures/vocab/koelectra-v2-vocab-32200.txt";
    const char *text = "\xed\x95\x9c\xea\xb5\xad\xec\x96\xb4 ELECTRA\xeb\xa5\xbc "
                       "\xea\xb3\xb5\xec\x9c\xa0\xed\x95\xa9\xeb\x8b\x88\xeb\x8b\xa4.";
    static const int32_t wanted[] = {18429, 41, 6240, 15229, 6204, 20894, 5689, 12622, 10690, 18};
    el_vocab *vocab;
    el_wordpiece *session;
    el_ids ids = {0};
    if (!el_file_exists(path))
        skip();
    CHECK_OK(el_tokenizer_load(&vocab, path, (el_casing_request){0, 0, 1}));
    CHECK_OK(el_wordpiece_open(&session, vocab, EL_SPECIAL_TOKENS));
    CHECK_OK(el_wordpiece_encode(session, text, strlen(text), &ids));
    CHECK(ids.count == 10, "%zu pieces", ids.count);
    for (int i = 0; i < 10; i++)
        CHECK(ids.data[i] == wanted[i], "piece %d is %d, not %d", i, ids.data[i], wanted[i]);
    el_ids_release(&ids);
    el_wordpiece_close(session);
    el_vocab_close(vocab);
}

static void put(const char *name, const char *text)
{
    CHECK_OK(el_file_write(in_folder(name), text, strlen(text)));
}

/* The settings of a folder are those of every vocabulary in it: another casing is refused, unless it replaces the only one. */
static void test_place(void **state)
{
    (void)state;
    const el_casing lower = {true, true, true}, cased = {false, false, true};
    const char *const own = "place/en.txt";
    CHECK_OK(el_folder_make(in_folder("place")));
    CHECK_OK(el_tokenizer_check_place(in_folder(own), cased));
    put("place/tokenizer_config.json", "{\"do_lower_case\": true}");
    put("place/notes.txt", "of the tokens\n [UNK] is one\n[UNK]s\n");
    CHECK_OK(el_tokenizer_check_place(in_folder(own), lower));
    CHECK_FAILS(el_tokenizer_check_place(in_folder(own), cased), EL_EUSAGE, "do_lower_case");
    put(own, SPECIAL);
    CHECK_OK(el_tokenizer_check_place(in_folder(own), cased));
    assert_int_equal(symlink("en.txt", in_folder("place/link")), 0);
    CHECK_OK(el_tokenizer_check_place(in_folder(own), cased));
    put("place/ko", "[PAD]\r\n[UNK]\r\n");
    CHECK_OK(el_tokenizer_check_place(in_folder(own), lower));
    CHECK_FAILS(el_tokenizer_check_place(in_folder(own), cased), EL_EUSAGE,
                "do_lower_case is true there, but would be false for this vocabulary (--lowercase keeps it), "
                "and ko is read by it too; a folder of its own");
    put("place/tokenizer_config.json", "{\"do_lower_case\"");
    CHECK_FAILS(el_tokenizer_check_place(in_folder(own), cased), EL_EDATA, "place/tokenizer_config.json");
    CHECK(!strstr(el_error(), "read by it too") && !strstr(el_error(), "apart"), "says %s", el_error());
    assert_int_equal(unlink(in_folder("place/ko")), 0);
    CHECK_OK(el_tokenizer_check_place(in_folder(own), cased));
    put("place/tokenizer.json", "{}");
    CHECK_FAILS(el_tokenizer_check_place(in_folder(own), lower), EL_EUSAGE,
                "tokenizer.json: lies there already");
}

/* Where there is no room for the new pieces, the old ones keep their casing. */
static void test_no_room(void **state)
{
    (void)state;
    enum { LINE = 12, LINES = 1000 };
    static char pieces[sizeof SPECIAL + LINE * LINES];
    char *at = stpcpy(pieces, SPECIAL);
    for (int i = 0; i < LINES; i++)
        at += sprintf(at, "piece%06d\n", i);
    el_vocab *old, *wide;
    struct rlimit before, least;
    CHECK_OK(el_folder_make(in_folder("full")));
    CHECK_OK(el_vocab_parse(&old, SPECIAL, strlen(SPECIAL), (el_casing){true, true, true}, "v"));
    CHECK_OK(el_tokenizer_save(old, in_folder("full")));
    CHECK_OK(el_vocab_parse(&wide, pieces, (size_t)(at - pieces), (el_casing){false, false, true}, "v"));
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    least = (struct rlimit){LINE * LINES / 2, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &least);
    const el_status st = el_tokenizer_save(wide, in_folder("full"));
    setrlimit(RLIMIT_FSIZE, &before);
    CHECK_FAILS(st, EL_EFAILED, "vocab.txt: File too large");
    el_vocab_close(old);
    el_vocab_close(wide);
    CHECK_OK(el_tokenizer_load(&old, in_folder("full"), EL_CASING_UNSET));
    check_casing(old, true, true, true);
    CHECK(old->lines == 5, "%d pieces are there", old->lines);
    el_vocab_close(old);
    char **names;
    int count;
    CHECK_OK(el_folder_list(in_folder("full"), &names, &count));
    CHECK(count == 2, "%d files are left", count);
    el_folder_list_release(names, count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_missing),       cmocka_unit_test(test_save),
        cmocka_unit_test(test_casing),        cmocka_unit_test(test_tokenizer_json),
        cmocka_unit_test(test_refused_parts), cmocka_unit_test(test_many_added),
        cmocka_unit_test(test_koelectra),     cmocka_unit_test(test_place),
        cmocka_unit_test(test_no_room),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
