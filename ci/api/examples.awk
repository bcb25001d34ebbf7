# Of what examples.jq gives: the items that no example shows. One of a type, trait, function or macro is in its
# own docs, or any in the library that names it; one of a method in its own docs, or in those of its type or
# trait, or of a method beside it, and calls it (or, of a trait, defines it).

BEGIN { FS = "\t" }
# Public in name only, to seal a trait.
$3 ~ /\/private\.rs:/ { next }
{
    gsub(/\\[ntr\\]/, " ", $4)
    # A type is of the group of its members, so that they share their examples.
    owner = $1; sub(/^[0-9]+ /, "", owner)
    group = owner == "" ? $2 : owner
    rows++
    owners[rows] = owner; groups[rows] = group; names[rows] = $2; places[rows] = $3
    has_own[rows] = $4 ~ /[^ ]/
    count = split($4, words, /[^A-Za-z0-9_]+/)
    for (i = 1; i <= count; i++) named[words[i]] = 1
    code = $4
    while (match(code, /([.:]|fn )[a-z_][a-z0-9_]*/)) {
        call = substr(code, RSTART, RLENGTH)
        sub(/^([.:]|fn )/, "", call)
        called[group, call] = 1
        code = substr(code, RSTART + RLENGTH)
    }
}
END {
    for (i = 1; i <= rows; i++) {
        if (owners[i] == "-" || has_own[i]) continue
        if (owners[i] == "" ? names[i] in named : (groups[i], names[i]) in called) continue
        print places[i] ": " (owners[i] == "" ? "" : owners[i] "::") names[i] " is in no example"
    }
}
