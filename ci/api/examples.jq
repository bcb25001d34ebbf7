# The public items of a library with the code of their examples, of rustdoc's JSON, for examples.awk: whose
# method an item is (or nothing), its name, where it stands, its code; tabs between, one item a line.

# Every second piece between fences, but for those that are no Rust.
def code: .docs // "" | split("```") | [.[range(1; length; 2)] | select(startswith("text") or startswith("ignore") | not)] | join(" ");
def row($owner): [$owner, .name, "\(.span.filename):\(.span.begin[0])", .code] | @tsv;

(reduce (.index[] | select(.crate_id == 0)) as $item ({}; .[$item.id | tostring] = ($item | {id, name, visibility, inner, span, code: code})))
    | . as $index
# Who has members: types by their impls, and traits.
| [.[] | select(.inner.impl) | .inner.impl | {of: .for.resolved_path.id, items, is_own: (.trait == null and .blanket_impl == null)}]
    + [.[] | select(.inner.trait) | {of: .id, items: .inner.trait.items, is_own: true}] | . as $owners
| (reduce ($owners[].items[] | tostring) as $id ({}; .[$id] = true)) as $members
| (
    ($index[] | select(.visibility == "public" and ($members[.id | tostring] | not))
        | select(.inner | has("struct") or has("enum") or has("union") or has("trait") or has("function") or has("macro") or has("type_alias"))
        | row("")),
    ($owners[] | select(.is_own and .of) | $index[.of | tostring] as $owner | select($owner.visibility == "public")
        | .items[] | $index[tostring] | select(.inner.function and .visibility != "crate") | row("\($owner.id) \($owner.name)")),
    # What else has examples: modules, implementations of traits.
    ($index[] | select(.code != "" and (.inner | has("module"))) | row("-"))
  )
