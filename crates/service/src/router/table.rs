use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use smallvec::SmallVec;

use crate::Protocol;

/// From action and version to the index of an endpoint.
pub(super) struct Table<P: Protocol>(BTreeMap<Cow<'static, str>, SmallVec<[Entry<P>; 1]>>);

pub(super) struct Entry<P: Protocol> {
    versions: Versions<P>,
    name: &'static str,
    pub(super) endpoint: usize,
}

/// The versions in which a route serves an action. `None`: in every version.
pub(super) type Versions<P> = Option<SmallVec<[<P as Protocol>::Version; 3]>>;

impl<P: Protocol> Clone for Entry<P> {
    fn clone(&self) -> Self {
        Self { versions: self.versions.clone(), name: self.name, endpoint: self.endpoint }
    }
}

impl<P: Protocol> Entry<P> {
    pub(super) fn new(versions: Versions<P>, name: &'static str, endpoint: usize) -> Self {
        Self { versions, name, endpoint }
    }

    fn serves(&self, version: P::Version) -> bool {
        self.versions.as_ref().is_none_or(|versions| versions.contains(&version))
    }

    fn overlaps(&self, other: &Self) -> bool {
        match (&self.versions, &other.versions) {
            (Some(mine), Some(theirs)) => mine.iter().any(|version| theirs.contains(version)),
            (None, _) | (_, None) => true,
        }
    }
}

impl<P: Protocol> Table<P> {
    pub(super) fn new() -> Self {
        Self(BTreeMap::new())
    }

    pub(super) fn insert(&mut self, action: Cow<'static, str>, entry: Entry<P>) -> Result<(), RouteError> {
        if entry.versions.as_ref().is_some_and(SmallVec::is_empty) {
            return Err(RouteError::NoVersion { action: action.into_owned(), handler: entry.name });
        }
        let entries = self.0.entry(action.clone()).or_default();
        if let Some(present) = entries.iter().find(|present| present.overlaps(&entry)) {
            return Err(RouteError::Duplicate {
                action: action.into_owned(),
                versions: RouteInfo::of("", present).versions_text(),
                first: present.name,
                second: entry.name,
            });
        }
        entries.push(entry);
        Ok(())
    }

    /// The endpoint of an action. Allocates nothing.
    pub(super) fn find(&self, version: P::Version, action: &str) -> Option<usize> {
        self.0.get(action)?.iter().find(|entry| entry.serves(version)).map(|entry| entry.endpoint)
    }

    /// Sends all actions to one endpoint.
    pub(super) fn redirect(&mut self, endpoint: usize) {
        self.0.values_mut().flatten().for_each(|entry| entry.endpoint = endpoint);
    }

    pub(super) fn is_all(&self, endpoint: usize) -> bool {
        self.0.values().flatten().all(|entry| entry.endpoint == endpoint)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = RouteInfo<'_, P>> {
        self.0
            .iter()
            .flat_map(|(action, entries)| entries.iter().map(move |entry| RouteInfo::of(action, entry)))
    }

    pub(super) fn clone_entries(&self) -> Self {
        Self(self.0.clone())
    }

    pub(super) fn into_entries(self) -> impl Iterator<Item = (Cow<'static, str>, Entry<P>)> {
        self.0
            .into_iter()
            .flat_map(|(action, entries)| entries.into_iter().map(move |entry| (action.clone(), entry)))
    }
}

/// One route of a router.
pub struct RouteInfo<'a, P: Protocol> {
    action: &'a str,
    versions: Option<&'a [P::Version]>,
    handler: &'static str,
}

impl<'a, P: Protocol> RouteInfo<'a, P> {
    fn of(action: &'a str, entry: &'a Entry<P>) -> Self {
        Self { action, versions: entry.versions.as_deref(), handler: entry.name }
    }

    /// The action's name.
    pub fn action(&self) -> &'a str {
        self.action
    }

    /// The versions in which the route serves the action. `None`: in every version.
    pub fn versions(&self) -> Option<&'a [P::Version]> {
        self.versions
    }

    /// The path of the handler function, or the type of the service.
    pub fn handler(&self) -> &'static str {
        self.handler
    }

    fn versions_text(&self) -> String {
        match self.versions {
            None => "every version".to_owned(),
            Some(versions) => versions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        }
    }
}

impl<P: Protocol> fmt::Debug for RouteInfo<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouteInfo")
            .field("action", &self.action)
            .field("versions", &self.versions)
            .field("handler", &self.handler)
            .finish()
    }
}

impl<P: Protocol> fmt::Display for RouteInfo<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.action, self.versions_text(), self.handler)
    }
}

/// A mistake in the routes, found while they are registered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RouteError {
    /// Two routes serve the same action in the same version.
    #[error(
        "the action `{action}` ({versions}) is served by `{first}` already: `{second}` cannot serve it too"
    )]
    Duplicate {
        /// The action's name.
        action: String,
        /// The versions of the first route.
        versions: String,
        /// The handler that was registered first.
        first: &'static str,
        /// The handler that was registered second.
        second: &'static str,
    },

    /// A route for no version would never be called.
    #[error("the action `{action}` is served by `{handler}` in no version at all")]
    NoVersion {
        /// The action's name.
        action: String,
        /// The handler.
        handler: &'static str,
    },

    /// Both routers of a merge have a fallback.
    #[error("two routers that both have a fallback cannot be merged")]
    TwoFallbacks,

    /// An after-handler is registered for an action that no route serves.
    #[error("`{handler}` is to run after the action `{action}` ({version}), which nothing serves")]
    AfterNothing {
        /// The action's name.
        action: String,
        /// The version in which it is not served.
        version: String,
        /// The after-handler.
        handler: &'static str,
    },
}
