/* machine - see the header */
#include "engine/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/pool.h"
#include "format/tokenizer.h"
#include "format/weights.h"

static const char *const LEVELS[] = {NULL, "baseline", "avx2", "avx512", "avx512_bf16", "reference"};
static const char *const PRECISIONS[] = {"auto", "bf16", "fp32"};

el_status el_machine_open(el_machine *machine, el_queue **q)
{
    if (machine->threads == 0)
        machine->threads = el_processors();
    const el_status st = el_queue_open(q, (int)machine->threads, LEVELS[machine->instruction_set]);
    if (st)
        return st;
    if (machine->precision == EL_PRECISION_AUTO) {
        const el_device *const dev = (*q)->dev;
        machine->precision = dev->fast_type(dev) == EL_BF16 ? EL_PRECISION_BF16 : EL_PRECISION_FP32;
    }
    return EL_OK;
}

void el_machine_recall(el_machine *machine, const json_t *record)
{
    const json_t *const settings = json_object_get(record, "settings");
    const char *const word = json_string_value(json_object_get(settings, "precision"));
    for (int i = EL_PRECISION_BF16; word && machine->precision == EL_PRECISION_AUTO && i <= EL_PRECISION_FP32;
         i++)
        if (strcmp(word, PRECISIONS[i]) == 0)
            machine->precision = i;
}

el_type el_machine_type(const el_machine *machine)
{
    return machine->precision == EL_PRECISION_BF16 ? EL_BF16 : EL_F32;
}

const char *el_machine_precision(const el_machine *machine)
{
    return PRECISIONS[machine->precision];
}

const char *el_machine_level(const el_machine *machine)
{
    return LEVELS[machine->instruction_set];
}

/* The processor's name, as Linux tells it. */
static void processor(char *name, size_t size)
{
    char text[4096];
    el_file_begin("/proc/cpuinfo", text, sizeof text);
    const char *const line = strstr(text, "model name"), *const value = line ? strstr(line, ": ") : NULL;
    if (value)
        snprintf(name, size, "%.*s", (int)strcspn(value + 2, "\n"), value + 2);
    else
        snprintf(name, size, "unknown");
}

json_t *el_machine_json(const el_machine *machine, const el_device *dev)
{
    char name[256];
    processor(name, sizeof name);
    return json_pack("{s:s, s:s, s:s, s:s, s:I}", "cpu", name, "device", dev->name, "instruction_set",
                     dev->level, "precision", PRECISIONS[machine->precision], "threads",
                     (json_int_t)machine->threads);
}

el_status el_model_open_folder(el_model *model, el_queue *q, el_type activations, const char *folder)
{
    *model = (el_model){0};
    el_model_paths paths;
    el_status st = el_model_find(&paths, folder);
    if (st)
        return st;
    el_model_plan plan = {.activations = activations, .parameters = EL_F32}; /* each folder is complete */
    const struct {
        const char *name, *folder;
    } networks[] = {{EL_GENERATOR, paths.generator},
                    {EL_DISCRIMINATOR, paths.discriminator},
                    {EL_BACKWARD, paths.backward}};
    const char *folders[EL_MOST_NETWORKS];
    for (size_t i = 0; !st && i < sizeof networks / sizeof *networks; i++)
        if (networks[i].folder) {
            folders[plan.count] = networks[i].folder;
            st = el_weights_plan(&plan, networks[i].name, networks[i].folder);
        }
    if (!st)
        st = el_weights_open(model, q, &plan, folders);
    el_model_paths_free(&paths);
    return st;
}

el_status el_model_check_vocab(const char *folder, const el_vocab *vocab, const char *data)
{
    el_model_paths paths;
    el_status st = el_model_find(&paths, folder);
    if (st)
        return st;
    const char *place = paths.encoder;
    el_vocab *own = NULL;
    if (el_tokenizer_exists(place))
        st = el_tokenizer_load(&own, place, EL_CASING_UNSAID);
    if (!st && own)
        st = el_vocab_same(vocab, data, own, place);
    el_vocab_close(own);
    el_model_paths_free(&paths);
    return st;
}
