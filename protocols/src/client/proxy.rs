//! Proxies: which one is asked for a URL, and the tunnel that CONNECT opens (RFC 9110 section 9.3.6,
//! RFC 9112 sections 3.2.2 and 3.2.3).
//!
//! A proxy is spoken to in plain HTTP. It is asked for `http` URLs in absolute form, and for a tunnel
//! for `https` ones.

use std::env;
use std::fmt;
use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::PROXY_AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Method, Uri};

use super::endpoint::{Endpoint, Scheme, parse_url};
use super::error::Error;
use super::exchange::{HeadReader, write_all};
use super::timing::Limit;
use super::transport::Transport;
use crate::server::input::Input;
use crate::wire::{
    LengthField, Limits, NameCase, RequestConnection, RequestWriter, percent_decode,
};

/// A proxy.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::client::Proxy;
///
/// let proxy: Proxy = "http://name:secret@proxy.example:3128".parse()?;
/// assert_eq!(format!("{proxy:?}"), "Proxy(proxy.example:3128, with credentials)");
/// # Ok::<(), eventlet_protocols::client::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Proxy {
    endpoint: Endpoint,
    authorization: Option<HeaderValue>,
    use_of: Use,
}

/// What a proxy is asked for, for an `http` URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Use {
    /// The resource.
    Forward,
    /// A tunnel, as for `https`.
    Tunnel,
}

impl Proxy {
    /// Has it open a tunnel for `http` URLs, too, for proxies that do nothing else.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::client::{Agent, Config, Proxies, Proxy};
    ///
    /// let proxy: Proxy = "proxy.example:3128".parse()?;
    /// let mut config = Config::new();
    /// config.proxies = Proxies::all(proxy.tunnelling());
    /// let agent = Agent::with_config(config);
    /// # drop(agent);
    /// # Ok::<(), eventlet_protocols::client::Error>(())
    /// ```
    pub fn tunnelling(mut self) -> Self {
        self.use_of = Use::Tunnel;
        self
    }
}

/// `http://host:port`, or `host:port`; credentials, percent-encoded, before an `@` are sent as
/// Basic ones (RFC 7617).
impl std::str::FromStr for Proxy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let bare = match text.split_once("://") {
            Some(("http", rest)) => rest,
            Some(_) => {
                let why = "a proxy is spoken to in plain HTTP: http://host:port";
                return Err(Error::Url(why.to_owned()));
            }
            None => text,
        };
        let bare = bare.strip_suffix('/').unwrap_or(bare);
        let (credentials, authority) = match bare.rsplit_once('@') {
            Some((credentials, authority)) => (Some(credentials), authority),
            None => (None, bare),
        };
        let uri: Uri = parse_url(&format!("http://{authority}"))?;
        Ok(Proxy {
            endpoint: Endpoint::of(&uri)?,
            authorization: credentials.map(basic).transpose()?,
            use_of: Use::Forward,
        })
    }
}

/// Credentials as RFC 7617 has them.
fn basic(credentials: &str) -> Result<HeaderValue, Error> {
    let (name, secret) = credentials.split_once(':').unwrap_or((credentials, ""));
    let mut plain = percent_decode(name).into_owned();
    plain.push(b':');
    plain.extend_from_slice(&percent_decode(secret));
    let text = format!("Basic {}", STANDARD.encode(plain));
    let mut value = HeaderValue::from_str(&text).expect("base64 is ASCII");
    value.set_sensitive(true);
    Ok(value)
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let credentials = match self.authorization {
            Some(_) => ", with credentials",
            None => "",
        };
        write!(f, "Proxy({}{credentials})", self.endpoint.authority())
    }
}

/// Which proxy is asked for which URL.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::client::{Config, Proxies};
///
/// let mut config = Config::new();
/// config.proxies = Proxies::all("proxy.example:3128".parse()?).except("localhost, .example.org");
/// # Ok::<(), eventlet_protocols::client::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    http: Option<Proxy>,
    https: Option<Proxy>,
    exceptions: Vec<String>,
}

impl Proxies {
    /// None: the host itself is asked.
    pub fn none() -> Self {
        Self::default()
    }

    /// One for all.
    pub fn all(proxy: Proxy) -> Self {
        Proxies {
            http: Some(proxy.clone()),
            https: Some(proxy),
            exceptions: Vec::new(),
        }
    }

    /// Without a proxy for these hosts: a list with commas, of names, each of which stands for those
    /// below it too, of IP addresses, or `*` for all. A leading dot, or `*.`, means nothing more; a
    /// port after the name restricts it to that port.
    pub fn except(mut self, hosts: &str) -> Self {
        let hosts = hosts
            .split(',')
            .map(str::trim)
            .filter(|host| !host.is_empty());
        self.exceptions.extend(hosts.map(str::to_ascii_lowercase));
        self
    }

    /// What the environment says: `http_proxy`, `https_proxy`, `all_proxy` for what the others leave
    /// out, `no_proxy` as for [`except`](Self::except); in lower case or upper case, of which lower
    /// case counts first. `HTTP_PROXY` is not heard in a CGI program (where `REQUEST_METHOD` is set):
    /// there it is what the client of the server says.
    ///
    /// # Errors
    ///
    /// [`Error::Url`]: one of them is no proxy.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::client::{Config, Proxies};
    ///
    /// let mut config = Config::new();
    /// config.proxies = Proxies::from_env()?; // As curl and its like do.
    /// config.proxies = Proxies::none(); // And back to the default.
    /// assert!(format!("{:?}", config.proxies).contains("http: None"));
    /// # Ok::<(), eventlet_protocols::client::Error>(())
    /// ```
    pub fn from_env() -> Result<Self, Error> {
        Self::from_variables(|name| env::var(name).ok())
    }

    /// As [`from_env`](Self::from_env), from variables that are looked up elsewhere.
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::client::Proxies;
    ///
    /// let variables = |name: &str| (name == "ALL_PROXY").then(|| "http://localhost:3128".to_owned());
    /// let proxies = Proxies::from_variables(variables)?;
    /// assert!(format!("{proxies:?}").contains("https: Some(Proxy(localhost:3128))"));
    /// # Ok::<(), eventlet_protocols::client::Error>(())
    /// ```
    pub fn from_variables(look_up: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let found = |name: &str| look_up(name).filter(|value| !value.is_empty());
        let either = |lower: &str| found(lower).or_else(|| found(&lower.to_ascii_uppercase()));
        let proxy = |text: Option<String>| text.map(|text| text.parse::<Proxy>()).transpose();
        let is_cgi = found("REQUEST_METHOD").is_some();
        let http = if is_cgi {
            found("http_proxy")
        } else {
            either("http_proxy")
        };
        let all = either("all_proxy");
        let proxies = Proxies {
            http: proxy(http.or_else(|| all.clone()))?,
            https: proxy(either("https_proxy").or(all))?,
            exceptions: Vec::new(),
        };
        Ok(proxies.except(&either("no_proxy").unwrap_or_default()))
    }

    /// How to get to an origin.
    pub(super) fn route(&self, origin: Endpoint) -> Route {
        let proxy = match origin.scheme {
            Scheme::Http => &self.http,
            Scheme::Https => &self.https,
        };
        let is_excepted = || self.exceptions.iter().any(|rule| is_meant(rule, &origin));
        let proxy = proxy.as_ref().filter(|_| !is_excepted()).cloned();
        Route { origin, proxy }
    }
}

/// Whether a rule of `no_proxy` means an endpoint.
fn is_meant(rule: &str, endpoint: &Endpoint) -> bool {
    let host = endpoint.address_text();
    if rule == "*" {
        return true;
    }
    let is_address = |text: &str| text.trim_matches(['[', ']']).parse::<IpAddr>();
    if let Ok(address) = is_address(rule) {
        return host.parse() == Ok(address);
    }
    let (name, port) = match rule.rsplit_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (rule, None),
    };
    if port.is_some_and(|port| port.parse() != Ok(endpoint.port)) {
        return false;
    }
    if let Ok(address) = is_address(name) {
        return host.parse() == Ok(address);
    }
    let name = name.trim_start_matches("*.").trim_start_matches('.');
    // A name below it ends in a dot and the name.
    host == name
        || host
            .strip_suffix(name)
            .is_some_and(|front| front.ends_with('.') && !name.is_empty())
}

/// The way to an origin. Connections along the same way can stand in for each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Route {
    pub(super) origin: Endpoint,
    pub(super) proxy: Option<Proxy>,
}

impl Route {
    /// Who is connected to.
    pub(super) fn next_hop(&self) -> &Endpoint {
        self.proxy
            .as_ref()
            .map_or(&self.origin, |proxy| &proxy.endpoint)
    }

    /// The proxy, if it is asked for the resource itself.
    pub(super) fn forwarder(&self) -> Option<&Proxy> {
        let is_forwarder =
            |proxy: &&Proxy| self.origin.scheme == Scheme::Http && proxy.use_of == Use::Forward;
        self.proxy.as_ref().filter(is_forwarder)
    }

    /// The tunnel to be opened, if there is to be one.
    pub(super) fn tunnel(&self) -> Option<Tunnel<'_>> {
        if self.forwarder().is_some() {
            return None;
        }
        self.proxy.as_ref().map(|proxy| Tunnel {
            origin: &self.origin,
            proxy,
        })
    }
}

impl Proxy {
    /// The credentials, if there are any.
    pub(super) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }
}

/// A tunnel to be opened.
pub(super) struct Tunnel<'a> {
    origin: &'a Endpoint,
    proxy: &'a Proxy,
}

impl Tunnel<'_> {
    /// Has the proxy open it over a connection to the proxy.
    pub(super) fn open(
        &self,
        stream: &dyn Transport,
        limits: &Limits,
        limit: &Limit,
    ) -> Result<(), Error> {
        let target = self.origin.authority();
        let mut fields = HeaderMap::new();
        if let Some(authorization) = self.proxy.authorization() {
            fields.insert(PROXY_AUTHORIZATION, authorization.clone());
        }
        let mut head = Vec::new();
        RequestWriter {
            method: &Method::CONNECT,
            target: &target,
            host: &target,
            fields: &fields,
            length: LengthField::Absent,
            connection: RequestConnection::Keep,
            names: NameCase::Title,
        }
        .write_to(&mut head);
        write_all(stream, &head, limit)?;
        let mut input = Input::default();
        let head = HeadReader::new(&Method::CONNECT).read(stream, &mut input, limits, limit)?;
        // Whoever answers with data before it was asked anything speaks for somebody else.
        if !head.status.is_success() || !input.is_empty() {
            let status = head.status;
            return Err(Error::ProxyRefused { status });
        }
        Ok(())
    }
}
