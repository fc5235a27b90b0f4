#!/bin/bash
# Every call of each command fails once; and from each place on all of them do, as on a full disk.
faulty=(--all --lasting)
source "$(dirname "$(realpath "$0")")/test_faults.sh"
