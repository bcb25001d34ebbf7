#!/usr/bin/env bash
# Features are additive: each package builds with none, with each alone, with its defaults and with
# all of them, without a warning. Which features there are is read from cargo.
# shellcheck source=ci/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need jq

builds=0
check() {
    builds=$((builds + 1))
    # Clippy, because there warnings can be refused without building all dependencies anew.
    run cargo clippy --quiet --lib "$@" -- -D warnings
}
while read -r package features; do
    is_selected "$package" || continue
    check -p "$package"
    [[ -n $features ]] || continue
    check -p "$package" --no-default-features
    # The features of `eventlet` only hand on those of the packages below it.
    [[ $package != eventlet ]] || features=
    for feature in $features; do
        check -p "$package" --no-default-features --features "$feature"
    done
    check -p "$package" --all-features
done < <(cargo metadata --no-deps --format-version 1 | jq -r '.packages[]
    | select(.publish == null)
    | "\(.name) \(.features | keys | map(select(. != "default")) | join(" "))"')
finish "$builds builds"
