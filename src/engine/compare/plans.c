/* plans - the built-in plans of electra compare: the paper's tables and figures (Clark et al., 2020)
 *
 * Compute and sizes are the paper's.  --sizes and --flops-budget bring them down to a machine at hand.  Scores under "published"
 * are copied from the paper; a figure without numbers in the text has none.
 */
#define _GNU_SOURCE /* open_memstream */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/compare/plan.h"

#define BLIMP "{\"name\": \"blimp\", \"task\": \"pairs\"}"
#define GLUE                                                                                                 \
    "\"tasks\": [\"cola\", \"sst2\", \"mrpc\", \"stsb\", \"qqp\", \"mnli\", \"qnli\", \"rte\", " BLIMP "]"
#define BASE_RATES "\"rates\": {\"grid\": [1e-4, 2e-4, 5e-4], \"seed\": 0, \"rule\": \"score\"}"
/* What the paper's Base has, in every size: of what is masked, and of a generator beside another network. */
#define MASKS "\"mask_prob\": 0.15"
#define PAIR MASKS ", \"embeddings\": \"shared\""
/* A generator that is narrower, and as deep. */
#define ALIKE "\"generator_layers\": 1, \"embeddings\": \"shared\""
#define ELECTRA                                                                                              \
    "{\"name\": \"electra\", \"title\": \"ELECTRA\", \"settings\": {\"objective\": \"electra\", " PAIR "}}"
#define BERT "{\"name\": \"mlm\", \"title\": \"BERT\", \"settings\": {\"objective\": \"mlm\", " MASKS "}}"
#define ALBERT "{\"name\": \"albert\", \"title\": \"ALBERT\", \"settings\": {\"recipe\": \"albert\"}}"
#define GPT "{\"name\": \"causal\", \"title\": \"GPT\", \"settings\": {\"objective\": \"causal\"}}"
#define XLNET                                                                                                \
    "{\"name\": \"xlnet\", \"title\": \"XLNet without memory\", \"settings\": {\"objective\": \"xlnet\"}}"
/* Products of 1M steps of ELECTRA-Small, and of 766k of ELECTRA-Base. */
#define SMALL_BUDGET "1.15e18"
#define BASE_BUDGET "6.71e19"

static const struct {
    const char *name, *text;
} PLANS[] = {
    {"table1", "{\"plan\": \"table1\", \"language\": \"english\","
               "\"about\": \"Table 1: ELECTRA, BERT and GPT in two sizes, with parts of the compute\","
               "\"systems\": [" ELECTRA "," BERT "," GPT "],"
               "\"sizes\": [{\"name\": \"small\", \"budget\": " SMALL_BUDGET "},"
               "            {\"name\": \"base\", \"budget\": " BASE_BUDGET "}],"
               "\"seeds\": [1, 2, 3, 4, 5], \"shares\": [6.25, 12.5, 25, 50, 100]," GLUE ","
               "\"rates\": {\"grid\": [1e-4, 2e-4, 5e-4, 1e-3], \"seed\": 0, \"rule\": \"score\"},"
               "\"published\": \"tables 1 and 2\"}"},
    {"table4",
     "{\"plan\": \"table4\", \"language\": \"english\","
     "\"about\": \"Table 4: questions about texts, at the size Base\","
     "\"systems\": [" ELECTRA "," BERT "," XLNET "," ALBERT "],"
     "\"sizes\": [\"base\"], \"budgets\": [" BASE_BUDGET "], \"seeds\": [1, 2, 3],"
     "\"tasks\": [{\"name\": \"squadv1\"}, {\"name\": \"squad\"}]," BASE_RATES ","
     "\"published\": ["
     "{\"system\": \"BERT-Base\", \"measure\": \"SQuAD 1.1 F1\", \"score\": 88.5},"
     "{\"system\": \"XLNet-Base\", \"measure\": \"SQuAD 1.1 exact\", \"score\": 81.3, \"flops\": 6.6e19},"
     "{\"system\": \"XLNet-Base\", \"measure\": \"SQuAD 2.0 exact\", \"score\": 78.5, \"flops\": 6.6e19},"
     "{\"system\": \"ELECTRA-Base\", \"measure\": \"SQuAD 1.1 F1\", \"score\": 90.8, \"flops\": 6.4e19},"
     "{\"system\": \"ELECTRA-Base\", \"measure\": \"SQuAD 2.0 F1\", \"score\": 83.3, \"flops\": 6.4e19},"
     "{\"system\": \"ALBERT, 235M parameters\", \"measure\": \"SQuAD 1.1 F1\", \"score\": 94.8},"
     "{\"system\": \"ALBERT, 235M parameters\", \"measure\": \"SQuAD 2.0 F1\", \"score\": 90.2}]}"},
    {"table5",
     "{\"plan\": \"table5\", \"language\": \"english\","
     "\"about\": \"Table 5: what ELECTRA owes to which of its parts\","
     "\"systems\": [" ELECTRA ","
     "{\"name\": \"all-tokens-mlm\", \"title\": \"All-Tokens MLM\", \"settings\": {\"objective\": "
     "\"all-tokens-mlm\", " PAIR "}},"
     "{\"name\": \"replace-mlm\", \"title\": \"Replace MLM\", \"settings\": {\"objective\": "
     "\"replace-mlm\", " PAIR "}},"
     "{\"name\": \"electra-15\", \"title\": \"ELECTRA 15 %\", \"settings\": {\"objective\": "
     "\"electra-15\", " PAIR "}}," BERT "],"
     "\"sizes\": [\"base\"], \"budgets\": [" BASE_BUDGET "], \"seeds\": [1, 2, 3, 4, 5]," GLUE "," BASE_RATES
     ","
     "\"published\": ["
     "{\"system\": \"ELECTRA\", \"measure\": \"GLUE dev\", \"score\": 85.0, \"flops\": 6.4e19},"
     "{\"system\": \"All-Tokens MLM\", \"measure\": \"GLUE dev\", \"score\": 84.3, \"flops\": 6.4e19},"
     "{\"system\": \"Replace MLM\", \"measure\": \"GLUE dev\", \"score\": 82.4, \"flops\": 6.4e19},"
     "{\"system\": \"ELECTRA 15 %\", \"measure\": \"GLUE dev\", \"score\": 82.4, \"flops\": 6.4e19},"
     "{\"system\": \"BERT\", \"measure\": \"GLUE dev\", \"score\": 82.2, \"flops\": 6.4e19}]}"},
    {"figure3-sizes",
     "{\"plan\": \"figure3-sizes\", \"language\": \"english\","
     "\"about\": \"Figure 3, left: generators by discriminators, at equal steps\","
     "\"settings\": {\"objective\": \"electra\", " MASKS "},"
     "\"systems\": ["
     "{\"name\": \"generator-1-4\", \"title\": \"generator 1/4\", \"settings\": {\"generator_hidden_size\": "
     "0.25, " ALIKE "}},"
     "{\"name\": \"generator-1-8\", \"title\": \"generator 1/8\", \"settings\": {\"generator_hidden_size\": "
     "0.125, " ALIKE "}},"
     "{\"name\": \"generator-1-2\", \"title\": \"generator 1/2\", \"settings\": {\"generator_hidden_size\": "
     "0.5, " ALIKE "}},"
     "{\"name\": \"generator-3-4\", \"title\": \"generator 3/4\", \"settings\": {\"generator_hidden_size\": "
     "0.75, " ALIKE "}},"
     "{\"name\": \"generator-1\", \"title\": \"generator as wide\", \"settings\": "
     "{\"generator_hidden_size\": 1, " ALIKE "}},"
     "{\"name\": \"unigram\", \"title\": \"unigram\", \"settings\": {\"sampler\": \"unigram\"}},"
     "{\"name\": \"uniform\", \"title\": \"uniform\", \"settings\": {\"sampler\": \"uniform\"}}],"
     "\"sizes\": [{\"name\": \"256\", \"settings\": {\"model_size\": \"base\", \"hidden_size\": 256}},"
     "            {\"name\": \"512\", \"settings\": {\"model_size\": \"base\", \"hidden_size\": 512}},"
     "            {\"name\": \"768\", \"settings\": {\"model_size\": \"base\"}}],"
     "\"steps\": [500000], \"seeds\": [1, 2, 3]," GLUE ","
     "\"published\": [{\"system\": \"best: generators of 1/4 to 1/2 of the discriminator\", \"measure\": "
     "\"GLUE dev, the "
     "order alone\"}]}"},
    {"figure3-algorithms",
     "{\"plan\": \"figure3-algorithms\", \"language\": \"english\","
     "\"about\": \"Figure 3, right: ways of training, at equal compute\","
     "\"systems\": [" ELECTRA ","
     "{\"name\": \"two-stage\", \"title\": \"two-stage\", \"settings\": {\"objective\": \"two-stage\", " MASKS
     "}},"
     "{\"name\": \"adversarial\", \"title\": \"adversarial\", \"settings\": {\"objective\": "
     "\"adversarial\", " PAIR "}}," BERT "],"
     "\"sizes\": [\"base\"], \"budgets\": [" BASE_BUDGET "], \"seeds\": [1, 2, 3],"
     "\"shares\": [6.25, 12.5, 25, 50, 100]," GLUE "," BASE_RATES ","
     "\"published\": [{\"system\": \"joint > two-stage > adversarial > BERT\", "
     "\"measure\": \"GLUE dev, the order "
     "alone\"}]}"},
    {"figure4",
     "{\"plan\": \"figure4\", \"language\": \"english\","
     "\"about\": \"Figure 4: ELECTRA and BERT by the width of the model\","
     "\"systems\": [" ELECTRA "," BERT "],"
     "\"sizes\": [{\"name\": \"128\", \"settings\": {\"model_size\": \"base\", \"hidden_size\": 128}},"
     "            {\"name\": \"256\", \"settings\": {\"model_size\": \"base\", \"hidden_size\": 256}},"
     "            {\"name\": \"384\", \"settings\": {\"model_size\": \"base\", \"hidden_size\": 384}},"
     "            {\"name\": \"512\", \"settings\": {\"model_size\": \"base\", \"hidden_size\": 512}},"
     "            {\"name\": \"768\", \"settings\": {\"model_size\": \"base\"}}],"
     "\"budgets\": [" BASE_BUDGET "], \"seeds\": [1, 2, 3],"
     "\"shares\": [6.25, 12.5, 25, 50, 100]," GLUE "," BASE_RATES ","
     "\"published\": [{\"system\": \"ELECTRA's lead over BERT grows as models get smaller\", \"measure\": "
     "\"GLUE "
     "dev, the order alone\"}]}"},
    {"sharing",
     "{\"plan\": \"sharing\", \"language\": \"english\","
     "\"about\": \"Section 3.2: what the networks share, at equal steps, with a generator as large as the "
     "discriminator\","
     "\"settings\": {\"objective\": \"electra\", \"generator_hidden_size\": 1, \"generator_layers\": "
     "1, " MASKS "},"
     "\"systems\": ["
     "{\"name\": \"shared\", \"title\": \"embeddings\", \"settings\": {\"embeddings\": \"shared\"}},"
     "{\"name\": \"separate\", \"title\": \"nothing\", \"settings\": {\"embeddings\": \"separate\"}},"
     "{\"name\": \"gdes\", \"title\": \"embeddings, without the discriminator's gradient\", \"settings\": "
     "{\"embeddings\": \"gdes\"}},"
     "{\"name\": \"all\", \"title\": \"everything\", \"settings\": {\"embeddings\": \"all\"}}],"
     "\"sizes\": [\"base\"], \"steps\": [500000], \"seeds\": [1, 2, 3]," GLUE ","
     "\"published\": ["
     "{\"system\": \"nothing\", \"measure\": \"GLUE dev\", \"score\": 83.6},"
     "{\"system\": \"embeddings\", \"measure\": \"GLUE dev\", \"score\": 84.3},"
     "{\"system\": \"everything\", \"measure\": \"GLUE dev\", \"score\": 84.4}]}"},
};

const char EL_PLAN_NAMES[] = "table1|table4|table5|figure3-sizes|figure3-algorithms|figure4|sharing";

const char *el_plan_built_in(const char *name)
{
    for (size_t i = 0; i < sizeof PLANS / sizeof *PLANS; i++)
        if (strcmp(PLANS[i].name, name) == 0)
            return PLANS[i].text;
    return NULL;
}

char *el_plan_list(void)
{
    char *list = NULL;
    size_t bytes = 0;
    FILE *const out = open_memstream(&list, &bytes);
    for (size_t i = 0; out && i < sizeof PLANS / sizeof *PLANS; i++) {
        json_t *const plan = json_loads(PLANS[i].text, 0, NULL);
        fprintf(out, "  %-19s %s\n", PLANS[i].name, json_string_value(json_object_get(plan, "about")));
        json_decref(plan);
    }
    if (out && fclose(out) == 0)
        return list;
    free(list);
    return NULL;
}
