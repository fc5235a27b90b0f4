/* score - see the header */
#include "engine/score.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/words.h"
#include "format/model_card.h"
#include "format/model_folder.h"
#include "model/memory.h"
#include "objective/networks.h"
#include "ops/copy_gate.h"
#include "train/pass.h"

enum { SLOTS = 256 }; /* predicted tokens that a head takes at a time */

struct el_scorer {
    el_score_kind kind;
    el_queue *q;
    el_model model;
    el_pass pass;
    const el_head *predicts; /* its head that says which token; NULL: it judges those that stand there */
    el_vocab *vocab;
    el_wordpiece *wordpiece;
    el_arena arena; /* beside the pass, of slots: */
    el_tensor losses, gates;
    int *targets;
    /* the batch */
    el_batch batch;
    int *host_rows, *host_targets, *owners; /* of slots, or of rows: whose score it belongs to */
    int count;
    float *values; /* losses of slots, or logits of rows */
    el_ids ids;    /* of a sentence */
    el_text_lost lost;
    bool overflowed;
};

/* ---- opening ---- */

static bool by_generator(const el_scorer *s)
{
    return s->kind == EL_SCORE_PLL || s->kind == EL_SCORE_LEFT_TO_RIGHT;
}

bool el_score_can(const el_model_plan *plan, el_score_kind kind)
{
    const el_network_plan *const generator = el_plan_network(plan, EL_GENERATOR);
    const el_network_plan *const large = el_plan_network(plan, EL_DISCRIMINATOR);
    const bool predicts = el_plan_head(generator, EL_HEAD_MLM), restores = el_plan_head(large, EL_HEAD_MLM);
    const el_head_config *const judges = el_plan_head(large, EL_HEAD_DETECTION);
    const bool electric = judges && judges->energies;
    const bool can[] = {[EL_SCORE_PLL] = predicts && !generator->config.causal,
                        [EL_SCORE_LEFT_TO_RIGHT] = predicts && generator->config.causal,
                        [EL_SCORE_ORIGINALS] = restores || (judges && !electric),
                        [EL_SCORE_ENERGY] = electric,
                        [EL_SCORE_AUTO] = true};
    return can[kind];
}

/* Of a model that cannot say what is wanted: what it says. */
static el_status refuse(const el_model_plan *plan, const char *folder)
{
    char says[64] = "";
    const char *names = EL_SCORE_NAMES, *name;
    size_t bytes;
    for (int kind = 0; el_word_next(&names, &name, &bytes) && kind < EL_SCORE_AUTO; kind++)
        if (el_score_can(plan, (el_score_kind)kind))
            snprintf(says + strlen(says), sizeof says - strlen(says), "%s%.*s", *says ? " and " : "",
                     (int)bytes, name);
    return *says ? el_fail(EL_EUSAGE, "%s: says of a sentence %s alone", folder, says)
                 : el_fail(EL_EUSAGE, "%s: has no network that says how likely a sentence is", folder);
}

static el_status choose(el_scorer *s, const char *folder, el_score_kind wanted)
{
    static const el_score_kind ORDER[] = {EL_SCORE_ENERGY, EL_SCORE_ORIGINALS, EL_SCORE_PLL,
                                          EL_SCORE_LEFT_TO_RIGHT};
    const el_model_plan plan = el_plan_of(&s->model);
    s->kind = wanted;
    for (int i = 0; s->kind == EL_SCORE_AUTO && i < EL_SCORE_AUTO; i++)
        if (el_score_can(&plan, ORDER[i]))
            s->kind = ORDER[i];
    if (s->kind == EL_SCORE_AUTO || !el_score_can(&plan, s->kind))
        return refuse(&plan, folder);
    const el_network *const net =
        el_model_network(&s->model, by_generator(s) ? EL_GENERATOR : EL_DISCRIMINATOR);
    s->predicts = el_network_head(net, EL_HEAD_MLM);
    s->pass = (el_pass){.q = s->q,
                        .model = &s->model,
                        .net = net,
                        .head = s->predicts ? s->predicts : el_network_head(net, EL_HEAD_DETECTION),
                        .slots = SLOTS};
    return EL_OK;
}

static el_status lay_out(void *context)
{
    el_scorer *const s = context;
    const el_model *m = &s->model;
    s->targets = el_arena_ints(&s->arena, SLOTS);
    s->losses = el_arena_tensor(&s->arena, m->parameters, SLOTS, 1);
    s->gates = el_arena_tensor(&s->arena, m->activations, SLOTS, 1);
    return EL_OK;
}

/* Room for `rows` rows, and no fewer than the model's positions. */
static el_status reserve(el_scorer *s, int rows)
{
    const int longest = el_scorer_longest(s), most = rows > longest ? rows : longest;
    const size_t n = (size_t)most + 1;
    s->host_rows = malloc(n * sizeof *s->host_rows);
    s->host_targets = malloc(n * sizeof *s->host_targets);
    s->owners = malloc(n * sizeof *s->owners);
    s->values = malloc(n * sizeof *s->values);
    if (!s->host_rows || !s->host_targets || !s->owners || !s->values)
        return el_fail(EL_ENOMEM, "no memory for scores of %d tokens", most);
    const el_status st = el_pass_reserve(&s->pass, most);
    return st || !s->predicts ? st : el_device_lay_out(s->q->dev, &s->arena, lay_out, s);
}

static el_status open_all(el_scorer *s, el_type activations, const char *folder, el_score_kind kind,
                          el_special_reading reading, int rows)
{
    el_model_paths paths;
    el_status st = el_model_find(&paths, folder);
    if (st)
        return st;
    st = el_model_open_folder(&s->model, s->q, activations, folder);
    if (!st)
        st = choose(s, folder, kind);
    if (!st)
        st = el_model_vocab(by_generator(s) ? paths.generator : paths.discriminator, &s->pass.net->config,
                            NULL, &s->vocab);
    if (!st)
        st = el_wordpiece_open(&s->wordpiece, s->vocab, reading);
    if (!st)
        st = reserve(s, rows);
    el_model_paths_release(&paths);
    return st;
}

el_status el_scorer_open(el_scorer **scorer, el_queue *q, el_type activations, const char *folder,
                         el_score_kind kind, el_special_reading reading, int rows)
{
    el_scorer *s = calloc(1, sizeof *s);
    if (!s)
        return el_no_memory(NULL);
    s->q = q;
    const el_status st = open_all(s, activations, folder, kind, reading, rows);
    *scorer = st ? NULL : s;
    if (st)
        el_scorer_close(s);
    return st;
}

void el_scorer_close(el_scorer *s)
{
    if (!s)
        return;
    el_device_release(s->q->dev, &s->arena);
    el_pass_close(&s->pass);
    el_model_close(&s->model);
    el_wordpiece_close(s->wordpiece);
    el_vocab_close(s->vocab);
    el_batch_release(&s->batch);
    el_ids_release(&s->ids);
    free(s->host_rows);
    free(s->host_targets);
    free(s->owners);
    free(s->values);
    free(s);
}

el_score_kind el_scorer_kind(const el_scorer *scorer)
{
    return scorer->kind;
}

int el_scorer_longest(const el_scorer *scorer)
{
    return scorer->pass.net->config.max_position_embeddings;
}

const el_text_lost *el_scorer_lost(const el_scorer *scorer)
{
    return &scorer->lost;
}

/* ---- a batch ---- */

/* log p of the targets of `count` slots: of the softmax, or of the gate and the softmax where what is shown is the target. */
static el_status predict_some(el_scorer *s, el_tensor hidden, int first, int count)
{
    el_queue *q = s->q;
    const el_mlm_weights *w = &s->predicts->mlm.w;
    float gates[SLOTS], *const values = s->values + first;
    const el_tensor losses = el_tensor_rows(s->losses, 0, count), scores = el_tensor_rows(s->gates, 0, count);
    const el_tensor logits = el_pass_predict(&s->pass, hidden, s->host_rows + first, count);
    q->send(q, s->targets, s->host_targets + first, (size_t)count * sizeof *s->targets);
    q->softmax_loss(q, losses, NULL, NULL, el_tensor_none(), logits, s->targets, NULL, NULL, 1);
    el_status st = el_tensor_read(q, losses, values);
    if (!st && s->predicts->config.gated) {
        q->linear_forward(q, scores, el_tensor_rows(s->pass.mlm.gathered, 0, count), w->gate_w, w->gate_b);
        st = el_tensor_read(q, scores, gates);
        for (int i = 0; !st && i < count; i++)
            values[i] = (float)el_copy_of((double)gates[i], (double)values[i], true).loss;
    }
    for (int i = 0; i < count; i++)
        values[i] = -values[i];
    return st;
}

static el_status predict(el_scorer *s, el_tensor hidden)
{
    el_status st = EL_OK;
    for (int first = 0; !st && first < s->count; first += SLOTS)
        st = predict_some(s, hidden, first, s->count - first < SLOTS ? s->count - first : SLOTS);
    return st;
}

static void add(const el_scorer *s, el_sentence_score *score, double value)
{
    score->tokens++;
    if (s->kind == EL_SCORE_ORIGINALS) {
        const double log_p = s->predicts ? value : -el_softplus(value); /* of a logit that it was replaced */
        score->score += log_p;
        score->share += exp(log_p);
    } else {
        score->score += s->kind == EL_SCORE_ENERGY ? -value : value;
    }
}

/* Runs what has gathered, and forgets it. */
static el_status run(el_scorer *s, el_sentence_score *scores)
{
    el_batch *b = &s->batch;
    if (b->rows == 0)
        return EL_OK;
    el_pass_send(&s->pass, b);
    const el_tensor hidden = el_pass_hidden(&s->pass);
    const el_status st = s->predicts ? predict(s, hidden) : el_pass_judge(&s->pass, hidden, s->values);
    s->q->wait(s->q);
    for (int i = 0; !st && i < s->count; i++)
        if (s->owners[i] >= 0)
            add(s, &scores[s->owners[i]], s->values[i]);
    el_batch_clear(b);
    s->count = 0;
    return st;
}

/* Adds the sentence in s->ids as it is; runs what there was where it has no room beside it. */
static el_status put(el_scorer *s, el_sentence_score *scores)
{
    const int n = (int)s->ids.count;
    el_status st = s->batch.rows + n > s->pass.rows ? run(s, scores) : EL_OK;
    return st ? st : el_batch_add(&s->batch, s->ids.data, n, n);
}

/* What is asked of a row, and whose score it is part of; -1: nobody's. */
static void ask(el_scorer *s, int row, int target, int owner)
{
    s->host_rows[s->count] = row;
    s->host_targets[s->count] = target;
    s->owners[s->count++] = owner;
}

/* What predicts in random orders is asked as it was taught (objective/order.h): token i of the sentence that was put last is a
 * query row behind the others, which do not see it. */
static int turn_to_query(el_scorer *s, int n, int i)
{
    el_batch *const b = &s->batch;
    const int first = b->rows - n, last = b->rows - 1, position = b->positions[first + i];
    const size_t behind = (size_t)(n - 1 - i) * sizeof(int);
    memmove(b->ids + first + i, b->ids + first + i + 1, behind);
    memmove(b->positions + first + i, b->positions + first + i + 1, behind);
    b->ids[last] = el_config_relative(&s->pass.net->config) ? s->pass.net->config.vocab_size : s->vocab->mask;
    b->positions[last] = position;
    for (int row = first; row <= last; row++)
        b->limits[row] = n - 1;
    b->limited = true;
    return last;
}

static el_status put_sentence(el_scorer *s, int number, el_sentence_score *scores)
{
    const int n = (int)s->ids.count;
    int *const ids = s->ids.data;
    el_status st = EL_OK;
    if (s->kind != EL_SCORE_PLL) {
        st = put(s, scores);
        const int first = s->batch.rows - n;
        for (int i = 0; !st && i < n; i++) {
            const bool ordinary = i > 0 && i + 1 < n;
            if (s->kind != EL_SCORE_LEFT_TO_RIGHT)
                ask(s, first + i, ids[i], ordinary ? number : -1);
            else if (i + 1 < n)
                ask(s, first + i, ids[i + 1], number);
        }
        return st;
    }
    const bool ordered = s->predicts->config.ordered;
    for (int i = 1; !st && i + 1 < n; i++) { /* a pass for each token */
        const int token = ids[i];
        ids[i] = s->vocab->mask;
        st = put(s, scores);
        ids[i] = token;
        if (!st)
            ask(s, ordered ? turn_to_query(s, n, i) : s->batch.rows - n + i, token, number);
    }
    return st;
}

/* [CLS] pieces [SEP], no more than there are places. */
static el_status read_sentence(el_scorer *s, const el_sentence_text *text)
{
    const int most = el_scorer_longest(s);
    s->ids.count = 0;
    el_status st = el_ids_push(&s->ids, s->vocab->cls);
    if (!st)
        st = el_wordpiece_encode(s->wordpiece, text->text, text->bytes, &s->ids);
    if (!st)
        el_text_lost_count(&s->lost, s->ids.data + 1, s->ids.count - 1, s->vocab->unk);
    if (!st && s->ids.count > (size_t)most - 1) {
        s->ids.count = (size_t)most - 1;
        s->lost.cut++;
    }
    return st ? st : el_ids_push(&s->ids, s->vocab->sep);
}

el_status el_scorer_run(el_scorer *s, const el_sentence_text *texts, int count, el_sentence_score *scores)
{
    el_status st = EL_OK;
    for (int i = 0; !st && i < count; i++) {
        scores[i] = (el_sentence_score){.share = s->kind == EL_SCORE_ORIGINALS ? 0 : NAN};
        st = read_sentence(s, &texts[i]);
        if (!st && s->ids.count > 2) /* between [CLS] and [SEP] */
            st = put_sentence(s, i, scores);
    }
    if (!st)
        st = run(s, scores);
    for (int i = 0; !st && i < count; i++) {
        scores[i].share /= scores[i].tokens ? scores[i].tokens : 1;
        s->overflowed |= !isfinite(scores[i].score);
    }
    return s->overflowed && !st ? el_fail(EL_EFAILED, "the model's numbers are not finite") : st;
}

bool el_scorer_overflowed(const el_scorer *s)
{
    return s->overflowed;
}
