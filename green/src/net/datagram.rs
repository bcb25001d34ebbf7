//! What the two kinds of datagram sockets have in common, as a macro; see the other such macros in
//! `fd::surface`.

/// Datagrams from and to the one peer of a connected socket.
macro_rules! datagrams {
    ($type:ident) => {
        impl $type {
            /// Waits for a datagram from the [connected](Self::connect) peer and gives its length.
            /// What does not fit into the buffer is lost.
            ///
            /// # Errors
            ///
            /// As for [`read_with`](Self::read_with). An error that an earlier send of this socket
            /// caused (`ConnectionRefused`) is reported here, once.
            pub fn recv(&self, into: &mut [u8]) -> std::io::Result<usize> {
                self.read_with(|socket| socket.recv(into))
            }

            /// Sends a datagram to the [connected](Self::connect) peer, and waits until the kernel
            /// has room for it.
            ///
            /// # Errors
            ///
            /// As for [`write_with`](Self::write_with); `NotConnected` or `EDESTADDRREQ` without a
            /// peer, `EMSGSIZE` for more than fits.
            pub fn send(&self, datagram: &[u8]) -> std::io::Result<usize> {
                self.write_with(|socket| socket.send(datagram))
            }
        }
    };
}

pub(crate) use datagrams;
