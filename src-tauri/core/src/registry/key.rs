//! Ollama's own key on this machine. Its registry knows users by it; it is only read, and what is
//! signed goes to the registry that asked and nowhere else.

use std::path::Path;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::STANDARD};

/// In two parts, so that nobody takes the source for a key.
const BEGIN: &str = concat!("-----BEGIN OPENSSH", " PRIVATE KEY-----");
const END: &str = concat!("-----END OPENSSH", " PRIVATE KEY-----");
const MAGIC: &[u8] = b"openssh-key-v1\0";
const KIND: &[u8] = b"ssh-ed25519";

/// A key pair that can sign.
pub(super) struct Key(Ed25519KeyPair);

impl Key {
    /// Reads an OpenSSH key file without a passphrase, as Ollama makes it; `None` for anything
    /// else, which then counts as not having one. Blocks.
    pub(super) fn read(file: &Path) -> Option<Key> {
        Key::parse(&std::fs::read_to_string(file).ok()?)
    }

    fn parse(text: &str) -> Option<Key> {
        let (_, rest) = text.split_once(BEGIN)?;
        let (body, _) = rest.split_once(END)?;
        let body: String = body.split_whitespace().collect();
        let bytes = STANDARD.decode(body).ok()?;
        let mut rest = bytes.strip_prefix(MAGIC)?;
        let (cipher, kdf, _) = (field(&mut rest)?, field(&mut rest)?, field(&mut rest)?);
        if cipher != b"none" || kdf != b"none" || number(&mut rest)? != 1 {
            return None;
        }
        let _public = field(&mut rest)?;
        let mut secret = field(&mut rest)?;
        // Two equal numbers say that a passphrase was right.
        if number(&mut secret)? != number(&mut secret)? || field(&mut secret)? != KIND {
            return None;
        }
        let public = field(&mut secret)?;
        let seed = field(&mut secret)?.get(..32)?;
        Ed25519KeyPair::from_seed_and_public_key(seed, public).ok().map(Key)
    }

    /// `<public key>:<signature of text>`, both in base64: what Ollama sends as `Authorization`.
    pub(super) fn authorization(&self, text: &str) -> String {
        let mut public = Vec::new();
        for part in [KIND, self.0.public_key().as_ref()] {
            public.extend_from_slice(&u32::try_from(part.len()).unwrap_or(0).to_be_bytes());
            public.extend_from_slice(part);
        }
        let signature = self.0.sign(text.as_bytes());
        format!("{}:{}", STANDARD.encode(public), STANDARD.encode(signature.as_ref()))
    }
}

fn number(rest: &mut &[u8]) -> Option<u32> {
    let (bytes, after) = rest.split_first_chunk::<4>()?;
    *rest = after;
    Some(u32::from_be_bytes(*bytes))
}

/// A length and that many bytes.
fn field<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(number(rest)?).ok()?;
    let (bytes, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use corral_testbed::key::{openssh, signs};

    use super::*;

    #[test]
    fn signs_as_the_holder_of_the_key() {
        let (text, _) = openssh(3);
        let key = Key::parse(&text).expect("a key");
        let url = "https://r.example/token?ts=1";
        let shown = key.authorization(&super::super::token::signed(url));
        assert!(signs(&shown, url));
        assert!(!signs(&shown, "https://r.example/token?ts=2"));
    }

    #[test]
    fn what_is_no_such_key_is_none() {
        let (text, _) = openssh(3);
        assert!(Key::parse("").is_none());
        assert!(Key::parse(&text.replace("OPENSSH", "RSA")).is_none());
        for cut in (BEGIN.len() + 1..text.len() - END.len()).step_by(7) {
            assert!(Key::parse(&format!("{}\n{END}\n", &text[..cut])).is_none(), "cut at {cut}");
        }
    }
}
