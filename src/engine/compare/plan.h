/* plan - what `electra compare` is to compare, as a JSON object
 *
 *     {"plan": "table5", "language": "english",
 *      "data": "shards", "eval_data": "heldout", "tasks_folder": "labelled",
 *      "settings": {"train_batch_size": 64},           of every pre-training, as of electra pretrain
 *      "finetune": {"num_trials": 2},                  of every fine-tuning
 *      "systems": ["electra",                          an objective, or
 *                  {"name": "mlm", "title": "BERT", "settings": {"objective": "mlm"}}, ...],
 *      "sizes": ["small", {"name": "wide", "settings": {"model_size": "small", "hidden_size": 512}}],
 *      "budgets": [1e14],  or  "steps": [500000],         a size may have a "budget" of its own
 *      "seeds": [1, 2, 3],
 *      "shares": [6.25, 12.5, 25, 50, 100],            percent of the compute, a pre-training each
 *      "cooldown": 0.2,                                instead: one trunk of constant rate, and from it a branch each
 *      "tasks": ["stsb", {"name": "questions", "task": "squad", "data": "squad", "in_mean": false},
 *                {"name": "blimp", "task": "pairs"}],       minimal pairs, without fine-tuning, and not in the mean
 *      "rates": {"grid": [3e-4, 1e-3], "seed": 0, "rule": "score"},
 *      "reference": "electra",
 *      "published": [{"system": "BERT-Small", "measure": "GLUE dev", "score": 75.1, "flops": 1.4e18}]}
 *
 * A plan is read as it was written; whether its settings are ones is known when they are applied.  docs/comparing.md says what
 * each key means and what stands where it is left out.
 */
#ifndef EL_ENGINE_COMPARE_PLAN_H
#define EL_ENGINE_COMPARE_PLAN_H

#include "base/json.h"

enum { EL_PLAN_MOST = 64 };               /* of systems, of sizes, of tasks, of anything else */
enum { EL_PLAN_MOST_STEPS = 1000000000 }; /* of a pre-training, as electra pretrain has it */

/* What is compared, and the sizes in which it is. */
typedef struct {
    const char *name, *title;
    const json_t *settings; /* borrowed; may be NULL */
    double budget;          /* of a size: FLOPs of its runs, instead of the plan's; 0: the plan's */
} el_variant;

typedef struct {
    const char *name, *task, *data; /* data: a folder, or NULL */
    bool in_mean;
    const json_t *settings;
} el_plan_task;

/* The task of minimal pairs: no fine-tuning, but how often the pre-trained model finds the good sentence likelier. */
#define EL_PLAN_PAIRS "pairs"
bool el_plan_asks_pairs(const el_plan_task *task);

/* "published" of a plan: the paper's rows, which objective/flops.h has. */
#define EL_PLAN_PAPER "tables 1 and 2"

/* By what the peak rate of each system and size is chosen, before seeds are spent. */
typedef enum { EL_RATE_BY_SCORE, EL_RATE_BY_LOSS } el_rate_rule;

typedef struct {
    json_t *text; /* owns every string here */
    const char *name, *about, *language, *data, *eval_data, *tasks_folder;
    el_variant systems[EL_PLAN_MOST], sizes[EL_PLAN_MOST];
    double lengths[EL_PLAN_MOST]; /* FLOPs of a run, or its steps */
    bool by_steps;
    int64_t seeds[EL_PLAN_MOST];
    double shares[EL_PLAN_MOST]; /* ascending, the last is 1 */
    double cooldown;             /* 0: every share is a run of its own */
    el_plan_task tasks[EL_PLAN_MOST];
    double rates[EL_PLAN_MOST];
    int64_t rate_seed;
    double rate_share; /* of the shortest length, that each rate is tried for */
    el_rate_rule rate_rule;
    int system_count, size_count, length_count, seed_count, share_count, task_count, rate_count;
    int reference; /* the system that the others are held against */
} el_plan;

/* Reads one; `name` is what sentences call it.  The text becomes the plan's. */
el_status el_plan_read(el_plan *plan, json_t *text, const char *name);
void el_plan_close(el_plan *plan); /* accepts a zeroed one */
/* EL_EUSAGE where an object has a key that is none of these.  `where`: the key of the plan that it stands under, or NULL. */
el_status el_plan_check_keys(const json_t *object, const char *name, const char *where,
                             const char *const *keys, int count);

/* The built-in plan of this name as text; NULL where there is none. */
const char *el_plan_built_in(const char *name);
/* "table1|table4|...", all of them. */
extern const char EL_PLAN_NAMES[];
/* For a help page: a line for each, with what it compares; on the heap, NULL without memory. */
char *el_plan_list(void);

/* FLOPs of a whole run, or its steps. */
double el_plan_length(const el_plan *plan, int size, int length);

/* The settings of a pre-training, the plan's first, then the size's with its preset, then the system's (new reference). */
json_t *el_plan_settings(const el_plan *plan, int system, int size);

#endif
