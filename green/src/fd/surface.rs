//! What the public types over a watched descriptor have in common, written once.
//!
//! Macros, since each type has these as methods of its own, as the types of `std` do. Each type is
//! a struct with one field, `watched: Shared<…>`, over the type of `std` that it stands for. What
//! the operations do is in [`transfer`](super::transfer) and in the types' own files.

/// Handles: cloning, closing, the number, what `std` shows of it.
macro_rules! handle {
    ($type:ident over $std:ty) => {
        impl $type {
            /// Another handle to the same descriptor, with the same time limits. (The descriptor
            /// is not duplicated.)
            ///
            /// # Errors
            ///
            /// None at present; the signature is `std`'s.
            pub fn try_clone(&self) -> std::io::Result<Self> {
                Ok(self.clone())
            }

            /// Closes now, for every handle. Whoever waits on it, and every later operation, gets
            /// `NotConnected`. Closing again does nothing. (Dropping the last handle closes as
            /// well.) On Windows a connection is shut down now, but the socket, and with it a
            /// listener's port, is given back when the last handle is dropped.
            ///
            /// # Errors
            ///
            /// `EMFILE`, at the first close in a process: it opens `/dev/null` to put behind the
            /// number.
            pub fn close(&self) -> std::io::Result<()> {
                self.watched.close()
            }

            /// Calls the system through the type of `std`, once, without waiting: for what is
            /// only tried, and for what has no method here. It must stay non-blocking.
            ///
            /// # Errors
            ///
            /// What `operation` gives: `WouldBlock` where it would have had to wait.
            /// `NotConnected`: closed.
            pub fn try_with<T>(
                &self,
                operation: impl FnOnce(&$std) -> std::io::Result<T>,
            ) -> std::io::Result<T> {
                operation(self.watched.source()?)
            }
        }

        $crate::sys::descriptor::lends_descriptor!($type);

        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(&self.watched, f)
            }
        }
    };
}

/// There and back between a type and its like in `std`. `always_try`: a short read or write says
/// nothing of what is left; see `Watched::always_try`.
macro_rules! from_and_into_std {
    ($type:ident over $std:ty $(, $always_try:ident)?) => {
        impl $type {
            /// What is non-blocking already.
            pub(crate) fn watch(source: $std) -> std::io::Result<Self> {
                let watched = $crate::fd::Watched::register(source)?;
                $(watched.$always_try();)?
                Ok($type { watched })
            }

            /// Takes over what was made with `std`, and makes it non-blocking. (Anything that owns a
            /// descriptor gets there through [`OwnedFd`](std::os::fd::OwnedFd).)
            ///
            /// # Errors
            ///
            /// What the system gives for the change of mode or the registration.
            pub fn from_std(source: $std) -> std::io::Result<Self> {
                source.set_nonblocking(true)?;
                Self::watch(source)
            }

            /// Gives it back to `std`, blocking.
            ///
            /// # Errors
            ///
            /// `ResourceBusy` while there are other handles to it; `NotConnected` after
            /// [`close`](Self::close). In either case this handle is gone.
            pub fn into_std(self) -> std::io::Result<$std> {
                let source = self.watched.release()?;
                source.set_nonblocking(false)?;
                Ok(source)
            }
        }
    };
}

/// Waiting to read: its time limit, and reading by other means.
macro_rules! readable {
    ($type:ident over $std:ty) => {
        $crate::fd::direction!(
            $type over $std: Read, "read", "something to read", "to read from",
            read_timeout set_read_timeout wait_readable read_with
        );
    };
}

/// Waiting to write: its time limit, and writing by other means.
macro_rules! writable {
    ($type:ident over $std:ty) => {
        $crate::fd::direction!(
            $type over $std: Write, "write", "room to write", "to write to",
            write_timeout set_write_timeout wait_writable write_with
        );
    };
}

/// Waiting for either direction, for what reads and writes in one coroutine.
macro_rules! duplex {
    ($type:ident) => {
        impl $type {
            /// Waits until there may be something to read or room to write, as `interest` says, at
            /// most for `limit` (`None`: for ever). The time limits of single reads and writes play
            /// no part. A hint; find out with [`try_read`](Self::try_read) and
            /// [`try_write`](Self::try_write), and call this only after they gave `WouldBlock`.
            ///
            /// # Errors
            ///
            /// * `TimedOut`: the limit was over.
            /// * `NotConnected`: [closed](Self::close), before or meanwhile.
            /// * `ResourceBusy`: another coroutine waits for one of the directions.
            /// * Why the caller could not wait: see [`ParkError`](crate::ParkError).
            ///
            /// # Examples
            ///
            /// ```
            /// use eventlet_green::Interest;
            /// use eventlet_green::net::unix::UnixStream;
            ///
            /// let (near, _far) = UnixStream::pair()?;
            /// near.wait_for(Interest::BOTH, None)?;
            /// assert_eq!(near.try_write(b"x")?, 1); // There was room.
            /// # Ok::<(), std::io::Error>(())
            /// ```
            pub fn wait_for(
                &self,
                interest: $crate::Interest,
                limit: Option<std::time::Duration>,
            ) -> std::io::Result<()> {
                self.watched.wait_for(interest, limit)
            }

            /// Has a watcher begun, as `Watched::watch` does.
            pub(crate) fn watch_with(
                &self,
                watcher: std::rc::Rc<dyn $crate::Watcher>,
                deadline: impl FnOnce() -> Option<$crate::Time>,
                watched_at: &'static std::panic::Location<'static>,
            ) -> std::io::Result<()> {
                self.watched.watch(watcher, deadline, watched_at)
            }
        }
    };
}

/// What [`readable!`] and [`writable!`] are made of.
macro_rules! direction {
    (
        $type:ident over $std:ty: $direction:ident, $do:literal, $what:literal, $to:literal,
        $limit:ident $set_limit:ident $wait:ident $with:ident
    ) => {
        impl $type {
            #[doc = concat!("How long one ", $do, " may wait. Default: `None`, for ever.")]
            pub fn $limit(&self) -> Option<std::time::Duration> {
                self.watched.limit($crate::fd::Direction::$direction)
            }

            #[doc = concat!("Sets how long one ", $do, " may wait; it then gives `TimedOut`, and this")]
            /// can be used further.
            ///
            /// # Errors
            ///
            /// `InvalidInput` for zero.
            pub fn $set_limit(&self, limit: Option<std::time::Duration>) -> std::io::Result<()> {
                self.watched
                    .set_limit($crate::fd::Direction::$direction, limit)
            }

            #[doc = concat!("Waits until there may be ", $what, ", within the time limit, without a")]
            #[doc = concat!("buffer: for what is idle most of the time. A hint; the ", $do)]
            /// that follows may still wait.
            ///
            /// # Errors
            ///
            #[doc = concat!("As for [`", stringify!($with), "`](Self::", stringify!($with), ").")]
            pub fn $wait(&self) -> std::io::Result<()> {
                self.watched
                    .wait_ready($crate::fd::Direction::$direction, $crate::Wait::$direction)
            }

            #[doc = concat!("A ", $do, " by other means: calls the system through the type of `std`,")]
            /// and waits and tries again for as long as that gives `WouldBlock`. It must stay
            /// non-blocking.
            ///
            /// # Errors
            ///
            #[doc = concat!("* `TimedOut`: see [`", stringify!($set_limit), "`](Self::", stringify!($set_limit), ").")]
            /// * `NotConnected`: [closed](Self::close), before or meanwhile.
            #[doc = concat!("* `ResourceBusy`: another coroutine waits ", $to, " it.")]
            /// * What else `operation` gives.
            /// * Why the caller could not wait: see [`ParkError`](crate::ParkError).
            pub fn $with<T>(
                &self,
                operation: impl FnMut(&$std) -> std::io::Result<T>,
            ) -> std::io::Result<T> {
                self.watched
                    .exchange($crate::fd::Direction::$direction, operation)
            }
        }
    };
}

/// `Read`, for the type and for a shared reference to it.
macro_rules! byte_reader {
    ($type:ident) => {
        $crate::fd::byte_reader!(@ &$type);
        $crate::fd::byte_reader!(@ $type);

        impl $type {
            /// Reads what there is, without waiting. After `WouldBlock`,
            /// [`wait_readable`](Self::wait_readable) says when it is worth another try.
            ///
            /// # Errors
            ///
            /// `WouldBlock`: nothing to read now; it is not the end. Else as for reading.
            pub fn try_read(&self, into: &mut [u8]) -> std::io::Result<usize> {
                self.watched.try_read(into)
            }
        }
    };
    (@ $type:ty) => {
        impl std::io::Read for $type {
            #[inline]
            fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
                self.watched.read(into)
            }

            fn read_vectored(
                &mut self,
                into: &mut [std::io::IoSliceMut<'_>],
            ) -> std::io::Result<usize> {
                self.watched.read_vectored(into)
            }
        }
    };
}

/// `Write`, for the type and for a shared reference to it. Nothing is kept back, so flushing does
/// nothing.
macro_rules! byte_writer {
    ($type:ident) => {
        $crate::fd::byte_writer!(@ &$type);
        $crate::fd::byte_writer!(@ $type);

        impl $type {
            /// Writes what there is room for, without waiting. After `WouldBlock`,
            /// [`wait_writable`](Self::wait_writable) says when it is worth another try.
            ///
            /// # Errors
            ///
            /// `WouldBlock`: no room now. Else as for writing.
            pub fn try_write(&self, from: &[u8]) -> std::io::Result<usize> {
                self.watched.try_write(from)
            }
        }
    };
    (@ $type:ty) => {
        impl std::io::Write for $type {
            #[inline]
            fn write(&mut self, from: &[u8]) -> std::io::Result<usize> {
                self.watched.write(from)
            }

            fn write_vectored(
                &mut self,
                from: &[std::io::IoSlice<'_>],
            ) -> std::io::Result<usize> {
                self.watched.write_vectored(from)
            }

            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
    };
}

/// Accepting, for a type that gives `$stream`s from an `$address`.
macro_rules! listener {
    ($type:ident over $std:ty, gives $stream:ident and $address:ty) => {
        impl $type {
            /// Waits for a connection.
            ///
            /// A connection that was given up before it was accepted is passed over.
            ///
            /// # Errors
            ///
            /// * `TimedOut`: see [`set_accept_timeout`](Self::set_accept_timeout).
            /// * `NotConnected`: the listener was closed.
            /// * `ResourceBusy`: another coroutine waits in `accept` on this listener.
            /// * What the system gives: no descriptor is left (`EMFILE`, `ENFILE`), no memory. The
            ///   listener can be used further; wait a little first, since the connection is still
            ///   there.
            /// * Why the caller could not wait: see [`ParkError`](crate::ParkError).
            pub fn accept(&self) -> std::io::Result<($stream, $address)> {
                let (stream, peer) = $crate::net::accept::once(&self.watched, <$std>::accept)?;
                Ok(($stream::from_std(stream)?, peer))
            }

            /// [`accept`](Self::accept), but when the process is out of descriptors or memory, or
            /// the network has failed the connection, waits and tries again: after 10 ms at first,
            /// then twice as long each time, up to a second. See accept(2). A connection that the
            /// hub has no room for (`select` beyond `FD_SETSIZE`) is turned away, and that counts
            /// as a shortage.
            ///
            /// # Errors
            ///
            /// As for [`accept`](Self::accept), without what passes.
            pub fn accept_patiently(&self) -> std::io::Result<($stream, $address)> {
                $crate::net::accept::patiently(&self.watched, <$std>::accept, $stream::from_std)
            }

            /// The connections as they come, without end: each item is what
            /// [`accept`](Self::accept) gives.
            pub fn incoming(&self) -> Incoming<'_> {
                Incoming { listener: self }
            }

            /// How long one `accept` may wait. Default: `None`, for ever.
            pub fn accept_timeout(&self) -> Option<std::time::Duration> {
                self.watched.limit($crate::fd::Direction::Read)
            }

            /// Sets how long one `accept` may wait; it then gives `TimedOut`.
            ///
            /// # Errors
            ///
            /// `InvalidInput` for zero.
            pub fn set_accept_timeout(
                &self,
                limit: Option<std::time::Duration>,
            ) -> std::io::Result<()> {
                self.watched.set_limit($crate::fd::Direction::Read, limit)
            }

            /// Waits until there may be a connection to accept, within the time limit. A hint; the
            /// `accept` that follows may still wait.
            ///
            /// # Errors
            ///
            /// As for [`accept`](Self::accept).
            pub fn wait_readable(&self) -> std::io::Result<()> {
                self.watched
                    .wait_ready($crate::fd::Direction::Read, $crate::Wait::Accept)
            }
        }

        #[doc = concat!("The connections of a [`", stringify!($type), "`], as they come.")]
        #[derive(Debug)]
        pub struct Incoming<'a> {
            listener: &'a $type,
        }

        impl Iterator for Incoming<'_> {
            type Item = std::io::Result<$stream>;

            fn next(&mut self) -> Option<Self::Item> {
                Some(self.listener.accept().map(|(stream, _)| stream))
            }
        }
    };
}

/// Methods that are those of the `std` type, which do not wait.
macro_rules! options {
    ($type:ident: $($(#[$doc:meta])+ fn $name:ident($($argument:ident: $of:ty),*) -> $result:ty;)+) => {
        impl $type {
            $(
                $(#[$doc])+
                ///
                /// # Errors
                ///
                /// What the system gives; `NotConnected` after [`close`](Self::close).
                pub fn $name(&self, $($argument: $of),*) -> std::io::Result<$result> {
                    self.watched.source()?.$name($($argument),*)
                }
            )+
        }
    };
}

pub(crate) use {
    byte_reader, byte_writer, direction, duplex, from_and_into_std, handle, listener, options,
    readable, writable,
};
