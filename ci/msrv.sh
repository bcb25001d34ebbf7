#!/usr/bin/env bash
# The minimum supported Rust version, stated once as `rust-version` in Cargo.toml: nothing of the
# standard library is used that is newer (clippy's `incompatible_msrv`), no dependency of what we
# publish asks for more, and where that very toolchain is installed, it checks the workspace.
# shellcheck source=ci/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need jq

version=$(sed -nE 's/^rust-version = "([0-9.]+)"/\1/p' Cargo.toml)
[[ $version =~ ^1\.[0-9]+(\.[0-9]+)?$ ]] || fault "no rust-version in Cargo.toml"
while read -r name theirs; do
    [[ $theirs == "$version" ]] || fault "$name states rust-version $theirs, not $version"
done < <(cargo metadata --no-deps --format-version 1 |
    jq -r '.packages[] | "\(.name) \(.rust_version)"')

# shellcheck disable=SC2046 # several words are meant
run cargo clippy $(selection) --lib --bins --examples --quiet -- -D clippy::incompatible_msrv

# What we publish, with all it needs at run time on this system.
host=$(rustc -vV | sed -n 's/^host: //p')
newer=$(cargo metadata --format-version 1 --all-features --filter-platform "$host" | jq -r --arg ours "$version" '
    def number: split(".") | map(tonumber) | . + [0, 0] | .[:3];
    (.packages | map({key: .id, value: .}) | from_entries) as $package
    | (.resolve.nodes | map({key: .id, value: [.deps[]
        | select(any(.dep_kinds[]; .kind != "dev")) | .pkg]}) | from_entries) as $needs
    | [.workspace_members[] | select($package[.].publish == null)]
    | until((map($needs[.]) | add) - . == []; (. + (map($needs[.]) | add)) | unique)
    | .[] | $package[.] | select(.rust_version != null and (.rust_version | number) > ($ours | number))
    | "\(.name) \(.version) needs Rust \(.rust_version)"')
if [[ -n $newer ]]; then
    while IFS= read -r line; do fault "$line; we promise $version"; done <<<"$newer"
fi

if has rustup && grep -qE "^$version(\.[0-9]+)?-" <(rustup toolchain list); then
    run cargo "+$version" check --workspace --lib --quiet --target-dir "$(own_target msrv)"
else
    skipped "toolchain $version is not installed: checked by lints with $(rustc --version | cut -d' ' -f2), not by building with it"
fi
finish "rust-version $version"
