/* classify - what a fine-tuned model says of texts, one a line of standard input
 *
 *     cc classify.c $(pkg-config --cflags --libs electra) -o classify
 *     ./classify sentiment < reviews.txt
 */
#define _POSIX_C_SOURCE 200809L
#include <electra.h>
#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 64 }; /* lines asked at a time */

static char *lines[BATCH];
static size_t rooms[BATCH];

static size_t read_lines(electra_text *texts)
{
    size_t count = 0;
    ssize_t bytes;
    while (count < BATCH && (bytes = getline(&lines[count], &rooms[count], stdin)) > 0) {
        texts[count].bytes = (size_t)bytes - (lines[count][bytes - 1] == '\n');
        texts[count].text = lines[count];
        count++;
    }
    return count;
}

static electra_status classify(const electra_model *model, electra_session *session,
                               const electra_text *texts, size_t count)
{
    electra_info info = ELECTRA_INFO_INIT;
    const float *probabilities;
    const int32_t *labels;
    electra_status status = electra_model_info(model, &info);
    if (!status)
        status = electra_classify(session, texts, NULL, count, &probabilities, &labels);
    for (size_t i = 0; !status && i < count; i++)
        printf("%s\t%.3f\t%.*s\n", electra_model_label(model, labels[i]),
               (double)probabilities[i * (size_t)info.labels + (size_t)labels[i]], (int)texts[i].bytes,
               texts[i].text);
    return status;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: classify MODEL < TEXTS        (libelectra %s)\n", electra_version());
        return 2;
    }
    electra_model *model = NULL;
    electra_session *session = NULL;
    electra_text texts[BATCH];
    size_t count;
    electra_status status = electra_model_open(&model, argv[1], NULL);
    if (!status)
        status = electra_session_open(&session, model);
    while (!status && (count = read_lines(texts)) > 0)
        status = classify(model, session, texts, count);
    if (status)
        fprintf(stderr, "classify: %s\n", electra_error());
    for (int i = 0; i < BATCH; i++)
        free(lines[i]);
    electra_session_close(session);
    electra_model_close(model);
    return status;
}
