#!/bin/bash
# At each place of each command that allocates or calls the system, told by its callers, one call fails: the first there, the
# second, fourth, eighth and so on; and from each place on all of them do, as on a full disk.  What is trained is as small as
# a model can be, because each of these some 10 000 faults has a run behind it.
faulty=(--again --lasting)
source "$(dirname "$(realpath "$0")")/test_faults.sh"
