//! What a body can be made of without a word: the same for the client's and the server's.

/// Conversions into a `Body` from what is all there, and its `Debug`. The type has `From<Bytes>`,
/// `empty` and `len`.
macro_rules! plain_body {
    ($body:ty) => {
        impl From<Vec<u8>> for $body {
            fn from(bytes: Vec<u8>) -> Self {
                bytes::Bytes::from(bytes).into()
            }
        }

        impl From<String> for $body {
            fn from(text: String) -> Self {
                bytes::Bytes::from(text).into()
            }
        }

        impl From<&'static [u8]> for $body {
            fn from(bytes: &'static [u8]) -> Self {
                bytes::Bytes::from_static(bytes).into()
            }
        }

        impl From<&'static str> for $body {
            fn from(text: &'static str) -> Self {
                text.as_bytes().into()
            }
        }

        impl From<()> for $body {
            fn from((): ()) -> Self {
                Self::empty()
            }
        }

        impl std::fmt::Debug for $body {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct("Body")
                    .field("len", &self.len())
                    .finish_non_exhaustive()
            }
        }
    };
}

pub(crate) use plain_body;
