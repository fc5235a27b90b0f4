/* Whatever form, ending, header, byte order mark, line ends and compression a table has, its rows are the same, when it is
 * learned from and when it is asked; and columns are found by name, by what they hold, or not at all. */
#include "task/crossed.h"

#include "base/log.h"
#include "task/files/layout.h"
#include "task/task.h"

enum { ROWS = 4 };

static const char *const TEXTS[ROWS] = {"in Seoul, it \"rains\"", "of Korea; so it is", "the Bowl is here",
                                        "a b c d"};
static const char *const LABELS[ROWS] = {"pos", "neg", "pos", "neg"};

/* ---- files of the same rows ---- */

static const struct {
    const char *ending;
    char separator; /* 0: JSON */
    const char *shape;
} FORMS[] = {
    {".tsv", '\t', ""},     {".TSV", '\t', ""},       {".txt", '\t', ""},     {"", '\t', ""},
    {".csv", ',', ""},      {".CSV", ',', ""},        {".csv", ';', ""},      {".csv", '\t', ""},
    {".csv", '|', ""},      {".csv", ';', "sep=;\n"}, {".jsonl", 0, "lines"}, {".ndjson", 0, "lines"},
    {".JSONL", 0, "lines"}, {".json", 0, "lines"},    {"", 0, "lines"},       {".json", 0, "array"},
    {".jsonl", 0, "array"}, {".json", 0, "data"},     {".json", 0, "server"}, {".json", 0, "lists"},
    {".json", 0, "pandas"}, {".json", 0, "index"},    {".json", 0, "split"},  {".jsonl", 0, "pretty"}};
enum { FORM_COUNT = sizeof FORMS / sizeof *FORMS };

static void put_cell(char *to, const char *cell, char separator, const char *shape)
{
    const bool quoted = separator == ',' || separator == ';' || separator == '|' || *shape;
    char *at = to + strlen(to);
    if (quoted)
        *at++ = '"';
    for (; *cell; cell++) {
        if (*cell == '"' && quoted)
            *at++ = '"';
        *at++ = *cell;
    }
    if (quoted)
        *at++ = '"';
    *at = '\0';
}

static void put_json(char *to, const char *text)
{
    char *at = to + strlen(to);
    *at++ = '"';
    for (; *text; text++) {
        if (*text == '"')
            *at++ = '\\';
        *at++ = *text;
    }
    strcpy(at, "\"");
}

static void put_object(char *to, const char *names[2], int row, const char *between)
{
    sprintf(to + strlen(to), "{\"%s\":%s", names[0], between);
    put_json(to, TEXTS[row]);
    sprintf(to + strlen(to), ",%s\"%s\": \"%s\"}", between, names[1], LABELS[row]);
}

static void put_column(char *to, const char *name, const char *const *cells, bool pandas)
{
    sprintf(to + strlen(to), "\"%s\": %s", name, pandas ? "{" : "[");
    for (int i = 0; i < ROWS; i++) {
        sprintf(to + strlen(to), i ? ", " : "");
        if (pandas)
            sprintf(to + strlen(to), "\"%d\": ", i);
        put_json(to, cells[i]);
    }
    strcat(to, pandas ? "}" : "]");
}

/* What pandas' to_json writes with orient="split". */
static void make_split(char *to, const char *names[2])
{
    sprintf(to + strlen(to), "{\"columns\": [\"%s\", \"%s\"], \"index\": [0, 1, 2, 3], \"data\": [", names[0],
            names[1]);
    for (int i = 0; i < ROWS; i++) {
        strcat(to, i ? ", [" : "[");
        put_json(to, TEXTS[i]);
        sprintf(to + strlen(to), ", \"%s\"]", LABELS[i]);
    }
    strcat(to, "]}");
}

static void make_json(char *to, const char *shape, const char *names[2])
{
    if (strcmp(shape, "split") == 0) {
        make_split(to, names);
        return;
    }
    const bool array = strcmp(shape, "array") == 0, data = strcmp(shape, "data") == 0,
               server = strcmp(shape, "server") == 0, pandas = strcmp(shape, "pandas") == 0,
               pretty = strcmp(shape, "pretty") == 0, by_index = strcmp(shape, "index") == 0;
    if (pandas || strcmp(shape, "lists") == 0) {
        strcat(to, "{");
        put_column(to, names[0], TEXTS, pandas);
        strcat(to, ", ");
        put_column(to, names[1], LABELS, pandas);
        strcat(to, "}");
        return;
    }
    strcat(to, array      ? "["
               : by_index ? "{"
               : data     ? "{\"version\": \"1\", \"data\": ["
               : server   ? "{\"rows\": ["
                          : "");
    for (int i = 0; i < ROWS; i++) {
        strcat(to, i && (array || data || server || by_index) ? ",\n" : "");
        if (by_index)
            sprintf(to + strlen(to), "\"%d\": ", i);
        if (server)
            sprintf(to + strlen(to), "{\"row_idx\": %d, \"row\": ", i);
        put_object(to, names, i, pretty ? "\n  " : " ");
        strcat(to, server ? "}" : array || data || by_index ? "" : "\n");
    }
    strcat(to, array ? "]" : by_index ? "}" : data || server ? "]}" : "");
}

static void make_table(char *to, char separator, const char *shape, bool header, const char *names[2])
{
    strcat(to, separator == '\t' ? "" : shape);
    if (header)
        sprintf(to + strlen(to), "%s%c%s\n", names[0], separator, names[1]);
    for (int i = 0; i < ROWS; i++) {
        put_cell(to, TEXTS[i], separator, shape);
        sprintf(to + strlen(to), "%c", separator);
        put_cell(to, LABELS[i], separator, shape);
        strcat(to, "\n");
    }
}

/* ---- the same rows ---- */

static void check_rows(const char *path, const el_dataset *d, const el_labels *labels, bool labelled)
{
    CHECK(d->count == ROWS, "%s: %d rows", path, d->count);
    for (int i = 0; i < ROWS; i++) {
        CHECK(strcmp(d->examples[i].text[0], TEXTS[i]) == 0, "%s, row %d: \"%s\"", path, i,
              d->examples[i].text[0]);
        if (labelled)
            CHECK(strcmp(labels->names[d->examples[i].label], LABELS[i]) == 0, "%s, row %d: %s", path, i,
                  labels->names[d->examples[i].label]);
    }
}

/* Learned from, and asked with the layout that was found. */
static void check_file(const char *path)
{
    const el_task *const task = el_task_find("classify");
    el_file_layout layout = {0};
    el_labels labels = {0};
    el_dataset d;
    CHECK_OK(el_task_read(task, path, (el_task_reading){.labels = EL_LABELS_NEEDED}, &labels, &layout, &d));
    check_rows(path, &d, &labels, true);
    el_dataset_release(&d);
    CHECK(labels.count == 2, "%s: %d labels", path, labels.count);
    labels.closed = true;
    CHECK_OK(el_task_read(task, path, (el_task_reading){.known = &layout}, &labels, NULL, &d));
    check_rows(path, &d, &labels, false);
    el_dataset_release(&d);
    el_labels_release(&labels);
    el_file_layout_release(&layout);
}

static void same_rows(void **state)
{
    (void)state;
    static const char *NAMES[][2] = {
        {"text", "label"}, {"Text ", " Label"}, {"문장", "감정"}, {"Tweet", "Emotion"}, {"", ""}};
    for (int f = 0; f < FORM_COUNT; f++)
        for (int n = 0; n < 5; n++)
            for (int p = 0; p < PACKING_COUNT; p++)
                for (int how = 0; how < 4; how++) {
                    char text[MOST] = "", packed[MOST], name[64];
                    const bool mark = how & 1, returns = how & 2, header = *NAMES[n][0];
                    if (!FORMS[f].separator && !header)
                        continue;
                    if (p > 1 && how) /* every packing, and every mark and line end, but not all of both */
                        continue;
                    strcat(text, mark ? "\xEF\xBB\xBF" : "");
                    if (FORMS[f].separator)
                        make_table(text, FORMS[f].separator, FORMS[f].shape, header, NAMES[n]);
                    else
                        make_json(text, FORMS[f].shape, NAMES[n]);
                    if (returns)
                        use_returns(text);
                    const size_t bytes = pack(PACKINGS[p], text, packed);
                    snprintf(name, sizeof name, "t%d-%d-%d-%d%s%s", f, n, p, how, FORMS[f].ending,
                             PACKINGS[p]);
                    const char *const path = put_file(name, packed, bytes);
                    check_file(path);
                    remove(path);
                }
}

/* ---- which column is what ---- */

static const char *file(const char *name, const char *text)
{
    return put_file(name, text, strlen(text));
}

static el_status read_file(const char *task, const char *path, const el_file_layout *known,
                           el_file_layout *layout, el_labels *labels, el_dataset *d)
{
    *layout = (el_file_layout){0};
    return el_task_read(el_task_find(task), path,
                        (el_task_reading){.known = known, .labels = EL_LABELS_NEEDED}, labels, layout, d);
}

static const char *shown(const char *column)
{
    return column ? column : "-";
}

static void columns(void **state)
{
    (void)state;
    static const struct {
        const char *task, *name, *text, *found; /* "text second label id rows" */
    } CASES[] = {
        {"classify", "id.csv", "id,문장,label\n1,in Seoul,pos\n2,of Korea,neg\n3,the Bowl,pos\n",
         "문장 - label id 3"},
        {"classify", "own.csv", "Id,Tweet,Emotion\n1,in Seoul,pos\n2,of Korea,neg\n3,the Bowl,pos\n",
         "Tweet - Emotion Id 3"},
        {"classify", "pandas.csv", ",text,label\n0,in Seoul,pos\n1,of Korea,neg\n2,the Bowl,pos\n",
         "text - label - 3"},
        {"classify", "late.csv",
         "Label,Date,Review\npos,2020,in Seoul\nneg,2021,of Korea\npos,2022,the Bowl\n",
         "Review - Label - 3"},
        {"classify", "title.csv", "guid,title,label\na-1,in Seoul,0\na-2,of Korea,1\na-3,the Bowl,0\n",
         "title - label guid 3"},
        {"classify", "dates.csv",
         "title,label,url,date,place\n하나 둘,x,https://a.b/c,2016.06.30. 오전 10:36,서울특별시 강남구\n"
         "셋 넷,y,https://a.b/d,2016.07.01. 오후 1:02,부산광역시 해운대구\n",
         "title - label - 2"},
        {"classify", "pair.tsv",
         "pair_ID\tsentence_A\tsentence_B\tgold_label\n1\ta b\tc d\tx\n2\te f\tg h\ty\n",
         "sentence_A sentence_B gold_label pair_ID 2"},
        {"classify", "qnli.tsv", "index\tquestion\tsentence\tlabel\n1\ta b\tc d\tx\n2\te f\tg h\ty\n",
         "question sentence label index 2"},
        {"classify", "excel.csv", "리뷰,감정,,,\nin Seoul now,pos,,,\nof Korea,neg,,,\nthe Bowl,pos,,,\n",
         "리뷰 - 감정 - 3"},
        {"classify", "between.csv", "본문,,결과\nin Seoul now,,pos\nof Korea,,neg\nthe Bowl,,pos\n",
         "본문 - 결과 - 3"},
        {"classify", "sentences.csv",
         "Sentence #,Word,Tag\nSentence: 1,in,O\n,Seoul,B\n,of,O\nSentence: 2,it,O\n,x,B\n,y,O\n",
         "Word - Tag - 6"},
        {"classify", "plain.tsv", "in Seoul\tpos\nof Korea\tneg\n", "1 - 2 - 2"},
        {"classify", "turned.tsv", "pos\tin Seoul\nneg\tof Korea\npos\tthe Bowl\nneg\ta b\n", "2 - 1 - 4"},
        {"classify", "counted.tsv", "1\tin Seoul\tpos\n2\tof Korea\tneg\n3\tthe Bowl\tpos\n", "2 - 3 1 3"},
        {"classify", "first.tsv", "good\tpos\nof Korea it is\tpos\nthe Bowl\tneg\n", "1 - 2 - 3"},
        {"regress", "score.csv", "Sentence,Rating (1-5)\nthe Bowl,3\nof Korea,5\n",
         "Sentence - Rating (1-5) - 2"},
        {"regress", "index.csv", ",text,valence\n0,a b,0.5\n1,c d,1.5\n2,e f,0.5\n", "text - valence - 3"},
        {"regress", "both.jsonl",
         "{\"text\":\"a "
         "b\",\"label\":\"bad\",\"score\":1.5}\n{\"text\":\"c\",\"label\":\"good\",\"score\":2}\n",
         "text - score - 2"},
        {"regress", "texts.csv", "text,label,score\na b,1,1.5\nc d,bad,2\ne f,good,3\n", "text - score - 3"},
        {"tag", "words.jsonl", "{\"id\":\"0\",\"tokens\":[\"EU\"],\"pos_tags\":[1],\"ner_tags\":[3]}\n",
         "tokens - ner_tags id 1"},
        {"tag", "printed.csv", "tokens,ner_tags\n\"['EU', \"\"it's\"\"]\",\"['B-ORG', 'O']\"\n",
         "tokens - ner_tags - 1"},
        {"tag", "lines.tsv", "in Seoul now\tO B-LOC O\nof Korea\tO B-LOC\n", "1 - 2 - 2"},
        {"tag", "named.tsv", "text\tlabels\nin Seoul now\tO B-LOC O\nof Korea\tO B-LOC\n",
         "text - labels - 2"},
        {"tag", "numbered.txt", "1\tin\tO\n2\tSeoul\tB-LOC\n\n1\tof\tO\n2\tKorea\tB-LOC\n", "2 - -1 - 2"},
        {"tag", "german.tsv",
         "#\thttp://x\t[2010]\n1\tin\tO\tO\n2\tSeoul\tB-LOC\tO\n\n#\ty\tz\n1\tKorea\tB-LOC\tO\n",
         "2 - 3 - 2"},
        {"tag", "u.conllu",
         "# text = im Haus\n1-2\tim\t_\t_\t_\t_\t_\t_\t_\t_\n1\tin\tin\tADP\tAPPR\t_\t2\tcase\t_\t_\n"
         "2\tdem\tder\tDET\tART\t_\t0\troot\t_\t_\n2.1\tx\tx\tX\tX\t_\t_\t_\t_\t_\n\n",
         "2 - 4 - 1"},
        {"tag", "headed.csv", "Word\tTag\nin\tO\nSeoul\tB-LOC\n\nof\tO\n", "1 - -1 - 2"},
        {"tag", "hash.conll", "# O\nSeoul B-LOC\n\n# a sentence of it\nof O\n", "1 - -1 - 2"},
        {"span", "datasets.jsonl",
         "{\"id\":\"a\",\"title\":\"t\",\"context\":\"b a "
         "b\",\"question\":\"q\",\"answers\":{\"text\":[\"b\"],\"answer_start\":[4]}}\n",
         "question context answers.text id 1"}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const char *const path = file(CASES[i].name, CASES[i].text);
        char found[256];
        el_file_layout l, again;
        el_labels labels = {0};
        el_dataset d;
        CHECK_OK(read_file(CASES[i].task, path, NULL, &l, &labels, &d));
        snprintf(found, sizeof found, "%s %s %s %s %d", l.text[0], shown(l.text[1]), shown(l.label),
                 shown(l.id), d.count);
        CHECK(strcmp(found, CASES[i].found) == 0, "%s: \"%s\", not \"%s\"", CASES[i].name, found,
              CASES[i].found);
        if (strcmp(CASES[i].task, "span") == 0)
            assert_int_equal(d.answers[0].begin, 4);
        const int rows = d.count;
        el_dataset_release(&d);
        CHECK_OK(read_file(CASES[i].task, path, &l, &again, &labels,
                           &d)); /* as a dev file, and when it is asked */
        CHECK(d.count == rows, "%s: %d rows, then %d", CASES[i].name, rows, d.count);
        el_dataset_release(&d);
        el_labels_release(&labels);
        el_file_layout_release(&l);
        el_file_layout_release(&again);
    }
}

/* A file that is asked is read by the names of the one that was learned from. */
static void by_name(void **state)
{
    (void)state;
    el_file_layout known, other;
    el_labels labels = {0};
    el_dataset d;
    CHECK_OK(read_file("classify", file("a.csv", "문장,감정\nin Seoul,pos\nof Korea,neg\nthe Bowl,neg\n"),
                       NULL, &known, &labels, &d));
    el_dataset_release(&d);
    static const char *const FILES[][2] = {
        {"turned.csv", "감정,날짜,문장\nneg,2020,of Korea\n"},
        {"turned.tsv", "감정\t문장\nneg\tof Korea\n"},
        {"turned.jsonl", "{\"x\":1,\"감정\":\"neg\",\"문장\":\"of Korea\"}\n"}};
    for (int i = 0; i < 3; i++) {
        CHECK_OK(read_file("classify", file(FILES[i][0], FILES[i][1]), &known, &other, &labels, &d));
        assert_string_equal(d.examples[0].text[0], "of Korea");
        assert_string_equal(labels.names[d.examples[0].label], "neg");
        el_dataset_release(&d);
        el_file_layout_release(&other);
    }
    const el_task_reading asked = {.known = &known};
    const el_task *const task = el_task_find("classify");
    CHECK_OK(el_task_read(task, file("one.txt", "of Korea\nthe Bowl\n"), asked, &labels, NULL,
                          &d)); /* one column is the text */
    assert_int_equal(d.count, 2);
    el_dataset_release(&d);
    CHECK_FAILS(el_task_read(task, file("two.tsv", "of Korea\tneg\n"), asked, &labels, NULL, &d), EL_EDATA,
                "there is no column \"문장\", which the model learned from");
    CHECK_FAILS(el_task_read(task, file("others.jsonl", "{\"text\":\"a\"}\n"), asked, &labels, NULL, &d),
                EL_EDATA,
                "there is no column \"문장\", which the model learned from; --text-column says which");
    const el_task_reading scored = {.known = &known, .labels = EL_LABELS_NEEDED};
    CHECK_FAILS(el_task_read(task, file("bare.csv", "문장,x\nin Seoul,pos\n"), scored, &labels, NULL, &d),
                EL_EDATA,
                "there is no column \"감정\", which the model learned from; --label-column says which");
    el_labels_release(&labels);
    el_file_layout_release(&known);
}

/* Without names a place tells nothing in rows that are wider, or turned; a label's column that lacks is no label that is
 * not there. */
static void not_as_known(void **state)
{
    (void)state;
    static const struct {
        const char *task, *learned, *asked, *words; /* NULL: it is read */
        bool labelled;
    } CASES[] = {
        {"classify", "in Seoul\tpos\nof Korea\tneg\nthe Bowl\tneg\n", "pos\tin Seoul\n",
         "its column 1 holds labels", false},
        {"classify", "in Seoul\tpos\nof Korea\tneg\nthe Bowl\tneg\n", "1\tin Seoul\tpos\n",
         "its rows have 3 columns", false},
        {"classify", "in Seoul\tpos\nof Korea\tneg\nthe Bowl\tneg\n", "in Seoul\n", NULL, false},
        {"classify", "1\tin Seoul\tpos\n2\tof Korea\tneg\n3\tthe Bowl\tneg\n", "7\tin Seoul\n", NULL, false},
        {"classify", "in Seoul\tpos\nof Korea\tneg\nthe Bowl\tneg\n", "7\ta b c\n8\td e f\n",
         "its column 1 counts the rows", false},
        {"classify", "in Seoul\tpos\nof Korea\tneg\nthe Bowl\tneg\n", "7\tpos\n8\tneg\n", NULL, false},
        {"classify", "in Seoul\tpos\nof Korea\tneg\nthe Bowl\tneg\n", "7\n8\n", NULL, false},
        {"multilabel", "text\ta\tb\nin Seoul\t0\t1\nof Korea\t1\t1\n", "text\ta\nin\t1\n",
         "there is no column \"b\"", true},
        {"multilabel", "text\ta\tb\nin Seoul\t0\t1\nof Korea\t1\t1\n", "text\ta\nin\t1\n", NULL, false}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        el_file_layout known;
        el_labels labels = {0};
        el_dataset d;
        CHECK_OK(read_file(CASES[i].task, file("learned.tsv", CASES[i].learned), NULL, &known, &labels, &d));
        el_dataset_release(&d);
        labels.closed = true;
        const el_status st =
            el_task_read(el_task_find(CASES[i].task), file("asked.tsv", CASES[i].asked),
                         (el_task_reading){.known = &known,
                                           .labels = CASES[i].labelled ? EL_LABELS_NEEDED : EL_LABELS_UNREAD},
                         &labels, NULL, &d);
        if (CASES[i].words)
            CHECK(st == EL_EDATA && strstr(el_error(), CASES[i].words), "case %zu: %d, \"%s\"", i, st,
                  el_error());
        else
            CHECK(st == EL_OK, "case %zu: %s", i, el_error());
        if (!st)
            el_dataset_release(&d);
        el_labels_release(&labels);
        el_file_layout_release(&known);
    }
}

/* The label is the column that was learned from, and no other one whose name a label may have: what is to be scored lacks it,
 * and what may lack it is answered. */
static void another_label(void **state)
{
    (void)state;
    static const char *const TEXT_SAID[] = {NULL, "text", "1"};
    static const struct {
        const char *task, *learned, *asked, *label; /* NULL: the file lacks it */
        const char *lack;
    } CASES[] = {
        {"regress", "text,score,stars\na b,0.5,1\nc d,1.5,2\n", "text,stars\na b,1\nc d,2\n", NULL,
         "there is no column \"score\", which the model learned from"},
        {"regress", "text,stars\na b,1\nc d,2\n", "text,score,Stars\na b,0.5,1\nc d,1.5,2\n", "Stars", NULL},
        {"classify", "text,label,category\na b,0,0\nc d,1,1\n", "text,category\na b,0\nc d,1\n", NULL,
         "there is no column \"label\", which the model learned from"},
        {"classify", "text,label\na b,0\nc d,1\n", "text,rating\na b,0\nc d,1\n", NULL,
         "there is no column \"label\", which the model learned from"},
        {"classify", "text,Mood\na b,x\nc d,y\ne f,y\n", "text,label\na b,x\nc d,y\ne f,y\n", NULL,
         "there is no column \"Mood\", which the model learned from"},
        {"multilabel", "text,labels\na b,x|y\nc d,y\n", "text,tags\na b,x\nc d,y\n", NULL,
         "there is no column \"labels\", which the model learned from"},
        {"tag", "tokens,ner_tags,pos_tags\na b,O O,X X\nc d,O O,X X\n", "tokens,pos_tags\na b,X X\nc d,X X\n",
         NULL, "there is no column \"ner_tags\", which the model learned from"},
        {"classify", "a b,0\nc d,1\n", "a b\nc d\n", NULL,
         "there is no column 2, which the model learned from"},
        {"classify", "a b,0\nc d,1\n", "text,label\na b,0\nc d,1\n", "label", NULL}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        for (int said = 0; said < 3; said++) {
            const el_task *const task = el_task_find(CASES[i].task);
            const el_columns columns = {.header = -1, .text = {TEXT_SAID[said]}};
            const bool named = !strchr("ac", *CASES[i].learned);
            el_file_layout known = {0}, layout = {0};
            el_labels labels = {0};
            el_dataset d;
            if (said && (task->kind == EL_TAG || !named))
                continue;
            CHECK_OK(el_task_read(task, file("learned.csv", CASES[i].learned),
                                  (el_task_reading){.labels = EL_LABELS_NEEDED}, &labels, &known, &d));
            el_dataset_release(&d);
            el_task_reading reading = {
                .known = &known, .columns = said ? &columns : NULL, .labels = EL_LABELS_NEEDED};
            const char *const path = file("asked.csv", CASES[i].asked);
            const el_status st = el_task_read(task, path, reading, &labels, &layout, &d);
            if (CASES[i].lack)
                CHECK(st == EL_EDATA && strstr(el_error(), CASES[i].lack), "case %zu.%d: %d, \"%s\"", i, said,
                      st, st ? el_error() : "it is read");
            else
                CHECK(!st && strcmp(layout.label, CASES[i].label) == 0, "case %zu.%d: label %s", i, said,
                      st ? el_error() : layout.label);
            if (!st)
                el_dataset_release(&d);
            el_file_layout_release(&layout);
            reading.labels = EL_LABELS_IF_THERE;
            CHECK_OK(el_task_read(task, path, reading, &labels, NULL, &d));
            CHECK(d.count && el_dataset_labelled(&d) == !CASES[i].lack, "case %zu.%d: labelled otherwise", i,
                  said);
            el_dataset_release(&d);
            el_labels_release(&labels);
            el_file_layout_release(&known);
        }
}

/* Of columns of one name a number says none either: the layout that is kept has names.  Labels that nobody reads may be two. */
static void same_names(void **state)
{
    (void)state;
    const el_task *const task = el_task_find("classify");
    const el_columns second = {.header = 1, .text = {"2"}};
    el_labels labels = {0};
    el_dataset d;
    const char *path = file("numbered.csv", "text,text,label\na b,c d,x\ne f,g h,y\n");
    CHECK_FAILS(el_task_read(task, path, (el_task_reading){.columns = &second, .labels = EL_LABELS_NEEDED},
                             &labels, NULL, &d),
                EL_EDATA, "columns 1 and 2 are both called \"text\"");
    path = file("unread.csv", "text,label,label\na b,x,y\ne f,y,y\n");
    CHECK_FAILS(el_task_read(task, path, (el_task_reading){.labels = EL_LABELS_NEEDED}, &labels, NULL, &d),
                EL_EDATA, "columns 2 and 3 are both called \"label\"");
    CHECK_OK(el_task_read(task, path, (el_task_reading){0}, &labels, NULL, &d));
    assert_string_equal(d.examples[1].text[0], "e f");
    el_dataset_release(&d);
    el_labels_release(&labels);
}

/* A column's number is all of what was said, and none that a file cannot have is another one. */
static void numbers_of_columns(void **state)
{
    (void)state;
    static const struct {
        const char *task, *text, *label, *said; /* NULL: is read */
    } CASES[] = {{"classify", "1", "2", NULL},
                 {"classify", "-2", "-1", NULL},
                 {"classify", "4294967297", "2", "there is no column 4294967297"},
                 {"classify", "1", "4294967298", "there is no column 4294967298"},
                 {"classify", "1", "-4294967295", "there is no column -4294967295"},
                 {"classify", " 1", "2", "there is no column \" 1\""},
                 {"classify", "1", "+2", "there is no column \"+2\""},
                 {"tag", "1", "2", NULL},
                 {"tag", "4294967297", "2", "line 1: a word and its tag are wanted"},
                 {"tag", "1", "-4294967295", "line 1: a word and its tag are wanted"},
                 {"tag", "1", "+2", "there is no column \"+2\""},
                 {"tag", "0", "2", "there is no column 0"}};
    const char *const path = file("numbers", "a\tx\nb\ty\nc\tx\n");
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const el_columns columns = {.header = -1, .text = {CASES[i].text}, .label = CASES[i].label};
        el_labels labels = {0};
        el_dataset d;
        const el_status st = el_task_read(el_task_find(CASES[i].task), path,
                                          (el_task_reading){.columns = &columns, .labels = EL_LABELS_NEEDED},
                                          &labels, NULL, &d);
        CHECK(CASES[i].said ? st && strstr(el_error(), CASES[i].said) : !st, "case %zu: %s", i,
              st ? el_error() : "is read");
        if (!st)
            el_dataset_release(&d);
        el_labels_release(&labels);
    }
}

static bool other_said;

static void hear_other(el_log_level level, const char *sentence)
{
    other_said |= level == EL_LOG_NOTE &&
                  strstr(sentence, "text read from column \"text\"; the model learned from column 2");
}

/* A column that was learned from by its number is found by names in a file that has them, which is said. */
static void number_beside_names(void **state)
{
    (void)state;
    const el_columns columns = {.header = 0, .text = {"2"}, .label = "3"};
    const el_task *const task = el_task_find("classify");
    el_file_layout known = {0};
    el_labels labels = {0};
    el_dataset d;
    CHECK_OK(el_task_read(task, file("bare.tsv", "7\ta b\tx\n8\tc d\ty\n9\te f\tx\n"),
                          (el_task_reading){.columns = &columns, .labels = EL_LABELS_NEEDED}, &labels, &known,
                          &d));
    el_dataset_release(&d);
    other_said = false;
    el_log_to(hear_other);
    CHECK_OK(el_task_read(task, file("named.csv", "text,title\na b,c\nd e,f\n"),
                          (el_task_reading){.known = &known}, &labels, NULL, &d));
    el_log_to(NULL);
    CHECK(other_said && strcmp(d.examples[0].text[0], "a b") == 0, "%s is read, and it is %s",
          d.examples[0].text[0], other_said ? "said" : "not said");
    el_dataset_release(&d);
    el_labels_release(&labels);
    el_file_layout_release(&known);
}

/* The second text may be said alone, as where a message asks for it. */
static void second_alone(void **state)
{
    (void)state;
    static const struct {
        const char *task, *name, *text, *second, *found; /* the two texts; NULL: refused */
    } CASES[] = {
        {"span", "two.csv", "question,context,passage,answer\nq,a b,c d,a\n", "passage", "q, c d"},
        {"classify", "pair.csv", "text,other,label\na,b,x\nc,d,y\n", "other", "a, b"},
        {"classify", "three.csv", "sentence1,sentence2,more,label\na,b,c,x\nd,e,f,y\n", "more", "a, c"},
        {"classify", "bare.tsv", "a b\tx\nc d\ty\ne f\tx\n", "1", NULL}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const el_columns columns = {.header = -1, .text = {NULL, CASES[i].second}};
        const el_task *const task = el_task_find(CASES[i].task);
        el_task_reading reading = {.columns = &columns, .labels = EL_LABELS_NEEDED};
        el_file_layout known = {0};
        el_labels labels = {0};
        el_dataset d;
        const char *const path = file(CASES[i].name, CASES[i].text);
        if (!CASES[i].found) {
            CHECK_FAILS(el_task_read(task, path, reading, &labels, NULL, &d), EL_EDATA, "--text-column");
            el_labels_release(&labels);
            continue;
        }
        for (int asked = 0; asked < 2; asked++) {
            char found[64];
            CHECK_OK(el_task_read(task, path, reading, &labels, asked ? NULL : &known, &d));
            snprintf(found, sizeof found, "%s, %s", d.examples[0].text[0], shown(d.examples[0].text[1]));
            assert_string_equal(found, CASES[i].found);
            el_dataset_release(&d);
            reading.known = &known;
        }
        el_file_layout_release(&known);
        el_labels_release(&labels);
    }
}

/* "-" is called standard input in every sentence, and a place is said in one form. */
static void standard_input(void **state)
{
    (void)state;
    static const struct {
        const char *task, *text, *label, *said;
    } CASES[] = {
        {"classify", "", NULL, "standard input: there is no example in it"},
        {"classify", "text,label\na,x\nb,\"y\n", NULL,
         "standard input, line 3: a quotation mark is never closed"},
        {"classify", "text\tlabel\na\tx\n", "mood", "standard input, line 1: there is no column \"mood\""},
        {"classify", "[{\"text\": \"a\", \"label\": \"x\"}, 3]", NULL, "standard input, object 2: "},
        {"tag", "B-PER\ta\nO\tb\n", NULL, "standard input: its first column holds tags"},
        {"tag", "a\tO\nb\n", NULL, "standard input, line 2: "},
        {"span", "{\"data\": [{\"qas\": 3, \"context\": \"a\"}]}", NULL, "standard input, question 1: "},
        {"span", "{\"qas\": [\n}", NULL, "standard input, line 2: not JSON: "},
        {"span", "\n{\"qas\": [], \"context\": \"answer_start\", \"answer_start\": 0}\n{\"qas\": [\n}", NULL,
         "standard input, line 4: not JSON: "},
        {"classify", "\n{\"text\":\n tru}", NULL, "standard input, line 3: "},
        {"classify", "\n{\"text\":\n \"a\"\n", NULL, "standard input, line 4: "},
        {"span", "{\"header\": 1}\n{\"qas\": 3}\n", NULL, "standard input, line 2: "}};
    const int input = dup(STDIN_FILENO);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const el_columns columns = {.header = -1, .label = CASES[i].label};
        el_labels labels = {0};
        el_dataset d;
        assert_ptr_equal(freopen(file("input", CASES[i].text), "r", stdin), stdin);
        CHECK_FAILS(el_task_read(el_task_find(CASES[i].task), "-",
                                 (el_task_reading){.columns = &columns, .labels = EL_LABELS_NEEDED}, &labels,
                                 NULL, &d),
                    EL_EDATA, CASES[i].said);
        el_labels_release(&labels);
    }
    dup2(input, STDIN_FILENO);
    close(input);
}

/* A test file may lack the label also where its column was said. */
static void said_label(void **state)
{
    (void)state;
    static const char *const LACKING[] = {"text,score\na b,x\nc d,y\n", "text\na b\nc d\n"};
    const el_task *const task = el_task_find("classify");
    const el_columns columns = {.header = -1, .label = "mood"};
    el_task_reading reading = {.columns = &columns, .labels = EL_LABELS_NEEDED};
    el_file_layout known = {0};
    el_labels labels = {0};
    el_dataset d;
    CHECK_OK(el_task_read(task, file("said.csv", "text,score,mood\na b,1,x\nc d,2,y\n"), reading, &labels,
                          &known, &d));
    el_dataset_release(&d);
    reading.known = &known;
    for (int i = 0; i < 2; i++) {
        const char *const path = file("lacking.csv", LACKING[i]);
        reading.labels = EL_LABELS_NEEDED;
        CHECK_FAILS(el_task_read(task, path, reading, &labels, NULL, &d), EL_EDATA, "no column \"mood\"");
        reading.labels = EL_LABELS_IF_THERE;
        CHECK_OK(el_task_read(task, path, reading, &labels, NULL, &d));
        CHECK(d.count == 2 && !el_dataset_labelled(&d), "%s: %d rows, or labels", LACKING[i], d.count);
        el_dataset_release(&d);
    }
    el_labels_release(&labels);
    el_file_layout_release(&known);
}

/* Labels that are a key each are all there, or refused: a key is looked for among all others. */
static void many_keys(void **state)
{
    (void)state;
    enum { KEYS = 1100 };
    char *const text = malloc(32 * KEYS);
    int used = sprintf(text, "{\"text\":\"a b\"");
    for (int i = 0; i < KEYS; i++)
        used += sprintf(text + used, ",\"k%d\":%d", i, i % 2);
    strcpy(text + used, "}\n");
    el_labels labels = {0};
    el_dataset d;
    CHECK_FAILS(el_task_read(el_task_find("multilabel"), file("keys.jsonl", text),
                             (el_task_reading){.labels = EL_LABELS_NEEDED}, &labels, NULL, &d),
                EL_EDATA, "more than 1000 keys");
    el_labels_release(&labels);
    free(text);
}

/* How labels lie is found in the first rows; what comes later and lies otherwise is no label of its own. */
static void late_separators(void **state)
{
    (void)state;
    enum { ROWS_BEFORE = 2500 };
    char *const text = malloc(16 * ROWS_BEFORE + 64);
    int used = sprintf(text, "text,labels\n");
    for (int i = 0; i < ROWS_BEFORE; i++)
        used += sprintf(text + used, "a b,%s\n", i % 2 ? "x" : "y");
    strcpy(text + used, "a b,\"x,y\"\n");
    el_labels labels = {0};
    el_dataset d;
    CHECK_FAILS(el_task_read(el_task_find("multilabel"), file("late.csv", text),
                             (el_task_reading){.labels = EL_LABELS_NEEDED}, &labels, NULL, &d),
                EL_EDATA, "line 2502: there is a ',' in the labels");
    el_labels_release(&labels);
    free(text);
}

/* Which of two columns is the label matters to nobody who reads none. */
static void labels_are_not_read(void **state)
{
    (void)state;
    el_labels labels = {0};
    el_dataset d;
    const char *const path = file("two.csv", "title,내용,평점,분류\na b,in Seoul,3,x\nc d,of Korea,4,y\n");
    const el_task *const task = el_task_find("classify");
    CHECK_FAILS(el_task_read(task, path, (el_task_reading){.labels = EL_LABELS_NEEDED}, &labels, NULL, &d),
                EL_EDATA, "--label-column");
    CHECK_OK(el_task_read(task, path, (el_task_reading){0}, &labels, NULL, &d));
    assert_string_equal(d.examples[1].text[0], "of Korea");
    el_dataset_release(&d);
    el_labels_release(&labels);
}

/* Names of two roles are a header though one of them comes again below; one name alone, or none, may be an example. */
static void names_that_come_again(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
        bool header;
    } CASES[] = {{"sure.csv", "text,label\na b,x\nc d,y\ntext,x\n", true},
                 {"korean.csv", "리뷰,평점\n좋은 영화,1\n나쁜 영화,2\n리뷰,1\n", true},
                 {"third.csv", "text,label,type\na b,x,type\nc d,y,web\n", true},
                 {"numbered.csv", "text,label,1\na b,x,1\nc d,y,2\n", true},
                 {"one.csv", "news,x\nof Korea,y\nnews,y\nin Seoul,x\n", false},
                 {"labels.csv", "so,question\nof Korea,answer\nwhy,question\n", false},
                 {"alike.csv", "news,review\nof Korea,news\nin Seoul,review\n", false}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        el_file_layout l;
        el_labels labels = {0};
        el_dataset d;
        CHECK_OK(read_file("classify", file(CASES[i].name, CASES[i].text), NULL, &l, &labels, &d));
        CHECK(l.header == CASES[i].header, "%s: it has %s header", CASES[i].name, l.header ? "a" : "no");
        el_dataset_release(&d);
        el_labels_release(&labels);
        el_file_layout_release(&l);
    }
}

/* A name makes the first row a header where it stands there, or where its column is needed. */
static void names_that_are_said(void **state)
{
    (void)state;
    static const char BARE[] = "so it was\nof Korea\n", TABLE[] = "mood\tkey\nx\tof Korea\ny\tso it was\n";
    static const struct {
        const char *text;
        el_columns said;
        int count; /* 0: it is refused */
    } CASES[] = {{BARE, {.header = -1, .id = "key"}, 2},
                 {BARE, {.header = -1, .label = "mood"}, 2},
                 {BARE, {.header = -1, .text = {"mood"}}, 0},
                 {TABLE, {.header = -1, .text = {"2"}, .id = "key"}, 2},
                 {TABLE, {.header = -1, .text = {"2"}, .label = "Mood"}, 2},
                 {TABLE, {.header = 0, .text = {"2"}, .label = "mood"}, 3}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const el_task_reading reading = {.columns = &CASES[i].said};
        el_dataset d;
        const char *const path = file("said.tsv", CASES[i].text);
        const el_status st = el_task_read(el_task_find("classify"), path, reading, NULL, NULL, &d);
        CHECK(st ? !CASES[i].count : d.count == CASES[i].count, "case %zu: status %d, %d rows: %s", i, st,
              st ? 0 : d.count, st ? el_error() : "");
        if (!st)
            el_dataset_release(&d);
    }
}

/* What people call the columns, however they spell it. */
static void spellings(void **state)
{
    (void)state;
    static const char *const HEADERS[][4] = {
        {"Sentence_1,sentence 2,goldLabel", "Sentence_1", "sentence 2", "goldLabel"},
        {"q1,q2,isDuplicate", "q1", "q2", "isDuplicate"},
        {"tweetId,Comment-Text,Class", "Comment-Text", NULL, "Class"},
        {"review-id,ReviewText,is_valid", "ReviewText", NULL, "is_valid"},
        {"review-id,text,label_id", "text", NULL, "label_id"},
        {"lang,text,Category-ID", "text", NULL, "Category-ID"},
        {"lang,text,intentId", "text", NULL, "intentId"},
        {"lang,text,Class id", "text", NULL, "Class id"},
        {"label_id,text,label", "text", NULL, "label"},
        {"answer_id,text,mood", "text", NULL, "mood"}};
    for (size_t i = 0; i < sizeof HEADERS / sizeof *HEADERS; i++) {
        char text[256];
        el_file_layout l;
        el_labels labels = {0};
        el_dataset d;
        sprintf(text, "%s\n1 a b,in the Bowl,x\n2 c d,of all Korea,y\n3 e f,old and new,y\n", HEADERS[i][0]);
        CHECK_OK(read_file("classify", file("spelled.csv", text), NULL, &l, &labels, &d));
        for (int k = 0; k < 3; k++) {
            const char *const got = k < 2 ? l.text[k] : l.label, *const want = HEADERS[i][k + 1];
            CHECK((!got && !want) || (got && want && strcmp(got, want) == 0), "%s: \"%s\", not \"%s\"",
                  HEADERS[i][0], got ? got : "none", want ? want : "none");
        }
        el_dataset_release(&d);
        el_labels_release(&labels);
        el_file_layout_release(&l);
    }
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *task, *name, *text, *words;
    } CASES[] = {
        {"classify", "two.csv", "text,sentence,label\na b,c d,x\ne f,g h,y\n", "--text-column"},
        {"classify", "labels.csv", "text,Mood,Day\na b,x,mon\nc d,y,mon\ne f,x,tue\ng h,y,tue\n",
         "--label-column"},
        {"classify", "three.tsv", "a b\tc d\tx\ne f\tg h\ty\n", "--label-column"},
        {"classify", "three.csv", "a b,c d,1\ne f,g h,2\n",
         "its first row does not look like names of its 3 columns"},
        {"classify", "twice.csv", "리뷰,감정,감정\na b,x,k\nc d,y,l\n", "its first row may name the columns"},
        {"classify", "beside.csv", "리뷰,감정,\na b,x,k\nc d,y,l\n", "its first row may name the columns"},
        {"classify", "row.csv", "Great,fruit\ndog,animal\ncat,animal\ncow,animal\n", "--header"},
        {"classify", "json.tsv", "{\"text\":\"a\",\"label\":\"x\"}\n",
         "its ending says tab-separated, its rows are JSON lines"},
        {"classify", "json.csv", "[{\"text\":\"a\",\"label\":\"x\"}]\n",
         "its ending says comma-separated, its rows are JSON"},
        {"classify", "table.jsonl", "text\tlabel\na\tx\n",
         "its ending says JSON, its rows are tab-separated"},
        {"classify", "commas.tsv", "text,label\na,x\n", "its rows are comma-separated; --format csv"},
        {"classify", "splits.json", "{\"train\":[{\"text\":\"a\",\"label\":\"x\"}],\"test\":[]}",
         "several tables"},
        {"classify", "under.json", "{\"documents\":[{\"text\":\"a\",\"label\":\"x\"}]}",
         "its rows lie under \"documents\""},
        {"classify", "short.json",
         "{\"columns\":[\"text\",\"label\"],\"data\":[[\"a b\",\"x\"],[\"c d\"],[\"e f\",\"y\"]]}",
         "short.json: data: row 2 has 1 cell, and there are 2 columns"},
        {"classify", "long.json", "{\"columns\":[\"text\",\"label\"],\"data\":[[\"a b\",\"x\",\"y\"]]}",
         "data: row 1 has 3 cells, and there are 2 columns"},
        {"classify", "unnamed.json", "{\"columns\":[\"text\",1],\"data\":[[\"a b\",\"x\"]]}",
         "columns: the name of column 2 is no text"},
        {"classify", "list.jsonl", "{\"text\":\"a\",\"label\":[\"x\",\"y\"]}\n", "--task multilabel"},
        {"classify", "twice.jsonl", "{\"text\":\"a\",\"label\":\"x\",\"text\":\"b\"}\n", "duplicate"},
        {"classify", "array.jsonl", "{\"text\":[\"a\",\"b\"],\"label\":\"x\"}\n", "column text is an array"},
        {"classify", "empty.jsonl", "{\"text\":\"a\",\"label\":\"x\"}\n{\"text\":[],\"label\":\"x\"}\n",
         "line 2: column text is an array"},
        {"classify", "cut.json", "[{\"text\":\"a\",\"label\":\"x\"},\n{\"text\":", "object 2"},
        {"classify", "korean.csv", "text,label\n\xC7\xD1\xB1\xB9,x\n",
         "line 2: byte 1 is not valid UTF-8; if it is in CP949"},
        {"classify", "latin.csv", "text,label\ncaf\xE9 is,x\n", "iconv -f LATIN1"},
        {"classify", "shortened.csv", "label,text\nx,\xED\x95\x9C\xEA\xB5\n",
         "line 2: byte 6 is not valid UTF-8 (perhaps characters cut at the end of a line)"},
        {"classify", "zip.csv", "PK\3\4text,label\n", "zip archive"},
        {"classify", "pdf.tsv", "%PDF-1.4\ntext\tlabel\n", "PDF"},
        {"classify", "seps.csv", "a;b,c\nd;e,f\n", "a first line sep=,"},
        {"tag", "kaggle.csv", "Sentence,Word,Tag\n1,in,O\n1,Seoul,B-LOC\n2,of,O\n2,it,O\n",
         "every row is one word"},
        {"span", "dict.csv",
         "id,question,context,answers\n1,q,a b,\"{'text': ['a'], 'answer_start': [0]}\"\n", "Python prints"},
        {"multilabel", "both.tsv", "text\tlabels\na b\tx,y\nc d\ty|z\n", "stand between"},
        {"classify", "macintosh.csv", "text,label\ra b,x\rc d,y\r", "carriage returns alone"},
        {"classify", "arrays.json", "[[\"a b\", \"x\"], [\"c d\", \"y\"]]", "its rows are arrays"},
        {"ner", "turned.conll", "O in\nB-LOC Seoul\n\nO of\nB-LOC Korea\n", "its first column holds tags"},
        {"ner", "slashes.txt", "in/O Seoul/B-LOC it/O\nof/O Korea/B-LOC ./O\n", "a tag behind each '/'"},
        {"classify", "strings.json", "[\"a b\", \"c d\"]", "its rows are strings"},
        {"classify", "spread.json", "[\n  \"a b\",\n  \"c d\"\n]", "its rows are strings"},
        {"classify", "nothing.jsonl", "{\"text\":\"a\",\"label\":\"x\"}\n{\"text\":\"b\",\"label\":null}\n",
         "line 2: there is no column label, or null or an object in it"},
        {"multilabel", "named.jsonl",
         "{\"text\":\"a\",\"labels\":[]}\n{\"text\":\"b\",\"labels\":[{\"name\":\"x\"}]}\n",
         "line 2: there is no column labels, or null or an object in it"},
        {"multilabel", "parts.jsonl", "{\"text\":\"a\",\"labels\":[\"x\",null]}\n",
         "line 1: there is no column labels, or null or an object in it"},
        {"classify", "inner.jsonl",
         "{\"title\":\"a b\",\"labels\":{\"label\":\"x\"},\"day\":\"mon\"}\n"
         "{\"title\":\"c d\",\"labels\":{\"label\":\"y\"},\"day\":\"mon\"}\n",
         "the label may be within an object, as labels.label is"},
        {"classify", "within.jsonl",
         "{\"data\":{\"text\":\"a b\"},\"lang\":\"en\",\"label\":\"x\"}\n"
         "{\"data\":{\"text\":\"c d\"},\"lang\":\"en\",\"label\":\"y\"}\n",
         "the text may be within an object, as data.text is"},
        {"classify", "answers.csv", "질문,답변,라벨\nin a b,of c d,x\nin e f,of g h,y\n",
         "column \"질문\" may be the text, and column \"답변\" has texts, too"},
        {"classify", "chinese.csv",
         "source,query_text,label\nweibo,这个产品非常好用我很喜欢,x\nweibo,那个产品不好用我不喜欢,y\n",
         "column \"source\" may be the text, and column \"query_text\" has texts, too"},
        {"classify", "pandas.csv", ",0,1\n0,a b,x\n1,c d,y\n2,e f,y\n", "its first row counts the columns"},
        {"classify", "joined.csv", "text,label\na b,x\nc d,y\ntext,label\ne f,y\n",
         "line 4: this line names the columns again"},
        {"classify", "slashed.csv", "text,label\n\"a \\\"b\\\" c\",x\n",
         "line 2: \"b\\\" c\"\" follows a closing"},
        {"classify", "behind.csv", "text,label\n\"a b\" c,x\n",
         "line 2: \"c\" follows a closing quotation mark"},
        {"classify", "printed.csv", "text,label\na b,\"['x', 'y']\"\n", "--task multilabel"},
        {"multilabel", "partly.csv", "text,a,b,c\nx y,0,1,0\ny z,1,1,0\nz w,1,-1,1\n",
         "column b is mostly zeros and ones"},
        {"span", "object.csv", "id,question,context,answers\n1,q,a b,\"{\"\"text\"\": [\"\"a\"\"]}\"\n",
         "the answers are an object"},
        {"regress", "hexadecimal.csv", "text,score\na b,0x1F\n", "\"0x1F\" is not a number"},
        {"regress", "comma.csv", "text;score\na b;3,5\nc d;4,5\n", "line 2: \"3,5\" is not a number"},
        {"regress", "large.csv", "text,score\na b,3\nc d,1e400\n", "line 3: \"1e400\" is not a number"},
        {"classify", "empties.csv", "text,text,label\n,a b,x\n,c d,y\n",
         "line 1: columns 1 and 2 are both called \"text\""},
        {"classify", "labelled.csv", "label,text,label\n,a b,x\n,c d,y\n",
         "columns 1 and 3 are both called \"label\""},
        {"classify", "ids.csv", "id,text,label,id\n,a b,x,1\n,c d,y,2\n",
         "columns 1 and 4 are both called \"id\""},
        {"classify", "pairs.csv", "sentence1,sentence2,label,sentence2\na b,,x,e f\nc d,,y,g h\n",
         "columns 2 and 4 are both called \"sentence2\""},
        {"classify", "guessed.csv", "Mood,text,Mood\n,a b,x\n,c d,y\n,e f,y\n",
         "columns 1 and 3 are both called \"Mood\""},
        {"multilabel", "twice.csv", "text,a,b,a\nx y,0,1,1\ny z,1,1,0\n",
         "columns 2 and 4 are both called \"a\""},
        {"regress", "missing.csv", "text,score,length\na b,1.5,3\nc d,N/A,3\ne f,2,4\n",
         "line 3: \"N/A\" is not a number"},
        {"regress", "other.csv", "text,score,stars\na b,1.5,3\nc d,NaN,3\ne f,2,4\n",
         "line 3: \"NaN\" is not a number"},
        {"regress", "unnamed.csv", "text,valence,length\na b,1.5,3\nc d,-,3\ne f,2,4\n",
         "more than one may be it"},
        {"regress", "words.csv", "text,label,length\na b,bad,3\nc d,good,3\ne f,bad,4\n",
         "line 2: \"bad\" is not a number"},
        {"regress", "empty.csv", "text,score\na b,3\nc d,\n", "line 3: \"\" is not a number"},
        {"ner", "sentences.csv", "Sentence #,Word,POS,Tag\nSentence: 1,a,N,O\n,b,N,B-x\nSentence: 2,c,N,O\n",
         "column \"Sentence #\" tells of which sentence"},
        {"ner", "sentences.tsv",
         "Sentence #\tWord\tPOS\tTag\nSentence: 1\ta\tN\tO\n\tb\tN\tB-x\nSentence: 2\tc\tN\tO\n",
         "column \"Sentence #\" tells of which sentence"},
        {"ner", "two.csv", "sentence_id,word,tag\n1,a,O\n2,b,B-x\n",
         "column \"sentence_id\" tells of which sentence"},
        {"ner", "korean.conll", "단어 태그 문장_번호\na O 1\nb B-x 2\n",
         "column \"문장_번호\" tells of which sentence"},
        {"ner", "doccano.jsonl", "{\"text\": \"a b\", \"label\": [[0, 1, \"x\"]]}\n",
         "its labels are spans of characters (\"label\")"},
        {"ner", "first.jsonl",
         "{\"data\": \"a b\", \"label\": []}\n{\"data\": \"a b\", \"label\": [[0,1,\"x\"]]}\n",
         "its labels are spans of characters (\"label\")"},
        {"ner", "entities.jsonl",
         "{\"text\": \"a b\", \"entities\": [{\"start_offset\": 0, \"end_offset\": 1, \"label\": \"x\"}]}\n",
         "its labels are spans of characters (\"entities.start_offset\")"},
        {"ner", "studio.json",
         "[{\"id\": 1, \"annotations\": [{\"result\": [{\"value\": {\"start\": 0, \"end\": 1, \"labels\": "
         "[\"x\"]}}]}], \"data\": {\"text\": \"a b\"}}]",
         "its labels are spans of characters (\"annotations.result"},
        {"tag", "least.json",
         "[{\"text\": \"a b\", \"label\": [{\"start\": 0, \"end\": 1, \"labels\": [\"x\"]}]}]",
         "its labels are spans of characters (\"label.start\")"},
        {"classify", "spans.jsonl", "{\"text\": \"a b\", \"label\": [[0, 1, \"x\"]]}\n",
         "its labels are spans of characters"},
        {"classify", "numbered.jsonl", "{\"text\": \"a b\", \"label\": [[0, 1, 7]]}\n",
         "its labels are spans of characters"},
        {"multilabel", "spans.jsonl", "{\"text\": \"a b\", \"labels\": [[0, 1, \"x\"]]}\n",
         "its labels are spans of characters"},
        {"multilabel", "printed.jsonl", "{\"text\": \"a b\", \"labels\": \"[(0, 1, 'x')]\"}\n",
         "its labels are spans of characters"},
        {"classify", "r.tsv", "\"text\"\t\"label\"\n\"1\"\t\"a b\"\t\"x\"\n\"2\"\t\"c d\"\t\"y\"\n",
         "row.names = FALSE"},
        {"classify", "r.csv", "\"text\",\"label\"\n\"1\",\"a b\",\"x\"\n\"2\",\"c d\",\"y\"\n",
         "one name less than the rows have columns"},
        {"classify", "plain.tsv", "text\tlabel\n1\ta b\tx\n2\tc d\ty\n", "row.names = FALSE"},
        {"classify", "trailing.csv", "text,label\na b,x,\nc d,y,\n",
         "line 2: there are 3 columns, where the first line has 2"},
        {"classify", "unnamed.csv", "text,label\na b,x,1\nc d,y,2\n",
         "line 2: there are 3 columns, where the first line has 2"},
        {"classify", "counted.csv", "text,label\n1,x,\n2,y,\n",
         "line 2: there are 3 columns, where the first line has 2"},
        {"classify", "id.csv", "id,text,label\n1,a b,x,m\n2,c d,y,n\n",
         "line 2: there are 4 columns, where the first line has 3"},
        {"classify", "r.txt", "\"text\" \"label\"\n\"1\" \"a b\" \"x\"\n\"2\" \"c d\" \"y\"\n",
         "its fields stand between blanks"}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        el_file_layout l;
        el_labels labels = {0};
        el_dataset d;
        const el_status st =
            read_file(CASES[i].task, file(CASES[i].name, CASES[i].text), NULL, &l, &labels, &d);
        CHECK(st && strstr(el_error(), CASES[i].words), "%s: %d, and \"%s\" has not \"%s\"", CASES[i].name,
              st, st ? el_error() : "it is read", CASES[i].words);
        el_labels_release(&labels);
    }
}

/* Numbers of columns do not tell whether names stand in the first row. */
static void numbers_beside_names(void **state)
{
    (void)state;
    const el_columns said = {.header = -1, .text = {"1"}, .label = "2"};
    for (int labelled = 0; labelled < 2; labelled++) {
        el_labels labels = {0};
        el_dataset d;
        CHECK_FAILS(el_task_read(el_task_find("classify"),
                                 file("twice.csv", "리뷰,감정,감정\na b,x,k\nc d,y,l\ne f,x,k\n"),
                                 (el_task_reading){.columns = &said,
                                                   .labels = labelled ? EL_LABELS_NEEDED : EL_LABELS_UNREAD},
                                 &labels, NULL, &d),
                    EL_EDATA, "--header or --no-header says so");
        el_labels_release(&labels);
    }
}

static int told;

static void hear_empty(el_log_level level, const char *sentence)
{
    told += level == EL_LOG_NOTE && strstr(sentence, "empty.csv: 2 texts are empty");
}

static void empty_texts(void **state)
{
    (void)state;
    const char *const path = file("empty.csv", "text,label\n,x\na b,y\n  ,x\nc d,y\n");
    el_log_to(hear_empty);
    for (int labelled = 0; labelled < 2; labelled++) {
        el_labels labels = {0};
        el_dataset d;
        el_file_layout layout;
        if (labelled)
            CHECK_OK(read_file("classify", path, NULL, &layout, &labels, &d));
        else
            CHECK_OK(el_task_read(el_task_find("classify"), path, (el_task_reading){0}, NULL, &layout, &d));
        CHECK(d.count == 4 && told == labelled + 1, "%d rows, said %d times", d.count, told);
        el_dataset_release(&d);
        el_labels_release(&labels);
        el_file_layout_release(&layout);
    }
    el_log_to(NULL);
}

/* A text that most rows lack is the text all the same, unless another column may be it. */
static void sparse_texts(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *column, *label;
    } FILES[] = {{"sparse.csv", "Remark,label\na b,x\n,y\n,x\n", "Remark", "label"},
                 {"sparse.csv", "remark,verdict\na b 0,x\n,y\n,x\nc d 3,y\n,x\n", "remark", "verdict"},
                 {"sparse.jsonl",
                  "{\"remark\":\"a b 0\",\"verdict\":\"x\"}\n{\"remark\":\"\",\"verdict\":\"y\"}\n"
                  "{\"remark\":\"\",\"verdict\":\"x\"}\n{\"remark\":\"c d 3\",\"verdict\":\"y\"}\n"
                  "{\"remark\":\"\",\"verdict\":\"x\"}\n",
                  "remark", "verdict"},
                 {"full.csv", "remark,verdict,extra\na b 0,x,\nc d 1,y,\ne f 2,x,\ng h 3,y,odd\n", "remark",
                  "verdict"}};
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++)
        for (int labelled = 0; labelled < 2; labelled++) {
            const el_columns said = {.header = -1, .label = labelled ? FILES[i].label : NULL};
            el_file_layout l;
            el_labels labels = {0};
            el_dataset d;
            CHECK_OK(el_task_read(
                el_task_find("classify"), file(FILES[i].name, FILES[i].text),
                (el_task_reading){.columns = &said, .labels = labelled ? EL_LABELS_NEEDED : EL_LABELS_UNREAD},
                &labels, &l, &d));
            CHECK(strcmp(l.text[0], FILES[i].column) == 0, "case %zu: texts are \"%s\"", i, l.text[0]);
            el_dataset_release(&d);
            el_labels_release(&labels);
            el_file_layout_release(&l);
        }
}

/* Texts whose first line has a field less than the others are read, or told how, unless R named the rows. */
static void first_line_of_fewer(void **state)
{
    (void)state;
    static const char R[] = "row.names = FALSE) leaves those out", OUT[] = "out, and --no-header";
    static const struct {
        const char *name, *text;
        int header, count;
        const char *words; /* NULL: it is read */
    } FILES[] = {{"title.txt", "A title line\nq1\ta1\nq2\ta2\nq3\ta3\n", -1, 4, NULL},
                 {"title", "A title line\nq1\ta1\nq2\ta2\nq3\ta3\n", -1, 4, NULL},
                 {"title.csv", "A title line\nq1,a1\nq2,a2\nq3,a3\n", -1, 4, NULL},
                 {"items.txt", "A title line\n1\ta1\n2\ta2\n", -1, 3, NULL},
                 {"r.tsv", "\"text\"\n\"1\"\t\"a b\"\n\"2\"\t\"c d\"\n", -1, 0, OUT},
                 {"numbered.tsv", "A title\tline\n1\tq1\ta1\n2\tq2\ta2\n", -1, 0, OUT},
                 {"numbered.tsv", "A title\tline\n1\tq1\ta1\n2\tq2\ta2\n", 0, 3, NULL},
                 {"numbered.tsv", "A title\tline\n1\tq1\ta1\n2\tq2\ta2\n", 1, 0, R}};
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++)
        for (int said = 0; said < 2; said++) {
            const el_columns columns = {.header = FILES[i].header, .text = {said ? "1" : NULL}};
            el_dataset d;
            const el_status st = el_task_read(el_task_find("classify"), file(FILES[i].name, FILES[i].text),
                                              (el_task_reading){.columns = &columns}, NULL, NULL, &d);
            if (FILES[i].words)
                CHECK(st && strstr(el_error(), FILES[i].words), "file %zu: \"%s\"", i, el_error());
            else
                CHECK(!st && d.count == FILES[i].count, "file %zu: %s", i, st ? el_error() : "other texts");
            CHECK(!st || FILES[i].words == OUT || !strstr(el_error(), "--no-header"), "file %zu: \"%s\"", i,
                  el_error());
            if (!st)
                el_dataset_release(&d);
        }
}

/* ---- labels ---- */

/* The labels of the rows, "a,b|c|". */
static void list_rows(const el_dataset *d, const el_labels *labels, char *to)
{
    *to = '\0';
    for (int i = 0; i < d->count; i++) {
        const el_labelled *const e = &d->examples[i];
        for (int k = 0; k < e->count; k++)
            sprintf(to + strlen(to), "%s%s", k ? "," : "", labels->names[d->numbers[e->first + k]]);
        strcat(to, "|");
    }
}

static void several_labels(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *rows;
    } CASES[] = {
        {"commas.tsv", "text\tlabels\nx y\tred, blue\ny z\t\nz w\tblue\n", "red,blue||blue|"},
        {"bars.tsv", "text\tlabels\nx y\tred, or so|blue\ny z\tblue\n", NULL}, /* of two kinds: refused */
        {"bars.csv", "text,labels\nx y,red|blue\ny z,blue\n", "red,blue|blue|"},
        {"semicolons.csv", "text,labels\nx y,red;blue\ny z,blue\n", "red,blue|blue|"},
        {"arrays.jsonl",
         "{\"text\":\"x\",\"labels\":[\"a, b\",\"c\"]}\n{\"text\":\"y\",\"labels\":[\"a, b\"]}\n",
         "a, b,c|a, b|"},
        {"printed.csv", "text,labels\nx y,\"['a, b', \"\"c's\"\"]\"\ny z,[]\nz w,\"['d']\"\n",
         "a, b,c's||d|"},
        {"columns.csv", "id,comment_text,toxic,threat,insult\n1,x y,0,1,1\n2,y z,0,0,0\n3,z w,1,0,0\n",
         "threat,insult||toxic|"},
        {"truths.jsonl", "{\"text\":\"x\",\"a\":true,\"b\":false}\n{\"text\":\"y\",\"a\":true,\"b\":true}\n",
         "a|a,b|"},
        {"vector.jsonl",
         "{\"text\":\"x\",\"labels\":[0,1,1]}\n{\"text\":\"y\",\"labels\":[0,0,0]}\n{\"text\":\"z\","
         "\"labels\":[1,0,0]}\n",
         "1,2||0|"},
        {"string.jsonl",
         "{\"text\":\"x\",\"labels\":\"[0, 1, 1]\"}\n{\"text\":\"y\",\"labels\":\"[1, 0, 0]\"}\n", "1,2|0|"},
        {"numbers.jsonl",
         "{\"text\":\"x\",\"labels\":\"[3, 14, 5]\"}\n{\"text\":\"y\",\"labels\":\"[14]\"}\n", "3,14,5|14|"},
        {"vector.tsv", "text\tlabels\nx\t[0, 1, 1]\ny\t[1, 0, 0]\n", "1,2|0|"},
        {"blanks.tsv", "text\tlabels\nx\t0 1 1\ny\t1 0 0\n", "1,2|0|"},
        {"tuples.csv", "text,labels\nx y,\"('a', 'b')\"\ny z,()\nz w,\"('b',)\"\n", "a,b||b|"},
        {"sets.csv", "text,labels\nx y,\"{'a', 'b'}\"\nz w,{'b'}\n", "a,b|b|"},
        {"numbers.csv", "text,labels\nx y,\"(3, 14)\"\nz w,\"(14,)\"\n", "3,14|14|"},
        {"brackets.csv", "text,labels\nx y,(a)\nz w,{b\n", "(a)|{b|"},
        {"floats.csv", "text,labels\nx y,[0. 1. 1.]\nz w,[1. 0. 0.]\n", "1,2|0|"},
        {"floats.jsonl", "{\"text\":\"x\",\"labels\":[0.0,1.0]}\n{\"text\":\"y\",\"labels\":[1.0,1.0]}\n",
         "1|0,1|"},
        {"truth.jsonl", "{\"text\":\"x\",\"labels\":[false,true]}\n{\"text\":\"y\",\"labels\":[true,true]}\n",
         "1|0,1|"},
        {"units.tsv", "text\tlabels\nx\x1fy\ta\x1f,b\nz\tb\n", "a\177,b|b|"},
        {"units.jsonl", "{\"text\":\"x\\u001f\",\"labels\":[\"a\\u001fb\"]}\n", "a\177b|"}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        el_file_layout l, again;
        el_labels labels = {0};
        el_dataset d;
        char rows[256];
        const char *const path = file(CASES[i].name, CASES[i].text);
        const el_status st = read_file("multilabel", path, NULL, &l, &labels, &d);
        if (!CASES[i].rows) {
            assert_int_equal(st, EL_EDATA);
            el_labels_release(&labels);
            continue;
        }
        CHECK(st == EL_OK, "%s: %s", CASES[i].name, el_error());
        list_rows(&d, &labels, rows);
        CHECK(strcmp(rows, CASES[i].rows) == 0, "%s: \"%s\", not \"%s\"", CASES[i].name, rows, CASES[i].rows);
        el_dataset_release(&d);
        labels.closed = true;
        CHECK_OK(read_file("multilabel", path, &l, &again, &labels, &d));
        list_rows(&d, &labels, rows);
        CHECK(strcmp(rows, CASES[i].rows) == 0, "%s again: \"%s\", not \"%s\"", CASES[i].name, rows,
              CASES[i].rows);
        el_dataset_release(&d);
        el_labels_release(&labels);
        el_file_layout_release(&l);
        el_file_layout_release(&again);
    }
}

/* Where a row has another number of zeros and ones, what each stands for is not known: neither among the rows by which the
 * file is understood, nor behind them, nor in another file. */
static void vectors_of_two_lengths(void **state)
{
    (void)state;
    static const char *const RAGGED[] = {"text\tlabels\nx\t0 1 1\ny\t1 0\n",
                                         "text\tlabels\nx\t[1, 0]\ny\t[0, 1, 1]\n",
                                         "text\tlabels\nx\t0 1 1\ny\t\n"};
    static const struct {
        const char *last, *words;
    } LATE[] = {{"1 0", "line 5002: there are 2 zeros and ones, where 3 are wanted"},
                {"1 0 0 1", "line 5002: there are more zeros and ones than the 3 that are wanted"},
                {"", "line 5002: there are 0 zeros and ones, where 3 are wanted"}};
    el_file_layout l, again;
    el_labels labels = {0};
    el_dataset d;
    for (size_t i = 0; i < sizeof RAGGED / sizeof *RAGGED; i++) {
        CHECK_FAILS(read_file("multilabel", file("ragged.tsv", RAGGED[i]), NULL, &l, &labels, &d), EL_EDATA,
                    "column labels has zeros and ones for each label");
        el_labels_release(&labels);
    }
    enum { LINES = 5000, BYTES = 9 };
    char *const text = malloc(LINES * BYTES + 100);
    assert_non_null(text);
    for (size_t i = 0; i < sizeof LATE / sizeof *LATE; i++) {
        char *at = text + sprintf(text, "text\tlabels\n");
        for (int row = 0; row < LINES; row++)
            at += sprintf(at, "x\t0 1 1\n");
        sprintf(at, "y\t%s\n", LATE[i].last);
        CHECK_FAILS(read_file("multilabel", file("late.tsv", text), NULL, &l, &labels, &d), EL_EDATA,
                    LATE[i].words);
        el_labels_release(&labels);
    }
    free(text);
    CHECK_OK(read_file("multilabel", file("three.tsv", "text\tlabels\nx\t0 1 1\n"), NULL, &l, &labels, &d));
    el_dataset_release(&d);
    labels.closed = true;
    CHECK_FAILS(read_file("multilabel", file("two.tsv", "text\tlabels\nx\t0 1\n"), &l, &again, &labels, &d),
                EL_EDATA, "line 2: there are 2 zeros and ones, where 3 are wanted");
    el_labels_release(&labels);
    el_file_layout_release(&l);
}

/* What no eye sees around a label, a tag or a column's name is no part of it, unless a model learned it so; within one it is. */
static void unseen_blanks(void **state)
{
    (void)state;
    static const struct {
        const char *task, *name, *text;
        int labels, trimmed;
    } FILES[] = {{"classify", "unseen.csv",
                  "text,label\na,pos\u00a0\nb,\u3000pos\nc,pos\u200b\nd,\ufeffpos\ne,n\u00a0g\n", 2, 4},
                 {"classify", "unseen.jsonl",
                  "{\"text\": \"a\", \"label\": \"pos\u200b\"}\n{\"text\": \"b\", \"label\": [\"pos \"]}\n",
                  1, 2},
                 {"classify", "unseen.tsv", "\u00a0text\u200b\tlabel\u3000\na\tpos\nb\tneg\n", 2, 0},
                 {"multilabel", "unseen.tsv", "text\tlabels\na\tx,y\u00a0\nb\tx\u200b,\u3000\nc\ty\n", 2, 3},
                 {"multilabel", "unseen.jsonl", "{\"text\": \"a\", \"labels\": [\"x \", \"x\"]}\n", 1, 1},
                 {"ner", "unseen.conll", "a\tB-PER\u00a0\nb\tO\n\nc\tB-PER\n", 2, 1},
                 {"ner", "unseen.jsonl",
                  "{\"tokens\": [\"a\", \"b\"], \"ner_tags\": [\"B-PER\", \"B-PER\u200b\"]}\n", 1, 1}};
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
        el_file_layout l;
        el_labels labels = {0};
        el_dataset d;
        CHECK_OK(read_file(FILES[i].task, file(FILES[i].name, FILES[i].text), NULL, &l, &labels, &d));
        CHECK(labels.count == FILES[i].labels && d.notes.trimmed == FILES[i].trimmed,
              "%s: %d labels, %d of them trimmed", FILES[i].text, labels.count, d.notes.trimmed);
        el_dataset_release(&d);
        el_labels_release(&labels);
        el_file_layout_release(&l);
    }
    el_file_layout l;
    el_labels labels = {0};
    el_dataset d;
    assert_int_equal(el_labels_add(&labels, "pos"), 0);
    assert_int_equal(el_labels_add(&labels, "pos\u00a0"), 1); /* of an old card */
    labels.closed = true;
    CHECK_OK(read_file("classify", file("old.csv", "text,label\na,pos\nb,pos\u00a0\nc,pos\u200b\n"), NULL, &l,
                       &labels, &d));
    CHECK(d.examples[0].label == 0 && d.examples[1].label == 1 && d.examples[2].label == 0 &&
              d.notes.trimmed == 1,
          "labels %d %d %d, %d trimmed", d.examples[0].label, d.examples[1].label, d.examples[2].label,
          d.notes.trimmed);
    el_dataset_release(&d);
    el_labels_release(&labels);
    el_file_layout_release(&l);
}

static void one_label(void **state)
{
    (void)state;
    el_file_layout l, again;
    el_labels labels = {0};
    el_dataset d;
    CHECK_OK(read_file("classify", file("blanks.csv", "text,label\na,pos \nb, pos\nc,neg\n"), NULL, &l,
                       &labels, &d));
    assert_int_equal(labels.count, 2);
    assert_int_equal(d.notes.trimmed, 2);
    el_labels_release(&labels);
    el_dataset_release(&d);
    el_file_layout_release(&l);

    /* The same characters in another Unicode form are the same label, and the same column. */
    labels = (el_labels){0};
    CHECK_OK(read_file(
        "classify", file("forms.csv", "문장,감정\na b,기쁨\nc d,\u1100\u1175\u1108\u1173\u11b7\ne f,슬픔\n"),
        NULL, &l, &labels, &d));
    assert_int_equal(labels.count, 2);
    assert_int_equal(d.notes.composed, 1);
    assert_int_equal(d.examples[1].label, d.examples[0].label);
    assert_int_equal(el_labels_add_exactly(&labels, "\u1100\u1175\u1108\u1173\u11b7"),
                     2); /* as an old card may have it */
    el_labels_release(&labels);
    el_dataset_release(&d);
    labels = (el_labels){0};
    CHECK_OK(read_file("classify",
                       file("decomposed.csv", "\u1106\u116e\u11ab\u110c\u1161\u11bc,감정\na b,x\nc d,y\n"),
                       &l, &again, &labels, &d));
    assert_int_equal(d.count, 2);
    el_labels_release(&labels);
    el_dataset_release(&d);
    el_file_layout_release(&l);
    el_file_layout_release(&again);

    /* A list of one, as Python prints it, is its part. */
    labels = (el_labels){0};
    CHECK_OK(read_file("classify", file("lists.csv", "text,label\na,['x']\nb,[\"y\"]\nc,['x']\n"), NULL, &l,
                       &labels, &d));
    assert_int_equal(labels.count, 2);
    assert_string_equal(labels.names[0], "x");
    el_labels_release(&labels);
    el_dataset_release(&d);
    el_file_layout_release(&l);

    static const char *const GAPS[][2] = {
        {"snli.tsv", "gold_label\tsentence1\tsentence2\nentailment\ta\tb\n-\ta\tb\nneutral\ta\tb\n"},
        {"snli.jsonl", "{\"premise\":\"a\",\"hypothesis\":\"b\",\"label\":-1}\n{\"premise\":\"a\","
                       "\"hypothesis\":\"b\",\"label\":0}\n"
                       "{\"premise\":\"a\",\"hypothesis\":\"b\",\"label\":2}\n"}};
    for (int i = 0; i < 2; i++) {
        labels = (el_labels){0};
        CHECK_OK(read_file("classify", file(GAPS[i][0], GAPS[i][1]), NULL, &l, &labels, &d));
        assert_int_equal(d.count, 2);
        assert_int_equal(d.notes.gaps, 1);
        assert_int_equal(labels.count, 2);
        el_labels_release(&labels);
        el_dataset_release(&d);
        el_file_layout_release(&l);
    }
    labels = (el_labels){0};
    CHECK_OK(
        read_file("classify", file("feeling.csv", "text,label\na,-1\nb,0\nc,1\n"), NULL, &l, &labels, &d));
    assert_int_equal(labels.count, 3); /* a feeling may be below zero */
    el_labels_release(&labels);
    el_dataset_release(&d);
    el_file_layout_release(&l);
}

/* 200 000 labels are found in linear time, and keep their numbers when they are sorted. */
static void many_labels(void **state)
{
    (void)state;
    enum { MANY = 200000 };
    el_labels labels = {0};
    char name[16];
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "%d", MANY - 1 - i);
        assert_int_equal(el_labels_add(&labels, name), i);
    }
    CHECK_OK(el_labels_close(&labels, NULL, 0));
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "%d", i);
        assert_int_equal(el_labels_find(&labels, name), i);
    }
    assert_int_equal(el_labels_add(&labels, "none"), -1);
    el_labels_release(&labels);
}

/* ---- the card ---- */

static void card(void **state)
{
    (void)state;
    char *names[] = {"a", "b"};
    const el_file_layout layout = {.file = {EL_FORM_CSV, ';'},
                                   .header = true,
                                   .text = {"문장", "second"},
                                   .id = "no",
                                   .labels = names,
                                   .label_count = 2,
                                   .parts = EL_PARTS_COLUMNS,
                                   .gap = "-"};
    json_t *const object = el_file_layout_json(&layout);
    el_file_layout again;
    CHECK_OK(el_file_layout_read(&again, object, "config.json"));
    json_t *const same = el_file_layout_json(&again);
    assert_true(json_equal(object, same));
    assert_int_equal(again.file.separator, ';');
    assert_string_equal(again.labels[1], "b");
    assert_null(again.label);
    el_file_layout_release(&again);
    json_object_set_new(object, "labels_lie", json_string("about"));
    CHECK_FAILS(el_file_layout_read(&again, object, "config.json"), EL_EDATA, "labels_lie is \"about\"");
    json_decref(object);
    json_decref(same);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_rows),
                                       cmocka_unit_test(columns),
                                       cmocka_unit_test(by_name),
                                       cmocka_unit_test(refused),
                                       cmocka_unit_test(first_line_of_fewer),
                                       cmocka_unit_test(numbers_beside_names),
                                       cmocka_unit_test(empty_texts),
                                       cmocka_unit_test(sparse_texts),
                                       cmocka_unit_test(not_as_known),
                                       cmocka_unit_test(another_label),
                                       cmocka_unit_test(numbers_of_columns),
                                       cmocka_unit_test(second_alone),
                                       cmocka_unit_test(number_beside_names),
                                       cmocka_unit_test(standard_input),
                                       cmocka_unit_test(said_label),
                                       cmocka_unit_test(same_names),
                                       cmocka_unit_test(labels_are_not_read),
                                       cmocka_unit_test(many_keys),
                                       cmocka_unit_test(late_separators),
                                       cmocka_unit_test(names_that_come_again),
                                       cmocka_unit_test(names_that_are_said),
                                       cmocka_unit_test(spellings),
                                       cmocka_unit_test(several_labels),
                                       cmocka_unit_test(vectors_of_two_lengths),
                                       cmocka_unit_test(unseen_blanks),
                                       cmocka_unit_test(one_label),
                                       cmocka_unit_test(many_labels),
                                       cmocka_unit_test(card)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
