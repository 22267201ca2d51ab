//! A TCP proxy that makes the network between two honest ends bad.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

mod long_way;

/// At most this many connections pass at once; later ones wait.
const CONNECTIONS: usize = 256;

/// What the proxy does to the bytes that pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Weather {
    /// Waited before each piece of the answer.
    pub latency: Duration,
    /// Each piece of the answer arrives this much later, however many are under way.
    pub delay: Duration,
    /// Out of a thousand pieces of the answer so many hold up everything behind them for a while,
    /// as a lost packet does.
    pub stalls: Option<(u32, Duration)>,
    /// Bytes per second and connection towards the client; `None` = as fast as it goes.
    pub rate: Option<u64>,
    /// Resets a connection once it carried this many bytes towards the client.
    pub reset_after: Option<u64>,
    /// Accepts, takes everything, answers nothing and never closes.
    pub black_hole: bool,
    /// Ends the client's sending side at once towards the server, but still carries answers.
    pub half_close: bool,
    /// Resets new connections at once.
    pub refuse: bool,
}

/// A running proxy; dropping it closes its port and all connections.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    passed: Arc<AtomicUsize>,
    stop: CancellationToken,
}

impl Proxy {
    /// Listens on a free loopback port and passes everything to `to`.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start(to: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let proxy = Self {
            address: listener.local_addr()?,
            weather: watch::Sender::new(Weather::default()),
            passed: Arc::default(),
            stop: CancellationToken::new(),
        };
        let (weather, passed) = (proxy.weather.clone(), Arc::clone(&proxy.passed));
        let stop = proxy.stop.clone();
        tokio::spawn(stop.clone().run_until_cancelled_owned(async move {
            let places = Arc::new(Semaphore::new(CONNECTIONS));
            while let Ok(place) = Arc::clone(&places).acquire_owned().await {
                let Ok((client, _)) = listener.accept().await else { continue };
                passed.fetch_add(1, Ordering::SeqCst);
                let number = passed.load(Ordering::SeqCst) as u64;
                let connection = Connection { weather: weather.subscribe(), number };
                let carried = async move {
                    // The ends see what went wrong; nobody else asks.
                    let _ = connection.carry(client, to).await;
                    drop(place);
                };
                tokio::spawn(stop.clone().run_until_cancelled_owned(carried));
            }
        }));
        Ok(proxy)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Changes the weather, for open connections too.
    pub fn weather(&self, change: impl FnOnce(&mut Weather)) {
        self.weather.send_modify(change);
    }

    /// How many connections were accepted so far.
    pub fn connections(&self) -> usize {
        self.passed.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

struct Connection {
    weather: watch::Receiver<Weather>,
    /// Which one it is: the same connection stalls at the same pieces in every run.
    number: u64,
}

impl Connection {
    async fn carry(mut self, client: TcpStream, to: SocketAddr) -> std::io::Result<()> {
        let now = self.weather.borrow().clone();
        if now.refuse {
            client.set_zero_linger()?;
            return Ok(());
        }
        let server = TcpStream::connect(to).await?;
        let (mut client, mut server) = (client, server);
        let ended = {
            let (mut from_client, mut to_client) = client.split();
            let (mut from_server, mut to_server) = server.split();
            let mut weather = self.weather.clone();
            let up = async {
                if now.half_close {
                    to_server.shutdown().await?;
                }
                pass_up(&mut from_client, &mut to_server, &mut weather).await?;
                // The client is done sending; only in a black hole is nothing to come for it.
                weather.wait_for(|now| now.black_hole).await.map_err(std::io::Error::other)?;
                std::io::Result::Ok(())
            };
            let far = !now.delay.is_zero() || now.stalls.is_some();
            let down = async {
                if far {
                    long_way::pass(&mut from_server, &mut to_client, &now, self.number).await?;
                    return Ok(End::Closed);
                }
                pass_down(&mut from_server, &mut to_client, &mut self.weather).await
            };
            tokio::select! {
                ended = down => ended,
                ended = up => ended.map(|()| End::Closed),
            }
        };
        if matches!(ended, Ok(End::Reset)) {
            client.set_zero_linger()?;
        }
        Ok(())
    }
}

enum End {
    Closed,
    Reset,
}

async fn pass_up(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    weather: &mut watch::Receiver<Weather>,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 16_384];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            // A server that is gone has said what it had to say; `pass_down` brings it.
            let _ = to.shutdown().await;
            return Ok(());
        }
        let now = weather.borrow().clone();
        if !now.black_hole && !now.half_close {
            let _ = to.write_all(&buffer[..read]).await;
        }
    }
}

async fn pass_down(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    weather: &mut watch::Receiver<Weather>,
) -> std::io::Result<End> {
    let mut buffer = vec![0; 16_384];
    let mut carried: u64 = 0;
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            to.shutdown().await?;
            return Ok(End::Closed);
        }
        // A black hole ends only when the weather changes; what it held then passes.
        if weather.wait_for(|now| !now.black_hole).await.is_err() {
            return Ok(End::Closed);
        }
        let now = weather.borrow().clone();
        tokio::time::sleep(now.latency).await;
        let left = now.reset_after.map_or(u64::MAX, |limit| limit.saturating_sub(carried));
        let part = usize::try_from(left).unwrap_or(read).min(read);
        to.write_all(&buffer[..part]).await?;
        carried += part as u64;
        if part < read {
            return Ok(End::Reset);
        }
        if let Some(rate) = now.rate.filter(|rate| *rate > 0) {
            tokio::time::sleep(Duration::from_secs_f64(part as f64 / rate as f64)).await;
        }
    }
}
