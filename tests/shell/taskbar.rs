//! The bar in the taskbar, as a function of the queue's figures.

use corral_contract::downloads::QueueMetrics;
use corral_shell::taskbar::Bar;

fn metrics(running: u32, waiting: u32, failed: u32, done: u64, total: u64) -> QueueMetrics {
    QueueMetrics { running, waiting, failed, done, total, ..QueueMetrics::default() }
}

// criterion: 2.3
#[test]
fn shows_how_far_all_downloads_are_and_whether_they_move() {
    for (figures, bar) in [
        (metrics(0, 0, 0, 0, 0), Bar::None),
        (metrics(2, 1, 0, 0, 0), Bar::Unknown),
        (metrics(2, 1, 0, 999, 1000), Bar::Percent { percent: 99, moves: true }),
        (metrics(0, 1, 3, 500, 1000), Bar::Percent { percent: 50, moves: false }),
        (metrics(1, 0, 0, 2000, 1000), Bar::Percent { percent: 100, moves: true }),
        (metrics(0, 2, 0, 0, 0), Bar::None),
        (metrics(0, 0, 1, 0, 0), Bar::None),
    ] {
        assert_eq!(Bar::of(&figures), bar, "{figures:?}");
    }
}
