/* device - which there are, and a device with its only queue */
#include <string.h>

#include "ops/queue.h"

el_status el_device_open(el_device **dev, const char *level)
{
    if (!level || strcmp(level, "reference") != 0)
        return el_device_cpu(dev, level);
    *dev = el_device_reference();
    return EL_OK;
}

el_status el_queue_open(el_queue **q, int threads, const char *level)
{
    el_device *dev;
    el_status st = el_device_open(&dev, level);
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
