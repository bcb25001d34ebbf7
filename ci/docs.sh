#!/usr/bin/env bash
# The documentation builds without a warning (broken links, bad code blocks), for users and for
# those who work on it. The code blocks run as tests in test.sh.
# shellcheck source=ci/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need jq

# shellcheck disable=SC2046 # several words are meant
{
    export RUSTDOCFLAGS='-D warnings'
    run cargo doc $(selection) --no-deps --quiet
    # The test kit, which no default shows.
    if is_selected eventlet-green; then
        run cargo doc -p eventlet-green --features testing --no-deps --quiet
    fi
    # What is redundant with private items in view is needed without.
    RUSTDOCFLAGS+=' -A rustdoc::redundant-explicit-links'
    run cargo doc $(selection) --no-deps --quiet --document-private-items
}

# Chapters and pages whose code blocks must compile are included by the facade's docs.
pages=0
while IFS= read -r page; do
    pages=$((pages + 1))
    files 'src/*.rs' | xargs grep -q "include_str!(\"[./]*$page\")" ||
        fault "$page is not included in the facade's docs, so its code blocks are not compiled"
done < <(files README.md 'docs/guide/*.md' 'docs/design/*.md')
finish "$(packages | wc -l) packages twice, $pages pages"
