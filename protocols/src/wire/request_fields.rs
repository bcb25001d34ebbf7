//! The fields of a request's head as a table, and what they say about the message (RFC 9110 sections
//! 7.2, 7.6.1 and 10.1.1, RFC 9112 section 6), in the same pass.
//!
//! They have been cut out of the text, and their sizes checked, by
//! [`request_parser`](super::request_parser).

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Uri, Version};

use super::connection::ConnectionOptions;
use super::framing::{FramingFields, RequestFraming};
use super::known::KnownHost;
use super::refusal::Refusal;
use super::syntax::list_members;
use super::target::{TargetForm, is_valid_host};

/// Fields there is room for at least, so that the handful most requests have fit the tables that are
/// allocated first.
const FEW: usize = 6;

/// Fills the table of fields, whose values are what `share` makes of their text.
pub(super) fn read_fields(
    headers: &mut HeaderMap,
    mut known_host: Option<&mut KnownHost>,
    fields: &[httparse::Header<'_>],
    share: impl Fn(&[u8]) -> Bytes,
) -> Result<Meaning, Refusal> {
    if !headers.is_empty() {
        // Those of a head that was refused.
        headers.clear();
    }
    let reserved = headers.try_reserve(fields.len().max(FEW));
    reserved.map_err(|_| Refusal::FieldsTooMany)?;
    let mut meaning = Meaning::default();
    for field in fields {
        let name = match usual_name(field.name) {
            Some(name) => name,
            // The names have been checked; only one beyond 65,535 bytes is refused here.
            None => {
                HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| Refusal::FieldTooLarge)?
            }
        };
        let mut known_host = known_host.as_mut().filter(|_| name == header::HOST);
        let known = known_host.as_mut().and_then(|host| host.get(field.value));
        let value = match known {
            Some(value) => {
                meaning.host(true);
                value
            }
            None => {
                meaning.read(&name, field.value)?;
                if meaning.is_host_valid
                    && let Some(host) = known_host
                {
                    host.met(field.value);
                }
                HeaderValue::from_maybe_shared(share(field.value))
                    .map_err(|_| Refusal::FieldValueInvalid)?
            }
        };
        let appended = headers.try_append(name, value);
        appended.map_err(|_| Refusal::FieldsTooMany)?;
    }
    Ok(meaning)
}

/// The names that nearly every request has, as nearly every client writes them: they are found
/// without being put into lower case and looked up.
fn usual_name(name: &str) -> Option<HeaderName> {
    Some(match name {
        "Host" => header::HOST,
        "Accept" => header::ACCEPT,
        "Cookie" => header::COOKIE,
        "Referer" => header::REFERER,
        "Connection" => header::CONNECTION,
        "User-Agent" => header::USER_AGENT,
        "Content-Type" => header::CONTENT_TYPE,
        "Authorization" => header::AUTHORIZATION,
        "Content-Length" => header::CONTENT_LENGTH,
        "Accept-Encoding" => header::ACCEPT_ENCODING,
        "Accept-Language" => header::ACCEPT_LANGUAGE,
        _ => return None,
    })
}

/// What the fields say about the message, collected as they pass.
#[derive(Default)]
pub(super) struct Meaning {
    framing: FramingFields,
    pub(super) connection: ConnectionOptions,
    expectation: Expectation,
    hosts: usize,
    is_host_valid: bool,
}

#[derive(Default)]
enum Expectation {
    #[default]
    None,
    Continue,
    Unknown,
}

impl Meaning {
    /// Takes a field in. Names are sorted by length first, so that most cost one comparison.
    fn read(&mut self, name: &HeaderName, value: &[u8]) -> Result<(), Refusal> {
        match name.as_str().len() {
            4 if *name == header::HOST => self.host(is_valid_host(value)),
            6 if *name == header::EXPECT => self.expect(value),
            10 if *name == header::CONNECTION => self.connection.read(value),
            14 if *name == header::CONTENT_LENGTH => self.framing.content_length(value)?,
            17 if *name == header::TRANSFER_ENCODING => self.framing.transfer_encoding(value),
            _ => {}
        }
        Ok(())
    }

    fn host(&mut self, is_valid: bool) {
        self.hosts += 1;
        self.is_host_valid = is_valid;
    }

    fn expect(&mut self, value: &[u8]) {
        for member in list_members(value) {
            self.expectation = match self.expectation {
                Expectation::Unknown => Expectation::Unknown,
                _ if member.eq_ignore_ascii_case(b"100-continue") => Expectation::Continue,
                Expectation::None if member.is_empty() => Expectation::None,
                _ => Expectation::Unknown,
            };
        }
    }

    /// How the body is delimited, and whether the client waits for `100 Continue`.
    pub(super) fn of_body(self, version: Version) -> Result<(RequestFraming, bool), Refusal> {
        let framing = self.framing.finish(version)?;
        let expects_continue = match self.expectation {
            _ if version < Version::HTTP_11 => false,
            Expectation::None => false,
            Expectation::Continue => framing != RequestFraming::Empty,
            Expectation::Unknown => return Err(Refusal::ExpectationUnknown),
        };
        Ok((framing, expects_continue))
    }

    /// RFC 9112 section 3.2, and 3.2.2 for an absolute target, which overrides the field.
    pub(super) fn check_host(
        &self,
        version: Version,
        uri: &Uri,
        form: TargetForm,
        headers: &mut HeaderMap,
    ) -> Result<(), Refusal> {
        match self.hosts {
            0 if version >= Version::HTTP_11 => return Err(Refusal::HostMissing),
            0 => {}
            1 if self.is_host_valid => {}
            1 => return Err(Refusal::HostInvalid),
            _ => return Err(Refusal::HostRepeated),
        }
        if let (TargetForm::Absolute, Some(authority)) = (form, uri.authority()) {
            let host = HeaderValue::from_str(authority.as_str());
            let host = host.map_err(|_| Refusal::TargetInvalid)?;
            let replaced = headers.try_insert(header::HOST, host);
            replaced.map_err(|_| Refusal::FieldsTooMany)?;
        }
        Ok(())
    }
}
