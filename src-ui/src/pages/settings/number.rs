use std::ops::RangeInclusive;

use corral_contract::settings::Settings;
use leptos::prelude::*;

use super::saving::Saving;
use crate::words::use_words;

/// Why a text is not a number of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    NotANumber,
    OutOfRange,
}

fn parse(text: &str, range: &RangeInclusive<u32>) -> Result<u32, Wrong> {
    let text = text.trim();
    if text.is_empty() || !text.bytes().all(|each| each.is_ascii_digit()) {
        return Err(Wrong::NotANumber);
    }
    let number = text.parse::<u32>().map_err(|_| Wrong::OutOfRange)?;
    if range.contains(&number) { Ok(number) } else { Err(Wrong::OutOfRange) }
}

/// A whole number that is saved when the field is left or Enter is pressed.
#[component]
pub(super) fn NumberRow(
    saving: Saving,
    /// Its name on the wire, in the texts and in tests.
    field: &'static str,
    range: RangeInclusive<u32>,
    /// Key of the unit behind the number, if it has one.
    #[prop(optional)]
    unit: Option<&'static str>,
    read: fn(&Settings) -> u32,
    write: fn(&mut Settings, u32),
) -> impl IntoView {
    let words = use_words();
    let current = Memo::new(move |_| saving.read(read));
    let text = RwSignal::new(current.get_untracked().to_string());
    let wrong = RwSignal::new(None::<Wrong>);
    Effect::new(move |_| {
        text.set(current.get().to_string());
        wrong.set(None);
    });
    let (least, most) = (range.start().to_string(), range.end().to_string());
    let in_words = {
        let (least, most) = (least.clone(), most.clone());
        move |least_: Option<&String>, most_: Option<&String>| {
            let values = [
                ("min", least_.unwrap_or(&least).as_str()),
                ("max", most_.unwrap_or(&most).as_str()),
            ];
            words.fill("settings.range", &values)
        }
    };
    let error = Memo::new(move |_| {
        let refused = saving.refused.with(|refused| {
            let refused = refused
                .as_ref()
                .filter(|it| it.params.get("field").is_some_and(|it| it == field))?;
            Some(in_words(refused.params.get("min"), refused.params.get("max")))
        });
        match wrong.get() {
            Some(Wrong::NotANumber) => words.get("reason.notANumber"),
            Some(Wrong::OutOfRange) => in_words(None, None),
            None => refused.unwrap_or_default(),
        }
    });
    let save = {
        let range = range.clone();
        move || match parse(&text.get_untracked(), &range) {
            Ok(number) => {
                wrong.set(None);
                saving.save(|settings| write(settings, number));
            }
            Err(reason) => wrong.set(Some(reason)),
        }
    };
    let save = StoredValue::new(save);
    let id = format!("settings-{field}");
    let note = format!("{id}-note");
    view! {
        <div class="setting" class:setting--wrong=move || error.with(|text| !text.is_empty())>
            <label class="setting__text" for=id.clone()>
                <span>{words.signal_of(format!("settings.{field}"))}</span>
                <small>{words.signal_of(format!("settings.{field}Hint"))}</small>
            </label>
            <span class="setting__control">
                <input
                    id=id.clone()
                    class="text-input setting__number num"
                    type="text"
                    inputmode="numeric"
                    autocomplete="off"
                    aria-invalid=move || error.with(|text| !text.is_empty()).then_some("true")
                    aria-describedby=note.clone()
                    data-testid=id
                    prop:value=text
                    on:input=move |event| {
                        text.set(event_target_value(&event));
                        wrong.set(None);
                    }
                    on:blur=move |_| save.with_value(|save| save())
                    on:keydown=move |event| match event.key().as_str() {
                        "Enter" => save.with_value(|save| save()),
                        "Escape" => {
                            text.set(current.get_untracked().to_string());
                            wrong.set(None);
                        }
                        _ => {}
                    }
                />
                <span class="setting__unit">{unit.map(|unit| words.signal(unit))}</span>
            </span>
            <p class="setting__error" id=note aria-live="polite">{move || error.get()}</p>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::{Wrong, parse};

    #[test]
    fn takes_numbers_of_the_range_only() {
        assert_eq!(parse(" 16 ", &(1..=16)), Ok(16));
        assert_eq!(parse("0", &(0..=60)), Ok(0));
        assert_eq!(parse("17", &(1..=16)), Err(Wrong::OutOfRange));
        assert_eq!(parse("99999999999", &(1..=16)), Err(Wrong::OutOfRange));
        assert_eq!(parse("-1", &(0..=16)), Err(Wrong::NotANumber));
        assert_eq!(parse("1.5", &(0..=16)), Err(Wrong::NotANumber));
        assert_eq!(parse("", &(0..=16)), Err(Wrong::NotANumber));
    }
}
