/* shapes - see the header */
#include "engine/pretrain/shapes.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/json.h"
#include "format/model_card.h"
#include "format/model_folder.h"

char *el_run_of_checkpoint(const char *folder)
{
    char *const place = el_path_place(folder);
    char *const run = place ? el_path_parent(place) : NULL;
    free(place);
    return run;
}

/* A run's config.json has an object for each network. */
static el_status read_networks(el_shapes *shapes, const char *path)
{
    json_t *config = NULL;
    el_status st = el_json_load(&config, path);
    const json_t *const generator = json_object_get(config, EL_GENERATOR);
    const json_t *const own = json_object_get(config, EL_DISCRIMINATOR), *const large = own ? own : generator;
    shapes->known = large;
    shapes->pair = own && generator;
    if (!st && large)
        st = el_config_read(&shapes->large, large, path);
    shapes->generator = shapes->large;
    if (!st && generator)
        st = el_config_read(&shapes->generator, generator, path);
    json_decref(config);
    return st;
}

static void begin(el_shapes *shapes)
{
    *shapes = (el_shapes){.large = el_config_default(), .generator = el_config_default()};
}

el_status el_shapes_of_run(el_shapes *shapes, const char *run)
{
    begin(shapes);
    const el_path path = el_path_in(run, "config.json");
    return el_file_exists(path.text) ? read_networks(shapes, path.text) : EL_OK;
}

static el_status of_models(el_shapes *shapes, const char *folder)
{
    el_model_paths paths;
    el_status st = el_model_find(&paths, folder);
    if (st)
        return st;
    shapes->known = true;
    shapes->pair = paths.generator && paths.discriminator;
    st = el_model_read(paths.encoder, false, &shapes->large, NULL, NULL);
    shapes->generator = shapes->large;
    if (!st && shapes->pair)
        st = el_model_read(paths.generator, true, &shapes->generator, NULL, NULL);
    el_model_paths_release(&paths);
    return st;
}

el_status el_shapes_read(el_shapes *shapes, const char *folder)
{
    begin(shapes);
    if (!el_is_checkpoint(folder))
        return of_models(shapes, folder);
    char *const run = el_run_of_checkpoint(folder);
    const el_status st = run ? el_shapes_of_run(shapes, run) : el_no_memory(folder);
    free(run);
    return st;
}
