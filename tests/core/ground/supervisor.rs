use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use corral_contract::{
    ErrorCode, WireError,
    app::{Health, Subsystem},
    event::AppEvent,
};
use corral_core::{
    bus::{Bus, Listener},
    supervise::Supervisor,
};

async fn next_report(listener: &mut Listener) -> Subsystem {
    loop {
        let envelope = listener.next().await.expect("the bus lives");
        if let AppEvent::Subsystem(subsystem) = &envelope.event {
            return subsystem.clone();
        }
    }
}

// criterion: 11.6
#[tokio::test]
async fn a_worker_that_panics_is_started_again_and_says_so() {
    let bus = Bus::default();
    let mut listener = bus.listen();
    let supervisor = Supervisor::new(bus);
    let runs = Arc::new(AtomicU32::new(0));
    let counted = runs.clone();
    supervisor.spawn("poller", move |token| {
        let run = counted.fetch_add(1, Ordering::SeqCst);
        async move {
            match run {
                0 => panic!("first run"),
                1 => Err(WireError::new(ErrorCode::Internal).detail("second run")),
                _ => {
                    token.cancelled().await;
                    Ok(())
                }
            }
        }
    });
    assert_eq!(next_report(&mut listener).await.health, Health::Ok);
    let panicked = next_report(&mut listener).await;
    assert_eq!((panicked.health, panicked.restarts), (Health::Degraded, 1));
    assert_eq!(panicked.problem.expect("why").detail.as_deref(), Some("first run"));
    let failed = next_report(&mut listener).await;
    assert_eq!((failed.health, failed.restarts), (Health::Degraded, 2));
    while runs.load(Ordering::SeqCst) < 3 {
        tokio::task::yield_now().await;
    }
    supervisor.well("poller");
    assert_eq!(next_report(&mut listener).await.health, Health::Ok);
    supervisor.shutdown().await;
}

// criterion: 11.6
#[tokio::test]
async fn one_failing_worker_takes_no_other_along() {
    let supervisor = Supervisor::new(Bus::default());
    let beats = Arc::new(AtomicU32::new(0));
    supervisor.spawn("broken", |_| async { panic!("always") });
    let counted = beats.clone();
    supervisor.spawn("sound", move |token| {
        let counted = counted.clone();
        async move {
            while !token.is_cancelled() {
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
            }
            Ok(())
        }
    });
    while beats.load(Ordering::SeqCst) < 100 {
        tokio::task::yield_now().await;
    }
    let health: Vec<_> =
        supervisor.subsystems().into_iter().map(|each| (each.name, each.health)).collect();
    assert_eq!(health, [("broken".to_owned(), Health::Degraded), ("sound".to_owned(), Health::Ok)]);
    supervisor.shutdown().await;
}
