/* cmd_info - electra info: what a model, run, fine-tuning, study, checkpoint or shard folder, a vocabulary or a
 * safetensors file holds
 *
 * Whatever it is becomes a JSON object; --json prints that, else it is printed as indented lines.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ending.h"
#include "base/file.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/safetensors.h"
#include "cli/cli.h"
#include "data/loader.h"
#include "data/shard.h"
#include "format/model_folder.h"
#include "format/model_guess.h"
#include "format/sentence.h"
#include "format/tokenizer.h"
#include "format/weights.h"
#include "ops/cuda.h"
#include "ops/queue.h"
#include "task/learn/finetuned.h"
#include "train/checkpoint.h"
#include "train/metrics.h"
#include "train/run.h"

typedef struct {
    bool json, tensors, devices;
} settings;

#define AT(field) offsetof(settings, field)
static const el_option TABLE[] = {
    EL_SWITCH("json", AT(json), "print a JSON object"),
    EL_SWITCH("devices", AT(devices), "list what --device can be on this machine"),
    EL_SWITCH("tensors", AT(tensors), "list the tensors"),
};

static bool holds_shards(const char *folder)
{
    char **names;
    int count;
    bool found = false;
    if (el_folder_list(folder, &names, &count))
        return false;
    for (int i = 0; i < count; i++)
        found |= el_shard_number(names[i]) >= 0;
    el_folder_list_release(names, count);
    return found;
}

/* ---- each kind ---- */

static json_t *hash_json(uint64_t hash)
{
    char text[17];
    el_hash_text(hash, text);
    return json_string(text);
}

static json_t *vocab_json(const el_vocab *vocab)
{
    json_t *object =
        json_pack("{s:i, s:b, s:b, s:b, s:o}", "pieces", vocab->size, "do_lower_case",
                  vocab->casing.lowercase, "strip_accents", vocab->casing.strip_accents,
                  "tokenize_chinese_chars", vocab->casing.chinese_chars, "hash", hash_json(vocab->hash));
    if (vocab->casing_from)
        json_object_set_new(object, "casing_from", json_string(vocab->casing_from));
    if (vocab->max_length)
        json_object_set_new(object, "model_max_length", json_integer(vocab->max_length));
    if (*vocab->beyond) /* what is not as BERT has it */
        json_object_set_new(object, "tokenizer", json_loads(vocab->beyond, 0, NULL));
    return object;
}

static el_status vocab_info(json_t *info, const char *path)
{
    el_vocab *vocab;
    const el_status st = el_tokenizer_load(&vocab, path, EL_CASING_UNSET);
    if (st)
        return st;
    json_object_set_new(info, "kind", json_string("vocabulary"));
    json_object_update_new(info, vocab_json(vocab));
    el_vocab_close(vocab);
    return EL_OK;
}

/* Of a model folder, where there is one beside the weights. */
static el_status own_vocab_info(json_t *info, const char *path)
{
    el_vocab *vocab;
    if (!el_tokenizer_exists(path))
        return EL_OK;
    const el_status st = el_tokenizer_load(&vocab, path, EL_CASING_UNSET);
    if (st)
        return st;
    json_object_set_new(info, "vocabulary", vocab_json(vocab));
    el_vocab_close(vocab);
    return EL_OK;
}

static el_status shards_info(json_t *info, const char *path)
{
    el_loader *loader;
    const el_status st = el_loader_open(&loader, path);
    if (st)
        return st;
    json_object_set_new(info, "kind", json_string("shards"));
    json_object_set_new(info, "examples", json_integer(el_loader_examples(loader)));
    json_object_set_new(info, "tokens", json_integer(el_loader_tokens(loader)));
    json_object_set_new(info, "max_seq_length", json_integer(el_loader_max_seq_length(loader)));
    json_object_set_new(info, "hash", hash_json(el_loader_hash(loader)));
    json_object_set_new(info, "vocabulary", vocab_json(el_loader_vocab(loader)));
    el_loader_close(loader);
    return EL_OK;
}

static json_t *shape_json(const int64_t *sizes, int dims)
{
    json_t *shape = json_array();
    for (int i = 0; i < dims; i++)
        json_array_append_new(shape, json_integer(sizes[i]));
    return shape;
}

/* Adds how many tensors and numbers a file holds; EL_EDATA if a checksum does not fit. */
static el_status file_info(json_t *info, const char *path, bool tensors)
{
    el_safetensors file;
    el_status st = el_safetensors_open(&file, path);
    if (st)
        return st;
    st = el_safetensors_verify(&file);
    int64_t numbers = 0;
    json_t *list = json_object();
    for (int i = 0; i < file.count; i++) {
        numbers += el_st_elements(&file.entries[i]);
        json_object_set_new(list, file.entries[i].name,
                            shape_json(file.entries[i].shape, file.entries[i].dims));
    }
    json_object_set_new(info, "tensors", json_integer(file.count));
    json_object_set_new(info, "numbers", json_integer(numbers));
    if (tensors)
        json_object_set(info, "shapes", list);
    json_decref(list);
    el_safetensors_close(&file);
    return st;
}

static el_status part_info(json_t *info, const char *folder, const char *name, bool tensors)
{
    return file_info(info, el_path_in(folder, name).text, tensors);
}

/* The weights of a model folder, whatever files they lie in. */
static el_status weights_info(json_t *info, const el_tensors *source, bool tensors)
{
    el_status st = EL_OK;
    int64_t numbers = 0;
    for (int i = 0; !st && i < source->container_count; i++)
        st = el_safetensors_verify(&source->containers[i]);
    json_t *const list = json_object();
    for (int i = 0; i < source->count; i++) {
        numbers += el_stored_elements(&source->tensors[i]);
        json_object_set_new(list, source->tensors[i].name,
                            shape_json(source->tensors[i].shape, source->tensors[i].dims));
    }
    json_object_set_new(info, "weights", json_string(source->form));
    json_object_set_new(info, "tensors", json_integer(source->count));
    json_object_set_new(info, "numbers", json_integer(numbers));
    if (tensors)
        json_object_set(info, "shapes", list);
    json_decref(list);
    return st;
}

/* What a folder of sentence-transformers says of its vectors. */
static void add_vectors(json_t *info, const el_sentence *sentence)
{
    json_object_set_new(info, "vectors",
                        json_pack("{s:s, s:b, s:i}", "pooling", sentence->cls ? "cls" : "mean", "normalize",
                                  sentence->normalize, "max_seq_length", sentence->max_seq_length));
}

static const char *kind_of(const el_model_paths *paths, const el_config *config, const el_head_config *head)
{
    if (paths->generator && paths->discriminator)
        return "generator and discriminator";
    return el_network_called(config, head);
}

static void add_card(json_t *info, const el_model_paths *paths, const el_model_card *card)
{
    json_object_set_new(info, "kind", json_string(kind_of(paths, &card->config, &card->head)));
    json_object_set_new(info, "config", el_model_json(&card->config, &card->head, NULL));
    if (card->guesses_heads)
        json_object_set_new(info, "guessed",
                            json_sprintf("attention heads, one for 64 units: %d; %s",
                                         card->config.num_attention_heads, card->said));
    else if (*card->said)
        json_object_set_new(info, "guessed", json_string(card->said));
}

/* Of a task's model any tensors are told, though an encoder's be not among them. */
static el_status read_card(el_model_card *card, el_tensors *weights, const char *folder)
{
    el_names names;
    el_status st = el_model_card_open(card, folder, weights, false);
    if (!st)
        st = el_tensors_need(weights, folder);
    if (st || card->head.kind >= EL_HEAD_SEQUENCE)
        return st;
    st = el_names_open(&names, weights, false);
    if (!st)
        el_guess_settle(&card->head, &names);
    return st;
}

static el_status network_info(json_t *info, const char *folder, bool tensors)
{
    el_model_paths paths;
    el_model_card card = {0};
    el_tensors weights = {0};
    el_status st = el_model_find(&paths, folder);
    if (!st)
        st = read_card(&card, &weights, folder);
    if (!st) {
        add_card(info, &paths, &card);
        st = own_vocab_info(info, folder);
    }
    if (!st)
        st = weights_info(info, &weights, tensors);
    el_tensors_close(&weights);
    el_model_card_close(&card);
    el_model_paths_release(&paths);
    return st;
}

/* Networks in folders of their own, as `import` makes them of a folder of two; *told: there are some. */
static el_status networks_info(json_t *info, const char *folder, bool tensors, bool *told)
{
    el_model_paths paths;
    el_model_part parts[EL_MODEL_PARTS];
    char kind[64] = "";
    el_status st = EL_OK;
    if (el_model_find(&paths, folder))
        return EL_OK;
    *told = paths.apart;
    const int count = paths.apart ? el_model_parts(&paths, parts) : 0;
    for (int i = 0; i < count; i++)
        snprintf(kind + strlen(kind), sizeof kind - strlen(kind), "%s%s", i ? " and " : "", parts[i].name);
    json_object_set_new(info, "kind", json_string(kind));
    for (int i = 0; !st && i < count; i++) {
        json_t *const network = json_object();
        st = network_info(network, parts[i].place, tensors);
        json_object_set_new(info, parts[i].name, network);
    }
    el_model_paths_release(&paths);
    return st;
}

static el_status model_info(json_t *info, const char *folder, bool tensors)
{
    el_sentence sentence;
    el_status st = el_sentence_read(&sentence, folder);
    if (st)
        return st;
    st = network_info(info, sentence.encoder, tensors);
    if (!st && sentence.found)
        add_vectors(info, &sentence);
    el_sentence_release(&sentence);
    return st;
}

static el_status checkpoint_info(json_t *info, const char *path, bool tensors)
{
    json_t *state;
    el_status st = el_json_load(&state, el_path_in(path, EL_CHECKPOINT_STATE).text);
    if (st)
        return st;
    json_object_set_new(info, "kind", json_string("checkpoint"));
    static const char *const KEYS[] = {"step", "updates", "examples", "tokens", "seed"};
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++)
        json_object_set(info, KEYS[i], json_object_get(state, KEYS[i]));
    json_decref(state);
    const bool moments = el_folder_holds(path, "optimizer.safetensors");
    json_object_set_new(info, "optimizer", json_boolean(moments));
    json_t *unused = json_object(); /* opened to be verified */
    if (moments)
        st = part_info(unused, path, "optimizer.safetensors", false);
    json_decref(unused);
    return st ? st : part_info(info, path, "model.safetensors", tensors);
}

/* The last line of each kind in metrics.jsonl. */
static void add_last_lines(json_t *info, const char *folder)
{
    static const char *const KINDS[] = {EL_METRICS_TRAINING, EL_METRICS_EVALUATION};
    const el_path path = el_path_in(folder, EL_METRICS_FILE);
    json_t *lines = NULL, *line;
    if (el_file_exists(path.text) && el_metrics_load_good(&lines, path.text))
        el_log(EL_LOG_WARNING, "%s", el_error()); /* the rest is told all the same */
    for (size_t k = 0; k < sizeof KINDS / sizeof *KINDS; k++) {
        size_t i;
        json_array_foreach(lines, i, line)
            if (el_metrics_is(line, KINDS[k]))
                json_object_set(info, KINDS[k], line);
    }
    json_decref(lines);
}

/* Of results.json, which a fine-tuning has once it is done. */
static el_status add_results(json_t *info, const char *folder)
{
    json_t *results;
    const el_status st = el_json_load_in(&results, folder, "results.json");
    const char *const metric = json_string_value(json_object_get(results, "metric"));
    json_t *const metrics = json_object_get(results, "metrics");
    if (metric) {
        json_object_set(info, "metric", json_object_get(results, "metric"));
        json_object_set(info, "score", json_object_get(metrics, metric));
        json_object_set(info, "dev", metrics);
        json_object_set(info, "test", json_object_get(results, "test"));
    }
    json_decref(results);
    return st;
}

static el_status add_labels(json_t *info, const char *folder)
{
    el_config config;
    el_head_config head;
    el_task_card card = {0};
    const el_path model = el_path_in(folder, "model");
    el_status st = EL_OK;
    if (el_folder_holds(model.text, "config.json"))
        st = el_finetuned_read(model.text, &config, &head, &card);
    if (!st && card.labels.count) {
        json_t *const labels = json_array();
        for (int i = 0; i < card.labels.count; i++)
            json_array_append_new(labels, json_string(card.labels.names[i]));
        json_object_set_new(info, "labels", labels);
    }
    el_task_card_release(&card);
    return st;
}

/* What was taught, and how well it was learned, as far as a fine-tuning has come. */
static el_status tuning_info(json_t *info, const char *path, const json_t *record)
{
    json_object_set(info, "task", json_object_get(json_object_get(record, "settings"), "task"));
    el_status st = add_labels(info, path);
    if (!st)
        st = add_results(info, path);
    json_object_set_new(info, "trials",
                        json_integer((json_int_t)json_array_size(json_object_get(record, "trials"))));
    return st;
}

static el_status training_info(json_t *info, const char *path)
{
    int64_t *steps;
    int count;
    const el_status st = el_checkpoint_list(path, &steps, &count);
    json_t *list = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(list, json_integer(steps[i]));
    free(steps);
    json_object_set_new(info, "checkpoints", list);
    add_last_lines(info, path);
    return st;
}

/* A pre-training's folder, a fine-tuning's, or a study's. */
static el_status run_info(json_t *info, const char *path, const json_t *record)
{
    static const char *const KEYS[] = {"version", "parameters", "flops_per_token",
                                       "data",    "segments",   "settings"};
    const bool tuning = json_is_array(json_object_get(record, "trials")),
               study = json_object_get(record, "plan");
    json_object_set_new(info, "kind", json_string(tuning ? "fine-tuning" : study ? "study" : "run"));
    el_status st = tuning ? tuning_info(info, path, record) : EL_OK;
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++)
        if (json_object_get(record, KEYS[i]))
            json_object_set(info, KEYS[i], json_object_get(record, KEYS[i]));
    return st || tuning || study ? st : training_info(info, path);
}

/* ---- what a model can run on ---- */

static json_t *about_json(const el_cuda_about *a)
{
    char capability[32];
    snprintf(capability, sizeof capability, "%d.%d", a->major, a->minor);
    return json_pack("{s:s, s:s, s:i, s:I, s:I, s:i, s:i}", "name", a->name, "compute_capability", capability,
                     "multiprocessors", a->multiprocessors, "memory_mb", (json_int_t)(a->total >> 20),
                     "free_mb", (json_int_t)(a->free >> 20), "driver", a->driver, "runtime", a->runtime);
}

/* A GPU, and why it cannot be used where that is so. */
static json_t *gpu_json(int number, const char *name)
{
    el_cuda_about about;
    el_device *dev;
    el_status st = el_cuda_describe(number, &about);
    json_t *const gpu = st ? json_object() : about_json(&about);
    if (!st)
        st = el_device_open(&dev, name);
    if (st)
        json_object_set_new(gpu, "usable", json_string(el_error()));
    else
        dev->close(dev);
    return gpu;
}

/* The processor, and each GPU or why there is none that can be used. */
static el_status devices_info(json_t *info)
{
    el_device *dev;
    const el_status st = el_device_cpu(&dev, NULL);
    if (st)
        return st;
    json_object_set_new(info, "cpu",
                        json_pack("{s:s, s:i}", "instruction_set", dev->level, "threads", el_processors()));
    dev->close(dev);
    const int count = el_cuda_count();
    if (count == 0)
        json_object_set_new(info, "cuda", json_string(el_error()));
    for (int i = 0; i < count; i++) {
        char name[32];
        snprintf(name, sizeof name, "cuda:%d", i);
        json_object_set_new(info, name, gpu_json(i, name));
    }
    return EL_OK;
}

static el_status inspect(json_t *info, const char *path, bool tensors)
{
    if (!path)
        return devices_info(info);
    if (el_file_exists(path)) {
        if (!el_ends_with(path, ".safetensors"))
            return vocab_info(info, path);
        json_object_set_new(info, "kind", json_string("safetensors"));
        return file_info(info, path, tensors);
    }
    json_t *record = NULL;
    el_status st = el_path_need(path);
    if (!st)
        st = el_run_read(&record, path);
    if (record)
        st = run_info(info, path, record);
    const bool told = st || record;
    json_decref(record);
    if (told)
        return st;
    if (el_is_checkpoint(path))
        return checkpoint_info(info, path, tensors);
    if (holds_shards(path))
        return shards_info(info, path);
    bool weights;
    st = el_tensors_look(path, &weights);
    if (st)
        return st;
    if (weights || el_folder_holds(path, "modules.json"))
        return model_info(info, path, tensors);
    if (el_tokenizer_exists(path))
        return vocab_info(info, path);
    bool networks = false;
    st = networks_info(info, path, tensors, &networks);
    if (networks)
        return st;
    return el_fail(EL_EDATA, "%s: neither a run, a checkpoint, a model, shards nor a vocabulary", path);
}

/* ---- printing ---- */

static void print_line(const char *key, const json_t *value, int depth)
{
    printf("%*s%-*s", 2 * depth, "", 26 - 2 * depth, key);
    char *text = json_is_string(value) ? NULL : el_json_text(value, false);
    printf(" %s\n", text ? text : json_string_value(value));
    free(text);
}

static void print_object(const json_t *object, int depth)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) {
        if (!json_is_object(value)) {
            print_line(key, value, depth);
        } else {
            printf("%*s%s\n", 2 * depth, "", key);
            print_object(value, depth + 1);
        }
    }
}

static el_status print(const json_t *info, bool json)
{
    if (!json) {
        print_object(info, 0);
        return EL_OK;
    }
    return cli_json_print(info);
}

static el_status inspect_and_print(const char *path, const settings *s)
{
    json_t *info = json_object();
    el_status st = inspect(info, path, s->tensors);
    if (!st)
        st = print(info, s->json);
    json_decref(info);
    return st;
}

int cmd_info(int argc, char **argv)
{
    settings s = {0};
    el_options options = {
        .command = "info",
        .examples = "  electra info run\n  electra info run/checkpoint-1000 --json\n"
                    "  electra info shards\n  electra info --devices\n",
        .operands = "PATH",
        .summary = "says what a run, fine-tuning, study, checkpoint, model, shard folder or vocabulary holds",
        .table = TABLE,
        .count = sizeof TABLE / sizeof *TABLE,
        .settings = &s};
    int exit_code;
    if (!cli_parse(&options, argc, argv, &exit_code))
        return exit_code;
    const el_status st = s.devices && options.operand_count == 0 ? inspect_and_print(NULL, &s)
                         : options.operand_count == 1
                             ? inspect_and_print(options.operand[0], &s)
                             : el_fail(EL_EUSAGE, "one path is wanted, not %d", options.operand_count);
    exit_code = cli_exit("info", st);
    el_options_close(&options);
    return exit_code;
}
