//! Events from the bus to the page: in order, none lost, each page with a channel of its own.

use std::sync::{Arc, mpsc};

use corral_contract::{InstanceId, event::AppEvent, event::Envelope};
use corral_core::bus::Bus;
use corral_shell::events::Forwarder;
use serde_json::json;
use tauri::Manager;

use crate::desk::Desk;

fn subscribe(desk: &Desk, channel: u32) {
    let request = json!({ "channel": format!("__CHANNEL__:{channel}") });
    desk.call("desktop", "subscribe", request).expect("a channel can always be attached");
}

fn event(number: i64) -> AppEvent {
    AppEvent::InstanceRemoved(InstanceId(number))
}

// criterion: 12.8
#[test]
fn events_reach_the_page_in_order_without_a_gap() {
    let desk = Desk::new();
    subscribe(&desk, 7);
    let first = desk.core.bus.seq();
    for number in 0..200 {
        desk.core.bus.send(event(number));
    }
    let messages = desk.messages(200);
    for (place, (channel, index, envelope)) in messages.iter().enumerate() {
        assert_eq!((*channel, *index), (7, place));
        assert_eq!(envelope["seq"], first + 1 + place as u64);
        assert_eq!(envelope["event"], json!({ "type": "instance-removed", "data": place }));
    }
}

// criterion: 0.7
#[test]
fn a_new_page_takes_over_and_misses_nothing_after_its_snapshot() {
    let desk = Desk::new();
    subscribe(&desk, 1);
    desk.core.bus.send(event(1));
    desk.messages(1);
    // The page is loaded anew: it attaches, then takes its snapshot.
    subscribe(&desk, 2);
    desk.core.bus.send(event(2));
    let snapshot = desk.call("app", "snapshot", json!({})).expect("a snapshot");
    desk.core.bus.send(event(3));
    let messages = desk.messages(3);
    let channels: Vec<u32> = messages.iter().map(|message| message.0).collect();
    assert_eq!(channels, [1, 2, 2], "the old page hears nothing any more");
    let contained = snapshot["seq"].as_u64().expect("a number");
    assert_eq!(messages[1].2["seq"], contained, "what was before is in the snapshot");
    assert_eq!(messages[2].2["seq"], contained + 1, "what is after it follows without a gap");
}

#[test]
fn a_text_that_is_no_channel_is_refused() {
    let desk = Desk::new();
    for text in ["", "7", "__CHANNEL__:", "__CHANNEL__:x", "__CHANNEL__:-1"] {
        let error = desk
            .call("desktop", "subscribe", json!({ "channel": text }))
            .expect_err("not what Tauri makes of a channel");
        assert_eq!(error["params"]["field"], "channel", "{text:?}");
    }
    assert!(!desk.app.state::<Forwarder>().attached());
}

// criterion: 12.8
#[test]
fn a_page_that_falls_behind_is_told_to_take_a_new_snapshot() {
    let bus = Bus::default();
    let listener = bus.listen();
    // More than the bus keeps, before anybody reads.
    for number in 0..5000 {
        bus.send(event(number));
    }
    let (sender, received) = mpsc::channel();
    let forwarder = Forwarder::default();
    forwarder.attach(listener, move |envelope| sender.send(envelope.clone()).is_ok());
    let first: Envelope = received.recv().expect("something comes");
    assert_eq!(first.event, AppEvent::Resync);
    let next: Envelope = received.recv().expect("and then what the bus kept");
    assert!(next.seq > 1, "the oldest are gone");
}

#[test]
fn a_page_that_is_gone_ends_its_forwarding() {
    let bus = Bus::default();
    let forwarder = Arc::new(Forwarder::default());
    assert!(!forwarder.attached());
    let (sender, received) = mpsc::channel();
    forwarder.attach(bus.listen(), move |envelope| sender.send(envelope.seq).is_ok());
    bus.send(event(1));
    assert_eq!(received.recv().expect("it arrives"), 1);
    assert!(forwarder.attached());
    forwarder.detach();
    assert!(!forwarder.attached());
}
