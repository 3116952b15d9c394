//! Key pairs for tests. They are published, so they protect nothing.

/// An Ed25519 key pair as UFTP writes it: Base64 of the 64-byte secret key and of the 32-byte public key.
#[derive(Debug, Clone, Copy)]
pub struct KeyPair {
    /// Base64 of seed and public key, 64 bytes.
    pub secret: &'static str,
    /// Base64 of the public key, 32 bytes.
    pub public: &'static str,
}

/// The aggregator's; its seed is the bytes 0 to 31.
pub const AGR_KEY: KeyPair = KeyPair {
    secret: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8DoQe/884Qvh1w3RjnS8CZZ+TWMJulDV8d3IZkElUxuA==",
    public: "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=",
};

/// The grid operator's; its seed is the bytes 64 to 95.
pub const DSO_KEY: KeyPair = KeyPair {
    secret: "QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8lQ7kv8QlVEUdq3INp223ckzZloRl43aFATuEGbKlVnQ==",
    public: "JUO5L/EJVRFHatyDadtt3JM2ZaEZeN2hQE7hBmypVZ0=",
};

/// The common reference operator's; its seed is the bytes 32 to 63.
pub const CRO_KEY: KeyPair = KeyPair {
    secret: "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8prLrhQbzK8LIuGpTTTQvHNh5SbQv+EsiXlLyTIpZt1w==",
    public: "Kay64UG8yvCyLhqU000LxzYeUm0L/hLIl5S8kyKWbdc=",
};
