/* Every task head on a small encoder: the gradient of the whole network against central differences in double, with
 * dropout and without; logits, losses and gradients against transformers and PyTorch (tools/golden_heads.py); the
 * processor against the reference, in float and bf16; and the guesses of span heads against the losses of all pairs. */
#include <math.h>

#include "../check.h"
#include "base/safetensors.h"
#include "format/weights.h"
#include "model/initialise.h"

enum { SEQUENCES = 3, MOST_ROWS = 32, MOST_LABELS = 8 };

/* What is learned: a batch and, as the head wants it, what it should say. */
typedef struct {
    const int *ids, *segments, *positions, *starts; /* starts of SEQUENCES */
    const int *read, *targets; /* rows that are read; classes of them, or flags of each label */
    const float *values;       /* of regression */
    int count;                 /* rows that are read */
    el_candidates candidates;
    el_span_targets spans;
} lesson;

typedef struct {
    el_queue *q;
    el_model model;
    const lesson *lesson;
    el_arena arena;
    el_encoder_saved encoder;
    el_head_saved head;
    el_span_saved *span;
    el_tensor hidden, dhidden, losses;
    double span_losses[SEQUENCES];
} fixture;

static const int STARTS[] = {0, 9, 13, 26}, SECONDS[] = {4, 2, 13};
static const int WORDS[] = {1, 2, 7, 10, 14, 15, 20, 25}, TAGS[] = {0, 4, -1, 2, 1, 1, 3, 0};
static const int CLASSES[] = {1, 0, 1}, FLAGS[] = {0, 1, 1, 0, 0, 0, -1, 1, 1, 1, 0, 1};
static const float FLAG_VALUES[] = {0, 1, 1, 0, 0, 0, NAN, 1, 1, 1, 0, 1};
static const float VALUES[] = {0.25f, NAN, 0.9f};
static const int ALL_ROWS[MOST_ROWS] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                        16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
/* The second sequence's answer is not there, the third's has an unknown beginning and no second segment. */
static const int START[] = {5, 0, -1}, END[] = {7, 0, 4};
static const int PART[] = {0, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 19, 25}, PART_STARTS[] = {0, 6, 9, 13};
static const int PART_START[] = {2, 0, -1}, PART_END[] = {4, 0, 2}, IMPOSSIBLE[] = {0, 1, -1};

static bool is_span(const el_head_config *head)
{
    return head->kind == EL_HEAD_SPAN || head->kind == EL_HEAD_SPAN_JOINT;
}

static void lay_out(fixture *f)
{
    const el_model *m = &f->model;
    const el_network *net = &m->networks[0];
    const el_type act = m->activations, par = m->parameters;
    assert_int_equal(el_encoder_saved_layout(&f->encoder, &f->arena, &net->config, MOST_ROWS, act, par, true),
                     EL_OK);
    if (!is_span(&net->heads[0].config))
        el_head_saved_layout(&f->head, &f->arena, &net->config, &net->heads[0].config, MOST_ROWS, act, par);
    f->losses = el_arena_tensor(&f->arena, par, MOST_ROWS * MOST_LABELS, 1);
    f->dhidden = el_arena_tensor(&f->arena, act, MOST_ROWS, net->config.hidden_size);
}

static void open_fixture(fixture *f, el_queue *q, el_type activations, const el_config *config,
                         const el_head_config *head, const lesson *taught)
{
    const el_type parameters = activations == EL_BF16 ? EL_F32 : activations;
    el_model_plan plan = {.activations = activations, .parameters = parameters, .training = true};
    el_plan_add(&plan, EL_DISCRIMINATOR, *config, *head);
    const el_initialisation how = {.fan_in = true, .seed = 5};
    *f = (fixture){.q = q, .lesson = taught};
    CHECK(el_model_open(&f->model, q, &plan) == EL_OK, "%s", el_error());
    CHECK(el_model_initialise(&f->model, &how) == EL_OK, "%s", el_error());
    if (is_span(head))
        CHECK(el_span_open(&f->span, q, config, head, MOST_ROWS, SEQUENCES, activations, parameters, true) ==
                  EL_OK,
              "%s", el_error());
    lay_out(f);
    CHECK(el_device_reserve(q->dev, &f->arena) == EL_OK, "%s", el_error());
    lay_out(f);
}

static void close_fixture(fixture *f)
{
    el_span_close(f->span);
    el_encoder_saved_release(&f->encoder);
    el_device_release(f->q->dev, &f->arena);
    el_model_close(&f->model);
    el_queue_close(f->q);
}

/* Losses and, in the logits' place, their gradient; the sum of losses. */
static double lose(fixture *f, el_tensor logits, double scale)
{
    const lesson *l = f->lesson;
    const bool flags = l->targets == FLAGS;
    const el_tensor z =
        flags ? el_tensor_make(logits.data, logits.type, logits.rows * logits.cols, 1) : logits;
    const el_tensor losses = el_tensor_rows(f->losses, 0, z.rows);
    double sum = 0;
    if (l->values)
        f->q->squared_loss(f->q, losses, z, z, l->values, scale);
    else if (flags)
        f->q->logistic_loss(f->q, losses, z, z, FLAG_VALUES, scale);
    else
        f->q->softmax_loss(f->q, losses, NULL, NULL, z, z, l->targets, NULL, NULL, scale);
    CHECK(f->q->wait(f->q) == EL_OK, "%s", el_error());
    for (int i = 0; i < losses.rows; i++)
        sum += el_get(losses, i, 0);
    return sum;
}

/* Scale times the sum of losses, in training; gradients where `backward`. */
static double run(fixture *f, double scale, bool backward)
{
    const lesson *l = f->lesson;
    const el_network *net = &f->model.networks[0];
    const int rows = l->starts[SEQUENCES];
    const el_input in = {.rows = rows,
                         .ids = l->ids,
                         .segments = l->segments,
                         .positions = l->positions,
                         .layout = {.starts = l->starts,
                                    .sequences = SEQUENCES,
                                    .longest = net->config.max_position_embeddings},
                         .training = true,
                         .random = {.seed = 7, .stream = 100, .step = 3}};
    const el_head_pass pass = {
        .training = true, .random = {.seed = 7, .stream = EL_STREAMS_A_NETWORK, .step = 3}, .first_row = 5};
    const el_tensor dhidden = el_tensor_rows(f->dhidden, 0, rows);
    double sum = 0;
    f->hidden = el_encoder_forward(f->q, &net->config, &net->w, &f->encoder, &in);
    if (f->span) {
        el_span_learn(f->span, &net->heads[0].task.w, &net->heads[0].task.g, f->hidden, &l->candidates,
                      &l->spans, scale, f->span_losses, backward, dhidden);
        for (int s = 0; s < SEQUENCES; s++)
            sum += f->span_losses[s];
    } else {
        const el_tensor logits = el_head_forward(f->q, &net->heads[0].config, &net->heads[0].task.w, &f->head,
                                                 f->hidden, l->read, l->count, &pass);
        sum = lose(f, logits, scale);
        if (backward)
            el_head_backward(f->q, &net->heads[0].config, &net->heads[0].task.w, &net->heads[0].task.g,
                             &f->head, dhidden, logits, l->read, &pass, false);
    }
    if (backward)
        el_encoder_backward(f->q, &net->config, &net->w, &net->g, &f->encoder, &in, dhidden);
    CHECK(f->q->wait(f->q) == EL_OK, "%s", el_error());
    return scale * sum;
}

static double learn(fixture *f, double scale)
{
    return run(f, scale, true);
}

/* ---- the cases ---- */

typedef struct {
    const char *name;
    el_head_config head;
    lesson lesson;
} head_case;

static int ids[26], segments[26], positions[26];

#define BATCH .ids = ids, .segments = segments, .positions = positions, .starts = STARTS
static const head_case CASES[] = {
    {"sequence", {EL_HEAD_SEQUENCE, .labels = 3}, {BATCH, .read = STARTS, .count = 3, .targets = CLASSES}},
    {"regression", {EL_HEAD_SEQUENCE, .labels = 1}, {BATCH, .read = STARTS, .count = 3, .values = VALUES}},
    {"multilabel", {EL_HEAD_SEQUENCE, .labels = 4}, {BATCH, .read = STARTS, .count = 3, .targets = FLAGS}},
    {"sequence, affine",
     {EL_HEAD_SEQUENCE_AFFINE, .labels = 2},
     {BATCH, .read = STARTS, .count = 3, .targets = CLASSES}},
    {"token", {EL_HEAD_TOKEN, .labels = 5}, {BATCH, .read = WORDS, .count = 8, .targets = TAGS}},
    {"span",
     {.kind = EL_HEAD_SPAN},
     {BATCH, .candidates = {ALL_ROWS, STARTS, 26, 3}, .spans = {START, END, NULL, 0}}},
    {"span, joint",
     {.kind = EL_HEAD_SPAN_JOINT},
     {BATCH, .candidates = {PART, PART_STARTS, 13, 3}, .spans = {PART_START, PART_END, IMPOSSIBLE, 0.5}}},
    {"span, joint and answerable",
     {EL_HEAD_SPAN_JOINT, .answerable = true},
     {BATCH, .candidates = {PART, PART_STARTS, 13, 3}, .spans = {PART_START, PART_END, IMPOSSIBLE, 0.5}}},
};
enum { CASE_COUNT = sizeof CASES / sizeof *CASES };

static int fill_batch(void **state)
{
    (void)state;
    for (int s = 0; s < SEQUENCES; s++)
        for (int i = STARTS[s]; i < STARTS[s + 1]; i++) {
            positions[i] = i - STARTS[s];
            ids[i] = (i * 7 + s) % 21;
            segments[i] = positions[i] >= SECONDS[s];
        }
    return 0;
}

static el_config config_of(int hidden, int embedding, double dropout)
{
    el_config c = el_config_default();
    c.vocab_size = 21;
    c.embedding_size = embedding;
    c.hidden_size = hidden;
    c.num_hidden_layers = 2;
    c.num_attention_heads = 2;
    c.intermediate_size = 2 * hidden;
    c.max_position_embeddings = 16;
    c.layer_norm_eps = 1e-6;
    c.hidden_dropout_prob = c.attention_probs_dropout_prob = dropout;
    return c;
}

static void open_case(fixture *f, const head_case *c, el_queue *q, el_type type, int hidden, double dropout)
{
    const el_config config = config_of(hidden, hidden - 2, dropout);
    el_head_config head = c->head;
    head.dropout = dropout;
    open_fixture(f, q, type, &config, &head, &c->lesson);
}

/* ---- central differences ---- */

static double loss_beside(fixture *f, el_tensor t, int row, int col, double step)
{
    const double value = el_get(t, row, col);
    el_set(t, row, col, value + step);
    const double loss = run(f, 0.4, false);
    el_set(t, row, col, value);
    return loss;
}

typedef struct {
    fixture *f;
    const el_params *claimed; /* with the gradients of one step */
    const char *name;
} probe;

/* Numbers of the head, and one of each tensor below it, to which the gradient comes through the head. */
static void check_param(void *context, const el_network *net, el_param *p)
{
    const probe *at_case = context;
    fixture *f = at_case->f;
    const double h = 1e-5;
    const int probes = strncmp(p->name, "electra.", 8) == 0 ? 1 : 4;
    const uint64_t count = (uint64_t)el_param_elements(p);
    (void)net;
    for (int k = 0; k < probes; k++) {
        const int at = (int)el_random_below((el_random){11, 0, 0}, count * 4 + (uint64_t)k, count);
        const int row = at / p->value.cols, col = at % p->value.cols;
        const double claimed = el_get(el_param_find(at_case->claimed, p->name)->gradient, row, col);
        const double slope =
            (loss_beside(f, p->value, row, col, h) - loss_beside(f, p->value, row, col, -h)) / (2 * h);
        CHECK(fabs(slope - claimed) <= 1e-7 * (1 + fabs(claimed)),
              "%s: %s[%d, %d]: slope %.9g, gradient says %.9g", at_case->name, p->name, row, col, slope,
              claimed);
    }
}

static void gradients_are_slopes(void **state)
{
    (void)state;
    for (int i = 0; i < 2 * CASE_COUNT; i++) {
        const head_case *c = &CASES[i / 2];
        fixture f, once;
        open_case(&f, c, el_queue_reference(), EL_F64, 8, i % 2 ? 0.2 : 0);
        open_case(&once, c, el_queue_reference(), EL_F64, 8, i % 2 ? 0.2 : 0);
        learn(&once, 0.4);
        el_model_each(&f.model, check_param, &(probe){&f, &once.model.networks[0].params, c->name});
        close_fixture(&once);
        close_fixture(&f);
    }
}

/* ---- the processor ---- */

typedef struct {
    const el_params *expected;
    const char *name;
    double tolerance, most; /* of the largest number of a tensor, and of all */
} comparison;

static double largest_of(const el_param *p)
{
    double most = 0;
    for (int i = 0; i < p->value.rows; i++)
        for (int j = 0; j < p->value.cols; j++)
            most = fmax(most, fabs(el_get(p->gradient, i, j)));
    return most;
}

static void compare_gradient(void *context, const el_network *net, el_param *p)
{
    const comparison *c = context;
    const el_param *q = el_param_find(c->expected, p->name);
    const double allowed = c->tolerance * (largest_of(q) + 0.02 * c->most);
    (void)net;
    for (int i = 0; i < p->value.rows; i++)
        for (int j = 0; j < p->value.cols; j++) {
            const double got = el_get(p->gradient, i, j), wanted = el_get(q->gradient, i, j);
            CHECK(fabs(got - wanted) <= allowed,
                  "%s: %s[%d, %d]: gradient %.9g, the reference says %.9g (within %.2g)", c->name, p->name, i,
                  j, got, wanted, allowed);
        }
}

static void compare_with(const head_case *c, const fixture *reference, double loss, el_type type, int threads,
                         double tolerance)
{
    fixture f;
    el_queue *q;
    CHECK(el_queue_open(&q, threads, NULL) == EL_OK, "%s", el_error());
    open_case(&f, c, q, type, 24, 0.1);
    const double got = learn(&f, 0.4);
    CHECK(fabs(got - loss) <= tolerance * loss, "%s: loss %.9g, the reference says %.9g", c->name, got, loss);
    comparison with = {&reference->model.networks[0].params, c->name, tolerance, 0};
    for (int i = 0; i < with.expected->count; i++)
        with.most = fmax(with.most, largest_of(&with.expected->items[i]));
    el_model_each(&f.model, compare_gradient, &with);
    close_fixture(&f);
}

static void processor_agrees(void **state)
{
    (void)state;
    for (int i = 0; i < CASE_COUNT; i++) {
        fixture reference, one;
        el_queue *q;
        open_case(&reference, &CASES[i], el_queue_reference(), EL_F64, 24, 0.1);
        const double loss = learn(&reference, 0.4);
        compare_with(&CASES[i], &reference, loss, EL_F32, 2, 2e-4);
        compare_with(&CASES[i], &reference, loss, EL_BF16, 2, 0.1);
        close_fixture(&reference);
        CHECK(el_queue_open(&q, 1, NULL) == EL_OK, "%s", el_error());
        open_case(&one, &CASES[i], q, EL_F32, 24, 0.1);
        compare_with(&CASES[i], &one, learn(&one, 0.4), EL_F32, 3, 0); /* the same bits */
        close_fixture(&one);
    }
}

/* ---- dropout ---- */

/* Its masks are the batch's, however it is cut, and no place has another's. */
static void dropout_is_the_batchs(void **state)
{
    (void)state;
    fixture f;
    open_case(&f, &CASES[0], el_queue_reference(), EL_F64, 24, 0.3);
    learn(&f, 1);
    const el_network *net = &f.model.networks[0];
    el_head_pass pass = {.training = true, .random = {.seed = 7}, .first_row = 40};
    double whole[SEQUENCES][3];
    el_tensor logits = el_head_forward(f.q, &net->heads[0].config, &net->heads[0].task.w, &f.head, f.hidden,
                                       STARTS, SEQUENCES, &pass);
    int alike = 0, dropped = 0;
    for (int i = 0; i < SEQUENCES; i++)
        for (int j = 0; j < 24; j++) {
            dropped += el_get(f.head.x, i, j) == 0;
            alike += (el_get(f.head.x, i, j) == 0) == (el_get(f.head.act, i, j) == 0);
        }
    CHECK(dropped > 0 && alike < SEQUENCES * 24, "both places of dropout have the same mask");
    for (int i = 0; i < SEQUENCES; i++)
        for (int j = 0; j < 3; j++)
            whole[i][j] = el_get(logits, i, j);
    pass.first_row += 2;
    logits = el_head_forward(f.q, &net->heads[0].config, &net->heads[0].task.w, &f.head, f.hidden, STARTS + 2,
                             1, &pass);
    for (int j = 0; j < 3; j++)
        CHECK(el_get(logits, 0, j) == whole[2][j], "logit %d of the last row alone: %.9g, in the batch: %.9g",
              j, el_get(logits, 0, j), whole[2][j]);
    close_fixture(&f);
}

/* ---- guesses ---- */

enum { MOST_PAIRS = 16 };
typedef struct {
    double of[SEQUENCES][MOST_PAIRS][MOST_PAIRS];
} scores;

/* The score of every pair, by its loss: a log probability for the joint head, else less that of the pair (0, 0). */
static void score_pairs(fixture *f, scores *all)
{
    const el_candidates *c = &f->lesson->candidates;
    const el_network *net = &f->model.networks[0];
    for (int i = 0; i < MOST_PAIRS * MOST_PAIRS; i++) {
        const int start = i / MOST_PAIRS, end = i % MOST_PAIRS;
        int starts[SEQUENCES], ends[SEQUENCES], there = 0;
        double losses[SEQUENCES];
        for (int s = 0; s < SEQUENCES; s++) {
            const int n = c->starts[s + 1] - c->starts[s];
            starts[s] = start < n && end < n ? start : -1;
            ends[s] = start < n && end < n ? end : -1;
            there += starts[s] >= 0;
        }
        const el_span_targets targets = {.start = starts, .end = ends};
        if (there)
            el_span_learn(f->span, &net->heads[0].task.w, &net->heads[0].task.g, f->hidden, c, &targets, 1,
                          losses, false, el_tensor_none());
        for (int s = 0; there && s < SEQUENCES; s++) {
            const double none =
                net->heads[0].config.kind == EL_HEAD_SPAN_JOINT || i == 0 ? 0 : all->of[s][0][0];
            all->of[s][start][end] = -2 * losses[s] - none;
        }
    }
    for (int s = 0; net->heads[0].config.kind == EL_HEAD_SPAN && s < SEQUENCES; s++)
        all->of[s][0][0] = 0;
}

/* Logit of having no answer, by the difference that it makes. */
static double answer_of(fixture *f, int sequence)
{
    const lesson *l = f->lesson;
    const el_network *net = &f->model.networks[0];
    const int none[] = {-1, -1, -1}, yes[] = {1, 1, 1}, no[] = {0, 0, 0};
    double losses[2][SEQUENCES];
    for (int k = 0; k < 2; k++) {
        const el_span_targets targets = {none, none, k ? yes : no, 2};
        el_span_learn(f->span, &net->heads[0].task.w, &net->heads[0].task.g, f->hidden, &l->candidates,
                      &targets, 1, losses[k], false, el_tensor_none());
    }
    return (losses[0][sequence] - losses[1][sequence]) / 2;
}

/* How good a start is whatever the end: the probabilities of ends sum to 1. */
static double start_score(const fixture *f, const scores *all, int sequence, int start, int count)
{
    double sum = 0;
    if (f->model.networks[0].heads[0].config.kind == EL_HEAD_SPAN)
        return all->of[sequence][start][0];
    for (int j = 0; j < count; j++)
        sum += exp(all->of[sequence][start][j]);
    return log(sum);
}

/* No start that was left out is better than one that was kept, and no end of a start. */
static void check_best(const fixture *f, const scores *all, int s, const el_span_guess *best, int pairs,
                       int n, const char *name)
{
    bool kept[MOST_PAIRS][MOST_PAIRS] = {0}, kept_start[MOST_PAIRS] = {0};
    for (int k = 0; k < pairs; k++)
        kept[best[k].start][best[k].end] = kept_start[best[k].start] = true;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            CHECK(kept_start[i] || !kept_start[j] ||
                      start_score(f, all, s, i, n) <= start_score(f, all, s, j, n) + 1e-9,
                  "%s: start %d is left out, but better than %d", name, i, j);
            for (int k = 0; kept_start[i] && k < n; k++)
                CHECK(kept[i][j] || !kept[i][k] || all->of[s][i][j] <= all->of[s][i][k] + 1e-9,
                      "%s: end %d of start %d is left out, but better than %d", name, j, i, k);
        }
}

static void check_guesses(fixture *f, const scores *all, int beam, const char *name)
{
    const el_network *net = &f->model.networks[0];
    const el_candidates *c = &f->lesson->candidates;
    el_span_guess *guesses = calloc((size_t)(beam * beam * SEQUENCES), sizeof *guesses);
    float null_scores[SEQUENCES];
    el_span_guess_best(f->span, &net->heads[0].task.w, f->hidden, c, beam, guesses, null_scores);
    for (int s = 0; s < SEQUENCES; s++) {
        const el_span_guess *best = guesses + s * beam * beam;
        const int n = c->starts[s + 1] - c->starts[s], kept = beam < n ? beam : n;
        const bool joint = net->heads[0].config.kind == EL_HEAD_SPAN_JOINT;
        const double base = joint ? 0 : (double)null_scores[s];
        double most = -INFINITY;
        for (int k = 0; k < beam * beam; k++) {
            const double score = (double)best[k].start_score + (double)best[k].end_score;
            CHECK((k < kept * kept) == (best[k].start >= 0), "%s, beam %d: %d pairs wanted, not at %d", name,
                  beam, kept * kept, k);
            if (best[k].start < 0)
                continue;
            CHECK(k == 0 || score <= most, "%s: pair %d is better than the one before", name, k);
            most = score;
            const double wanted = base + all->of[s][best[k].start][best[k].end];
            CHECK(fabs(score - wanted) <= 1e-5, "%s: pair (%d, %d) has %.9g, its loss says %.9g", name,
                  best[k].start, best[k].end, score, wanted);
        }
        check_best(f, all, s, best, kept * kept, n, name);
        const double null = net->heads[0].config.answerable ? answer_of(f, s)
                            : joint                         ? all->of[s][0][0]
                                                            : base;
        CHECK(fabs((double)null_scores[s] - null) <= 1e-5, "%s: null score %.9g, the losses say %.9g", name,
              (double)null_scores[s], null);
    }
    free(guesses);
}

static void guesses_have_the_least_loss(void **state)
{
    (void)state;
    for (int i = 0; i < CASE_COUNT; i++) {
        fixture f;
        if (!is_span(&CASES[i].head))
            continue;
        open_case(&f, &CASES[i], el_queue_reference(), EL_F64, 8, 0);
        learn(&f, 1);
        static scores all;
        score_pairs(&f, &all);
        check_guesses(&f, &all, 3, CASES[i].name);
        check_guesses(&f, &all, 20, CASES[i].name);
        close_fixture(&f);
    }
}

/* ---- goldens ---- */

#define GOLDEN TEST_DATA "/golden/heads/"

typedef struct {
    el_safetensors file;
    const char *kind;
    double tolerance;
} golden;

static const void *values_of(const golden *g, const char *name, el_st_type type, int64_t *count)
{
    const el_st_entry *entry = el_safetensors_find(&g->file, name);
    CHECK(entry && entry->type == type, "the goldens hold no %s of that type", name);
    if (count)
        *count = el_st_elements(entry);
    return entry->data;
}

static const void *kinds_values(const golden *g, const char *name, el_st_type type, int64_t *count)
{
    char full[160];
    snprintf(full, sizeof full, "%s.%s", g->kind, name);
    return values_of(g, full, type, count);
}

static void check_number(const golden *g, const char *what, int at, double got, double wanted)
{
    CHECK(fabs(got - wanted) <= g->tolerance * (1 + fabs(wanted)), "%s: %s %d: %.9g, PyTorch says %.9g",
          g->kind, what, at, got, wanted);
}

static void check_golden_gradient(void *context, const el_network *net, el_param *p)
{
    const golden *g = context;
    const float *wanted = kinds_values(g, p->name, EL_ST_F32, NULL);
    double most = 0;
    (void)net;
    for (int64_t i = 0; i < el_param_elements(p); i++)
        most = fmax(most, fabs((double)wanted[i]));
    for (int i = 0; i < p->value.rows; i++)
        for (int j = 0; j < p->value.cols; j++) {
            const double w = (double)wanted[i * p->value.cols + j], got = el_get(p->gradient, i, j);
            CHECK(fabs(got - w) <= (g->tolerance + 2e-7) * (most + 0.1),
                  "%s: %s[%d, %d]: gradient %.9g, PyTorch says %.9g", g->kind, p->name, i, j, got, w);
        }
}

/* As pattern() of the tool. */
static void fill_pattern(void *context, const el_network *net, el_param *p)
{
    (void)context, (void)net;
    if (strncmp(p->name, "task_specific.", 14) != 0)
        return;
    for (int i = 0; i < p->value.rows; i++)
        for (int j = 0; j < p->value.cols; j++)
            el_set(p->value, i, j, (double)(float)(0.3 * sin(1 + 0.9 * (i * p->value.cols + j))));
}

/* Candidates of the original's: [CLS] and the second segment. */
static el_candidates part_of(const lesson *l, int *rows, int *starts)
{
    el_candidates c = {rows, starts, 0, SEQUENCES};
    for (int s = 0; s < SEQUENCES; s++) {
        starts[s] = c.count;
        for (int i = l->starts[s]; i < l->starts[s + 1]; i++)
            if (i == l->starts[s] || l->segments[i])
                rows[c.count++] = i;
    }
    starts[SEQUENCES] = c.count;
    return c;
}

/* The head's folder, or, for the original's heads, another's: then the backbone alone is taken from it. */
static void open_golden(fixture *f, const golden *g, el_queue *q, el_type type, const el_head_config *wanted,
                        const lesson *taught)
{
    const bool theirs = !strchr(g->kind, '_');
    char folder[256];
    el_config config;
    el_head_config head;
    snprintf(folder, sizeof folder, GOLDEN "%s", theirs ? g->kind : "sequence");
    CHECK(el_model_read(folder, false, &config, NULL, NULL) == EL_OK, "%s", el_error());
    CHECK(el_model_read(folder, false, NULL, &head, NULL) == EL_OK, "%s", el_error());
    CHECK(!theirs || (head.kind == wanted->kind && head.labels == wanted->labels),
          "%s: read as kind %d with %d labels", g->kind, head.kind, head.labels);
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0;
    open_fixture(f, q, type, &config, wanted, taught);
    CHECK(el_weights_load(&f->model, &f->model.networks[0], folder) == EL_OK, "%s", el_error());
    el_model_each(&f->model, fill_pattern, NULL);
    el_model_prepare(&f->model);
}

/* Span logits, by the guesses that name all pairs: kept for starts and ends of candidates. */
static void check_span_logits(fixture *f, const golden *g)
{
    enum { BEAM = 16 };
    static el_span_guess guesses[BEAM * BEAM * SEQUENCES];
    const el_candidates *c = &f->lesson->candidates;
    const double *wanted = kinds_values(g, "logits", EL_ST_F64, NULL);
    float null_scores[SEQUENCES];
    el_span_guess_best(f->span, &f->model.networks[0].heads[0].task.w, f->hidden, c, BEAM, guesses,
                       null_scores);
    for (int i = 0; i < BEAM * BEAM * SEQUENCES; i++) {
        const el_span_guess *guess = &guesses[i];
        const int first = c->starts[i / (BEAM * BEAM)];
        if (guess->start < 0)
            continue;
        check_number(g, "start", guess->start, (double)guess->start_score,
                     wanted[2 * (first + guess->start)]);
        check_number(g, "end", guess->end, (double)guess->end_score, wanted[2 * (first + guess->end) + 1]);
    }
}

static void check_answers(fixture *f, const golden *g)
{
    static el_span_guess guesses[SEQUENCES];
    const double *wanted = kinds_values(g, "answer", EL_ST_F64, NULL);
    float null_scores[SEQUENCES];
    el_span_guess_best(f->span, &f->model.networks[0].heads[0].task.w, f->hidden, &f->lesson->candidates, 1,
                       guesses, null_scores);
    for (int s = 0; s < SEQUENCES; s++)
        check_number(g, "answer", s, (double)null_scores[s], wanted[s]);
}

static void check_golden(el_queue *q, el_type type, double tolerance, const el_head_config *head,
                         const char *kind)
{
    golden g = {.kind = kind, .tolerance = tolerance};
    fixture f;
    int rows[MOST_ROWS], starts[SEQUENCES + 1];
    int64_t count;
    CHECK(el_safetensors_open(&g.file, GOLDEN "case.safetensors") == EL_OK, "%s", el_error());
    const bool token = head->kind == EL_HEAD_TOKEN, joint = head->kind == EL_HEAD_SPAN_JOINT;
    lesson l = {.ids = values_of(&g, "ids", EL_ST_I32, NULL),
                .segments = values_of(&g, "segments", EL_ST_I32, NULL),
                .positions = values_of(&g, "positions", EL_ST_I32, NULL),
                .starts = values_of(&g, "starts", EL_ST_I32, NULL),
                .targets = values_of(&g, token ? "tags" : "labels", EL_ST_I32, &count)};
    l.read = token ? values_of(&g, "rows", EL_ST_I32, NULL) : l.starts;
    l.count = (int)count;
    l.candidates = joint ? part_of(&l, rows, starts)
                         : (el_candidates){ALL_ROWS, l.starts, l.starts[SEQUENCES], SEQUENCES};
    l.spans = (el_span_targets){values_of(&g, joint ? "joint_start" : "start", EL_ST_I32, NULL),
                                values_of(&g, joint ? "joint_end" : "end", EL_ST_I32, NULL),
                                values_of(&g, "impossible", EL_ST_I32, NULL), 0.5};
    open_golden(&f, &g, q, type, head, &l);
    const double *losses = kinds_values(&g, "losses", EL_ST_F64, &count);
    double mean = 0;
    for (int64_t i = 0; i < count; i++)
        mean += losses[i] / (double)count;
    check_number(&g, "loss", 0, learn(&f, 1.0 / (double)count), mean);
    for (int i = 0; i < count; i++)
        check_number(&g, "loss of one", i, f.span ? f.span_losses[i] : el_get(f.losses, i, 0), losses[i]);
    el_model_each(&f.model, check_golden_gradient, &g);
    g.tolerance = fmax(g.tolerance, 1e-6); /* guesses are floats */
    if (joint)
        check_answers(&f, &g);
    else if (f.span)
        check_span_logits(&f, &g);
    close_fixture(&f);
    el_safetensors_close(&g.file);
}

static void check_goldens(el_queue *q, el_type type, double tolerance)
{
    static const struct {
        const char *kind;
        el_head_config head;
    } KINDS[] = {{"sequence", {EL_HEAD_SEQUENCE, .labels = 3}},
                 {"sequence_affine", {EL_HEAD_SEQUENCE_AFFINE, .labels = 3}},
                 {"token", {EL_HEAD_TOKEN, .labels = 4}},
                 {"span", {.kind = EL_HEAD_SPAN}},
                 {"span_joint", {EL_HEAD_SPAN_JOINT, .answerable = true}}};
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        el_queue *own = q;
        CHECK(q || el_queue_open(&own, 2, NULL) == EL_OK, "%s", el_error());
        check_golden(own, type, tolerance, &KINDS[i].head, KINDS[i].kind);
    }
}

static void reference_agrees_with_pytorch(void **state)
{
    (void)state;
    check_goldens(el_queue_reference(), EL_F64, 1e-9);
}

static void processor_agrees_with_pytorch(void **state)
{
    (void)state;
    check_goldens(NULL, EL_F32, 1e-4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_slopes),          cmocka_unit_test(processor_agrees),
        cmocka_unit_test(dropout_is_the_batchs),         cmocka_unit_test(guesses_have_the_least_loss),
        cmocka_unit_test(reference_agrees_with_pytorch), cmocka_unit_test(processor_agrees_with_pytorch),
    };
    return cmocka_run_group_tests(tests, fill_batch, NULL);
}
