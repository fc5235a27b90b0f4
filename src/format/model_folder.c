/* model_folder - see the header */
#include "format/model_folder.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "format/model_card.h"
#include "format/sentence.h"

/* The sub-folder if it holds a model, else NULL. */
static el_status model_in(char **model, const char *folder, const char *name)
{
    const el_path path = el_path_in(folder, name);
    const bool there = el_folder_holds(path.text, "config.json");
    *model = there ? strdup(path.text) : NULL;
    return there && !*model ? el_no_memory(folder) : EL_OK;
}

static el_status no_model(const char *folder)
{
    if (el_folder_holds(el_path_in(folder, "model").text, "config.json"))
        return el_fail(
            EL_EDATA,
            "%s: was fine-tuned, and has neither a generator nor a discriminator; predict, evaluate "
            "FILE, embed and serve open it",
            folder);
    return el_fail(EL_EDATA,
                   "%s: neither a run (with generator/ and discriminator/) nor a model folder (with "
                   "config.json and model.safetensors or pytorch_model.bin)",
                   folder);
}

/* A folder that is itself a model may be one in two roles. */
static el_status find_roles(const char *folder, el_tensors *tensors, bool *generator, bool *discriminator)
{
    el_model_card first, second;
    el_status st = el_model_card_open(&first, folder, tensors, true);
    if (st)
        return st;
    st = el_model_card_open(&second, folder, tensors, false);
    if (!st) {
        *generator = first.head.kind == EL_HEAD_MLM && !first.head.restores;
        *discriminator = second.config.model_type != EL_MODEL_BERT && !el_config_relative(&second.config) &&
                         (second.head.kind != EL_HEAD_MLM || second.head.restores);
        el_model_card_close(&second);
    }
    el_model_card_close(&first);
    return st;
}

static bool copy_path(char **to, bool wanted, const char *folder)
{
    *to = wanted ? strdup(folder) : NULL;
    return !wanted || *to;
}

/* A folder that is itself a model. */
static el_status find_alone(el_model_paths *paths, const char *folder)
{
    bool weights = false, generator = false, discriminator = false;
    const bool described = el_folder_holds(folder, "config.json");
    el_status st = described ? EL_OK : el_tensors_look(folder, &weights);
    if (!st && !described && !weights)
        st = no_model(folder);
    if (!st)
        st = find_roles(folder, &paths->tensors, &generator, &discriminator);
    if (!st && !(copy_path(&paths->generator, generator, folder) &&
                 copy_path(&paths->discriminator, discriminator, folder) &&
                 copy_path(&paths->encoder, true, folder)))
        st = el_no_memory(folder);
    return st;
}

/* The networks of a run; none: it is no run. */
static el_status find_run(el_model_paths *paths, const char *folder)
{
    el_status st = model_in(&paths->generator, folder, EL_GENERATOR);
    if (!st)
        st = model_in(&paths->discriminator, folder, EL_DISCRIMINATOR);
    if (!st)
        st = model_in(&paths->backward, folder, EL_BACKWARD);
    if (!st && (paths->generator || paths->discriminator) &&
        !copy_path(&paths->encoder, true, paths->discriminator ? paths->discriminator : paths->generator))
        st = el_no_memory(folder);
    return st;
}

el_status el_model_find(el_model_paths *paths, const char *folder)
{
    char *place = NULL;
    *paths = (el_model_paths){0};
    el_status st = find_run(paths, folder);
    const bool found = paths->apart = paths->encoder;
    if (!st && !found)
        st = el_folder_need(folder);
    if (!st && !found)
        st = el_sentence_find(folder, &place);
    if (!st && !found)
        st = find_alone(paths, place);
    free(place);
    if (st)
        el_model_paths_release(paths);
    return st;
}

el_status el_model_tuned(char **model, const char *folder)
{
    const el_status st = model_in(model, folder, "model");
    if (!st && !*model && !(*model = strdup(folder)))
        return el_no_memory(folder);
    return st;
}

el_status el_model_find_tuned(el_model_paths *paths, const char *folder)
{
    char *model;
    *paths = (el_model_paths){0};
    el_status st = el_model_tuned(&model, folder);
    if (!st)
        st = el_model_find(paths, model);
    free(model);
    return st;
}

int el_model_parts(const el_model_paths *paths, el_model_part parts[EL_MODEL_PARTS])
{
    const el_model_part all[EL_MODEL_PARTS] = {{EL_GENERATOR, paths->generator},
                                               {EL_DISCRIMINATOR, paths->discriminator},
                                               {EL_BACKWARD, paths->apart ? paths->backward : NULL}};
    int count = 0;
    for (int i = 0; i < EL_MODEL_PARTS; i++)
        if (all[i].place)
            parts[count++] = all[i];
    return count;
}

void el_model_paths_release(el_model_paths *paths)
{
    free(paths->generator);
    free(paths->discriminator);
    free(paths->backward);
    free(paths->encoder);
    el_tensors_close(&paths->tensors);
    *paths = (el_model_paths){0};
}

el_tensors *el_model_shared(el_model_paths *paths)
{
    return paths->apart ? NULL : &paths->tensors;
}
