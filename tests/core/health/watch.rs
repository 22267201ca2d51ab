use corral_contract::{
    app::NoticeKind,
    health::{DismissFinding, FindingKind, IncidentKind, Reach, call},
    instances::InstanceRef,
    serverlogs::{SetFile, call as logs},
};
use corral_testbed::{
    FakeOllama,
    ollama::{KeepAlive, library},
};

use super::Ward;
use crate::stage::clock;

const MODEL: &str = "llama3.2:3b";

#[tokio::test]
async fn a_model_that_left_the_graphics_card_is_told_once() {
    let server = FakeOllama::builder().clock(clock()).models([library::pick(MODEL)]).start().await;
    let ward = Ward::on(server.expect("a fake server"), Reach::Never).await;
    let load = async |vram: u64| {
        let server = ward.hands.server.lock().await;
        server.machine(|machine| machine.vram = vram);
        server.expire_now();
        assert!(server.external_load(MODEL, KeepAlive::Forever));
    };
    load(24 << 30).await;
    ward.look().await;
    crate::support::until(&ward.bench.core, "it is seen in graphics memory", async || {
        let rows = ward
            .bench
            .ask::<corral_contract::models::call::Search>(Default::default())
            .await
            .expect("rows");
        let memory = rows.items.first()?.memory?;
        (memory.vram > 0).then_some(())
    })
    .await;
    // Its driver went; the server loads into main memory.
    ward.hands.server.lock().await.crash_model(MODEL);
    load(0).await;
    ward.look().await;
    let report = ward
        .until("the finding", |report| {
            report.findings.iter().any(|each| each.kind == FindingKind::GpuLost)
                && report.incidents.iter().any(|each| each.kind == IncidentKind::GpuLost)
        })
        .await;
    let finding = &report.findings[0];
    assert_eq!(finding.subject.as_deref(), Some(MODEL));
    assert!(finding.before.is_some() && finding.now.is_some());
    ward.look().await;
    let wait = async {
        while !ward.notices().await.iter().any(|(kind, _)| *kind == NoticeKind::GpuLost) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(corral_testbed::patience::DEADLINE, wait).await.expect("told");
    let told = ward.notices().await;
    assert_eq!(told.iter().filter(|(kind, _)| *kind == NoticeKind::GpuLost).count(), 1);
    let what = DismissFinding {
        instance: ward.id,
        kind: FindingKind::GpuLost,
        subject: Some(MODEL.to_owned()),
    };
    let report = ward.bench.ask::<call::Dismiss>(what).await.expect("dismissed");
    assert!(report.findings.is_empty());
    ward.bench.core.shutdown().await;
}

#[tokio::test]
async fn the_log_tells_which_cards_the_server_sees_and_what_is_wrong() {
    let ward = Ward::new(Reach::Never).await;
    let log = ward.bench.folder.path().join("server.log");
    let card = |time: &str, library: &str, total: &str| {
        format!(
            "time={time} level=INFO source=types.go:42 msg=\"inference compute\" id=0 \
             library={library} compute=8.9 name=CUDA0 description=\"RTX 4090\" driver=12.8 \
             total=\"{total}\" available=\"22.0 GiB\"\n"
        )
    };
    let at = "2026-11-23T07:59";
    let text = [
        card("2026-11-22T00:00:00Z", "cpu", "64.0 GiB"),
        "time=2026-11-20T00:00:00Z level=WARN msg=\"CUDA driver version is insufficient\"\n".into(),
        card(&format!("{at}:00Z"), "CUDA", "24.0 GiB"),
        card(&format!("{at}:00Z"), "CUDA", "16.0 GiB"),
        format!("time={at}:30Z level=ERROR msg=\"CUDA error: an illegal memory access\"\n"),
    ]
    .concat();
    std::fs::write(&log, text).expect("a log");
    let path = Some(log.display().to_string());
    ward.bench.ask::<logs::ChooseFile>(SetFile { instance: ward.id, path }).await.expect("chosen");
    let report = ward.bench.ask::<call::Check>(InstanceRef { id: ward.id }).await.expect("asked");
    let totals: Vec<_> = report.compute.iter().map(|card| card.total).collect();
    assert_eq!(totals, [Some(24 << 30), Some(16 << 30)], "those of the last start");
    assert_eq!(report.largest, Some((24 << 30) / 5 * 4));
    let kinds: Vec<_> = report.findings.iter().map(|each| each.kind).collect();
    assert_eq!(kinds, [FindingKind::GpuFault], "what is days old says nothing about now");
    ward.bench.core.shutdown().await;
}
