//! A message: text or bytes. Pings, pongs and closes are not messages here; they are answered without
//! the program.

use bytes::Bytes;
use tungstenite::Utf8Bytes;

/// A message. Cloning one does not copy its bytes.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::websocket::Message;
///
/// assert_eq!(Message::from("text").as_text(), Some("text"));
/// assert_eq!(Message::from(vec![1, 2, 3]).as_text(), None);
/// assert_eq!(Message::from("text").len(), 4);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Text.
    Text(Utf8Bytes),
    /// Bytes.
    Binary(Bytes),
}

impl Message {
    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Message::Text(text) => Some(text.as_str()),
            Message::Binary(_) => None,
        }
    }

    /// The bytes, of text in UTF-8.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::websocket::Message;
    ///
    /// let text = Message::from("grün");
    /// assert_eq!((text.as_bytes(), text.len(), text.is_empty()), ("grün".as_bytes(), 5, false));
    /// ```
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Message::Text(text) => text.as_str().as_bytes(),
            Message::Binary(bytes) => bytes,
        }
    }

    /// How many bytes it has.
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl From<Message> for tungstenite::Message {
    fn from(message: Message) -> Self {
        match message {
            Message::Text(text) => tungstenite::Message::Text(text),
            Message::Binary(bytes) => tungstenite::Message::Binary(bytes),
        }
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Message::Text(text.into())
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Message::Text(text.into())
    }
}

impl From<Utf8Bytes> for Message {
    fn from(text: Utf8Bytes) -> Self {
        Message::Text(text)
    }
}

impl From<Bytes> for Message {
    fn from(bytes: Bytes) -> Self {
        Message::Binary(bytes)
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Message::Binary(bytes.into())
    }
}

impl From<&[u8]> for Message {
    fn from(bytes: &[u8]) -> Self {
        Message::Binary(Bytes::copy_from_slice(bytes))
    }
}
