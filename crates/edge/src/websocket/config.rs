//! Limits and sizes of a connection.

use std::fmt;

/// Limits and buffer sizes of one connection.
///
/// The defaults suit many mostly silent peers that send small messages, such as charging stations.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The largest message that is received, in bytes, counted after reassembly and after decompression. A larger one
    /// ends the connection with close code 1009. Default: 1 MiB.
    pub max_message_size: usize,
    /// The size of the receive buffer of an idle connection, in bytes. It grows for a larger frame and returns to
    /// this size afterwards. Default: 2 KiB.
    pub read_buffer: usize,
    /// The size of the send buffer of an idle connection, in bytes. It grows for a larger message. Default: 512 bytes.
    pub write_buffer: usize,
    /// permessage-deflate: `None` neither offers nor accepts it. Default: accepted by a server, offered by a client.
    pub deflate: Option<Deflate>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_message_size: 1024 * 1024,
            read_buffer: 2 * 1024,
            write_buffer: 512,
            deflate: Some(Deflate::default()),
        }
    }
}

impl Config {
    /// The same configuration with another [`max_message_size`](Self::max_message_size).
    pub fn with_max_message_size(mut self, bytes: usize) -> Self {
        self.max_message_size = bytes;
        self
    }

    /// The same configuration with other buffer sizes, in bytes.
    pub fn with_buffers(mut self, read: usize, write: usize) -> Self {
        self.read_buffer = read;
        self.write_buffer = write;
        self
    }

    /// The same configuration with other compression settings; `None` turns permessage-deflate off.
    pub fn with_deflate(mut self, deflate: Option<Deflate>) -> Self {
        self.deflate = deflate;
        self
    }
}

/// How messages are compressed once the peer agreed to permessage-deflate.
///
/// No state is kept between two messages in either direction (`no_context_takeover`), which costs some of the
/// ratio and saves about 350 KiB per connection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Deflate {
    /// The effort, from 1 (fast) to 9 (small). Default: 3.
    pub level: u32,
    /// Messages shorter than this many bytes are sent as they are. Default: 256.
    pub threshold: usize,
    /// Where the compressors wait between messages. Clones of one configuration share one pool.
    pub pool: DeflatePool,
}

impl Default for Deflate {
    fn default() -> Self {
        Self { level: 3, threshold: 256, pool: DeflatePool::new(16) }
    }
}

/// Compressors and decompressors that connections borrow for one message at a time.
#[derive(Clone)]
pub struct DeflatePool(pub(super) yawc::DeflatePool);

impl DeflatePool {
    /// A pool that keeps up to `capacity` idle compressors and as many idle decompressors: about one of each per
    /// worker thread is enough. A message that finds none builds its own.
    pub fn new(capacity: usize) -> Self {
        Self(yawc::DeflatePool::new(capacity))
    }
}

impl fmt::Debug for DeflatePool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeflatePool").finish_non_exhaustive()
    }
}
