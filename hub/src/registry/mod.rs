//! Who is registered: slot → descriptor and generation, descriptor → slot.
//!
//! The one table every hub needs to refuse a descriptor or a slot that is taken, and a token that
//! is unknown or belongs to a former tenant. What a hub must remember beside that (where the
//! descriptor stands in its array, what is armed) is the type parameter. No system call is made here.
//!
//! Where a descriptor stands in the table, by its number:
//!
//! * `dense`: by the number as an index; Unix.
//! * `sparse`: in a map; Windows, whose sockets have any numbers.

#[cfg(unix)]
pub(crate) mod dense;
#[cfg(any(windows, test))]
pub(crate) mod sparse;

use std::io;

use crate::fd::RawFd;
use crate::sys::Places;
use crate::{Token, error};

/// A table of registrations, each with a hub's own note `N`.
///
/// Look-ups, insertions and removals are O(1); memory is proportional to the highest slot and the
/// highest descriptor number seen. (On Windows those by descriptor are O(log n), and memory does not
/// depend on its number.)
///
/// # Examples
///
/// ```
/// use eventlet_hub::{Token, registry::Registry};
///
/// let mut registry = Registry::new();
/// let token = Token::new(0, 0);
/// registry.insert(3, token, "a note")?;
/// assert_eq!(registry.by_descriptor(3), Some(token));
/// assert!(registry.insert(3, Token::new(1, 0), "twice").is_err());
/// assert_eq!(registry.remove(token)?.note, "a note");
/// assert!(registry.entry(token).is_err());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Registry<N> {
    slots: Vec<Option<Entry<N>>>,
    /// The slot of each descriptor.
    ///
    /// Invariant: that of `fd` is `slot` exactly if `slots[slot]` is occupied with that `fd`.
    by_descriptor: Places,
    live: usize,
}

/// One registration.
///
/// # Examples
///
/// ```
/// use eventlet_hub::{Interest, Token, registry::Registry};
///
/// let mut registry = Registry::new();
/// let token = Token::new(0, 0);
/// registry.insert(3, token, None)?;
/// let entry = registry.entry(token)?;
/// assert_eq!(entry.fd, 3);
/// entry.note = Some(Interest::READABLE);
/// assert_eq!(registry.remove(token)?.note, Some(Interest::READABLE));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<N> {
    /// The descriptor's number.
    pub fd: RawFd,
    /// Which tenant of the slot it is.
    generation: u32,
    /// What the hub remembers.
    pub note: N,
}

impl<N> Registry<N> {
    /// An empty table.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_hub::registry::Registry;
    ///
    /// let registry = Registry::<()>::new();
    /// assert!(registry.is_empty());
    /// ```
    pub const fn new() -> Self {
        Registry {
            slots: Vec::new(),
            by_descriptor: Places::new(),
            live: 0,
        }
    }

    /// Adds a registration.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` if the descriptor or the token's slot has one; `OutOfMemory` if the table
    /// cannot grow to the slot's number; `InvalidInput` for a negative descriptor. Nothing is
    /// changed then.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_hub::{Token, registry::Registry};
    /// use std::io::ErrorKind;
    ///
    /// let mut registry = Registry::new();
    /// registry.insert(3, Token::new(0, 0), ())?;
    /// // The slot is taken, whatever the generation.
    /// let error = registry.insert(4, Token::new(0, 1), ()).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn insert(&mut self, fd: RawFd, token: Token, note: N) -> io::Result<()> {
        Places::check(fd)?;
        if self.by_descriptor(fd).is_some() {
            return Err(error::descriptor_twice(fd));
        }
        let slot = token.slot() as usize;
        if matches!(self.slots.get(slot), Some(Some(_))) {
            return Err(error::slot_taken(token));
        }
        grow(&mut self.slots, slot, || None)?;
        self.by_descriptor.make_room(fd)?;
        self.slots[slot] = Some(Entry {
            fd,
            generation: token.generation(),
            note,
        });
        self.by_descriptor.put(fd, token.slot());
        self.live += 1;
        Ok(())
    }

    /// Takes a registration out.
    ///
    /// # Errors
    ///
    /// `NotFound` if the token is not registered (any more).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_hub::{Token, registry::Registry};
    /// use std::io::ErrorKind;
    ///
    /// let mut registry = Registry::new();
    /// let token = Token::new(0, 0);
    /// registry.insert(3, token, ())?;
    /// assert_eq!(registry.remove(token)?.fd, 3);
    /// assert_eq!(registry.remove(token).unwrap_err().kind(), ErrorKind::NotFound);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn remove(&mut self, token: Token) -> io::Result<Entry<N>> {
        self.entry(token)?;
        let entry = self.slots[token.slot() as usize]
            .take()
            .ok_or_else(|| error::unknown_token(token))?;
        self.by_descriptor.take(entry.fd);
        self.live -= 1;
        Ok(entry)
    }

    /// The registration of a token, to change its note.
    ///
    /// # Errors
    ///
    /// As for [`remove`](Self::remove).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_hub::{Token, registry::Registry};
    ///
    /// let mut registry = Registry::new();
    /// let token = Token::new(0, 0);
    /// registry.insert(3, token, 0)?;
    /// registry.entry(token)?.note += 1;
    /// assert_eq!(registry.entry(token)?.note, 1);
    /// // Not the tenant after it.
    /// assert!(registry.entry(Token::new(0, 1)).is_err());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[inline]
    pub fn entry(&mut self, token: Token) -> io::Result<&mut Entry<N>> {
        match self.slots.get_mut(token.slot() as usize) {
            Some(Some(entry)) if entry.generation == token.generation() => Ok(entry),
            _ => Err(error::unknown_token(token)),
        }
    }

    /// Whose descriptor it is.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_hub::{Token, registry::Registry};
    ///
    /// let mut registry = Registry::new();
    /// registry.insert(3, Token::new(0, 5), ())?;
    /// assert_eq!(registry.by_descriptor(3), Some(Token::new(0, 5)));
    /// assert_eq!(registry.by_descriptor(4), None);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn by_descriptor(&self, fd: RawFd) -> Option<Token> {
        let slot = self.by_descriptor.slot_of(fd)?;
        let entry = self.slots.get(slot as usize)?.as_ref()?;
        Some(Token::new(slot, entry.generation))
    }

    /// The token behind a machine word that a kernel was given with a registration
    /// ([`Token::to_word`]) and hands back with its event.
    ///
    /// Where a word holds the whole token, that is what comes back, whether it is still registered or
    /// not. Narrower words hold the slot; then it is the slot's present tenant, so a stale event is a
    /// spurious one for that tenant: a hint that comes to nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_hub::{Token, registry::Registry};
    ///
    /// let mut registry = Registry::new();
    /// let token = Token::new(2, 7);
    /// registry.insert(3, token, ())?;
    /// let word = token.to_word(); // What the kernel is given, and hands back.
    /// assert_eq!(registry.token_of_word(word), Some(token));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[inline]
    pub fn token_of_word(&self, word: usize) -> Option<Token> {
        if size_of::<usize>() >= size_of::<u64>() {
            return Some(Token::from_u64(word as u64));
        }
        self.tenant(word)
    }

    /// Who has a slot.
    fn tenant(&self, slot: usize) -> Option<Token> {
        let entry = self.slots.get(slot)?.as_ref()?;
        Some(Token::new(slot as u32, entry.generation))
    }

    /// How many registrations there are.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_hub::{Token, registry::Registry};
    ///
    /// let mut registry = Registry::new();
    /// registry.insert(3, Token::new(9, 0), ())?;
    /// assert_eq!(registry.len(), 1, "slots nobody has do not count");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn len(&self) -> usize {
        self.live
    }

    /// Whether there is none.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_hub::{Token, registry::Registry};
    ///
    /// let mut registry = Registry::new();
    /// let token = Token::new(0, 0);
    /// registry.insert(3, token, ())?;
    /// assert!(!registry.is_empty());
    /// registry.remove(token)?;
    /// assert!(registry.is_empty());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }
}

impl<N> Default for Registry<N> {
    fn default() -> Self {
        Self::new()
    }
}

/// Makes `index` valid. A caller's absurd slot number is an error, not the end of the process.
fn grow<T>(table: &mut Vec<T>, index: usize, vacant: impl FnMut() -> T) -> io::Result<()> {
    if index >= table.len() {
        table
            .try_reserve(index + 1 - table.len())
            .map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
        table.resize_with(index + 1, vacant);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_word_names_the_present_tenant_of_its_slot() {
        let mut registry = Registry::new();
        let token = Token::new(2, 7);
        registry.insert(5, token, ()).expect("insert");
        // What a system with 32-bit words has left of the token.
        let narrow = token.to_u64() as u32 as usize;
        assert_eq!(registry.tenant(narrow), Some(token));
        assert_eq!(registry.tenant(1), None);
        assert_eq!(registry.tenant(3), None);
        assert_eq!(registry.token_of_word(token.to_word()), Some(token));
    }
}
