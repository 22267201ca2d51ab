//! Ollama's key: an OpenSSH file, and what it signs.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::{Engine, engine::general_purpose::STANDARD};

const KIND: &[u8] = b"ssh-ed25519";
/// Base64 of the hex digits of SHA-256 of nothing.
const EMPTY_BODY: &str =
    "ZTNiMGM0NDI5OGZjMWMxNDlhZmJmNGM4OTk2ZmI5MjQyN2FlNDFlNDY0OWI5MzRjYTQ5NTk5MWI3ODUyYjg1NQ==";

/// The text of a key file without a passphrase, of a key that follows from `seed`, and its public
/// half.
pub fn openssh(seed: u8) -> (String, Vec<u8>) {
    let secret: Vec<u8> = (0..32).map(|place| place ^ seed).collect();
    let Ok(pair) = Ed25519KeyPair::from_seed_unchecked(&secret) else { return Default::default() };
    let public = pair.public_key().as_ref().to_vec();
    let both = [secret.as_slice(), &public].concat();
    let check = [7_u32.to_be_bytes(), 7_u32.to_be_bytes()].concat();
    let private = [check, fields(&[KIND, &public, &both, b"a comment"])].concat();
    let named = fields(&[KIND, &public]);
    let bytes = [
        b"openssh-key-v1\0".to_vec(),
        fields(&[b"none", b"none", b""]),
        1_u32.to_be_bytes().to_vec(),
        fields(&[&named, &private]),
    ]
    .concat();
    let body = STANDARD.encode(bytes);
    // In two parts each, so that nobody takes this for a key that somebody uses.
    let line = |word: &str| format!("-----{word} OPENSSH {} KEY-----", "PRIVATE");
    (format!("{}\n{body}\n{}\n", line("BEGIN"), line("END")), public)
}

/// Whether an `Authorization` value signs a GET of this address: `<public key>:<signature>`.
pub fn signs(authorization: &str, url: &str) -> bool {
    let decode = |text: &str| STANDARD.decode(text).ok();
    let parts = authorization.split_once(':');
    let Some((Some(named), Some(signature))) = parts.map(|(key, sign)| (decode(key), decode(sign)))
    else {
        return false;
    };
    let Some(public) = named.len().checked_sub(32).and_then(|start| named.get(start..)) else {
        return false;
    };
    let said = format!("GET,{url},{EMPTY_BODY}");
    named == fields(&[KIND, public])
        && UnparsedPublicKey::new(&ED25519, public).verify(said.as_bytes(), &signature).is_ok()
}

/// Each with its length before it.
fn fields(parts: &[&[u8]]) -> Vec<u8> {
    let field = |part: &&[u8]| {
        [&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes()[..], part].concat()
    };
    parts.iter().flat_map(field).collect()
}
