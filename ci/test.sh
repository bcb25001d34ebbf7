#!/usr/bin/env bash
# All tests and doc tests, by the very command that the README gives.
# shellcheck source=ci/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

if [[ -z ${CI_PACKAGES:-} ]]; then
    run_tests cargo test --workspace
else
    # shellcheck disable=SC2046 # several words are meant
    run_tests cargo test $(selection)
fi
finish "$PASSED tests passed, $IGNORED ignored"
