/* in_place - the GPU in the processor's place: tests that ask for no device in particular get the CUDA device
 *
 * Linked with --wrap=el_device_cpu into NAME_cuda, which is test NAME once more.  TEST_FILTER says which of its tests: those
 * of other devices need not run twice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/cuda.h"

el_status __real_el_device_cpu(el_device **dev, const char *level);
el_status __wrap_el_device_cpu(el_device **dev, const char *level);

el_status __wrap_el_device_cpu(el_device **dev, const char *level)
{
    return level ? __real_el_device_cpu(dev, level) : el_device_cuda(dev, 0);
}

__attribute__((constructor)) static void choose_tests(void)
{
    cmocka_set_test_filter(TEST_FILTER);
}
