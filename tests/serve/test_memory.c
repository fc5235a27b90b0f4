/* memory - what a session of a small model costs beside the weights */
#include "check.h"

#include <malloc.h>
#include <math.h>

#include "format/weights.h"
#include "model/initialise.h"
#include "serve/session.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

enum { WORDS = 30522 };

static el_vocab *make_vocab(void)
{
    char *const text = malloc(WORDS * 8), *end = text;
    el_vocab *vocab = NULL;
    assert_non_null(text);
    end += sprintf(end, "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n");
    for (int i = 5; i < WORDS; i++)
        end += sprintf(end, "w%d\n", i);
    CHECK_OK(el_vocab_parse(&vocab, text, (size_t)(end - text), (el_casing){0}, "words"));
    free(text);
    return vocab;
}

/* The paper's Small, untrained, both networks. */
static int make_small(void **state)
{
    (void)state;
    strcpy(run, "/tmp/electra-test-XXXXXX");
    if (!mkdtemp(run))
        return -1;
    el_model_plan plan = {.activations = EL_F32, .parameters = EL_F32};
    el_config narrow = el_config_default();
    narrow.hidden_size = 64;
    narrow.intermediate_size = 256;
    narrow.num_attention_heads = 1;
    el_plan_add(&plan, EL_GENERATOR, narrow, (el_head_config){.kind = EL_HEAD_MLM});
    el_plan_add(&plan, EL_DISCRIMINATOR, el_config_default(), (el_head_config){.kind = EL_HEAD_DETECTION});
    el_queue *q;
    el_model model;
    el_vocab *const vocab = make_vocab();
    const el_initialisation how = {.seed = 1};
    CHECK_OK(el_queue_open(&q, 1, NULL));
    CHECK_OK(el_model_open(&model, q, &plan));
    CHECK_OK(el_model_initialise(&model, &how));
    for (int i = 0; i < model.count; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", run, model.networks[i].name);
        CHECK_OK(el_weights_save(&model, &model.networks[i], vocab, "", NULL, EL_ST_F32, path));
    }
    el_model_close(&model);
    el_queue_close(q);
    el_vocab_close(vocab);
    return 0;
}

/* All memory of this process, touched or not. */
static double mapped_mb(void)
{
    long pages = 0;
    FILE *const file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld", &pages), 1);
    fclose(file);
    return (double)pages * 4096 / 1e6;
}

/* What malloc has given out. */
static double taken_mb(void)
{
    const struct mallinfo2 info = mallinfo2();
    return (double)(info.uordblks + info.hblkhd) / 1e6;
}

static void a_session_costs_little(void **state)
{
    (void)state;
#ifdef SANITIZED
    skip(); /* a sanitizer's own memory is in the sum */
#endif
    static const char text[] = "w10 w11 [MASK] w12 w13 w14 w15 w16 w17 w18";
    el_loaded *loaded;
    el_session *session;
    el_detection detection;
    el_filling filling;
    CHECK_OK(el_loaded_open(&loaded, run, &(el_load_settings){.precision = EL_PRECISION_FP32, .threads = 1}));
    const double mapped = mapped_mb(), taken = taken_mb();
    CHECK_OK(el_session_open(&session, loaded));
    CHECK_OK(el_session_detect(session, text, strlen(text), &detection));
    CHECK_OK(el_session_fill(session, text, strlen(text), 5, &filling));
    assert_int_equal(detection.count, 10);
    assert_int_equal(filling.slots, 1);
    /* what is mapped anew, or taken from what was mapped already */
    const double cost = fmax(mapped_mb() - mapped, taken_mb() - taken);
    CHECK(cost < 4, "a session of Small takes %.1f MB beside the weights", cost);
    print_message("a session of Small takes %.1f MB beside the weights\n", cost);
    el_session_close(session);
    el_loaded_close(loaded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_session_costs_little)};
    return cmocka_run_group_tests(tests, make_small, remove_run);
}
