use corral_contract::progress::LayerState;
use proptest::prelude::*;

use super::Bar;
use crate::downloads::fetch::LayerReport;

const LAYERS: [(&str, u64); 4] = [("a", 1000), ("b", 40), ("c", 700), ("d", 5)];

/// What can happen to a bar, in any order.
#[derive(Debug, Clone)]
enum Step {
    /// Layer and where it is.
    There(usize, u64),
    /// A new attempt.
    Begin,
    /// Corral was started again.
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let there = (0..LAYERS.len(), 0_u64..1200).prop_map(|(layer, at)| Step::There(layer, at));
    let step = prop_oneof![
        12 => there,
        1 => Just(Step::Begin),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..80)
}

fn report(layer: usize, there: u64) -> LayerReport<'static> {
    let (digest, total) = LAYERS[layer];
    LayerReport {
        total: Some(total),
        state: Some(LayerState::Fetching),
        there: Some(there),
        ..LayerReport::of(digest)
    }
}

proptest! {
    // criterion: 2.3
    #[test]
    fn never_walks_back_whatever_the_server_says(steps in steps()) {
        let mut bar = Bar::default();
        let mut before = (0, 0, 0);
        for step in steps {
            match step {
                Step::There(layer, at) => {
                    bar.report(report(layer, at));
                }
                Step::Begin => bar.begin(),
                Step::Restart => bar = Bar::restored(bar.layers(), bar.again()),
            }
            let now = (bar.done(), bar.percent().unwrap_or(0), bar.again());
            prop_assert!(now.0 >= before.0 && now.1 >= before.1, "{before:?} {now:?}");
            prop_assert!(now.2 >= before.2 && now.1 < 100);
            prop_assert!(bar.done() <= bar.total().unwrap_or(0));
            before = now;
        }
    }
}

// criterion: 2.3
#[test]
fn counts_once_and_explains_what_comes_again() {
    let mut bar = Bar::default();
    bar.begin();
    bar.report(report(0, 0));
    bar.report(report(0, 600));
    assert_eq!((bar.done(), bar.again(), bar.left()), (600, 0, Some(400)));
    bar.report(report(0, 100));
    assert_eq!((bar.done(), bar.again(), bar.left()), (600, 0, Some(900)));
    bar.report(report(0, 500));
    assert_eq!((bar.done(), bar.again(), bar.left()), (600, 400, Some(500)));
    bar.report(report(0, 1000));
    assert_eq!((bar.done(), bar.again(), bar.left()), (1000, 500, Some(0)));
    assert_eq!(bar.moved(), 600 + 900);
}

#[test]
fn stands_while_a_layer_named_late_catches_up() {
    let mut bar = Bar::default();
    bar.report(report(0, 1000));
    assert_eq!(bar.percent(), Some(99), "a hundred would mean that nothing is missing");
    bar.report(report(2, 0));
    assert_eq!((bar.percent(), bar.total()), (Some(99), Some(1700)));
    let mut bar = Bar::restored(bar.layers(), bar.again());
    assert_eq!(bar.percent(), Some(99), "also after a restart");
    bar.report(report(2, 700));
    bar.finish();
    assert_eq!(bar.percent(), Some(100));
}

#[test]
fn knows_no_percent_without_a_total() {
    let mut bar = Bar::default();
    assert_eq!((bar.percent(), bar.total(), bar.left()), (None, None, None));
    bar.report(LayerReport { state: Some(LayerState::Fetching), ..LayerReport::of("a") });
    assert_eq!(bar.percent(), None);
}
