/* machine - see the header */
#include "engine/machine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/plural.h"
#include "base/pool.h"
#include "format/model_folder.h"
#include "format/tokenizer.h"
#include "format/weights.h"
#include "ops/cuda.h"

static const char *const LEVELS[] = {NULL,  "baseline", "avx2",      "avx512",   "avx512_bf16",
                                     "amx", "neon",     "neon_bf16", "reference"};
static const char *const PRECISIONS[] = {"auto", "bf16", "fp32", "int8"};

enum { USUAL_LEAVES = 8 };

int el_rank_processors(const el_dist *dist)
{
    const int processors = el_processors(), sharing = dist ? dist->sharing : 1;
    return processors > sharing ? processors / sharing : 1;
}

/* One that is bound to fewer processors than it has threads is slow, and slows all. */
static void settle_threads(el_machine *m)
{
    const int processors = el_processors();
    if (m->threads == 0)
        m->threads = el_rank_processors(m->dist);
    if (m->dist && m->threads > processors)
        el_log(EL_LOG_WARNING, "rank %d on %s: %" PRId64 " thread%s, but it is bound to %d processor%s%s",
               m->dist->rank, m->dist->host, m->threads, el_s(m->threads), processors, el_s(processors),
               "; mpirun --bind-to none leaves it free");
}

/* Operations that are worth a GPU: some ten minutes of two processors. */
static const double LONG_WORK = 1e14;

static bool is_left_open(const el_machine *machine)
{
    return !machine->device || strcmp(machine->device, "auto") == 0;
}

bool el_machine_on_gpu(const el_queue *q)
{
    return strcmp(q->dev->name, "cuda") == 0;
}

/* A GPU that was not asked for by name, where there is one that can be used and the work is long. */
static bool open_gpu(const el_machine *machine, el_queue **q)
{
    if (!is_left_open(machine) || machine->instruction_set || machine->dist || machine->work < LONG_WORK ||
        el_cuda_count() == 0)
        return false;
    if (el_queue_open(q, (int)machine->threads, "cuda")) {
        el_log(EL_LOG_NOTE, "there is a GPU, but the processor is used: %s", el_error());
        return false;
    }
    el_log(EL_LOG_NOTE, "%s is used (--device cpu: the processor)", (*q)->dev->about);
    return true;
}

static el_status open_queue(const el_machine *machine, el_queue **q)
{
    const char *name;
    char own[32];
    const el_status st = el_machine_level(machine, &name);
    if (st)
        return st;
    /* Each rank of a machine has a GPU of its own: one that it was given (by Slurm, say), or that of its number. */
    if (machine->dist && name && strcmp(name, "cuda") == 0 && el_cuda_count() > 1) {
        snprintf(own, sizeof own, "cuda:%d", machine->dist->local);
        name = own;
    }
    return open_gpu(machine, q) ? EL_OK : el_queue_open(q, (int)machine->threads, name);
}

/* A GPU is slow on small parts of a batch: it gets one. */
static int usual_leaves(const el_machine *machine, const el_queue *q)
{
    int leaves = 1;
    if (!machine->dist)
        return 1;
    if (!el_machine_on_gpu(q))
        return USUAL_LEAVES;
    while (2 * leaves <= machine->dist->size)
        leaves *= 2;
    return leaves;
}

el_status el_machine_open(el_machine *machine, el_queue **q)
{
    settle_threads(machine);
    el_status st = open_queue(machine, q);
    st = el_dist_agree(machine->dist, st);
    if (st)
        return st;
    if (machine->leaves == 0)
        machine->leaves = usual_leaves(machine, *q);
    if (machine->precision == EL_PRECISION_AUTO) {
        const el_device *const dev = (*q)->dev;
        machine->precision = dev->fast_type(dev) == EL_BF16 ? EL_PRECISION_BF16 : EL_PRECISION_FP32;
    }
    el_dist_share(machine->dist, &machine->precision, sizeof machine->precision); /* it was measured */
    return EL_OK;
}

static bool is_own(const char *const *own, const char *key)
{
    for (; *own; own++)
        if (strcmp(*own, key) == 0)
            return true;
    return false;
}

static el_status same_settings(el_dist *dist, const el_options *options, const char *const *own)
{
    json_t *const settings = el_options_json(options);
    const char *key;
    json_t *value;
    el_status st = EL_OK;
    json_object_foreach(settings, key, value) {
        if (st || is_own(own, key))
            continue;
        char *const text = el_json_text(value, false);
        st = text ? el_dist_same(dist, key, text) : el_dist_agree(dist, el_no_memory(NULL));
        free(text);
    }
    json_decref(settings);
    return st;
}

el_status el_ranks_alike(el_dist *dist, const el_options *options)
{
    static const char *const OWN[] = {"threads", NULL};
    return el_dist_size(dist) == 1 ? EL_OK : same_settings(dist, options, OWN);
}

el_status el_machine_same(const el_machine *machine, const el_queue *q, const el_options *options,
                          const char *const *own)
{
    el_dist *const dist = machine->dist;
    if (el_dist_size(dist) == 1)
        return EL_OK;
    const el_status st = same_settings(dist, options, own);
    return st ? st : el_dist_same(dist, "the instruction set (--instruction-set)", q->dev->level);
}

void el_machine_recall(el_machine *machine, json_t *record)
{
    json_t *const settings = json_object_get(record, "settings");
    const char *const word = json_string_value(json_object_get(settings, "precision"));
    for (int i = EL_PRECISION_BF16; word && machine->precision == EL_PRECISION_AUTO && i <= EL_PRECISION_FP32;
         i++)
        if (strcmp(word, PRECISIONS[i]) == 0)
            machine->precision = i;
    if (settings && !json_object_get(settings, "gradient_leaves"))
        json_object_set_new(settings, "gradient_leaves", json_integer(1));
    if (machine->leaves == 0)
        machine->leaves = json_integer_value(json_object_get(settings, "gradient_leaves"));
}

el_type el_precision_type(el_precision precision, const el_device *dev)
{
    switch (precision) {
    case EL_PRECISION_AUTO:
        return dev->fast_type(dev);
    case EL_PRECISION_BF16:
        return EL_BF16;
    case EL_PRECISION_INT8:
        return EL_I8;
    case EL_PRECISION_FP32:
        break;
    }
    return EL_F32;
}

el_type el_machine_type(const el_machine *machine)
{
    return machine->precision == EL_PRECISION_AUTO
               ? EL_F32 /* not open: who asks wants sizes alone */
               : el_precision_type((el_precision)machine->precision, NULL);
}

const char *el_machine_precision(const el_machine *machine)
{
    return PRECISIONS[machine->precision];
}

el_status el_machine_level(const el_machine *machine, const char **level)
{
    const char *const device = machine->device;
    *level = LEVELS[machine->instruction_set];
    if (is_left_open(machine) || strcmp(device, "cpu") == 0)
        return EL_OK;
    if (strncmp(device, "cuda", 4) != 0)
        return el_options_refuse("device", "\"%s\" is none of auto, cpu, cuda, cuda:0, cuda:1, ...", device);
    if (machine->instruction_set)
        return el_options_refuse("instruction_set", "is the processor's, and --device is %s", device);
    *level = device;
    return EL_OK;
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
    json_t *const json = json_pack("{s:s, s:s, s:s, s:s, s:I}", "cpu", name, "device", dev->name,
                                   "instruction_set", dev->level, "precision", PRECISIONS[machine->precision],
                                   "threads", (json_int_t)machine->threads);
    if (el_dist_size(machine->dist) > 1)
        json_object_set_new(json, "ranks", json_integer(machine->dist->size));
    if (dev->about)
        json_object_set_new(json, "gpu", json_string(dev->about));
    return json;
}

el_status el_model_open_folder(el_model *model, el_queue *q, el_type activations, const char *folder)
{
    *model = (el_model){0};
    el_model_paths paths;
    el_status st = el_model_find(&paths, folder);
    if (st)
        return st;
    el_model_plan plan = {.activations = activations, .parameters = EL_F32, .packed = true};
    el_model_part parts[EL_MODEL_PARTS];
    const char *folders[EL_MODEL_PARTS];
    const int count = el_model_parts(&paths, parts);
    for (int i = 0; !st && i < count; i++) {
        folders[i] = parts[i].place;
        st = el_weights_plan(&plan, parts[i].name, parts[i].place);
    }
    if (!st)
        st = el_weights_open(model, q, &plan, folders, NULL);
    el_model_paths_release(&paths);
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
        st = el_tokenizer_load(&own, place, EL_CASING_UNSET);
    if (!st && own)
        st = el_vocab_same(vocab, data, own, place);
    el_vocab_close(own);
    el_model_paths_release(&paths);
    return st;
}
