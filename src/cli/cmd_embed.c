/* cmd_embed - electra embed: a vector for each text or pair, file after file, in the order of their lines */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/output.h"
#include "cli/chunks.h"
#include "cli/cli.h"
#include "engine/columns.h"
#include "engine/machine.h"
#include "engine/special.h"
#include "format/npy.h"
#include "task/learn/embedder.h"

typedef struct {
    const char *model, *output;
    int pooling, special_tokens;
    bool normalize, json;
    int64_t max_seq_length, micro_batch_tokens;
    el_column_settings columns;
    el_machine machine;
} settings;

#define AT(field) offsetof(settings, field)
static const el_option TABLE[] = {
    EL_TEXT("model", AT(model), "run folder, what `electra finetune` wrote, or a Hugging Face model folder"),
    EL_OUTPUT("output", AT(output), ".npy file: a matrix of floats, a row a text"),
    EL_SWITCH(
        "json", AT(json),
        "instead of --output: an object a line on standard output, with the text's id where the file has one"),
    EL_CHOICE(
        "pooling", AT(pooling), "auto|mean|cls",
        "auto: what a folder of sentence-transformers says, else mean; mean: of the last layer over all tokens, "
        "[CLS] and [SEP] among them; cls: the last layer at [CLS]"),
    EL_SWITCH("normalize", AT(normalize), "vectors of length 1, whose products are cosines"),
    EL_INT("max_seq_length", AT(max_seq_length), 0, 1 << 20,
           "tokens, [CLS] and [SEP] among them, at which texts are cut; 0: the model's positions"),
    EL_INT("micro_batch_tokens", AT(micro_batch_tokens), 1, 1 << 24, "tokens that are worked on at a time"),
    EL_SPECIAL_OPTION(AT(special_tokens)),
    EL_TEXT_COLUMN_OPTIONS(settings),
    EL_MACHINE_OPTIONS(settings),
};

/* Texts or pairs; a label among the columns is of no interest. */
static const el_task TEXTS = {.name = "embed", .kind = EL_CLASSIFY, .columns = {.header = -1}};

typedef struct {
    settings settings;
    el_options options;
    el_queue *q;
    el_embedder *embedder;
    el_npy npy;
    el_text_lost lost; /* so far */
} job;

static json_t *line_of(const el_labelled *e, const float *vector, int width)
{
    json_t *const line = json_object(), *const numbers = json_array();
    bool fine = line && numbers && (!e->id || json_object_set_new(line, "id", json_string(e->id)) == 0);
    for (int i = 0; i < width && fine; i++)
        fine = json_array_append_new(numbers, el_json_number((double)vector[i])) == 0;
    fine = fine && json_object_set(line, "vector", numbers) == 0;
    json_decref(numbers);
    if (fine)
        return line;
    json_decref(line);
    return NULL;
}

static el_status print_vectors(const job *j, const el_dataset *d, const float *vectors)
{
    const int width = el_embedder_width(j->embedder);
    el_status st = EL_OK;
    for (int i = 0; !st && i < d->count; i++)
        st = cli_json_line(line_of(&d->examples[i], vectors + (size_t)i * (size_t)width, width));
    return st ? st : cli_flush();
}

static el_status embed_chunk(void *context, const el_dataset *d)
{
    job *const j = context;
    const float *vectors;
    const el_status st = d->count ? el_embedder_ask(j->embedder, d, &vectors) : EL_OK;
    if (st || !d->count)
        return st;
    el_text_lost_add(&j->lost, el_embedder_lost(j->embedder));
    if (j->settings.json)
        return print_vectors(j, d, vectors);
    el_npy_put(&j->npy, vectors, d->count);
    return EL_OK;
}

static el_status embed_files(job *j)
{
    const el_columns columns = el_columns_of(&j->settings.columns);
    return cli_chunks(j->options.operand, j->options.operand_count, &TEXTS,
                      (el_task_reading){.columns = &columns}, NULL, embed_chunk, j);
}

static el_status write_npy(job *j)
{
    el_status st = el_npy_open(&j->npy, j->settings.output, el_embedder_width(j->embedder));
    if (!st)
        st = embed_files(j);
    if (!st)
        st = el_npy_finish(&j->npy);
    el_npy_abandon(&j->npy);
    return st;
}

static el_status check_settings(const job *j)
{
    const settings *const s = &j->settings;
    if (!s->model)
        return el_fail(EL_EUSAGE, "--model: which run or model folder?");
    if (!s->output == !s->json)
        return el_fail(EL_EUSAGE, "either --output, a .npy file, or --json is wanted");
    const el_status apart =
        el_output_differs("output", s->output, j->options.operand, j->options.operand_count);
    if (apart)
        return apart;
    if (j->options.operand_count == 0)
        return el_fail(EL_EUSAGE, "which file? - is standard input");
    return EL_OK;
}

static el_status open_embedder(job *j)
{
    settings *const s = &j->settings;
    const el_embedder_settings how = {.pooling = (el_pooling)s->pooling,
                                      .normalize = s->normalize,
                                      .plain_special = s->special_tokens == EL_SPECIAL_PLAIN,
                                      .max_seq_length = (int)s->max_seq_length,
                                      .batch_tokens = (int)s->micro_batch_tokens};
    const el_status st = el_machine_open(&s->machine, &j->q);
    return st ? st : el_embedder_open(&j->embedder, j->q, el_machine_type(&s->machine), s->model, &how);
}

static el_status embed(job *j)
{
    el_status st = check_settings(j);
    if (!st)
        st = open_embedder(j);
    if (!st)
        st = j->settings.json ? embed_files(j) : write_npy(j);
    if (!st)
        el_text_lost_say(&j->lost, NULL, "text", el_embedder_longest(j->embedder), false);
    return st;
}

int cmd_embed(int argc, char **argv)
{
    job j = {.settings = {.micro_batch_tokens = 2048, .special_tokens = EL_SPECIAL_TOKENS}};
    j.options = (el_options){
        .command = "embed",
        .examples =
            "  electra embed --model run --output vectors.npy sentences.txt\n"
            "  electra embed --model run --normalize --pooling cls --json - < sentences.txt\n"
            "  electra embed --model OUT --text-column 2 --second-column 3 --output pairs.npy pairs.tsv\n",
        .operands = "FILE...",
        .summary = "a vector for each text or pair; a file has a text a line, or columns",
        .table = TABLE,
        .count = sizeof TABLE / sizeof *TABLE,
        .settings = &j.settings};
    int exit_code;
    if (!cli_parse(&j.options, argc, argv, &exit_code))
        return exit_code;
    exit_code = cli_exit("embed", embed(&j));
    el_embedder_close(j.embedder);
    el_queue_close(j.q);
    el_options_close(&j.options);
    return exit_code;
}
