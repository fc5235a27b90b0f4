/* Jobs through electra.h alone: from a text to a fine-tuned model that answers; told of, stopped, gone on with, refused. */
#include "serve/check.h"

#include <stdbool.h>

#include "comma.h"
#include "electra.h"

static char work[64];

static const char *in_work(const char *name)
{
    static char paths[4][128];
    static int next;
    char *const path = paths[next++ % 4];
    snprintf(path, sizeof *paths, "%s/%s", work, name);
    return path;
}

static int make_work(void **state)
{
    (void)state;
    strcpy(work, "/tmp/electra-test-XXXXXX");
    return mkdtemp(work) ? 0 : -1;
}

static int remove_work(void **state)
{
    (void)state;
    return el_folder_remove(work) == EL_OK ? 0 : -1;
}

static void set(electra_job *job, const char *name, const char *value)
{
    CHECK(electra_job_set(job, name, value) == ELECTRA_OK, "%s=%s: %s", name, value, electra_error());
}

/* What a job said, and when to stop it. */
typedef struct {
    int told, evaluations;
    int64_t step, stop_at; /* 0: never */
    double fraction;
    bool loss;
    char stage[16];
} witness;

static int watch(void *user, const electra_progress *p)
{
    witness *const w = user;
    w->told++;
    w->step = p->step;
    w->fraction = p->fraction;
    w->evaluations += strcmp(p->stage, "held-out") == 0;
    for (int i = 0; i < p->figures; i++)
        w->loss |= strcmp(p->names[i], "loss") == 0 && p->values[i] > 0;
    snprintf(w->stage, sizeof w->stage, "%s", p->stage);
    return w->stop_at && p->step >= w->stop_at;
}

static void write_text(const char *path, const char *form)
{
    static const char *const NOUNS[] = {"cat", "dog", "bird", "fish", "tree"};
    static const char *const VERBS[] = {"sees", "eats", "finds", "likes"};
    char *text = NULL;
    size_t size = 0;
    FILE *const page = open_memstream(&text, &size);
    for (int i = 0; i < 400; i++) {
        const char *const verb = VERBS[i / 5 % 4];
        fprintf(page, form, NOUNS[i % 5], verb, NOUNS[i * 3 % 5], verb == VERBS[1] ? "yes" : "no");
        if (i % 8 == 7)
            fputc('\n', page);
    }
    fclose(page);
    CHECK_OK(el_file_write(path, text, size));
    free(text);
}

static void test_vocab(void **state)
{
    (void)state;
    witness w = {0};
    electra_job *job = NULL;
    write_text(in_work("text.txt"), "the %s %s the %s .\n");
    API_OK(electra_job_open(&job, ELECTRA_VOCAB));
    assert_string_equal(electra_job_results(job), "{}");
    set(job, "vocab-size", "60");
    set(job, "output", in_work("vocab.txt"));
    API_OK(electra_job_read(job, in_work("text.txt")));
    API_OK(electra_job_run(job, watch, &w));
    assert_true(w.told > 0);
    CHECK(strstr(electra_job_results(job), "\"pieces\""), "%s", electra_job_results(job));
    assert_int_equal(electra_job_run(job, NULL, NULL), ELECTRA_USAGE);
    electra_job_close(job);
}

static void prepare(const char *output, electra_progress_function *progress, void *user, electra_status want)
{
    electra_job *job = NULL;
    API_OK(electra_job_open(&job, ELECTRA_PREPARE));
    set(job, "vocab", in_work("vocab.txt"));
    set(job, "max_seq_length", "16");
    set(job, "output", output);
    API_OK(electra_job_read(job, in_work("text.txt")));
    const electra_status status = electra_job_run(job, progress, user);
    CHECK(status == want, "status %d: %s", status, electra_error());
    electra_job_close(job);
}

static int refuse(void *user, const electra_progress *p)
{
    (void)user;
    (void)p;
    return 1;
}

static void test_prepare(void **state)
{
    (void)state;
    witness w = {0};
    prepare(in_work("stopped"), refuse, NULL, ELECTRA_STOPPED);
    assert_false(el_folder_exists(in_work("stopped")));
    prepare(in_work("shards"), watch, &w, ELECTRA_OK);
    assert_string_equal(w.stage, "reading");
}

static electra_status pretrain(const char *output, witness *w, bool cancel)
{
    electra_job *job = NULL;
    API_OK(electra_job_open(&job, ELECTRA_PRETRAIN));
    set(job, "model-size", "tiny"); /* wherever it stands, it decides about the rest */
    set(job, "data", in_work("shards"));
    set(job, "hidden-size", "16");
    set(job, "embedding-size", "16");
    set(job, "num-train-steps", "6");
    set(job, "train-batch-size", "8");
    set(job, "threads", "1");
    set(job, "precision", "fp32");
    set(job, "output", output);
    if (cancel)
        electra_job_cancel(job);
    const electra_status status = electra_job_run(job, watch, w);
    electra_job_close(job);
    return status;
}

static void check_same(const char *a, const char *b)
{
    el_mapping x, y;
    CHECK_OK(el_mapping_open(&x, a));
    CHECK_OK(el_mapping_open(&y, b));
    CHECK(x.size == y.size && memcmp(x.data, y.data, x.size) == 0, "%s and %s differ", a, b);
    el_mapping_close(&x);
    el_mapping_close(&y);
}

/* Stopped by the callback, then by a cancel, then to the end: the same bits as straight on. */
static void test_pretrain(void **state)
{
    (void)state;
    witness straight = {0}, stopped = {.stop_at = 2}, cancelled = {0}, rest = {0};
    API_OK(pretrain(in_work("run"), &straight, false));
    assert_int_equal(straight.step, 6);
    assert_true(straight.loss);
    assert_int_equal(pretrain(in_work("again"), &stopped, false), ELECTRA_STOPPED);
    assert_int_equal(stopped.step, 2);
    assert_int_equal(pretrain(in_work("again"), &cancelled, true), ELECTRA_STOPPED);
    API_OK(pretrain(in_work("again"), &rest, false));
    check_same(in_work("run/discriminator/model.safetensors"),
               in_work("again/discriminator/model.safetensors"));
}

/* The best trial's model is asked. */
static void test_finetune(void **state)
{
    (void)state;
    static const electra_text TEXTS[] = {{"the cat eats the dog .", 22}, {"the dog sees the cat .", 22}};
    witness w = {0};
    electra_job *job = NULL;
    electra_model *model = NULL;
    electra_session *session = NULL;
    electra_info info = ELECTRA_INFO_INIT;
    const float *probabilities;
    const int32_t *labels;
    write_text(in_work("data.tsv"), "the %s %s the %s .\t%s\n");
    API_OK(electra_job_open(&job, ELECTRA_FINETUNE));
    set(job, "model", in_work("run"));
    set(job, "task", "classify");
    set(job, "train-file", in_work("data.tsv"));
    set(job, "header", "no");
    set(job, "max-seq-length", "16");
    set(job, "learning-rate", "3e-3");
    set(job, "num-train-epochs", "12");
    set(job, "num-trials", "1");
    set(job, "threads", "1");
    set(job, "output", in_work("out"));
    API_OK(electra_job_run(job, watch, &w));
    assert_true(w.evaluations > 0);
    CHECK(strstr(electra_job_results(job), "\"accuracy\""), "%s", electra_job_results(job));
    electra_job_close(job);

    API_OK(electra_model_open(&model, in_work("out"), NULL));
    API_OK(electra_model_info(model, &info));
    assert_int_equal(info.can, ELECTRA_CAN_EMBED | ELECTRA_CAN_CLASSIFY);
    assert_int_equal(info.labels, 2);
    assert_true(info.exclusive && !info.pairs);
    assert_string_equal(info.task, "classify");
    API_OK(electra_session_open(&session, model));
    assert_int_equal(electra_classify(session, TEXTS, TEXTS, 2, &probabilities, NULL), ELECTRA_USAGE);
    CHECK(strstr(electra_error(), "single texts"), "%s", electra_error());
    API_OK(electra_classify(session, TEXTS, NULL, 2, &probabilities, &labels));
    assert_string_equal(electra_model_label(model, labels[0]), "yes");
    assert_string_equal(electra_model_label(model, labels[1]), "no");
    electra_session_close(session);
    electra_model_close(model);
}

/* A model that was taught numbers: in their order (by which its best epoch is chosen), the same in a batch, and no classes. */
static void test_regress(void **state)
{
    (void)state;
    static const electra_text TEXTS[] = {{"the cat eats the dog .", 22}, {"the dog sees the cat .", 22}};
    electra_job *job = NULL;
    electra_model *model = NULL;
    electra_session *session = NULL;
    electra_info info = ELECTRA_INFO_INIT;
    const double *values;
    const float *probabilities;
    double alone[2];
    char lines[8192], *end = lines;
    for (int i = 0; i < 80; i++)
        end += sprintf(end, "%s\t%s\n", TEXTS[i % 2].text, i % 2 ? "1.5" : "4.5");
    CHECK_OK(el_file_write(in_work("scores.tsv"), lines, (size_t)(end - lines)));
    API_OK(electra_job_open(&job, ELECTRA_FINETUNE));
    set(job, "model", in_work("run"));
    set(job, "task", "regress");
    set(job, "train-file", in_work("scores.tsv"));
    set(job, "header", "no");
    set(job, "max-seq-length", "16");
    set(job, "learning-rate", "3e-3");
    set(job, "num-train-epochs", "6");
    set(job, "threads", "1");
    set(job, "output", in_work("scored"));
    API_OK(electra_job_run(job, NULL, NULL));
    electra_job_close(job);

    API_OK(electra_model_open(&model, in_work("scored"), NULL));
    API_OK(electra_model_info(model, &info));
    assert_true(info.can & ELECTRA_CAN_REGRESS);
    API_OK(electra_session_open(&session, model));
    for (int i = 0; i < 2; i++) {
        API_OK(electra_regress(session, &TEXTS[i], NULL, 1, &values));
        alone[i] = values[0];
    }
    API_OK(electra_regress(session, TEXTS, NULL, 2, &values));
    assert_memory_equal(values, alone, sizeof alone);
    CHECK(alone[0] > alone[1], "%g and %g are not in the order of 4.5 and 1.5", alone[0], alone[1]);
    assert_int_equal(electra_classify(session, TEXTS, NULL, 2, &probabilities, NULL), ELECTRA_USAGE);
    assert_int_equal(electra_regress(session, NULL, NULL, 1, &values), ELECTRA_USAGE);
    electra_session_close(session);
    electra_model_close(model);
}

/* The file has each of the words, and no comma within a number. */
static void check_points(const char *path, const char *const words[], int count)
{
    el_mapping file;
    CHECK_OK(el_mapping_open(&file, path));
    char *const text = strndup((const char *)file.data, file.size);
    for (int i = 0; i < count; i++)
        CHECK(strstr(text, words[i]), "%s has not \"%s\":\n%s", path, words[i], text);
    for (const char *comma = strchr(text, ','); comma; comma = strchr(comma + 1, ','))
        CHECK(comma[1] < '0' || comma[1] > '9', "%s has a comma in a number:\n%s", path, text);
    free(text);
    el_mapping_close(&file);
}

/* Where the program has set a comma as the decimal sign, the numbers in our files have a point all the same. */
static void test_locale(void **state)
{
    (void)state;
    electra_job *job = NULL;
    if (!set_comma_locale(work))
        skip();
    CHECK_OK(el_file_write(in_work("asked.tsv"), "the cat eats .\nthe dog sees .\n", 30));
    API_OK(electra_job_open(&job, ELECTRA_FINETUNE));
    set(job, "model", in_work("run"));
    set(job, "task", "regress");
    set(job, "train-file", in_work("scores.tsv"));
    set(job, "test-file", in_work("asked.tsv"));
    set(job, "header", "no");
    set(job, "max-seq-length", "16");
    set(job, "learning-rate", "3e-3");
    set(job, "num-train-epochs", "1.5");
    set(job, "threads", "1");
    set(job, "output", in_work("comma"));
    API_OK(electra_job_run(job, NULL, NULL));
    electra_job_close(job);
    setlocale(LC_ALL, "C");
    check_points(in_work("comma/predictions.tsv"), (const char *const[]){"\n1\t", "."}, 2);
    check_points(in_work("comma/model/README.md"),
                 (const char *const[]){"1.5 epochs", "rate 0.003", "value: "}, 3);
}

static void test_refused(void **state)
{
    (void)state;
    electra_job *job = NULL;
    assert_int_equal(electra_job_open(&job, (electra_job_kind)9), ELECTRA_USAGE);
    API_OK(electra_job_open(&job, ELECTRA_PRETRAIN));
    assert_int_equal(electra_job_set(job, "num-train-stepz", "1"), ELECTRA_USAGE);
    CHECK(strstr(electra_error(), "num-train-steps"), "%s", electra_error());
    assert_int_equal(electra_job_set(job, "num-train-steps", "1.5"), ELECTRA_USAGE);
    assert_int_equal(electra_job_set(job, "help", ""), ELECTRA_USAGE);
    set(job, "num-train-steps", "3");
    assert_int_equal(electra_job_read(job, "text.txt"), ELECTRA_USAGE);
    assert_int_equal(electra_job_run(job, NULL, NULL), ELECTRA_USAGE); /* no data, no output */
    electra_job_close(job);
}

/* What is warned of reaches the hook, and nobody else. */
static void count_warnings(void *user, electra_log_level level, const char *sentence)
{
    *(int *)user += level == ELECTRA_WARNING && sentence[0] != 0;
}

static void test_log(void **state)
{
    (void)state;
    int warnings = 0;
    electra_tokenizer *tokenizer = NULL;
    static const char CASED[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nAlpha\nBeta\n";
    CHECK_OK(el_file_write(in_work("cased.txt"), CASED, sizeof CASED - 1));
    electra_log_to(count_warnings, &warnings);
    API_OK(electra_tokenizer_open(&tokenizer, in_work("cased.txt")));
    electra_tokenizer_close(tokenizer);
    electra_log_to(NULL, NULL);
    assert_true(warnings > 0);
    const int before = warnings;
    API_OK(electra_tokenizer_open(&tokenizer, in_work("cased.txt")));
    electra_tokenizer_close(tokenizer);
    assert_int_equal(warnings, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vocab),    cmocka_unit_test(test_prepare), cmocka_unit_test(test_pretrain),
        cmocka_unit_test(test_finetune), cmocka_unit_test(test_regress), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_log),      cmocka_unit_test(test_locale),
    };
    return cmocka_run_group_tests(tests, make_work, remove_work);
}
