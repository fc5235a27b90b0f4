/* cmd_import - electra import: a model folder of whatever origin as safetensors, or what is in it */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "cli/cli.h"
#include "engine/import.h"
#include "engine/machine.h"
#include "format/model_folder.h"
#include "format/sentence.h"

typedef struct {
    const char *output;
    bool check;
    int64_t attention_heads;
} settings;

#define AT(field) offsetof(settings, field)
static const el_option TABLE[] = {
    EL_OUTPUT("output", AT(output),
              "folder to write, which is not there yet: safetensors, config.json and a tokenizer's files"),
    EL_SWITCH("check", AT(check),
              "instead of --output: name, shape and a hash of the numbers of each tensor that is there"),
    EL_INT("num_attention_heads", AT(attention_heads), 0, 512,
           "of a TensorFlow checkpoint, which does not say it; 0: one for every 64 units"),
};

/* The hash is that of the numbers as floats, so that two files of the same numbers have the same. */
static el_status print_tensor(const el_stored *t, const char *network)
{
    float *const numbers = malloc((size_t)el_stored_elements(t) * sizeof *numbers + 1);
    char hash[17] = "-";
    if (!numbers)
        return el_fail(EL_ENOMEM, "no memory for %s", t->name);
    if (el_stored_floats(t, numbers))
        el_hash_text(el_hash(numbers, (size_t)el_stored_elements(t) * sizeof *numbers), hash);
    printf("%s%s%s\t", network, *network ? "/" : "", t->name);
    for (int d = 0; d < t->dims; d++)
        printf("%s%lld", d ? "x" : "", (long long)t->shape[d]);
    printf("\t%s\n", hash);
    free(numbers);
    return EL_OK;
}

/* `network`: the folder among several that they lie in, or "". */
static el_status print_tensors(const char *place, const char *network)
{
    el_tensors tensors = {0};
    el_status st = el_tensors_open(&tensors, place);
    for (int i = 0; !st && i < tensors.count; i++)
        if (tensors.tensors[i].type != EL_ST_OTHER)
            st = print_tensor(&tensors.tensors[i], network);
    el_tensors_close(&tensors);
    return st;
}

/* Networks that lie in folders of their own, a run's; what lies in one is listed though it be no model. */
static el_status check(const char *folder)
{
    char *place;
    bool weights = false;
    el_model_paths paths = {0};
    el_model_part parts[EL_MODEL_PARTS];
    el_status st = el_sentence_find(folder, &place);
    if (!st)
        st = el_tensors_look(place, &weights);
    const bool apart = !st && !weights && !el_model_find(&paths, folder) && paths.apart;
    const int count = apart ? el_model_parts(&paths, parts) : 0;
    for (int i = 0; !st && i < count; i++)
        st = print_tensors(parts[i].place, parts[i].name);
    if (!st && !apart)
        st = print_tensors(place, "");
    el_model_paths_release(&paths);
    free(place);
    return st ? st : cli_flush();
}

static el_status import(const settings *s, const char *folder)
{
    el_queue *q = NULL;
    el_status st = el_queue_open(&q, 1, NULL);
    if (!st)
        st =
            el_import(q, folder,
                      &(el_import_settings){
                          .attention_heads = (int)s->attention_heads, .type = EL_ST_F32, .command = "import"},
                      s->output);
    el_queue_close(q);
    return st;
}

static el_status run(const settings *s, const el_options *options)
{
    if (options->operand_count != 1)
        return el_fail(EL_EUSAGE, "which folder? One is wanted");
    if (!s->output == !s->check)
        return el_fail(EL_EUSAGE, "either --output, a folder, or --check is wanted");
    if (s->check && s->attention_heads)
        return el_options_refuse("num_attention_heads", "no tensor shows it, and --check prints tensors");
    return s->check ? check(options->operand[0]) : import(s, options->operand[0]);
}

int cmd_import(int argc, char **argv)
{
    settings s = {0};
    el_options options = {
        .command = "import",
        .examples =
            "  electra import koelectra-base-v3 --output koelectra\n"
            "  electra import electra_small --output small    # a TensorFlow checkpoint: both networks\n"
            "  electra import koelectra-base-v3 --check\n",
        .operands = "FOLDER",
        .summary = "keeps a model folder (pytorch_model.bin, shards, TensorFlow's checkpoint) as safetensors",
        .table = TABLE,
        .count = sizeof TABLE / sizeof *TABLE,
        .settings = &s};
    int exit_code;
    if (!cli_parse(&options, argc, argv, &exit_code))
        return exit_code;
    exit_code = cli_exit("import", run(&s, &options));
    el_options_close(&options);
    return exit_code;
}
