/* cmd_flops - electra flops: what a pre-training costs, by the count of its products and by the paper's */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/plural.h"
#include "cli/cli.h"
#include "engine/pretrain/settings.h"
#include "train/presets.h"

typedef struct {
    int model_size, objective, sampler, generator, sentence_task;
    int64_t num_train_steps, train_batch_size, max_seq_length, inference_seq_length, vocab_size;
    el_course mask_prob;
    double generator_hidden_size;
    bool frozen_generator, json;
} settings;

#define AT(field) offsetof(settings, field)
static const el_option TABLE[] = {
    EL_CHOICE("model_size", AT(model_size), EL_PRESET_NAMES, "preset of the sizes"),
    EL_CHOICE("objective", AT(objective), EL_OBJECTIVE_NAMES, "pre-training objective"),
    EL_CHOICE("sampler", AT(sampler), "network|unigram|uniform",
              "where replacements come from; only a network costs anything"),
    EL_CHOICE("generator", AT(generator), "masked|two-tower",
              "what the generator reads: text with masks; or the text in both directions, by two networks"),
    EL_SWITCH("frozen_generator", AT(frozen_generator),
              "the generator is not trained and runs forward only, as with pretrain --generator-from"),
    EL_CHOICE("sentence_task", AT(sentence_task), EL_SENTENCE_TASKS,
              "of mlm: what is asked of two segments beside tokens"),
    EL_INT("num_train_steps", AT(num_train_steps), 0, 1e12,
           "steps; 0: the paper's for this size and objective"),
    EL_INT("train_batch_size", AT(train_batch_size), 0, 1 << 20, "examples per step; 0: the preset's"),
    EL_INT("max_seq_length", AT(max_seq_length), 0, 1 << 16, "tokens of a training example; 0: the preset's"),
    EL_INT("inference_seq_length", AT(inference_seq_length), 1, 1 << 16,
           "tokens of the input of inference; the paper counts 128"),
    EL_INT("vocab_size", AT(vocab_size), 1, 1 << 24, "pieces of the vocabulary"),
    EL_COURSE(
        "mask_prob", AT(mask_prob), 0, 0.9,
        "share of tokens that are predicted; X:Y: from X at the first step to Y at the last, of which the mean "
        "counts; 0: the preset's"),
    EL_REAL("generator_hidden_size", AT(generator_hidden_size), 0, 8,
            "width of the generator as a share of the encoder's; 0: the preset's"),
    EL_SWITCH("json", AT(json), "print a JSON object"),
};

/* Steps that the paper trained for: BERT-Small as long as ELECTRA-Small took, the released BERT-Base, and the paper's own
 * BERT-Large. */
static int64_t paper_steps(const settings *s)
{
    if (s->objective == EL_MLM && s->model_size == EL_SMALL)
        return 1450000;
    if (s->objective == EL_MLM && s->model_size == EL_BASE)
        return 1000000;
    if (s->objective == EL_MLM && s->model_size == EL_LARGE)
        return 464000;
    return EL_PRESET[s->model_size].steps;
}

static bool has_towers(const settings *s)
{
    return s->generator == EL_GENERATOR_TWO_TOWER;
}

static el_status check(settings *s, const el_options *options)
{
    const el_objective_kind kind = (el_objective_kind)s->objective;
    const bool chooses = el_objective_takes(kind, EL_SAMPLER_UNIGRAM),
               only_towers = el_objective_sampler(kind, EL_SAMPLER_NETWORK) == EL_SAMPLER_TWO_TOWERS;
    if (!chooses && el_options_given(options, "sampler"))
        return el_options_refuse("sampler", "this objective has no sampler to choose");
    if (only_towers && !has_towers(s) && el_options_given(options, "generator"))
        return el_options_refuse("generator", "is two-tower with this objective");
    if (has_towers(s) && !el_objective_takes(kind, EL_SAMPLER_TWO_TOWERS))
        return el_options_refuse("generator", "two towers are a generator of electra or electric");
    if (has_towers(s) && s->sampler != EL_SAMPLER_NETWORK)
        return el_options_refuse("sampler", "replacements are drawn by two towers");
    if (s->frozen_generator && !chooses)
        return el_options_refuse("frozen_generator", "a generator that is not trained is one of electra");
    if (only_towers)
        s->generator = EL_GENERATOR_TWO_TOWER;
    return EL_OK;
}

static double mean(el_course course)
{
    return (course.first + course.last) / 2;
}

/* Fills in what was left open, and the networks. */
static el_status plan(settings *s, const el_options *options, el_flops_plan *p)
{
    const el_preset *const preset = &EL_PRESET[s->model_size];
    el_pretrain_settings sizes;
    el_pretrain_defaults(&sizes, s->model_size);
    if (s->generator_hidden_size > 0)
        sizes.generator_hidden_size = s->generator_hidden_size;
    s->generator_hidden_size = sizes.generator_hidden_size;
    el_model_plan model;
    el_status st = check(s, options);
    if (!st)
        st = el_pretrain_plan(&sizes, (int)s->vocab_size, &model);
    if (st)
        return st;
    if (s->num_train_steps == 0)
        s->num_train_steps = paper_steps(s);
    if (s->train_batch_size == 0)
        s->train_batch_size = preset->batch;
    if (s->max_seq_length == 0)
        s->max_seq_length = preset->seq_length;
    if (mean(s->mask_prob) == 0)
        s->mask_prob = (el_course){preset->mask_prob, preset->mask_prob};
    *p = (el_flops_plan){.objective = has_towers(s) ? EL_ELECTRIC : (el_objective_kind)s->objective,
                         .encoder = model.networks[1].config,
                         .generator = model.networks[0].config,
                         .sampled = s->sampler != EL_SAMPLER_NETWORK,
                         .frozen = s->frozen_generator,
                         .sentences = s->sentence_task != EL_SENTENCES_NONE,
                         .mask_prob = mean(s->mask_prob),
                         .length = (double)s->max_seq_length};
    return EL_OK;
}

enum { MASKS, WIDTH, FROZEN, SENTENCES, SAMPLER, GENERATOR, PART_COUNT };
static const char *const PARTS[PART_COUNT] = {
    [MASKS] = "mask_prob",         [WIDTH] = "generator_hidden_size",
    [FROZEN] = "frozen_generator", [SENTENCES] = "sentence_task",
    [SAMPLER] = "sampler",         [GENERATOR] = "generator"};

/* Whether products depend on the setting PARTS[part]. */
static bool counts_in(const el_flops_plan *p, int part)
{
    el_flops_plan other = *p;
    other.mask_prob /= part == MASKS ? 2 : 1;
    other.generator.hidden_size *= part == WIDTH ? 2 : 1;
    other.frozen ^= part == FROZEN;
    other.sentences ^= part == SENTENCES;
    other.sampled ^= part == SAMPLER;
    if (part == GENERATOR && p->objective == EL_ELECTRA && !p->sampled)
        other.objective = EL_ELECTRIC;
    else if (part == GENERATOR && p->objective == EL_ELECTRIC)
        other.objective = EL_ELECTRA;
    return el_flops_products(&other) != el_flops_products(p);
}

/* A setting that no product depends on would only seem to be counted. */
static el_status check_parts(const el_options *options, const el_flops_plan *p)
{
    for (int i = 0; i < PART_COUNT; i++)
        if (el_options_given(options, PARTS[i]) && !counts_in(p, i))
            return el_options_refuse(PARTS[i], "no product of this objective and sampler depends on it");
    return EL_OK;
}

/* What is printed: operations of the whole training, and of one input of inference. */
typedef struct {
    double tokens, products, paper, products_inference, paper_inference;
} counts;

static counts count(const settings *s, const el_flops_plan *p)
{
    const double tokens =
        (double)s->num_train_steps * (double)s->train_batch_size * (double)s->max_seq_length;
    const double length = (double)s->inference_seq_length;
    return (counts){tokens, tokens * el_flops_products_training(p), tokens * el_flops_paper_training(p),
                    length * el_flops_products_inference(p, length),
                    length * el_flops_paper_inference(p, length)};
}

static bool is_beside(const el_published *row, const settings *s)
{
    return row->model_size && strcmp(row->model_size, EL_PRESET[s->model_size].name) == 0;
}

/* A number, or null where there is none. */
static json_t *number(double value)
{
    return isfinite(value) && value != 0 ? json_real(value) : json_null();
}

static json_t *published_json(const settings *s)
{
    json_t *const rows = json_array();
    for (int i = 0; i < EL_PUBLISHED_ROWS; i++) {
        const el_published *const row = &EL_PUBLISHED[i];
        if (is_beside(row, s))
            json_array_append_new(rows, json_pack("{s:s, s:f, s:o, s:f, s:f}", "system", row->system,
                                                  "training_flops", row->training_flops, "inference_flops",
                                                  number(row->inference_flops), "parameters", row->parameters,
                                                  "glue", row->glue));
    }
    return rows;
}

static el_status print_json(const el_options *options, const settings *s, const el_flops_plan *p,
                            const counts *c)
{
    json_t *const object = el_options_json(options);
    if (object)
        json_object_del(object, "json");
    for (int i = 0; object && i < PART_COUNT; i++)
        if (!counts_in(p, i))
            json_object_del(object, PARTS[i]);
    json_t *const figures =
        json_pack("{s:f, s:{s:f, s:o}, s:{s:f, s:o}, s:{s:f, s:o}, s:o}", "tokens", c->tokens,
                  "training_flops", "products", c->products, "paper", number(c->paper),
                  "training_flops_per_token", "products", el_flops_products_training(p), "paper",
                  number(el_flops_paper_training(p)), "inference_flops", "products", c->products_inference,
                  "paper", number(c->paper_inference), "published", published_json(s));
    const bool fine = object && figures && json_object_update(object, figures) == 0;
    const el_status st = cli_json_print(fine ? object : NULL);
    json_decref(figures);
    json_decref(object);
    return st;
}

static void print_count(const char *name, double products, double paper)
{
    printf("%-28s %11.4g", name, products);
    if (isfinite(paper))
        printf(" %11.4g\n", paper);
    else
        printf(" %11s\n", "-");
}

static void print_table(const settings *s, const el_flops_plan *p, const counts *c)
{
    printf("%" PRId64 " step%s of %" PRId64 " x %" PRId64 " tokens: %.3g tokens\n\n", s->num_train_steps,
           el_s(s->num_train_steps), s->train_batch_size, s->max_seq_length, c->tokens);
    printf("%-28s %11s %11s\n", "FLOPs", "products", "paper's way");
    print_count("training", c->products, c->paper);
    print_count("training, a token", el_flops_products_training(p), el_flops_paper_training(p));
    print_count("inference, an input", c->products_inference, c->paper_inference);
    for (int i = 0, shown = 0; i < EL_PUBLISHED_ROWS; i++) {
        const el_published *const row = &EL_PUBLISHED[i];
        if (!is_beside(row, s))
            continue;
        if (shown++ == 0)
            printf("\n%-28s %11s %11s\n", "published (tables 1, 2)", "training", "GLUE dev");
        printf("%-28s %11.2g %11.1f\n", row->system, row->training_flops, row->glue);
    }
}

int cmd_flops(int argc, char **argv)
{
    settings s = {.model_size = EL_SMALL, .inference_seq_length = 128, .vocab_size = 30522};
    el_options options = {
        .command = "flops",
        .examples = "  electra flops --model-size base\n"
                    "  electra flops --model-size small --objective mlm --num-train-steps 1450000 --json\n",
        .summary = "counts the floating point operations of a pre-training and of inference",
        .table = TABLE,
        .count = sizeof TABLE / sizeof *TABLE,
        .settings = &s};
    int code;
    if (!cli_parse(&options, argc, argv, &code))
        return code;
    el_flops_plan p;
    el_status st = plan(&s, &options, &p);
    if (!st)
        st = check_parts(&options, &p);
    if (!st) {
        const counts c = count(&s, &p);
        if (s.json)
            st = print_json(&options, &s, &p, &c);
        else
            print_table(&s, &p, &c);
    }
    el_options_close(&options);
    return cli_exit("flops", st);
}
