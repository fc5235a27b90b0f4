/* train - from a text file to a pre-trained model: a vocabulary, shards, a small training
 *
 * Ctrl-C saves and stops; the same command again goes on.
 *
 *     cc train.c $(pkg-config --cflags --libs electra) -o train
 *     ./train corpus.txt model 1000
 */
#include <electra.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    const char *name, *value;
} setting;

static electra_job *running;

static void on_signal(int number)
{
    (void)number;
    electra_job_cancel(running);
}

static int show(void *user, const electra_progress *p)
{
    (void)user;
    if (p->fraction >= 0)
        fprintf(stderr, "\r%s %3.0f %%", p->stage, 100 * p->fraction);
    for (int i = 0; i < p->figures; i++)
        if (strcmp(p->names[i], "loss") == 0)
            fprintf(stderr, "  step %lld  loss %.3f ", (long long)p->step, p->values[i]);
    return 0;
}

static electra_status work(electra_job_kind kind, const setting *settings, const char *input)
{
    electra_job *job = NULL;
    electra_status status = electra_job_open(&job, kind);
    for (; !status && settings->name; settings++)
        status = electra_job_set(job, settings->name, settings->value);
    if (!status && input)
        status = electra_job_read(job, input);
    running = job;
    if (!status)
        status = electra_job_run(job, show, NULL);
    running = NULL;
    fprintf(stderr, "\n");
    if (!status)
        printf("%s\n", electra_job_results(job));
    else
        fprintf(stderr, "train: %s\n", electra_error());
    electra_job_close(job);
    return status;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: train TEXT FOLDER STEPS        (libelectra %s)\n", electra_version());
        return 2;
    }
    char vocab[1024], shards[1024], run[1024], record[1024];
    snprintf(vocab, sizeof vocab, "%s/vocab.txt", argv[2]);
    snprintf(shards, sizeof shards, "%s/shards", argv[2]);
    snprintf(run, sizeof run, "%s/run", argv[2]);
    snprintf(record, sizeof record, "%s/run/run.json", argv[2]);
    const setting learn[] = {{"vocab-size", "8000"}, {"output", vocab}, {NULL, NULL}};
    const setting prepare[] = {
        {"vocab", vocab}, {"max-seq-length", "64"}, {"overwrite", "true"}, {"output", shards}, {NULL, NULL}};
    const setting pretrain[] = {{"data", shards},
                                {"model-size", "tiny"},
                                {"num-train-steps", argv[3]},
                                {"output", run},
                                {NULL, NULL}};
    FILE *const begun = fopen(record, "r"); /* a training that was stopped goes on with its shards */
    if (begun)
        fclose(begun);
    signal(SIGINT, on_signal);
    electra_status status = begun ? ELECTRA_OK : work(ELECTRA_VOCAB, learn, argv[1]);
    if (!status && !begun)
        status = work(ELECTRA_PREPARE, prepare, argv[1]);
    if (!status)
        status = work(ELECTRA_PRETRAIN, pretrain, NULL);
    return status == ELECTRA_STOPPED ? 75 : (int)status;
}
