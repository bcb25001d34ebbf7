//! What a handle for log lines has of [`Write`](std::io::Write): the same wherever the lines go to.

/// `Write` for a handle and for its reference, each write being one or more whole lines. The type has
/// `write_lines(&self, &[u8])`, which cannot fail; what is said before the type stands at both
/// `flush`, which does nothing.
macro_rules! line_writer {
    ($(#[$flush:meta])* $handle:ty) => {
        impl std::io::Write for &$handle {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                self.write_lines(bytes);
                Ok(bytes.len())
            }

            fn write_fmt(&mut self, arguments: std::fmt::Arguments<'_>) -> std::io::Result<()> {
                // In one piece: what is formatted comes in many.
                self.write_lines(arguments.to_string().as_bytes());
                Ok(())
            }

            $(#[$flush])*
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }

        impl std::io::Write for $handle {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                std::io::Write::write(&mut &*self, bytes)
            }

            fn write_fmt(&mut self, arguments: std::fmt::Arguments<'_>) -> std::io::Result<()> {
                std::io::Write::write_fmt(&mut &*self, arguments)
            }

            $(#[$flush])*
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
    };
}

pub(crate) use line_writer;
