/* embed_many - which two texts of standard input, one a line, are most alike: several threads embed, with a session each
 *
 * A model is opened once, with one thread for each session, and shared.  Each of our threads has a session of its own.
 *
 *     cc -pthread embed_many.c $(pkg-config --cflags --libs electra) -lm -o embed_many
 *     ./embed_many run 4 < sentences.txt
 */
#define _POSIX_C_SOURCE 200809L
#include <electra.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_THREADS = 64 };

typedef struct {
    const electra_model *model;
    const electra_text *texts; /* the worker's part of them */
    size_t count, width;
    float *vectors; /* count x width, where all the others' are too */
    electra_status status;
    char sentence[256]; /* electra_error() is of the thread that failed */
} worker;

static void *embed(void *context)
{
    worker *const w = context;
    electra_session *session = NULL;
    electra_embedding how = ELECTRA_EMBEDDING_INIT;
    const float *vectors;
    size_t width;
    how.normalize = 1; /* products are cosines */
    w->status = electra_session_open(&session, w->model);
    if (!w->status)
        w->status = electra_embed(session, w->texts, NULL, w->count, &how, &vectors, &width);
    if (!w->status)
        memcpy(w->vectors, vectors, w->count * width * sizeof *vectors);
    else
        snprintf(w->sentence, sizeof w->sentence, "%s", electra_error());
    electra_session_close(session);
    return NULL;
}

/* Every thread a part of the texts. */
static electra_status embed_all(worker whole, int threads)
{
    pthread_t ids[MOST_THREADS];
    worker workers[MOST_THREADS];
    for (int t = 0; t < threads; t++) {
        const size_t first = whole.count * (size_t)t / (size_t)threads;
        workers[t] = whole;
        workers[t].texts += first;
        workers[t].count = whole.count * (size_t)(t + 1) / (size_t)threads - first;
        workers[t].vectors += first * whole.width;
        if (pthread_create(&ids[t], NULL, embed, &workers[t]) != 0)
            abort();
    }
    electra_status status = ELECTRA_OK;
    for (int t = 0; t < threads; t++) {
        pthread_join(ids[t], NULL);
        if (workers[t].status) {
            status = workers[t].status;
            fprintf(stderr, "embed_many: %s\n", workers[t].sentence);
        }
    }
    return status;
}

static void print_closest(const worker *w)
{
    size_t a = 0, b = 0;
    float best = -2;
    for (size_t i = 0; i < w->count; i++)
        for (size_t j = i + 1; j < w->count; j++) {
            float cosine = 0;
            for (size_t c = 0; c < w->width; c++)
                cosine += w->vectors[i * w->width + c] * w->vectors[j * w->width + c];
            if (cosine > best)
                best = cosine, a = i, b = j;
        }
    if (w->count > 1)
        printf("%.4f\n%.*s\n%.*s\n", (double)best, (int)w->texts[a].bytes, w->texts[a].text,
               (int)w->texts[b].bytes, w->texts[b].text);
}

static size_t read_texts(electra_text **texts)
{
    char *line = NULL;
    size_t room = 0, count = 0;
    ssize_t length;
    while ((length = getline(&line, &room, stdin)) > 0) {
        const size_t bytes = (size_t)length - (line[length - 1] == '\n');
        electra_text *const larger = realloc(*texts, (count + 1) * sizeof *larger);
        char *const copy = malloc(bytes + 1);
        if (!larger || !copy)
            abort();
        memcpy(copy, line, bytes);
        *texts = larger;
        larger[count++] = (electra_text){copy, bytes};
    }
    free(line);
    return count;
}

int main(int argc, char **argv)
{
    const int threads = argc == 3 ? atoi(argv[2]) : 0;
    if (threads < 1 || threads > MOST_THREADS) {
        fprintf(stderr, "usage: embed_many MODEL THREADS < TEXTS        (libelectra %s)\n",
                electra_version());
        return 2;
    }
    electra_model *model = NULL;
    electra_text *texts = NULL;
    electra_info info = ELECTRA_INFO_INIT;
    electra_options options = ELECTRA_OPTIONS_INIT;
    options.threads = 1; /* of a session; we bring our own */
    electra_status status = electra_model_open(&model, argv[1], &options);
    if (!status)
        status = electra_model_info(model, &info);
    if (status)
        fprintf(stderr, "embed_many: %s\n", electra_error());
    worker all = {
        .model = model, .count = status ? 0 : read_texts(&texts), .width = (size_t)info.hidden_size};
    all.texts = texts;
    all.vectors = malloc((all.count + 1) * (all.width + 1) * sizeof(float));
    if (!status && all.vectors)
        status = embed_all(all, threads);
    if (!status)
        print_closest(&all);
    for (size_t i = 0; i < all.count; i++)
        free((char *)texts[i].text);
    free(texts);
    free(all.vectors);
    electra_model_close(model);
    return status;
}
