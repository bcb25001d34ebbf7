#!/usr/bin/env bash
# What the packages offer, against docs/api: one line an item, one file a package. A difference is no
# mistake, but is to be seen, and decided on: `ci/api.sh --update` writes the files. And that examples show
# all of it: see ci/api/examples.awk.
#
# rustdoc writes it as JSON, with the features that the packages are documented with (for kqueue's hub: all,
# since on Linux there is only the emulated queue); a tool of its own (ci/api) makes lines of it. That the
# stable rustdoc writes JSON at all takes a switch, which is given to it alone, so that nothing else is
# built anew. Other compilers write things otherwise: the files are those of the one in docs/api/compiler.
# shellcheck source=ci/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need jq

readonly BASELINE=docs/api
# What the tool ends with where it cannot read what this rustdoc writes.
readonly UNREADABLE=3

update=no
if [[ ${1:-} == --update ]]; then update=yes; fi
compiler=$(rustc --version)
recorded=$(cat "$BASELINE/compiler" 2>/dev/null || true)
FOLDER=$(own_target api)
mkdir -p "$FOLDER" "$BASELINE"
cat >"$FOLDER/rustdoc" <<END
#!/usr/bin/env bash
RUSTC_BOOTSTRAP=1 exec ${RUSTDOC:-rustdoc} "\$@"
END
chmod +x "$FOLDER/rustdoc"

# In the folder of all, which has the macros that it needs.
run cargo build --locked --quiet --manifest-path ci/api/Cargo.toml --target-dir "$TARGET"
mapfile -t published < <(published)
selected=()
for package in "${published[@]}"; do
    if is_selected "$package"; then selected+=(-p "$package"); fi
done
# Of the whole workspace, so that what docs.sh has checked is of use.
# shellcheck disable=SC2046 # several words are meant
RUSTDOC=$FOLDER/rustdoc RUSTDOCFLAGS='-Z unstable-options --output-format json' \
    run cargo doc --quiet --no-deps --lib $(selection) --features "$(documented_features)"

lines=0
differing=()
for package in "${published[@]}"; do
    is_selected "$package" || continue
    status=0
    "$TARGET/debug/eventlet-api" "$TARGET/doc/${package//-/_}.json" >"$FOLDER/$package.txt" || status=$?
    if ((status == UNREADABLE)) && [[ $compiler != "$recorded" && $update == no ]]; then
        skipped "the JSON of $compiler cannot be read: nothing was compared (the baseline is of $recorded)"
        finish "nothing"
        exit
    elif ((status != 0)); then
        fault "$package: the tool ended with status $status"
        continue
    fi
    lines=$((lines + $(wc -l <"$FOLDER/$package.txt")))
    while IFS= read -r line; do fault "$line"; done < <(
        jq --raw-output --from-file ci/api/examples.jq "$TARGET/doc/${package//-/_}.json" | awk -f ci/api/examples.awk
    )
    if [[ $update == yes ]]; then
        cp "$FOLDER/$package.txt" "$BASELINE/$package.txt"
    elif ! diff --new-file --unified=0 "$BASELINE/$package.txt" "$FOLDER/$package.txt" >"$FOLDER/difference"; then
        differing+=("$package")
        grep -vE '^(---|\+\+\+|@@)' "$FOLDER/difference"
    fi
done
if [[ $update == yes ]]; then
    echo "$compiler" >"$BASELINE/compiler"
elif ((${#differing[@]} > 0)) && [[ $compiler == "$recorded" ]]; then
    fault "not what $BASELINE has: ${differing[*]}; if that is intended: ci/api.sh --update, and a line in the CHANGELOG"
elif ((${#differing[@]} > 0)); then
    skipped "the baseline is of $recorded, this is $compiler, and they differ: whether by the compiler is for a reader"
fi
finish "$lines items of $((${#selected[@]} / 2)) packages"
