#!/usr/bin/env bash
# Other systems: the libraries are type-checked for each, without a warning. Nothing is run there.
#
# The standard library comes from `rustup target add`, or is checked from its sources with the very
# compiler they belong to (`rust-src`) where there is none to be had: tier-3 targets. What can be had by
# neither is skipped, with the reason. Nothing is linked: that the symbols exist is not proved.
# CI_CROSS narrows it to these targets; CI_CROSS_INSTALL=no leaves rustup alone.
# shellcheck source=ci/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

TARGETS=(
    x86_64-unknown-freebsd
    x86_64-unknown-netbsd
    x86_64-unknown-openbsd
    aarch64-apple-darwin
    x86_64-unknown-illumos
)
if [[ -n ${CI_CROSS:-} ]]; then read -ra TARGETS <<<"$CI_CROSS"; fi
# Hubs first, top last. What is optional in the protocols is left out: it may bring C along.
PACKAGES=(eventlet-hub eventlet-hub-kqueue eventlet-hub-poll eventlet-hub-polling eventlet-hub-select
    eventlet-runloop eventlet-green eventlet-protocols eventlet)
FEATURES=hub-kqueue,hub-polling,testing
# How long fetching a standard library may take, in seconds.
readonly PATIENCE=120

CARGO_TARGET_DIR=$(own_target cross)
export CARGO_TARGET_DIR
export RUSTFLAGS="${RUSTFLAGS:-} -D warnings"
export CARGO_INCREMENTAL=0

# `has_std TARGET`: whether the compiler finds a standard library for it.
has_std() { compgen -G "$(rustc --print target-libdir --target "$1" 2>/dev/null)/libstd-*.rlib" >/dev/null; }
has_sources() { [[ -f $(rustc --print sysroot)/lib/rustlib/src/rust/library/Cargo.lock ]]; }
may_install() { has rustup && [[ ${CI_CROSS_INSTALL:-yes} != no ]]; }

# Sets STD to where the standard library comes from and HOW to what cargo needs for that; or WHY to the
# reason why there is none.
find_std() {
    STD='' HOW=() WHY=''
    if ! has_std "$1" && may_install && grep -qE "^$1( |\$)" <(rustup target list); then
        timeout "$PATIENCE" rustup --quiet target add "$1" >/dev/null 2>&1 || true
    fi
    if has_std "$1"; then
        STD="its standard library"
        return 0
    fi
    if ! has_sources && may_install; then
        timeout "$PATIENCE" rustup --quiet component add rust-src >/dev/null 2>&1 || true
    fi
    if ! has_sources; then
        WHY="no standard library for it, and no sources of one (rustup target add, rustup component add rust-src)"
        return 1
    fi
    STD="a standard library checked from its sources"
    HOW=(env RUSTC_BOOTSTRAP=1)
}

# The packages to check: those of a list that are selected, with features where they have them.
chosen() {
    local package
    for package in "$@"; do
        is_selected "$package" || continue
        printf -- '-p %s ' "$package"
        if [[ $package == eventlet ]]; then printf -- '--features %s ' "$FEATURES"; fi
    done
}

checked=0
report=()
for target in "${TARGETS[@]}"; do
    read -ra packages <<<"$(chosen "${PACKAGES[@]}")"
    if ((${#packages[@]} == 0)); then continue; fi
    if ! find_std "$target"; then
        skipped "$target: $WHY"
        report+=("$target: skipped, $WHY")
        continue
    fi
    options=(--quiet --target "$target" --lib)
    if ((${#HOW[@]} > 0)); then options+=('-Zbuild-std=std,panic_abort'); fi
    before=$FAULTS
    run ${HOW[@]+"${HOW[@]}"} cargo check "${options[@]}" "${packages[@]}"
    if ((FAULTS > before)); then
        report+=("$target: FAULT")
        continue
    fi
    checked=$((checked + 1))
    report+=("$target: checked, with $STD")
done
report+=("x86_64-pc-windows-gnu: skipped, nothing is written for it: hubs take descriptors of Unix (PLATFORMS.md)")
printf '%s\n' ${report[@]+"${report[@]}"}
((checked > 0 || ${#TARGETS[@]} == 0)) || ((FAULTS > 0)) || skipped "no target could be checked"
finish "$checked of ${#TARGETS[@]} targets"
