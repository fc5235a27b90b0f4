/* minimal_pairs - see the header */
#include "engine/minimal_pairs.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/reader.h"

enum { AT_A_TIME = 64 }; /* pairs */

typedef struct {
    char *texts[2]; /* good and bad, on the heap */
    char *kind;     /* NULL: none */
} pair;

typedef struct {
    el_pair_counts *counts;
    el_scorer *scorer;
    const char *path;
    int64_t line;
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

/* ---- counting ---- */

static el_pair_kind *kind_of(el_pair_counts *c, const char *name)
{
    for (int i = 1; i < c->count; i++)
        if (strcmp(c->kinds[i].name, name) == 0)
            return &c->kinds[i];
    el_pair_kind *const larger = realloc(c->kinds, ((size_t)c->count + 1) * sizeof *larger);
    char *const own = larger ? strdup(name) : NULL;
    if (larger)
        c->kinds = larger;
    if (!own)
        return NULL;
    c->kinds[c->count] = (el_pair_kind){.name = own};
    return &c->kinds[c->count++];
}

static el_status count_pair(el_pair_counts *c, const pair *p, bool right)
{
    el_pair_kind *const kind = p->kind ? kind_of(c, p->kind) : NULL;
    if (p->kind && !kind)
        return el_fail(EL_ENOMEM, "no memory for a kind of pairs");
    if (kind) {
        kind->pairs++;
        kind->right += right;
    }
    c->kinds[0].pairs++;
    c->kinds[0].right += right;
    return EL_OK;
}

static el_status flush(reading *r)
{
    el_sentence_text texts[2 * AT_A_TIME];
    el_sentence_score scores[2 * AT_A_TIME];
    for (int i = 0; i < 2 * r->count; i++) {
        const char *const text = r->pairs[i / 2].texts[i % 2];
        texts[i] = (el_sentence_text){text, strlen(text)};
    }
    el_status st = r->count ? el_scorer_run(r->scorer, texts, 2 * r->count, scores) : EL_OK;
    for (int i = 0; !st && i < r->count; i++)
        st = count_pair(r->counts, &r->pairs[i], scores[2 * i].score > scores[2 * i + 1].score);
    for (int i = 0; i < r->count; i++)
        forget(&r->pairs[i]);
    r->count = 0;
    return st;
}

/* ---- reading ---- */

static el_status bad_line(const reading *r, const char *what)
{
    return el_fail(EL_EDATA, "%s: line %" PRId64 ": %s", r->path, r->line, what);
}

static el_status read_object(const reading *r, el_line line, pair *p)
{
    json_t *object;
    char name[256];
    snprintf(name, sizeof name, "%s: line %" PRId64, r->path, r->line);
    const el_status st = el_json_parse(&object, line.text, line.bytes, name);
    if (st)
        return st;
    p->texts[0] = el_json_copy(object, "good");
    p->texts[1] = el_json_copy(object, "bad");
    p->kind = el_json_copy(object, "UID");
    json_decref(object);
    return p->texts[0] && p->texts[1] ? EL_OK : bad_line(r, "has no texts good and bad");
}

static el_status read_columns(const reading *r, el_line line, pair *p)
{
    const char *const tab = memchr(line.text, '\t', line.bytes);
    if (!tab)
        return bad_line(r, "has no two columns, good and bad");
    const size_t first = (size_t)(tab - line.text);
    p->texts[0] = strndup(line.text, first);
    p->texts[1] = strndup(tab + 1, line.bytes - first - 1);
    return p->texts[0] && p->texts[1] ? EL_OK : el_fail(EL_ENOMEM, "no memory for a pair");
}

static el_status take_line(reading *r, el_line line)
{
    size_t blank = 0;
    r->line++;
    while (blank < line.bytes && line.text[blank] == ' ')
        blank++;
    if (el_line_blank(line))
        return EL_OK;
    pair *const p = &r->pairs[r->count++];
    const el_status st = line.text[blank] == '{' ? read_object(r, line, p) : read_columns(r, line, p);
    return !st && r->count == AT_A_TIME ? flush(r) : st;
}

static void tell(const el_pairs_watch *watch, const el_reader *reader)
{
    uint64_t done, total;
    el_reader_progress(reader, &done, &total);
    if (watch->on_progress && total)
        watch->on_progress(watch->context, (double)done / (double)total);
}

static el_status read_file(reading *r, const el_pairs_watch *watch)
{
    char *paths[] = {(char *)r->path};
    el_reader *reader;
    el_block block;
    el_line line;
    el_status st = el_reader_open(&reader, paths, 1, (el_reader_settings){.raw = true});
    while (!st && !(st = el_reader_next(reader, &block)) && block.bytes) {
        if (block.cut)
            st = el_fail(EL_EDATA, "%s: a line is longer than %d MB", r->path, EL_READER_BLOCK >> 20);
        for (const char *at = block.text; !st && el_line_next(&at, block.text + block.bytes, &line);) {
            st = take_line(r, line);
            if (!st && watch->stop && *watch->stop)
                st = el_fail(EL_ESTOPPED, "stopped among the pairs of %s", r->path);
            if (r->count == 0)
                tell(watch, reader);
        }
    }
    el_reader_close(reader);
    return st ? st : flush(r);
}

el_status el_minimal_pairs(el_pair_counts *counts, el_scorer *scorer, const char *path,
                           const el_pairs_watch *watch)
{
    static const el_pairs_watch NOBODY = {0};
    *counts = (el_pair_counts){.kinds = calloc(1, sizeof *counts->kinds), .count = 1};
    reading r = {.counts = counts, .scorer = scorer, .path = path};
    el_status st = counts->kinds ? EL_OK : el_fail(EL_ENOMEM, "no memory for scores");
    if (!st)
        st = read_file(&r, watch ? watch : &NOBODY);
    for (int i = 0; i < r.count; i++)
        forget(&r.pairs[i]);
    if (!st && counts->kinds[0].pairs == 0)
        st = el_fail(EL_EDATA, "%s: there are no pairs in it", path);
    if (st)
        el_minimal_pairs_release(counts);
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
