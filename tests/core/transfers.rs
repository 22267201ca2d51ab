//! The engine by itself: one blob, and everything that happens to it meanwhile.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use corral_contract::{ErrorCode, name::ModelName};
use corral_core::{
    registry::{Registries, RegistryConfig, Repository},
    transfers::{Failed, Order, Share, Timers, Transfers, Why, left_of},
};
use corral_testbed::{FakeRegistry, content::Content, ollama::LayerKind, registry::Trouble};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

#[cfg(target_os = "linux")]
mod disk;

const MB: u64 = 1_000_000;
const FOLDER: &str = "CORRAL_TEST_TRANSFER_FOLDER";
const WANTED: &str = "CORRAL_TEST_TRANSFER_WANTED";
const SCRIPT: &str = "transfers::the_transfer_of_a_process_to_kill";
/// Most connections, and what each may have on its way to the disk when it is killed.
const AT_RISK: u64 = 16 * (16 << 20);

struct Place {
    registry: FakeRegistry,
    content: Content,
    folder: TempDir,
}

impl Place {
    async fn new(seed: u64, size: u64) -> Place {
        let registry = FakeRegistry::start().await.expect("a registry");
        let content = Content::seeded(seed, size);
        let config = Content::of("{}");
        registry.publish("library/x:latest", &[(LayerKind::Model, content.clone())], config);
        Place { registry, content, folder: tempfile::tempdir().expect("a folder") }
    }

    fn digest(&self) -> String {
        format!("sha256:{}", self.content.digest)
    }

    fn staging(&self) -> PathBuf {
        self.folder.path().join("staging")
    }

    fn data(&self) -> PathBuf {
        self.staging().join(format!("{}.data", self.content.digest))
    }

    fn journal(&self) -> PathBuf {
        self.staging().join(format!("{}.journal", self.content.digest))
    }

    fn order(&self) -> Order {
        order(&self.registry.host(), &self.digest(), self.content.size, &self.staging())
    }

    fn begin(&self) -> Share {
        transfers().join(self.order())
    }

    /// Ends it well: the bytes at their place are those that were ordered.
    async fn finish(&self) {
        let place = self.folder.path().join("blob");
        let whole = self.begin().whole().await.expect("it comes");
        whole.publish(&place).expect("it is moved");
        let bytes = fs::read(&place).expect("it is there");
        let digest: String =
            Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digest, self.content.digest);
        let left = fs::read_dir(self.staging()).expect("a folder").count();
        assert_eq!(left, 0, "nothing is left behind");
    }

    /// Leaves it in the middle, and answers what is claimed.
    async fn leave_at(&self, bytes: u64) -> u64 {
        let share = self.begin();
        let mut standing = share.standing();
        standing.wait_for(|standing| standing.done >= bytes).await.expect("it goes on");
        drop(share);
        // The files are let go of a moment later; the next one to open them waits for that.
        self.settled().await
    }

    async fn settled(&self) -> u64 {
        let journal = self.journal();
        loop {
            let file = File::open(&journal).expect("a journal");
            if file.try_lock().is_ok() {
                break;
            }
            tokio::task::yield_now().await;
        }
        left_of(&self.staging(), &self.digest(), self.content.size).expect("something is left")
    }
}

fn transfers() -> Transfers {
    Transfers::new(Registries::new(RegistryConfig::default()).expect("clients"))
}

fn order(host: &str, digest: &str, size: u64, staging: &Path) -> Order {
    let name = ModelName::parse(&format!("{host}/library/x:latest")).expect("a name");
    let repository = Repository { name, insecure: true, server_version: None, file: None };
    Order::new(repository, digest, size, staging).expect("a digest")
}

async fn fails(place: &Place) -> Failed {
    place.begin().whole().await.expect_err("it cannot come")
}

// criterion: 11.1
#[tokio::test(flavor = "multi_thread")]
async fn what_was_there_is_taken_up_and_nothing_else_is_fetched() {
    let place = Place::new(1, 40 * MB).await;
    place.registry.rate(Some(4 * MB));
    let left = place.leave_at(20 * MB).await;
    assert!(left >= 20 * MB);
    let before = place.registry.sent(&place.content.digest);
    place.registry.rate(None);
    place.finish().await;
    let fetched = place.registry.sent(&place.content.digest) - before;
    // Shares that change hands cost what was on its way.
    assert!(fetched < 40 * MB - left + 8 * MB, "{fetched} after {left}");
}

// criterion: 11.1
#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_were_changed_behind_our_back_are_fetched_again() {
    let place = Place::new(2, 20 * MB).await;
    place.registry.rate(Some(4 * MB));
    place.leave_at(10 * MB).await;
    place.registry.rate(None);
    let mut data = File::options().read(true).write(true).open(place.data()).expect("the data");
    let mut byte = [0];
    data.seek(SeekFrom::Start(1_000_000)).and_then(|_| data.read_exact(&mut byte)).expect("read");
    byte[0] ^= 1;
    data.seek(SeekFrom::Start(1_000_000)).and_then(|_| data.write_all(&byte)).expect("written");
    drop(data);
    place.finish().await;
}

// criterion: 11.1
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_cut_or_a_journal_that_was_lost_starts_anew() {
    for what in ["cut", "longer", "no journal", "another's journal", "no data", "nothing"] {
        let place = Place::new(3, 12 * MB).await;
        place.registry.rate(Some(4 * MB));
        place.leave_at(6 * MB).await;
        place.registry.rate(None);
        let resize = |size: u64| {
            let data = File::options().write(true).open(place.data());
            data.and_then(|data| data.set_len(size)).expect(what);
        };
        match what {
            "cut" => resize(5 * MB),
            "longer" => resize(13 * MB),
            "no journal" => fs::remove_file(place.journal()).expect(what),
            "another's journal" => fs::write(place.journal(), b"not a journal").expect(what),
            "no data" => fs::remove_file(place.data()).expect(what),
            _ => fs::remove_dir_all(place.staging()).expect(what),
        }
        place.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_blob_and_one_of_a_single_byte_come_as_well() {
    for bytes in [vec![], vec![7_u8]] {
        let place = Place::new(4, 1).await;
        let content = Content::of(bytes);
        let config = Content::of("{}");
        place.registry.publish("library/x:latest", &[(LayerKind::Model, content.clone())], config);
        let place = Place { content, ..place };
        place.finish().await;
    }
}

// criterion: 2.6
#[tokio::test(flavor = "multi_thread")]
async fn the_last_one_who_leaves_ends_it() {
    let place = Place::new(5, 40 * MB).await;
    place.registry.rate(Some(2 * MB));
    let all = transfers();
    let (one, two) = (all.join(place.order()), all.join(place.order()));
    let mut standing = one.standing();
    standing.wait_for(|standing| standing.done > MB).await.expect("it goes on");
    drop(one);
    let before = two.standing().borrow().done;
    two.standing().wait_for(|standing| standing.done > before).await.expect("it still goes on");
    drop(two);
    place.settled().await;
    let sent = place.registry.sent(&place.content.digest);
    place.registry.rate(None);
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    // What the other side had handed to its system by then does not count.
    assert!(place.registry.sent(&place.content.digest) <= sent + 2 * MB);
}

// criterion: 2.6
#[tokio::test(flavor = "multi_thread")]
async fn a_failure_says_what_can_be_done_about_it() {
    for (trouble, why, code) in [
        (Trouble::WrongBytes, Why::Final, ErrorCode::DigestMismatch),
        (Trouble::Status(404, String::new()), Why::Again, ErrorCode::NotFound),
        (Trouble::Status(500, "oh".to_owned()), Why::Again, ErrorCode::RegistryUnreachable),
        (
            Trouble::RetryLater { status: 429, seconds: 600 },
            Why::Again,
            ErrorCode::RegistryUnreachable,
        ),
        (Trouble::WrongContentRange, Why::Again, ErrorCode::BadAnswer),
        (Trouble::OtherSize, Why::Again, ErrorCode::DownloadInterrupted),
        (Trouble::Packed, Why::Again, ErrorCode::BadAnswer),
        (Trouble::Status(410, String::new()), Why::Again, ErrorCode::NotFound),
        (Trouble::Status(412, String::new()), Why::Final, ErrorCode::NeedsNewerOllama),
        (Trouble::Status(403, String::new()), Why::Final, ErrorCode::SignInNeeded),
    ] {
        let place = Place::new(6, 3 * MB).await;
        place.registry.always(Some(trouble.clone()));
        let failed = fails(&place).await;
        assert_eq!((failed.why, failed.error.code), (why, code), "{trouble:?}");
    }
}

// criterion: 2.6
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_made_is_told_and_leaves_nothing_open() {
    let place = Place::new(7, 3 * MB).await;
    fs::write(place.staging(), b"a file where a folder should be").expect("a file");
    let failed = fails(&place).await;
    assert_eq!(failed.error.code, ErrorCode::FileSystem);
    assert!(place.registry.sent(&place.content.digest) == 0);
}

// criterion: 11.3
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_fall_silent_or_drip_are_opened_anew() {
    let short = Duration::from_millis(400);
    let timers = Timers { first_byte: short, stall: short, ..Timers::default() };
    for trouble in [
        // Half-open: the other side is there and says nothing more.
        Trouble::BlackHoleAfter(100_000),
        Trouble::BlackHoleAfter(0),
        // Never long enough silent to be given up for that.
        Trouble::Drip(Duration::from_millis(50)),
    ] {
        let place = Place::new(10, 12 * MB).await;
        place.registry.script(vec![trouble.clone(); 4]);
        let all =
            Transfers::with(Registries::new(RegistryConfig::default()).expect("clients"), timers);
        let whole = all.join(place.order()).whole().await;
        let whole = whole.unwrap_or_else(|failed| panic!("{trouble:?}: {failed:?}"));
        whole.discard();
    }
}

// criterion: 11.2
#[tokio::test(flavor = "multi_thread")]
async fn two_copies_of_corral_do_not_write_into_each_others_files() {
    let place = Place::new(13, 20 * MB).await;
    place.registry.rate(Some(2 * MB));
    let first = place.begin();
    let mut standing = first.standing();
    standing.wait_for(|standing| standing.done > MB).await.expect("it goes on");
    let timers = Timers { lock: Duration::from_millis(300), ..Timers::default() };
    let clients = || Registries::new(RegistryConfig::default()).expect("clients");
    let second = Transfers::with(clients(), timers).join(place.order());
    let refused = second.whole().await.expect_err("the first one is at it");
    assert_eq!((refused.why, refused.error.code), (Why::Locked, ErrorCode::Busy));
    drop((first, second));
    place.registry.rate(None);
    place.finish().await;
}

/// Not a test of its own: only as the child of the one below it does anything.
#[tokio::test(flavor = "multi_thread")]
async fn the_transfer_of_a_process_to_kill() {
    let (Ok(folder), Ok(wanted)) = (std::env::var(FOLDER), std::env::var(WANTED)) else { return };
    let mut words = wanted.split(' ');
    let mut word = || words.next().expect("host, digest and size").to_owned();
    let (host, digest, size) = (word(), word(), word().parse().expect("a size"));
    let share = transfers().join(order(&host, &digest, size, Path::new(&folder)));
    let _whole = share.whole().await;
    std::future::pending::<()>().await;
}

/// The child; never outlives its test.
struct Victim(Child);

impl Victim {
    fn start(place: &Place) -> Victim {
        let itself = std::env::current_exe().expect("this very program");
        let Place { registry, content, .. } = place;
        let child = Command::new(itself)
            .args(["--exact", SCRIPT, "--nocapture", "--test-threads", "1"])
            .env(FOLDER, place.staging())
            .env(WANTED, format!("{} {} {}", registry.host(), place.digest(), content.size))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Victim(child.expect("the child starts"))
    }
}

impl Drop for Victim {
    /// As `kill -9` does.
    fn drop(&mut self) {
        // Both fail when it is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

// criterion: 11.1
#[tokio::test(flavor = "multi_thread")]
async fn ten_kills_cost_each_connection_a_little_and_end_with_the_same_bytes() {
    let place = Place::new(8, 60 * MB).await;
    place.registry.rate(Some(3 * MB));
    let digest = place.content.digest.clone();
    let mut claimed = 0;
    for round in 0..10_u64 {
        let victim = Victim::start(&place);
        // Another moment each time, always after a few more megabytes.
        let enough = place.registry.sent(&digest) + 3 * MB + round * 7919 * 131 % (2 * MB);
        let told = digest.clone();
        let far_enough =
            move |registry: &corral_testbed::registry::Control| registry.sent(&told) >= enough;
        place.registry.until("bytes", far_enough).await.expect("it goes on");
        tokio::task::spawn_blocking(move || drop(victim)).await.expect("killed");
        let left = left_of(&place.staging(), &place.digest(), place.content.size);
        let left = left.expect("a journal that can be read");
        assert!(left >= claimed, "round {round}: {left} after {claimed}");
        claimed = left;
    }
    place.registry.rate(None);
    place.finish().await;
    let again = place.registry.sent(&digest).saturating_sub(place.content.size);
    assert!(again <= 10 * AT_RISK / 16, "{again} sent again after ten kills");
}

// criterion: 11.3
#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_ranges_that_also_fails_is_asked_again() {
    let place = Place::new(12, 6 * MB).await;
    place.registry.script([
        Trouble::IgnoreRange,
        Trouble::IgnoreRange,
        Trouble::IgnoreRange,
        Trouble::IgnoreRange,
        Trouble::Status(500, "oh".to_owned()),
        Trouble::Status(404, String::new()),
    ]);
    place.finish().await;
}
