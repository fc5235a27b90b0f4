/* Whatever form, ending, byte order mark, line ends and packing words and their tags, questions, or plain lines come in, what
 * is read is the same, when it is learned from and when it is asked; test_tables.c does so for tables. */
#include "task/crossed.h"

#include "base/log.h"
#include "task/files/layout.h"
#include "task/task.h"

/* ---- the files: each form with the endings it may have, "-" none, between blanks ---- */

typedef struct {
    const char *task, *name, *endings, *text;
} form_file;

static const char SENTENCES[] = "in O Seoul B-LOC . O | the O 문장 B-PER here I-PER | Korea B-LOC | ";

static const form_file TAGGED[] = {
    {"ner", "tabs", ".conll .iob .BIO .iob2 .txt .tsv -",
     "in\tO\nSeoul\tB-LOC\n.\tO\n\nthe\tO\n문장\tB-PER\nhere\tI-PER\n\nKorea\tB-LOC\n\n"},
    {"ner", "blanks", ".conll .iob .bio .TXT -",
     "in O\nSeoul B-LOC\n. O\n\nthe O\n문장 B-PER\nhere I-PER\n\nKorea B-LOC\n"},
    {"tag", "columns", ".conll .txt -",
     "-DOCSTART- -X- O O\n\nin IN B-PP O\nSeoul NNP B-NP B-LOC\n. . O O\n\n\nthe DT B-NP O\n문장 NN I-NP "
     "B-PER\nhere RB "
     "B-ADVP I-PER\n\nKorea NNP B-NP B-LOC\n"},
    {"ner", "header", ".conll .tsv .txt -",
     "token\tner_tag\nin\tO\nSeoul\tB-LOC\n.\tO\n\nthe\tO\n문장\tB-PER\nhere\tI-PER\n\nKorea\tB-LOC\n"},
    {"tag", "conllu", ".conllu .CONLLU .txt -",
     "# sent_id = 1\n# text = in "
     "Seoul.\n1\tin\tin\tO\t_\t_\t0\t_\t_\t_\n2-3\tSeoul.\t_\t_\t_\t_\t_\t_\t_\t_\n"
     "2\tSeoul\tSeoul\tB-LOC\t_\t_\t1\t_\t_\t_\n3\t.\t.\tO\t_\t_\t1\t_\t_\t_\n\n1\tthe\tthe\tO\t_\t_\t0\t_\t_"
     "\t_\n"
     "2\t문장\t문장\tB-PER\t_\t_\t1\t_\t_\t_\n3\there\there\tI-PER\t_\t_\t1\t_\t_\t_\n\n"
     "1\tKorea\tKorea\tB-LOC\t_\t_\t0\t_\t_\t_\n\n"},
    {"ner", "germeval", ".tsv .txt .conll",
     "#\thttp://de.example/a [2009-10-17]\n1\tin\tO\tO\n2\tSeoul\tB-LOC\tO\n3\t.\tO\tO\n\n"
     "#\thttp://de.example/b [2009-10-17]\n1\tthe\tO\tO\n2\t문장\tB-PER\tB-LOC\n3\there\tI-PER\tO\n\n"
     "#\thttp://de.example/c [2009-10-17]\n1\tKorea\tB-LOC\tO\n\n"},
    {"ner", "sentences", ".tsv .TXT .tab -",
     "in Seoul .\tO B-LOC O\nthe 문장 here\tO B-PER I-PER\nKorea\tB-LOC\n"},
    {"ner", "named", ".tsv .txt -",
     "id\tsentence\ttags\n1\tin Seoul .\tO B-LOC O\n2\tthe 문장 here\tO B-PER I-PER\n3\tKorea\tB-LOC\n"},
    {"tag", "lines", ".jsonl .ndjson .json -",
     "{\"id\": 7, \"tokens\": [\"in\", \"Seoul\", \".\"], \"ner_tags\": [\"O\", \"B-LOC\", \"O\"]}\n"
     "{\"id\": 8, \"tokens\": [\"the\", \"문장\", \"here\"], \"ner_tags\": [\"O\", \"B-PER\", \"I-PER\"]}\n"
     "{\"id\": 9, \"tokens\": [\"Korea\"], \"ner_tags\": [\"B-LOC\"]}\n"},
    {"ner", "array", ".json .JSON -",
     "[{\"words\": [\"in\", \"Seoul\", \".\"], \"labels\": [\"O\", \"B-LOC\", \"O\"]},\n"
     " {\"words\": [\"the\", \"문장\", \"here\"], \"labels\": [\"O\", \"B-PER\", \"I-PER\"]},\n"
     " {\"words\": [\"Korea\"], \"labels\": [\"B-LOC\"]}]"},
    {"ner", "printed", ".csv .CSV",
     "tokens,tags\n\"['in', 'Seoul', '.']\",\"['O', 'B-LOC', 'O']\"\n"
     "\"['the', '문장', 'here']\",\"['O', 'B-PER', 'I-PER']\"\n['Korea'],['B-LOC']\n"}};
enum { TAGGED_COUNT = sizeof TAGGED / sizeof *TAGGED };

#define CONTEXT "서울 😀 is old"
static const char QUESTIONS[] = "where is it? @ " CONTEXT " = old at 15; how? @ " CONTEXT " = 서울 at 0; ";

static const form_file QUESTIONED[] = {
    {"squadv1", "squad", ".json .JSON -",
     "{\"version\": \"1.1\", \"data\": [{\"title\": \"t\", \"paragraphs\": [{\"context\": \"" CONTEXT
     "\", \"qas\": [\n{\"id\": \"1\", \"question\": \"where is it?\", \"answers\": [{\"text\": \"old\", "
     "\"answer_start\": 8}]},\n"
     "{\"id\": \"2\", \"question\": \"how?\", \"answers\": [{\"text\": \"서울\", \"answer_start\": "
     "0}]}]}]}]}\n"},
    {"span", "aihub", ".json",
     "{\"Dataset\": {\"name\": \"x\"}, \"data\": [{\"doc_id\": 1, \"paragraphs\": [{\"context_id\": 1, "
     "\"context\": \"" CONTEXT "\", \"qas\": [\n{\"question_id\": \"1\", \"question\": \"where is it?\", "
     "\"answers\": [{\"text\": \"old\", \"answer_start\": "
     "8}]},\n{\"question_id\": \"2\", \"question\": \"how?\", \"answers\": [{\"text\": \"서울\", "
     "\"answer_start\": "
     "0}]}]}]}]}"},
    {"span", "korquad2", ".json",
     "{\"version\": \"2\", \"data\": [{\"title\": \"t\", \"url\": \"u\", \"context\": \"" CONTEXT
     "\", \"raw_html\": \"<p>\", \"qas\": [\n{\"id\": \"1\", \"question\": \"where is it?\", \"answer\": "
     "{\"text\": \"old\", "
     "\"answer_start\": 8, \"html_answer_text\": \"old\"}},\n{\"id\": \"2\", \"question\": \"how?\", "
     "\"answer\": {\"text\": "
     "\"서울\", \"answer_start\": 0}}]}]}"},
    {"squad", "rows", ".json -",
     "{\"version\": \"1\", \"data\": [\n{\"id\": \"1\", \"question\": \"where is it?\", \"context\": "
     "\"" CONTEXT "\", \"answers\": {\"text\": [\"old\"], \"answer_start\": [8]}},\n{\"id\": \"2\", "
     "\"question\": \"how?\", \"context\": "
     "\"" CONTEXT "\", \"answers\": {\"text\": [\"서울\"], \"answer_start\": [0]}}]}"},
    {"korquad", "datasets", ".jsonl .json .NDJSON -",
     "{\"id\": \"1\", \"title\": \"t\", \"context\": \"" CONTEXT
     "\", \"question\": \"where is it?\", \"answers\": {\"text\": [\"old\"], \"answer_start\": [8]}}\n"
     "{\"id\": \"2\", \"title\": \"t\", \"context\": \"" CONTEXT
     "\", \"question\": \"how?\", \"answers\": {\"text\": [\"서울\"], \"answer_start\": [0]}}\n"},
    {"span", "array", ".json -",
     "[{\"id\": \"1\", \"question\": \"where is it?\", \"context\": \"" CONTEXT
     "\", \"answers\": [{\"text\": \"old\", \"answer_start\": 8}]},\n{\"id\": \"2\", \"question\": \"how?\", "
     "\"context\": "
     "\"" CONTEXT "\", \"answers\": [{\"text\": \"서울\", \"answer_start\": 0}]}]"},
    {"mrqa", "mrqa", ".jsonl .json -",
     "{\"header\": {\"dataset\": \"x\"}}\n{\"id\": \"c\", \"context\": \"" CONTEXT
     "\", \"qas\": [{\"qid\": \"1\", \"question\": \"where is it?\", \"answers\": [\"old\"], "
     "\"detected_answers\": [{\"text\": "
     "\"old\", \"char_spans\": [[8, 10]]}]}, {\"qid\": \"2\", \"question\": \"how?\", \"answers\": "
     "[\"서울\"], "
     "\"detected_answers\": [{\"text\": \"서울\", \"char_spans\": [[0, 1]]}]}]}\n"},
    {"span", "table", ".csv .CSV",
     "id,question,context,answer,answer_start\n1,where is it?," CONTEXT ",old,8\n2,how?," CONTEXT
     ",서울,0\n"},
    {"span", "tabs", ".tsv .txt -",
     "id\tquestion\tcontext\tanswer\n1\twhere is it?\t" CONTEXT "\told\n2\thow?\t" CONTEXT "\t서울\n"}};
enum { QUESTIONED_COUNT = sizeof QUESTIONED / sizeof *QUESTIONED };

/* ---- what was read, as one line ---- */

static void put_tagged(const el_dataset *d, const el_labels *labels, bool tags, char *to)
{
    *to = '\0';
    for (int i = 0; i < d->count; i++) {
        for (int k = d->examples[i].first; k < d->examples[i].first + d->examples[i].count; k++) {
            sprintf(to + strlen(to), "%s ", d->words[k].text);
            if (tags)
                sprintf(to + strlen(to), "%s ", labels->names[d->words[k].tag]);
        }
        strcat(to, "| ");
    }
}

/* SENTENCES without its tags. */
static void put_words(char *to)
{
    bool word = true;
    *to = '\0';
    char copy[sizeof SENTENCES];
    strcpy(copy, SENTENCES);
    for (char *part = strtok(copy, " "); part; part = strtok(NULL, " ")) {
        const bool end = strcmp(part, "|") == 0;
        if (word || end)
            sprintf(to + strlen(to), "%s ", part);
        word = end || !word;
    }
}

static void put_questions(const el_dataset *d, bool answers, char *to)
{
    *to = '\0';
    for (int i = 0; i < d->count; i++) {
        const el_labelled *const e = &d->examples[i];
        CHECK(e->id && atoi(e->id) == i + 1, "question %d has the id %s", i + 1, e->id ? e->id : "none");
        sprintf(to + strlen(to), "%s @ %s", e->text[0], e->text[1]);
        if (answers)
            sprintf(to + strlen(to), " = %s at %d", d->answers[e->first].text,
                    (int)d->answers[e->first].begin);
        strcat(to, "; ");
    }
}

static void check_read(const form_file *f, const char *path, const el_dataset *d, const el_labels *labels,
                       bool labelled)
{
    char got[1024], want[1024];
    const bool tagged = d->kind == EL_TAG;
    if (tagged)
        put_tagged(d, labels, labelled, got);
    else
        put_questions(d, true, got);
    if (tagged && !labelled)
        put_words(want);
    else
        strcpy(want, tagged ? SENTENCES : QUESTIONS);
    CHECK(strcmp(got, want) == 0, "%s of %s, %s:\n  \"%s\", not\n  \"%s\"", f->name, path,
          labelled ? "learned" : "asked", got, want);
}

/* Learned from, scored and asked with the layout that was found. */
static void check_file(const form_file *f, const char *path)
{
    const el_task *const task = el_task_find(f->task);
    el_file_layout layout = {0};
    el_labels labels = {0};
    el_dataset d;
    const el_status st =
        el_task_read(task, path, (el_task_reading){.labels = EL_LABELS_NEEDED}, &labels, &layout, &d);
    CHECK(st == EL_OK, "%s: %s", f->name, el_error());
    check_read(f, path, &d, &labels, true);
    el_dataset_release(&d);
    labels.closed = true;
    for (int labelled = 0; labelled < 2; labelled++) {
        const el_task_reading reading = {.known = &layout,
                                         .labels = labelled ? EL_LABELS_NEEDED : EL_LABELS_UNREAD};
        CHECK_OK(el_task_read(task, path, reading, &labels, NULL, &d));
        if (labelled || d.kind == EL_TAG)
            check_read(f, path, &d, &labels, labelled);
        else
            CHECK(d.count == 2 && strcmp(d.examples[1].text[1], CONTEXT) == 0, "%s: asked otherwise", path);
        el_dataset_release(&d);
    }
    el_labels_release(&labels);
    el_file_layout_release(&layout);
}

/* ---- crossed ---- */

typedef void visit_file(const form_file *form, const char *path);

/* Every packing, and every mark and line end, but not all of both. */
static void cross_ending(const form_file *f, const char *ending, visit_file *visit)
{
    for (int p = 0; p < PACKING_COUNT; p++)
        for (int how = 0; how < (p ? 1 : 4); how++) {
            char text[MOST] = "", packed[MOST], name[96];
            strcat(text, how & 1 ? "\xEF\xBB\xBF" : "");
            strcat(text, f->text);
            if (how & 2)
                use_returns(text);
            const size_t bytes = pack(PACKINGS[p], text, packed);
            snprintf(name, sizeof name, "%s-%d-%d%s%s", f->name, p, how, ending, PACKINGS[p]);
            const char *const path = put_file(name, packed, bytes);
            visit(f, path);
            unlink(path);
        }
}

static void cross(const form_file *f, visit_file *visit)
{
    char endings[96];
    strcpy(endings, f->endings);
    for (char *rest = endings, *ending; (ending = strsep(&rest, " "));)
        cross_ending(f, strcmp(ending, "-") == 0 ? "" : ending, visit);
}

static void words_and_tags(void **state)
{
    (void)state;
    for (int i = 0; i < TAGGED_COUNT; i++)
        cross(&TAGGED[i], check_file);
}

static void questions(void **state)
{
    (void)state;
    for (int i = 0; i < QUESTIONED_COUNT; i++)
        cross(&QUESTIONED[i], check_file);
}

/* The form's file with the first of its endings. */
static const char *put_form(const form_file *f, const char *name)
{
    char whole[96];
    snprintf(whole, sizeof whole, "%s-%s%.*s", name, f->name, (int)strcspn(f->endings, " "), f->endings);
    return put_file(whole, f->text, strlen(f->text));
}

/* Reads the one file as the other was found to lie, which was learned from.  Names that it learned from may be missing. */
static void check_pair(const form_file *learned, const form_file *asked)
{
    el_file_layout layout = {0};
    el_labels labels = {0};
    el_dataset d;
    const char *const first = put_form(learned, "learned"), *const second = put_form(asked, "asked");
    CHECK_OK(el_task_read(el_task_find(learned->task), first, (el_task_reading){.labels = EL_LABELS_NEEDED},
                          &labels, &layout, &d));
    el_dataset_release(&d);
    const bool named = layout.header || layout.file.form == EL_FORM_JSON || layout.file.form == EL_FORM_JSONL;
    const el_status st = el_task_read(el_task_find(learned->task), second,
                                      (el_task_reading){.known = &layout}, &labels, NULL, &d);
    if (st)
        CHECK(named && strstr(el_error(), "which the model learned from"), "%s, learned from %s: %s", second,
              first, el_error());
    else
        check_read(asked, second, &d, &labels, false);
    if (!st)
        el_dataset_release(&d);
    el_labels_release(&labels);
    el_file_layout_release(&layout);
}

/* A model that learned from any of the forms is asked in any other. */
static void other_forms(void **state)
{
    (void)state;
    for (int i = 0; i < TAGGED_COUNT; i++)
        for (int k = 0; k < TAGGED_COUNT; k++)
            check_pair(&TAGGED[i], &TAGGED[k]);
}

static bool told;

static void hear_form(el_log_level level, const char *sentence)
{
    told |= level == EL_LOG_NOTE &&
            (strstr(sentence, "; --format lines reads") || strstr(sentence, "; --format conll reads"));
}

/* What a tagger is asked: sentences a line however many words they have, words a line where tags or the model's columns show
 * them, and the texts of tables. */
static void sentences_or_words(void **state)
{
    (void)state;
    static const char TWO[] = "John O\nlives O\n\nSeoul B-LOC\n\n",
                      FOUR[] = "a N x O\nb N x B-LOC\n\nc N x O\n",
                      STOPS[] = "John N\n. .\n\nSeoul N\n. .\n\n", NAMED[] = "word\ttag\na\tO\n\nb\tO\n",
                      ROWS[] = "{\"tokens\": [\"a\", \"b\"], \"ner_tags\": [\"O\", \"B-LOC\"]}\n";
    static const struct {
        const char *learned, *name, *text, *column, *want; /* "a b | c | ", or what is said of it */
    } CASES[] = {
        {TWO, "one", "John lives in Seoul\n", NULL, "John lives in Seoul | "},
        {TWO, "three", "a b c\nd e f\n", NULL, "a b c | d e f | "},
        {TWO, "pairs.txt", "a b\nc d\n", NULL, "a c | "},
        {TWO, "pair.txt", "a b\n", NULL, "a b | "},
        {FOUR, "pairs.txt", "a b\nc d\n", NULL, "a b | c d | "},
        {TWO, "parts.txt", "a b c d\n\ne f g\n", NULL, "a b c d | e f g | "},
        {TWO, "tags", "a O\nb O\n", NULL, "a b | "},
        {TWO, "words", "a\nb\n", NULL, "a b | "},
        {TWO, "words", "a\nb\n\nc\n", NULL, "a b | c | "},
        {TWO, "more.conll", FOUR, NULL, "a b | c | "},
        {TWO, "untagged.conll", "a N x\nb N x\n\nc N x\n", NULL, "a b | c | "},
        {TWO, "untagged.tsv", "a\tN\tx\nb\tN\tx\n\nc\tN\tx\n", NULL, "a b | c | "},
        {TWO, "apart.txt", "a b c\n\nd e f\n", NULL,
         "learned from had 2; --format lines reads sentences; --text-column N says which"},
        {TWO, "uneven.txt", "a\nb c\nd\n", NULL, "a | b c | d | "},
        {STOPS, "stop", "John lives .\n", NULL, "John lives . | "},
        {STOPS, "stops.txt", "John lives .\nMary eats .\n", NULL, "John lives . | Mary eats . | "},
        {STOPS, "apart.txt", "John lives here .\n\nMary eats .\n", NULL,
         "John lives here . | Mary eats . | "},
        {STOPS, "tags", "a N\n. .\n", NULL, "a . | "},
        {TWO, "comma.csv", ", O\nhe O\n\nno O\n", NULL, ", he | no | "},
        {TWO, "comma.csv", "he,x\nno,y\n", NULL, "he | no | "},
        {TWO, "ids.tsv", "id\ttoken\n1\tJohn\n2\tlives\n", NULL, "John lives | "},
        {NAMED, "ids.tsv", "id\ttoken\n1\tJohn\n2\tlives\n", NULL, "John lives | "},
        {TWO, "first.txt", "a b c\nd e\n", "1", "a b c | d e | "},
        {TWO, "second.txt", "a b, c\nd e\n", "2", "plain lines, which have no columns; --text-column"},
        {TWO, "broken.conll", "a O\nb\n\nc O\n", NULL,
         "line 2: there is 1 column, where the first word has 2"},
        {FOUR, "three", "a b c\n", NULL, "a b c | "},
        {FOUR, "untagged", "a N x\nb N x\n", NULL, "a b | "},
        {FOUR, "alone", "a\nb\n", NULL, "a b | "},
        {ROWS, "one", "John lives in Seoul\n", NULL, "John lives in Seoul | "},
        {ROWS, "three", "a b c\nd e f\n", NULL, "a b c | d e f | "},
        {ROWS, "tags", "a N O\nb N O\n", NULL, "a b | "},
        {ROWS, "blanks", "a N\nb N\n\nc N\n", NULL, "a b | c | "},
        {TWO, "table.tsv", "id\ttext\n1\ta b\n2\tc d\n", NULL, "a b | c d | "},
        {TWO, "table.tsv", "id\ttext\n1\ta\n2\tb\n", NULL, "a | b | "},
        {TWO, "nsmc.txt", "id\tdocument\tlabel\n7\ta b\t1\n9\tc\t0\n", NULL,
         "no column is said or known to hold the words; --text-column"},
        {TWO, "nsmc.txt", "id\tdocument\tlabel\n7\ta b\t1\n9\tc\t0\n", "document", "a b | c | "},
        {TWO, "nameless.tsv", "7\ta b\n9\tc d\n", NULL, "a b | c d | "},
        {TWO, "wide.tsv", "7\ta\t1\n9\tb\t0\n", NULL,
         "there are 3 columns, where the file that the model learned from had 2; --text-column N says"},
        {TWO, "table.csv", "text,label\na b c,1\nd e,0\n", NULL, "a b c | d e | "},
        {TWO, "table.csv", "text,label\na b c,1\nd e,0\n", "nope", "line 1: there is no column \"nope\""},
        {TWO, "table.csv", "a b c\nd e\n", NULL, "a b c | d e | "},
        {TWO, "table.txt", "text,label\na b c,1\nd e,0\n", "text",
         "plain lines, which have no columns; --text-column"}};
    el_log_to(hear_form);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const bool rows = CASES[i].learned == ROWS;
        const bool unclear = !strpbrk(CASES[i].text, "\t,") && !strstr(CASES[i].text, "\n\n") &&
                             !strstr(CASES[i].name, ".csv");
        told = false;
        const el_columns columns = {.header = -1, .text = {CASES[i].column}};
        el_file_layout known = {0};
        el_labels labels = {0};
        el_dataset d;
        char got[1024];
        const char *const path =
            put_file(rows ? "learned.jsonl" : "learned.conll", CASES[i].learned, strlen(CASES[i].learned));
        CHECK_OK(el_task_read(el_task_find("ner"), path, (el_task_reading){.labels = EL_LABELS_NEEDED},
                              &labels, &known, &d));
        el_dataset_release(&d);
        const el_status st =
            el_task_read(el_task_find("ner"), put_file(CASES[i].name, CASES[i].text, strlen(CASES[i].text)),
                         (el_task_reading){.columns = &columns, .known = &known}, &labels, NULL, &d);
        if (st)
            snprintf(got, sizeof got, "%s", el_error());
        else
            put_tagged(&d, &labels, false, got);
        CHECK(!unclear || told, "case %zu, %s: the form is not said", i, CASES[i].name);
        CHECK(st ? strstr(got, CASES[i].want) != NULL : strcmp(got, CASES[i].want) == 0,
              "case %zu, %s: \"%s\", not \"%s\"", i, CASES[i].name, got, CASES[i].want);
        if (!st)
            el_dataset_release(&d);
        el_labels_release(&labels);
        el_file_layout_release(&known);
    }
    el_log_to(NULL);
}

/* The columns of a word a line as those of tables: a header is found or said, a column is said by its name or number, and the
 * model's file is asked by the names that it had.  A number from a file without names is held against a header's. */
static void columns_of_words(void **state)
{
    (void)state;
    enum { BARE = EL_LABELS_UNREAD, PERHAPS = EL_LABELS_IF_THERE, TAGS = EL_LABELS_NEEDED };
    static const char PLAIN[] = "N\tJohn\tO\nV\truns\tB-X\n\nN\tSeoul\tO\n",
                      TURNED[] = "word\tpos\ttag\nJohn\tN\tO\nruns\tV\tB-X\n\nSeoul\tN\tO\n",
                      LEMMA[] = "lemma\tword\ttag\nj\tJohn\tO\nr\truns\tB-X\n\ns\tSeoul\tO\n",
                      IDS[] = "id\tlemma\tword\ttag\n7\tj\tJohn\tO\n8\tr\truns\tB-X\n\n9\ts\tSeoul\tO\n",
                      FORMS[] = "id\tpos\tform\ttag\n1\tN\tJohn\tO\n2\tV\truns\tB-X\n\n1\tN\tSeoul\tO\n",
                      MIDDLE[] = "word\ttag\tlemma\nJohn\tO\tj\nruns\tB-X\tr\n\nSeoul\tO\ts\n",
                      OWN[] = "foo\tbar\nJohn\tO\nruns\tB-X\n\nSeoul\tO\n",
                      BLANK[] = "foo bar\nJohn O\nruns B-X\n\nSeoul O\n",
                      UNTAGGED[] = "word\tlemma\nJohn\tj\nruns\tr\n\nSeoul\ts\n",
                      WIDE[] = "N\tx\tJohn\tO\nV\tx\truns\tB-X\n\nN\tx\tSeoul\tO\n",
                      READ[] = "John O runs B-X | Seoul O | ", WORDS[] = "John runs | Seoul | ",
                      LEMMAS[] = "j r | s | ";
    static const struct {
        const char
            *learned; /* and how it was, with the columns and the header that were said; NULL: it is not */
        const char *word, *tag;
        int header;
        const char *asked, *columns[2];
        int asked_header, labels;
        const char *want; /* what is read, or said */
    } CASES[] = {
        {NULL, NULL, NULL, 0, OWN, {"foo", "bar"}, -1, TAGS, READ},
        {NULL, NULL, NULL, 0, OWN, {"Foo", "2"}, -1, TAGS, READ},
        {NULL, NULL, NULL, 0, OWN, {NULL, NULL}, 1, TAGS, READ},
        {NULL, NULL, NULL, 0, OWN, {NULL, NULL}, -1, TAGS, "foo bar John O runs B-X | Seoul O | "},
        {NULL, NULL, NULL, 0, BLANK, {"foo", NULL}, -1, TAGS, READ},
        {NULL, NULL, NULL, 0, OWN, {"none", "bar"}, -1, TAGS, "line 1: there is no column \"none\""},
        {NULL, NULL, NULL, 0, OWN, {"foo", "none"}, -1, TAGS, "line 1: there is no column \"none\""},
        {NULL, NULL, NULL, 0, TURNED, {NULL, NULL}, 0, TAGS, "word tag John O runs B-X | Seoul O | "},
        {NULL, NULL, NULL, 0, TURNED, {"word", NULL}, 0, TAGS, "there is no column \"word\""},
        {NULL, NULL, NULL, 0, LEMMA, {NULL, NULL}, -1, TAGS, READ},
        {NULL, NULL, NULL, 0, MIDDLE, {NULL, NULL}, -1, TAGS, READ},
        {NULL, NULL, NULL, 0, FORMS, {NULL, NULL}, -1, TAGS, READ},
        {NULL,
         NULL,
         NULL,
         0,
         "word\tx\tword\ttag\na\tb\tc\tO\n",
         {NULL, NULL},
         -1,
         BARE,
         "line 1: columns 1 and 3 are both called \"word\""},
        {LEMMA, NULL, NULL, -1, TURNED, {NULL, NULL}, -1, BARE, WORDS},
        {LEMMA, NULL, NULL, -1, MIDDLE, {NULL, NULL}, -1, TAGS, READ},
        {LEMMA, "1", NULL, -1, IDS, {NULL, NULL}, -1, BARE, LEMMAS},
        {LEMMA, "lemma", NULL, -1, IDS, {NULL, NULL}, -1, BARE, LEMMAS},
        {LEMMA, "lemma", NULL, -1, MIDDLE, {NULL, NULL}, -1, BARE, LEMMAS},
        {LEMMA, NULL, NULL, -1, PLAIN, {NULL, NULL}, -1, TAGS, READ},
        {LEMMA,
         NULL,
         NULL,
         -1,
         OWN,
         {NULL, NULL},
         1,
         BARE,
         "line 1: there is no column \"word\", which the model learned from; --text-column says which"},
        {LEMMA,
         NULL,
         "lemma",
         -1,
         FORMS,
         {NULL, NULL},
         -1,
         TAGS,
         "line 1: there is no column \"lemma\", which the model learned from; --label-column says which"},
        {LEMMA, NULL, NULL, -1, UNTAGGED, {NULL, NULL}, -1, PERHAPS, WORDS},
        {PLAIN, "2", NULL, -1, TURNED, {NULL, NULL}, -1, BARE, WORDS},
        {PLAIN, "2", NULL, -1, FORMS, {NULL, NULL}, -1, BARE, WORDS},
        {PLAIN, "2", NULL, -1, IDS, {NULL, NULL}, -1, TAGS, READ},
        {PLAIN,
         "2",
         NULL,
         -1,
         OWN,
         {NULL, NULL},
         1,
         BARE,
         "there are 2 columns, where the file that the model learned from had 3"},
        {PLAIN,
         "2",
         NULL,
         -1,
         WIDE,
         {NULL, NULL},
         -1,
         BARE,
         "there are 4 columns, where the file that the model learned from had 3"},
        {PLAIN, "2", NULL, -1, BLANK, {NULL, NULL}, 0, BARE, "there are 2 columns, where the file"},
        {PLAIN, "2", NULL, -1, "N\tJohn\nV\truns\n\nN\tSeoul\n", {NULL, NULL}, -1, PERHAPS, WORDS},
        {PLAIN, "2", NULL, -1, WIDE, {"3", NULL}, -1, BARE, WORDS},
        {OWN, "foo", "bar", -1, OWN, {NULL, NULL}, -1, TAGS, READ}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const el_columns learned = {
            .header = CASES[i].header, .text = {CASES[i].word}, .label = CASES[i].tag};
        const el_columns asked = {
            .header = CASES[i].asked_header, .text = {CASES[i].columns[0]}, .label = CASES[i].columns[1]};
        el_file_layout known = {0};
        el_labels labels = {0};
        el_dataset d;
        char got[1024];
        if (CASES[i].learned) {
            CHECK_OK(el_task_read(
                el_task_find("ner"), put_file("learned.conll", CASES[i].learned, strlen(CASES[i].learned)),
                (el_task_reading){.columns = &learned, .labels = EL_LABELS_NEEDED}, &labels, &known, &d));
            el_dataset_release(&d);
        }
        const el_status st =
            el_task_read(el_task_find("ner"), put_file("asked.conll", CASES[i].asked, strlen(CASES[i].asked)),
                         (el_task_reading){
                             .columns = &asked, .known = &known, .labels = (el_labels_wanted)CASES[i].labels},
                         &labels, NULL, &d);
        if (st)
            snprintf(got, sizeof got, "%s", el_error());
        else
            put_tagged(&d, &labels, CASES[i].labels == TAGS, got);
        CHECK(st ? strstr(got, CASES[i].want) != NULL : strcmp(got, CASES[i].want) == 0,
              "case %zu: \"%s\", not \"%s\"", i, got, CASES[i].want);
        if (!st)
            el_dataset_release(&d);
        el_labels_release(&labels);
        el_file_layout_release(&known);
    }
}

static char heard[1024];

static void hear(el_log_level level, const char *sentence)
{
    if (level == EL_LOG_NOTE || level == EL_LOG_WARNING)
        snprintf(heard + strlen(heard), sizeof heard - strlen(heard), "%s;", sentence);
}

#define HANGUL "가나다라마바사아자차카타파하가나다라마바사아자차"

/* Which line is the header, that words have the columns that it names, and what is said of columns. */
static void headers_of_words(void **state)
{
    (void)state;
    enum { BARE = EL_LABELS_UNREAD, PERHAPS = EL_LABELS_IF_THERE, TAGS = EL_LABELS_NEEDED };
    static const char PLAIN[] = "John\tO\nruns\tB-X\n\nSeoul\tO\n",
                      NAMED[] = "word\ttag\nJohn\tO\nruns\tB-X\n\nSeoul\tO\n",
                      READ[] = "John O runs B-X | Seoul O | ", WORDS[] = "John runs | Seoul | ";
    static const struct {
        const char *learned, *asked;
        el_columns said;
        int labels;
        const char *want, *heard; /* what is read, or why not; what is said besides, or NULL: nothing is */
    } CASES[] = {
        /* a name that nobody needs makes no header */
        {PLAIN, PLAIN, {.header = -1, .label = "ner"}, BARE, WORDS, NULL},
        {PLAIN,
         "John\tN\nruns\tV\nSeoul\tN\n",
         {.header = -1, .label = "ner"},
         BARE,
         "John runs Seoul | ",
         NULL},
        {NAMED, PLAIN, {.header = -1, .label = "tag"}, PERHAPS, READ, NULL},
        {NULL, PLAIN, {.header = -1, .id = "key"}, TAGS, READ, "no ids; its sentences are numbered"},
        {NULL, "foo\tkey\nJohn\tO\n", {.header = -1, .id = "key"}, TAGS, "John O | ", "are numbered"},
        {PLAIN, "foo\tner\nJohn\tO\n", {.header = -1, .label = "NER"}, BARE, "John | ", NULL},
        {NULL, PLAIN, {.header = -1, .label = "ner"}, TAGS, "line 1: there is no column \"ner\"", NULL},
        {NULL, PLAIN, {.header = 0, .text = {"foo"}}, TAGS, ".conll: there is no column \"foo\"", NULL},
        /* words have the columns that it names; tags at the end may lack where they are not needed */
        {NULL,
         "word\ttag\nJohn\tO\tN\n",
         {.header = -1},
         TAGS,
         "line 2: there are 3 columns, where the header names 2",
         NULL},
        {NULL,
         "Sentence # Word Tag\n\n1 John O\n",
         {.header = -1},
         TAGS,
         "line 3: there are 3 columns, where the header names 4",
         NULL},
        {NULL,
         "word lemma tag\nJohn j\n",
         {.header = -1},
         TAGS,
         "line 2: there are 2 columns, where the header names 3",
         NULL},
        {NULL, "word lemma tag\nJohn j\nruns r\n", {.header = -1}, PERHAPS, "John runs | ", NULL},
        {NULL, "word lemma tag\nJohn j\nruns r\n", {.header = -1}, BARE, "John runs | ", NULL},
        {NULL,
         "word tag lemma\nJohn j\nruns r\n",
         {.header = -1},
         BARE,
         "line 2: there are 2 columns, where the header names 3",
         NULL},
        {NULL,
         "foo bar\nJohn\n",
         {.header = 1},
         BARE,
         "line 2: there is 1 column, where the header names 2",
         NULL},
        /* a line that begins with '#' */
        {NULL, "#\tword\ttag\n1\tJohn\tO\n2\truns\tB-X\n", {.header = 1}, TAGS, "John O runs B-X | ", NULL},
        {NULL, "#\tword\ttag\n1\tJohn\tO\n2\truns\tB-X\n", {.header = -1}, TAGS, "John O runs B-X | ", NULL},
        {NULL,
         "#\tfoo\tbar\n1\tJohn\tO\n2\truns\tB-X\n",
         {.header = -1, .text = {"foo"}},
         TAGS,
         "John O runs B-X | ",
         NULL},
        {NULL, "# of words\nword\ttag\nJohn\tO\n", {.header = 1}, TAGS, "John O | ", NULL},
        {NULL, "## n\tof words\nfoo\tbar\nJohn\tO\n", {.header = 1}, TAGS, "John O | ", NULL},
        {NULL, "# O\nJohn B-X\n", {.header = -1}, TAGS, "# O John B-X | ", NULL},
        {NULL, "# x\nword tag\nJohn O\n", {.header = -1}, TAGS, "John O | ", NULL},
        /* first words */
        {NULL, "Input\tNE\nruft\tO\n", {.header = -1}, TAGS, "Input NE ruft O | ", NULL},
        {NULL, "text\tlabel\nJohn\tO\n", {.header = -1}, TAGS, "John O | ", NULL},
        {NULL, "forms\tpos\nJohn\tO\n", {.header = -1}, TAGS, "John O | ", NULL},
        {"of\tO\ncar\tPOS\n", "Form\tPOS\nof\tO\n", {.header = -1}, TAGS, "Form POS of O | ", NULL},
        /* names are as long as they are, and none is empty */
        {NULL, HANGUL "\ttag\nJohn\tO\n", {.header = -1, .text = {HANGUL}}, TAGS, "John O | ", NULL},
        {HANGUL "\ttag\nJohn\tO\n",
         "x\t" HANGUL "\ttag\nj\tJohn\tO\n",
         {.header = -1},
         BARE,
         "John | ",
         NULL},
        {NULL, "\ttag\nJohn\tO\n", {.header = -1, .text = {""}}, TAGS, "there is no column \"\"", NULL},
        {"\ttag\nJohn\tO\nruns\tX\n", "word\ttag\nJohn\tO\n", {.header = -1}, TAGS, "John O | ", NULL},
        /* notes, of what is read alone */
        {PLAIN,
         "1\tJohn\tO\n2\truns\tB-X\n",
         {.header = -1, .text = {"2"}},
         TAGS,
         "John O runs B-X | ",
         NULL},
        {PLAIN,
         "id\tword\ttag\n1\tJohn\tO\n2\truns\tB-X\n",
         {.header = -1},
         TAGS,
         "John O runs B-X | ",
         "words read from column \"word\"; the model learned from column 1;"},
        {PLAIN,
         "word\ttag\tpos\nJohn\tO\tN\n",
         {.header = -1},
         TAGS,
         "John O | ",
         "tags read from column \"tag\"; the model learned from the last column;"},
        {"form\ttag\nJohn\tO\n",
         NAMED,
         {.header = -1},
         BARE,
         WORDS,
         "words read from column \"word\"; the model learned from column \"form\";"},
        {PLAIN, "tag\tword\nO\tJohn\tx\n", {.header = -1}, TAGS, "line 2: there are 3 columns", NULL},
        /* lines before the header; columns that are not there */
        {NULL,
         "# a\n\nfoo bar\nJohn O\n",
         {.header = -1, .text = {"bar"}, .label = "foo"},
         TAGS,
         "O John | ",
         NULL},
        {NULL,
         NAMED,
         {.header = -1, .text = {"tag"}},
         TAGS,
         "line 2: column 2 is both the words and the tags",
         NULL},
        {NULL,
         "a b c d\n\ne f g h\n",
         {.header = -1, .text = {"9"}},
         BARE,
         "line 1: there is no column 9; there are 4",
         NULL}};
    el_log_to(hear);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        el_file_layout known = {0};
        el_labels labels = {0};
        el_dataset d;
        char got[1024];
        if (CASES[i].learned) {
            const el_columns open = {.header = -1, .label = strstr(CASES[i].learned, "tag") ? "tag" : NULL};
            const char *const path = put_file("learned.conll", CASES[i].learned, strlen(CASES[i].learned));
            const el_task_reading reading = {.columns = &open, .labels = EL_LABELS_NEEDED};
            CHECK_OK(el_task_read(el_task_find("tag"), path, reading, &labels, &known, &d));
            el_dataset_release(&d);
        }
        const el_task_reading reading = {
            .columns = &CASES[i].said, .known = &known, .labels = (el_labels_wanted)CASES[i].labels};
        *heard = '\0';
        const el_status st =
            el_task_read(el_task_find("tag"), put_file("asked.conll", CASES[i].asked, strlen(CASES[i].asked)),
                         reading, &labels, NULL, &d);
        bool tagged = !st && CASES[i].labels && d.words[0].tag >= 0;
        if (st)
            snprintf(got, sizeof got, "%s", el_error());
        else
            put_tagged(&d, &labels, tagged, got);
        CHECK(st ? strstr(got, CASES[i].want) != NULL : strcmp(got, CASES[i].want) == 0,
              "case %zu: \"%s\", not \"%s\"", i, got, CASES[i].want);
        CHECK(CASES[i].heard ? strstr(heard, CASES[i].heard) != NULL : !*heard, "case %zu: \"%s\" is said", i,
              heard);
        if (!st)
            el_dataset_release(&d);
        el_labels_release(&labels);
        el_file_layout_release(&known);
    }
    el_log_to(NULL);
}

static void hear_numbered(el_log_level level, const char *sentence)
{
    told |= level == EL_LOG_WARNING && strstr(sentence, "are numbered");
}

/* Taggers read no second text; ids that lack are said. */
static void columns_in_vain(void **state)
{
    (void)state;
    static const struct {
        const char *task, *name, *text;
    } FILES[] = {{"ner", "vain.conll", "word tag\na O\nb B-X\n"},
                 {"ner", "vain.jsonl", "{\"tokens\": [\"a\", \"b\"], \"tags\": [\"O\", \"B-X\"]}\n"},
                 {"classify", "vain.csv", "text,label\na b,x\nc d,y\n"}};
    el_log_to(hear_numbered);
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
        const el_task *const task = el_task_find(FILES[i].task);
        const char *const path = put_file(FILES[i].name, FILES[i].text, strlen(FILES[i].text));
        const el_columns ids = {.header = -1, .id = "key"}, second = {.header = -1, .text = {NULL, "2"}};
        el_task_reading reading = {.columns = &ids, .labels = EL_LABELS_NEEDED};
        el_labels labels = {0};
        el_dataset d;
        told = false;
        CHECK_OK(el_task_read(task, path, reading, &labels, NULL, &d));
        el_dataset_release(&d);
        CHECK(told, "%s: nothing is said of ids", path);
        reading.columns = &second;
        if (task->kind == EL_TAG)
            CHECK_FAILS(el_task_read(task, path, reading, &labels, NULL, &d), EL_EUSAGE, "--second-column");
        el_labels_release(&labels);
    }
    static const char LINES_ASKED[] = "John lives in Seoul\nand\n";
    const el_columns ids = {.header = -1, .id = "key"};
    for (int i = 0; i < 2; i++) {
        el_dataset d;
        told = false;
        CHECK_OK(el_task_read(el_task_find(i ? "classify" : "ner"),
                              put_file("vain.txt", LINES_ASKED, strlen(LINES_ASKED)),
                              (el_task_reading){.columns = &ids}, NULL, NULL, &d));
        CHECK(told && d.count == 2, "plain lines: %d, and %s is said of ids", d.count,
              told ? "it" : "nothing");
        el_dataset_release(&d);
    }
    el_log_to(NULL);
}

/* A line with a tag but no word is no word, whether it is learned from or asked. */
static void no_word(void **state)
{
    (void)state;
    static const char TEXT[] = "a O\nJames B-PER\n I-PER\nis O\n";
    const char *const path = put_file("noword.conll", TEXT, sizeof TEXT - 1);
    for (int labelled = 0; labelled < 2; labelled++) {
        el_labels labels = {0};
        el_dataset d;
        CHECK_FAILS(el_task_read(el_task_find("ner"), path,
                                 (el_task_reading){.labels = labelled ? EL_LABELS_NEEDED : EL_LABELS_UNREAD},
                                 &labels, NULL, &d),
                    EL_EDATA, "there is 1 column");
        el_labels_release(&labels);
    }
}

/* ---- plain lines ---- */

static const form_file LINES = {"classify", "plain", ".txt .TXT .text -",
                                "in Seoul, it rains\n문장 is \"here\"\n"};

static void check_lines(const form_file *f, const char *path)
{
    static char name[] = "text";
    const el_file_layout known = {.file = {EL_FORM_CSV, ','}, .header = true, .text = {name}};
    const el_columns lines = {.form = EL_FORM_LINES, .header = 0};
    el_labels labels = {.closed = true};
    for (int said = 0; said < 2; said++) { /* --format lines; and by itself, where one text is asked for */
        el_dataset d;
        CHECK_OK(el_task_read(el_task_find(f->task), path,
                              (el_task_reading){.known = &known, .columns = said ? &lines : NULL}, &labels,
                              NULL, &d));
        CHECK(d.count == 2 && strcmp(d.examples[0].text[0], "in Seoul, it rains") == 0 &&
                  strcmp(d.examples[1].text[0], "문장 is \"here\"") == 0,
              "%s: %d texts, \"%s\"", path, d.count, d.count ? d.examples[0].text[0] : "");
        el_dataset_release(&d);
    }
}

/* A file a class. */
static void check_classes(const form_file *f, const char *path)
{
    char paths[600];
    el_file_layout layout = {0};
    el_labels labels = {0};
    el_dataset d;
    snprintf(paths, sizeof paths, "pos=%s,neg=%s", path, path);
    CHECK_OK(el_task_read(el_task_find(f->task), paths, (el_task_reading){.labels = EL_LABELS_NEEDED},
                          &labels, &layout, &d));
    CHECK(d.count == 4 && labels.count == 2 && d.examples[3].label == el_labels_find(&labels, "neg") &&
              strcmp(d.examples[3].text[0], "문장 is \"here\"") == 0,
          "%s: %d texts, %d labels", path, d.count, labels.count);
    el_dataset_release(&d);
    el_labels_release(&labels);
    el_file_layout_release(&layout);
}

/* The first line is a text though a column may be called so, unless somebody or the ending says that it is a table. */
static void first_line(void **state)
{
    (void)state;
    static const struct {
        const char *name, *word;
        int header, count;
    } FILES[] = {{"first.txt", "본문", -1, 3}, {"first.txt", "Text", -1, 3},   {"first", "Review", -1, 3},
                 {"first.txt", "text", -1, 3}, {"first.txt", "문장", 1, 2},    {"first.txt", "문장", 0, 3},
                 {"first.csv", "리뷰", -1, 2}, {"first.tsv.gz", "내용", 0, 3}, {"first.TSV", "내용", -1, 2}};
    static char text_name[] = "text";
    const el_file_layout known = {.file = {EL_FORM_CSV, ','}, .header = true, .text = {text_name}};
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++)
        for (int asked = 0; asked < 2; asked++) { /* by a model that learned from a table; and by none */
            char text[64];
            const el_columns columns = {.header = FILES[i].header};
            const bool named = FILES[i].count == 2; /* and the model's column is another */
            const char *const word = asked && named ? text_name : FILES[i].word;
            const bool known_name = asked && strcasecmp(word, text_name) == 0;
            snprintf(text, sizeof text, "%s\nin Seoul\n둘\n", word);
            const char *const path = put_file(FILES[i].name, text, strlen(text));
            el_dataset d;
            CHECK_OK(el_task_read(el_task_find("classify"), path,
                                  (el_task_reading){.columns = &columns, .known = asked ? &known : NULL},
                                  NULL, NULL, &d));
            CHECK(d.count == (known_name ? 2 : FILES[i].count), "%s: %d texts below %s", path, d.count, word);
            el_dataset_release(&d);
        }
}

/* A test file without labels has the training file's header also where that leaves it one column. */
static void first_line_of_test(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int header, count;
    } FILES[] = {{"sentence\nin Seoul\n둘\n", -1, 2},
                 {"sentence\nin Seoul\n둘\n", 0, 3},
                 {"text\nin Seoul\n둘\n", -1, 3}};
    static const char TRAIN[] = "sentence\tlabel\nin Seoul\tx\n둘\ty\n셋\ty\n";
    el_file_layout known;
    el_labels labels = {0};
    el_dataset d;
    CHECK_OK(el_task_read(el_task_find("classify"), put_file("train.txt", TRAIN, strlen(TRAIN)),
                          (el_task_reading){.labels = EL_LABELS_NEEDED}, &labels, &known, &d));
    el_dataset_release(&d);
    labels.closed = true;
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++)
        for (int labelled = 0; labelled < 2; labelled++) { /* by predict; and as a test file */
            const el_columns columns = {.header = FILES[i].header};
            CHECK_OK(el_task_read(
                el_task_find("classify"), put_file("test.txt", FILES[i].text, strlen(FILES[i].text)),
                (el_task_reading){.columns = &columns,
                                  .known = &known,
                                  .labels = labelled ? EL_LABELS_IF_THERE : EL_LABELS_UNREAD},
                &labels, NULL, &d));
            CHECK(d.count == FILES[i].count, "case %zu: %d texts", i, d.count);
            el_dataset_release(&d);
        }
    el_labels_release(&labels);
    el_file_layout_release(&known);
}

static void plain_lines(void **state)
{
    (void)state;
    cross(&LINES, check_lines);
    cross(&LINES, check_classes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_and_tags),     cmocka_unit_test(questions),
        cmocka_unit_test(other_forms),        cmocka_unit_test(no_word),
        cmocka_unit_test(sentences_or_words), cmocka_unit_test(columns_of_words),
        cmocka_unit_test(headers_of_words),   cmocka_unit_test(columns_in_vain),
        cmocka_unit_test(first_line),         cmocka_unit_test(first_line_of_test),
        cmocka_unit_test(plain_lines)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
