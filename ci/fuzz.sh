#!/usr/bin/env bash
# Feeds every fuzz target for some seconds: first what is kept in fuzz/corpus, then what the engine
# makes of it. A target that fails leaves its input, which is shown, and kept in the target folder.
# CI_FUZZ_SECONDS says how long each is fed (default 5); CI_FUZZ narrows it to these targets.
#
# The flags are those of `cargo fuzz`, but for the sanitizer, which needs a nightly compiler and finds
# nothing in code without unsafe; so neither that nor cargo-fuzz has to be there. With both,
# `cargo +nightly fuzz run request_head` works as well.
# shellcheck source=ci/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need jq

seconds=${CI_FUZZ_SECONDS:-5}
# An input that takes longer than this, or more memory, is a fault.
readonly MOST_SECONDS=10 MOST_MIB=1024
# Longer than the small limits the targets set; the default ones are tested with the wire code.
readonly LONGEST=1024

mapfile -t targets < <(cargo metadata --no-deps --format-version 1 --manifest-path fuzz/Cargo.toml |
    jq -r '.packages[].targets[] | select(.kind == ["bin"]) | .name')
((${#targets[@]} > 0)) || fault "no fuzz target was found"
for file in fuzz/fuzz_targets/*.rs; do
    name=$(basename "$file" .rs)
    [[ " ${targets[*]} " == *" $name "* ]] || fault "$file is not a target in fuzz/Cargo.toml"
done

if ! has c++ && ! has g++ && ! has clang++; then
    skipped "the fuzzing engine needs a C++ compiler, which is not installed"
    finish "nothing"
fi

host=$(rustc -vV | sed -n 's/^host: //p')
folder=$(own_target fuzz)
flags=(-Cpasses=sancov-module -Ccodegen-units=1 --cfg fuzzing)
for option in level=4 inline-8bit-counters pc-table trace-compares; do
    flags+=("-Cllvm-args=-sanitizer-coverage-$option")
done
echo "+ cargo build --release --manifest-path fuzz/Cargo.toml (with coverage)"
RUSTFLAGS="${RUSTFLAGS:-} ${flags[*]}" cargo build --quiet --release --target "$host" \
    --manifest-path fuzz/Cargo.toml --target-dir "$folder" || fault "the targets do not build"

fed=()
for target in "${targets[@]}"; do
    [[ -z ${CI_FUZZ:-} || " $CI_FUZZ " == *" $target "* ]] || continue
    program=$folder/$host/release/$target
    [[ -x $program ]] || continue
    kept=fuzz/corpus/$target
    [[ -d $kept ]] || fault "$kept is not there: keep some inputs"
    # What is found goes to the first folder; what is kept stays as it is.
    found=$(mktemp -d "$TARGET/ci/corpus.XXXXXX")
    inputs=$TARGET/ci/fuzz-$target-
    rm -f "$inputs"*
    log=$(mktemp "$TARGET/ci/log.XXXXXX")
    echo "+ $target (for $seconds s)"
    status=0
    timeout $((seconds * 4 + 60)) "$program" "$found" "$kept" -dict=fuzz/http.dict \
        -max_total_time="$seconds" -timeout="$MOST_SECONDS" -rss_limit_mb="$MOST_MIB" \
        -max_len="$LONGEST" -artifact_prefix="$inputs" >"$log" 2>&1 || status=$?
    if ((status != 0)); then
        tail -n 60 "$log" | cut -c 1-400 | sed 's/^/    /'
        fault "$target: status $status; the input is $(find "$TARGET/ci" -name "fuzz-$target-*" | head -n 1)"
    fi
    runs=$(sed -nE 's/^Done ([0-9]+) runs.*/\1/p' "$log")
    ((status != 0 || ${runs:-0} > 0)) || fault "$target: was not run"
    fed+=("$target ${runs:-0}")
    rm -rf "$found" "$log"
done
((${#fed[@]} > 0)) || fault "no target was fed"
printf -v list '%s, ' ${fed[@]+"${fed[@]}"}
finish "inputs fed: ${list%, }"
