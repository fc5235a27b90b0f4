/* loaded - see the header */
#include "serve/loaded.h"

#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
#include "format/model_folder.h"

static const char ENCODER[] = "encoder"; /* the name of a network that is nothing else */

/* The networks to load: their plan, and a folder for each. */
typedef struct {
    el_model_plan plan;
    const char *folders[EL_MOST_NETWORKS];
    char *backward; /* on the heap: a fine-tuned model's second */
} recipe;

/* Adds the network in a folder, if any, with the head that is to be asked. */
static el_status add_network(recipe *r, const char *name, const char *folder, el_head_config head)
{
    el_config config;
    el_head_config said;
    if (!folder)
        return EL_OK;
    el_status st = el_model_read(folder, head.kind == EL_HEAD_MLM, &config, &said, NULL);
    if (!st && said.kind == EL_HEAD_CLOZE && head.kind == EL_HEAD_MLM)
        st = el_fail(EL_EDATA, "%s: is one of two towers, which read text without masks; it fills no [MASK]",
                     folder);
    if (!st && (config.causal || said.ordered) && head.kind == EL_HEAD_MLM)
        st = el_fail(EL_EDATA, "%s: predicts each token from those before it%s; it fills no [MASK]", folder,
                     said.ordered ? " in any order" : "");
    if (!st && said.kind == EL_HEAD_MLM && head.kind == EL_HEAD_DETECTION)
        st = el_fail(EL_EDATA, "%s: predicts the original tokens, and says of none whether it was replaced",
                     folder);
    if (!st && said.energies && head.kind == EL_HEAD_DETECTION)
        st = el_fail(EL_EDATA,
                     "%s: was trained by --objective electric and says energies, no probabilities; "
                     "`electra score` reads them",
                     folder);
    if (st)
        return st;
    r->folders[r->plan.count] = folder;
    el_plan_add(&r->plan, name, config, head);
    return EL_OK;
}

/* The networks of pre-training that are wanted, and nothing else. */
static el_status plan_wanted(recipe *r, const el_model_paths *paths, const char *folder,
                             const el_load_settings *s)
{
    if (s->generator && !paths->generator)
        return el_fail(EL_EDATA, "%s: there is no generator in it", folder);
    if (s->discriminator && !paths->discriminator)
        return el_fail(EL_EDATA, "%s: there is no discriminator in it", folder);
    el_status st = EL_OK;
    if (s->generator)
        st = add_network(r, EL_GENERATOR, paths->generator, (el_head_config){.kind = EL_HEAD_MLM});
    if (!st && s->discriminator)
        st = add_network(r, EL_DISCRIMINATOR, paths->discriminator,
                         (el_head_config){.kind = EL_HEAD_DETECTION});
    return st;
}

static el_status plan_tuned(el_loaded *loaded, recipe *r, const char *folder)
{
    el_config config;
    el_head_config head;
    const el_status st = el_finetuned_read(folder, &config, &head, &loaded->card);
    loaded->tuned = !st;
    if (st)
        return st;
    r->folders[0] = folder;
    const el_status added = el_finetuned_plan(&r->plan, ENCODER, folder, &config, &head, &r->backward);
    r->folders[1] = r->backward;
    return added;
}

/* The head that the tensors of a network have. */
static el_status find_head(el_model_paths *paths, const char *folder, bool predicts, el_head_config *head)
{
    el_model_source source;
    const el_status st = el_model_source_open(&source, folder, el_model_shared(paths), predicts);
    if (st)
        return st;
    *head = source.head;
    el_model_source_close(&source);
    return EL_OK;
}

/* Whatever there is.  What stands in the generator's place may fill no [MASK], as it predicts each token from those before
 * it; what stands in the discriminator's may have another head than that of detection, or none, or one that
 * says energies. */
static el_status plan_all(el_loaded *loaded, recipe *r, el_model_paths *paths)
{
    el_head_config head, predicts = {0};
    el_config config;
    el_status st = el_model_read(paths->encoder, false, &config, &head, NULL);
    if (!st && head.kind >= EL_HEAD_SEQUENCE)
        return plan_tuned(loaded, r, paths->encoder);
    if (!st && (config.causal || head.ordered))
        return add_network(r, ENCODER, paths->encoder, (el_head_config){.kind = EL_HEAD_NONE});
    if (!st)
        st = find_head(paths, paths->encoder, false, &head);
    if (!st && paths->generator)
        st = find_head(paths, paths->generator, true, &predicts);
    if (!st && predicts.kind == EL_HEAD_MLM)
        st = add_network(r, EL_GENERATOR, paths->generator, (el_head_config){.kind = EL_HEAD_MLM});
    if (!st && paths->discriminator && head.kind == EL_HEAD_DETECTION && !head.energies)
        return add_network(r, EL_DISCRIMINATOR, paths->discriminator, head);
    if (!st && (paths->discriminator || r->plan.count == 0))
        st = add_network(r, ENCODER, paths->encoder, (el_head_config){.kind = EL_HEAD_NONE});
    return st;
}

/* On a queue of its own, which is gone when the weights are there. */
static el_status load_parts(el_loaded *loaded, const recipe *r)
{
    el_queue *q;
    el_status st = loaded->dev->open_queue(loaded->dev, &q, loaded->threads);
    if (st)
        return st;
    st = el_weights_open(&loaded->model, q, &r->plan, r->folders, &loaded->vocab);
    loaded->model.q = NULL;
    q->close(q);
    return st;
}

static el_status load(el_loaded *loaded, el_model_paths *paths, const char *folder, bool wanted,
                      const el_load_settings *settings)
{
    recipe r = {.plan = {.parameters = EL_F32, .packed = true}};
    el_status st = wanted ? plan_wanted(&r, paths, folder, settings)
                   : loaded->said.found
                       ? add_network(&r, ENCODER, paths->encoder, (el_head_config){.kind = EL_HEAD_NONE})
                       : plan_all(loaded, &r, paths);
    if (!st)
        st = el_device_open(&loaded->dev, settings->level);
    if (!st) {
        r.plan.activations = el_precision_type(settings->precision, loaded->dev);
        st = load_parts(loaded, &r);
    }
    if (!st)
        loaded->encoder = &loaded->model.networks[loaded->tuned ? 0 : r.plan.count - 1];
    free(r.backward);
    return st;
}

/* Where the networks lie: in what `electra finetune` wrote, in a part of a folder of sentence-transformers, or in the
 * folder itself, as those of pre-training do. */
static el_status find(el_loaded *loaded, const char *folder, bool wanted, el_model_paths *paths)
{
    if (wanted)
        return el_model_find(paths, folder);
    const el_status st = el_sentence_read(&loaded->said, folder);
    return st ? st : el_model_find_tuned(paths, loaded->said.encoder);
}

el_status el_loaded_open(el_loaded **out, const char *folder, const el_load_settings *settings)
{
    el_loaded *const loaded = calloc(1, sizeof *loaded);
    if (!loaded)
        return el_no_memory(folder);
    loaded->threads = settings->threads > 0 ? settings->threads : el_processors();
    loaded->reading = settings->plain_special ? EL_SPECIAL_PLAIN : EL_SPECIAL_TOKENS;
    const bool wanted = settings->generator || settings->discriminator;
    el_model_paths paths = {0};
    el_status st = find(loaded, folder, wanted, &paths);
    if (!st)
        st = load(loaded, &paths, folder, wanted, settings);
    el_model_paths_release(&paths);
    if (st)
        el_loaded_close(loaded);
    else
        *out = loaded;
    return st;
}

void el_loaded_close(el_loaded *loaded)
{
    if (!loaded)
        return;
    el_model_close(&loaded->model);
    el_vocab_close(loaded->vocab);
    if (loaded->dev)
        loaded->dev->close(loaded->dev);
    el_task_card_release(&loaded->card);
    el_sentence_release(&loaded->said);
    free(loaded);
}
