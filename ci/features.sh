#!/usr/bin/env bash
# Features are additive: each package builds with none, with each alone, with its defaults and with
# all of them, without a warning. Which features there are is read from cargo. Those that only hand on
# one of a package of ours below are checked there.
# shellcheck source=ci/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need jq

builds=0
# Clippy, which looks closest, for the two ends; for what is between, the compiler's own warnings, for
# which it need not build the dependencies anew.
lint() {
    builds=$((builds + 1))
    run cargo clippy --quiet --lib "$@" -- -D warnings
}
check() {
    local said
    builds=$((builds + 1))
    echo "+ cargo check --quiet --lib $*"
    if ! said=$(cargo check --quiet --lib --color=never "$@" 2>&1); then
        echo "$said"
        fault "exit status 1: cargo check --quiet --lib $*"
    elif [[ -n $said ]]; then
        echo "$said"
        fault "a warning of: cargo check --quiet --lib $*"
    fi
}
while read -r package features; do
    is_selected "$package" || continue
    lint -p "$package"
    [[ -n $features ]] || continue
    check -p "$package" --no-default-features
    # The features of `eventlet` only hand on those of the packages below it.
    [[ $package != eventlet ]] || features=
    for feature in $features; do
        check -p "$package" --no-default-features --features "$feature"
    done
    lint -p "$package" --all-features
done < <(cargo metadata --no-deps --format-version 1 | jq -r '.packages[]
    | select(.publish == null)
    | "\(.name) \(.features | to_entries
        | map(select(.key != "default" and (.value == [] or any(.value[]; test("^eventlet-.*/") | not))) | .key)
        | join(" "))"')
finish "$builds builds"
