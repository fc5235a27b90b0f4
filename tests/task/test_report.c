/* Reports are valid pages whatever the texts, labels and names in them, and show what was predicted. */
#include "folder.h"

#include <math.h>

#include "task/report/html.h"
#include "task/report/report.h"
#include "text/utf8.h"

/* Text that would break out of any place that forgets to escape it, with bytes that are no UTF-8 and a control. */
#define HOSTILE "</td>\"'<script>&amp;\x01\xFF\xE2\x82"
#define ESCAPED "&lt;/td&gt;&quot;&#39;&lt;script&gt;&amp;amp;\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"

static char page[1 << 20];

/* ---- checks ---- */

static void check_valid(const char *name)
{
    const size_t bytes = strlen(page), valid = el_utf8_valid(page, bytes);
    CHECK(valid == bytes, "%s: byte %zu is not UTF-8", name, valid);
    for (size_t i = 0; i < bytes; i++)
        CHECK((unsigned char)page[i] >= 0x20 || page[i] == '\n' || page[i] == '\t', "%s: a control at %zu",
              name, i);
    CHECK(!strstr(page, "http") && !strstr(page, "<script"), "%s: asks for a network or a script", name);
}

/* Every tag is closed by its own end, in the order opened; every & begins an escape. */
static void check_tags(const char *name)
{
    static const char *const VOID[] = {"meta", "br", "!DOCTYPE"};
    char open[64][16];
    int depth = 0;
    for (const char *at = page; (at = strpbrk(at, "<&")); at++) {
        if (*at == '&') {
            const size_t word = strspn(at + 1, "#abcdefghijklmnopqrstuvwxyz0123456789");
            CHECK(word && at[1 + word] == ';', "%s: a bare & in %.40s", name, at);
            continue;
        }
        const bool end = at[1] == '/';
        char tag[16];
        snprintf(tag, sizeof tag, "%.*s", (int)strcspn(at + 1 + end, " >/\n"), at + 1 + end);
        const char *const close = strchr(at, '>');
        CHECK(close && *tag, "%s: a bare < in %.40s", name, at);
        bool empty = close[-1] == '/';
        for (size_t i = 0; i < sizeof VOID / sizeof *VOID; i++)
            empty |= strcmp(tag, VOID[i]) == 0;
        if (end)
            CHECK(depth > 0 && strcmp(open[--depth], tag) == 0, "%s: </%s> closes <%s>", name, tag,
                  depth >= 0 ? open[depth] : "");
        else if (!empty)
            strcpy(open[depth++], tag);
    }
    CHECK(depth == 0, "%s: <%s> is never closed", name, depth ? open[depth - 1] : "");
}

static void has(const char *text)
{
    CHECK(strstr(page, text), "the page has no %s", text);
}

/* One stands before the other. */
static void ordered(const char *first, const char *second)
{
    const char *const a = strstr(page, first), *const b = strstr(page, second);
    CHECK(a && b && a < b, "%s does not stand before %s", first, second);
}

static int times(const char *text)
{
    int count = 0;
    for (const char *at = page; (at = strstr(at, text)); at++)
        count++;
    return count;
}

/* ---- what is shown ---- */

typedef struct {
    el_task_card card;
    el_dataset data;
    el_prediction predictions[4];
    int count;
} shown;

static void begin(shown *s, el_task_kind kind, const char *const *labels)
{
    *s = (shown){0};
    CHECK_OK(el_task_card_open(&s->card, kind));
    for (; labels && *labels; labels++)
        el_labels_add(&s->card.labels, *labels);
    CHECK_OK(el_tagging_find(&s->card.tagging, &s->card.labels, NULL, 0, EL_TAGS_SCHEMES));
    CHECK_OK(el_dataset_open(&s->data, kind, "file " HOSTILE));
}

static const char *keep(shown *s, const char *text)
{
    return el_dataset_string(&s->data, text, strlen(text));
}

/* An example with its prediction, of which the caller says the rest. */
static el_labelled *add(shown *s, el_prediction prediction)
{
    el_labelled *const e = el_dataset_add(&s->data, 10 + s->count);
    prediction.example = s->count;
    s->predictions[s->count++] = prediction;
    return e;
}

static void write_page(shown *s, int mistakes)
{
    static const char *const NAMES[] = {"loss", "accuracy", "undefined"};
    const el_figures figures = {.count = 3, .names = NAMES, .values = {0.25, 0.5, NAN}};
    const el_evaluated evaluated = {.card = &s->card,
                                    .task = el_task_card_task(&s->card),
                                    .data = &s->data,
                                    .predictions = s->predictions,
                                    .count = s->count,
                                    .figures = &figures,
                                    .mistakes = mistakes};
    el_writer *writer;
    const char *const path = in_folder("report.html");
    CHECK_OK(el_writer_open(&writer, path));
    el_html_begin(writer, "model " HOSTILE);
    CHECK_OK(el_report_add(writer, &evaluated));
    el_html_end(writer);
    CHECK_OK(el_writer_finish(writer));
    el_mapping file;
    CHECK_OK(el_mapping_open(&file, path));
    assert_true(file.size < sizeof page);
    memcpy(page, file.data, file.size);
    page[file.size] = '\0';
    el_mapping_close(&file);
    const char *const kind = el_task_kind_name(s->card.kind);
    check_valid(kind);
    check_tags(kind);
    has("<h1>model " ESCAPED "</h1>");
    has("<h2>file " ESCAPED "</h2>");
    has("<th scope=\"row\">accuracy</th><td class=\"n\">0.5000</td>");
    CHECK(!strstr(page, "undefined"), "%s: a figure that is not a number is shown", kind);
}

static void end(shown *s)
{
    el_task_card_release(&s->card);
    el_dataset_release(&s->data);
}

static void classes(void **state)
{
    (void)state;
    const float sure[] = {0.9F, 0.1F}, unsure[] = {0.6F, 0.4F}, right[] = {0.2F, 0.8F};
    shown s;
    begin(&s, EL_CLASSIFY, (const char *const[]){"a" HOSTILE, "b", NULL});
    const struct {
        const float *probabilities;
        int label, gold;
        const char *text;
    } CASES[] = {
        {unsure, 0, 1, "unsure " HOSTILE}, {sure, 0, 1, "sure"}, {right, 1, 1, "fine"}, {sure, 0, 0, "well"}};
    for (int i = 0; i < 4; i++) {
        el_labelled *const e =
            add(&s, (el_prediction){.label = CASES[i].label, .probabilities = CASES[i].probabilities});
        e->label = CASES[i].gold;
        e->text[0] = keep(&s, CASES[i].text);
        e->text[1] = i ? NULL : keep(&s, HOSTILE);
    }
    write_page(&s, 50);
    has("4 examples.");
    has("2 of 2.");
    has("<th class=\"n\">line</th>");
    has("<tr><td class=\"n\">11</td>"); /* where it is, in one piece: numbers are not broken into lines */
    ordered(">sure<", ">unsure " ESCAPED "<");
    CHECK(!strstr(page, ">fine<") && !strstr(page, ">well<"), "a right answer is among the mistakes");
    /* row b: two of three taken for a, one right; row a: right */
    has("<td class=\"wrong\" style=\"--s:0.667\">2<small>66.7 %</small></td>"
        "<td class=\"right\" style=\"--s:0.333\">1<small>33.3 %</small></td><td class=\"n\">3</td>");
    has("<td class=\"right\" style=\"--s:1.000\">1<small>100.0 %</small></td><td>0</td><td "
        "class=\"n\">1</td>");
    /* a: predicted 3, right 1, gold 1 */
    has("<td class=\"n\">0.3333</td><td class=\"n\">1.0000</td><td class=\"n\">0.5000</td><td "
        "class=\"n\">1</td>"
        "<td class=\"n\">3</td><td class=\"n\">1</td>");
    write_page(&s, 1);
    has("1 of 2.");
    CHECK(!strstr(page, ">unsure "), "more mistakes are shown than were asked for");
    write_page(&s, 0);
    has("0 of 2.");
    end(&s);
}

static void sets(void **state)
{
    (void)state;
    const float first[] = {0.9F, 0.2F}, second[] = {0.7F, 0.1F}, third[] = {0.1F, 0.1F};
    shown s;
    begin(&s, EL_MULTILABEL, (const char *const[]){"x" HOSTILE, "y", NULL});
    el_labelled *e = add(&s, (el_prediction){.probabilities = first}); /* y is missed by 0.8 */
    e->label = 0;
    CHECK_OK(el_dataset_add_number(&s.data, 0));
    CHECK_OK(el_dataset_add_number(&s.data, 1));
    e->text[0] = keep(&s, "missed");
    e = add(&s, (el_prediction){.probabilities = second}); /* x is too many by 0.7 */
    e->label = 0;
    e->text[0] = keep(&s, "too many");
    e = add(&s, (el_prediction){.probabilities = third});
    e->label = 0;
    e->text[0] = keep(&s, "well");
    write_page(&s, 50);
    ordered(">missed<", ">too many<");
    CHECK(!strstr(page, ">well<"), "a right answer is among the mistakes");
    /* apart from the number, which would change sides beside Hebrew */
    has("<mark class=\"wrong\"><bdi>y</bdi></mark> <small>0.2000</small>");
    has("<mark class=\"right\"><bdi>x" ESCAPED "</bdi></mark> <small>0.9000</small>");
    has("<mark class=\"wrong\"><bdi>x" ESCAPED "</bdi></mark> <small>0.7000</small>");
    end(&s);
}

static void numbers(void **state)
{
    (void)state;
    shown s;
    begin(&s, EL_REGRESS, NULL);
    const double PREDICTED[] = {1, 5, 2}, GOLD[] = {1, 2, 3};
    static const char *const TEXTS[] = {"well", "far", "near"};
    for (int i = 0; i < 3; i++) {
        el_labelled *const e = add(&s, (el_prediction){.value = PREDICTED[i]});
        e->value = GOLD[i];
        e->text[0] = keep(&s, TEXTS[i]);
    }
    write_page(&s, 50);
    assert_int_equal(times("<ellipse"), 3);
    has("<title>Predicted over gold</title>");
    has("<ellipse cx=\"56.0\" cy=\"400.0\""); /* 1 and 1 */
    has(">predicted</text>");
    has(">gold</text>");
    ordered(">far<", ">near<");
    has("<td class=\"n\">2.0000</td><td class=\"n\">5.0000</td><td class=\"n\">3.0000</td>");
    CHECK(!strstr(page, ">well<"), "a right answer is among the errors");
    end(&s);
}

static void words(void **state)
{
    (void)state;
    const int first[] = {1, 0, 0}, second[] = {1, 0};
    const float sure[] = {0.5F, 0.5F, 0.5F};
    shown s;
    begin(&s, EL_TAG, (const char *const[]){"O", "B-" HOSTILE, "I-" HOSTILE, NULL});
    add(&s, (el_prediction){.tags = first, .probabilities = sure});
    CHECK_OK(el_dataset_add_word(&s.data, "well", 4, 1));
    CHECK_OK(el_dataset_add_word(&s.data, HOSTILE, strlen(HOSTILE), 2));
    CHECK_OK(el_dataset_add_word(&s.data, "plain", 5, 0));
    add(&s, (el_prediction){.tags = second, .probabilities = sure});
    CHECK_OK(el_dataset_add_word(&s.data, "one", 3, 1));
    CHECK_OK(el_dataset_add_word(&s.data, "two", 3, 0));
    write_page(&s, 50);
    has("<td class=\"n\">1 of 3</td>");
    has("<span class=\"word right\">well<small>B-" ESCAPED "</small></span>");
    has("<span class=\"word wrong\">" ESCAPED "<small>I-" ESCAPED " &#8594; O</small></span>");
    has("<span class=\"word\">plain</span>");
    CHECK(!strstr(page, ">one<"), "a right sentence is among the mistakes");
    /* of two entities one is right: the other ends a word too early */
    has("<th scope=\"row\">" ESCAPED "</th><td class=\"n\">0.5000</td><td class=\"n\">0.5000</td>");
    end(&s);
    begin(&s, EL_TAG, (const char *const[]){"noun", "verb", NULL}); /* no entities: rates of tags */
    add(&s, (el_prediction){.tags = second, .probabilities = sure});
    CHECK_OK(el_dataset_add_word(&s.data, "one", 3, 0));
    CHECK_OK(el_dataset_add_word(&s.data, "two", 3, 0));
    write_page(&s, 50);
    has("<th scope=\"row\">noun</th><td class=\"n\">1.0000</td><td class=\"n\">0.5000</td>");
    end(&s);
}

static void answers(void **state)
{
    (void)state;
    static const char CONTEXT[] = "Who? <b> Ann </b> & Bob saw \xC3\xA9t\xC3\xA9.";
    el_span_answer right = {.text = "Ann", .begin = 9, .end = 12, .score = 0.9},
                   both = {.text = "Ann </b> & Bob", .begin = 9, .end = 23, .score = 0.7},
                   none = {.text = "Bob", .begin = 20, .end = 23, .score = 0.6};
    shown s;
    begin(&s, EL_SPAN, NULL);
    s.card.rule = EL_SQUAD_2;
    s.card.null_threshold = 1;
    const char *const context = keep(&s, CONTEXT);
    const el_prediction PREDICTIONS[] = {{.answers = &right, .answer_count = 1},
                                         {.answers = &both, .answer_count = 1},
                                         {.answers = &none, .answer_count = 1, .null_odds = 2},
                                         {.answers = &none, .answer_count = 1, .null_odds = 0.5}};
    for (int i = 0; i < 4; i++) {
        el_labelled *const e = add(&s, PREDICTIONS[i]);
        e->id = keep(&s, (const char *const[]){"q0", "q1" HOSTILE, "q2", "q3"}[i]);
        e->text[0] = keep(&s, "who " HOSTILE);
        e->text[1] = context;
        e->label = i == 3;
        if (i < 3)
            CHECK_OK(el_dataset_add_answer(&s.data, "Ann", 3, 9));
    }
    write_page(&s, 50);
    has("3 of 3.");
    has("<th>example</th>");
    has("<tr><td class=\"id\">q2</td>");
    CHECK(!strstr(page, ">q0<"), "a right answer is among the mistakes");
    ordered(">q2<", ">q1" ESCAPED "<"); /* F1 of nothing is 0, of the longer answer more */
    ordered(">q3<", ">q1" ESCAPED "<");
    has("Who? &lt;b&gt; <mark class=\"right wrong\">Ann</mark><mark class=\"wrong\"> &lt;/b&gt; &amp; "
        "Bob</mark> saw");
    has("&lt;b&gt; <mark class=\"right\">Ann</mark> &lt;/b&gt; &amp; Bob saw"); /* q2: odds above the threshold */
    has("odds of no answer: 2.0000");
    has("above 1.");
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(classes), cmocka_unit_test(sets),
                                       cmocka_unit_test(numbers), cmocka_unit_test(words),
                                       cmocka_unit_test(answers)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
