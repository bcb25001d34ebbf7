//! A crawler: all that can be reached from one page, breadth first, a bounded number at a time.
//!
//! ```text
//! cargo run --release --example crawler            # 4 sites of 100 pages
//! cargo run --release --example crawler -- 2000    # of 2,000
//! ```
//!
//! It bothers nobody: the sites are HTTP servers that it starts itself, in the same thread.

use std::time::{Duration, Instant};
use std::{collections::HashSet, env, error::Error, io, net::SocketAddr, process::ExitCode};

use eventlet::http::client::{self, Agent, Config};
use eventlet::http::server::{Body, RequestBody, Server};
use eventlet::net::TcpListener;
use eventlet::{pool::Workers, sleep, spawn};
use http::{Request, Response, StatusCode};

const SITES: usize = 4;
const AT_ONCE: usize = 32; // Pages that are fetched at a time.
const THINKS: Duration = Duration::from_millis(5); // What a site does over a page.
const PATIENCE: Duration = Duration::from_secs(10); // How long a page is waited for.
const LARGEST: u64 = 64 * 1024; // The longest page that is read.

/// Where a page is: the address of its site, and its number.
type Link = (SocketAddr, usize);

/// One site. Each page links to two with higher numbers, the last of which are not there, and to its
/// like on the next site.
fn serve(listener: TcpListener, next: SocketAddr, pages: usize) -> io::Result<()> {
    let site = listener.local_addr()?;
    let answer = move |request: Request<RequestBody>| {
        sleep(THINKS);
        let number = request.uri().path()[1..].parse().unwrap_or(pages);
        let higher = 2 * number + 1;
        let links = [(next, number), (site, higher), (site, higher + 1)];
        let links = links.map(|(site, number)| format!("<a href=http://{site}/{number}>"));
        let mut response = Response::new(Body::from(links.concat()));
        if number >= pages {
            *response.status_mut() = StatusCode::NOT_FOUND;
        }
        response
    };
    Server::new(answer).serve(listener)
}

/// The links on a page.
fn fetch(agent: &Agent, (site, number): Link) -> Result<Vec<Link>, client::Error> {
    let page = agent.get(&format!("http://{site}/{number}"))?;
    let text = String::from_utf8_lossy(&page);
    let targets = text.split("href=http://").skip(1);
    let links = targets.filter_map(|rest| rest.split_once('>')?.0.split_once('/'));
    let links = links.map(|(site, number)| Some((site.parse().ok()?, number.parse().ok()?)));
    Ok(links.flatten().collect())
}

fn run() -> Result<(), Box<dyn Error>> {
    let pages = env::args().nth(1).unwrap_or_else(|| "100".into());
    let pages = pages.parse().map_err(|error| format!("{pages}: {error}"))?;
    let sites = [(); SITES].map(|()| TcpListener::bind("127.0.0.1:0"));
    let sites = sites.into_iter().collect::<io::Result<Vec<_>>>()?;
    let addresses = sites.iter().map(TcpListener::local_addr);
    let addresses = addresses.collect::<io::Result<Vec<_>>>()?;
    for (index, site) in sites.into_iter().enumerate() {
        let next = addresses[(index + 1) % SITES];
        spawn(move || serve(site, next, pages));
    }

    let mut config = Config::new();
    config.whole = Some(PATIENCE);
    config.in_memory = LARGEST;
    config.connections_per_host = AT_ONCE / SITES;
    let agent = Agent::with_config(config);
    let begun = Instant::now();
    let workers = Workers::new(AT_ONCE);
    let mut level = vec![(addresses[0], 0)];
    let mut seen: HashSet<Link> = level.iter().copied().collect();
    let (mut depth, mut found, mut links, mut broken) = (0, 0, 0, 0);
    while !level.is_empty() {
        println!("level {depth}: {} links to follow", level.len());
        depth += 1;
        let agent = agent.clone();
        for page in workers.imap(std::mem::take(&mut level), move |link| fetch(&agent, link)) {
            let Ok(targets) = page? else {
                broken += 1;
                continue;
            };
            found += 1;
            links += targets.len();
            level.extend(targets.into_iter().filter(|link| seen.insert(*link)));
        }
    }
    let took = begun.elapsed();
    println!("{found} pages, {links} links, {broken} broken, in {took:.1?}");
    Ok(())
}

fn main() -> ExitCode {
    let outcome = run().inspect_err(|error| eprintln!("crawler: {error}"));
    ExitCode::from(u8::from(outcome.is_err()))
}
