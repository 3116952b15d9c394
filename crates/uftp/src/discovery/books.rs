use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tieline_types::Domain;

use super::{Destination, Destinations};
use crate::Role;
use crate::server::{AddressBook, AddressBookError, KnownParticipant};

/// Several books, asked in order: the first that knows a participant has it. A clone shares them.
///
/// A book that can't answer ends the search: one further down must not speak for it.
#[derive(Clone, Default)]
pub struct AddressBooks {
    books: Arc<Vec<Box<dyn Book>>>,
}

impl AddressBooks {
    /// No book.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one book more, which is asked last.
    pub fn with(self, book: impl AddressBook + Destinations) -> Self {
        let mut books = Arc::try_unwrap(self.books)
            .unwrap_or_else(|shared| shared.iter().map(|book| book.share()).collect());
        books.push(Box::new(Arc::new(book)));
        Self { books: Arc::new(books) }
    }

    /// Whether there is no book.
    pub fn is_empty(&self) -> bool {
        self.books.is_empty()
    }
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<Option<T>, AddressBookError>> + Send + 'a>>;

/// A book of whatever kind.
trait Book: Send + Sync {
    fn look_up<'a>(&'a self, role: Role, domain: &'a Domain) -> Answer<'a, Arc<KnownParticipant>>;
    fn look_up_again<'a>(&'a self, role: Role, domain: &'a Domain) -> Answer<'a, Arc<KnownParticipant>>;
    fn destination<'a>(&'a self, role: Role, domain: &'a Domain) -> Answer<'a, Destination>;
    fn share(&self) -> Box<dyn Book>;
}

impl<B: AddressBook + Destinations> Book for Arc<B> {
    fn look_up<'a>(&'a self, role: Role, domain: &'a Domain) -> Answer<'a, Arc<KnownParticipant>> {
        Box::pin(B::look_up(self, role, domain))
    }

    fn look_up_again<'a>(&'a self, role: Role, domain: &'a Domain) -> Answer<'a, Arc<KnownParticipant>> {
        Box::pin(B::look_up_again(self, role, domain))
    }

    fn destination<'a>(&'a self, role: Role, domain: &'a Domain) -> Answer<'a, Destination> {
        Box::pin(B::destination(self, role, domain))
    }

    fn share(&self) -> Box<dyn Book> {
        Box::new(Arc::clone(self))
    }
}

impl AddressBook for AddressBooks {
    async fn look_up(
        &self,
        role: Role,
        domain: &Domain,
    ) -> Result<Option<Arc<KnownParticipant>>, AddressBookError> {
        for book in self.books.iter() {
            if let Some(known) = book.look_up(role, domain).await? {
                return Ok(Some(known));
            }
        }
        Ok(None)
    }

    async fn look_up_again(
        &self,
        role: Role,
        domain: &Domain,
    ) -> Result<Option<Arc<KnownParticipant>>, AddressBookError> {
        for book in self.books.iter() {
            // Only the book that has the participant may say more of it.
            if book.look_up(role, domain).await?.is_some() {
                return book.look_up_again(role, domain).await;
            }
        }
        Ok(None)
    }
}

impl Destinations for AddressBooks {
    async fn destination(
        &self,
        role: Role,
        domain: &Domain,
    ) -> Result<Option<Destination>, AddressBookError> {
        for book in self.books.iter() {
            if let Some(destination) = book.destination(role, domain).await? {
                return Ok(Some(destination));
            }
        }
        Ok(None)
    }
}

impl fmt::Debug for AddressBooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AddressBooks").field("books", &self.books.len()).finish()
    }
}
