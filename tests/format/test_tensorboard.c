/* An event file holds the version, then a frame for each line, whose checksums are right. */
#include <math.h>

#include "folder.h"
#include "format/crc32c.h"
#include "format/tensorboard.h"

/* The frame at *at; moves behind it. */
static const unsigned char *next_frame(const el_mapping *file, size_t *at, uint64_t *length)
{
    uint32_t crc;
    CHECK(*at + 12 <= file->size, "a frame is cut");
    memcpy(length, file->data + *at, 8);
    memcpy(&crc, file->data + *at + 8, 4);
    CHECK(crc == el_crc32c_masked(file->data + *at, 8), "the checksum of a length is wrong");
    const unsigned char *const event = file->data + *at + 12;
    CHECK(*at + 16 + *length <= file->size, "an event is cut");
    memcpy(&crc, event + *length, 4);
    CHECK(crc == el_crc32c_masked(event, (size_t)*length), "the checksum of an event is wrong");
    *at += 16 + (size_t)*length;
    return event;
}

static void frames_hold_figures(void **state)
{
    (void)state;
    el_tensorboard events;
    CHECK_OK(el_tensorboard_open(&events, folder));
    json_t *const line =
        json_pack("{s:s, s:i, s:i, s:f, s:n}", "kind", "train", "step", 300, "tokens", 5, "loss", 0.5, "auc");
    CHECK_OK(el_tensorboard_put(&events, "train", 300, 2.0, line));
    json_decref(line);
    el_tensorboard_close(&events);

    el_mapping file;
    CHECK_OK(el_mapping_open(&file, in_folder("events.out.tfevents.electra")));
    size_t at = 0;
    uint64_t length;
    const unsigned char *event = next_frame(&file, &at, &length);
    CHECK(length == 24 && memcmp(event + 11, "brain.Event:2", 13) == 0, "the version is not first");
    event = next_frame(&file, &at, &length);
    /* wall_time 2.0, step 300, summary { value { tag, 0.5f } } */
    const unsigned char expected[] = "\x09\0\0\0\0\0\0\0\x40"
                                     "\x10\xac\x02"
                                     "\x2a\x13\x0a\x11\x0a\x0atrain/loss\x15\0\0\0\x3f";
    CHECK(length == sizeof expected - 1 && memcmp(event, expected, length) == 0,
          "%d bytes that are not the event's", (int)length);
    CHECK(at == file.size, "%d bytes too many", (int)(file.size - at));
    el_mapping_close(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(frames_hold_figures)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
