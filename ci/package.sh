#!/usr/bin/env bash
# What would be published, package by package: what its page will say is there, it names no package that is
# not published, it has all files that it needs and none that is large; and the packages, unpacked side by
# side in a workspace of their own, with nothing else of the repository, type-check.
#
# That is done once for all of them, with default features: cargo's own check builds each by itself. The
# oldest versions of other packages that ours say they work with are looked for; `ci/package.sh --minimal`
# type-checks ours with them, and with what is optional. Nothing is uploaded. CI_PACKAGES narrows what is
# type-checked.
# shellcheck source=ci/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need jq

# Packed, in KiB: half as much again as the largest has today. What exceeds it has swallowed something.
readonly LIMIT_KIB=480
# What a package must have, beside its manifest.
WANTED=(README.md LICENSE-MIT LICENSE-APACHE src/lib.rs)

FOLDER=$(own_target package)
UNPACKED=$FOLDER/unpacked
rm -rf "$FOLDER/package" "$UNPACKED"
mkdir -p "$UNPACKED"

# What the pages say, and the rules of the registry for it; and what is published names only what is.
metadata=$(cargo metadata --no-deps --format-version 1)
while IFS= read -r line; do fault "$line"; done < <(jq -r '
    (.packages | map(select(.publish != []) | .name)) as $published
    | .packages[] | select(.publish != []) | .name as $name
    | ( (if (.description // "") == "" then "no description" else empty end)
      , (if .license == null then "no licence" else empty end)
      , (if .readme == null then "no readme" else empty end)
      , (if .documentation != "https://docs.rs/\($name)" then "documentation is not https://docs.rs/\($name)" else empty end)
      , (if (.categories | length) < 1 or (.categories | length) > 5 then "one to five categories, please" else empty end)
      , (if (.keywords | length) < 1 or (.keywords | length) > 5 then "one to five keywords, please" else empty end)
      , (.keywords[] | select(length > 20 or (test("^[a-z0-9][a-z0-9_+-]*$") | not)) | "no keyword: \(.)")
      , (if .metadata.docs.rs == null then "no [package.metadata.docs.rs]" else empty end)
      , (.dependencies[] | select(.path != null) | .name as $other
        | if $other == $name then empty
          elif ($published | index($other)) == null then
            (if .kind == "dev" and .req == "*" then empty else "needs \($other), which is not published" end)
          elif .req == "*" then "needs \($other) without a version"
          else empty end)
      ) | "\($name): \(.)"' <<<"$metadata")
mapfile -t published < <(published)
version=$(jq -r '[.packages[] | select(.publish != []) | .version] | unique | join(" ")' <<<"$metadata")
[[ $version != *' '* ]] || fault "packages have several versions: $version"

# In the order of what needs what, each seeing those before it. That tests stay at home is intended.
selected=()
for package in "${published[@]}"; do selected+=(-p "$package"); done
run cargo package --no-verify --allow-dirty --quiet --target-dir "$FOLDER" "${selected[@]}" \
    2> >(grep -vE '^warning: ignoring (test|benchmark) ' >&2)

# `packed PACKAGE FILE`: whether the package has it.
packed() { [[ -f $UNPACKED/$1/$2 ]]; }
printf '%-20s %6s %6s\n' package files KiB
files=0
for package in "${published[@]}"; do
    name=$package-$version
    archive=$FOLDER/package/$name.crate
    if [[ ! -f $archive ]]; then
        fault "$package was not packed"
        continue
    fi
    size=$((($(stat -c %s "$archive") + 1023) / 1024))
    tar --extract --gzip --file="$archive" --directory="$UNPACKED"
    count=$(find "$UNPACKED/$name" -type f | wc -l)
    files=$((files + count))
    printf '%-20s %6d %6d\n' "$package" "$count" "$size"
    ((size <= LIMIT_KIB)) || fault "$package takes $size KiB; the limit is $LIMIT_KIB"
    for file in "${WANTED[@]}"; do
        packed "$name" "$file" || fault "$package: $file is not in the package"
    done
    # Also those that only a feature includes.
    while IFS=: read -r source included; do
        [[ -f $(dirname "$source")/$included && $(realpath "$(dirname "$source")/$included") == "$(realpath "$UNPACKED/$name")"/* ]] ||
            fault "$package: ${source#"$UNPACKED/$name/"} includes $included, which is not in the package"
    done < <(grep -rHoE 'include(_str|_bytes)?!\("[^"]+"' --include='*.rs' "$UNPACKED/$name" | sed -E 's/include[a-z_]*!\("//; s/"$//')
done

# As they will be built elsewhere, but that they find each other here.
{
    printf '[workspace]\nresolver = "3"\nmembers = ["*"]\n\n[patch.crates-io]\n'
    for package in "${published[@]}"; do
        if packed "$package-$version" Cargo.toml; then
            printf '%s = { path = "%s" }\n' "$package" "$package-$version"
        fi
    done
} >"$UNPACKED/Cargo.toml"
cp Cargo.lock "$UNPACKED/"
# shellcheck disable=SC2046 # several words are meant
run cargo check --quiet --manifest-path "$UNPACKED/Cargo.toml" --target-dir "$FOLDER" $(selection)

# The oldest versions of what we name fit together. Building with them is for a release: with `--minimal`,
# a minute and a half of processor.
rm -f "$UNPACKED/Cargo.lock"
# The switch lets cargo take an option that is not stable.
export RUSTC_BOOTSTRAP=1
run cargo generate-lockfile --quiet -Z direct-minimal-versions --manifest-path "$UNPACKED/Cargo.toml"
if [[ ${1:-} == --minimal ]]; then
    # shellcheck disable=SC2046 # several words are meant
    run cargo check --quiet -Z direct-minimal-versions --manifest-path "$UNPACKED/Cargo.toml" \
        --target-dir "$FOLDER/minimal" $(selection) --features "$(documented_features)"
fi
finish "${#published[@]} packages of version $version, $files files"
