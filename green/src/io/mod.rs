//! Pipes and other descriptors that look blocking and park the coroutine.
//!
//! * [`pipe()`], [`PipeReader`], [`PipeWriter`]: pipes, in the shape of [`std::io::pipe`].
//! * [`Descriptor`]: anything else that can be waited for.
//!
//! Sockets are in [`net`](crate::net). Regular files cannot be waited for: read and write them with
//! [`offload()`](crate::offload()).

mod descriptor;
mod mode;
mod pipe;

pub use descriptor::Descriptor;
pub use pipe::{PipeReader, PipeWriter, pipe};
