//! The limit on open files: what this machine allows at most, and the question whether it is enough.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Descriptors that a measuring program needs beside those it measures.
const SPARE: u64 = 64;

/// Raises this process's limit, and that of what it starts, as far as it may.
pub fn allow_many() {
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        // Refused or not, what counts is what stands afterwards.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}

/// Whether so many can be open at once; if not, a line that says so.
///
/// # Errors
///
/// That line.
pub fn suffice(wanted: usize) -> Result<(), String> {
    let allowed = getrlimit(Resource::RLIMIT_NOFILE).map_or(0, |(soft, _)| soft);
    if wanted as u64 + SPARE <= allowed {
        return Ok(());
    }
    Err(format!(
        "{wanted} descriptors do not fit below the limit of {allowed} (`ulimit -n`)"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_said() {
        allow_many();
        assert_eq!(suffice(1), Ok(()));
        let line = suffice(usize::MAX / 2).unwrap_err();
        assert!(line.contains("ulimit -n"), "{line}");
    }
}
