//! The meta-variables of a request (RFC 3875 section 4.1): what the program finds in its environment.
//!
//! | variable | from |
//! |---|---|
//! | `CONTENT_LENGTH`, `CONTENT_TYPE` | the body, if there is one |
//! | `GATEWAY_INTERFACE` | `CGI/1.1` |
//! | `PATH_INFO`, `SCRIPT_NAME` | the path, decoded: behind, and at, where the program is mounted |
//! | `PATH_TRANSLATED` | `PATH_INFO` below the document root, if there is one and the other is not empty |
//! | `QUERY_STRING` | the query as it came, empty if there is none |
//! | `REMOTE_ADDR`, `REMOTE_HOST`, `REMOTE_PORT` | the client's address; no name is looked up; empty, and no port, for one without (a Unix socket's) |
//! | `REQUEST_METHOD`, `SERVER_PROTOCOL` | the request line |
//! | `REQUEST_URI` | the target as it came: not of the RFC, and expected everywhere |
//! | `SERVER_NAME`, `SERVER_PORT` | what was set, else the `Host` field |
//! | `SERVER_SOFTWARE` | `eventlet/` and the version |
//! | `HTTP_*` | each field, `-` as `_`; of several of a name, one list |
//!
//! Left out of `HTTP_*`: the fields of the body and of the connection; `Authorization` and
//! `Proxy-Authorization` (section 4.1.18), unless told otherwise; `Proxy`, which programs would take
//! for a setting of theirs (CVE-2016-5385); and names with an underscore, which could pass for one
//! with a hyphen. `AUTH_TYPE`, `REMOTE_IDENT` and `REMOTE_USER` belong to who authenticates, and are
//! not set.

use std::ffi::{OsStr, OsString};
use std::net::SocketAddr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, HeaderName,
    PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::request::Parts;
use http::{HeaderMap, StatusCode, Version};

use crate::wire::percent_decode;

/// The interface that is spoken.
const INTERFACE: &str = "CGI/1.1";

/// The server's name and version.
const SOFTWARE: &str = concat!("eventlet/", env!("CARGO_PKG_VERSION"));

/// The port of a `Host` field that names none.
const HTTP_PORT: u16 = 80;

/// What is known of the server and of where the program stands in it.
#[derive(Debug)]
pub(super) struct Place {
    /// Without a slash at its end.
    pub(super) script_name: String,
    pub(super) document_root: Option<OsString>,
    pub(super) server_name: Option<String>,
    pub(super) server_port: Option<u16>,
    pub(super) authorization: Authorization,
}

/// Whether a program is told the credentials of its clients.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::gateway::Cgi;
/// use eventlet_protocols::gateway::cgi::Authorization;
///
/// // It asks for passwords by itself, and is trusted with them.
/// let wiki = Cgi::new("/usr/lib/cgi-bin/wiki").authorization(Authorization::Passed);
/// # drop(wiki);
/// assert_eq!(Authorization::default(), Authorization::Withheld);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Authorization {
    /// It is not.
    #[default]
    Withheld,
    /// It is, as `HTTP_AUTHORIZATION`: for one that authenticates by itself.
    Passed,
}

type Variable = (OsString, OsString);

/// All of them; or why the request is not the program's.
pub(super) fn variables(
    place: &Place,
    parts: &Parts,
    peer: Option<SocketAddr>,
    length: Option<u64>,
) -> Result<Vec<Variable>, StatusCode> {
    let path_info = path_info(place, parts.uri.path())?;
    let mut all: Vec<Variable> = Vec::new();
    let mut set = |name: &str, value: &OsStr| all.push((name.into(), value.to_owned()));
    let mut text = |name: &str, value: &str| set(name, OsStr::new(value));
    text("GATEWAY_INTERFACE", INTERFACE);
    text("SERVER_SOFTWARE", SOFTWARE);
    text("SERVER_PROTOCOL", protocol(parts.version));
    text("REQUEST_METHOD", parts.method.as_str());
    text("QUERY_STRING", parts.uri.query().unwrap_or_default());
    let target = parts.uri.path_and_query();
    text("REQUEST_URI", target.map_or("*", |target| target.as_str()));
    text("SCRIPT_NAME", &place.script_name);
    let (name, port) = server(place, parts);
    text("SERVER_NAME", &name);
    text("SERVER_PORT", &port.to_string());
    let address = peer.map(|peer| peer.ip().to_string()).unwrap_or_default();
    text("REMOTE_ADDR", &address);
    text("REMOTE_HOST", &address);
    if let Some(peer) = peer {
        text("REMOTE_PORT", &peer.port().to_string());
    }
    if let Some(length) = length {
        text("CONTENT_LENGTH", &length.to_string());
    }
    if let Some(value) = parts.headers.get(CONTENT_TYPE) {
        set("CONTENT_TYPE", OsStr::from_bytes(value.as_bytes()));
    }
    set("PATH_INFO", &path_info);
    if let (Some(root), false) = (&place.document_root, path_info.is_empty()) {
        set("PATH_TRANSLATED", &translated(root, &path_info)?);
    }
    all.extend(fields(place.authorization, &parts.headers));
    Ok(all)
}

/// The path behind the program, decoded. Nothing if the path is another's; what holds a NUL could
/// not be passed on.
fn path_info(place: &Place, path: &str) -> Result<OsString, StatusCode> {
    let rest = path.strip_prefix(&place.script_name);
    let rest = rest.filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let decoded = percent_decode(rest.ok_or(StatusCode::NOT_FOUND)?).into_owned();
    if decoded.contains(&0) {
        return Err(StatusCode::BAD_REQUEST);
    }
    Ok(OsString::from_vec(decoded))
}

/// A path below the root. One that would lead out of it is nowhere.
fn translated(root: &OsStr, path_info: &OsStr) -> Result<OsString, StatusCode> {
    use std::path::Component;
    let inside = Path::new(path_info)
        .components()
        .all(|part| !matches!(part, Component::ParentDir));
    if !inside {
        return Err(StatusCode::NOT_FOUND);
    }
    let mut translated = root.to_owned();
    translated.push(path_info);
    Ok(translated)
}

fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "HTTP/1.0",
        _ => "HTTP/1.1",
    }
}

fn server(place: &Place, parts: &Parts) -> (String, u16) {
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    let authority = parts.uri.authority().map(|authority| authority.as_str());
    let asked = authority.or(host).unwrap_or_default();
    let asked = asked.parse::<http::uri::Authority>().ok();
    let asked_name = || asked.as_ref().map(|asked| asked.host().to_owned());
    let name = place.server_name.clone().or_else(asked_name);
    let asked_port = asked.as_ref().and_then(|asked| asked.port_u16());
    let port = place.server_port.or(asked_port).unwrap_or(HTTP_PORT);
    (name.unwrap_or_else(|| "localhost".to_owned()), port)
}

fn fields(authorization: Authorization, headers: &HeaderMap) -> Vec<Variable> {
    let names = headers.keys().filter(|name| is_passed(authorization, name));
    names
        .map(|name| {
            let variable = name.as_str().to_ascii_uppercase().replace('-', "_");
            // A cookie's pairs are a list of their own (RFC 6265 section 5.4).
            let between = if *name == COOKIE { "; " } else { ", " };
            let values: Vec<_> = headers
                .get_all(name)
                .iter()
                .map(|it| it.as_bytes())
                .collect();
            let value = OsString::from_vec(values.join(between.as_bytes()));
            (format!("HTTP_{variable}").into(), value)
        })
        .collect()
}

fn is_passed(authorization: Authorization, name: &HeaderName) -> bool {
    const NEVER: [HeaderName; 7] = [
        CONNECTION,
        CONTENT_LENGTH,
        CONTENT_TYPE,
        TE,
        TRAILER,
        TRANSFER_ENCODING,
        UPGRADE,
    ];
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let secret = *name == AUTHORIZATION || *name == PROXY_AUTHORIZATION;
    name.as_str().bytes().all(is_plain)
        && name != "proxy"
        && !NEVER.contains(name)
        && (!secret || (authorization == Authorization::Passed && *name == AUTHORIZATION))
}

#[cfg(test)]
mod tests {
    use super::{Authorization, Place, variables};

    #[test]
    fn a_client_without_an_address_has_an_empty_one() {
        let place = Place {
            script_name: String::new(),
            document_root: None,
            server_name: None,
            server_port: None,
            authorization: Authorization::Withheld,
        };
        let (parts, ()) = http::Request::new(()).into_parts();
        let all = variables(&place, &parts, None, None).unwrap();
        let value = |wanted: &str| all.iter().find(|(name, _)| name == wanted);
        assert!(value("REMOTE_ADDR").unwrap().1.is_empty());
        assert!(value("REMOTE_PORT").is_none());
        // Nobody has said more.
        assert_eq!(value("SERVER_NAME").unwrap().1, "localhost");
        assert_eq!(value("SERVER_PORT").unwrap().1, "80");
    }
}
