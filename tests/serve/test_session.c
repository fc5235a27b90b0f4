/* session - what a session answers is what the networks compute, however long the text, whichever thread asks
 */
#include "check.h"

#include <math.h>
#include <pthread.h>

#include "base/json.h"
#include "model/memory.h"
#include "ops/cpu.h"
#include "serve/session.h"

/* ---- the same answers without a session: whole networks on the reference device ---- */

typedef struct {
    el_model model;
    el_arena arena;
    el_encoder_saved encoder;
    el_rtd_saved rtd;
    el_mlm_saved mlm;
} direct;

static void direct_open(direct *d, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", run, name);
    *d = (direct){0};
    el_model_plan plan = {.activations = EL_F32, .parameters = EL_F32};
    CHECK_OK(el_weights_plan(&plan, name, path));
    CHECK((plan.networks[0].heads[0].kind == EL_HEAD_MLM) == (strcmp(name, EL_GENERATOR) == 0),
          "%s is taken for the other network", path);
    CHECK_OK(el_model_open(&d->model, el_queue_reference(), &plan));
    CHECK_OK(el_weights_load(&d->model, &d->model.networks[0], path));
    for (int pass = 0; pass < 2; pass++) {
        const el_config *c = &d->model.networks[0].config;
        CHECK_OK(el_encoder_saved_layout(&d->encoder, &d->arena, c, PLACES, EL_F32, EL_F32, false));
        el_rtd_saved_layout(&d->rtd, &d->arena, c, PLACES, EL_F32);
        el_mlm_saved_layout(&d->mlm, &d->arena, c, PLACES, EL_F32, EL_F32, false);
        if (pass == 0)
            CHECK_OK(el_device_reserve(d->model.dev, &d->arena));
    }
}

static void direct_close(direct *d)
{
    el_encoder_saved_release(&d->encoder);
    el_device_release(d->model.dev, &d->arena);
    el_model_close(&d->model);
}

static el_tensor direct_hidden(direct *d, const int32_t *ids, int count)
{
    static int rows[PLACES], positions[PLACES], segments[PLACES], starts[2];
    rows[0] = 2;
    memcpy(rows + 1, ids, (size_t)count * sizeof *rows);
    rows[count + 1] = 3;
    for (int i = 0; i < PLACES; i++)
        positions[i] = i;
    starts[1] = count + 2;
    const el_input in = {.rows = count + 2,
                         .ids = rows,
                         .segments = segments,
                         .positions = positions,
                         .layout = {.starts = starts, .sequences = 1, .longest = count + 2}};
    const el_network *net = &d->model.networks[0];
    return el_encoder_forward(d->model.q, &net->config, &net->w, &d->encoder, &in);
}

/* Logits of pieces, without [CLS] and [SEP]. */
static void direct_detect(direct *d, const int32_t *ids, int count, float *logits)
{
    float all[PLACES];
    const el_tensor hidden = direct_hidden(d, ids, count);
    CHECK_OK(el_tensor_read(
        d->model.q, el_rtd_forward(d->model.q, &d->model.networks[0].heads[0].rtd.w, &d->rtd, hidden), all));
    memcpy(logits, all + 1, (size_t)count * sizeof *logits);
}

/* ---- sessions ---- */

static el_loaded *load(bool generator, bool discriminator, const char *level)
{
    el_loaded *loaded = NULL;
    CHECK_OK(el_loaded_open(&loaded, run,
                            &(el_load_settings){.generator = generator,
                                                .discriminator = discriminator,
                                                .precision = EL_PRECISION_FP32,
                                                .threads = 2,
                                                .level = level}));
    return loaded;
}

static void check_near(float ours, float right, const char *what, int i)
{
    CHECK(fabs((double)ours - (double)right) < 2e-5, "%s %d: %g, and computed directly %g", what, i,
          (double)ours, (double)right);
}

/* A logit for each piece, [CLS] and [SEP] left out, with the bytes it comes from. */
static void test_detect(void **state)
{
    (void)state;
    static const char text[] = "ab q [MASK]ze";
    static const int32_t ids[] = {5, 32, 21, 4, 30, 35};
    static const el_span from[] = {{0, 1}, {1, 2}, {3, 4}, {5, 11}, {11, 12}, {12, 13}};
    float right[6];
    direct d;
    direct_open(&d, EL_DISCRIMINATOR);
    direct_detect(&d, ids, 6, right);
    direct_close(&d);
    static const char *const levels[] = {NULL, "reference"};
    for (int l = 0; l < 2; l++) {
        el_loaded *loaded = load(false, true, levels[l]);
        el_session *session = NULL;
        el_detection answer;
        CHECK_OK(el_session_open(&session, loaded));
        CHECK_OK(el_session_detect(session, text, strlen(text), &answer));
        CHECK(answer.count == 6 && answer.windows == 1, "%d pieces, %d windows", answer.count,
              answer.windows);
        for (int i = 0; i < 6; i++) {
            CHECK(answer.ids[i] == ids[i], "piece %d is %d, not %d", i, answer.ids[i], ids[i]);
            CHECK(memcmp(&answer.from[i], &from[i], sizeof from[i]) == 0, "piece %d comes from %u to %u", i,
                  answer.from[i].begin, answer.from[i].end);
            check_near(answer.logits[i], right[i], "logit", i);
        }
        CHECK_OK(el_session_detect(session, "", 0, &answer));
        CHECK(answer.count == 0, "%d pieces in nothing", answer.count);
        el_session_close(session);
        el_loaded_close(loaded);
    }
}

/* A long text: each piece has the logit that the window in whose middle it stands most nearly gives it. */
static void test_windows(void **state)
{
    (void)state;
    enum { SIZE = PLACES - 2, STRIDE = SIZE / 2 };
    static const int lengths[] = {30, 31, 45, 46, 100};
    el_loaded *loaded = load(false, true, NULL);
    el_session *session = NULL;
    CHECK_OK(el_session_open(&session, loaded));
    direct d;
    direct_open(&d, EL_DISCRIMINATOR);
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
        const int count = lengths[l];
        char text[256];
        for (int i = 0; i < count; i++)
            sprintf(text + 2 * i, "%c ", 'a' + i * i % 26);
        el_detection answer;
        CHECK_OK(el_session_detect(session, text, strlen(text), &answer));
        CHECK(answer.count == count, "%d pieces, not %d", answer.count, count);
        const int windows = count <= SIZE ? 1 : (count - SIZE + STRIDE - 1) / STRIDE + 1;
        CHECK(answer.windows == windows, "%d pieces in %d windows, not %d", count, answer.windows, windows);
        float right[128], off[128], logits[PLACES];
        for (int i = 0; i < count; i++)
            off[i] = INFINITY;
        for (int w = 0; w < windows; w++) {
            const int length = count < SIZE ? count : SIZE;
            const int begin = w * STRIDE + length > count ? count - length : w * STRIDE;
            direct_detect(&d, answer.ids + begin, length, logits);
            for (int i = begin; i < begin + length; i++) {
                const float distance = fabsf((float)i + 0.5F - ((float)begin + (float)length / 2));
                if (distance <= off[i]) /* of two as near, the later */
                    right[i] = logits[i - begin], off[i] = distance;
            }
        }
        for (int i = 0; i < count; i++)
            check_near(answer.logits[i], right[i], "logit", i);
    }
    direct_close(&d);
    el_session_close(session);
    el_loaded_close(loaded);
}

/* At every [MASK], also of long texts with many of them: the softmax of the generator's logits, the best
 * first. */
static void test_fill(void **state)
{
    (void)state;
    el_loaded *loaded = load(true, false, NULL);
    el_session *session = NULL;
    el_filling answer;
    CHECK_OK(el_session_open(&session, loaded));
    CHECK_OK(el_session_fill(session, "[MASK] b [MASK]", 15, PIECES + 7, &answer));
    CHECK(answer.slots == 2 && answer.at[0] == 0 && answer.at[1] == 2, "%d slots", answer.slots);
    CHECK(answer.top_k == PIECES, "%d guesses of %d pieces", answer.top_k, PIECES);

    direct d;
    direct_open(&d, EL_GENERATOR);
    static const int32_t ids[] = {4, 6, 4};
    static const int rows[] = {1, 3};
    float logits[2 * PIECES];
    CHECK_OK(el_tensor_read(d.model.q,
                            el_mlm_forward(d.model.q, &d.model.networks[0].config,
                                           &d.model.networks[0].heads[0].mlm.w, &d.mlm,
                                           direct_hidden(&d, ids, 3), rows, 2),
                            logits));
    for (int slot = 0; slot < 2; slot++) {
        const el_guess *guess = answer.guess + slot * answer.top_k;
        double total = 0, of_all = 0;
        for (int i = 0; i < PIECES; i++)
            of_all += exp((double)logits[slot * PIECES + i]);
        for (int k = 0; k < answer.top_k; k++) {
            total += guess[k].probability;
            check_near((float)guess[k].probability,
                       (float)(exp((double)logits[slot * PIECES + guess[k].id]) / of_all), "guess", k);
            CHECK(k == 0 || guess[k].probability <= guess[k - 1].probability,
                  "guess %d is better than the one before", k);
        }
        CHECK(fabs(total - 1) < 1e-9, "all guesses sum to %g", total);
    }
    direct_close(&d);

    char text[1000] = "";
    for (int i = 0; i < 80; i++)
        strcat(text, "[MASK] a ");
    CHECK_OK(el_session_fill(session, text, strlen(text), 3, &answer));
    CHECK(answer.slots == 80 && answer.count == 160 && answer.windows > 1, "%d slots, %d pieces",
          answer.slots, answer.count);
    for (int i = 0; i < 80; i++) {
        CHECK(answer.at[i] == 2 * i, "slot %d is at %d", i, answer.at[i]);
        CHECK(answer.guess[3 * i].probability > 1.0 / PIECES, "slot %d was not answered", i);
    }
    el_session_close(session);
    el_loaded_close(loaded);
}

/* What a folder lacks, and what was not loaded, is said. */
static void test_refused(void **state)
{
    (void)state;
    char path[128];
    el_loaded *loaded = NULL;
    el_session *session = NULL;
    el_filling answer;
    snprintf(path, sizeof path, "%s/discriminator", run);
    CHECK(el_loaded_open(&loaded, path,
                         &(el_load_settings){.generator = true, .precision = EL_PRECISION_FP32}) ==
                  EL_EDATA &&
              strstr(el_error(), "no generator"),
          "got: %s", el_error());
    CHECK(el_loaded_open(&loaded, "/nowhere", &(el_load_settings){.precision = EL_PRECISION_FP32}) ==
              EL_EDATA,
          "got: %s", el_error());
    CHECK_OK(el_loaded_open(&loaded, path, &(el_load_settings){.precision = EL_PRECISION_FP32}));
    CHECK_OK(el_session_open(&session, loaded));
    CHECK(el_session_fill(session, "a", 1, 1, &answer) == EL_EUSAGE, "a discriminator filled");
    el_session_close(session);
    el_loaded_close(loaded);
}

static void say(const char *network, const char *key, json_t *value)
{
    char path[128];
    json_t *object;
    snprintf(path, sizeof path, "%s/%s/config.json", run, network);
    CHECK_OK(el_json_load(&object, path));
    json_object_set_new(object, key, value);
    CHECK_OK(el_json_save(object, path));
    json_decref(object);
}

/* Whatever a folder is, it has an encoder; networks that cannot answer detect and fill are not offered for them. */
static void test_only_what_answers_is_offered(void **state)
{
    (void)state;
    for (int energies = 0; energies < 2; energies++) {
        say(EL_DISCRIMINATOR, "electra_objective", json_string(energies ? "electric" : ""));
        el_loaded *loaded = load(false, false, NULL);
        CHECK((el_model_network(&loaded->model, EL_DISCRIMINATOR) == NULL) == (energies > 0),
              "energies are %s", energies ? "offered as log-odds" : "seen where there are none");
        CHECK(el_model_network(&loaded->model, EL_GENERATOR) && loaded->encoder,
              "energies take the generator with them");
        el_loaded_close(loaded);
    }
    say(EL_DISCRIMINATOR, "electra_objective", json_string(""));
    say(EL_GENERATOR, "architectures", json_array());
    say(EL_GENERATOR, "task_head", json_string("cloze"));
    el_loaded *loaded = load(false, false, NULL);
    CHECK(!el_model_network(&loaded->model, EL_GENERATOR) &&
              el_model_network(&loaded->model, EL_DISCRIMINATOR),
          "a tower is offered to fill [MASK]");
    el_loaded_close(loaded);
}

/* Sessions of one model in several threads give the same bits as one alone. */
typedef struct {
    const el_loaded *loaded;
    float sum;
    char trouble[256];
} asker;

static void *keep_asking(void *context)
{
    asker *a = context;
    el_session *session = NULL;
    el_detection answer;
    el_status st = el_session_open(&session, a->loaded);
    for (int i = 0; i < 5 && !st; i++) {
        char text[64];
        st = el_session_detect(session, text, (size_t)sprintf(text, "a b c d %c f", 'a' + i), &answer);
        for (int p = 0; p < 6 && !st; p++)
            a->sum += answer.logits[p];
    }
    if (st)
        snprintf(a->trouble, sizeof a->trouble, "%s", el_error());
    el_session_close(session);
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    el_loaded *loaded = load(false, true, NULL);
    asker alone = {.loaded = loaded}, together[3];
    pthread_t threads[3];
    keep_asking(&alone);
    for (int i = 0; i < 3; i++) {
        together[i] = (asker){.loaded = loaded};
        assert_int_equal(pthread_create(&threads[i], NULL, keep_asking, &together[i]), 0);
    }
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 3; i++)
        CHECK(!together[i].trouble[0] && together[i].sum == alone.sum, "thread %d: %.9g, alone %.9g %s", i,
              (double)together[i].sum, (double)alone.sum, together[i].trouble);
    el_loaded_close(loaded);
}

/* The name of a level is not kept: it may be gone when a session is opened.  Every session runs on the model's one
 * device, with a queue of its own. */
static void test_level_is_not_kept(void **state)
{
    (void)state;
    char *const level = strdup(el_level_name(0));
    el_loaded *loaded = load(false, true, level);
    memset(level, 'x', strlen(level));
    free(level);
    asker one = {.loaded = loaded}, other = {.loaded = loaded};
    assert_string_equal(loaded->model.dev->level, el_level_name(0));
    assert_null(loaded->model.q);
    keep_asking(&one);
    keep_asking(&other);
    CHECK(!one.trouble[0] && !other.trouble[0] && one.sum == other.sum, "%.9g and %.9g %s%s", (double)one.sum,
          (double)other.sum, one.trouble, other.trouble);
    el_loaded_close(loaded);
}

/* With the best discriminator that there is, the text's own probabilities come back (appendix G). */
static void test_judged_formula(void **state)
{
    (void)state;
    static const double DATA[] = {0.5, 0.3, 0.15, 0.05, 0}, GENERATED[] = {0.2, 0.1, 0.4, 0.25, 0.05};
    static const double MASKED[] = {0.15, 0.5, 0.85, 1};
    for (int m = 0; m < 4; m++)
        for (int x = 0; x < 5; x++) {
            const double mask_prob = MASKED[m];
            const double a = (1 - mask_prob) / mask_prob;
            const double best = DATA[x] * (a + GENERATED[x]) / (a * DATA[x] + GENERATED[x]);
            const double back = el_judged_probability(best, GENERATED[x], mask_prob);
            CHECK(fabs(back - DATA[x]) < 1e-12, "token %d at %g: %.15g, not %.15g", x, mask_prob, back,
                  DATA[x]);
        }
    for (int m = 0; m < 4;
         m++) /* so unlikely that its probability is 0, and judged to be original all the same */
        CHECK(el_judged_probability(1, 0, MASKED[m]) == 1, "%g of a token that is surely original",
              el_judged_probability(1, 0, MASKED[m]));
    CHECK(el_judged_probability(0.25, 0, 1) == 0.25, "%g, and D is 0.25", el_judged_probability(0.25, 0, 1));
}

/* What fill and detect say of each piece in the place of the [MASK], one after the other: the probability that it is
 * generated, and that it is original, -1 where it does not stand alone. */
static void ask_pieces(el_session *session, el_loaded *loaded, double generated[PIECES],
                       double original[PIECES])
{
    el_filling filling;
    el_detection detection;
    CHECK_OK(el_session_fill(session, "a [MASK] b", 10, PIECES, &filling));
    for (int k = 0; k < filling.top_k; k++)
        generated[filling.guess[k].id] = filling.guess[k].probability;
    for (int id = 0; id < PIECES; id++) {
        char text[64];
        snprintf(text, sizeof text, "a %s b", loaded->vocab->pieces[id]);
        CHECK_OK(el_session_detect(session, text, strlen(text), &detection));
        const bool alone = detection.count == 3 && detection.ids[1] == id;
        original[id] = alone ? 1 / (1 + exp((double)detection.logits[1])) : -1;
    }
}

/* Each guess is judged in its place, beside tokens that are drawn at the temperature. */
static void check_judged(el_session *session, el_loaded *loaded, double temperature)
{
    double generated[PIECES], original[PIECES], wanted[PIECES], sum = 0;
    el_filling filling;
    ask_pieces(session, loaded, generated, original);
    for (int id = 0; id < PIECES; id++)
        sum += pow(generated[id], 1 / temperature);
    for (int id = 0; id < PIECES; id++) {
        const double drawn = pow(generated[id], 1 / temperature) / sum;
        wanted[id] = original[id] < 0 ? -1 : el_judged_probability(original[id], drawn, 0.15);
    }
    const el_judging how = {.mask_prob = 0.15, .temperature = temperature};
    CHECK_OK(el_session_fill_judged(session, "a [MASK] b", 10, 3, &how, &filling));
    CHECK(filling.slots == 1 && filling.top_k == 3 && filling.ids[1] == loaded->vocab->mask,
          "%d slots of %d guesses", filling.slots, filling.top_k);
    double last = 2;
    for (int k = 0; k < 3; k++) {
        const el_guess g = filling.guess[k];
        CHECK(g.probability <= last, "guess %d is better than the one before", k);
        CHECK(wanted[g.id] < 0 || fabs(g.probability - wanted[g.id]) < 1e-6, "piece %d at %g: %g, not %g",
              g.id, temperature, g.probability, wanted[g.id]);
        last = g.probability;
        for (int id = 0; k == 2 && id < PIECES; id++)
            CHECK(wanted[id] <= filling.guess[0].probability + 1e-6, "piece %d is likelier than the best",
                  id);
    }
}

static void test_judged(void **state)
{
    (void)state;
    el_loaded *loaded = load(true, true, NULL);
    el_session *session = NULL;
    CHECK_OK(el_session_open(&session, loaded));
    check_judged(session, loaded, 1);
    check_judged(session, loaded, 2);
    el_session_close(session);
    el_loaded_close(loaded);
}

/* Sets a number of a model, which the processor reads where it lies. */
static void spoil(el_tensor t, double number)
{
    el_set(t, 0, t.cols / 2, number);
}

/* A model whose numbers are not finite is refused, however little of the answer they spoil, and says nothing of it elsewhere. */
static void test_not_finite(void **state)
{
    (void)state;
    static const double NONE[] = {NAN, INFINITY};
    const el_judging how = {.mask_prob = 0.15, .temperature = 1};
    for (int n = 0; n < 2; n++) {
        el_loaded *loaded = load(true, true, NULL);
        el_session *session = NULL;
        el_detection detection;
        el_filling filling;
        CHECK_OK(el_session_open(&session, loaded));
        spoil(el_model_network(&loaded->model, EL_DISCRIMINATOR)->heads[0].rtd.w.out_b, NONE[n]);
        CHECK(el_session_detect(session, "ab", 2, &detection) == EL_EFAILED &&
                  strstr(el_error(), "not finite"),
              "detect of a bias of %g: %s", NONE[n], el_error());
        CHECK_OK(el_session_detect(session, "", 0, &detection));
        CHECK_OK(el_session_fill(session, "a [MASK]", 8, 2, &filling));
        CHECK(el_session_fill_judged(session, "a [MASK]", 8, 2, &how, &filling) == EL_EFAILED,
              "fill judged by a bias of %g", NONE[n]);
        spoil(el_model_network(&loaded->model, EL_GENERATOR)->heads[0].mlm.w.bias, NONE[n]);
        CHECK(el_session_fill(session, "a [MASK]", 8, 2, &filling) == EL_EFAILED &&
                  strstr(el_error(), "not finite"),
              "fill of a bias of %g: %s", NONE[n], el_error());
        CHECK_OK(el_session_fill(session, "a", 1, 2, &filling));
        el_session_close(session);
        el_loaded_close(loaded);
    }
    const el_guess guesses[] = {{1, 0.5}, {2, 0.25}, {3, NAN}, {4, NAN}};
    CHECK(el_guesses_finite(guesses, 1, 2) && !el_guesses_finite(guesses, 2, 2),
          "the second [MASK] is passed over");
}

static void say_decoder(bool yes)
{
    char path[128];
    snprintf(path, sizeof path, "%s/discriminator/config.json", run);
    json_t *const config = json_load_file(path, 0, NULL);
    CHECK(config, "%s is no JSON", path);
    json_object_set_new(config, "is_decoder", json_boolean(yes));
    CHECK(json_dump_file(config, path, 0) == 0, "%s cannot be written", path);
    json_decref(config);
}

/* Of a discriminator that says so each piece is judged by those before it. */
static void test_causal(void **state)
{
    (void)state;
    static const char *const texts[] = {"a b q", "a b z"};
    el_session *session = NULL;
    el_detection answer;
    float logits[2][3];
    say_decoder(true);
    el_loaded *const loaded = load(false, true, NULL);
    say_decoder(false);
    CHECK_OK(el_session_open(&session, loaded));
    for (int t = 0; t < 2; t++) {
        CHECK_OK(el_session_detect(session, texts[t], strlen(texts[t]), &answer));
        assert_int_equal(answer.count, 3);
        memcpy(logits[t], answer.logits, sizeof logits[t]);
    }
    CHECK(memcmp(logits[0], logits[1], 2 * sizeof(float)) == 0,
          "pieces before the last have %g %g, and %g %g", (double)logits[0][0], (double)logits[0][1],
          (double)logits[1][0], (double)logits[1][1]);
    CHECK(logits[0][2] != logits[1][2], "the last piece is judged without being seen");
    el_session_close(session);
    el_loaded_close(loaded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_detect),
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_causal),
        cmocka_unit_test(test_fill),
        cmocka_unit_test(test_judged_formula),
        cmocka_unit_test(test_judged),
        cmocka_unit_test(test_not_finite),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_level_is_not_kept),
        cmocka_unit_test(test_only_what_answers_is_offered), /* last: it changes the run */
    };
    return cmocka_run_group_tests(tests, make_run, remove_run);
}
