//! Slots that keep their number while in use, and whose memory is given back once unused.
//!
//! Values lie in chunks of [`CHUNK`] slots. A chunk that has become empty is freed, but for one
//! that is kept at hand, so that a count that moves to and fro across a chunk's border allocates
//! nothing. Whether a slot's tenant is the one meant is for the caller to know (timers carry a sequence
//! number for that).

/// Slots per chunk: 12 KiB of timers, a size that allocators recycle well.
const CHUNK: usize = 256;
const CHUNK_BITS: u32 = CHUNK.trailing_zeros();
/// The highest slot numbers are left for the callers' marks.
const MAX_CHUNKS: u32 = (1 << (u32::BITS - CHUNK_BITS)) - 1;
/// Ends a chunk's chain of vacant slots.
const CHAIN_END: u32 = u32::MAX;

struct Slot<T> {
    value: Option<T>,
    /// While vacant: the next vacant slot of the chunk.
    next: u32,
}

struct Chunk<T> {
    slots: Box<[Slot<T>; CHUNK]>,
    /// Head of the chain of vacant slots.
    vacant: u32,
    live: u32,
}

impl<T> Chunk<T> {
    fn new() -> Self {
        let slots: Vec<Slot<T>> = (1..=CHUNK as u32)
            .map(|next| Slot {
                value: None,
                next: if next == CHUNK as u32 {
                    CHAIN_END
                } else {
                    next
                },
            })
            .collect();
        let Ok(slots) = slots.into_boxed_slice().try_into() else {
            unreachable!("as many slots as a chunk has");
        };
        Chunk {
            slots,
            vacant: 0,
            live: 0,
        }
    }
}

/// The table.
pub(crate) struct Slab<T> {
    /// `None`: a chunk that holds nothing at the moment.
    chunks: Vec<Option<Chunk<T>>>,
    /// The chunks with room, empty ones included; the last is filled first.
    open: Vec<u32>,
    spare: Option<Chunk<T>>,
    live: usize,
}

impl<T> Slab<T> {
    pub(crate) fn new() -> Self {
        Slab {
            chunks: Vec::new(),
            open: Vec::new(),
            spare: None,
            live: 0,
        }
    }

    /// Puts a value into a vacant slot.
    #[inline]
    pub(crate) fn insert(&mut self, value: T) -> u32 {
        let index = match self.open.last() {
            Some(&index) => index,
            None => {
                let index = self.chunks.len() as u32;
                assert!(index < MAX_CHUNKS, "the table is full");
                self.chunks.push(None);
                self.open.push(index);
                index
            }
        };
        let chunk = self.chunks[index as usize]
            .get_or_insert_with(|| self.spare.take().unwrap_or_else(Chunk::new));
        let place = chunk.vacant;
        let slot = &mut chunk.slots[place as usize % CHUNK];
        chunk.vacant = slot.next;
        slot.value = Some(value);
        chunk.live += 1;
        if chunk.vacant == CHAIN_END {
            self.open.pop();
        }
        self.live += 1;
        index << CHUNK_BITS | place
    }

    /// Empties an occupied slot.
    #[inline]
    pub(crate) fn take(&mut self, slot: u32) -> Option<T> {
        let index = (slot >> CHUNK_BITS) as usize;
        let place = slot as usize % CHUNK;
        let chunk = self.chunks.get_mut(index)?.as_mut()?;
        let value = chunk.slots[place].value.take()?;
        if chunk.vacant == CHAIN_END {
            self.open.push(index as u32);
        }
        chunk.slots[place].next = chunk.vacant;
        chunk.vacant = place as u32;
        chunk.live -= 1;
        self.live -= 1;
        if chunk.live == 0 {
            self.give_back(index);
        }
        Some(value)
    }

    /// Frees an empty chunk, or keeps it at hand.
    fn give_back(&mut self, index: usize) {
        let emptied = self.chunks[index].take();
        if self.spare.is_none() {
            self.spare = emptied;
        }
        if self.live == 0 && self.chunks.len() > CHUNK {
            // Nobody uses any number: the tables of chunks may go too.
            self.chunks = Vec::new();
            self.open = Vec::new();
        }
    }

    #[inline]
    pub(crate) fn get(&self, slot: u32) -> Option<&T> {
        let chunk = self.chunks.get((slot >> CHUNK_BITS) as usize)?.as_ref()?;
        chunk.slots[slot as usize % CHUNK].value.as_ref()
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, slot: u32) -> Option<&mut T> {
        let chunk = self.chunks.get_mut((slot >> CHUNK_BITS) as usize)?;
        chunk.as_mut()?.slots[slot as usize % CHUNK].value.as_mut()
    }

    /// The values, by slot.
    pub(crate) fn values(&self) -> impl Iterator<Item = &T> {
        let chunks = self.chunks.iter().flatten();
        chunks.flat_map(|chunk| chunk.slots.iter().filter_map(|slot| slot.value.as_ref()))
    }

    pub(crate) fn len(&self) -> usize {
        self.live
    }

    /// How many slots memory is held for.
    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        let chunks = self.chunks.iter().flatten().count() + usize::from(self.spare.is_some());
        chunks * CHUNK
    }
}

/// Bytes per slot.
#[cfg(test)]
pub(crate) const fn slot_size<T>() -> usize {
    size_of::<Slot<T>>()
}
