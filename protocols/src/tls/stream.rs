//! A TLS connection in the shape of a socket: reads and writes that park the coroutine.
//!
//! What it does is in [`transfer`](super::transfer); TLS itself in [`session`](super::session).

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use eventlet_green::net::Stream;
use eventlet_green::{Builder, Watcher};
use rustls::pki_types::CertificateDer;

use super::info::TlsInfo;
use super::session::Session;
use super::settings::TlsVersion;
use super::transfer::{Unfinished, after};

/// A TLS connection over a stream `S`, made by a [`TlsAcceptor`](super::TlsAcceptor) or a
/// [`TlsConnector`](super::TlsConnector).
///
/// `Read` and `Write` are there for the type and for a shared reference, so one coroutine can read
/// while another writes; one reader and one writer may wait at a time, a second of a kind is refused
/// with `ResourceBusy`. What differs from a socket:
///
/// * The end of the stream is what the peer has said to be the end (`close_notify`). If its bytes end
///   without that, reads give `UnexpectedEof` ([`TlsError::Truncated`](super::TlsError::Truncated)): somebody may have cut the
///   connection. (Protocols that know the length of what they read may not mind.)
/// * Dropping it says nothing to the peer, nor does [`close`](Self::close), since what has been sent
///   may not be all: the peer then sees that truncation. Say `close_notify` with
///   [`shutdown`](Self::shutdown) when all is sent.
/// * A write encrypts up to 16 KiB, and has done it when all of that is sent. One that fails with
///   `TimedOut` may have sent a part: what is written next has to begin with the same bytes, and
///   goes on where it was; other bytes give `InvalidInput`.
/// * The time limits of the stream below are used for those of this one.
///
/// An idle connection holds no buffer.
///
/// # Examples
///
/// ```
/// use eventlet_green::net::unix::UnixStream;
/// use eventlet_protocols::tls::{Identity, Roots, TlsAcceptor, TlsConnector, TlsStream, TlsVersion};
/// use std::io::{Read, Write};
/// use std::net::Shutdown;
/// use std::time::Duration;
///
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
/// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// let acceptor = TlsAcceptor::builder(Identity::from_pem(&chain, &key)?).alpn(["echo"]).build()?;
/// let (near, far) = UnixStream::pair()?;
/// let server = eventlet_green::spawn(move || acceptor.accept(far));
/// let connector = TlsConnector::builder().roots(Roots::from_pem(&chain)?).alpn(["echo"]).build()?;
/// let client: TlsStream<UnixStream> = connector.connect("localhost", near)?;
/// let server = server.join().unwrap()?;
///
/// assert_eq!(client.alpn().as_deref(), Some(&b"echo"[..]));
/// assert_eq!(client.version(), Some(TlsVersion::Tls13));
/// assert_eq!(server.server_name(), Some("localhost"));
/// assert!(client.cipher_suite().is_some() && !client.is_resumed());
/// assert_eq!(client.peer_certificates().map(|chain| chain.len()), Some(1));
/// assert_eq!(server.info().alpn, client.info().alpn); // All of it, to be kept.
///
/// client.set_read_timeout(Some(Duration::from_secs(5)))?;
/// client.set_write_timeout(Some(Duration::from_secs(5)))?;
/// assert_eq!(client.read_timeout(), client.write_timeout());
/// let mut writer = client.try_clone()?; // While the other one reads.
/// writer.write_all(b"hello")?;
/// writer.shutdown(Shutdown::Write)?; // Says that this was all.
/// let mut text = String::new();
/// (&server).read_to_string(&mut text)?;
/// assert_eq!(text, "hello");
/// let _: &UnixStream = client.socket();
/// client.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TlsStream<S>(pub(super) Rc<Inner<S>>);

pub(super) struct Inner<S> {
    pub(super) socket: S,
    pub(super) session: RefCell<Session>,
    pub(super) read_limit: Cell<Option<Duration>>,
    pub(super) write_limit: Cell<Option<Duration>>,
    /// Somebody sends what is in `outgoing`, and may be waiting.
    pub(super) is_writing: Cell<bool>,
    /// Of a server: the name that the client has asked for.
    pub(super) asked_for: Option<Arc<OnceLock<Box<str>>>>,
}

impl<S: Stream> TlsStream<S> {
    /// Before the handshake.
    pub(super) fn new(
        socket: S,
        session: Session,
        asked_for: Option<Arc<OnceLock<Box<str>>>>,
    ) -> Self {
        TlsStream(Rc::new(Inner {
            socket,
            session: RefCell::new(session),
            read_limit: Cell::new(None),
            write_limit: Cell::new(None),
            is_writing: Cell::new(false),
            asked_for,
        }))
    }

    /// Reads what there is, without waiting.
    ///
    /// # Errors
    ///
    /// `WouldBlock`: nothing to read now; it is not the end. Else as for reading.
    ///
    /// # Examples
    ///
    /// ```
    /// # use eventlet_green::net::unix::UnixStream;
    /// # use eventlet_protocols::tls::{Identity, Roots, TlsAcceptor, TlsConnector, TlsVersion};
    /// # use std::io::ErrorKind;
    /// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    /// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    /// # let acceptor = TlsAcceptor::new(Identity::from_pem(&chain, &key)?)?;
    /// # let (near, far) = UnixStream::pair()?;
    /// # let server = eventlet_green::spawn(move || acceptor.accept(far));
    /// # let connector = TlsConnector::builder().roots(Roots::from_pem(&chain)?).build()?;
    /// # let client = connector.connect("localhost", near)?;
    /// # let server = server.join().unwrap()?;
    /// // Of a connection that has nothing to say yet:
    /// let mut text = [0; 16];
    /// assert_eq!(server.try_read(&mut text).unwrap_err().kind(), ErrorKind::WouldBlock);
    /// client.wait_writable()?;
    /// assert_eq!(client.try_write(b"hello")?, 5);
    /// let length = loop {
    ///     server.wait_readable()?; // A hint: half a record may be there.
    ///     match server.try_read(&mut text) {
    ///         Err(error) if error.kind() == ErrorKind::WouldBlock => {}
    ///         outcome => break outcome?,
    ///     }
    /// };
    /// assert_eq!(&text[..length], b"hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_read(&self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(outcome) = self.read_what_is_there(into) {
                return outcome;
            }
            self.try_fill()?;
        }
    }

    /// Writes what there is room for, without waiting.
    ///
    /// # Errors
    ///
    /// `WouldBlock`: not all of the first 16 KiB could be sent now. What is written next has to begin
    /// with the same bytes. Else as for writing.
    pub fn try_write(&self, from: &[u8]) -> io::Result<usize> {
        if from.is_empty() {
            return Ok(0);
        }
        let _writing = self.begin_writing()?;
        let piece = self.encrypt(from)?;
        let unfinished = Unfinished {
            session: &self.0.session,
            piece,
        };
        if self.send_what_fits()? {
            Ok(unfinished.finish())
        } else {
            Err(io::ErrorKind::WouldBlock.into())
        }
    }

    /// Waits until there may be something to read, or the end, within the read timeout. A hint: the
    /// read that follows may still wait, for the rest of a record.
    ///
    /// # Errors
    ///
    /// As for reading.
    pub fn wait_readable(&self) -> io::Result<()> {
        if self.0.session.borrow().has_something_to_read() {
            return Ok(());
        }
        self.wait_for_input(after(self.0.read_limit.get()))
    }

    /// Waits until there may be room to write, within the write timeout. A hint, as above.
    ///
    /// # Errors
    ///
    /// As for writing.
    pub fn wait_writable(&self) -> io::Result<()> {
        let inner = &*self.0;
        inner.socket.set_write_timeout(inner.write_limit.get())?;
        inner.socket.wait_writable()
    }

    /// Has `watcher` begun, in a coroutine, as soon as there may be something to read, or the read
    /// timeout is over, or the connection is closed; see
    /// [`TcpStream::watch_readable`](eventlet_green::net::TcpStream::watch_readable).
    ///
    /// # Errors
    ///
    /// As said there; `OutOfMemory` for a stack, if there is something already.
    ///
    /// # Examples
    ///
    /// ```
    /// # use eventlet_green::net::unix::UnixStream;
    /// # use eventlet_green::{Watcher, sync::Event};
    /// # use eventlet_protocols::tls::{Identity, Roots, TlsAcceptor, TlsConnector};
    /// # use std::io::Write;
    /// # use std::rc::Rc;
    /// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    /// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    /// # let acceptor = TlsAcceptor::new(Identity::from_pem(&chain, &key)?)?;
    /// # let (near, far) = UnixStream::pair()?;
    /// # let server = eventlet_green::spawn(move || acceptor.accept(far));
    /// # let connector = TlsConnector::builder().roots(Roots::from_pem(&chain)?).build()?;
    /// # let mut client = connector.connect("localhost", near)?;
    /// # let server = server.join().unwrap()?;
    /// /// No coroutine, and so no stack, while nothing comes.
    /// struct Resting(Event<()>);
    ///
    /// impl Watcher for Resting {
    ///     fn prepare(&self) {}
    ///
    ///     fn came(self: Rc<Self>, _: std::io::Result<()>) {
    ///         let _ = self.0.send(());
    ///     }
    /// }
    ///
    /// let resting = Rc::new(Resting(Event::new()));
    /// server.watch_readable(resting.clone())?;
    /// client.write_all(b"hello")?;
    /// resting.0.wait()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn watch_readable(&self, watcher: Rc<dyn Watcher>) -> io::Result<()> {
        let inner = &*self.0;
        let mut session = inner.session.borrow_mut();
        session.rest();
        let is_there = session.has_something_to_read();
        drop(session);
        if is_there {
            let begun = Builder::new().spawn(move || {
                watcher.prepare();
                watcher.came(Ok(()));
            });
            return begun.map(drop);
        }
        inner.socket.set_read_timeout(inner.read_limit.get())?;
        inner.socket.watch_readable(watcher)
    }

    /// Says `close_notify` to the peer (RFC 8446 section 6.1) and shuts writing down, after what is
    /// still to be sent, for which it waits within the write timeout; reading goes on. Or shuts
    /// reading down, or both.
    ///
    /// # Errors
    ///
    /// As for writing and for the shutdown of the stream below.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        if matches!(how, Shutdown::Write | Shutdown::Both) {
            let deadline = after(self.0.write_limit.get());
            let _writing = self.begin_writing()?;
            // If TLS has failed, the peer has been told that.
            let _ = self.0.session.borrow_mut().say_goodbye();
            self.send(deadline)?;
            self.0.session.borrow_mut().is_sent();
        }
        self.0.socket.shutdown(how)
    }

    /// Ends the connection now, for every handle, without a word to the peer.
    ///
    /// # Errors
    ///
    /// As for closing the stream below.
    pub fn close(&self) -> io::Result<()> {
        self.0.socket.close()
    }

    /// Sets how long one read may wait, in all, however its records come; it then gives `TimedOut`,
    /// and this can be used further. Default: `None`, for ever.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for zero.
    pub fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        check(limit)?;
        self.0.read_limit.set(limit);
        Ok(())
    }

    /// Sets how long one write (of at most 16 KiB) may wait; it then gives `TimedOut`. Default:
    /// `None`, for ever.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for zero.
    pub fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        check(limit)?;
        self.0.write_limit.set(limit);
        Ok(())
    }
}

impl<S> TlsStream<S> {
    /// Another handle to the same connection, with the same time limits.
    ///
    /// # Errors
    ///
    /// None; the signature is that of a socket's.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(self.clone())
    }

    /// How long one read may wait.
    pub fn read_timeout(&self) -> Option<Duration> {
        self.0.read_limit.get()
    }

    /// How long one write may wait.
    pub fn write_timeout(&self) -> Option<Duration> {
        self.0.write_limit.get()
    }

    /// The stream below, for its addresses and options. Reading or writing there breaks the
    /// connection.
    pub fn socket(&self) -> &S {
        &self.0.socket
    }

    /// The application protocol that was agreed on (ALPN), such as `http/1.1`.
    pub fn alpn(&self) -> Option<Vec<u8>> {
        self.0.session.borrow().alpn().map(<[u8]>::to_vec)
    }

    /// The version that was agreed on.
    pub fn version(&self) -> Option<TlsVersion> {
        self.0.session.borrow().version().and_then(TlsVersion::of)
    }

    /// The cipher suite that was agreed on.
    pub fn cipher_suite(&self) -> Option<rustls::CipherSuite> {
        self.0.session.borrow().cipher_suite()
    }

    /// Whether the handshake took up an earlier connection, by a ticket.
    pub fn is_resumed(&self) -> bool {
        self.0.session.borrow().is_resumed()
    }

    /// The name of the server that a client has asked for (SNI), in lower case; `None` at the
    /// client's side, and if it has named none.
    pub fn server_name(&self) -> Option<&str> {
        self.0.asked_for.as_ref()?.get().map(|name| &**name)
    }

    /// All that was agreed on, to be kept.
    pub fn info(&self) -> TlsInfo {
        TlsInfo {
            version: self.version(),
            cipher_suite: self.cipher_suite(),
            alpn: self.alpn(),
            server_name: self.server_name().map(str::to_owned),
            peer_certificates: self.peer_certificates().unwrap_or_default(),
            is_resumed: self.is_resumed(),
        }
    }

    /// The certificates that the peer has shown and that were accepted, its own first.
    pub fn peer_certificates(&self) -> Option<Vec<CertificateDer<'static>>> {
        let session = self.0.session.borrow();
        session.peer_certificates().map(<[_]>::to_vec)
    }
}

fn check(limit: Option<Duration>) -> io::Result<()> {
    if limit.is_some_and(|limit| limit.is_zero()) {
        let text = "a time limit of zero would never let an operation wait; use None for no limit";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    Ok(())
}

impl<S> Clone for TlsStream<S> {
    fn clone(&self) -> Self {
        TlsStream(Rc::clone(&self.0))
    }
}

impl<S: Stream> Read for &TlsStream<S> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.read_shared(into)
    }
}

impl<S: Stream> Read for TlsStream<S> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.read_shared(into)
    }
}

impl<S: Stream> Write for &TlsStream<S> {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.write_shared(from)
    }

    /// Sends what an earlier operation could not.
    fn flush(&mut self) -> io::Result<()> {
        let deadline = after(self.0.write_limit.get());
        let _writing = self.begin_writing()?;
        self.send(deadline)
    }
}

impl<S: Stream> Write for TlsStream<S> {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.write_shared(from)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self).flush()
    }
}

impl<S: Stream> Stream for TlsStream<S> {
    fn wait_readable(&self) -> io::Result<()> {
        self.wait_readable()
    }

    fn wait_writable(&self) -> io::Result<()> {
        self.wait_writable()
    }

    fn watch_readable(&self, watcher: Rc<dyn Watcher>) -> io::Result<()> {
        self.watch_readable(watcher)
    }

    fn try_read(&self, into: &mut [u8]) -> io::Result<usize> {
        self.try_read(into)
    }

    fn try_write(&self, from: &[u8]) -> io::Result<usize> {
        self.try_write(from)
    }

    fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.set_read_timeout(limit)
    }

    fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.set_write_timeout(limit)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.shutdown(how)
    }

    fn say_goodbye(&self) {
        if let Ok(_writing) = self.begin_writing() {
            // There is nothing that could be done about a failure.
            let _ = self.0.session.borrow_mut().say_goodbye();
            let _ = self.send_what_fits();
        }
    }

    fn close(&self) -> io::Result<()> {
        self.close()
    }

    fn abort(&self) -> io::Result<()> {
        self.0.socket.abort()
    }
}

impl<S: fmt::Debug> fmt::Debug for TlsStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream")
            .field("socket", &self.0.socket)
            .field("version", &self.version())
            .finish_non_exhaustive()
    }
}
