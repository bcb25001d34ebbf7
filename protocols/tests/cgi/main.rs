//! CGI/1.1 programs behind the server, over real sockets and under every hub: shell scripts.

mod answers;
mod bodies;
mod ends;
mod support;
mod variables;
