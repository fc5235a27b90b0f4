/* device - which there are, and a device with its only queue */
#include <string.h>

#include "base/number.h"
#include "ops/cuda.h"
#include "ops/queue.h"

/* "cuda" is the first. */
static el_status open_cuda(el_device **dev, const char *name)
{
    int64_t number = 0;
    if (name[4] == '\0' ||
        (name[4] == ':' && el_number_whole(name + 5, &number) && number >= 0 && number < 1024))
        return el_device_cuda(dev, (int)number);
    return el_fail(EL_EUSAGE, "%s: no GPU is called so (cuda, cuda:0, cuda:1, ...)", name);
}

el_status el_device_open(el_device **dev, const char *name)
{
    if (name && strncmp(name, "cuda", 4) == 0)
        return open_cuda(dev, name);
    if (!name || strcmp(name, "reference") != 0)
        return el_device_cpu(dev, name);
    *dev = el_device_reference();
    return EL_OK;
}

el_status el_queue_open(el_queue **q, int threads, const char *device)
{
    el_device *dev;
    el_status st = el_device_open(&dev, device);
    if (st)
        return st;
    st = dev->open_queue(dev, q, threads);
    if (st)
        dev->close(dev);
    return st;
}

void el_queue_close(el_queue *q)
{
    if (!q)
        return;
    el_device *const dev = q->dev;
    q->close(q);
    dev->close(dev);
}
