/* options - flags, files and help, all from one table */
#include "folder.h"

#include <math.h>

#include "base/json.h"
#include "base/nearest.h"
#include "base/options.h"

typedef struct {
    int64_t steps, seed, threads;
    double rate, mask;
    bool lower, verbose;
    const char *output, *name;
    const char *const *models;
    int size;
    el_course weight;
} settings;

#define FIELD(name) offsetof(settings, name)
static const el_option table[] = {
    {"training", EL_OPT_SECTION, 0, 0, 0, NULL, "Training"},
    {"num_train_steps", EL_OPT_INT, FIELD(steps), 1, 1e9, NULL, "optimizer steps"},
    {"learning_rate", EL_OPT_REAL, FIELD(rate), 0, INFINITY, NULL, "largest rate"},
    {"mask_prob", EL_OPT_REAL, FIELD(mask), 0, 1, NULL, "share of tokens that are masked"},
    {"seed", EL_OPT_INT, FIELD(seed), 0, 0, NULL, "any number"},
    {"threads", EL_OPT_INT, FIELD(threads), 1, 1024, NULL, "threads; all processors unless given"},
    {"files", EL_OPT_SECTION, 0, 0, 0, NULL, "Files"},
    {"lowercase", EL_OPT_SWITCH, FIELD(lower), 0, 0, NULL, "lower-case the text"},
    {"verbose", EL_OPT_SWITCH, FIELD(verbose), 0, 0, NULL, "say more"},
    {"output", EL_OPT_OUTPUT, FIELD(output), 0, 0, NULL, "folder to write"},
    {"run_name", EL_OPT_TEXT, FIELD(name), 0, 0, NULL, "a name"},
    {"model", EL_OPT_TEXTS, FIELD(models), 0, 0, NULL, "a model; several are allowed"},
    {"model_size", EL_OPT_CHOICE, FIELD(size), 0, 0, "tiny|small|base", "preset"},
    {"weight", EL_OPT_COURSE, FIELD(weight), 0, 9, NULL, "of a loss"},
};
enum { LINES = sizeof table / sizeof *table, MOST = 16 };

static settings s;

static el_options options_for(const char *operands)
{
    s = (settings){.steps = 1000, .rate = 5e-4, .mask = 0.15, .lower = true, .name = "run", .size = 1};
    return (el_options){.command = "pretrain",
                        .examples = "electra pretrain --data DIR\nelectra pretrain --seed 2\n",
                        .operands = operands,
                        .summary = "trains a model",
                        .table = table,
                        .count = LINES,
                        .settings = &s};
}

/* Splits a line at single spaces and parses it. */
static el_status parse(el_options *o, const char *operands, const char *line)
{
    static char text[1000], *argv[MOST];
    int argc = 0;
    *o = options_for(operands);
    argv[argc++] = (char *)"pretrain";
    snprintf(text, sizeof text, "%s", line);
    for (char *word = strtok(text, " "); word && argc < MOST; word = strtok(NULL, " "))
        argv[argc++] = word;
    return el_options_parse(o, argc, argv);
}

/* A flag may be given several times; a file may give a text or a list, and what comes back is a list. */
static void test_lists(void **state)
{
    (void)state;
    el_options o;
    CHECK_OK(parse(&o, NULL, "--seed 1 --threads 1"));
    CHECK(!s.models, "a list that nobody gave");
    el_options_close(&o);
    CHECK_OK(parse(&o, NULL, "--model a=1 --threads 1 --model=b"));
    CHECK(s.models && strcmp(s.models[0], "a=1") == 0 && strcmp(s.models[1], "b") == 0 && !s.models[2],
          "the list is not a=1, b");
    json_t *const all = el_options_json(&o), *const list = json_object_get(all, "model");
    CHECK(json_array_size(list) == 2 && strcmp(json_string_value(json_array_get(list, 1)), "b") == 0,
          "the list does not come back");
    el_options_close(&o);
    CHECK_OK(parse(&o, NULL, ""));
    CHECK_OK(el_options_apply(&o, all, "file"));
    CHECK(s.models && strcmp(s.models[1], "b") == 0 && !s.models[2], "a list of a file is not taken");
    json_object_set_new(all, "model", json_pack("[i]", 3));
    CHECK_FAILS(el_options_apply(&o, all, "file"), EL_EUSAGE, "list of texts");
    json_decref(all);
    el_options_close(&o);
    CHECK_FAILS(parse(&o, NULL, "--model a b"), EL_EUSAGE,
                "\"b\" is not expected: pretrain takes options only; give --model again");
    el_options_close(&o);
}

/* Values of every type arrive, spelt either way, and what was not given stays. */
static void test_values(void **state)
{
    (void)state;
    el_options o;
    CHECK_OK(parse(&o, NULL,
                   "--num-train-steps 1e6 --learning_rate=2.5e-4 --no-lowercase --verbose --output a=b "
                   "--model-size base"));
    assert_true(s.steps == 1000000 && s.rate == 2.5e-4 && !s.lower && s.verbose && s.size == 2);
    assert_string_equal(s.output, "a=b");
    assert_string_equal(s.name, "run");
    assert_true(s.mask == 0.15);
    assert_true(el_options_given(&o, "learning_rate") && el_options_given(&o, "lowercase"));
    assert_false(el_options_given(&o, "mask_prob"));
    el_options_close(&o);
    CHECK_OK(parse(&o, NULL,
                   "--seed -9223372036854775808 --lowercase=false --verbose=true --output=--x --run-name="));
    assert_true(s.seed == INT64_MIN && !s.lower && s.verbose);
    assert_string_equal(s.output, "--x");
    assert_string_equal(s.name, "");
    el_options_close(&o);
    CHECK_OK(parse(&o, NULL,
                   "--seed 9007199254740993 --seed 9007199254740995")); /* the last one counts, exactly */
    assert_true(s.seed == 9007199254740995);
    el_options_close(&o);
}

/* Operands and options mix; "--" ends options; "-" is an operand. */
static void test_operands(void **state)
{
    (void)state;
    el_options o;
    CHECK_OK(parse(&o, "FILE...", "a --seed 3 - b -- --seed -x"));
    static const char *const expected[] = {"a", "-", "b", "--seed", "-x"};
    assert_int_equal(o.operand_count, 5);
    for (int i = 0; i < 5; i++)
        assert_string_equal(o.operand[i], expected[i]);
    assert_int_equal(s.seed, 3);
    el_options_close(&o);
    CHECK_FAILS(parse(&o, NULL, "a"), EL_EUSAGE, "\"a\" is not expected");
    el_options_close(&o);
    CHECK_OK(parse(&o, NULL, ""));
    assert_int_equal(o.operand_count, 0);
    el_options_close(&o);
}

/* Every mistake is a usage error whose sentence quotes what was said. */
static void test_mistakes(void **state)
{
    (void)state;
    static const char *const lines[][2] = {
        {"--output -", "--output: - is not the standard output here"},
        {"--output=", "--output: \"\" names no file or folder"},
        {"--num-train-steps 1.5", "--num-train-steps: 1.5 is not a whole number"},
        {"--num-train-steps 32-64", "--num-train-steps: \"32-64\" is not a number"},
        {"--num-train-steps 1-2", "--num-train-steps: \"1-2\" is not a number"},
        {"--num-train-steps -", "--num-train-steps: \"-\" is not a number"},
        {"--seed +-5", "--seed: \"+-5\" is not a number"},
        {"--learning-rate 1-2", "--learning-rate: \"1-2\" is not a number"},
        {"--num_train_steps x", "--num-train-steps: \"x\" is not a number"},
        {"--num-train-steps 1x", "--num-train-steps: \"1x\" is not a number"},
        {"--num-train-steps=", "--num-train-steps: \"\" is not a number"},
        {"--num-train-steps 0", "--num-train-steps: 0 is not between 1 and 1000000000"},
        {"--num-train-steps 1e10", "--num-train-steps: 1e10 is not between"},
        {"--seed 1e300", "--seed: 1e300 is too large"},
        {"--seed 99999999999999999999", "--seed: 99999999999999999999 is too large"},
        {"--seed 0x10", "--seed: \"0x10\" is not a number"},
        {"--seed nan", "--seed: \"nan\" is not a number"},
        {"--mask-prob 2", "--mask-prob: 2 is not between 0 and 1"},
        {"--mask-prob nan", "--mask-prob: \"nan\" is not a number"},
        {"--learning-rate inf", "--learning-rate: \"inf\" is not a number"},
        {"--learning-rate 1e999", "--learning-rate: 1e999 is too large"},
        {"--learning-rate -1", "--learning-rate: -1 is not 0 or more"},
        {"--learning-rate 0,5", "--learning-rate: \"0,5\" is not a number"},
        {"--model-size smal", "--model-size: \"smal\" is not one of tiny, small, base"},
        {"--model-size tiny|small", "is not one of"},
        {"--lowercase=maybe", "--lowercase: \"maybe\" is neither true nor false"},
        {"--no-lowercase=true", "--no-lowercase: takes no value"},
        {"--output", "--output: needs a value"},
        {"--output --seed 3", "--output: needs a value"},
        {"--lerning-rate 1", "unknown option --lerning-rate; did you mean --learning-rate?"},
        {"--mask-porb=1", "did you mean --mask-prob?"},
        {"--train-steps 5", "did you mean --num-train-steps?"},
        {"--no-lowercas", "did you mean --no-lowercase?"},
        {"--no-seed", "unknown option --no-seed"},
        {"--hparam x", "did you mean --hparams?"},
        {"--training 3", "unknown option --training"},
        {"--zzzzzz", "unknown option --zzzzzz"},
        {"-x", "unknown option -x"},
        {"--config", "--config: needs a value"},
        {"--hparams {\"sed\":1}", "--hparams: unknown key \"sed\"; did you mean \"seed\"?"},
        {"--hparams {\"seed\":1.5}", "--hparams: seed: 1.5 is not a whole number"},
        {"--hparams {\"mask_prob\":3}", "--hparams: mask_prob: 3 is not between 0 and 1"},
        {"--hparams {\"seed\":\"1\"}", "--hparams: seed: not a whole number"},
        {"--hparams {\"lowercase\":1}", "--hparams: lowercase: not true or false"},
        {"--hparams {\"model_size\":\"huge\"}",
         "--hparams: model_size: \"huge\" is not one of tiny, small, base"},
        {"--weight 1:", "--weight: \"1:\" is not a number, or two with a colon between"},
        {"--weight 1:2:3", "--weight: \"1:2:3\" is not a number"},
        {"--weight 1:10", "--weight: 1:10 is not between 0 and 9"},
        {"--hparams {", "--hparams: not JSON"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        el_options o;
        const el_status status = parse(&o, NULL, lines[i][0]);
        CHECK(status == EL_EUSAGE && strstr(el_error(), lines[i][1]), "%s: status %d, \"%s\", not \"%s\"",
              lines[i][0], status, status ? el_error() : "", lines[i][1]);
        el_options_close(&o);
    }
    el_options o;
    CHECK_FAILS(parse(&o, NULL, "--config /nowhere.json"), EL_EDATA, "/nowhere.json: No such file");
    el_options_close(&o);
    CHECK_FAILS(parse(&o, NULL, "--hparams /nowhere.json"), EL_EDATA, "/nowhere.json: No such file");
    el_options_close(&o);
}

/* Files fill what flags leave open, wherever the flags stand; the later file wins. */
static void test_precedence(void **state)
{
    (void)state;
    const char text[] = "{\"num_train_steps\": 2e3, \"mask-prob\": 0.25, \"seed\": 5, \"output\": \"o\", "
                        "\"lowercase\": false, \"model_size\": \"tiny\", \"run_name\": null}";
    CHECK_OK(el_file_write(in_folder("c.json"), text, sizeof text - 1));
    char line[400];
    el_options o;
    snprintf(line, sizeof line,
             "--seed 9 --config %s --hparams={\"mask_prob\":0.5,\"seed\":7} --num-train-steps=4",
             in_folder("c.json"));
    CHECK_OK(parse(&o, NULL, line));
    CHECK(s.seed == 9 && s.steps == 4 && s.mask == 0.5 && !s.lower && s.size == 0, "%lld %lld %g %d %d",
          (long long)s.seed, (long long)s.steps, s.mask, s.lower, s.size);
    assert_string_equal(s.output, "o");
    assert_string_equal(s.name, "run");
    assert_int_equal(o.origins[4], EL_FROM_FLAG);
    assert_int_equal(o.origins[3], EL_FROM_CONFIG);
    assert_int_equal(o.origins[2], EL_FROM_DEFAULT);
    el_options_close(&o);
    snprintf(line, sizeof line, "--output --config=x"); /* its value is missing, not a file's name */
    CHECK_FAILS(parse(&o, NULL, line), EL_EUSAGE, "--output: needs a value");
    el_options_close(&o);
}

/* A number that changes over a run is one number where it does not, and "X:Y" where it does, in JSON too. */
static void test_courses(void **state)
{
    (void)state;
    static const struct {
        const char *line, *json;
        double first, last;
    } CASES[] = {{"--weight 0.3:0.15", "\"0.3:0.15\"", 0.3, 0.15},
                 {"--weight 2.5", "2.5", 2.5, 2.5},
                 {"--hparams {\"weight\":3.5}", "3.5", 3.5, 3.5},
                 {"--hparams {\"weight\":\"2:1\"}", "\"2:1\"", 2, 1}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        el_options o;
        CHECK_OK(parse(&o, NULL, CASES[i].line));
        CHECK(s.weight.first == CASES[i].first && s.weight.last == CASES[i].last, "%s: %g to %g",
              CASES[i].line, s.weight.first, s.weight.last);
        json_t *object = el_options_json(&o);
        char *text = el_json_text(json_object_get(object, "weight"), false);
        assert_string_equal(text, CASES[i].json);
        free(text);
        json_decref(object);
        el_options_close(&o);
    }
    const el_course falling = {3, 1};
    CHECK(el_course_at(falling, 0, 0) == 3 && el_course_at(falling, 0, 0.5) == 2 &&
              el_course_at(falling, 0, 1) == 1,
          "a straight line from 3 to 1 has %g in the middle", el_course_at(falling, 0, 0.5));
    CHECK(el_course_at(falling, 0.1, 0) == 3 &&
              fabs(el_course_at(falling, 0.1, 0.1) - 1 - 2 / exp(1)) < 1e-12,
          "after a share of 0.1 it is %g", el_course_at(falling, 0.1, 0.1));
}

/* All settings as JSON can be applied again and give the same settings. */
static void test_json(void **state)
{
    (void)state;
    el_options o;
    CHECK_OK(parse(&o, NULL, "--seed 77 --output x --model-size tiny --mask-prob 0.2 --no-lowercase"));
    json_t *object = el_options_json(&o);
    char *text = el_json_text(object, false);
    assert_string_equal(text,
                        "{\"num_train_steps\": 1000, \"learning_rate\": 0.0005, \"mask_prob\": 0.2, "
                        "\"seed\": 77, \"threads\": 0, \"lowercase\": false, \"verbose\": false, "
                        "\"output\": \"x\", \"run_name\": \"run\", \"model\": [], \"model_size\": \"tiny\", "
                        "\"weight\": 0.0}");
    free(text);
    el_options_close(&o);
    CHECK_OK(parse(&o, NULL, "--seed 1"));
    json_object_del(object, "threads"); /* 0 stands for "not given" and is out of range */
    CHECK_OK(el_options_apply(&o, object, "run.json"));
    CHECK(s.seed == 1 && s.mask == 0.2 && s.size == 0 && !s.lower && strcmp(s.output, "x") == 0, "%lld %g %d",
          (long long)s.seed, s.mask, s.size);
    json_decref(object);
    el_options_close(&o);
}

/* What a run has recorded fills lines that nobody gave, which are then not given either. */
static void test_recorded(void **state)
{
    (void)state;
    el_options o;
    json_t *const recorded = json_pack("{s:i, s:f, s:n}", "seed", 9, "mask_prob", 0.4, "output");
    json_t *const wrong = json_pack("{s:s}", "num_train_steps", "many");
    CHECK_OK(parse(&o, NULL, "--seed 1"));
    CHECK_OK(el_options_recall(&o, recorded, "run.json"));
    CHECK(s.seed == 1 && s.mask == 0.4, "seed %lld, mask %g", (long long)s.seed, s.mask);
    CHECK(el_options_origin(&o, "seed") == EL_FROM_FLAG &&
              el_options_origin(&o, "mask_prob") == EL_FROM_RECORD &&
              el_options_origin(&o, "output") == EL_FROM_DEFAULT,
          "origins are %d, %d, %d", el_options_origin(&o, "seed"), el_options_origin(&o, "mask_prob"),
          el_options_origin(&o, "output"));
    CHECK_FAILS(el_options_recall(&o, wrong, "run.json"), EL_EDATA, "run.json: num_train_steps");
    json_decref(recorded);
    json_decref(wrong);
    el_options_close(&o);
}

static int filled; /* times that the preset was asked for */

/* A thousand steps for each size, and a rate of its own. */
static void take_size(void *settings_of)
{
    settings *const of = settings_of;
    filled++;
    *of = (settings){.steps = 1000 * (of->size + 1), .rate = 5e-4, .name = "run", .size = of->size};
}

/* A line that decides about the defaults of others: wherever it is said, what else was given stays. */
static void test_preset(void **state)
{
    (void)state;
    el_options o = options_for(NULL);
    char *argv[] = {"pretrain", "--run-name", "mine", "--model-size", "base", "--help", NULL};
    o.preset = take_size;
    filled = 0;
    CHECK_OK(el_options_parse(&o, 6, argv));
    CHECK(filled == 1 && s.steps == 3000 && strcmp(s.name, "mine") == 0, "filled %d times, %lld steps, %s",
          filled, (long long)s.steps, s.name);
    char *const page = el_options_help(&o);
    CHECK(o.help && strstr(page, "3000"), "help has other defaults: %s", page);
    free(page);
    el_options_close(&o);
    json_t *const object = json_pack("{s:f, s:s}", "mask_prob", 0.5, "model_size", "base");
    o = options_for(NULL);
    o.preset = take_size;
    CHECK_OK(el_options_from_json(&o, object, "plan"));
    CHECK(s.steps == 3000 && s.mask == 0.5 && el_options_given(&o, "mask_prob") &&
              !el_options_given(&o, "num_train_steps"),
          "%lld steps, mask %g", (long long)s.steps, s.mask);
    el_options_close(&o);
    json_object_set_new(object, "num_train_steps", json_integer(0));
    o = options_for(NULL);
    CHECK_FAILS(el_options_from_json(&o, object, "plan"), EL_EUSAGE, "plan: num_train_steps");
    el_options_close(&o);
    json_decref(object);
}

/* A path need not be UTF-8, and comes back as it was. */
static void test_path_of_bytes(void **state)
{
    (void)state;
    el_options o;
    CHECK_OK(parse(&o, NULL, "--output caf\xe9/\xff"));
    json_t *object = el_options_json(&o);
    el_options_close(&o);
    json_object_del(object, "threads");
    CHECK_OK(parse(&o, NULL, "--seed 1"));
    CHECK_OK(el_options_apply(&o, object, "run.json"));
    assert_string_equal(s.output, "caf\xe9/\xff");
    json_array_append_new(json_object_get(object, "output"), json_integer(0));
    CHECK_FAILS(el_options_apply(&o, object, "run.json"), EL_EUSAGE, "array of bytes");
    json_decref(object);
    el_options_close(&o);
}

/* Help has examples before options, each with range and default; nothing after --help is required to exist.
 */
static void test_help(void **state)
{
    (void)state;
    el_options o;
    CHECK_OK(parse(&o, "FILE...", "--config /nowhere.json --help"));
    assert_true(o.help);
    char *page = el_options_help(&o);
    static const char *const order[] = {
        "electra pretrain - trains a model\n",
        "Examples:\n  electra pretrain --data DIR\n  electra pretrain --seed 2\n",
        "Usage: electra pretrain [options] FILE...\n",
        "\nTraining:\n  --num-train-steps N",
        "optimizer steps (1 to 1000000000; default 1000)\n",
        "(0 or more; default 0.0005)",
        "(0 to 1; default 0.15)",
        "any number (default 0)",
        "all processors unless given (1 to 1024)",
        "\nFiles:\n",
        "--[no-]lowercase",
        "lower-case the text (default on)",
        "folder to write\n",
        "a name (default run)",
        "--model-size tiny|small|base",
        "preset (default small)",
        "--config FILE",
        "--hparams JSON",
        "-h, --help"};
    const char *at = page;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        const char *found = strstr(at, order[i]);
        CHECK(found, "\"%s\" is not in its place in\n%s", order[i], page);
        at = found;
    }
    for (char *line = strtok(page, "\n"); line; line = strtok(NULL, "\n"))
        CHECK(strlen(line) <= 100, "a line of %zu characters: %s", strlen(line), line);
    free(page);
    el_options_close(&o);
    CHECK_OK(parse(&o, NULL, "-h"));
    assert_true(o.help);
    el_options_close(&o);
}

static void test_nearest(void **state)
{
    (void)state;
    static const char *const names[] = {"pretrain", "prepare", "predict", "vocab", "train_batch_size"};
    assert_string_equal(el_nearest("pretain", names, 5), "pretrain");
    assert_string_equal(el_nearest("perpare", names, 5), "prepare");
    assert_string_equal(el_nearest("vocba", names, 5), "vocab");
    assert_string_equal(el_nearest("batch-size", names, 5), "train_batch_size");
    assert_null(el_nearest("serve", names, 5));
    assert_null(el_nearest("", names, 5));
    assert_null(el_nearest("x", names, 0));
}

/* A choice of auto, yes and no is a switch too. */
static void yes_or_no(void **state)
{
    (void)state;
    static int header;
    static const el_option lines[] = {{"header", EL_OPT_CHOICE, 0, 0, 0, "auto|yes|no", "a header"}};
    static const struct {
        const char *said;
        int value, operands;
    } CASES[] = {{"", 0, 0},
                 {"--header", 1, 0},
                 {"--header file", 1, 1},
                 {"--header yes", 1, 0},
                 {"--header=no", 2, 0},
                 {"--header auto", 0, 0},
                 {"--no-header", 2, 0},
                 {"--no-header file", 2, 1}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char text[64], *argv[4] = {(char *)"read"};
        int argc = 1;
        snprintf(text, sizeof text, "%s", CASES[i].said);
        for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
            argv[argc++] = word;
        header = 0;
        el_options o = {
            .command = "read", .operands = "FILE", .table = lines, .count = 1, .settings = &header};
        CHECK_OK(el_options_parse(&o, argc, argv));
        CHECK(header == CASES[i].value && o.operand_count == CASES[i].operands, "%s: %d, %d operands",
              CASES[i].said, header, o.operand_count);
        el_options_close(&o);
    }
    char *argv[] = {(char *)"read", (char *)"--no-header=yes"};
    el_options o = {.command = "read", .table = lines, .count = 1, .settings = &header};
    CHECK_FAILS(el_options_parse(&o, 2, argv), EL_EUSAGE, "takes no value");
    el_options_close(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),   cmocka_unit_test(test_operands),
        cmocka_unit_test(test_mistakes), cmocka_unit_test(test_precedence),
        cmocka_unit_test(test_lists),    cmocka_unit_test(test_courses),
        cmocka_unit_test(test_json),     cmocka_unit_test(test_path_of_bytes),
        cmocka_unit_test(test_help),     cmocka_unit_test(test_nearest),
        cmocka_unit_test(yes_or_no),     cmocka_unit_test(test_recorded),
        cmocka_unit_test(test_preset),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
