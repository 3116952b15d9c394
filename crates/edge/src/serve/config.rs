use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::TokioTimer;

/// Limits of a server's connections.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServeConfig {
    /// How many connections may be open at once, upgraded ones included; at least 1. Default: 16384.
    pub max_connections: u32,
    /// How long a peer may take to send a request's line and headers. The time counts from when the connection is ready for
    /// a request, so it is also how long an idle connection is kept. Default: 30 seconds.
    pub header_timeout: Duration,
    /// The largest request line and headers together, in bytes; at least 8192. More is answered 431. Default: 16 KiB.
    pub max_header_size: usize,
    /// The most headers of a request. More are answered 431. Default: 64.
    pub max_headers: usize,
    /// How long a peer may take nothing at all of what it is sent before its connection is closed, upgraded or not.
    /// Default: 60 seconds.
    pub write_timeout: Duration,
    /// How long requests under way and upgraded connections may go on after shutdown. Default: 20 seconds.
    pub grace: Duration,
}

/// hyper refuses a smaller buffer.
const MIN_BUFFER: usize = 8192;
/// What one `acquire_many` can take, and more sockets than a process has.
const MAX_CONNECTIONS: u32 = u32::MAX >> 4;

impl Default for ServeConfig {
    fn default() -> Self {
        Self {
            max_connections: 16 * 1024,
            header_timeout: Duration::from_secs(30),
            max_header_size: 16 * 1024,
            max_headers: 64,
            write_timeout: Duration::from_mins(1),
            grace: Duration::from_secs(20),
        }
    }
}

impl ServeConfig {
    /// The same limits with other [`max_connections`](Self::max_connections).
    pub fn with_max_connections(mut self, connections: u32) -> Self {
        self.max_connections = connections;
        self
    }

    /// The same limits with another [`header_timeout`](Self::header_timeout).
    pub fn with_header_timeout(mut self, timeout: Duration) -> Self {
        self.header_timeout = timeout;
        self
    }

    /// The same limits with another [`max_header_size`](Self::max_header_size), in bytes.
    pub fn with_max_header_size(mut self, bytes: usize) -> Self {
        self.max_header_size = bytes;
        self
    }

    /// The same limits with other [`max_headers`](Self::max_headers).
    pub fn with_max_headers(mut self, headers: usize) -> Self {
        self.max_headers = headers;
        self
    }

    /// The same limits with another [`write_timeout`](Self::write_timeout).
    pub fn with_write_timeout(mut self, timeout: Duration) -> Self {
        self.write_timeout = timeout;
        self
    }

    /// The same limits with another [`grace`](Self::grace) period.
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    pub(super) fn permits(&self) -> u32 {
        self.max_connections.clamp(1, MAX_CONNECTIONS)
    }

    pub(super) fn http(&self) -> http1::Builder {
        let header_size = self.max_header_size.max(MIN_BUFFER);
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(self.header_timeout)
            .max_header_size(header_size)
            .max_headers(self.max_headers)
            .max_buf_size(header_size.max(64 * 1024));
        http
    }
}
