//! The program's modules (itself, its shared libraries) and what they say about unwinding, as they
//! lie in memory. See dl_iterate_phdr(3), and "Exception Frames" in the Linux Standard Base.

use std::ops::Range;
use std::ptr;
use std::slice;

/// A loaded module. Addresses in the file are relative to `base`.
#[derive(Debug)]
pub(crate) struct Module {
    /// What is added to an address in the file.
    pub(crate) base: u64,
    /// Where it lies in memory.
    pub(crate) range: Range<u64>,
    /// A copy of `.eh_frame_hdr`, and where it is in the file.
    pub(crate) index: Section,
    /// A copy of `.eh_frame`, up to the end of its segment.
    pub(crate) frames: Section,
}

/// A copy of a piece of a module.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) range: Range<u64>,
    pub(crate) bytes: Vec<u8>,
}

/// A `.eh_frame_hdr` begins with its version and three encodings; the pointer to `.eh_frame` follows,
/// in all that linkers make as four bytes, relative to itself (`DW_EH_PE_pcrel | DW_EH_PE_sdata4`).
const INDEX_VERSION: u8 = 1;
const RELATIVE_4: u8 = 0x1b;
const POINTER: Range<usize> = 4..8;

/// All modules that say how to unwind them.
pub(crate) fn modules() -> Vec<Module> {
    extern "C" fn visit(
        info: *mut libc::dl_phdr_info,
        _: libc::size_t,
        found: *mut libc::c_void,
    ) -> libc::c_int {
        // SAFETY: dl_iterate_phdr passes a valid structure, and the pointer that it was given below.
        let (info, found) = unsafe { (&*info, &mut *found.cast::<Vec<Module>>()) };
        found.extend(read_module(info));
        0
    }
    let mut found = Vec::new();
    // SAFETY: `visit` is called during this call only, with the pointer that is passed here.
    unsafe { libc::dl_iterate_phdr(Some(visit), ptr::from_mut(&mut found).cast()) };
    found
}

fn read_module(info: &libc::dl_phdr_info) -> Option<Module> {
    if info.dlpi_phdr.is_null() {
        return None;
    }
    // SAFETY: the loader's own table of so many entries.
    let headers = unsafe { slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) };
    let place = |header: &libc::Elf64_Phdr| header.p_vaddr..header.p_vaddr + header.p_memsz;
    let loaded = || {
        headers
            .iter()
            .filter(|header| header.p_type == libc::PT_LOAD)
    };
    let index = place(
        headers
            .iter()
            .find(|header| header.p_type == libc::PT_GNU_EH_FRAME)?,
    );
    let index = read_section(info, loaded(), index)?;
    if index.bytes.first() != Some(&INDEX_VERSION) || index.bytes.get(1) != Some(&RELATIVE_4) {
        return None;
    }
    let pointer: [u8; 4] = index.bytes.get(POINTER)?.try_into().ok()?;
    let here = index.range.start + POINTER.start as u64;
    let start = here.checked_add_signed(i32::from_ne_bytes(pointer).into())?;
    let end = loaded()
        .map(place)
        .find(|range| range.contains(&start))?
        .end;
    let frames = read_section(info, loaded(), start..end)?;
    let first = loaded().map(|header| header.p_vaddr).min()?;
    let last = loaded().map(|header| place(header).end).max()?;
    Some(Module {
        base: info.dlpi_addr,
        range: info.dlpi_addr + first..info.dlpi_addr + last,
        index,
        frames,
    })
}

/// Copies a piece of a module that lies in one readable segment.
fn read_section<'a>(
    info: &libc::dl_phdr_info,
    mut loaded: impl Iterator<Item = &'a libc::Elf64_Phdr>,
    range: Range<u64>,
) -> Option<Section> {
    loaded.find(|segment| {
        segment.p_flags & libc::PF_R != 0
            && segment.p_vaddr <= range.start
            && range.end <= segment.p_vaddr + segment.p_memsz
    })?;
    let address = usize::try_from(info.dlpi_addr + range.start).ok()?;
    let length = usize::try_from(range.end - range.start).ok()?;
    let start: *const u8 = ptr::with_exposed_provenance(address);
    // SAFETY: within a readable segment (just looked up) of a module that stays loaded while the
    // loader calls us, and that nobody writes to: what describes frames is constant.
    let bytes = unsafe { slice::from_raw_parts(start, length) }.to_vec();
    Some(Section { range, bytes })
}
