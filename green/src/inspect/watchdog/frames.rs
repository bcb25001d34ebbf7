//! The frames of a copied stack, with their names: all of it on the watchdog's own thread.

use std::ffi::c_void;
use std::fmt;
use std::path::PathBuf;
use std::ptr;

use framehop::{
    CacheNative, ExplicitModuleSectionInfo, MayAllocateDuringUnwind, Module, UnwindRegsNative,
    Unwinder, UnwinderNative,
};

use crate::inspect::backtrace::BASES;
use crate::sys::interrupt::{Registers, Seen};
use crate::sys::modules::modules;

/// Deeper stacks are cut: endless recursion is told from the first frames.
const MOST_FRAMES: usize = 256;

/// How wide a word of a stack is, in bytes.
const WORD: usize = size_of::<u64>();

/// A function that was under way, or was inlined into one.
///
/// # Examples
///
/// ```
/// use eventlet_green::StackFrame;
///
/// /// For a log: `the::function (file.rs:7)`, with as much as is known.
/// fn line(frame: &StackFrame) -> String {
///     match (frame.file(), frame.line()) {
///         (Some(file), Some(line)) => format!("{} ({}:{line})", frame.function(), file.display()),
///         _ => frame.function().to_owned(),
///     }
/// }
/// # let _ = line;
/// ```
#[derive(Clone, Debug)]
pub struct StackFrame {
    function: String,
    place: Option<(PathBuf, Option<u32>)>,
}

impl StackFrame {
    /// The function's name; its address where it has none.
    pub fn function(&self) -> &str {
        &self.function
    }

    /// The source file, where the program has debug information.
    pub fn file(&self) -> Option<&std::path::Path> {
        self.place.as_ref().map(|(file, _)| &**file)
    }

    /// The line in it.
    pub fn line(&self) -> Option<u32> {
        self.place.as_ref()?.1
    }
}

impl fmt::Display for StackFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.function)?;
        if let Some(file) = self.file() {
            write!(f, "\n             at {}", file.display())?;
        }
        if let Some(line) = self.line() {
            write!(f, ":{line}")?;
        }
        Ok(())
    }
}

/// The frames of what was seen, the innermost first.
pub(super) fn frames(seen: &Seen) -> Vec<StackFrame> {
    let mut frames = Vec::new();
    for address in addresses(seen) {
        resolve(address, &mut frames);
        let is_base = |frame: &StackFrame| BASES.iter().any(|base| frame.function.contains(base));
        if let Some(base) = frames.iter().position(is_base) {
            frames.truncate(base);
            break;
        }
    }
    frames
}

/// The addresses of the instructions that were under way. An unwinder that is led astray ends.
fn addresses(seen: &Seen) -> Vec<u64> {
    let mut unwinder = UnwinderNative::<Vec<u8>, MayAllocateDuringUnwind>::new();
    for (number, module) in modules().into_iter().enumerate() {
        let sections = ExplicitModuleSectionInfo {
            base_svma: 0,
            eh_frame_svma: Some(module.frames.range),
            eh_frame: Some(module.frames.bytes),
            eh_frame_hdr_svma: Some(module.index.range),
            eh_frame_hdr: Some(module.index.bytes),
            ..Default::default()
        };
        unwinder.add_module(Module::new(
            number.to_string(),
            module.range,
            module.base,
            sections,
        ));
    }
    let Registers { pc, sp, .. } = seen.registers;
    let mut read_word = |address: u64| {
        let offset = usize::try_from(address.checked_sub(sp).ok_or(())?).map_err(|_| ())?;
        let end = offset.checked_add(WORD).ok_or(())?;
        let word = seen.stack.get(offset..end).ok_or(())?;
        Ok(u64::from_ne_bytes(word.try_into().map_err(|_| ())?))
    };
    let mut cache = CacheNative::<MayAllocateDuringUnwind>::new();
    let mut found = unwinder.iter_frames(pc, registers(seen.registers), &mut cache, &mut read_word);
    let mut addresses = Vec::new();
    while let Ok(Some(frame)) = found.next()
        && addresses.len() < MOST_FRAMES
    {
        addresses.push(frame.address_for_lookup());
    }
    addresses
}

#[cfg(target_arch = "x86_64")]
fn registers(seen: Registers) -> UnwindRegsNative {
    UnwindRegsNative::new(seen.pc, seen.sp, seen.fp)
}

#[cfg(target_arch = "aarch64")]
fn registers(seen: Registers) -> UnwindRegsNative {
    UnwindRegsNative::new(seen.lr, seen.sp, seen.fp)
}

/// Adds what an address is called: the functions that were inlined there, then the one it is in.
fn resolve(address: u64, frames: &mut Vec<StackFrame>) {
    let known = frames.len();
    let pointer: *mut c_void = ptr::without_provenance_mut(address as usize);
    backtrace::resolve(pointer, |symbol| {
        let function = match symbol.name() {
            // Without the hash.
            Some(name) => format!("{name:#}"),
            None => return,
        };
        frames.push(StackFrame {
            function,
            place: symbol
                .filename()
                .map(|file| (file.to_owned(), symbol.lineno())),
        });
    });
    if frames.len() == known {
        frames.push(StackFrame {
            function: format!("{address:#x}"),
            place: None,
        });
    }
}
