/* minimal_pairs - see the header */
#include "engine/minimal_pairs.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/grow.h"
#include "base/log.h"
#include "base/path.h"
#include "task/files/lines.h"
#include "text/normalize.h"
#include "text/scan.h"

enum { AT_A_TIME = 64 }; /* pairs */

typedef struct {
    char *texts[2]; /* good and bad, on the heap */
    char *kind;     /* NULL: none */
    int64_t line;
} pair;

typedef struct {
    el_pair_counts *counts;
    el_scorer *scorer; /* NULL: the pairs are only counted */
    el_lines lines;
    bool turned; /* the first column is the bad sentence */
    pair pairs[AT_A_TIME];
    int count;
} reading;

static void forget(pair *p)
{
    free(p->texts[0]);
    free(p->texts[1]);
    free(p->kind);
    *p = (pair){0};
}

/* The names of the good and of the bad sentence: ours, and BLiMP's own. */
static const char *const NAMES[2][2] = {{"good", "sentence_good"}, {"bad", "sentence_bad"}};

/* ---- counting ---- */

static el_pair_kind *kind_of(el_pair_counts *c, const char *name)
{
    for (int i = 1; i < c->count; i++)
        if (strcmp(c->kinds[i].name, name) == 0)
            return &c->kinds[i];
    char *const own =
        el_grow(&c->kinds, &c->room, (size_t)c->count + 1, sizeof *c->kinds) ? strdup(name) : NULL;
    if (!own)
        return NULL;
    c->kinds[c->count] = (el_pair_kind){.name = own};
    return &c->kinds[c->count++];
}

static el_status count_pair(el_pair_counts *c, const pair *p, bool right)
{
    el_pair_kind *const kind = p->kind ? kind_of(c, p->kind) : NULL;
    if (p->kind && !kind)
        return el_no_memory(NULL);
    if (kind) {
        kind->pairs++;
        kind->right += right;
    }
    c->kinds[0].pairs++;
    c->kinds[0].right += right;
    return EL_OK;
}

/* A sentence of which nothing is left would have the highest score there is. */
static el_status no_text(const reading *r, int sentence)
{
    return el_fail(EL_EDATA, "%s, line %" PRId64 ": there is no text in the %s sentence", r->lines.name,
                   r->pairs[sentence / 2].line, NAMES[sentence % 2][0]);
}

static el_status score(reading *r)
{
    el_sentence_text texts[2 * AT_A_TIME];
    el_sentence_score scores[2 * AT_A_TIME];
    for (int i = 0; i < 2 * r->count; i++) {
        const char *const text = r->pairs[i / 2].texts[i % 2];
        texts[i] = (el_sentence_text){text, strlen(text)};
    }
    el_status st = r->count ? el_scorer_run(r->scorer, texts, 2 * r->count, scores) : EL_OK;
    for (int i = 0; !st && i < 2 * r->count; i++)
        if (!scores[i].tokens)
            st = no_text(r, i);
    for (int i = 0; !st && i < r->count; i++)
        st = count_pair(r->counts, &r->pairs[i], scores[2 * i].score > scores[2 * i + 1].score);
    return st;
}

/* Without a scorer a blank sentence is one of which every tokeniser leaves nothing. */
static el_status check(reading *r)
{
    r->counts->kinds[0].pairs += r->count;
    for (int i = 0; i < 2 * r->count; i++)
        if (el_is_blank(r->pairs[i / 2].texts[i % 2]))
            return no_text(r, i);
    return EL_OK;
}

static el_status flush(reading *r)
{
    const el_status st = r->scorer ? score(r) : check(r);
    for (int i = 0; i < r->count; i++)
        forget(&r->pairs[i]);
    r->count = 0;
    return st;
}

/* ---- reading ---- */

static bool is_named(const char *name, int which)
{
    return strcasecmp(name, NAMES[which][0]) == 0 || strcasecmp(name, NAMES[which][1]) == 0;
}

static el_status read_object(const reading *r, el_line line, pair *p)
{
    json_t *object;
    char name[256];
    snprintf(name, sizeof name, "%s, line %" PRId64, r->lines.name, r->lines.number);
    const el_status st = el_json_parse(&object, line.text, line.bytes, name);
    if (st)
        return st;
    for (int i = 0; i < 2; i++) {
        p->texts[i] = el_json_copy(object, NAMES[i][0]);
        if (!p->texts[i])
            p->texts[i] = el_json_copy(object, NAMES[i][1]);
    }
    p->kind = el_json_copy(object, "UID");
    json_decref(object);
    return p->texts[0] && p->texts[1] ? EL_OK : el_lines_fail(&r->lines, "has no texts good and bad");
}

static el_status read_columns(const reading *r, el_line line, pair *p)
{
    const char *const tab = memchr(line.text, '\t', line.bytes);
    const size_t first = tab ? (size_t)(tab - line.text) : 0;
    if (!tab || memchr(tab + 1, '\t', line.bytes - first - 1))
        return el_lines_fail(&r->lines, "has no two columns, good and bad, with a tab between them");
    p->texts[r->turned] = strndup(line.text, first);
    p->texts[!r->turned] = strndup(tab + 1, line.bytes - first - 1);
    return p->texts[0] && p->texts[1] ? EL_OK : el_no_memory(NULL);
}

/* Whether a first line is no pair, but says which column is which. */
static bool is_header(const pair *p, bool *turned)
{
    *turned = is_named(p->texts[0], 1) && is_named(p->texts[1], 0);
    return *turned || (is_named(p->texts[0], 0) && is_named(p->texts[1], 1));
}

static el_status take_line(reading *r, el_line line)
{
    bool turned;
    if (el_line_blank(line))
        return EL_OK;
    pair *const p = &r->pairs[r->count++];
    const bool object = *el_scan_blanks(line.text, line.text + line.bytes) == '{';
    const el_status st = object ? read_object(r, line, p) : read_columns(r, line, p);
    p->line = r->lines.number;
    if (!st && r->lines.number == 1 && is_header(p, &turned)) {
        r->turned = turned;
        forget(p);
        r->count = 0;
        el_log(EL_LOG_NOTE, "%s: the first row names the columns", r->lines.name);
    }
    return !st && r->count == AT_A_TIME ? flush(r) : st;
}

static void tell(const el_pairs_watch *watch, const el_reader *reader)
{
    uint64_t done, total;
    el_reader_progress(reader, &done, &total);
    if (watch->on_progress && total)
        watch->on_progress(watch->context, (double)done / (double)total);
}

static el_status read_file(reading *r, const char *path, const el_pairs_watch *watch)
{
    el_line line;
    el_status st = el_lines_open(&r->lines, path);
    while (!st && !(st = el_lines_next(&r->lines, &line)) && line.text) {
        st = take_line(r, line);
        if (!st && watch->stop && *watch->stop)
            st = el_fail(EL_ESTOPPED, "stopped among the pairs of %s", r->lines.name);
        if (r->count == 0)
            tell(watch, r->lines.reader);
    }
    if (!st)
        st = flush(r);
    el_lines_close(&r->lines);
    return st;
}

static el_status read_pairs(el_pair_counts *counts, el_scorer *scorer, const char *path,
                            const el_pairs_watch *watch)
{
    static const el_pairs_watch NOBODY = {0};
    *counts = (el_pair_counts){.kinds = calloc(1, sizeof *counts->kinds), .count = 1, .room = 1};
    reading r = {.counts = counts, .scorer = scorer};
    el_status st = counts->kinds ? EL_OK : el_no_memory(NULL);
    if (!st)
        st = read_file(&r, path, watch ? watch : &NOBODY);
    for (int i = 0; i < r.count; i++)
        forget(&r.pairs[i]);
    if (!st && counts->kinds[0].pairs == 0)
        st = el_fail(EL_EDATA, "%s: there are no pairs in it", el_path_said(path));
    if (st)
        el_minimal_pairs_release(counts);
    return st;
}

el_status el_minimal_pairs(el_pair_counts *counts, el_scorer *scorer, const char *path,
                           const el_pairs_watch *watch)
{
    const el_status st = read_pairs(counts, scorer, path, watch);
    if (!st)
        el_text_lost_say(el_scorer_lost(scorer), el_path_said(path), "sentence", el_scorer_longest(scorer),
                         false);
    return st;
}

el_status el_minimal_pairs_check(const char *path)
{
    el_pair_counts counts;
    const el_status st = read_pairs(&counts, NULL, path, NULL);
    if (!st)
        el_minimal_pairs_release(&counts);
    return st;
}

void el_minimal_pairs_release(el_pair_counts *counts)
{
    for (int i = 1; i < counts->count && counts->kinds; i++)
        free(counts->kinds[i].name);
    free(counts->kinds);
    *counts = (el_pair_counts){0};
}

double el_pair_accuracy(const el_pair_kind *kind)
{
    return kind->pairs ? (double)kind->right / (double)kind->pairs : NAN;
}

json_t *el_pair_counts_json(const el_pair_counts *counts)
{
    json_t *const kinds = json_object();
    for (int i = 1; i < counts->count; i++)
        json_object_set_new(kinds, counts->kinds[i].name,
                            el_json_number(el_pair_accuracy(&counts->kinds[i])));
    return json_pack("{s:I, s:o, s:o}", "pairs", (json_int_t)counts->kinds[0].pairs, "accuracy",
                     el_json_number(el_pair_accuracy(&counts->kinds[0])), "kinds", kinds);
}
