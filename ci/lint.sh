#!/usr/bin/env bash
# What tools and greps can see of CONTRIBUTING.md: format, clippy, module heads, tests that neither
# sleep nor fix a port, reasons beside exceptions, and words that do not belong into a file.
# CI_LINT=greps leaves out rustfmt and clippy.
# shellcheck source=ci/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

mapfile -t rust < <(files '*.rs')
mapfile -t scripts < <(files '*.sh' .ci/run)
mapfile -t texts < <(files '*.rs' '*.md' '*.toml' '*.sh' .ci/run .editorconfig .gitignore)
# Tests, and the suite that is a library.
mapfile -t tests < <(files '*/tests/*.rs' 'tests/*.rs' 'hub-test/src/*.rs')
checks=0

# `forbid WHY PATTERN FILES…`: a fault for each line of code (comments left out) that matches.
forbid() {
    local why=$1 pattern=$2 file line
    shift 2
    checks=$((checks + 1))
    for file in "$@"; do
        while IFS= read -r line; do
            fault "$file:${line%%:*}: $why"
        done < <(code_of "$file" | grep -nP "$pattern" || true)
    done
}

# `without PATTERN FILES…`: the files whose name does not match.
without() {
    local pattern=$1
    shift
    printf '%s\n' "$@" | grep -vE "$pattern" || true
}

checks=$((checks + 1))
for file in "${rust[@]}"; do
    head -n 1 "$file" | grep -q '^//!' ||
        fault "$file: the first line must begin the module's docs (//!)"
done

# Time. Green's own `sleep` parks a coroutine and is what is tested there; the thread's is not, but as
# a call that blocks, to be offloaded.
mapfile -t untimed < <(without '/(precision|timeouts)[^/]*$' "${tests[@]}")
forbid 'a test must not sleep to synchronise; wait for an event' '^(?!.*\boffload\().*thread::(sleep|\{[^}]*\bsleep)' "${untimed[@]}"
mapfile -t below < <(without '^(green|protocols)/' "${untimed[@]}")
forbid 'a test must not sleep to synchronise; wait for an event' '\bsleep\(' "${below[@]}"

# Ports. Wire code is tested with such addresses as data.
mapfile -t dialling < <(without '^protocols/tests/wire/' "${tests[@]}")
forbid 'a test must ask for port 0' '(127\.0\.0\.1|localhost|0\.0\.0\.0|\[::1?\]):[1-9]' "${dialling[@]}"

forbid 'no get_ (but get_mut): name it for what it gives' '\bfn get_[a-ln-z]|\bfn get_m[^u]' "${rust[@]}"
forbid 'left over' '\b(todo|unimplemented|dbg)!' "${rust[@]}"
forbid 'modules are declared in the open, without path attributes' '#\[path\b' "${rust[@]}"
forbid 'an ignored test says why: #[ignore = "…"]' '#\[ignore\]' "${rust[@]}"

# An exception has its reason beside it: in the attribute, on its line or on the line above.
checks=$((checks + 1))
while IFS= read -r line; do fault "$line: an exception without a reason beside it"; done < <(awk '
    FNR == 1 { before = "" }
    # Of a code block in the docs, or of a comment.
    /^[[:space:]]*\/\// { before = $0; next }
    /#!?\[(allow|expect)\(/ && !/reason *=/ && !/\/\// && before !~ /^[[:space:]]*\/\/[^\/!]/ {
        attribute = $0
        while (attribute !~ /\)\]/ && (getline more) > 0) attribute = attribute more
        if (attribute !~ /reason *=/) print FILENAME ":" FNR
    }
    { before = $0 }
' "${rust[@]}")

# Wire rules cite the RFCs in force, and none of those they replaced. The log and the text of an
# error page are bound by no RFC.
checks=$((checks + 1))
while IFS= read -r file; do
    grep -qiE 'rfc *(9110|9111|9112|3986|8288|6455)\b' "$file" || fault "$file: cite the RFC section"
    if grep -qiE 'rfc *(2616|723[0-5]|2068)\b' "$file"; then fault "$file: cites an obsolete RFC"; fi
done < <(files 'protocols/src/wire/*.rs' | grep -vE '/(access_log|error_page)\.rs$')

# A hub instantiates the suite; it does not add to it there.
checks=$((checks + 1))
while IFS= read -r file; do
    (($(wc -l <"$file") <= 25)) || fault "$file: more than the instantiation of the suite"
done < <(files 'hub-*/tests/conformance.rs')

# Files name no registry and no path of somebody's machine. (The brackets keep this file from
# naming them.)
checks=$((checks + 1))
words='crates[.]io|static[.]rust-lang|sparse[+]http|(^|[^[:alnum:]_.~-])/(home|root|work|Users)/[[:alnum:]_.]'
while IFS= read -r line; do fault "$line: names a registry or a path of a machine"; done < <(
    grep -nE "$words" -- "${texts[@]}" | cut -d: -f1,2 || true)
while IFS= read -r source; do
    fault "Cargo.lock: a package from elsewhere than the usual registry: $source"
done < <(sed -nE 's/^source = "(.*)"/\1/p' Cargo.lock | grep -vxE 'registry[+]https://github.com/rust-lang/crates[.]io-index' | sort -u)
# The minimum Rust version is stated once.
stated=$(files '*Cargo.toml' clippy.toml rust-toolchain.toml | xargs grep -lE '^(rust-version|msrv) *= *"' || true)
[[ $stated == Cargo.toml ]] || fault "rust-version must be stated in Cargo.toml only; it is in: ${stated//$'\n'/ }"

checks=$((checks + 1))
while IFS= read -r line; do fault "$line: white space at the end of the line"; done < <(
    grep -nE '[[:space:]]+$' -- "${texts[@]}" | cut -d: -f1,2 || true)

checks=$((checks + 1))
for file in "${scripts[@]}"; do
    [[ $(head -n 1 "$file") == '#!/usr/bin/env bash' ]] || fault "$file: begins with #!/usr/bin/env bash"
    grep -qE '^set -euo pipefail|/common\.sh"$' "$file" || fault "$file: strict mode is missing"
done
if has shellcheck; then
    run shellcheck -x "${scripts[@]}"
else
    skipped "shellcheck is not installed"
fi

if [[ ${CI_LINT:-} != greps ]]; then
    # Every file, also those that no module tree reaches; then as cargo sees it.
    edition=$(sed -nE 's/^edition = "([0-9]+)"/\1/p' Cargo.toml)
    echo "+ rustfmt --check on ${#rust[@]} files"
    rustfmt --check -l --edition "$edition" "${rust[@]}" | sort -u || fault "rustfmt would change files"
    run cargo fmt --all --check
    # shellcheck disable=SC2046 # several words are meant
    run cargo clippy $(selection) --all-targets --quiet -- -D warnings
    checks=$((checks + 3))
fi
finish "$checks rules over ${#rust[@]} Rust files, ${#scripts[@]} scripts, ${#texts[@]} texts"
