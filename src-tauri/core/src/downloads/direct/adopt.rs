//! Going on where the server's own puller stopped.

use tokio_util::sync::CancellationToken;

use super::{DirectFetch, Landing};
use crate::{
    registry::Manifest,
    transfers::{self, Adopted},
};

impl DirectFetch {
    /// Takes over what the server left of the layers that are missing. What cannot be taken over is
    /// fetched as if it were not there.
    pub(super) async fn adopt(&self, manifest: &Manifest, present: &[bool]) {
        let Landing::Store { models } = &self.landing else { return };
        let (blobs, staging) = (models.join("blobs"), self.landing.staging());
        let missing = manifest.blobs.iter().zip(present).filter(|(_, there)| !**there);
        let missing: Vec<_> = missing.map(|(blob, _)| blob.clone()).collect();
        // Whoever stops waiting ends the reading as well.
        let token = CancellationToken::new();
        let _ends = token.clone().drop_guard();
        let work = move || {
            for blob in missing {
                match transfers::adopt(&blobs, &staging, &blob.digest, blob.size, &token) {
                    Ok(Adopted::Nothing) => {}
                    Ok(Adopted::Active) => {
                        tracing::info!(blob.digest, "Ollama is fetching this layer itself");
                    }
                    Ok(Adopted::Bytes(bytes)) => {
                        tracing::info!(blob.digest, bytes, "took over a download of Ollama's");
                    }
                    Err(error) => tracing::info!(blob.digest, %error, "nothing taken over"),
                }
            }
        };
        if tokio::task::spawn_blocking(work).await.is_err() {
            tracing::warn!("taking over downloads of the server ended early");
        }
    }
}
