//! Passwords, tokens and header values, sealed before they are stored.
//!
//! One random key seals them all. It lies in the system's keychain, and where there is none that
//! works, in a file of the data folder that only its owner may read. The database says which of the
//! two it is, so that a keychain that is locked for now is never taken for an empty one. The key is
//! made, and the keychain asked, when a secret is first kept or read, not before.

use std::{path::PathBuf, sync::Arc, time::Duration};

use corral_contract::{
    ErrorCode, WireError,
    registries::{SecretPlace, SecretsFact},
};
use tokio::{sync::Mutex, time::timeout};

use crate::{Core, Result, db::Db};

mod file;
mod keychain;
mod seal;
mod store;

pub use keychain::{Keychain, Refused, SystemKeychain};
use seal::Key;
pub(crate) use seal::is_sealed;

/// How long a keychain may take: it may ask its owner to unlock it first.
const KEYCHAIN_LIMIT: Duration = Duration::from_secs(20);
/// Name of the key file inside the data folder.
const FILE: &str = "secret.key";

/// Seals and opens secrets. Clones share the key.
#[derive(Clone)]
pub struct Secrets(Arc<Inner>);

struct Inner {
    db: Db,
    keychain: Option<Arc<dyn Keychain>>,
    file: PathBuf,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    key: Option<Key>,
    place: Option<SecretPlace>,
    problem: Option<WireError>,
}

impl Secrets {
    /// Asks nobody yet. Without a keychain the key lies in a file.
    #[must_use]
    pub fn new(db: Db, keychain: Option<Arc<dyn Keychain>>, folder: &std::path::Path) -> Secrets {
        let file = folder.join(FILE);
        Secrets(Arc::new(Inner { db, keychain, file, known: Mutex::default() }))
    }

    /// Seals a secret. `purpose` is bound to it: it opens for the same one only.
    ///
    /// # Errors
    /// `SECRETS_LOCKED` when the key cannot be had.
    pub async fn seal(&self, purpose: &str, secret: &str) -> Result<String> {
        let mut known = self.0.known.lock().await;
        self.key(&mut known, true).await?.seal(purpose, secret)
    }

    /// Opens what was sealed.
    ///
    /// # Errors
    /// `SECRETS_LOCKED` when the key cannot be had, or is another one.
    pub async fn open(&self, purpose: &str, sealed: &str) -> Result<String> {
        let mut known = self.0.known.lock().await;
        self.key(&mut known, false).await?.open(purpose, sealed)
    }

    /// Where the key lies, and why it cannot be had.
    pub async fn fact(&self) -> SecretsFact {
        let mut known = self.0.known.lock().await;
        if known.place.is_none() {
            known.place = store::place(&self.0.db).await.unwrap_or_default();
        }
        SecretsFact { place: known.place, problem: known.problem.clone() }
    }

    /// The key; `make` makes one where there is none.
    async fn key<'a>(&self, known: &'a mut Known, make: bool) -> Result<&'a Key> {
        if known.key.is_none() {
            // Boxed: it happens once, and would make every future around it larger.
            let found = Box::pin(self.find(make)).await;
            match found {
                Ok((key, place)) => {
                    *known = Known { key: Some(key), place: Some(place), problem: None };
                }
                Err(problem) => {
                    tracing::warn!(error = %problem, "kept secrets cannot be read");
                    known.problem = Some(problem);
                }
            }
        }
        known.key.as_ref().ok_or_else(|| known.problem.clone().unwrap_or_else(locked))
    }

    async fn find(&self, make: bool) -> Result<(Key, SecretPlace)> {
        let place = store::place(&self.0.db).await?;
        let found = match place {
            Some(SecretPlace::Keychain) => self.ask(|chain| chain.read()).await?,
            Some(SecretPlace::File) => self.file_read().await?,
            None => None,
        };
        if let (Some(bytes), Some(place)) = (found, place) {
            return Ok((Key::of(&bytes).ok_or_else(locked)?, place));
        }
        if !make {
            return Err(locked().detail("the key is gone"));
        }
        // What an earlier key sealed is lost with it; a new one at least keeps what comes now.
        let key = Key::random()?;
        let place = self.keep(&key).await?;
        store::set_place(&self.0.db, place).await?;
        Ok((key, place))
    }

    /// Puts a new key where it is safest.
    async fn keep(&self, key: &Key) -> Result<SecretPlace> {
        let bytes = key.bytes().to_vec();
        let kept = self.ask(move |chain| {
            keychain::probe(chain)?;
            chain.write(&bytes)
        });
        match kept.await {
            Ok(()) => return Ok(SecretPlace::Keychain),
            Err(error) => tracing::info!(%error, "no usable keychain, the key goes into a file"),
        }
        let (path, bytes) = (self.0.file.clone(), key.bytes().to_vec());
        let written = tokio::task::spawn_blocking(move || file::write(&path, &bytes)).await;
        match written {
            Ok(Ok(())) => Ok(SecretPlace::File),
            Ok(Err(error)) => Err(WireError::new(ErrorCode::FileSystem).detail(error.to_string())),
            Err(_) => Err(locked()),
        }
    }

    async fn file_read(&self) -> Result<Option<Vec<u8>>> {
        let path = self.0.file.clone();
        let read = tokio::task::spawn_blocking(move || file::read(&path)).await;
        let read = read.map_err(|_| locked())?;
        read.map_err(|error| locked().detail(error.to_string()))
    }

    /// Does something with the keychain, off the async threads and for a limited time.
    async fn ask<T: Send + 'static>(
        &self,
        what: impl FnOnce(&dyn Keychain) -> std::result::Result<T, Refused> + Send + 'static,
    ) -> Result<T> {
        let Some(chain) = self.0.keychain.clone() else {
            return Err(locked().detail("there is no keychain"));
        };
        let asked = tokio::task::spawn_blocking(move || what(&*chain));
        match timeout(KEYCHAIN_LIMIT, asked).await {
            Ok(Ok(Ok(answer))) => Ok(answer),
            Ok(Ok(Err(Refused(why)))) => Err(locked().detail(why)),
            Ok(Err(_)) => Err(locked().detail("the keychain's client ended")),
            Err(_) => Err(locked().detail("the keychain does not answer")),
        }
    }
}

fn locked() -> WireError {
    WireError::new(ErrorCode::SecretsLocked)
}

impl Core {
    /// Seals and opens what is to be kept from others.
    pub(crate) fn secrets(&self) -> &Secrets {
        &self.secrets
    }
}

#[cfg(test)]
#[path = "secrets/secrets_test.rs"]
mod tests;
