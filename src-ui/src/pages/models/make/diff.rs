//! What differs between two texts, line by line.

use leptos::prelude::*;

use crate::words::use_words;

/// Lines that are compared with each other at most; longer stretches count as replaced.
const MOST: usize = 600;

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Same,
    Gone,
    New,
}

/// The lines of both, in the order of the newer one.
pub(super) fn lines<'a>(old: &'a str, new: &'a str) -> Vec<(Fate, &'a str)> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let head = old.iter().zip(&new).take_while(|(one, other)| one == other).count();
    let both = || old[head..].iter().rev().zip(new[head..].iter().rev());
    let tail = both().take_while(|(one, other)| one == other).count();
    let (from, to) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    let mut out: Vec<_> = old[..head].iter().map(|line| (Fate::Same, *line)).collect();
    if from.len() > MOST || to.len() > MOST {
        out.extend(from.iter().map(|line| (Fate::Gone, *line)));
        out.extend(to.iter().map(|line| (Fate::New, *line)));
    } else {
        middle(from, to, &mut out);
    }
    out.extend(old[old.len() - tail..].iter().map(|line| (Fate::Same, *line)));
    out
}

/// The longest common lines stay; the others go or come.
fn middle<'a>(from: &[&'a str], to: &[&'a str], out: &mut Vec<(Fate, &'a str)>) {
    let width = to.len() + 1;
    let mut common = vec![0_u16; (from.len() + 1) * width];
    for (row, one) in from.iter().enumerate().rev() {
        for (column, other) in to.iter().enumerate().rev() {
            common[row * width + column] = if one == other {
                common[(row + 1) * width + column + 1] + 1
            } else {
                common[(row + 1) * width + column].max(common[row * width + column + 1])
            };
        }
    }
    let (mut row, mut column) = (0, 0);
    while row < from.len() || column < to.len() {
        if row < from.len() && column < to.len() && from[row] == to[column] {
            out.push((Fate::Same, from[row]));
            row += 1;
            column += 1;
        } else if column == to.len()
            || (row < from.len()
                && common[(row + 1) * width + column] >= common[row * width + column + 1])
        {
            out.push((Fate::Gone, from[row]));
            row += 1;
        } else {
            out.push((Fate::New, to[column]));
            column += 1;
        }
    }
}

/// Both texts as one list.
#[component]
pub(super) fn Diff(
    /// The text that was there.
    old: String,
    /// What is to be.
    #[prop(into)]
    new: Signal<String>,
) -> impl IntoView {
    let words = use_words();
    view! {
        <pre class="make__diff" data-testid="make-diff" tabindex="0" aria-label=words.signal("make.diff")>
            {move || {
                new.with(|new| {
                    lines(&old, new)
                        .into_iter()
                        .map(|(fate, line)| {
                            let (class, sign) = match fate {
                                Fate::Same => ("make__same", " "),
                                Fate::Gone => ("make__gone", "-"),
                                Fate::New => ("make__new", "+"),
                            };
                            view! { <span class=class>{format!("{sign} {line}\n")}</span> }
                        })
                        .collect_view()
                })
            }}
        </pre>
    }
}

#[cfg(test)]
mod tests {
    use super::{Fate, lines};

    #[test]
    fn tells_lines_that_went_and_came() {
        use Fate::{Gone, New, Same};
        assert_eq!(
            lines("a\nb\nc\nd", "a\nx\nc\ny\nd"),
            [(Same, "a"), (Gone, "b"), (New, "x"), (Same, "c"), (New, "y"), (Same, "d")]
        );
        assert_eq!(lines("", "a"), [(New, "a")]);
        assert_eq!(lines("a\na", "a"), [(Same, "a"), (Gone, "a")]);
        let long = |sign: &str| vec![sign; 2000].join("\n");
        assert_eq!(lines(&long("a"), &long("b")).len(), 4000);
    }
}
