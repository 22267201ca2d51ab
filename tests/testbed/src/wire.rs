//! A listener whose connections can be cut or reset at any moment, which no framework offers.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::patience::{DEADLINE, lock};

/// Takes a server off the network and back, together with all its open connections.
#[derive(Debug, Default)]
pub struct Switch {
    offline: AtomicBool,
    connections: Mutex<CancellationToken>,
}

impl Switch {
    /// While offline every open connection is cut and every new one reset unanswered.
    pub fn set_offline(&self, offline: bool) {
        self.offline.store(offline, Ordering::SeqCst);
        if offline {
            self.cut_all();
        }
    }

    /// Cuts every open connection; later ones are served.
    pub fn cut_all(&self) {
        std::mem::take(&mut *lock(&self.connections)).cancel();
    }

    fn connection(&self) -> CancellationToken {
        lock(&self.connections).child_token()
    }
}

/// Cuts one connection from inside a handler.
#[derive(Clone, Debug)]
pub struct Cutter {
    cut: CancellationToken,
    reset: Arc<AtomicBool>,
}

impl Cutter {
    /// Closes the connection at once; what is not yet sent is lost.
    pub fn close(&self) {
        self.cut.cancel();
    }

    /// Ends the connection with a TCP reset.
    pub fn reset(&self) {
        self.reset.store(true, Ordering::SeqCst);
        self.cut.cancel();
    }
}

impl Connected<IncomingStream<'_, CuttableListener>> for Cutter {
    fn connect_info(stream: IncomingStream<'_, CuttableListener>) -> Self {
        stream.io().cutter.clone()
    }
}

/// A TCP stream that fails as soon as its [`Cutter`] says so.
#[derive(Debug)]
pub struct CuttableStream {
    stream: TcpStream,
    cutter: Cutter,
    cancelled: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl CuttableStream {
    fn new(stream: TcpStream, cut: CancellationToken) -> Self {
        let cancelled = Box::pin(cut.clone().cancelled_owned());
        let reset = Arc::new(AtomicBool::new(false));
        let cutter = Cutter { cut, reset };
        Self { stream, cutter, cancelled }
    }

    fn poll_cut(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if self.cutter.cut.is_cancelled() || self.cancelled.as_mut().poll(context).is_ready() {
            return Err(io::Error::from(io::ErrorKind::ConnectionReset));
        }
        Ok(())
    }
}

impl Drop for CuttableStream {
    fn drop(&mut self) {
        if self.cutter.reset.load(Ordering::SeqCst) {
            // Without lingering the system answers with RST; if it cannot, a plain close remains.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for CuttableStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Err(error) = self.poll_cut(context) {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for CuttableStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Err(error) = self.poll_cut(context) {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Accepts connections as its [`Switch`] allows.
#[derive(Debug)]
pub struct CuttableListener {
    listener: TcpListener,
    switch: Arc<Switch>,
}

impl Listener for CuttableListener {
    type Io = CuttableStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let Ok((stream, address)) = self.listener.accept().await else {
                // Out of descriptors: let others close theirs first.
                tokio::task::yield_now().await;
                continue;
            };
            let _ = stream.set_nodelay(true);
            let stream = CuttableStream::new(stream, self.switch.connection());
            if self.switch.offline.load(Ordering::SeqCst) {
                stream.cutter.reset();
                continue;
            }
            return (stream, address);
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// A running HTTP server on a loopback port.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    router: Router,
    switch: Arc<Switch>,
    stop: CancellationToken,
    task: Option<tokio::task::JoinHandle<()>>,
}

impl Server {
    /// Binds `address` (port 0 = one the system chooses) and serves `router`.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start(address: SocketAddr, router: Router, switch: Arc<Switch>) -> Result<Self> {
        let mut server =
            Self { address, router, switch, stop: CancellationToken::new(), task: None };
        let listener = TcpListener::bind(address).await.context("bind the stand-in")?;
        server.address = listener.local_addr()?;
        server.serve(listener);
        Ok(server)
    }

    fn serve(&mut self, listener: TcpListener) {
        self.stop = CancellationToken::new();
        let listener = CuttableListener { listener, switch: Arc::clone(&self.switch) };
        let service = self.router.clone().into_make_service_with_connect_info::<Cutter>();
        let stop = self.stop.clone();
        self.task = Some(tokio::spawn(async move {
            tokio::select! {
                _ = axum::serve(listener, service).into_future() => {}
                () = stop.cancelled() => {}
            }
        }));
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes the listener and every open connection without a final line.
    pub async fn stop(&mut self) {
        self.stop.cancel();
        self.switch.cut_all();
        if let Some(task) = self.task.take() {
            // The task only ends or is cancelled; its result carries nothing.
            let _ = task.await;
        }
    }

    /// Serves again on the port it had.
    ///
    /// # Errors
    /// When the port stays taken for [`DEADLINE`].
    pub async fn restart(&mut self) -> Result<()> {
        self.stop().await;
        let address = self.address;
        let bind = async {
            loop {
                match TcpListener::bind(address).await {
                    Ok(listener) => return listener,
                    Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            }
        };
        let listener = tokio::time::timeout(DEADLINE, bind)
            .await
            .context("the port is taken by another process")?;
        self.serve(listener);
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
        self.switch.cut_all();
    }
}
