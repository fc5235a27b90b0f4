/* cmd_export - electra export: a model as a file of other software */
#include "cli/cli.h"
#include "engine/export.h"

enum { DISCRIMINATOR, GENERATOR };
enum { ONNX, SAFETENSORS };

static const el_st_type DTYPES[] = {EL_ST_F32, EL_ST_F16, EL_ST_BF16};

typedef struct {
    const char *model, *output;
    int format, network, dtype;
} settings;

#define AT(field) offsetof(settings, field)
static const el_option TABLE[] = {
    {"model", EL_OPT_TEXT, AT(model), 0, 0, NULL,
     "run folder, what `electra finetune` wrote, or a Hugging Face model folder"},
    {"format", EL_OPT_CHOICE, AT(format), 0, 0, "onnx|safetensors",
     "onnx: one file with the encoder and its head, for onnxruntime, OpenVINO and others; safetensors: a "
     "model folder, "
     "for transformers and others"},
    {"dtype", EL_OPT_CHOICE, AT(dtype), 0, 0, "fp32|fp16|bf16",
     "of safetensors: the type of the numbers; fp16 and bf16 take half the bytes"},
    {"network", EL_OPT_CHOICE, AT(network), 0, 0, "discriminator|generator", "which network of a run"},
    {"output", EL_OPT_TEXT, AT(output), 0, 0, NULL, "file, or of safetensors folder, to write"},
};

static el_status work(const settings *s)
{
    if (!s->model)
        return el_fail(EL_EUSAGE, "--model: which model?");
    if (!s->output)
        return el_fail(EL_EUSAGE, "--output: which file?");
    if (s->format == SAFETENSORS)
        return el_export_folder(s->model, s->network == GENERATOR, DTYPES[s->dtype], s->output);
    if (s->dtype)
        return el_fail(EL_EUSAGE, "--dtype: ONNX is written in fp32; --format safetensors takes other types");
    return el_export_onnx(s->model, s->network == GENERATOR, s->output);
}

int cmd_export(int argc, char **argv)
{
    settings s = {0};
    el_options options = {
        .command = "export",
        .examples = "  electra export --model run --format onnx --output model.onnx\n"
                    "  electra export --model run --network generator --output generator.onnx\n"
                    "  electra export --model run --format safetensors --dtype fp16 --output half\n",
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
