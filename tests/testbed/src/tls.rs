//! TLS in front of any server here, with a certificate that nobody knows yet.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context, Result};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_util::sync::{CancellationToken, DropGuard};

/// A listening front; dropping it closes its port.
#[derive(Debug)]
pub struct TlsFront {
    address: SocketAddr,
    authority: String,
    _stop: DropGuard,
}

impl TlsFront {
    /// Listens on a free loopback port for `names` and passes what it decrypts to `to`.
    ///
    /// # Errors
    /// When no certificate can be made or no port be bound.
    pub async fn start(to: SocketAddr, names: &[&str]) -> Result<Self> {
        Self::start_until(to, names, None).await
    }

    /// As [`TlsFront::start`], with a certificate that is valid until the beginning of a year.
    ///
    /// # Errors
    /// As [`TlsFront::start`].
    pub async fn start_until(to: SocketAddr, names: &[&str], year: Option<i32>) -> Result<Self> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names)?;
        if let Some(year) = year {
            params.not_after = rcgen::date_time_ymd(year, 1, 1);
        }
        let certificate = params.signed_by(&key, &authority)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .context("a certificate of our own")?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        tokio::spawn(stop.clone().run_until_cancelled_owned(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                // Ends with either side; a client that does not trust us says so by going.
                tokio::spawn(async move {
                    let mut stream = acceptor.accept(stream).await.ok()?;
                    let mut server = TcpStream::connect(to).await.ok()?;
                    tokio::io::copy_bidirectional(&mut stream, &mut server).await.ok()
                });
            }
        }));
        Ok(Self { address, authority: authority.pem(), _stop: stop.drop_guard() })
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The certificate of the authority that signed its own, as PEM.
    pub fn authority(&self) -> &str {
        &self.authority
    }
}
