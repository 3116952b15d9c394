use super::ConfigError;

/// Checks the path of a listener: what a peer's request line can say, and what no router takes for a pattern.
pub(super) fn check(key: &str, path: &str) -> Result<(), ConfigError> {
    if !path.starts_with('/') {
        return Err(ConfigError::invalid(key, "a path starts with /"));
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    if path.bytes().all(plain) {
        Ok(())
    } else {
        Err(ConfigError::invalid(key, "a path has letters, digits, and / - . _ ~ only"))
    }
}
