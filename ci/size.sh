#!/usr/bin/env bash
# A file is one idea: a Rust file of more than 500 lines is warned of, one of more than 700 is a
# fault. There are no exceptions. See CONTRIBUTING.md, "Files".
# shellcheck source=ci/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

WARN=500
FAIL=700

count=0
warned=0
while IFS= read -r file; do
    count=$((count + 1))
    lines=$(wc -l <"$file")
    if ((lines > FAIL)); then
        fault "$file has $lines lines; $FAIL is the most"
    elif ((lines > WARN)); then
        echo "warning: $file has $lines lines; should have at most $WARN"
        warned=$((warned + 1))
    fi
done < <(files '*.rs')
((count > 0)) || fault "no Rust file was found"
finish "$count files, $warned warned of"
