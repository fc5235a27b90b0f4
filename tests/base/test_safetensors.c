/* safetensors - what is written is read back, and nothing a file says is believed */
#include "folder.h"

#include <unistd.h>

#include "base/safetensors.h"

static const float three[3] = {1, -2, 3.5f};
static const int64_t words[6] = {1, 2, 3, 4, 5, -6};
static const unsigned char bytes[64] = {9, 8, 7};
static const float square[16] = {0, 1, 2, 3};

static const el_st_entry entries[] = {
    {"three", EL_ST_F32, 1, {3}, three, 12},      {"bytes", EL_ST_U8, 1, {5}, bytes, 5},
    {"words", EL_ST_I64, 2, {2, 3}, words, 48},   {"square", EL_ST_F32, 2, {4, 4}, square, 64},
    {"scalar", EL_ST_F64, 0, {0}, words, 8},      {"empty", EL_ST_BF16, 2, {0, 7}, NULL, 0},
    {"all", EL_ST_BOOL, 3, {4, 4, 4}, bytes, 64}, {"half", EL_ST_F16, 1, {1}, bytes, 2},
};
enum { ENTRIES = sizeof entries / sizeof *entries };

static void check_entry(const el_safetensors *st, const el_st_entry *expected)
{
    const el_st_entry *entry;
    CHECK_OK(el_safetensors_need(st, expected->name, expected->type, expected->dims, &entry));
    assert_int_equal(entry->bytes, expected->bytes);
    assert_int_equal(el_st_elements(entry), el_st_elements(expected));
    for (int d = 0; d < expected->dims; d++)
        assert_int_equal(entry->shape[d], expected->shape[d]);
    CHECK(entry->bytes == 0 || memcmp(entry->data, expected->data, entry->bytes) == 0, "%s: other bytes",
          entry->name);
    CHECK((uintptr_t)entry->data % el_st_type_bytes(entry->type) == 0, "%s is misaligned", entry->name);
    CHECK(entry->bytes % 64 || (uintptr_t)entry->data % 64 == 0, "%s is not aligned to 64 bytes",
          entry->name);
}

/* Every tensor, shape and metadata string comes back; checksums agree. */
static void test_round_trip(void **state)
{
    (void)state;
    json_t *metadata = json_pack("{s:s}", "step", "12");
    el_safetensors st;
    CHECK_OK(el_safetensors_write(in_folder("a.st"), entries, ENTRIES, metadata, true));
    CHECK_OK(el_safetensors_open(&st, in_folder("a.st")));
    assert_int_equal(st.count, ENTRIES);
    for (int i = 0; i < ENTRIES; i++)
        check_entry(&st, &entries[i]);
    assert_string_equal(el_safetensors_metadata(&st, "step"), "12");
    assert_string_equal(el_safetensors_metadata(&st, "format"), "pt");
    assert_null(el_safetensors_metadata(&st, "absent"));
    assert_int_equal(json_object_size(metadata), 1); /* the caller's is as it was */
    assert_int_equal(strlen(el_safetensors_metadata(&st, "xxh3:three")), 16);
    CHECK_OK(el_safetensors_verify(&st));
    el_safetensors_close(&st);
    el_safetensors_close(&st);
    json_decref(metadata);
}

/* A file of no tensors is one, too. */
static void test_none(void **state)
{
    (void)state;
    el_safetensors st;
    CHECK_OK(el_safetensors_write(in_folder("none.st"), NULL, 0, NULL, false));
    CHECK_OK(el_safetensors_open(&st, in_folder("none.st")));
    assert_int_equal(st.count, 0);
    assert_null(el_safetensors_find(&st, "x"));
    CHECK_OK(el_safetensors_verify(&st));
    el_safetensors_close(&st);
}

/* The same tensors give the same file. */
static void test_deterministic(void **state)
{
    (void)state;
    el_mapping a, b;
    CHECK_OK(el_safetensors_write(in_folder("d1.st"), entries, ENTRIES, NULL, true));
    CHECK_OK(el_safetensors_write(in_folder("d2.st"), entries, ENTRIES, NULL, true));
    CHECK_OK(el_mapping_open(&a, in_folder("d1.st")));
    CHECK_OK(el_mapping_open(&b, in_folder("d2.st")));
    assert_true(a.size == b.size && memcmp(a.data, b.data, a.size) == 0);
    el_mapping_close(&a);
    el_mapping_close(&b);
}

/* A flipped bit in any tensor is named by verify. */
static void test_checksums(void **state)
{
    (void)state;
    CHECK_OK(el_safetensors_write(in_folder("c.st"), entries, ENTRIES, NULL, true));
    el_mapping file;
    CHECK_OK(el_mapping_open(&file, in_folder("c.st")));
    unsigned char *copy = malloc(file.size);
    memcpy(copy, file.data, file.size);
    for (int i = 0; i < ENTRIES; i++) {
        el_safetensors st;
        CHECK_OK(el_safetensors_parse(&st, copy, file.size, "copy"));
        const el_st_entry *entry = el_safetensors_find(&st, entries[i].name);
        const size_t at = (size_t)((const unsigned char *)entry->data - copy) + entry->bytes / 2;
        if (entry->bytes) {
            copy[at] ^= 4;
            CHECK_FAILS(el_safetensors_verify(&st), EL_EDATA, entries[i].name);
            copy[at] ^= 4;
        }
        el_safetensors_close(&st);
    }
    free(copy);
    el_mapping_close(&file);
}

/* Asking for the wrong thing names file and tensor. */
static void test_need(void **state)
{
    (void)state;
    el_safetensors st;
    const el_st_entry *entry;
    CHECK_OK(el_safetensors_write(in_folder("n.st"), entries, ENTRIES, NULL, false));
    CHECK_OK(el_safetensors_open(&st, in_folder("n.st")));
    CHECK_FAILS(el_safetensors_need(&st, "four", EL_ST_F32, 1, &entry), EL_EDATA, "n.st: has no tensor four");
    CHECK_FAILS(el_safetensors_need(&st, "three", EL_ST_BF16, 1, &entry), EL_EDATA,
                "tensor three is F32, not BF16");
    CHECK_FAILS(el_safetensors_need(&st, "three", EL_ST_F32, 2, &entry), EL_EDATA, "has 1 dimensions, not 2");
    assert_null(entry);
    el_safetensors_close(&st);
}

/* A file of this header and this much data, in exactly as much memory, so that ASan sees a byte too far. */
static el_status read_header(el_safetensors *st, const char *header, size_t data, void **memory)
{
    const size_t length = strlen(header);
    unsigned char *file = calloc(1, 8 + length + data);
    for (int i = 0; i < 8; i++)
        file[i] = (unsigned char)((uint64_t)length >> 8 * i);
    memcpy(file + 8, header, length);
    *memory = file;
    return el_safetensors_parse(st, file, 8 + length + data, "t.st");
}

/* Each lie about the data is refused in a sentence that names it. */
static void test_hostile_headers(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t data;
        const char *says; /* NULL: is accepted */
    } lines[] = {
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, NULL},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}      ", 8, NULL},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4],\"more\":1}}", 4, NULL},
        {"{}", 0, NULL},
        {"", 0, "not JSON"},
        {"[]", 0, "not a JSON object"},
        {"{}", 1, "belong to no tensor"},
        {"{\"a\":5}", 0, "tensor a is not described by an object"},
        {"{\"a\":{}}", 0, "tensor a has no dtype"},
        {"{\"a\":{\"dtype\":7,\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "tensor a has no dtype"},
        {"{\"a\":{\"dtype\":\"F33\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, NULL},
        {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", 8, "has no shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":{},\"data_offsets\":[0,8]}}", 8, "has no shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2.0],\"data_offsets\":[0,8]}}", 8, "a dimension"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", 8, "a dimension"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}", 4,
         "9 dimensions"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,0]}}", 0,
         "too large"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 0,
         "too large"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[9223372036854775807],\"data_offsets\":[0,8]}}", 8,
         "too large"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, "data_offsets is not two"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8]}}", 8, "data_offsets is not two"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8,9]}}", 8, "data_offsets is not two"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,\"8\"]}}", 8,
         "data_offsets is not two"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]}}", 8, "not within"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", 8, "not within"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 7, "not within"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[9223372036854775800,9223372036854775807]}"
         "}",
         8, "not within"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8, "its shape needs 12"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}", 12, "a hole"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
         "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}",
         3, "an overlap"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
         "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[3,5]}}",
         5, "a hole"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
         "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}",
         2, "an overlap"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
         "\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[2,4]}}",
         4, "duplicate"},
        {"{\"__metadata__\":[]}", 0, "__metadata__ is not an object"},
        {"{\"__metadata__\":{\"a\":1}}", 0, "__metadata__: a is not a string"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        el_safetensors st;
        void *memory;
        const el_status status = read_header(&st, lines[i].header, lines[i].data, &memory);
        const bool right = lines[i].says ? status == EL_EDATA && strstr(el_error(), lines[i].says) &&
                                               strncmp(el_error(), "t.st: ", 6) == 0
                                         : status == EL_OK;
        CHECK(right, "%s: status %d, \"%s\", not \"%s\"", lines[i].header, status, el_error(),
              lines[i].says ? lines[i].says : "accepted");
        el_safetensors_close(&st);
        free(memory);
    }
}

/* The length before the header is not believed either. */
static void test_hostile_lengths(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {3, 99, 100000001, UINT32_MAX, INT64_MAX, UINT64_MAX, UINT64_MAX - 7};
    el_safetensors st;
    unsigned char file[10] = {0};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        for (int b = 0; b < 8; b++)
            file[b] = (unsigned char)(lengths[i] >> 8 * b);
        file[8] = '{', file[9] = '}';
        CHECK_FAILS(el_safetensors_parse(&st, file, 10, "t.st"), EL_EDATA, "not a safetensors file");
    }
    CHECK_FAILS(el_safetensors_parse(&st, file, 7, "t.st"), EL_EDATA, "too short");
    CHECK_FAILS(el_safetensors_parse(&st, "", 0, "t.st"), EL_EDATA, "too short");
}

/* A file cut anywhere is refused. */
static void test_cut(void **state)
{
    (void)state;
    el_mapping file;
    CHECK_OK(el_safetensors_write(in_folder("cut.st"), entries, ENTRIES, NULL, true));
    CHECK_OK(el_mapping_open(&file, in_folder("cut.st")));
    for (size_t size = 0; size < file.size; size += 1 + size / 100) {
        unsigned char *cut = malloc(size + 1);
        memcpy(cut, file.data, size);
        el_safetensors st;
        const el_status status = el_safetensors_parse(&st, cut, size, "cut");
        CHECK(status == EL_EDATA, "%zu of %zu bytes are accepted", size, file.size);
        free(cut);
    }
    el_mapping_close(&file);
    el_safetensors st;
    CHECK_FAILS(el_safetensors_open(&st, "/nowhere.st"), EL_EDATA, "/nowhere.st: No such file");
    CHECK_OK(el_file_write(in_folder("zero.st"), "", 0));
    CHECK_FAILS(el_safetensors_open(&st, in_folder("zero.st")), EL_EDATA, "too short");
}

/* Tensors that another writer put at odd places can still be read as their type. */
static void test_misaligned(void **state)
{
    (void)state;
    el_safetensors st;
    void *memory;
    CHECK_OK(read_header(&st,
                         "{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]},"
                         "\"b\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[3,19]},"
                         "\"c\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[19,23]}}",
                         23, &memory));
    for (int i = 0; i < 3; i++)
        CHECK((uintptr_t)st.entries[i].data % el_st_type_bytes(st.entries[i].type) == 0, "%s is misaligned",
              st.entries[i].name);
    const el_st_entry *b = el_safetensors_find(&st, "b");
    assert_true(((const double *)b->data)[1] == 0);
    el_safetensors_close(&st);
    free(memory);
}

/* A folder that is not there: a failure of the machine, naming the path. */
static void test_unwritable(void **state)
{
    (void)state;
    CHECK_FAILS(el_safetensors_write("/nowhere/a.st", entries, ENTRIES, NULL, false), EL_EFAILED,
                "/nowhere/a.st: No such file");
    CHECK_FAILS(el_safetensors_write("/dev/full", entries, ENTRIES, NULL, false), EL_EFAILED,
                "No space left");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_deterministic),
        cmocka_unit_test(test_checksums),
        cmocka_unit_test(test_need),
        cmocka_unit_test(test_hostile_headers),
        cmocka_unit_test(test_hostile_lengths),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_misaligned),
        cmocka_unit_test(test_unwritable),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
