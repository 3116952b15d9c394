//! The recorded messages and the keys they were sealed with.

use std::fs;
use std::path::{Path, PathBuf};

use tieline_uftp::{Role, SigningKey, Tolerance};

/// What the recorded payloads of library-python need.
pub(crate) fn library_python() -> Tolerance {
    Tolerance { eighteen_digit_ean: true, result_on_test_message_response: true, ..Tolerance::STRICT }
}

pub(crate) fn path(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(folder)
}

pub(crate) fn read(folder: &str, name: &str) -> Vec<u8> {
    let file = path(folder).join(name);
    fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The names of all payloads in a folder, without `.xml`.
pub(crate) fn names(folder: &str) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(path(folder))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".xml").map(str::to_owned))
        .filter(|name| !name.ends_with(".signed"))
        .collect();
    names.sort();
    names
}

/// The key of a role: seeds are the bytes 0 to 31, 32 to 63 and 64 to 95.
pub(crate) fn key(role: Role) -> SigningKey {
    let keys = String::from_utf8(read("library-python", "keys.txt")).unwrap();
    let section = keys.split(&format!("{role} ")).nth(1).unwrap();
    let line = section.lines().find(|line| line.trim().starts_with("private_b64")).unwrap();
    line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
}
