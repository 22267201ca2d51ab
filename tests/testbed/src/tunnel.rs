//! An HTTP and SOCKS proxy, for what wants to get out: it writes down who asked for what, and leads
//! every host to one address.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::patience::lock;

/// Largest head of a request.
const LARGEST: usize = 16 * 1024;

/// A connection that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// `host:port`, or what stands in the request line.
    pub target: String,
    /// `Proxy-Authorization`, or `user:password` of SOCKS.
    pub shown: Option<String>,
    pub socks: bool,
}

#[derive(Debug, Default)]
struct Book {
    wishes: Vec<Wish>,
    refuses: bool,
    /// What must be shown, as in [`Wish::shown`].
    wanted: Option<String>,
}

/// A running proxy; dropping it closes its port.
#[derive(Debug)]
pub struct Tunnel {
    address: SocketAddr,
    book: Arc<Mutex<Book>>,
    _stop: DropGuard,
}

impl Tunnel {
    /// Listens on a free loopback port; every connection leads to `to`.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start(to: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (book, stop) = (Arc::<Mutex<Book>>::default(), CancellationToken::new());
        let shared = Arc::clone(&book);
        tokio::spawn(stop.clone().run_until_cancelled_owned(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let book = Arc::clone(&shared);
                // Ends with either side.
                tokio::spawn(async move { serve(stream, to, &book).await });
            }
        }));
        Ok(Self { address, book, _stop: stop.drop_guard() })
    }

    /// `127.0.0.1:port`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every connection so far, oldest first.
    pub fn wishes(&self) -> Vec<Wish> {
        lock(&self.book).wishes.clone()
    }

    /// From now on it lets nobody through.
    pub fn refuse(&self, refuses: bool) {
        lock(&self.book).refuses = refuses;
    }

    /// Who does not show exactly this is asked for it.
    pub fn want(&self, shown: Option<&str>) {
        lock(&self.book).wanted = shown.map(str::to_owned);
    }
}

enum Verdict {
    Pass,
    Refused,
    LoginWanted,
}

fn judge(book: &Mutex<Book>, wish: Wish) -> Verdict {
    let mut book = lock(book);
    let right = book.wanted.is_none() || book.wanted == wish.shown;
    book.wishes.push(wish);
    match (right, book.refuses) {
        (_, true) => Verdict::Refused,
        (false, _) => Verdict::LoginWanted,
        (true, false) => Verdict::Pass,
    }
}

async fn serve(mut stream: TcpStream, to: SocketAddr, book: &Mutex<Book>) -> io::Result<()> {
    let first = stream.read_u8().await?;
    if first == 5 { socks(stream, to, book).await } else { web(stream, first, to, book).await }
}

async fn web(
    mut stream: TcpStream,
    first: u8,
    to: SocketAddr,
    book: &Mutex<Book>,
) -> io::Result<()> {
    let mut head = vec![first];
    while !head.ends_with(b"\r\n\r\n") && head.len() < LARGEST {
        head.push(stream.read_u8().await?);
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let mut lines = text.lines();
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let shown = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("proxy-authorization").then(|| value.trim().to_owned())
    });
    let connect = method == "CONNECT";
    let wish = Wish { target: target.to_owned(), shown, socks: false };
    let refusal = match judge(book, wish) {
        Verdict::Pass => None,
        Verdict::Refused => Some("403 Forbidden"),
        Verdict::LoginWanted => Some("407 Proxy Authentication Required"),
    };
    if let Some(refusal) = refusal {
        let answer = format!(
            "HTTP/1.1 {refusal}\r\nProxy-Authenticate: Basic realm=\"lab\"\r\n\
             Content-Length: 0\r\nConnection: close\r\n\r\n"
        );
        return stream.write_all(answer.as_bytes()).await;
    }
    let mut server = TcpStream::connect(to).await?;
    if connect {
        stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    } else {
        server.write_all(&head).await?;
    }
    tokio::io::copy_bidirectional(&mut stream, &mut server).await.map(|_| ())
}

async fn socks(mut stream: TcpStream, to: SocketAddr, book: &Mutex<Book>) -> io::Result<()> {
    let methods = stream.read_u8().await?;
    let methods = bytes(&mut stream, methods).await?;
    let shown = if methods.contains(&2) {
        stream.write_all(&[5, 2]).await?;
        let _version = stream.read_u8().await?;
        let length = stream.read_u8().await?;
        let user = bytes(&mut stream, length).await?;
        let length = stream.read_u8().await?;
        let password = bytes(&mut stream, length).await?;
        stream.write_all(&[1, 0]).await?;
        let text = [&user[..], b":", &password[..]].concat();
        Some(String::from_utf8_lossy(&text).into_owned())
    } else {
        stream.write_all(&[5, 0]).await?;
        None
    };
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    let host = match head[3] {
        3 => {
            let length = stream.read_u8().await?;
            String::from_utf8_lossy(&bytes(&mut stream, length).await?).into_owned()
        }
        1 => {
            let octets = bytes(&mut stream, 4).await?;
            Ipv4Addr::new(octets[0], octets[1], octets[2], octets[3]).to_string()
        }
        _ => return stream.write_all(&[5, 8, 0, 1, 0, 0, 0, 0, 0, 0]).await,
    };
    let port = stream.read_u16().await?;
    let wish = Wish { target: format!("{host}:{port}"), shown, socks: true };
    if !matches!(judge(book, wish), Verdict::Pass) {
        return stream.write_all(&[5, 2, 0, 1, 0, 0, 0, 0, 0, 0]).await;
    }
    let mut server = TcpStream::connect(to).await?;
    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    tokio::io::copy_bidirectional(&mut stream, &mut server).await.map(|_| ())
}

async fn bytes(stream: &mut TcpStream, length: u8) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::from(length)];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}
