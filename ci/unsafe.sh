#!/usr/bin/env bash
# Unsafe code: every block and every impl has one `// SAFETY:`, every `unsafe fn` says what its
# caller owes, blocks stand where CONTRIBUTING.md wants them, and crates that need none forbid it.
# (Clippy's `undocumented_unsafe_blocks` sees that each comment stands at its block.)
# shellcheck source=ci/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# These crates need no unsafe code at all.
FORBID=(runloop/src/lib.rs protocols/src/lib.rs benches/src/lib.rs src/lib.rs)
# These allow it in one file or folder only, named beside.
DENY=(green/src/lib.rs hub-test/src/lib.rs)
# Where blocks may stand: files and folders named `sys`, and those that hand a hub's `unsafe fn
# register` on, which is no system call.
PLACES='(^|/)sys(\.rs|/)|^hub/src/(hub|sources)\.rs$'

# What starts a block or an impl.
UNSAFE='\bunsafe[[:space:]]+(\{|impl\b|extern\b)'
UNSAFE_BLOCK='\bunsafe[[:space:]]*\{'

for file in "${FORBID[@]}"; do
    [[ -f $file ]] || { skipped "$file is not there"; continue; }
    grep -q '^#!\[forbid(unsafe_code)\]' "$file" || fault "$file does not forbid unsafe code"
done
for file in "${DENY[@]}"; do
    grep -q '^#!\[deny(unsafe_code)\]' "$file" || fault "$file does not deny unsafe code"
done

total=0
holders=0
while IFS= read -r file; do
    found=$(code_of "$file" | grep -oE "$UNSAFE" | wc -l || true)
    ((found > 0)) || continue
    reasons=$(grep -cE '^[[:space:]]*// SAFETY: ' "$file" || true)
    total=$((total + found))
    holders=$((holders + 1))
    printf '%4d %s\n' "$found" "$file"
    if ((found != reasons)); then
        fault "$file has $found unsafe blocks and impls, and $reasons lines with // SAFETY:"
    fi
    # Unit tests, at the end of a file, may call what is unsafe to call.
    if [[ $file == */src/* && ! $file =~ $PLACES ]] &&
        grep -qE "$UNSAFE_BLOCK" <(code_of "$file" | sed '/^#\[cfg(.*test)/,$d'); then
        fault "$file has an unsafe block; they belong in the crate's sys.rs or sys/"
    fi
done < <(files '*.rs')

# An `unsafe fn` states its duties in `# Safety`, in the trait or where it is declared; an
# implementation of a trait's needs no copy.
mapfile -t sources < <(files '*.rs')
undocumented=$(awk '
    /^[[:space:]]*\/\/\// { if ($0 ~ /# Safety/) safety = 1; next }
    /^[[:space:]]*(#\[|\/\/)/ { next }
    {
        line = $0
        sub(/\/\/.*/, "", line)
        if (match(line, /unsafe (extern "[^"]*" )?fn [a-z_0-9]+/)) {
            name = substr(line, RSTART, RLENGTH)
            sub(/.* /, "", name)
            declared[name] = FILENAME ":" FNR
            if (safety) documented[name] = 1
        }
        safety = 0
    }
    END { for (name in declared) if (!(name in documented)) print name " (" declared[name] ")" }
' "${sources[@]}")
if [[ -n $undocumented ]]; then
    while IFS= read -r line; do fault "unsafe fn without # Safety: $line"; done <<<"$undocumented"
fi
((total > 0)) || fault "no unsafe code was found, which cannot be"
finish "$total unsafe blocks and impls in $holders files"
