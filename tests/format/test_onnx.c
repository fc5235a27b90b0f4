/* An ONNX file is read back: every input of a node is there before it, weights have their bytes, sizes are free, and
 * outputs are those of the head.  That run-times compute the same is tools/check_onnx.py's to show. */

#include <math.h>

#include "folder.h"
#include "format/onnx.h"

enum { MOST = 4096 };

typedef struct {
    const unsigned char *at, *end;
} bytes;

static uint64_t varint(bytes *b)
{
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
        CHECK(b->at < b->end && shift < 64, "a number is cut");
        const unsigned char c = *b->at++;
        value |= (uint64_t)(c & 127) << shift;
        if (!(c & 128))
            return value;
    }
}

/* The next field of a message; what it holds is a number, or bytes. */
typedef struct {
    int field;
    uint64_t number;
    bytes inside;
} field;

static bool next(bytes *b, field *f)
{
    if (b->at == b->end)
        return false;
    const uint64_t tag = varint(b);
    *f = (field){.field = (int)(tag >> 3)};
    size_t size = 0;
    switch (tag & 7) {
    case 0:
        f->number = varint(b);
        return true;
    case 1:
        size = 8;
        break;
    case 2:
        size = (size_t)varint(b);
        break;
    case 5:
        size = 4;
        break;
    default:
        fail_msg("wire type %d", (int)(tag & 7));
    }
    CHECK((size_t)(b->end - b->at) >= size, "field %d is cut", f->field);
    f->inside = (bytes){b->at, b->at + size};
    b->at += size;
    return true;
}

/* Names that are known so far. */
typedef struct {
    char names[MOST][128];
    int count;
    char outputs[4][128];
    int output_count, nodes;
    uint64_t weights; /* bytes of floats */
    uint64_t whole;   /* 8-bit numbers */
    int products;     /* of these, each with the zero of its weights */
} seen;

static void text_of(bytes b, char out[128])
{
    CHECK(b.end - b.at < 128, "a name of %td bytes", b.end - b.at);
    memcpy(out, b.at, (size_t)(b.end - b.at));
    out[b.end - b.at] = '\0';
}

static bool knows(const seen *s, const char *name)
{
    for (int i = 0; i < s->count; i++)
        if (strcmp(s->names[i], name) == 0)
            return true;
    return false;
}

static void learn(seen *s, const char *name)
{
    CHECK(!knows(s, name), "%s is there twice", name);
    CHECK(s->count < MOST, "too many names");
    snprintf(s->names[s->count++], 128, "%s", name);
}

/* The last of its inputs is the zero of its weights. */
static bool is_whole_product(bytes b)
{
    char op[128] = "", last[128] = "";
    for (field f; next(&b, &f);) {
        if (f.field == 1)
            text_of(f.inside, last);
        if (f.field == 4)
            text_of(f.inside, op);
    }
    return strcmp(op, "MatMulInteger") == 0 && strcmp(last, "whole_zero") == 0;
}

static void read_node(seen *s, bytes b)
{
    char name[128];
    field f;
    s->products += is_whole_product(b);
    for (bytes rest = b; next(&rest, &f);)
        if (f.field == 1) {
            text_of(f.inside, name);
            CHECK(knows(s, name), "a node reads %s, which nothing makes before it", name);
        }
    for (bytes rest = b; next(&rest, &f);)
        if (f.field == 2) {
            text_of(f.inside, name);
            learn(s, name);
        }
    s->nodes++;
}

static void read_tensor(seen *s, bytes b)
{
    uint64_t elements = 1, type = 0, held = 0;
    char name[128] = "";
    for (field f; next(&b, &f);) {
        elements *= f.field == 1 ? f.number : 1;
        type = f.field == 2 ? f.number : type;
        if (f.field == 8)
            text_of(f.inside, name);
        if (f.field == 9)
            held = (uint64_t)(f.inside.end - f.inside.at);
    }
    CHECK(type != 3, "%s has signs, and onnxruntime adds products with such in 16 bits", name);
    CHECK(held == elements * (type == 7   ? 8
                              : type == 2 ? 1
                                          : 4),
          "%s has %llu bytes of %llu elements", name, (unsigned long long)held, (unsigned long long)elements);
    s->weights += type == 1 ? held : 0;
    s->whole += type == 2 ? held : 0;
    learn(s, name);
}

static void read_info(bytes b, char name[128])
{
    for (field f; next(&b, &f);)
        if (f.field == 1)
            text_of(f.inside, name);
}

static void read_graph(seen *s, bytes b)
{
    char name[128];
    for (field f; next(&b, &f);) {
        if (f.field == 1)
            read_node(s, f.inside);
        if (f.field == 5)
            read_tensor(s, f.inside);
        if (f.field == 11) {
            read_info(f.inside, name);
            learn(s, name);
        }
        if (f.field == 12) {
            read_info(f.inside, name);
            CHECK(knows(s, name), "nothing makes the output %s", name);
            snprintf(s->outputs[s->output_count++], 128, "%s", name);
        }
    }
}

static el_config tiny(void)
{
    el_config c = el_config_default();
    c.vocab_size = 50;
    c.embedding_size = 8;
    c.hidden_size = 16;
    c.num_hidden_layers = 2;
    c.num_attention_heads = 2;
    c.intermediate_size = 32;
    c.max_position_embeddings = 20;
    return c;
}

static int64_t asked; /* numbers of parameters that were asked for */

static el_status zeros(void *context, const char *name, int64_t rows, int64_t cols, float *numbers)
{
    const int64_t count = (rows ? rows : 1) * cols;
    (void)context;
    (void)name;
    memset(numbers, 0, (size_t)count * sizeof *numbers);
    asked += count;
    return EL_OK;
}

static void write_and_read(el_onnx model, seen *s)
{
    const char *const path = in_folder("model.onnx");
    CHECK_OK(el_onnx_write(&model, path));
    el_mapping file;
    CHECK_OK(el_mapping_open(&file, path));
    bytes b = {file.data, file.data + file.size};
    uint64_t version = 0;
    for (field f; next(&b, &f);) {
        version = f.field == 1 ? f.number : version;
        if (f.field == 7)
            read_graph(s, f.inside);
    }
    CHECK(version == 8, "IR version %d", (int)version);
    el_mapping_close(&file);
}

static void graphs_of_all_heads(void **state)
{
    (void)state;
    const int64_t body = (50 + 20 + 2) * 8 + 2 * 8 + (8 * 16 + 16) +
                         2 * (4 * (16 * 16 + 16) + 2 * 16 + (16 * 32 + 32) + (32 * 16 + 16) + 2 * 16);
    const struct {
        el_head_kind head;
        int64_t parameters;
        const char *outputs[3];
    } heads[] = {
        {EL_HEAD_NONE, 0, {"last_hidden_state"}},
        {EL_HEAD_CLOZE, 0, {"last_hidden_state"}}, /* no graph is known for it */
        {EL_HEAD_DETECTION, 16 * 16 + 16 + 16 + 1, {"logits", "last_hidden_state"}},
        {EL_HEAD_MLM, 16 * 8 + 8 + 2 * 8 + 50, {"logits", "last_hidden_state"}},
        {EL_HEAD_SEQUENCE, 16 * 16 + 16 + 3 * 16 + 3, {"logits", "last_hidden_state"}},
        {EL_HEAD_SEQUENCE_AFFINE, 3 * 16 + 3, {"logits", "last_hidden_state"}},
        {EL_HEAD_POOLED, 16 * 16 + 16 + 3 * 16 + 3, {"logits", "last_hidden_state"}},
        {EL_HEAD_TOKEN, 3 * 16 + 3, {"logits", "last_hidden_state"}},
        {EL_HEAD_SPAN, 2 * 16 + 2, {"start_logits", "end_logits", "last_hidden_state"}},
    };
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        static seen s;
        s = (seen){0};
        asked = 0;
        write_and_read(
            (el_onnx){.config = tiny(), .head = heads[i].head, .labels = 3, .version = "test", .read = zeros},
            &s);
        CHECK(asked == body + heads[i].parameters, "head %d: %lld numbers are read, not %lld",
              (int)heads[i].head, (long long)asked, (long long)(body + heads[i].parameters));
        const uint64_t constants =
            5 * sizeof(float); /* sqrt(2), 1, 1/2, the mask, the root of the head size */
        CHECK(s.weights == (uint64_t)asked * sizeof(float) + constants, "head %d: %llu bytes of weights",
              (int)heads[i].head, (unsigned long long)s.weights);
        for (int k = 0; k < 3 && heads[i].outputs[k]; k++)
            CHECK(strcmp(s.outputs[k], heads[i].outputs[k]) == 0, "head %d: output %d is %s",
                  (int)heads[i].head, k, s.outputs[k]);
    }
}

/* Memory is reserved for the largest parameter and the longest row, whichever they are.  Of a model of sizes 1 only a
 * sanitizer sees what is written beyond it. */
static void any_parameter_may_be_the_largest(void **state)
{
    (void)state;
    static seen s;
    el_onnx model = {.config = tiny(), .head = EL_HEAD_SPAN, .version = "test", .read = zeros};
    model.config.type_vocab_size = 40000;
    s = (seen){0};
    write_and_read(model, &s);
    model.config = tiny();
    model.config.vocab_size = model.config.max_position_embeddings = model.config.type_vocab_size = 1;
    model.config.embedding_size = model.config.hidden_size = model.config.intermediate_size = 1;
    model.config.num_attention_heads = 1;
    s = (seen){0};
    write_and_read(model, &s);
}

/* 1, -2, 3, -4, ... in every parameter */
static el_status counts(void *context, const char *name, int64_t rows, int64_t cols, float *numbers)
{
    const int64_t count = (rows ? rows : 1) * cols;
    (void)context;
    (void)name;
    for (int64_t i = 0; i < count; i++)
        numbers[i] = (float)(i % 2 ? -i - 1 : i + 1);
    return EL_OK;
}

/* Where a file has these bytes, in all of it. */
static int find(const el_mapping *file, const void *wanted, size_t size)
{
    int found = 0;
    for (size_t i = 0; i + size <= file->size; i++)
        found += memcmp((const char *)file->data + i, wanted, size) == 0;
    return found;
}

/* Of the encoder alone: its matrices are whole numbers without a sign, 128 for 0, with a scale and a total an output, and two
 * rows of zeros more. */
static void an_encoder_of_whole_numbers(void **state)
{
    (void)state;
    static seen s;
    s = (seen){0};
    const el_onnx model = {
        .config = tiny(), .head = EL_HEAD_DETECTION, .int8 = true, .version = "test", .read = counts};
    write_and_read(model, &s);
    const uint64_t matrices = (8 + 2) * 16 + 2 * (4 * (16 + 2) * 16 + (16 + 2) * 32 + (32 + 2) * 16);
    CHECK(s.whole == matrices + 1, "%llu whole numbers, not %llu and their zero", (unsigned long long)s.whole,
          (unsigned long long)matrices);
    CHECK(s.products == 1 + 2 * 6, "%d products know the zero of their weights, not 13", s.products);
    el_mapping file;
    CHECK_OK(el_mapping_open(&file, in_folder("model.onnx")));
    /* The projection (16, 8): row r is 8 r + 1, -8 r - 2, ..., -8 r - 8, whose largest is 8 (r + 1). */
    uint8_t first[16];
    float scales[16], totals[16];
    for (int r = 0; r < 16; r++) {
        scales[r] = (float)(8 * r + 8) / 127;
        first[r] = (uint8_t)(128 + (int)nearbyintf((float)(8 * r + 1) * (1 / scales[r])));
        totals[r] = 0;
        for (int i = 1; i <= 8; i++)
            totals[r] += nearbyintf((float)((i % 2 ? 1 : -1) * (8 * r + i)) * (1 / scales[r]));
        totals[r] *= scales[r];
    }
    CHECK(find(&file, first, sizeof first) == 1, "the projection's first inputs are not there");
    CHECK(find(&file, scales, sizeof scales) == 1, "the projection's scales are not there");
    CHECK(find(&file, totals, sizeof totals) == 1, "the sums of the projection's columns are not there");
    uint8_t zeros[2 * 16];
    memset(zeros, 128, sizeof zeros);
    CHECK(find(&file, zeros, sizeof zeros), "the rows of the ends are not zeros");
    el_mapping_close(&file);
}

static el_status nothing(void *context, const char *name, int64_t rows, int64_t cols, float *numbers)
{
    (void)context;
    (void)rows;
    (void)cols;
    (void)numbers;
    return el_fail(EL_EDATA, "%s is missing", name);
}

static void a_missing_parameter_leaves_no_file(void **state)
{
    (void)state;
    const el_onnx model = {.config = tiny(), .version = "test", .read = nothing};
    const char *const path = in_folder("none.onnx");
    CHECK(el_onnx_write(&model, path) == EL_EDATA, "a model without parameters is written");
    CHECK(strstr(el_error(), "electra.embeddings.word_embeddings.weight"), "%s", el_error());
    CHECK(!el_file_exists(path), "something is left");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(graphs_of_all_heads), cmocka_unit_test(any_parameter_may_be_the_largest),
        cmocka_unit_test(an_encoder_of_whole_numbers), cmocka_unit_test(a_missing_parameter_leaves_no_file)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
