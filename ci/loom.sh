#!/usr/bin/env bash
# Every interleaving of what two threads touch (green/src/between_threads, the hub's waker), by the model
# checker loom: the tests of green/tests/loom_*.rs, in a build with `--cfg loom`.
# CI_LOOM narrows it to these files, without the `loom_`; CI_LOOM_SECONDS is how long each may take.
# shellcheck source=ci/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

PACKAGE=eventlet-green
is_selected "$PACKAGE" || { finish "nothing: $PACKAGE is not selected"; exit 0; }
# Many times what it takes; a model that has grown beyond that is to be made smaller.
SECONDS_EACH=${CI_LOOM_SECONDS:-120}

chosen=()
if [[ -n ${CI_LOOM:-} ]]; then
    for name in $CI_LOOM; do chosen+=("loom_$name"); done
else
    while IFS= read -r file; do chosen+=("$(basename "$file" .rs)"); done < <(files 'green/tests/loom_*.rs')
fi
((${#chosen[@]} > 0)) || fault "no model was found"

# Optimised, for there are many interleavings; with the assertions of a debug build.
export RUSTFLAGS="${RUSTFLAGS:-} --cfg loom"
export CARGO_PROFILE_DEV_OPT_LEVEL=2
export RUST_BACKTRACE=0
CARGO_TARGET_DIR=$(own_target loom)
export CARGO_TARGET_DIR
run cargo test -p "$PACKAGE" "${chosen[@]/#/--test=}" --no-run --quiet
for test in ${chosen[@]+"${chosen[@]}"}; do
    run_tests timeout "$SECONDS_EACH" cargo test -p "$PACKAGE" --test "$test" --quiet
done
finish "${#chosen[@]} files of models, $PASSED models"
