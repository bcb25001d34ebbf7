//! What memory a process takes, and how often it wakes up (Linux).
//!
//! Memory is what is resident plus the page tables that map it (`VmRSS` and `VmPTE` of
//! `/proc/PID/status`, proc_pid_status(5)): a stack of its own for each coroutine costs in both. What the
//! kernel keeps for sockets is not in it, and is the same for everybody.

use std::fs;
use std::io;

/// What a process takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Bytes of pages that are present.
    pub resident: u64,
    /// Bytes of page tables.
    pub tables: u64,
}

impl Memory {
    /// Of a process; `"self"` is this one.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such process; `InvalidData` when the kernel does not tell.
    pub fn of(pid: impl ToString) -> io::Result<Memory> {
        let status = status(&pid.to_string())?;
        let bytes = |name| Ok::<u64, io::Error>(field(&status, name)? * 1024);
        Ok(Memory {
            resident: bytes("VmRSS:")?,
            tables: bytes("VmPTE:")?,
        })
    }

    /// What has been added since `before`.
    #[must_use]
    pub fn since(self, before: Memory) -> Memory {
        Memory {
            resident: self.resident.saturating_sub(before.resident),
            tables: self.tables.saturating_sub(before.tables),
        }
    }

    /// All told, in bytes.
    pub fn total(self) -> u64 {
        self.resident + self.tables
    }
}

/// How often the first thread of a process has gone to sleep: once for each wake-up, but for the first.
///
/// # Errors
///
/// As for [`Memory::of`].
pub fn naps(pid: u32) -> io::Result<u64> {
    field(&status(&pid.to_string())?, "voluntary_ctxt_switches:")
}

fn status(pid: &str) -> io::Result<String> {
    fs::read_to_string(format!("/proc/{pid}/status"))
}

fn field(status: &str, name: &str) -> io::Result<u64> {
    status
        .lines()
        .find_map(|line| {
            line.strip_prefix(name)?
                .split_whitespace()
                .next()?
                .parse()
                .ok()
        })
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("no {name} in status")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_touched_is_counted() {
        const SIZE: usize = 32 << 20;
        let before = Memory::of("self").unwrap();
        let touched = vec![7_u8; SIZE];
        let grown = Memory::of("self").unwrap().since(before);
        assert!(grown.resident > SIZE as u64 / 2, "{grown:?}");
        assert_eq!(grown.total(), grown.resident + grown.tables);
        drop(touched);
    }

    #[test]
    fn no_process_no_memory() {
        let error = Memory::of(u32::MAX).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert_eq!(naps(u32::MAX).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
