//! The system's keychain, as little of it as is needed: one entry.

use keyring::{Entry, Error};

/// Name of the entry's service, as the keychain shows it to its owner.
const SERVICE: &str = "Corral";
const ACCOUNT: &str = "data key";
const PROBE: &str = "probe";

/// Why a keychain did not do something, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused(pub String);

/// A place of the system for one secret. Every call may block, for as long as its owner takes to
/// unlock it.
pub trait Keychain: Send + Sync {
    /// `None` when nothing was written yet.
    ///
    /// # Errors
    /// It is locked, or is not there.
    fn read(&self) -> Result<Option<Vec<u8>>, Refused>;
    /// Writes over what was there.
    ///
    /// # Errors
    /// As [`Keychain::read`].
    fn write(&self, secret: &[u8]) -> Result<(), Refused>;
    /// Writes something, reads it again and removes it: that a keychain opens does not say that it
    /// keeps anything.
    ///
    /// # Errors
    /// As [`Keychain::read`], or what came back was something else.
    fn probe(&self, value: &[u8]) -> Result<(), Refused>;
}

/// Whether a keychain keeps what it is given.
pub(super) fn probe(chain: &dyn Keychain) -> Result<(), Refused> {
    let mut value = [0; 16];
    aws_lc_rs::rand::fill(&mut value).map_err(|_| Refused("no random bytes".to_owned()))?;
    chain.probe(&value)
}

/// Keychain, Credential Manager or Secret Service of whoever runs Corral.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemKeychain;

impl Keychain for SystemKeychain {
    fn read(&self) -> Result<Option<Vec<u8>>, Refused> {
        match entry(ACCOUNT)?.get_secret() {
            Ok(secret) => Ok(Some(secret)),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(refused(&error)),
        }
    }

    fn write(&self, secret: &[u8]) -> Result<(), Refused> {
        entry(ACCOUNT)?.set_secret(secret).map_err(|error| refused(&error))
    }

    fn probe(&self, value: &[u8]) -> Result<(), Refused> {
        let entry = entry(PROBE)?;
        entry.set_secret(value).map_err(|error| refused(&error))?;
        let read = entry.get_secret().map_err(|error| refused(&error))?;
        entry.delete_credential().map_err(|error| refused(&error))?;
        if read == value {
            Ok(())
        } else {
            Err(Refused("the keychain gives back something else".to_owned()))
        }
    }
}

fn entry(account: &str) -> Result<Entry, Refused> {
    Entry::new(SERVICE, account).map_err(|error| refused(&error))
}

/// Only the words of it: some variants carry what was read.
fn refused(error: &Error) -> Refused {
    Refused(match error {
        Error::BadEncoding(_) | Error::BadDataFormat(..) => "the entry is damaged".to_owned(),
        other => other.to_string(),
    })
}
