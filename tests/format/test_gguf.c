/* A GGUF file is read back: its header counts what is there, tensors lie where it says, each at a multiple of 32, with the
 * parameters' numbers; tokens are marked as llama.cpp reads them; what the format has no place for is refused.  That
 * llama.cpp gives the same vectors is tools/check_gguf.py's to show. */

#include "folder.h"
#include "format/gguf.h"

enum { NUMBERS = 1 << 16 };

typedef struct {
    const unsigned char *start, *at, *end;
} bytes;

static uint64_t number(bytes *b, int size)
{
    uint64_t value = 0;
    CHECK(b->end - b->at >= size, "a number is cut");
    memcpy(&value, b->at, (size_t)size);
    b->at += size;
    return value;
}

static void string(bytes *b, char out[128])
{
    const uint64_t size = number(b, 8);
    CHECK(size < 128 && (uint64_t)(b->end - b->at) >= size, "a string of %llu bytes",
          (unsigned long long)size);
    memcpy(out, b->at, size);
    out[size] = '\0';
    b->at += size;
}

/* Passes a value; notes the tokens and their kinds, and the number of a key that is looked for. */
static void value(bytes *b, const char *key, uint64_t type, char tokens[][128], uint64_t *kinds,
                  const char *wanted, uint64_t *found)
{
    static const int SIZES[] = {[4] = 4, [5] = 4, [6] = 4, [7] = 1};
    char text[128];
    if (type == 8) {
        string(b, text);
    } else if (type == 9) {
        const uint64_t inner = number(b, 4), count = number(b, 8);
        for (uint64_t i = 0; i < count; i++) {
            if (inner == 8)
                string(b, tokens[i]);
            else
                kinds[i] = number(b, SIZES[inner]);
        }
    } else {
        const uint64_t n = number(b, SIZES[type]);
        if (strcmp(key, wanted) == 0)
            *found = n;
    }
}

static el_config tiny(void)
{
    el_config c = el_config_default();
    c.vocab_size = 12;
    c.embedding_size = c.hidden_size = 8;
    c.num_hidden_layers = 2;
    c.num_attention_heads = 2;
    c.intermediate_size = 20;
    c.max_position_embeddings = 10;
    return c;
}

/* A line is there twice, as in some vocabularies that people have published. */
static el_vocab *letters(void)
{
    static const char TEXT[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nab\n##c\n[unused1]\nab\n";
    el_vocab *vocab;
    CHECK_OK(el_vocab_parse(&vocab, TEXT, sizeof TEXT - 1, (el_casing){true, true, true}, "letters"));
    return vocab;
}

/* The length of the name and how many are asked for: every parameter has other numbers. */
static el_status numbers(void *context, const char *name, int64_t rows, int64_t cols, float *out)
{
    const int64_t count = (rows ? rows : 1) * cols;
    (void)context;
    for (int64_t i = 0; i < count; i++)
        out[i] = (float)strlen(name) + (float)count / 1024 + (float)(i % 7);
    return EL_OK;
}

static void files_say_what_is_in_them(void **state)
{
    (void)state;
    el_vocab *const vocab = letters();
    const el_gguf model = {.config = tiny(), .vocab = vocab, .cls = true, .type = EL_ST_F32, .read = numbers};
    const char *const path = in_folder("model.gguf");
    CHECK_OK(el_gguf_write(&model, path));
    el_mapping file;
    CHECK_OK(el_mapping_open(&file, path));
    bytes b = {file.data, file.data, (const unsigned char *)file.data + file.size};
    CHECK(memcmp(b.at, "GGUF", 4) == 0, "no magic");
    b.at += 4;
    const uint64_t version = number(&b, 4), tensors = number(&b, 8), values = number(&b, 8);
    CHECK(version == 3 && tensors == 5 + 2 * 16, "version %d, %d tensors", (int)version, (int)tensors);
    static char tokens[16][128];
    uint64_t pooling = 0, kinds[16];
    for (uint64_t i = 0; i < values; i++) {
        char key[128];
        string(&b, key);
        const uint64_t type = number(&b, 4);
        value(&b, key, type, tokens, kinds, "bert.pooling_type", &pooling);
    }
    CHECK(pooling == 2, "pooling %d", (int)pooling);
    static const char *const TOKENS[] = {"[PAD]",          "[UNK]",  "[CLS]",   "[SEP]",
                                         "[MASK]",         "[PAD5]", "c",       "[unused1]",
                                         "\342\226\201ab", "[PAD9]", "[PAD10]", "[PAD11]"};
    CHECK(kinds[5] == 5 && kinds[8] == 1, "an id of each \"ab\" is of kinds %d and %d, not 5 and 1",
          (int)kinds[5], (int)kinds[8]);
    for (int i = 0; i < 12; i++)
        CHECK(strcmp(tokens[i], TOKENS[i]) == 0, "token %d is %s, not %s", i, tokens[i], TOKENS[i]);
    struct {
        char name[128];
        uint64_t elements, place;
    } list[64];
    for (uint64_t i = 0; i < tensors; i++) {
        string(&b, list[i].name);
        list[i].elements = 1;
        for (uint64_t d = number(&b, 4); d > 0; d--)
            list[i].elements *= number(&b, 8);
        CHECK(number(&b, 4) == 0, "%s is not of floats", list[i].name);
        list[i].place = number(&b, 8);
        CHECK(list[i].place % 32 == 0, "%s lies at %llu", list[i].name, (unsigned long long)list[i].place);
    }
    const size_t data = ((size_t)(b.at - b.start) + 31) / 32 * 32;
    static float want[NUMBERS];
    for (uint64_t i = 0; i < tensors; i++) {
        CHECK(data + list[i].place + list[i].elements * 4 <= file.size, "%s is beyond the end", list[i].name);
        if (strcmp(list[i].name, "blk.1.ffn_down.weight") != 0)
            continue;
        CHECK_OK(
            numbers(NULL, "electra.encoder.layer.1.output.dense.weight", 0, (int64_t)list[i].elements, want));
        CHECK(memcmp(b.start + data + list[i].place, want, list[i].elements * 4) == 0, "%s has other numbers",
              list[i].name);
    }
    el_mapping_close(&file);
    el_vocab_close(vocab);
}

/* Memory is reserved for the largest parameter, whichever it is. */
static void more_types_than_pieces(void **state)
{
    (void)state;
    el_vocab *const vocab = letters();
    el_gguf model = {.config = tiny(), .vocab = vocab, .type = EL_ST_F32, .read = numbers};
    model.config.type_vocab_size = 40000;
    CHECK_OK(el_gguf_write(&model, in_folder("types.gguf")));
    el_vocab_close(vocab);
}

static void what_has_no_place_is_refused(void **state)
{
    (void)state;
    el_vocab *const vocab = letters();
    el_gguf model = {.config = tiny(), .vocab = vocab, .type = EL_ST_F32, .read = numbers};
    model.config.embedding_size = 4;
    const char *const path = in_folder("none.gguf");
    CHECK(el_gguf_write(&model, path) == EL_EUSAGE && strstr(el_error(), "no projection"), "%s", el_error());
    model.config = tiny();
    model.config.causal = true;
    CHECK(el_gguf_write(&model, path) == EL_EUSAGE && strstr(el_error(), "one direction"), "%s", el_error());
    CHECK(!el_file_exists(path), "something is left");
    el_vocab_close(vocab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(files_say_what_is_in_them),
                                       cmocka_unit_test(more_types_than_pieces),
                                       cmocka_unit_test(what_has_no_place_is_refused)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
