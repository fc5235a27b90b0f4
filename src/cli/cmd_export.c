/* cmd_export - electra export: a model as a file of other software */
#include "cli/cli.h"
#include "engine/export.h"

enum { DISCRIMINATOR, GENERATOR };

typedef struct {
    const char *model, *output;
    int format, network;
} settings;

#define AT(field) offsetof(settings, field)
static const el_option TABLE[] = {
    {"model", EL_OPT_TEXT, AT(model), 0, 0, NULL,
     "run folder, what `electra finetune` wrote, or a Hugging Face model folder"},
    {"format", EL_OPT_CHOICE, AT(format), 0, 0, "onnx",
     "onnx: one file with the encoder and its head, for onnxruntime, OpenVINO and others"},
    {"network", EL_OPT_CHOICE, AT(network), 0, 0, "discriminator|generator", "which network of a run"},
    {"output", EL_OPT_TEXT, AT(output), 0, 0, NULL, "file to write"},
};

static el_status work(const settings *s)
{
    if (!s->model)
        return el_fail(EL_EUSAGE, "--model: which model?");
    if (!s->output)
        return el_fail(EL_EUSAGE, "--output: which file?");
    return el_export_onnx(s->model, s->network == GENERATOR, s->output);
}

int cmd_export(int argc, char **argv)
{
    settings s = {0};
    el_options options = {.command = "export",
                          .examples =
                              "  electra export --model run --format onnx --output model.onnx\n"
                              "  electra export --model run --network generator --output generator.onnx\n",
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
