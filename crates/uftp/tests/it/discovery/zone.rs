//! The domain name system, as a test writes it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tieline_edge::dns::{DnsAnswer, DnsError, Found, Proof, Questions, TxtRecord};
use tieline_uftp::{Role, SigningKey};
use tokio::sync::Semaphore;

/// What there is under a name.
#[derive(Clone)]
pub(crate) enum Entry {
    /// TXT records of one string each.
    Txt(Vec<String>),
    Alias(&'static str),
    Broken(DnsError),
}

#[derive(Default)]
struct State {
    entries: BTreeMap<String, (Entry, u64, Option<Proof>)>,
    asked: Vec<String>,
}

/// Everything is secure, and absences hold for 100 seconds, unless a test says otherwise.
#[derive(Clone)]
pub(crate) struct Zone {
    state: Arc<Mutex<State>>,
    /// How many answers may be given.
    pub(crate) answers: Arc<Semaphore>,
}

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

/// The key as it is published.
pub(crate) fn published(seed: u8) -> String {
    key(seed).verifying_key().to_string()
}

impl Zone {
    pub(crate) fn empty() -> Self {
        Self { state: Arc::default(), answers: Arc::new(Semaphore::new(1_000_000)) }
    }

    /// With a DSO at dso.example.com: its key, its version and its host, for 600 seconds.
    pub(crate) fn with_dso(seed: u8) -> Self {
        let zone = Self::empty();
        zone.txt("_DSO._usef.dso.example.com", &[&published(seed)], 600);
        zone.txt("_usef.dso.example.com", &["3.0.0"], 600);
        zone.put(
            "_http._DSO._usef.dso.example.com",
            Entry::Alias("host.example.com"),
            600,
            Some(Proof::Secure),
        );
        zone
    }

    pub(crate) fn txt(&self, name: &str, texts: &[&str], ttl: u64) {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        self.put(name, Entry::Txt(texts), ttl, Some(Proof::Secure));
    }

    pub(crate) fn alias(&self, name: &str, of: &'static str) {
        self.put(name, Entry::Alias(of), 600, Some(Proof::Secure));
    }

    pub(crate) fn fail(&self, name: &str) {
        self.put(name, Entry::Broken(DnsError::Timeout(name.to_owned())), 0, None);
    }

    pub(crate) fn put(&self, name: &str, entry: Entry, ttl: u64, proof: Option<Proof>) {
        self.state.lock().unwrap().entries.insert(name.to_ascii_lowercase(), (entry, ttl, proof));
    }

    pub(crate) fn remove(&self, name: &str) {
        self.state.lock().unwrap().entries.remove(&name.to_ascii_lowercase());
    }

    /// What was asked since the last time.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().asked)
    }

    /// How much was asked since then.
    pub(crate) fn count(&self) -> usize {
        self.state.lock().unwrap().asked.len()
    }

    async fn answer<R>(
        &self,
        name: &str,
        kind: &str,
        of: impl Fn(Entry) -> Option<Vec<R>>,
    ) -> Result<DnsAnswer<R>, DnsError> {
        self.state.lock().unwrap().asked.push(format!("{kind} {name}"));
        self.answers.acquire().await.unwrap().forget();
        let entry = self.state.lock().unwrap().entries.get(&name.to_ascii_lowercase()).cloned();
        let Some((entry, ttl, proof)) = entry else {
            return Ok(DnsAnswer {
                found: Found::NoName,
                ttl: Duration::from_secs(100),
                proof: Proof::Secure,
            });
        };
        if let Entry::Broken(error) = entry {
            return Err(error);
        }
        let found = of(entry).map_or(Found::NoRecords, Found::Records);
        let proof = proof.unwrap_or(Proof::Indeterminate);
        Ok(DnsAnswer { found, ttl: Duration::from_secs(ttl), proof })
    }
}

impl Questions for Zone {
    async fn txt(&self, name: &str) -> Result<DnsAnswer<TxtRecord>, DnsError> {
        let record = |text: String| TxtRecord(vec![text.into_bytes()]);
        self.answer(name, "TXT", |entry| match entry {
            Entry::Txt(texts) => Some(texts.into_iter().map(record).collect()),
            _ => None,
        })
        .await
    }

    async fn cname(&self, name: &str) -> Result<DnsAnswer<String>, DnsError> {
        self.answer(name, "CNAME", |entry| match entry {
            Entry::Alias(of) => Some(vec![of.to_owned()]),
            _ => None,
        })
        .await
    }
}

/// The DSO of [`Zone::with_dso`].
pub(crate) fn dso() -> (Role, tieline_types::Domain) {
    (Role::Dso, "dso.example.com".parse().unwrap())
}
