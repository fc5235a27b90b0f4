/* Files of every form become examples; what is wrong with one is said with its line. */
#include "folder.h"

#include "task/files/layout.h"
#include "task/task.h"

/* Writes a file into the test's folder and returns its path, valid until the next but three. */
static const char *file(const char *name, const char *text)
{
    const char *const path = in_folder(name);
    CHECK_OK(el_file_write(path, text, strlen(text)));
    return path;
}

static el_status read_with(const char *task, const char *path, const el_columns *columns, bool labelled,
                           el_labels *labels, el_dataset *d)
{
    const el_task *const t = el_task_find(task);
    assert_non_null(t);
    const el_status st = el_task_read(
        t, path,
        (el_task_reading){.columns = columns, .labels = labelled ? EL_LABELS_NEEDED : EL_LABELS_UNREAD},
        labels, NULL, d);
    return st;
}

static void read_well(const char *task, const char *path, const el_columns *columns, el_labels *labels,
                      el_dataset *d)
{
    *labels = (el_labels){0};
    const el_status st = read_with(task, path, columns, true, labels, d);
    if (st)
        fail_msg("%s: %s", path, el_error());
}

static void release(el_labels *labels, el_dataset *d)
{
    el_labels_release(labels);
    el_dataset_release(d);
}

/* The sentence about a bad file, which must hold `part`. */
static void expect_failure(const char *task, const char *name, const char *text, const char *part)
{
    el_labels labels = {0};
    el_dataset d;
    const el_status st = read_with(task, file(name, text), NULL, true, &labels, &d);
    if (!st)
        fail_msg("%s is read", name);
    if (!strstr(el_error(), part))
        fail_msg("%s: \"%s\" does not hold \"%s\"", name, el_error(), part);
    el_labels_release(&labels);
}

static void glue(void **state)
{
    (void)state;
    el_labels labels;
    el_dataset d;
    read_well("cola", file("cola.tsv", "gj04\t1\t\tShe \"left.\ngj04\t0\t*\tLeft she\n"), NULL, &labels, &d);
    assert_int_equal(d.count, 2);
    assert_string_equal(d.examples[0].text[0], "She \"left.");
    assert_null(d.examples[0].text[1]);
    assert_int_equal(d.examples[0].label, 1);
    assert_int_equal(d.examples[1].label, 0);
    assert_int_equal(d.examples[1].line, 2);
    release(&labels, &d);

    read_well(
        "rte",
        file("rte.tsv",
             "index\tsentence1\tsentence2\tlabel\n7\ta\tb\tnot_entailment\n8\tc\n9\te\tf\tentailment\n"),
        NULL, &labels, &d);
    assert_int_equal(d.count, 2); /* the ragged row is left out */
    assert_int_equal(d.notes.skipped, 1);
    assert_int_equal(d.examples[0].label, 1);
    assert_string_equal(d.examples[1].text[1], "f");
    assert_string_equal(labels.names[0], "entailment");
    el_dataset dev; /* what was done in reading goes with both */
    CHECK_OK(el_dataset_hold_out(&d, &dev, (el_hold_out){.last = 1}));
    assert_string_equal(d.notes.malformed, dev.notes.malformed);
    assert_non_null(strstr(d.notes.malformed, "line 3: there are 2 columns, where the first line has 4"));
    el_dataset_release(&dev);
    release(&labels, &d);

    read_well("sst2", file("short.tsv", "sentence\tlabel\nfine\t1\nbad\n"), NULL, &labels, &d);
    assert_non_null(strstr(d.notes.malformed, "line 3: there is 1 column, where the first line has 2"));
    release(&labels, &d);

    labels = (el_labels){0};
    const el_task *const sst2 = el_task_find("sst2");
    assert_int_equal(el_task_read(sst2, file("test.tsv", "index\tsentence\n4\tfine\n"),
                                  (el_task_reading){.test = true}, &labels, NULL, &d),
                     EL_OK);
    assert_string_equal(d.examples[0].id, "4");
    assert_int_equal(d.examples[0].label, -1);
    assert_int_equal(labels.count, 2);
    release(&labels, &d);
}

static void own_files(void **state)
{
    (void)state;
    el_labels labels;
    el_dataset d, *all[] = {&d};
    read_well("classify", file("a.csv", "text,label\r\n\"one, \"\"two\"\"\nthree\",bad\r\nfour,\"good\"\r\n"),
              NULL, &labels, &d);
    assert_int_equal(d.count, 2);
    assert_string_equal(d.examples[0].text[0], "one, \"two\"\nthree");
    assert_string_equal(d.examples[1].text[0], "four");
    assert_int_equal(d.examples[1].line, 4);
    release(&labels, &d);

    read_well("classify", file("b.tsv", "wie geht es\tfrage\ngut\taussage\nso\tfrage\n"), NULL, &labels, &d);
    assert_int_equal(d.count, 3);
    CHECK_OK(el_labels_close(&labels, all, 1));
    assert_string_equal(labels.names[0], "aussage");
    assert_int_equal(d.examples[0].label, 1);
    assert_int_equal(d.examples[1].label, 0);
    release(&labels, &d);

    read_well("regress", file("c.jsonl", "{\"sentence1\": \"x\", \"sentence2\": \"y\", \"score\": 2.5}\n\n"),
              NULL, &labels, &d);
    assert_int_equal(d.count, 1);
    assert_string_equal(d.examples[0].text[1], "y");
    assert_true(d.examples[0].value == 2.5);
    release(&labels, &d);

    read_well("regress", file("zero.jsonl", "{\"text\": \"x\\u0000y\", \"score\": 1}\n"), NULL, &labels, &d);
    assert_string_equal(d.examples[0].text[0], "x\177y");
    release(&labels, &d);

    const el_columns inner = {.header = -1, .label = "labels.real"};
    read_well("regress",
              file("d.json", "[{\"sentence1\": \"x\", \"sentence2\": \"y\", \"labels\": {\"real\": 4}}]"),
              &inner, &labels, &d);
    assert_true(d.examples[0].value == 4);
    release(&labels, &d);

    read_well("multilabel", file("e.tsv", "text\tlabels\nx\tred, blue\ny\t\nz\tblue\n"), NULL, &labels, &d);
    assert_int_equal(d.count, 3);
    assert_int_equal(d.examples[0].count, 2);
    assert_int_equal(d.examples[1].count, 0);
    assert_int_equal(d.numbers[d.examples[2].first], d.numbers[1]);
    release(&labels, &d);

    char classes[300];
    const char *const plot = file("plot.5000", "it begins\n"), *const quote =
                                                                   file("quote.5000", "a gem\na bore\n");
    snprintf(classes, sizeof classes, "objective=%s,subjective=%s", plot, quote);
    read_well("classify", classes, NULL, &labels, &d);
    assert_int_equal(d.count, 3);
    assert_int_equal(d.examples[0].label, 0);
    assert_int_equal(d.examples[2].label, 1);
    assert_string_equal(d.examples[2].text[0], "a bore");
    release(&labels, &d);
}

static void words(void **state)
{
    (void)state;
    el_labels labels;
    el_dataset d;
    read_well("chunk", file("train.txt", "-DOCSTART- X O\n\nHe PRP B-NP\nruns VBZ B-VP\n\n\nStop VB B-VP"),
              NULL, &labels, &d);
    assert_int_equal(d.count, 2);
    assert_int_equal(d.examples[0].count, 2);
    assert_string_equal(d.words[1].text, "runs");
    assert_string_equal(labels.names[d.words[2].tag], "B-VP");
    release(&labels, &d);

    read_well(
        "ner",
        file("klue.tsv", "## note\n## 1\tx\n\xEC\x84\x9C\tB-LC\n \tO\n##\tO\n\n## 2\n\xEA\xB0\x80\tO\n"),
        NULL, &labels, &d);
    assert_int_equal(d.count, 2);
    assert_int_equal(d.examples[0].count, 3);
    assert_string_equal(d.words[1].text, " ");
    assert_string_equal(d.words[2].text, "##");
    release(&labels, &d);

    read_well("tag", file("t.jsonl", "{\"tokens\": [\"New York\", \"!\"], \"tags\": [\"B-LOC\", \"O\"]}\n"),
              NULL, &labels, &d);
    assert_int_equal(d.word_count, 2);
    assert_string_equal(d.words[0].text, "New York");
    release(&labels, &d);
}

/* An id is asked for after the words, and may be longer than all that was asked for before. */
static void words_with_ids(void **state)
{
    (void)state;
    static const char *const TASKS[] = {"tag", "ner"};
    static const char LINES[] =
        "{\"id\": \"0\", \"tokens\": [\"EU\", \"rejects\"], \"ner_tags\": [\"B-ORG\", \"O\"]}\n"
        "{\"id\": \"%0*d\", \"tokens\": [\"EU\"], \"ner_tags\": [\"O\"]}\n";
    char text[4000];
    sprintf(text, LINES, 3000, 1);
    for (size_t i = 0; i < sizeof TASKS / sizeof *TASKS; i++) {
        el_labels labels;
        el_dataset d;
        read_well(TASKS[i], file("id.jsonl", text), NULL, &labels, &d);
        assert_int_equal(d.count, 2);
        assert_int_equal(d.word_count, 3);
        assert_string_equal(d.examples[0].id, "0");
        assert_int_equal(strlen(d.examples[1].id), 3000);
        assert_string_equal(d.words[1].text, "rejects");
        assert_string_equal(d.words[2].text, "EU");
        assert_string_equal(labels.names[d.words[0].tag], "B-ORG");
        release(&labels, &d);
    }
}

/* The parts of a JSON array are its parts, also where there is one. */
static void arrays(void **state)
{
    (void)state;
    el_labels labels;
    el_dataset d;
    read_well("multilabel",
              file("m.jsonl",
                   "{\"text\": \"a\", \"labels\": [\"Food, Drink\", \"Travel\"]}\n"
                   "{\"text\": \"b\", \"labels\": [\"Food, Drink\"]}\n"
                   "{\"text\": \"c\", \"labels\": []}\n{\"text\": \"d\", \"labels\": [\"Travel|Fun\"]}\n"),
              NULL, &labels, &d);
    assert_int_equal(labels.count, 3);
    assert_string_equal(labels.names[0], "Food, Drink");
    assert_string_equal(labels.names[2], "Travel|Fun");
    assert_int_equal(d.examples[1].count, 1);
    assert_int_equal(d.examples[2].count, 0);
    release(&labels, &d);

    read_well("tag",
              file("one.jsonl",
                   "{\"tokens\": [\"New York\"], \"tags\": [\"B-LOC\"]}\n{\"tokens\": [], \"tags\": []}\n"),
              NULL, &labels, &d);
    assert_int_equal(d.word_count, 1);
    assert_string_equal(d.words[0].text, "New York");
    assert_int_equal(d.examples[1].count, 0);
    release(&labels, &d);

    read_well(
        "span",
        file("s.jsonl", "{\"question\": \"q\", \"context\": \"in 3|4 time\", \"answers\": [\"3|4\"]}\n"),
        NULL, &labels, &d);
    assert_int_equal(d.answer_count, 1);
    assert_int_equal(d.answers[0].begin, 3);
    release(&labels, &d);

    const el_columns inner = {.header = -1, .text = {"data.text"}, .label = "label"};
    labels = (el_labels){0};
    CHECK_FAILS(read_with("classify",
                          file("inner.jsonl", "{\"data\": {\"text\": \"a\"}, \"label\": \"x\"}\n"
                                              "{\"data\": [], \"label\": \"y\"}\n"),
                          &inner, true, &labels, &d),
                EL_EDATA, "line 2: column data.text is an array, and a text is wanted");
    el_labels_release(&labels);
}

static void questions(void **state)
{
    (void)state;
    el_labels labels;
    el_dataset d;
    read_well("squad",
              file("s.json",
                   "{\"data\": [{\"title\": \"t\", \"paragraphs\": [{\"context\": \"\xC3\xA9t\xC3\xA9 was "
                   "warm, warm\", \"qas\": ["
                   "{\"id\": \"a\", \"question\": \"How?\", \"answers\": [{\"text\": \"warm\", "
                   "\"answer_start\": 14}]},"
                   "{\"id\": \"b\", \"question\": \"Who?\", \"is_impossible\": true, \"answers\": []},"
                   "{\"id\": \"c\", \"question\": \"Why?\", \"answers\": [{\"text\": \"cold\", "
                   "\"answer_start\": 0}]},"
                   "{\"id\": \"d\", \"question\": \"Whose?\", \"is_impossible\": true}]}]}]}"),
              NULL, &labels, &d);
    assert_int_equal(d.count, 4);
    assert_int_equal(d.answers[0].begin, 16); /* characters became bytes */
    assert_int_equal(d.examples[1].label, 1);
    assert_int_equal(d.examples[3].label, 1); /* no answers, and none said */
    assert_int_equal(d.notes.contradicted, 0);
    assert_int_equal(d.answers[1].begin, -1); /* it does not stand there */
    assert_ptr_equal(d.examples[0].text[1], d.examples[2].text[1]);
    release(&labels, &d);

    read_well("mrqa",
              file("m.jsonl", "{\"header\": {\"dataset\": \"x\"}}\n{\"context\": \"a b c\", \"qas\": "
                              "[{\"qid\": \"q\", \"question\": \"b?\", "
                              "\"answers\": [\"b\", \"B\"], \"detected_answers\": [{\"text\": \"b\", "
                              "\"char_spans\": [[2, 2]]}]}]}\n"),
              NULL, &labels, &d);
    assert_int_equal(d.count, 1);
    assert_int_equal(d.answers[0].begin, 2);
    assert_int_equal(d.examples[0].count, 3);
    release(&labels, &d);

    read_well("span",
              file("own.tsv", "question\tcontext\tanswer\nwho?\tAda wrote\tAda\nwhen?\tAda wrote\t\n"), NULL,
              &labels, &d);
    assert_int_equal(d.answers[0].begin, 0);
    assert_int_equal(d.examples[1].label, 1);
    release(&labels, &d);
}

/* A question of MRQA's that nobody answered is asked and not scored. */
static void mrqa_unanswered(void **state)
{
    (void)state;
    el_labels labels = {0};
    el_dataset d;
    const char *const path =
        file("u.jsonl",
             "{\"header\": {}}\n{\"context\": \"a b\", \"qas\": [{\"qid\": \"1\", \"question\": \"q\"}, "
             "{\"qid\": \"2\", \"question\": \"q\", \"answers\": [\"b\"]}]}\n");
    CHECK_OK(read_with("mrqa", path, NULL, false, &labels, &d));
    assert_int_equal(d.examples[0].label, -1);
    assert_int_equal(d.examples[1].label, 0);
    release(&labels, &d);
}

/* Whether a question has an answer is said by its answers, as in SQuAD 2.0's script; a mark that contradicts is counted. */
static void contradictions(void **state)
{
    (void)state;
    static const struct {
        const char *mark, *answers;
        int label, contradicted;
    } CASES[] = {{"true", "[{\"text\": \"warm\", \"answer_start\": 3}]", 0, 1},
                 {"false", "[]", 1, 1},
                 {"true", "[]", 1, 0},
                 {"null", "[]", 1, 0},
                 {"false", "[{\"text\": \"warm\", \"answer_start\": 3}]", 0, 0},
                 {"null", "[{\"text\": \"warm\", \"answer_start\": 3}]", 0, 0},
                 {"true", "[{\"text\": \"\", \"answer_start\": -1}]", 1, 0},
                 {"false", "[\"\", {\"text\": \"warm\", \"answer_start\": 3}]", 0, 0},
                 {"true", "{\"text\": \"\", \"answer_start\": -1}", 1, 0}, /* as KorQuAD 2 */
                 {"false", "{\"text\": \"\", \"answer_start\": -1}", 1, 1},
                 {"true", "\"\"", 1, 0}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char text[512];
        el_labels labels;
        el_dataset d;
        snprintf(text, sizeof text,
                 "{\"data\": [{\"paragraphs\": [{\"context\": \"so warm\", \"qas\": [{\"id\": \"a\", "
                 "\"question\": \"how?\", \"is_impossible\": %s, \"answers\": %s}]}]}]}",
                 CASES[i].mark, CASES[i].answers);
        read_well("squad", file("mark.json", text), NULL, &labels, &d);
        CHECK(d.examples[0].label == CASES[i].label && d.notes.contradicted == CASES[i].contradicted &&
                  d.examples[0].count == (CASES[i].label ? 0 : 1),
              "%s, [%s]: label %d, %d contradict", CASES[i].mark, CASES[i].answers, d.examples[0].label,
              d.notes.contradicted);
        release(&labels, &d);
    }
}

/* In a table the mark decides: answers beside it are plausible ones, and an empty answer is none. */
static void marks_of_tables(void **state)
{
    (void)state;
    static const struct {
        const char *mark, *answers;
        int label, plausible, contradicted;
    } CASES[] = {{"true", "{\"text\": [\"warm\"], \"answer_start\": [3]}", 1, 1, 0},
                 {"true", "{\"text\": [\"\"], \"answer_start\": [-1]}", 1, 0, 0},
                 {"true", "{\"text\": [], \"answer_start\": []}", 1, 0, 0},
                 {"false", "{\"text\": [\"\"], \"answer_start\": [-1]}", 1, 0, 1},
                 {"false", "{\"text\": [\"warm\"], \"answer_start\": [3]}", 0, 0, 0},
                 {"null", "{\"text\": [\"warm\"], \"answer_start\": [3]}", 0, 0, 0},
                 {"null", "[{\"text\": \"warm\", \"answer_start\": 3}]", 0, 0, 0},
                 {"null", "[]", 1, 0, 0},
                 {"true", "[]", 1, 0, 0},
                 {"true", "null", 1, 0, 0}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char text[512];
        el_labels labels;
        el_dataset d;
        snprintf(
            text, sizeof text,
            "{\"context\": \"so warm so\", \"question\": \"how?\", \"is_impossible\": %s, \"answers\": %s}\n"
            "{\"context\": \"so warm so\", \"question\": \"so?\", \"is_impossible\": false, \"answers\": "
            "{\"text\": [\"so\"], \"answer_start\": [8]}}\n",
            CASES[i].mark, CASES[i].answers);
        read_well("span", file("marks.jsonl", text), NULL, &labels, &d);
        CHECK(d.examples[0].label == CASES[i].label && d.notes.plausible == CASES[i].plausible &&
                  d.notes.contradicted == CASES[i].contradicted &&
                  d.examples[0].count == (CASES[i].label ? 0 : 1) && d.examples[1].label == 0 &&
                  d.answers[d.answer_count - 1].begin == 8,
              "%s, %s: label %d, %d plausible, %d contradict", CASES[i].mark, CASES[i].answers,
              d.examples[0].label, d.notes.plausible, d.notes.contradicted);
        release(&labels, &d);
    }
    el_labels labels;
    el_dataset d;
    read_well("span",
              file("marks.csv", "question,context,answer,is_impossible\nhow?,so warm,warm,True\nhow?,so "
                                "warm,warm,False\n"),
              NULL, &labels, &d);
    assert_int_equal(d.examples[0].label, 1);
    assert_int_equal(d.examples[1].label, 0);
    release(&labels, &d);
}

/* Where the answers begin is a column as others are: found in any spelling, beside the answers, and refused where two may be
 * meant. */
static void starts_of_tables(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
        int begin; /* -1: refused */
    } CASES[] = {
        {"plain.csv", "question,context,answer,answer_start\nwho?,so warm so,so,8\n", 8},
        {"spelled.csv", "question,context,answer,Answer Start\nwho?,so warm so,so,8\n", 8},
        {"short.csv", "question,context,answer,start\nwho?,so warm so,so,8\n", 8},
        {"twice.csv", "question,context,answer,start,start\nwho?,so warm so,so,8,0\n", -1},
        {"apart.jsonl",
         "{\"question\":\"who?\",\"context\":\"so warm so\",\"answer\":{\"text\":\"so\",\"answer_start\":8},"
         "\"start\":0}\n",
         8},
        {"outer.jsonl",
         "{\"question\":\"who?\",\"context\":\"so warm "
         "so\",\"answer\":\"so\",\"answers\":{\"answer_start\":0},"
         "\"start\":8}\n",
         8}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        el_labels labels = {0};
        el_dataset d;
        const char *const path = file(CASES[i].name, CASES[i].text);
        if (CASES[i].begin < 0) {
            CHECK_FAILS(read_with("span", path, NULL, true, &labels, &d), EL_EDATA,
                        "are both called \"start\"");
            el_labels_release(&labels);
            continue;
        }
        read_well("span", path, NULL, &labels, &d);
        CHECK(d.answers[0].begin == CASES[i].begin, "%s: at %lld", path, (long long)d.answers[0].begin);
        release(&labels, &d);
    }
}

/* Several answers and their offsets lie in every form that parts have; not as many of them are refused. */
static void lists_of_starts(void **state)
{
    (void)state;
    static const struct {
        const char *answers, *starts;
        int count, begins[2], placed; /* count 0: refused */
    } CASES[] = {{"['so']", "[8]", 1, {8}, 0},
                 {"['so' 'warm']", "[8 3]", 2, {8, 3}, 0},
                 {"so|warm", "8|3", 2, {8, 3}, 0},
                 {"so", "8.0", 1, {8}, 0},
                 {"so", "", 1, {0}, 1},
                 {"so|warm", "", 2, {0, 3}, 2},
                 {"['so' 'warm']", "\"8,3\"", 2, {8, 3}, 0},
                 {"so|warm", "\"8, 3\"", 2, {8, 3}, 0},
                 {"o|n", "12", 1, {12}, 0}, /* stands there with its bar */
                 {"o|n", "", 1, {12}, 1},
                 {"n|o", "", 2, {11, 1}, 2},
                 {"o|n", "12|14", 2, {12, 14}, 0},
                 {"so|warm", "8", 0, {0}, 0},
                 {"so", "[8 0]", 0, {0}, 0}};
    el_labels labels;
    el_dataset d;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char text[256];
        snprintf(text, sizeof text,
                 "question,context,answer,answer_start\nwho?,so warm so,so,0\nhow?,so warm so no|n,%s,%s\n",
                 CASES[i].answers, CASES[i].starts);
        if (!CASES[i].count) {
            expect_failure("span", "lists.csv", text,
                           CASES[i].starts[0] == '8' ? "line 3: column answer has 2 answers, and column "
                                                       "answer_start has 1 place where"
                                                     : "has 1 answer, and column answer_start has 2 places");
            continue;
        }
        read_well("span", file("lists.csv", text), NULL, &labels, &d);
        assert_int_equal(d.examples[1].count, CASES[i].count);
        for (int k = 0; k < CASES[i].count; k++)
            CHECK(d.answers[1 + k].begin == CASES[i].begins[k] && d.notes.placed == CASES[i].placed,
                  "%s, %s: answer %d at %lld, %d placed", CASES[i].answers, CASES[i].starts, k,
                  (long long)d.answers[1 + k].begin, d.notes.placed);
        release(&labels, &d);
    }
    read_well("span", file("bars.tsv", "question\tcontext\tanswer\nhow?\tno|n\tn\nwhy?\tno|n\t|\n"), NULL,
              &labels, &d);
    assert_int_equal(d.examples[1].count, 0);
    release(&labels, &d);
    read_well("span",
              file("reals.jsonl", "{\"question\": \"how?\", \"context\": \"so warm so\", \"answers\": "
                                  "{\"text\": [\"warm\", \"so\"], \"answer_start\": [3.0, 8.0]}}\n"),
              NULL, &labels, &d);
    assert_int_equal(d.answers[0].begin, 3);
    assert_int_equal(d.answers[1].begin, 8);
    release(&labels, &d);
}

/* An answer stands where its offset says in characters, UTF-16 units or bytes, else at the nearest occurrence. */
static void offsets(void **state)
{
    (void)state;
    static const struct {
        const char *start;
        int begin, moved, placed; /* begin: which of the three occurrences */
    } CASES[] = {{"\"answer_start\": 51,", 2, 0, 0},   {"\"answer_start\": 53,", 2, 1, 0},
                 {"\"answer_start\": 57,", 2, 1, 0},   {"\"answer_start\": 50,", 2, 1, 0},
                 {"\"answer_start\": 26,", 1, 1, 0},   {"\"answer_start\": 0,", 0, 1, 0},
                 {"\"answer_start\": 9999,", 2, 1, 0}, {"", 0, 0, 1},
                 {"\"answer_start\": -1,", 0, 0, 1}};
    static const int PLACES[] = {9, 31, 57};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char text[600];
        el_labels labels;
        el_dataset d;
        snprintf(text, sizeof text,
                 "{\"data\": [{\"paragraphs\": [{\"context\": \"\xF0\x9F\x98\x80\xF0\x9F\x98\x80 Seoul is "
                 "old. In 1988 Seoul had games. "
                 "There is Seoul.\", \"qas\": [{\"id\": 18446744073709551615, \"question\": "
                 "\"which\\u0000?\", \"answers\": [{%s "
                 "\"text\": \"Seoul\"}]}]}]}]}",
                 CASES[i].start);
        read_well("squad", file("o.json", text), NULL, &labels, &d);
        CHECK(d.answers[0].begin == PLACES[CASES[i].begin] && d.notes.moved == CASES[i].moved &&
                  d.notes.placed == CASES[i].placed,
              "%s: at %lld, %d, %d", CASES[i].start, (long long)d.answers[0].begin, d.notes.moved,
              d.notes.placed);
        assert_string_equal(d.examples[0].id, "18446744073709551615");
        assert_string_equal(d.examples[0].text[0], "which\177?");
        release(&labels, &d);
    }
}

/* SQuAD's and its relatives' nestings, for whichever task of questions. */
static void nestings(void **state)
{
    (void)state;
    static const char *const TASKS[] = {"span", "squad", "korquad"};
    static const struct {
        const char *name, *text;
    } FILES[] = {{"v1.json", "{\"version\": \"1\", \"data\": [{\"paragraphs\": [{\"context\": \"a b\", "
                             "\"qas\": [{\"question\": \"q\", \"id\": \"1\", "
                             "\"answers\": [{\"text\": \"b\", \"answer_start\": 2}]}]}]}]}"},
                 {"v2.json",
                  "{\"version\": \"2\", \"data\": [{\"title\": \"t\", \"context\": \"a b\", \"qas\": "
                  "[{\"question\": \"q\", \"id\": \"1\", "
                  "\"answer\": {\"text\": \"b\", \"answer_start\": 2}}], \"raw_html\": \"<p>\"}]}"},
                 {"rows.json", "{\"data\": [{\"id\": \"1\", \"question\": \"q\", \"context\": \"a b\", "
                               "\"answers\": {\"text\": [\"b\"], "
                               "\"answer_start\": [2]}}]}"},
                 {"rows.jsonl", "{\"id\": \"1\", \"question\": \"q\", \"context\": \"a b\", \"answers\": "
                                "{\"text\": [\"b\"], \"answer_start\": [2]}}\n"},
                 {"objects.json", "[{\"id\": \"1\", \"question\": \"q\", \"context\": \"a b\", \"answers\": "
                                  "[{\"text\": \"b\", \"answer_start\": 2}]}]"},
                 {"articles.json", "[{\"title\": \"t\", \"paragraphs\": [{\"context\": \"a b\", \"qas\": "
                                   "[{\"question\": \"q\", \"id\": \"1\", "
                                   "\"answers\": [{\"text\": \"b\", \"answer_start\": \"2\"}]}]}]}]"},
                 {"paragraphs.json", "[{\"context\": \"a b\", \"qas\": [{\"question\": \"q\", \"id\": \"1\", "
                                     "\"answers\": [\"b\"]}]}]"},
                 {"klue.json", "[{\"context\": \"a b\", \"qas\": [{\"question\": \"q\", \"guid\": \"1\", "
                               "\"answers\": [\"b\"]}]}]"},
                 {"named.json", "[{\"context\": \"a b\", \"qas\": [{\"question\": \"q\", \"qid\": \"1\", "
                                "\"answers\": [\"b\"]}]}]"},
                 {"article.json", "{\"title\": \"t\", \"paragraphs\": [{\"context\": \"a b\", \"qas\": "
                                  "[{\"question\": \"q\", \"id\": \"1\", "
                                  "\"answer\": \"b\"}]}]}\n"},
                 {"lines.jsonl", "{\"context\": \"a b\", \"qas\": [{\"question\": \"q\", \"id\": \"1\", "
                                 "\"answers\": [{\"text\": \"b\", \"answer_start\": 2.0}]}]}\n"},
                 {"lists.json", "{\"id\": [\"1\"], \"question\": [\"q\"], \"context\": [\"a b\"], "
                                "\"answers\": [{\"text\": [\"b\"], \"answer_start\": [2]}]}"},
                 {"table.tsv", "id\tquestion\tcontext\tanswer\n1\tq\ta b\tb\n"},
                 {"mrqa.jsonl", "{\"header\": {}}\n{\"context\": \"a b\", \"qas\": [{\"qid\": \"1\", "
                                "\"question\": \"q\", \"answers\": [\"b\"], "
                                "\"detected_answers\": [{\"text\": \"b\", \"char_spans\": [[2, 2]]}]}]}\n"}};
    for (size_t t = 0; t < sizeof TASKS / sizeof *TASKS; t++)
        for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
            el_labels labels;
            el_dataset d;
            read_well(TASKS[t], file(FILES[i].name, FILES[i].text), NULL, &labels, &d);
            CHECK(d.count == 1 && strcmp(d.examples[0].text[0], "q") == 0 &&
                      strcmp(d.examples[0].text[1], "a b") == 0 && strcmp(d.examples[0].id, "1") == 0 &&
                      d.answers[0].begin == 2,
                  "%s, %s", TASKS[t], FILES[i].name);
            release(&labels, &d);
        }
}

/* The last column of a file with other columns is another tag. */
static void other_width(void **state)
{
    (void)state;
    el_file_layout layout = {0};
    el_labels labels = {0};
    el_dataset d;
    const el_task *const task = el_task_find("tag");
    const char *const path = file("learned.conll", "a DT B-NP\n\nb NN I-NP\n");
    CHECK_OK(el_task_read(task, path, (el_task_reading){.labels = EL_LABELS_NEEDED}, &labels, &layout, &d));
    el_dataset_release(&d);
    const el_task_reading reading = {.known = &layout, .labels = EL_LABELS_NEEDED};
    CHECK_OK(el_task_read(task, path, reading, &labels, NULL, &d));
    el_dataset_release(&d);
    CHECK_FAILS(el_task_read(task, file("narrow.conll", "a DT\n"), reading, &labels, NULL, &d), EL_EDATA,
                "line 1: there are 2 columns, where the file that the model learned from had 3");
    el_labels_release(&labels);
    el_file_layout_release(&layout);
}

/* The words are where the header says, also for a model that learned from a file without one. */
static void words_by_name(void **state)
{
    (void)state;
    static const char *const LEARNED[] = {"a\tO\nb\tB-x\n",
                                          "sentence_id\tpos\ttoken\tner_tag\n1\tN\ta\tO\n\n2\tN\tb\tB-x\n"};
    for (int i = 0; i < 2; i++) {
        el_file_layout layout = {0};
        el_labels labels = {0};
        el_dataset d;
        CHECK_OK(el_task_read(el_task_find("ner"), file("named.tsv", LEARNED[i]),
                              (el_task_reading){.labels = EL_LABELS_NEEDED}, &labels, &layout, &d));
        CHECK(strcmp(d.words[0].text, "a") == 0, "the first word is %s", d.words[0].text);
        el_dataset_release(&d);
        CHECK_OK(el_task_read(el_task_find("ner"), file("asked.tsv", LEARNED[1]),
                              (el_task_reading){.known = &layout}, NULL, NULL, &d));
        CHECK(d.count == 2 && strcmp(d.words[1].text, "b") == 0, "%d sentences, the second word is %s",
              d.count, d.words[1].text);
        el_dataset_release(&d);
        el_labels_release(&labels);
        el_file_layout_release(&layout);
    }
}

/* A file to be answered may leave the tag out where that is the last column, and nothing else. */
static void left_out_tags(void **state)
{
    (void)state;
    static const struct {
        const char *learned, *word, *unlabelled, *other;
    } FILES[] = {{"a B-PER\nb O\n", NULL, "Zoe\nruns\n", "a NN B-PER\n"},
                 {"a NN B-PER\nb DT O\n", NULL, "Zoe NN\nruns VB\n", "Zoe\n"},
                 {"NN a B-PER\nDT b O\n", "-2", "NN Zoe\nVB runs\n", "Zoe\n"},
                 {"1\ta\tB-PER\n2\tb\tO\n", NULL, "1\tZoe\n2\truns\n", "1\tZoe\tO\tO\n2\tb\tO\tO\n"},
                 {"word tag\na B-PER\nb O\n", NULL, "word\nZoe\nruns\n", "a NN O\n"},
                 {"a B-PER\nb O\n", NULL, "Zoe\n\xC2\xA0\n", "a NN B-PER\n"}}; /* a word, though of a blank */
    const el_task *const task = el_task_find("ner");
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
        el_file_layout layout = {0};
        el_labels labels = {0};
        el_dataset d;
        const el_columns columns = {.header = -1, .text = {FILES[i].word}};
        CHECK_OK(el_task_read(task, file("tags.conll", FILES[i].learned),
                              (el_task_reading){.columns = &columns, .labels = EL_LABELS_NEEDED}, &labels,
                              &layout, &d));
        el_dataset_release(&d);
        el_task_reading reading = {.known = &layout, .labels = EL_LABELS_IF_THERE};
        const char *const path = file("untagged.conll", FILES[i].unlabelled);
        CHECK_OK(el_task_read(task, path, reading, &labels, NULL, &d));
        CHECK(d.count == 1 && d.word_count == 2 && strcmp(d.words[0].text, "Zoe") == 0 &&
                  d.words[1].tag == -1,
              "%s: %d words, the first %s with tag %d", FILES[i].unlabelled, d.word_count, d.words[0].text,
              d.words[1].tag);
        el_dataset_release(&d);
        CHECK_FAILS(el_task_read(task, file("other.conll", FILES[i].other), reading, &labels, NULL, &d),
                    EL_EDATA, "column");
        reading.labels = EL_LABELS_NEEDED;
        CHECK_FAILS(el_task_read(task, path, reading, &labels, NULL, &d), EL_EDATA, "column");
        el_task_reading asked = {.known = &layout};
        CHECK_OK(el_task_read(task, path, asked, NULL, NULL, &d));
        assert_string_equal(d.words[0].text, "Zoe");
        el_dataset_release(&d);
        el_labels_release(&labels);
        el_file_layout_release(&layout);
    }
}

/* Marks around fields between tabs are none of the text where every row says that a program wrote them so. */
static void quoted_tabs(void **state)
{
    (void)state;
    static const struct {
        const char *text, *first;
        int count;
    } FILES[] = {{"text\tlabel\n\"he said \"\"no\"\" to it\"\tx\nso it was\ty\n", "he said \"no\" to it", 2},
                 {"\"text\"\t\"label\"\r\n\"so it was\"\t\"x\"\r\n\"not so\"\t\"y\"\r\n\r\n", "so it was", 2},
                 {"text\tlabel\n\"two\nlines\"\tx\nso it was\ty\n", "two\nlines", 2},
                 {"text\tlabel\n\"Great movie\"\tx\nso it was\ty\n", "\"Great movie\"", 2},
                 {"text\tlabel\n\"he said \"\"no\"\" to it\"\tx\nan \"odd\" one\ty\n",
                  "\"he said \"\"no\"\" to it\"", 2},
                 {"text\tlabel\n\"I am here,\tx\nhe said at once!\"\ty\n", "\"I am here,", 2},
                 {"text\tlabel\n\"half\tx\nso it \"was\"\ty\n", "\"half", 2}};
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
        el_labels labels;
        el_dataset d;
        read_well("classify", file("marks.tsv", FILES[i].text), NULL, &labels, &d);
        CHECK(d.count == FILES[i].count && labels.count == 2 &&
                  strcmp(labels.names[d.examples[0].label], "x") == 0 &&
                  strcmp(d.examples[0].text[0], FILES[i].first) == 0,
              "%s: %d rows, the first \"%s\" is %s", FILES[i].text, d.count, d.examples[0].text[0],
              labels.names[d.examples[0].label]);
        release(&labels, &d);
    }
}

/* A label in another spelling is the same one, and so in a file that comes later; rows of nothing are none. */
static void respelled_labels(void **state)
{
    (void)state;
    static const char *const FILES[][3] = {
        {"text,label\na,0\nb,1\nc,1\n", "text,label\na,0.0\nb,1.0\n", "2"},
        {"text,label\na,true\nb,false\nc,true\n", "text,label\na,True\nb,FALSE\n", "2"},
        {"text;label\na;01\nb;1\nc;01\n;\n; ;\n", "text;label\na;01\n", "2"}};
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
        el_labels labels;
        el_dataset d;
        read_well("classify", file("first.csv", FILES[i][0]), NULL, &labels, &d);
        CHECK(labels.count == atoi(FILES[i][2]) && d.count == 3, "%s: %d labels of %d rows", FILES[i][0],
              labels.count, d.count);
        assert_int_equal(d.notes.respelled, 0);
        el_dataset_release(&d);
        labels.closed = true;
        CHECK_OK(el_task_read(el_task_find("classify"), file("later.csv", FILES[i][1]),
                              (el_task_reading){.labels = EL_LABELS_NEEDED}, &labels, NULL, &d));
        assert_int_equal(d.notes.respelled, i < 2 ? 2 : 0);
        assert_int_equal(d.examples[0].label, 0);
        release(&labels, &d);
    }
}

/* A file to be answered may have a column of labels and none in it; where one row has a label, all must. */
static void empty_labels(void **state)
{
    (void)state;
    static const struct {
        const char *task, *learned, *unlabelled, *labelled;
    } FILES[] = {{"classify", "text,label\na,x\nb,y\n", "text,label\na,\nb,\n", "text,label\na,x\nb,\n"},
                 {"classify", "{\"text\": \"a\", \"label\": 0}\n{\"text\": \"b\", \"label\": 1}\n",
                  "{\"text\": \"a\", \"label\": -1}\n{\"text\": \"b\", \"label\": -1}\n",
                  "{\"text\": \"a\", \"label\": 1}\n{\"text\": \"b\", \"label\": -1}\n"},
                 {"classify", "{\"text\": \"a\", \"label\": \"x\"}\n{\"text\": \"b\", \"label\": \"y\"}\n",
                  "{\"text\": \"a\", \"label\": null}\n{\"text\": \"b\", \"label\": null}\n",
                  "{\"text\": \"a\", \"label\": null}\n{\"text\": \"b\", \"label\": \"x\"}\n"},
                 {"regress", "{\"text\": \"a\", \"score\": 0.5}\n{\"text\": \"b\", \"score\": 1.0}\n",
                  "{\"text\": \"a\", \"score\": -1.0}\n{\"text\": \"b\", \"score\": -1.0}\n", NULL}};
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
        const el_task *const task = el_task_find(FILES[i].task);
        const char *const end = FILES[i].learned[0] == '{' ? ".jsonl" : ".csv";
        char name[3][32];
        snprintf(name[0], sizeof name[0], "learned%s", end);
        snprintf(name[1], sizeof name[1], "unlabelled%s", end);
        snprintf(name[2], sizeof name[2], "labelled%s", end);
        el_file_layout layout = {0};
        el_labels labels = {0};
        el_dataset d;
        CHECK_OK(el_task_read(task, file(name[0], FILES[i].learned),
                              (el_task_reading){.labels = EL_LABELS_NEEDED}, &labels, &layout, &d));
        el_dataset_release(&d);
        labels.closed = true;
        const el_task_reading reading = {.known = &layout, .labels = EL_LABELS_IF_THERE};
        CHECK_OK(el_task_read(task, file(name[1], FILES[i].unlabelled), reading, &labels, NULL, &d));
        CHECK(d.count == 2 && !el_dataset_labelled(&d), "%s: %d examples, of which some have labels",
              FILES[i].unlabelled, d.count);
        el_dataset_release(&d);
        if (FILES[i].labelled)
            CHECK_FAILS(el_task_read(task, file(name[2], FILES[i].labelled), reading, &labels, NULL, &d),
                        EL_EDATA, "label");
        el_labels_release(&labels);
        el_file_layout_release(&layout);
    }
}

/* A file is unlabelled by its first rows; a label behind them is refused, as it would not be scored.  A row that is too short
 * is so whether its label is wanted or not. */
static void late_labels(void **state)
{
    (void)state;
    enum { ROWS = 2100 };
    static const char BEGIN[] = "text,label\n", ROW[] = "so warm,-1\n";
    char *const text = malloc(sizeof BEGIN + ROWS * (sizeof ROW - 1) + 16), *at = text;
    el_labels labels = {0};
    el_dataset d;
    const el_columns columns = {.header = 1, .label = "label", .text = {"text"}};
    const el_task_reading reading = {.columns = &columns, .labels = EL_LABELS_IF_THERE};
    const el_task *const task = el_task_find("classify");
    assert_non_null(text);
    el_labels_add(&labels, "x");
    labels.closed = true;
    at += sprintf(at, "%s", BEGIN);
    for (int i = 0; i < ROWS; i++)
        at += sprintf(at, "%s", ROW);
    CHECK_OK(el_task_read(task, file("late.csv", text), reading, &labels, NULL, &d));
    CHECK(d.count == ROWS && !el_dataset_labelled(&d), "%d examples", d.count);
    el_dataset_release(&d);
    strcpy(at, "so cold,x\n");
    CHECK_FAILS(el_task_read(task, file("late.csv", text), reading, &labels, NULL, &d), EL_EDATA,
                "line 2102: there is a label in column label, and in none of the first rows");
    strcpy(at, "so cold\n");
    CHECK_FAILS(el_task_read(task, file("late.csv", text), reading, &labels, NULL, &d), EL_EDATA,
                "line 2102: there is 1 column, where the first line has 2");
    free(text);
    el_labels_release(&labels);
}

/* A line of separators and blanks ends a sentence, as spreadsheets write it, with tags and without; a blank that has a tag is
 * a word, as KLUE's are. */
static void empty_rows(void **state)
{
    (void)state;
    static const char *const ROWS[] = {"\t", "\t\t", " \t ", " ", ""};
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++)
        for (int labelled = 0; labelled < 2; labelled++) {
            char text[128];
            el_labels labels = {0};
            el_dataset d;
            snprintf(text, sizeof text, "김철수\tB-PS\n \tO\n씨는\tO\n%s\n두통이\tB-SY\n%s\n", ROWS[i],
                     ROWS[i]);
            CHECK_OK(read_with("ner", file("rows.tsv", text), NULL, labelled, &labels, &d));
            CHECK(d.count == 2 && d.examples[0].count == 3 && d.word_count == 4 &&
                      strcmp(d.words[1].text, " ") == 0,
                  "\"%s\": %d sentences of %d words, the first of %d", ROWS[i], d.count, d.word_count,
                  d.count ? d.examples[0].count : 0);
            release(&labels, &d);
        }
}

/* A tag beyond the columns that are read is not another column's. */
static void many_columns(void **state)
{
    (void)state;
    char text[512] = "";
    for (int i = 0; i < 69; i++)
        strcat(text, "a ");
    strcat(text, "B-PER\n");
    expect_failure("ner", "many.conll", text, "line 1: there are 70 columns, and at most 64 are read");
    memmove(text, text + 2 * 6, strlen(text + 2 * 6) + 1); /* six columns fewer are read */
    expect_failure("ner", "many.txt", strcat(text, "a B-PER\n"), "line 2: there are 2 columns");
}

static void bad_files(void **state)
{
    (void)state;
    expect_failure("classify", "1.tsv", "text\tlabel\na\tx\nb\n",
                   "line 3: there is 1 column, where the first line has 2");
    expect_failure("classify", "2.csv", "text,label\n\"a,x\n", "line 2: a quotation mark is never closed");
    expect_failure("classify", "3.tsv", "text\tlabel\na\xFF\tx\n", "line 2: byte 2 is not valid UTF-8");
    expect_failure(
        "classify", "35.json",
        "[{\"text\": \"a\", \"label\": 1},\n {\"text\": \"\xC7\xD1\xB1\xB9\", \"label\": 0}]",
        "35.json, line 2: byte 12 is not valid UTF-8; if it is in CP949 or EUC-KR, iconv -f CP949");
    expect_failure(
        "squad", "36.json", "{\"data\": [{\"title\": \"\xC7\xD1\xB1\xB9\"}]}",
        "36.json, line 1: byte 22 is not valid UTF-8; if it is in CP949 or EUC-KR, iconv -f CP949");
    expect_failure("regress", "4.tsv", "text\tscore\na\tmany\n", "line 2: \"many\" is not a number");
    expect_failure("ner", "5.conll", "word O\nalone\n", "line 2: a word and its tag are wanted");
    expect_failure("classify", "6.jsonl", "{\"text\": \"a\", \"label\": 1}\n{\"text\": \"b\"}\n",
                   "line 2: there is no column label");
    expect_failure("classify", "25.jsonl", "{\"text\": \"a\", \"label\": {\"real\": 1}}\n",
                   "line 1: there is no column with a label");
    expect_failure("classify", "7.jsonl", "{\"text\": \"a\", \n", "expected near end of file");
    expect_failure("classify", "28.jsonl", "{\"text\": \"a\", \"label\": 1, \"label\": 0}\n",
                   "line 1: duplicate object key");
    expect_failure("classify", "29.json", "[{\"text\": \"a\", \"label\": 1, \"label\": 0}]",
                   "object 1: duplicate object key");
    expect_failure("classify", "30.json", "{\"text\": [\"a\"], \"label\": [1], \"label\": [0]}",
                   "line 1: duplicate object key");
    expect_failure("mrqa", "31.jsonl", "{\"context\": \"a\", \"context\": \"b\", \"qas\": []}\n",
                   "line 1: duplicate object key");
    expect_failure("squad", "8.json", "{\"version\": 2}", "no array \"data\"");
    expect_failure("squad", "32.json", "{\"data\": [], \"data\": []}", "the key \"data\" is there twice");
    expect_failure(
        "classify", "33.json",
        "{\"rows\": [{\"text\": \"a\", \"label\": 1}], \"rows\": [{\"text\": \"b\", \"label\": 0}]}",
        "the key \"rows\" is there twice");
    expect_failure(
        "classify", "34.json",
        "{\"rows\": [{\"text\": \"a\", \"label\": 1}], \"data\": [{\"text\": \"b\", \"label\": 0}]}",
        "holds several tables, \"data\", \"rows\"");
    expect_failure("classify", "9.tsv", "", "no example");
    expect_failure("rte", "24.tsv", "", "no example");
    expect_failure("classify", "11.tsv", "text\tlabel\na\tx\ty\n",
                   "line 2: there are 3 columns, where the first line has 2");
    expect_failure("classify", "12.tsv", "a\tx\nb\n", "line 2: there is 1 column, where the first");
    expect_failure("classify", "13.tsv", "a\tx\nb\tc\ty\n", "line 2: there are 3 columns");
    expect_failure("classify", "14.tsv", "text\na\n", "line 2: there is no column with a label");
    expect_failure("tag", "15.jsonl", "{\"words\": [\"a\"]}\n", "line 1: there is no column with a label");
    expect_failure("cola", "16.tsv", "index\tsentence\n0\ta\n", "line 1: there is no column 4");
    expect_failure("squad", "17.json", "{\"data\": [{\"paragraphs\": [{\"context\": \"a\"}]}]}",
                   "question 1");
    expect_failure("classify", "18.conll", "word O\n", "a word a line is for tagging alone");
    expect_failure("span", "19.conll", "word O\n", "a word a line is for tagging alone");
    expect_failure("classify", "20.tsv", "text\tlabel\na\t\n", "line 2: the label is empty");
    expect_failure("ner", "21.conll", "a x O\n\nb O\n",
                   "line 3: there are 2 columns, where the first word has 3");
    expect_failure("span", "22.jsonl", "{\"question\": \"who\", \"answer\": \"a\"}\n",
                   "no column is said or known to hold the context");
    expect_failure("squad", "23.json", "{\"data\": [{\"title\": \"a\"}]}",
                   "question 1: its article's \"paragraphs\"");
    expect_failure("squad", "26.json",
                   "[{\"context\": \"a\", \"qas\": [{\"question\": \"who\", \"answers\": [{}]}]}]",
                   "question 1: an answer's text");
    expect_failure("mrqa", "27.jsonl",
                   "{\"header\": {}}\n{\"context\": \"a\", \"qas\": [{\"question\": \"who\"}]}\n",
                   "question 1: \"detected_answers\"");

    const el_columns questions = {.form = EL_FORM_SQUAD, .header = -1};
    el_labels labels = {0};
    el_dataset d;
    CHECK_FAILS(read_with("classify", "lr=3e-5/nothere.tsv", NULL, true, &labels, &d), EL_EDATA,
                "lr=3e-5/nothere.tsv");
    CHECK_FAILS(read_with("classify", "a=,b=there.txt", NULL, true, &labels, &d), EL_EUSAGE, "label=FILE");
    CHECK_FAILS(read_with("classify", "a=there.txt,b", NULL, true, &labels, &d), EL_EUSAGE,
                "a=there.txt,b: label=FILE");
    CHECK_FAILS(read_with("regress", file("there.json", "{}"), &questions, true, &labels, &d), EL_EUSAGE,
                "for tasks of questions alone");
    el_labels_add(&labels, "x");
    labels.closed = true;
    assert_int_equal(
        read_with("classify", file("10.tsv", "text\tlabel\na\tx\nb\ty\n"), NULL, true, &labels, &d),
        EL_EDATA);
    assert_non_null(strstr(el_error(), "line 3: the label \"y\" is not known"));
    el_labels_release(&labels);
}

/* Questions about one text are on one side: the units are texts. */
static void held_out_articles(void **state)
{
    (void)state;
    el_labels labels;
    el_dataset train, dev;
    const char *const path = file(
        "two.json",
        "{\"data\": [{\"paragraphs\": [{\"context\": \"a b c\", \"qas\": ["
        "{\"id\": \"1\", \"question\": \"q\", \"answers\": [{\"text\": \"a\", \"answer_start\": 0}]},"
        "{\"id\": \"2\", \"question\": \"q\", \"answers\": [{\"text\": \"b\", \"answer_start\": 2}]}]}]},"
        "{\"paragraphs\": [{\"context\": \"d\", \"qas\": ["
        "{\"id\": \"3\", \"question\": \"q\", \"answers\": [{\"text\": \"d\", \"answer_start\": 0}]}]}]}]}");
    read_well("squad", path, NULL, &labels, &train);
    CHECK_FAILS(el_dataset_hold_out(&train, &dev, (el_hold_out){.last = 2}), EL_EUSAGE,
                "3 questions of 2 articles");
    CHECK_OK(el_dataset_hold_out(&train, &dev, (el_hold_out){.last = 1}));
    assert_int_equal(train.count, 2);
    assert_string_equal(dev.examples[0].id, "3");
    el_dataset_release(&dev);
    release(&labels, &train);
}

/* Of a table the rows that have one context stay together, wherever they are. */
static void held_out_contexts(void **state)
{
    (void)state;
    el_labels labels;
    el_dataset train, dev;
    const char *const path =
        file("contexts.tsv", "id\tquestion\tcontext\tanswer\n1\tq\ta b\ta\n2\tq\tc d\tc\n3\tq\ta b\tb\n"
                             "3\tq\te f\tf\n4\tq\tc d\td\n");
    static const int GROUPS[] = {0, 1, 0, 2, 1};
    read_well("span", path, NULL, &labels, &train);
    assert_int_equal(train.count, 5);
    for (int i = 0; i < 5; i++)
        CHECK(train.examples[i].group == GROUPS[i], "row %d is of group %d, not %d", i,
              train.examples[i].group, GROUPS[i]);
    CHECK_OK(el_dataset_hold_out(&train, &dev, (el_hold_out){.every = 3}));
    assert_int_equal(dev.count, 2);
    assert_string_equal(dev.examples[0].text[1], "a b");
    assert_string_equal(dev.examples[1].text[1], "a b");
    el_dataset_release(&dev);
    release(&labels, &train);
}

static void held_out(void **state)
{
    (void)state;
    char text[4000] = "text\tlabel\n";
    for (int i = 0; i < 100; i++)
        sprintf(text + strlen(text), "t%d\t%d\n", i, i % 3);
    const char *const path = file("many.tsv", text);
    el_labels labels;
    el_dataset train, dev, again, other;
    read_well("classify", path, NULL, &labels, &train);
    CHECK_OK(el_dataset_hold_out(&train, &dev, (el_hold_out){.share = 0.1, .seed = 3}));
    assert_int_equal(train.count, 90);
    assert_int_equal(dev.count, 10);
    el_labels_release(&labels);
    read_well("classify", path, NULL, &labels, &again);
    CHECK_OK(el_dataset_hold_out(&again, &other, (el_hold_out){.share = 0.1, .seed = 3}));
    for (int i = 0; i < 10; i++)
        assert_string_equal(dev.examples[i].text[0], other.examples[i].text[0]);
    el_dataset_release(&other);
    char last[16];
    snprintf(last, sizeof last, "%s", again.examples[again.count - 1].text[0]);
    CHECK_OK(el_dataset_hold_out(&again, &other, (el_hold_out){.last = 5}));
    assert_int_equal(other.count, 5);
    assert_string_equal(other.examples[4].text[0], last);
    CHECK_OK(el_dataset_limit(&train, 20, 1));
    assert_int_equal(train.count, 20);
    el_dataset_release(&train);
    el_dataset_release(&dev);
    el_dataset_release(&other);
    release(&labels, &again);
}

/* The texts of many.tsv that are held out by a seed, or where `most` is given those that are left of all; how many. */
static int choose(double share, int most, uint64_t seed, char names[1024])
{
    el_labels labels;
    el_dataset d, dev = {0};
    char path[300];
    snprintf(path, sizeof path, "%s/many.tsv", folder);
    read_well("classify", path, NULL, &labels, &d);
    if (most)
        CHECK_OK(el_dataset_limit(&d, most, seed));
    else
        CHECK_OK(el_dataset_hold_out(&d, &dev, (el_hold_out){.share = share, .seed = seed}));
    const el_dataset *const chosen = most ? &d : &dev;
    const int count = chosen->count;
    for (int i = 0; i < count; i++)
        sprintf(names + strlen(names), " %s", chosen->examples[i].text[0]);
    el_dataset_release(&dev);
    release(&labels, &d);
    return count;
}

/* Of 100 examples 10.7 are 11, and 10.3 are 10; another seed chooses others. */
static void seeds_choose(void **state)
{
    (void)state;
    static const struct {
        double share;
        int most, count;
    } CASES[] = {{0.107, 0, 11}, {0.103, 0, 10}, {0, 20, 20}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char names[2][1024] = {"", ""};
        for (int k = 0; k < 2; k++) {
            const int count = choose(CASES[i].share, CASES[i].most, 3 + (uint64_t)k, names[k]);
            CHECK(count == CASES[i].count, "case %zu: %d examples, not %d", i, count, CASES[i].count);
        }
        CHECK(strcmp(names[0], names[1]) != 0, "case %zu: two seeds choose%s", i, names[0]);
    }
}

/* Empty files of these names, between blanks, in a new folder. */
static void fill_folder(char *path, const char *name, const char *files)
{
    char copy[256];
    sprintf(path, "%s/%s", folder, name);
    CHECK_OK(el_folder_make(path));
    snprintf(copy, sizeof copy, "%s", files);
    for (char *file = strtok(copy, " "); file; file = strtok(NULL, " ")) {
        char whole[256];
        snprintf(whole, sizeof whole, "%s/%s", path, file);
        FILE *const out = fopen(whole, "w");
        assert_non_null(out);
        fclose(out);
    }
}

static const char *name_of(const char *path)
{
    return path ? strrchr(path, '/') + 1 : "-";
}

static void files(void **state)
{
    (void)state;
    enum { ALL = EL_FILES_TRAIN | EL_FILES_DEV | EL_FILES_TEST };
    static const struct {
        const char *task, *files, *found; /* train, dev, test; NULL: several might be meant */
    } CASES[] = {
        {"classify", "train.csv val.csv test.csv sample_submission.csv", "train.csv val.csv test.csv"},
        {"classify", "Train.CSV eval.csv", "Train.CSV eval.csv -"},
        {"classify", "training.jsonl validation.ndjson", "training.jsonl validation.ndjson -"},
        {"classify", "train.tsv.xz valid.tsv.bz2 test", "train.tsv.xz valid.tsv.bz2 test"},
        {"classify", "sts-train.csv sts-dev.csv LICENSE.txt", "sts-train.csv sts-dev.csv -"},
        {"classify", "ratings_train.txt.zst ratings_test.txt.zst",
         "ratings_train.txt.zst - ratings_test.txt.zst"},
        {"ner", "wnut17train.conll emerging.dev.conll emerging.test.annotated",
         "wnut17train.conll emerging.dev.conll emerging.test.annotated"},
        {"sst2", "train.tsv dev.tsv test.tsv test-labeled.tsv", "train.tsv dev.tsv test.tsv"},
        {"squad", "train-v2.0.json dev-v2.0.json", "train-v2.0.json dev-v2.0.json -"},
        {"korquad", "KorQuAD_v1.0_train.json KorQuAD_v1.0_dev.json",
         "KorQuAD_v1.0_train.json KorQuAD_v1.0_dev.json -"},
        {"classify", "train.csv evaluation_notes.txt valuable.md", "train.csv - -"},
        {"classify", "train.csv train.tsv", NULL},
        {"classify", "train.csv train.csv.gz", NULL},
        {"classify", "train.csv dev.csv val.csv", NULL},
        {"classify", "a-train.csv b-train.csv", NULL}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char path[256], name[16], found[256];
        const el_task *task = el_task_find(CASES[i].task);
        el_task_files there;
        sprintf(name, "set%zu", i);
        fill_folder(path, name, CASES[i].files);
        const el_status st = el_task_find_files(&task, path, NULL, ALL, &there);
        if (!CASES[i].found) {
            CHECK(st == EL_EUSAGE && strstr(el_error(), "might be meant"), "%s: %d", CASES[i].files, st);
            continue;
        }
        CHECK(st == EL_OK, "%s: %s", CASES[i].files, el_error());
        snprintf(found, sizeof found, "%s %s %s", name_of(there.train), name_of(there.dev),
                 name_of(there.test));
        CHECK(strcmp(found, CASES[i].found) == 0, "%s: %s", CASES[i].files, found);
        el_task_files_release(&there);
    }
    const el_task *task = el_task_find("stsb");
    el_task_files found;
    char path[256];
    fill_folder(path, "sts", "sts-train.csv");
    CHECK_OK(el_task_find_files(&task, path, NULL, ALL, &found));
    assert_string_equal(task->columns.label, "5"); /* as first published */
    el_task_files_release(&found);

    /* of what is given, and of what nobody wants, several files are none too many */
    const el_task_files given = {.dev = (char *)"mine.tsv", .test = (char *)"asked.tsv"};
    task = el_task_find("classify");
    fill_folder(path, "several", "train.tsv dev.tsv valid.tsv test_a.tsv test_b.tsv");
    CHECK_FAILS(el_task_find_files(&task, path, NULL, EL_FILES_DEV, &found), EL_EUSAGE, "might be meant");
    CHECK_OK(el_task_find_files(&task, path, &given, ALL, &found));
    assert_string_equal(name_of(found.train), "train.tsv");
    assert_string_equal(found.dev, "mine.tsv");
    assert_string_equal(found.test, "asked.tsv");
    el_task_files_release(&found);
    fill_folder(path, "tests", "dev.tsv test_a.tsv test_b.tsv");
    CHECK_OK(el_task_find_files(&task, path, NULL, EL_FILES_DEV, &found));
    assert_string_equal(name_of(found.dev), "dev.tsv");
    assert_null(found.test);
    el_task_files_release(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(glue),
                                       cmocka_unit_test(own_files),
                                       cmocka_unit_test(words),
                                       cmocka_unit_test(words_with_ids),
                                       cmocka_unit_test(arrays),
                                       cmocka_unit_test(questions),
                                       cmocka_unit_test(contradictions),
                                       cmocka_unit_test(marks_of_tables),
                                       cmocka_unit_test(starts_of_tables),
                                       cmocka_unit_test(lists_of_starts),
                                       cmocka_unit_test(mrqa_unanswered),
                                       cmocka_unit_test(offsets),
                                       cmocka_unit_test(nestings),
                                       cmocka_unit_test(words_by_name),
                                       cmocka_unit_test(left_out_tags),
                                       cmocka_unit_test(empty_labels),
                                       cmocka_unit_test(late_labels),
                                       cmocka_unit_test(quoted_tabs),
                                       cmocka_unit_test(respelled_labels),
                                       cmocka_unit_test(empty_rows),
                                       cmocka_unit_test(many_columns),
                                       cmocka_unit_test(bad_files),
                                       cmocka_unit_test(other_width),
                                       cmocka_unit_test(held_out),
                                       cmocka_unit_test(seeds_choose),
                                       cmocka_unit_test(held_out_articles),
                                       cmocka_unit_test(held_out_contexts),
                                       cmocka_unit_test(files)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
