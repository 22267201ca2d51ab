//! How well a text fits what was typed.

/// Points for the best place of one word of the question.
const START: u32 = 12;
const WORD: u32 = 8;
const INSIDE: u32 = 4;
const SCATTERED: u32 = 1;

/// How well `texts` together answer `question`; `None` when a word of it is in none of them. Each
/// text is lower case; the first is the label and counts more.
#[must_use]
pub(super) fn score(question: &str, texts: &[String]) -> Option<u32> {
    let mut sum = 0;
    for word in question.split_whitespace() {
        let best = texts.iter().enumerate().filter_map(|(place, text)| {
            let points = points(word, text)?;
            Some(if place == 0 { points * 2 } else { points })
        });
        sum += best.max()?;
    }
    Some(sum)
}

fn points(word: &str, text: &str) -> Option<u32> {
    if text.starts_with(word) {
        return Some(START);
    }
    let inside = text.match_indices(word).map(|(place, _)| {
        let before = text[..place].chars().next_back();
        if before.is_some_and(char::is_alphanumeric) { INSIDE } else { WORD }
    });
    inside.max().or_else(|| scattered(word, text).then_some(SCATTERED))
}

/// Whether the letters of a word come in this order, each word of the text beginning with one of
/// them or going on with the one before: `stm` for `stop model`, but not any letters anywhere.
fn scattered(word: &str, text: &str) -> bool {
    if word.chars().count() < 2 {
        return false;
    }
    let mut wanted = word.chars().peekable();
    for part in text.split(|char: char| !char.is_alphanumeric()) {
        for char in part.chars() {
            if wanted.peek() != Some(&char) {
                break;
            }
            wanted.next();
        }
    }
    wanted.peek().is_none()
}

#[cfg(test)]
mod tests {
    use super::score;

    fn texts(all: &[&str]) -> Vec<String> {
        all.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn finds_labels_pinyin_initials_and_the_other_language() {
        let stop = texts(&["停止全部模型", "tzqbmx tingzhi quanbu moxing", "stop all models"]);
        for question in ["停止", "tz", "tzqb", "tingzhi", "moxing", "stop", "all mod", "sam"] {
            assert!(score(question, &stop).is_some(), "{question}");
        }
        for question in ["启动", "xyz", "stop everything", "stop jw"] {
            assert_eq!(score(question, &stop), None, "{question}");
        }
        assert_eq!(score("", &stop), Some(0), "everything answers nothing");
    }

    #[test]
    fn the_beginning_counts_more_than_the_middle_and_that_more_than_scattered_letters() {
        let of = |text: &str| score("sync", &texts(&[text]));
        assert!(of("sync now") > of("stop the sync"));
        assert!(of("stop the sync") > of("resync"));
        assert!(score("dm", &texts(&["download models"])) < of("resync"));
    }
}
