//! What both ends of a channel can see of it, and its closing.

use std::fmt;

use super::receiver::Receiver;
use super::sender::Sender;

/// The same for both ends.
macro_rules! inspect {
    ($side:ident) => {
        impl<T> $side<T> {
            /// Closes the channel for both ends: nothing more can be sent, what is in it can be
            /// received, and whoever waits is told. Says whether it was open.
            pub fn close(&self) -> bool {
                self.channel.queue.close()
            }

            /// Whether the channel is closed; there may be values left in it.
            pub fn is_closed(&self) -> bool {
                self.channel.queue.is_closed()
            }

            /// How many values are in it.
            pub fn len(&self) -> usize {
                self.channel.queue.len()
            }

            /// Whether none is.
            pub fn is_empty(&self) -> bool {
                self.channel.queue.is_empty()
            }

            /// How many values it has room for; `None` for as many as there is memory.
            pub fn capacity(&self) -> Option<usize> {
                self.channel.queue.capacity()
            }
        }

        impl<T> fmt::Debug for $side<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($side))
                    .field("len", &self.len())
                    .field("capacity", &self.capacity())
                    .field("is_closed", &self.is_closed())
                    .finish_non_exhaustive()
            }
        }
    };
}

inspect!(Sender);
inspect!(Receiver);
