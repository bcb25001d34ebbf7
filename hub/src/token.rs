//! What ties an event to its registration: a slot and the generation of its tenant.
//!
//! A slot is a small number that is used again once its registration has ended; the generation
//! says which of the slot's tenants is meant. An event that the kernel queued for an earlier tenant
//! therefore never reaches the next one. Handing tokens out is the job of
//! [`Sources`](crate::Sources), or of whoever drives a bare hub.

use std::fmt;

/// The name a descriptor was registered under; every event carries it back.
///
/// Slots index tables inside of level-triggered hubs, so keep them small and dense.
///
/// # Examples
///
/// ```
/// use eventlet_hub::Token;
///
/// let first = Token::new(7, 0);
/// let next_tenant = Token::new(7, 1);
/// assert_eq!(first.slot(), next_tenant.slot());
/// assert_ne!(first, next_tenant);
/// assert_eq!(Token::from_u64(first.to_u64()), first);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token {
    slot: u32,
    generation: u32,
}

impl Token {
    /// The highest slot a token may have. The numbers above it are kept for the hubs' own use
    /// (their wakers).
    pub const MAX_SLOT: u32 = u32::MAX - 16;

    /// Reserved for the waker of a hub: never registered by a caller, never reported to one.
    pub const WAKER: Token = Token {
        slot: u32::MAX,
        generation: u32::MAX,
    };

    /// Makes a token of a slot and a generation.
    ///
    /// # Panics
    ///
    /// If `slot` is above [`Token::MAX_SLOT`].
    pub const fn new(slot: u32, generation: u32) -> Self {
        assert!(
            slot <= Self::MAX_SLOT,
            "a token's slot is at most Token::MAX_SLOT"
        );
        Token { slot, generation }
    }

    /// Undoes [`to_u64`](Self::to_u64), for what a kernel hands back.
    pub const fn from_u64(packed: u64) -> Self {
        Token {
            slot: packed as u32,
            generation: (packed >> u32::BITS) as u32,
        }
    }

    /// The table slot this token names.
    pub const fn slot(self) -> u32 {
        self.slot
    }

    /// Which tenant of the slot is meant.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_hub::Token;
    ///
    /// let tenant = Token::new(7, 41);
    /// let next = Token::new(tenant.slot(), tenant.generation() + 1);
    /// assert_eq!(next, Token::new(7, 42));
    /// ```
    pub const fn generation(self) -> u32 {
        self.generation
    }

    /// As much of [`to_u64`](Self::to_u64) as a machine word holds, for kernels whose user data is as
    /// wide as a pointer: all of it on 64-bit systems, the slot on others. Undone by
    /// [`Registry::token_of_word`](crate::registry::Registry::token_of_word).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_hub::Token;
    ///
    /// let token = Token::new(7, 1);
    /// if cfg!(target_pointer_width = "64") {
    ///     assert_eq!(token.to_word() as u64, token.to_u64());
    /// } else {
    ///     assert_eq!(token.to_word(), 7);
    /// }
    /// ```
    #[inline]
    pub const fn to_word(self) -> usize {
        self.to_u64() as usize
    }

    /// Both numbers in one word (generation above slot), as a kernel's user data.
    pub const fn to_u64(self) -> u64 {
        (self.generation as u64) << u32::BITS | self.slot as u64
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::WAKER {
            return f.write_str("Token(waker)");
        }
        write!(f, "Token({}.{})", self.slot, self.generation)
    }
}
