use proptest::prelude::*;

use super::*;

const MB: u64 = 1_000_000;
const ONE: LineId = LineId(1);
const TWO: LineId = LineId(2);

fn wrote(board: &mut Board, line: LineId, range: Range<u64>) {
    board.passed(line, range.end);
    board.wrote(range);
}

fn range(piece: &Piece) -> Range<u64> {
    piece.start..piece.end()
}

#[test]
fn pieces_come_from_the_front() {
    let mut board = Board::new(10 * MB);
    let one = board.take(ONE, 4 * MB).expect("a piece");
    let two = board.take(TWO, 4 * MB).expect("a piece");
    assert_eq!((range(&one), range(&two)), (0..4 * MB, 4 * MB..8 * MB));
    wrote(&mut board, ONE, 0..MB);
    assert_eq!((board.reach(0), board.done()), (MB, MB));
    // A line that breaks gives back what it had not written.
    board.give_back(ONE);
    assert_eq!(range(&board.take(ONE, 4 * MB).expect("a piece")), MB..4 * MB);
}

#[test]
fn a_claim_is_nobodys_until_it_is_proved_or_lost() {
    let mut board = Board::new(10 * MB);
    board.claim(0..6 * MB);
    assert_eq!(range(&board.take(ONE, 8 * MB).expect("a piece")), 6 * MB..10 * MB);
    board.proved(0..2 * MB);
    board.lost(2 * MB..6 * MB);
    assert_eq!(board.reach(0), 2 * MB);
    assert_eq!(range(&board.take(TWO, 8 * MB).expect("a piece")), 2 * MB..6 * MB);
}

#[test]
fn the_fast_one_takes_most_of_what_the_slow_one_has_left() {
    let mut board = Board::new(16 * MB);
    let slow = board.take(ONE, 16 * MB).expect("a piece");
    board.measured(ONE, MB);
    wrote(&mut board, ONE, 0..MB);
    // The other was not measured: half of it.
    let half = board.take(TWO, 16 * MB).expect("a share");
    assert_eq!(slow.end(), half.start);
    assert_eq!(half.end() - half.start, 7_500_000);
    board.measured(TWO, 19 * MB);
    wrote(&mut board, TWO, range(&half));
    // Nineteen times as fast: nineteen twentieths.
    let most = board.take(TWO, 16 * MB).expect("a share");
    let left = slow.end() - MB;
    let share = most.end() - most.start;
    assert!(share > 9 * left, "{share} of {}", left + share);
}

#[test]
fn crumbs_are_left_to_whoever_has_them() {
    let mut board = Board::new(LEAST_TAKEN * 2 - 1);
    board.take(ONE, MB).expect("a piece");
    assert!(!board.has_work());
    assert!(board.take(TWO, MB).is_none());
}

proptest! {
    /// Lines that work, break, steal and claim in any order: every byte is fetched by one line at
    /// a time, and in the end all are there.
    #[test]
    fn no_byte_is_fetched_by_two_and_none_is_left_out(
        steps in prop::collection::vec((0_u32..4, 0_u8..4, 1_u64..3_000_000), 0..80),
        size in 1_u64..20_000_000,
    ) {
        let mut board = Board::new(size);
        let mut open: BTreeMap<LineId, (Piece, u64)> = BTreeMap::new();
        for (line, step, amount) in steps {
            let line = LineId(line);
            match (step, open.get_mut(&line)) {
                (0, _) => {
                    open.remove(&line);
                    if let Some(piece) = board.take(line, amount.max(1)) {
                        let start = piece.start;
                        open.insert(line, (piece, start));
                    }
                }
                (1, _) => {
                    open.remove(&line);
                    board.give_back(line);
                }
                (2, Some((piece, at))) => {
                    let end = piece.end().min(*at + amount);
                    if *at < end {
                        wrote(&mut board, line, *at..end);
                        *at = end;
                    }
                }
                (_, Some(_)) => board.measured(line, amount),
                _ => {}
            }
            let mut spans: Vec<_> = open.values().map(|(piece, at)| *at..piece.end().max(*at)).collect();
            spans.retain(|span| !span.is_empty());
            spans.sort_by_key(|span| span.start);
            for pair in spans.windows(2) {
                prop_assert!(pair[0].end <= pair[1].start, "{spans:?}");
            }
        }
        open.keys().for_each(|line| board.give_back(*line));
        let mut rounds = 0;
        while let Some(piece) = board.take(ONE, 1_000_000) {
            wrote(&mut board, ONE, piece.start..piece.end());
            rounds += 1;
            prop_assert!(rounds < 1000);
        }
        prop_assert_eq!(board.done(), size);
        prop_assert_eq!(board.reach(0), size);
    }
}
