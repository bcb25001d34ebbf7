//! What stands behind the server, over real sockets and under every hub: formats, functions, sites,
//! services of tower, static files. The server itself is tested in `server`.

mod file_conditions;
mod file_names;
mod file_ranges;
mod file_sending;
mod formats;
mod returns;
mod sites;
mod support;
mod tower_bodies;
mod tower_services;
