/* shared_folder - see the header */
#include "engine/shared_folder.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/io.h"

const char EL_ALL_WELL[] = "all-well";

/* ---- whether it is shared ---- */

/* A name that no rank has looked for before, as a file system over the network remembers what was not there. */
static void choose_name(const el_dist *dist, char *name, size_t size)
{
    const double now = el_now();
    const uint64_t of[] = {(uint64_t)(1e9 * now), (uint64_t)getpid(),
                           el_hash(dist->host, strlen(dist->host))};
    snprintf(name, size, "shared-%016" PRIx64, el_hash(of, sizeof of));
}

/* A folder that rank 0 has just made may be remembered as missing: making it asks anew.  One that was made here is removed. */
static bool sees(const char *folder, const char *path)
{
    const bool makes = !el_folder_exists(folder) && el_folder_make(folder) == EL_OK;
    const bool seen = el_file_exists(path);
    if (makes && !seen)
        el_io_remove_folder(folder);
    return seen;
}

el_status el_shared_folder_check(el_dist *dist, const char *folder)
{
    char name[32] = "";
    if (el_dist_size(dist) == 1)
        return EL_OK;
    if (el_dist_leads(dist))
        choose_name(dist, name, sizeof name);
    el_dist_share(dist, name, sizeof name);
    const el_path path = el_path_in(folder, name);
    const bool leads = el_dist_leads(dist);
    el_status st = el_dist_agree(dist, leads ? el_file_write(path.text, "", 0) : EL_OK);
    if (!st && !sees(folder, path.text))
        st =
            el_fail(EL_EUSAGE,
                    "%s: is not the folder that rank 0 has; ranks that take jobs or trials share it", folder);
    st = el_dist_agree(dist, st);
    if (leads)
        el_io_unlink(path.text);
    return st;
}

/* ---- whether all are well ---- */

el_status el_all_well_await(el_dist *dist, const char *folder)
{
    enum { LONGEST = 120 }; /* seconds: what was not there is remembered for one minute (NFS) */
    if (el_dist_size(dist) == 1)
        return EL_OK;
    const el_path path = el_path_in(folder, EL_ALL_WELL);
    const double end = el_now() + LONGEST;
    el_status st = EL_OK;
    while (!st && !el_file_exists(path.text))
        if (el_now() > end)
            st = el_fail(EL_EFAILED, "%s: rank 0 has written it, but it is not seen here", path.text);
        else
            usleep(10000);
    return el_dist_agree(dist, st);
}

el_status el_all_well_say(const char *folder)
{
    return el_file_write(el_path_in(folder, EL_ALL_WELL).text, "", 0);
}

void el_all_well_end(const char *folder)
{
    el_io_unlink(el_path_in(folder, EL_ALL_WELL).text);
}

bool el_all_well_ended(const char *folder)
{
    return !el_folder_holds(folder, EL_ALL_WELL);
}
