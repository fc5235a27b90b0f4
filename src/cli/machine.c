/* machine - see the header */
#include "cli/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/file.h"
#include "base/parallel.h"
#include "format/weights.h"

enum { LEVEL_AUTO, LEVEL_BASELINE, LEVEL_AVX2, LEVEL_AVX512, LEVEL_AVX512_BF16, LEVEL_REFERENCE };
static const char *const LEVELS[] = {NULL, "baseline", "avx2", "avx512", "avx512_bf16", "reference"};
static const char *const PRECISIONS[] = {"auto", "bf16", "fp32"};

el_status cli_machine_open(cli_machine *machine, el_device **dev)
{
    if (machine->threads == 0)
        machine->threads = el_processors();
    if (machine->instruction_set == LEVEL_REFERENCE) {
        *dev = el_device_reference();
    } else {
        const el_status st = el_device_cpu(dev, (int)machine->threads, LEVELS[machine->instruction_set]);
        if (st)
            return st;
    }
    if (machine->precision == CLI_PRECISION_AUTO) {
        const bool bf16 =
            machine->instruction_set != LEVEL_REFERENCE && el_level_bf16_is_faster((*dev)->level);
        machine->precision = bf16 ? CLI_PRECISION_BF16 : CLI_PRECISION_FP32;
    }
    return EL_OK;
}

el_type cli_machine_type(const cli_machine *machine)
{
    return machine->precision == CLI_PRECISION_BF16 ? EL_BF16 : EL_F32;
}

const char *cli_machine_level(const cli_machine *machine)
{
    return LEVELS[machine->instruction_set];
}

/* The processor's name, as Linux tells it. */
static void processor(char *name, size_t size)
{
    snprintf(name, size, "unknown");
    FILE *file = fopen("/proc/cpuinfo", "r");
    char line[512];
    while (file && fgets(line, sizeof line, file)) {
        const char *value = strncmp(line, "model name", 10) == 0 ? strstr(line, ": ") : NULL;
        if (value) {
            snprintf(name, size, "%.*s", (int)strcspn(value + 2, "\n"), value + 2);
            break;
        }
    }
    if (file)
        fclose(file);
}

json_t *cli_machine_json(const cli_machine *machine, const el_device *dev)
{
    char name[256];
    processor(name, sizeof name);
    return json_pack("{s:s, s:s, s:s, s:s, s:I}", "cpu", name, "device", dev->name, "instruction_set",
                     dev->level, "precision", PRECISIONS[machine->precision], "threads",
                     (json_int_t)machine->threads);
}

double cli_resident_mb(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return 1024.0 * (double)usage.ru_maxrss / 1e6; /* Linux counts kilobytes of 1024 */
}

el_status cli_model_open(el_model *model, el_device *dev, el_type activations, const char *folder)
{
    *model = (el_model){0};
    el_model_paths paths;
    el_status st = el_model_find(&paths, folder);
    if (st)
        return st;
    el_model_plan plan = {.generator = paths.generator != NULL,
                          .discriminator = paths.discriminator != NULL,
                          .tying = EL_TIE_SEPARATE, /* each folder is complete */
                          .activations = activations,
                          .parameters = EL_F32};
    el_role role;
    if (paths.generator)
        st = el_weights_config(paths.generator, &plan.generator_config, &role);
    if (!st && paths.discriminator)
        st = el_weights_config(paths.discriminator, &plan.discriminator_config, &role);
    if (!st)
        st = el_weights_open(model, dev, &plan, paths.generator, paths.discriminator);
    el_model_paths_free(&paths);
    return st;
}

el_status cli_model_check_vocab(const char *folder, const el_vocab *vocab, const char *data)
{
    el_model_paths paths;
    el_status st = el_model_find(&paths, folder);
    if (st)
        return st;
    const char *place = paths.discriminator ? paths.discriminator : paths.generator;
    char *file = el_path_join(place, "vocab.txt");
    el_vocab *own = NULL;
    if (file && el_file_exists(file))
        st = el_vocab_load(&own, place, EL_CASING_UNSAID);
    if (!st && own)
        st = el_vocab_same(vocab, data, own, place);
    el_vocab_close(own);
    free(file);
    el_model_paths_free(&paths);
    return st;
}
