/* cmd_export - electra export: a model as a file of other software */
#include "cli/cli.h"
#include <math.h>
#include <stdio.h>

#include "base/log.h"
#include "base/output.h"
#include "engine/export.h"
#include "engine/int8.h"

enum { ONNX, SAFETENSORS, GGUF };

static const el_st_type DTYPES[] = {EL_ST_F32, EL_ST_F16, EL_ST_BF16};

typedef struct {
    const char *model, *output, *dev;
    int format, network, dtype;
    bool int8;
} settings;

#define AT(field) offsetof(settings, field)
static const el_option TABLE[] = {
    EL_TEXT("model", AT(model), "run folder, what `electra finetune` wrote, or a Hugging Face model folder"),
    EL_CHOICE(
        "format", AT(format), "onnx|safetensors|gguf",
        "onnx: one file with the encoder and its head, for onnxruntime, OpenVINO and others; safetensors: a "
        "model folder, for transformers and others; gguf: a file with the encoder, for vectors by llama.cpp"),
    EL_CHOICE("dtype", AT(dtype), "fp32|fp16|bf16",
              "of safetensors and GGUF: the type of the numbers; fp16 and bf16 take half the bytes"),
    EL_SWITCH("int8", AT(int8), "of ONNX: the encoder multiplies 8-bit numbers, as with --precision int8"),
    EL_TEXT(
        "dev", AT(dev),
        "with --int8: labelled file of the task that the model was fine-tuned for; its scores in fp32 and in "
        "int8 are printed"),
    EL_CHOICE("network", AT(network), "auto|discriminator|generator",
              "which network of a run; auto: the discriminator, or the one that there is"),
    EL_OUTPUT("output", AT(output), "file, or of safetensors folder, to write"),
};

static void print_scores(const el_int8_scores *scores)
{
    printf("%-24s %8s %8s\n", "", "fp32", "int8");
    for (int i = 0; i < scores->fp32.count; i++)
        if (isfinite(scores->fp32.values[i]))
            printf("%-24s %8.4f %8.4f\n", scores->fp32.names[i], scores->fp32.values[i],
                   scores->int8.values[i]);
}

/* The model's scores come first: a file or a model that cannot be scored is found out before anything is written. */
static el_status export_onnx(const settings *s)
{
    el_int8_scores scores;
    el_status st = el_output_differs("output", s->output, (char *const *)&s->dev, s->dev != NULL);
    if (!st && s->dev)
        st = el_int8_score_file(s->model, s->dev, &scores);
    if (!st)
        st = el_export_onnx(s->model, (el_export_network)s->network, s->int8, s->output);
    if (!st && s->int8 && !s->dev)
        el_log(EL_LOG_NOTE, "the cost of int8 is not known: --dev FILE would score it");
    if (st || !s->dev)
        return st;
    print_scores(&scores);
    return cli_flush();
}

static el_status work(const settings *s)
{
    if (!s->model)
        return el_fail(EL_EUSAGE, "--model: which model?");
    if (!s->output)
        return el_fail(EL_EUSAGE, "--output: which file?");
    if (s->int8 && s->format != ONNX)
        return el_fail(
            EL_EUSAGE,
            "--int8: safetensors and GGUF hold numbers of --dtype; --format onnx takes 8-bit ones");
    if (s->dev && !s->int8)
        return el_fail(EL_EUSAGE, "--dev: is scored with --int8; `electra evaluate` scores a model as it is");
    if (s->format == GGUF && DTYPES[s->dtype] == EL_ST_BF16)
        return el_fail(EL_EUSAGE, "--dtype: GGUF is written in fp32 or fp16");
    if (s->format == GGUF)
        return el_export_gguf(s->model, (el_export_network)s->network, DTYPES[s->dtype], s->output);
    if (s->format == SAFETENSORS)
        return el_export_folder(s->model, (el_export_network)s->network, DTYPES[s->dtype], s->output);
    if (s->dtype)
        return el_fail(EL_EUSAGE, "--dtype: ONNX is written in fp32; --format safetensors takes other types");
    return export_onnx(s);
}

int cmd_export(int argc, char **argv)
{
    settings s = {0};
    el_options options = {
        .command = "export",
        .examples =
            "  electra export --model run --format onnx --output model.onnx\n"
            "  electra export --model sentiment --format onnx --int8 --dev dev.tsv --output model.onnx\n"
            "  electra export --model run --network generator --output generator.onnx\n"
            "  electra export --model run --format safetensors --dtype fp16 --output half\n"
            "  electra export --model all-MiniLM-L6-v2 --format gguf --dtype fp16 --output minilm.gguf\n",
        .summary = "writes a model for other software",
        .table = TABLE,
        .count = sizeof TABLE / sizeof *TABLE,
        .settings = &s};
    int code;
    if (!cli_parse(&options, argc, argv, &code))
        return code;
    const el_status st = work(&s);
    el_options_close(&options);
    return cli_exit("export", st);
}
