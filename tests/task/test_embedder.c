/* Vectors of texts: those that transformers has (tools/golden_embed.py), however batches fall and whatever stands on the
 * encoder. */
#include "task/goldens.h"
#include "task/theirs.h"

#include "base/json.h"
#include "base/safetensors.h"
#include "task/learn/embedder.h"

enum { WIDTH = 8, PLACES = 16 }; /* of their models */

typedef struct {
    el_queue *q;
    el_embedder *embedder;
    el_dataset texts;
} fixture;

static void open(fixture *f, const char *model, el_embedder_settings settings)
{
    CHECK_OK(el_queue_open(&f->q, 1, NULL));
    CHECK_OK(el_embedder_open(&f->embedder, f->q, EL_F32, model, &settings));
    CHECK_OK(el_dataset_open(&f->texts, EL_CLASSIFY, "texts"));
    assert_int_equal(el_embedder_width(f->embedder), WIDTH);
}

static void finish(fixture *f)
{
    el_dataset_release(&f->texts);
    el_embedder_close(f->embedder);
    el_queue_close(f->q);
}

static void add(fixture *f, const char *a, const char *b)
{
    el_labelled *const e = el_dataset_add(&f->texts, 1);
    e->text[0] = a;
    e->text[1] = b;
}

static void check_vector(const char *name, const char *what, const float *have, const json_t *want)
{
    assert_int_equal(json_array_size(want), WIDTH);
    for (size_t i = 0; i < WIDTH; i++) {
        const double expected = json_number_value(json_array_get(want, i));
        CHECK(fabs((double)have[i] - expected) < 2e-6, "%s: %s[%zu] is %.9g, not %.9g", name, what, i,
              (double)have[i], expected);
    }
}

/* ElectraModel's own folder: its architecture, names without a prefix, no head. */
static const char *bare_folder(const char *kind)
{
    const char *const to = their_folder(kind);
    char config[512], tensors[512];
    json_t *object;
    el_safetensors file = {0};
    snprintf(config, sizeof config, "%s/config.json", to);
    snprintf(tensors, sizeof tensors, "%s/model.safetensors", to);
    CHECK_OK(el_json_load(&object, config));
    json_object_set_new(object, "architectures", json_pack("[s]", "ElectraModel"));
    CHECK_OK(el_json_save(object, config));
    json_decref(object);
    CHECK_OK(el_safetensors_open(&file, tensors));
    int count = 0;
    for (int i = 0; i < file.count; i++)
        if (strncmp(file.entries[i].name, "electra.", 8) == 0) {
            file.entries[count] = file.entries[i];
            file.entries[count++].name += 8;
        }
    CHECK_OK(el_safetensors_write(tensors, file.entries, count, NULL, false));
    el_safetensors_close(&file);
    return to;
}

static void check_case_in(const char *model, const char *name, const json_t *c)
{
    static const struct {
        const char *key;
        el_embedder_settings settings;
    } WAYS[] = {{"cls", {.pooling = EL_POOL_CLS, .batch_tokens = 64}},
                {"mean", {.pooling = EL_POOL_MEAN, .batch_tokens = 64}},
                {"normalized", {.pooling = EL_POOL_MEAN, .normalize = true, .batch_tokens = 64}}};
    for (size_t i = 0; i < sizeof WAYS / sizeof *WAYS; i++) {
        fixture f;
        const float *vectors;
        open(&f, model, WAYS[i].settings);
        add(&f, json_string_value(of(c, "a")), json_string_value(of(c, "b")));
        CHECK_OK(el_embedder_ask(f.embedder, &f.texts, &vectors));
        assert_int_equal(el_embedder_lost(f.embedder)->cut, 0);
        check_vector(name, WAYS[i].key, vectors, of(c, WAYS[i].key));
        finish(&f);
    }
}

static void check_case(const char *name, const json_t *c)
{
    const char *const kind = json_string_value(of(c, "is"));
    check_case_in(their_folder(kind), name, c);
    check_case_in(bare_folder(kind), name, c);
}

static void as_transformers(void **state)
{
    (void)state;
    each_case("embed.jsonl", 10, check_case);
}

/* A text's vector is the same alone, among others, in passes of any size, and when it is asked again. */
static void batches_change_nothing(void **state)
{
    (void)state;
    enum { TEXTS = 23 };
    static const int TOKENS[] = {1, 17, 40, 1000};
    float first[TEXTS * WIDTH];
    for (size_t t = 0; t < sizeof TOKENS / sizeof *TOKENS; t++) {
        fixture f;
        const float *vectors;
        open(&f, their_folder("token"), (el_embedder_settings){.batch_tokens = TOKENS[t]});
        for (int i = 0; i < TEXTS; i++) {
            const char *const a = made_text(&f.texts, i, i % 7), *const b = made_text(&f.texts, i + 5, 3);
            add(&f, a, i % 3 ? NULL : b);
        }
        CHECK_OK(el_embedder_ask(f.embedder, &f.texts, &vectors));
        CHECK_OK(el_embedder_ask(f.embedder, &f.texts, &vectors));
        if (t == 0)
            memcpy(first, vectors, sizeof first);
        for (int i = 0; i < TEXTS * WIDTH; i++)
            CHECK(fabsf(vectors[i] - first[i]) < 1e-6f, "%d tokens: value %d is %.9g, not %.9g", TOKENS[t], i,
                  (double)vectors[i], (double)first[i]);
        finish(&f);
    }
}

/* What is longer than the model or the request is cut and counted; its vector is that of what is left. */
static void long_texts_are_cut(void **state)
{
    (void)state;
    static const int LENGTHS[] = {0, PLACES, 7};
    for (size_t n = 0; n < sizeof LENGTHS / sizeof *LENGTHS; n++) {
        const int longest = LENGTHS[n] ? LENGTHS[n] : PLACES;
        fixture f;
        const float *v;
        open(&f, their_folder("span"),
             (el_embedder_settings){.max_seq_length = LENGTHS[n], .batch_tokens = 8});
        assert_int_equal(el_embedder_longest(f.embedder), longest);
        add(&f, made_text(&f.texts, 2, longest - 1), NULL);
        add(&f, made_text(&f.texts, 2, 3 * longest), NULL);
        add(&f, made_text(&f.texts, 2, longest - 2), NULL);
        CHECK_OK(el_embedder_ask(f.embedder, &f.texts, &v));
        assert_int_equal(el_embedder_lost(f.embedder)->cut, 2);
        for (int i = 0; i < WIDTH; i++)
            CHECK(fabsf(v[i] - v[2 * WIDTH + i]) < 1e-6f && fabsf(v[WIDTH + i] - v[i]) < 1e-6f,
                  "value %d: %.9g and %.9g cut, %.9g as short", i, (double)v[i], (double)v[WIDTH + i],
                  (double)v[2 * WIDTH + i]);
        finish(&f);
    }
}

/* Where a token sees those before it alone, [CLS] has seen no text: the last row, which has, is taken in its place. */
static void a_causal_network_has_read_all_in_its_last_row(void **state)
{
    (void)state;
    const char *const theirs = their_folder("token");
    char path[512];
    fixture f;
    const float *v;
    json_t *config;
    snprintf(path, sizeof path, "%s/config.json", theirs);
    CHECK_OK(el_json_load(&config, path));
    json_object_set_new(config, "is_decoder", json_true());
    CHECK_OK(el_json_save(config, path));
    json_decref(config);
    open(&f, theirs, (el_embedder_settings){.pooling = EL_POOL_CLS, .batch_tokens = 64});
    add(&f, made_text(&f.texts, 2, 3), NULL);
    add(&f, made_text(&f.texts, 7, 3), NULL);
    CHECK_OK(el_embedder_ask(f.embedder, &f.texts, &v));
    float apart = 0;
    for (int i = 0; i < WIDTH; i++)
        apart = fmaxf(apart, fabsf(v[i] - v[WIDTH + i]));
    CHECK(apart > 1e-3f, "two texts have one vector, but for %g", (double)apart);
    finish(&f);
}

static void what_cannot_be_opened(void **state)
{
    (void)state;
    el_queue *q;
    el_embedder *embedder = NULL;
    const el_embedder_settings longer = {.max_seq_length = PLACES + 1, .batch_tokens = 8},
                               usual = {.batch_tokens = 8};
    CHECK_OK(el_queue_open(&q, 1, NULL));
    CHECK_OK(
        el_embedder_open(&embedder, q, EL_F32, their_folder("token"), &longer)); /* its places are taken */
    el_embedder_close(embedder);
    embedder = NULL;
    CHECK_FAILS(el_embedder_open(&embedder, q, EL_F32, TEST_DATA "/../model/golden/generator", &usual),
                EL_EDATA, "no vocab.txt");
    CHECK_FAILS(el_embedder_open(&embedder, q, EL_F32, "/nowhere", &usual), EL_EDATA, "/nowhere");
    assert_null(embedder);
    el_queue_close(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_transformers),
        cmocka_unit_test(batches_change_nothing),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(a_causal_network_has_read_all_in_its_last_row),
        cmocka_unit_test(what_cannot_be_opened),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
