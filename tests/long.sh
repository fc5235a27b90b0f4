#!/bin/bash
# long - runs a test that takes minutes, where they are wanted; 77 tells CTest that it was skipped
[ -n "${ELECTRA_LONG:-}" ] || { echo "a long test: ./test --all runs it"; exit 77; }
exec "$@"
