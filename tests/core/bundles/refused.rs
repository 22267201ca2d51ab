//! Files that are not what they should be. Whatever is wrong with one, the models folder is
//! afterwards as it was before.

use std::path::Path;

use corral_contract::{
    ErrorCode, InstanceId,
    bundles::{InspectBundle, call},
};
use serde_json::Value;

use super::{MB, Other, Yard, herd, tree, unpack};

/// What is wrong, how it comes about, and the reason that is told.
type Case = (&'static str, fn(&mut Value), &'static str);

/// The table of a file, changed, with a proper head and everything else as it was.
fn with_table(bytes: &[u8], change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let octal = std::str::from_utf8(&bytes[124..135]).expect("digits");
    let size = usize::from_str_radix(octal, 8).expect("a size");
    let mut table: Value = serde_json::from_slice(&bytes[512..512 + size]).expect("a table");
    change(&mut table);
    let mut text = table.to_string().into_bytes();
    let mut head = bytes[..512].to_vec();
    head[124..136].copy_from_slice(format!("{:011o}\0", text.len()).as_bytes());
    head[148..156].copy_from_slice(b"        ");
    let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
    head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    text.resize(text.len().next_multiple_of(512), 0);
    let rest = &bytes[(512 + size).next_multiple_of(512)..];
    [head, text, rest.to_vec()].concat()
}

struct Gate {
    yard: Yard,
    other: Other,
    bytes: Vec<u8>,
}

impl Gate {
    async fn new() -> Gate {
        let yard = Yard::with([herd("one", 31, 2 * MB), herd("two", 32, MB)]).await;
        let file = yard.file("good.corral.tar");
        yard.export(&["one:latest", "two:latest"], &file).await;
        let bytes = std::fs::read(&file).expect("the file");
        let other = yard.other().await;
        Gate { yard, other, bytes }
    }

    fn folder(&self) -> &Path {
        self.other.models.path()
    }

    fn to(&self) -> InstanceId {
        self.other.id
    }

    /// Looks at these bytes as a file and tries to import it; answers why that was refused.
    async fn refusal(&self, what: &str, bytes: &[u8]) -> String {
        let before = tree(self.folder());
        let file = self.yard.file("bad.corral.tar");
        std::fs::write(&file, bytes).expect("written");
        let look = InspectBundle { path: file.to_string_lossy().into_owned(), instance: self.to() };
        let seen = self.yard.ask::<call::Inspect>(look).await.expect_err(what);
        let asked = unpack(&file, self.to(), &["one:latest"]);
        let refused = self.yard.ask::<call::Import>(asked).await.expect_err(what);
        assert_eq!(seen, refused, "{what}");
        assert_eq!(refused.code, ErrorCode::InvalidInput, "{what}: {refused}");
        assert_eq!(tree(self.folder()), before, "{what}");
        refused.params["reason"].clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_ends_early_is_refused_wherever_it_ends() {
    let gate = Gate::new().await;
    let length = gate.bytes.len();
    let places =
        [11, 200, 511, 512, 700, 3000, 4096, 1_000_000, length / 2, length - 513, length - 1];
    for place in places {
        let reason = gate.refusal("cut", &gate.bytes[..place]).await;
        assert_eq!(reason, "bundleTruncated", "cut at {place}");
    }
    assert_eq!(gate.refusal("nothing", b"").await, "emptyFile");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_file_of_models_is_refused() {
    let gate = Gate::new().await;
    for (what, bytes) in [
        ("a short text", b"hello".to_vec()),
        ("zeros", vec![0; 100_000]),
        ("a GGUF file", corral_testbed::gguf::Gguf::tiny().bytes()),
        ("an archive of another kind", [b"PK\x03\x04".to_vec(), vec![1; 5000]].concat()),
    ] {
        assert_eq!(gate.refusal(what, &bytes).await, "notBundle", "{what}");
    }
    let newer = with_table(&gate.bytes, |table| table["version"] = 2.into());
    assert_eq!(gate.refusal("a newer one", &newer).await, "bundleNewer");
    let more = [gate.bytes.clone(), vec![0; 512]].concat();
    assert_eq!(gate.refusal("more than it lists", &more).await, "bundleBroken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_lies_is_refused() {
    let gate = Gate::new().await;
    let cases: [Case; 8] = [
        (
            "a missing layer",
            |it| drop(it["blobs"].as_array_mut().map(|all| all.remove(0))),
            "bundleBroken",
        ),
        (
            "sizes above the file",
            |it| it["blobs"][0]["size"] = (1_u64 << 45).into(),
            "bundleBroken",
        ),
        ("overlapping layers", |it| it["blobs"][1]["offset"] = 512.into(), "bundleBroken"),
        ("a path upwards", |it| it["models"][0]["name"] = "../../../evil".into(), "bundleName"),
        ("an absolute path", |it| it["models"][0]["name"] = "/etc/passwd".into(), "bundleName"),
        ("a drive", |it| it["models"][0]["name"] = "C:/x/evil:latest".into(), "bundleName"),
        ("a NUL", |it| it["models"][0]["name"] = "evil\0:latest".into(), "bundleName"),
        (
            "a name without end",
            |it| it["models"][0]["name"] = "x".repeat(5000).into(),
            "bundleName",
        ),
    ];
    for (what, change, reason) in cases {
        let bytes = with_table(&gate.bytes, change);
        assert_eq!(gate.refusal(what, &bytes).await, reason, "{what}");
    }
    let twins = with_table(&gate.bytes, |it| it["models"][1]["name"] = "ONE:Latest".into());
    assert_eq!(gate.refusal("names that differ by case only", &twins).await, "bundleName");
    // Tools that do not read the table must not be led elsewhere either.
    let name = b"blobs/sha256-";
    let place = gate.bytes.windows(name.len()).position(|bytes| bytes == name).expect("a head");
    let mut head = gate.bytes.clone();
    head[place..place + 6].copy_from_slice(b"../../");
    assert_eq!(gate.refusal("a head that leads elsewhere", &head).await, "bundleBroken");
}

// criterion: 2.5
#[tokio::test(flavor = "multi_thread")]
async fn one_wrong_bit_keeps_its_model_out_and_the_others_come() {
    let gate = Gate::new().await;
    let before = tree(gate.folder());
    let mut bytes = gate.bytes.clone();
    // In the weights of the first model.
    bytes[1_000_000] ^= 1;
    let file = gate.yard.file("bad.corral.tar");
    std::fs::write(&file, bytes).expect("written");
    let names = ["one:latest", "two:latest"];
    let asked = unpack(&file, gate.to(), &names[..1]);
    let task = gate.yard.ask::<call::Import>(asked).await.expect("the table is fine").task;
    let problem = gate.yard.ended(task).await.problem.expect("why");
    assert_eq!(problem.code, ErrorCode::DigestMismatch);
    assert_eq!(tree(gate.folder()), before, "nothing of it stays");
    let task = gate.yard.ask::<call::Import>(unpack(&file, gate.to(), &names)).await;
    let task = task.expect("the table is fine").task;
    gate.yard.ended(task).await;
    gate.yard.sync(gate.to()).await;
    assert!(gate.yard.row(gate.to(), "one:latest").await.is_none());
    assert!(gate.yard.row(gate.to(), "two:latest").await.is_some());
}
