//! XChaCha20-Poly1305: 24 random bytes as nonce never repeat, and the purpose is authenticated
//! along, so that a sealed value cannot be moved to where it would be shown to somebody else.

use base64::{Engine, engine::general_purpose::STANDARD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305,
    aead::{Aead, Payload},
};
use corral_contract::{ErrorCode, WireError};

use crate::Result;

/// How every sealed text begins.
const MARK: &str = "sealed:1:";
const NONCE: usize = 24;

/// Whether a stored text was sealed, and not written down before there was a key.
pub(crate) fn is_sealed(text: &str) -> bool {
    text.starts_with(MARK)
}

/// The key of all secrets. No `Debug`.
pub(super) struct Key([u8; 32]);

impl Key {
    pub(super) fn random() -> Result<Key> {
        let mut bytes = [0; 32];
        fill(&mut bytes)?;
        Ok(Key(bytes))
    }

    /// `None` when these bytes are no key.
    pub(super) fn of(bytes: &[u8]) -> Option<Key> {
        bytes.try_into().ok().map(Key)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn seal(&self, purpose: &str, secret: &str) -> Result<String> {
        let mut nonce = [0; NONCE];
        fill(&mut nonce)?;
        let payload = Payload { msg: secret.as_bytes(), aad: purpose.as_bytes() };
        let sealed = self.cipher().encrypt(&nonce.into(), payload).map_err(|_| internal())?;
        let mut all = nonce.to_vec();
        all.extend_from_slice(&sealed);
        Ok(format!("{MARK}{}", STANDARD.encode(all)))
    }

    pub(super) fn open(&self, purpose: &str, sealed: &str) -> Result<String> {
        let broken = || WireError::new(ErrorCode::SecretsLocked).detail("sealed with another key");
        let text = sealed.strip_prefix(MARK).ok_or_else(broken)?;
        let all = STANDARD.decode(text).map_err(|_| broken())?;
        let (nonce, rest) = all.split_first_chunk::<NONCE>().ok_or_else(broken)?;
        let payload = Payload { msg: rest, aad: purpose.as_bytes() };
        let opened = self.cipher().decrypt(&(*nonce).into(), payload).map_err(|_| broken())?;
        String::from_utf8(opened).map_err(|_| broken())
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.0.into())
    }
}

fn fill(bytes: &mut [u8]) -> Result<()> {
    aws_lc_rs::rand::fill(bytes).map_err(|_| internal())
}

fn internal() -> WireError {
    WireError::new(ErrorCode::Internal).detail("the cipher refused")
}
