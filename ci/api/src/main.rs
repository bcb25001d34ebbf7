//! Prints a library's public items, one a line, from the JSON that rustdoc writes: for ci/api.sh, which
//! compares them with those of the last release, and has rustdoc write it.
//!
//! Left out is what says nothing new: what any type has by a blanket impl, auto traits other than `Send`
//! and `Sync`, and the methods of traits that are derived.

#![forbid(unsafe_code)]

use std::io::Write;
use std::process::ExitCode;

/// The JSON is not of a version that can be read, or is none. 1 and 101 are for other failures.
const UNREADABLE: u8 = 3;

/// Auto traits that are of no concern to who uses a type on one thread or on several.
const AUTO_TRAITS: [&str; 5] = [
    "core::marker::Freeze",
    "core::marker::Unpin",
    "core::marker::UnsafeUnpin",
    "core::panic::unwind_safe::RefUnwindSafe",
    "core::panic::unwind_safe::UnwindSafe",
];

/// Methods that are there wherever the line with their trait is.
const DERIVED: [&str; 6] = [
    "::clone(&self)",
    "::cmp(&self, ",
    "::eq(&self, ",
    "::fmt(&self, ",
    "::hash<",
    "::partial_cmp(&self, ",
];

fn is_telling(item: &str) -> bool {
    let is_auto = item.starts_with("impl")
        && AUTO_TRAITS.iter().any(|name| {
            item.contains(&format!(" {name} for ")) || item.contains(&format!(" !{name} for "))
        });
    let is_derived =
        item.starts_with("pub fn") && DERIVED.iter().any(|method| item.contains(method));
    !is_auto && !is_derived && !item.contains("core::marker::StructuralPartialEq")
}

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: eventlet-api FILE.json");
        return ExitCode::FAILURE;
    };
    match public_api::Builder::from_rustdoc_json(&path)
        .omit_blanket_impls(true)
        .build()
    {
        Ok(api) => {
            let mut text = String::new();
            for item in api
                .items()
                .map(ToString::to_string)
                .filter(|item| is_telling(item))
            {
                text.push_str(&item);
                text.push('\n');
            }
            match std::io::stdout().write_all(text.as_bytes()) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => {
                    eprintln!("cannot write: {error}");
                    ExitCode::FAILURE
                }
            }
        }
        Err(error) => {
            eprintln!("{path}: {error}");
            ExitCode::from(UNREADABLE)
        }
    }
}
