use corral_contract::event::AppEvent;
use corral_core::bus::Bus;

// criterion: 0.8
#[tokio::test]
async fn numbers_rise_by_one_for_every_listener() {
    let bus = Bus::default();
    let (mut one, mut two) = (bus.listen(), bus.listen());
    let senders: Vec<_> = (0..4)
        .map(|_| {
            let bus = bus.clone();
            std::thread::spawn(move || {
                for _ in 0..50 {
                    bus.send(AppEvent::ModelsReload(None));
                }
            })
        })
        .collect();
    for sender in senders {
        sender.join().expect("a sender never panics");
    }
    for listener in [&mut one, &mut two] {
        for expected in 1..=200 {
            assert_eq!(listener.next().await.expect("an event").seq, expected);
        }
    }
}

// criterion: 0.8
#[tokio::test]
async fn a_listener_that_fell_behind_is_told_so() {
    let bus = Bus::default();
    let mut slow = bus.listen();
    for _ in 0..5000 {
        bus.send(AppEvent::ModelsReload(None));
    }
    let first = slow.next().await.expect("an event");
    assert_eq!(first.event, AppEvent::Resync);
    // It goes on with what is still there, in order.
    let second = slow.next().await.expect("an event").seq;
    assert_eq!(slow.next().await.expect("an event").seq, second + 1);
}
