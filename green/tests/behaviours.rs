//! The table in `README.md` is true: each behaviour names a test, and each test named is there.

use std::fs;
use std::path::{Path, PathBuf};

const DOES_NOT_APPLY: &str = "does not apply: ";

/// A row of a table: the behaviour, and the cell of its tests.
struct Row {
    line: usize,
    behaviour: String,
    tests: String,
}

impl Row {
    /// The names between back-quotes.
    fn names(&self) -> impl Iterator<Item = &str> {
        self.tests.split('`').skip(1).step_by(2)
    }
}

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rows() -> Vec<Row> {
    let text = fs::read_to_string(package().join("tests/README.md")).unwrap();
    let rows: Vec<_> = (1..)
        .zip(text.lines())
        .filter(|(_, line)| line.starts_with("| ") && *line != "| behaviour | test |")
        .map(|(number, line)| {
            let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
            assert_eq!(cells.len(), 2, "line {number}: a behaviour and its tests");
            Row {
                line: number,
                behaviour: cells[0].to_owned(),
                tests: cells[1].to_owned(),
            }
        })
        .collect();
    assert!(rows.len() > 100, "the table was not found");
    rows
}

/// Where a test's file is: of this folder or one within it, or of a path from the workspace's root.
fn path_of(file: &str) -> PathBuf {
    if file.contains('/') {
        return package().join("..").join(file);
    }
    let (folder, name) = (package().join("tests"), format!("{file}.rs"));
    fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().join(&name))
        .find(|path| path.exists())
        .unwrap_or(folder.join(name))
}

/// Whether a file has a test of the name, as a function or as one that a macro makes of it.
fn has(text: &str, name: &str) -> bool {
    let function = format!("fn {name}(");
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let is_test = |at: usize| {
        // Other attributes may stand between.
        let before = lines[..at].iter().rev();
        let mut own = before.take_while(|line| !matches!(**line, "" | "}") && !line.ends_with('{'));
        own.any(|line| *line == "#[test]")
    };
    (0..lines.len()).any(|at| lines[at].starts_with(&function) && is_test(at))
        || (text.contains("macro_rules!") && lines.contains(&name))
}

#[test]
fn each_test_that_is_named_is_there() {
    let mut missing = Vec::new();
    for row in rows() {
        for full_name in row.names() {
            let Some((file, name)) = full_name.rsplit_once("::") else {
                missing.push(format!(
                    "line {}: `{full_name}` is no `file::name`",
                    row.line
                ));
                continue;
            };
            let text = fs::read_to_string(path_of(file)).unwrap_or_default();
            if !has(&text, name) {
                missing.push(format!("line {}: there is no test `{full_name}`", row.line));
            }
        }
    }
    assert!(missing.is_empty(), "README.md:\n{}", missing.join("\n"));
}

#[test]
fn each_behaviour_has_a_test() {
    let empty: Vec<_> = rows()
        .into_iter()
        .filter(|row| row.names().next().is_none() && !row.tests.starts_with(DOES_NOT_APPLY))
        .map(|row| format!("line {}: {}", row.line, row.behaviour))
        .collect();
    assert!(
        empty.is_empty(),
        "README.md, no test for:\n{}",
        empty.join("\n")
    );
}

#[test]
fn what_is_no_test_is_not_taken_for_one() {
    let text = "fn helper() {}\n#[test]\nfn a_test() {\n}\nfn no_test() {\n}\nmod inner {\n    #[test]\n    \
                #[ignore = \"slow\"]\n    fn another() {\n    }\n}\n";
    assert!(has(text, "a_test") && has(text, "another"));
    for none in ["helper", "a_tes", "b_test", "no_test"] {
        assert!(!has(text, none), "{none}");
    }
}
