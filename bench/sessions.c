/* sessions - texts a second of two threads that ask one model, beside one session with two threads
 *
 *   cmake --build --preset release --target bench_sessions
 *   build/release/bench_sessions RUN [characters [seconds]]
 *
 * RUN is a run or model folder with a discriminator.  Turns of both alternate, and each has the median of its rates.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "serve/session.h"

enum { TURNS = 9 };

typedef struct {
    el_session *session;
    const char *text;
    double seconds;
    long asked;
} asker;

static void *ask(void *context)
{
    asker *const a = context;
    el_detection answer;
    a->asked = 0;
    for (const double end = el_now() + a->seconds; el_now() < end; a->asked++)
        if (el_session_detect(a->session, a->text, strlen(a->text), &answer))
            exit(1);
    return NULL;
}

/* Texts a second of `count` threads, each with a session. */
static double rate(const el_loaded *loaded, int count, const char *text, double seconds)
{
    asker askers[2];
    pthread_t threads[2];
    long asked = 0;
    for (int i = 0; i < count; i++) {
        askers[i] = (asker){.text = text, .seconds = seconds};
        if (el_session_open(&askers[i].session, loaded))
            exit(1);
    }
    for (int i = 1; i < count; i++)
        pthread_create(&threads[i], NULL, ask, &askers[i]);
    ask(&askers[0]);
    for (int i = 1; i < count; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < count; i++) {
        asked += askers[i].asked;
        el_session_close(askers[i].session);
    }
    return (double)asked / seconds;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    const int length = argc > 2 ? atoi(argv[2]) : 300;
    const double seconds = argc > 3 ? atof(argv[3]) : 0.5;
    char *const text = malloc((size_t)length + 1);
    el_loaded *two = NULL, *one = NULL;
    double together[TURNS], alone[TURNS];
    if (argc < 2 || !text ||
        el_loaded_open(
            &two, argv[1],
            &(el_load_settings){.discriminator = true, .precision = EL_PRECISION_FP32, .threads = 2}) ||
        el_loaded_open(
            &one, argv[1],
            &(el_load_settings){.discriminator = true, .precision = EL_PRECISION_FP32, .threads = 1})) {
        fprintf(stderr, "sessions: %s\n", argc < 2 ? "which model?" : el_error());
        return 1;
    }
    for (int i = 0; i < length; i++)
        text[i] = i % 5 == 4 ? ' ' : (char)('a' + i * i % 26);
    text[length] = '\0';
    for (int turn = 0; turn < TURNS; turn++) {
        alone[turn] = rate(two, 1, text, seconds);
        together[turn] = rate(one, 2, text, seconds);
    }
    qsort(alone, TURNS, sizeof *alone, ascending);
    qsort(together, TURNS, sizeof *together, ascending);
    printf("one session of two threads %.1f texts/s, two sessions of one thread %.1f: %.2f times\n",
           alone[TURNS / 2], together[TURNS / 2], together[TURNS / 2] / alone[TURNS / 2]);
    el_loaded_close(one);
    el_loaded_close(two);
    free(text);
    return 0;
}
