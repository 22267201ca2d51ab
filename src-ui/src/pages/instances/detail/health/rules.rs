use corral_contract::{
    WireError,
    health::{Configure, Reach, Rules, Strategy, call},
    instances::call::Allow,
    steering::{AllowSteering, Allowance},
};
use leptos::prelude::*;

use super::View;
use crate::{
    components::{Button, ButtonKind, Checkbox, ErrorCard, Field, Segmented, TextInput, Ticked},
    pages::advice,
    words::use_words,
};

/// The rules while they are written; numbers as they stand in their fields.
#[derive(Clone, Copy)]
struct Form {
    strategy: RwSignal<Strategy>,
    consent: RwSignal<bool>,
    delay: RwSignal<String>,
    most: RwSignal<String>,
    interval: RwSignal<String>,
    timeout: RwSignal<String>,
    retries: RwSignal<String>,
    model: RwSignal<String>,
    minutes: RwSignal<String>,
    refused: RwSignal<Option<WireError>>,
}

impl Form {
    fn new(rules: &Rules, allowed: bool) -> Form {
        let number = |number: u32| RwSignal::new(number.to_string());
        Form {
            strategy: RwSignal::new(rules.strategy),
            consent: RwSignal::new(allowed),
            delay: number(rules.delay_seconds),
            most: number(rules.most_restarts),
            interval: number(rules.interval_seconds),
            timeout: number(rules.timeout_seconds),
            retries: number(rules.retries),
            model: RwSignal::new(rules.inference_model.clone().unwrap_or_default()),
            minutes: number(rules.inference_minutes),
            refused: RwSignal::new(None),
        }
    }

    /// What stands there; what is no number is out of every range and refused by name.
    fn read(self) -> Rules {
        let number =
            |text: RwSignal<String>| text.get_untracked().trim().parse().unwrap_or(u32::MAX);
        let model = self.model.get_untracked().trim().to_owned();
        Rules {
            interval_seconds: number(self.interval),
            timeout_seconds: number(self.timeout),
            retries: number(self.retries),
            inference_model: (!model.is_empty()).then_some(model),
            inference_minutes: number(self.minutes),
            strategy: self.strategy.get_untracked(),
            delay_seconds: number(self.delay),
            most_restarts: number(self.most),
        }
    }
}

/// What is done when the server is gone, and how it is watched.
#[component]
pub(super) fn RulesForm(view: View) -> impl IntoView {
    let words = use_words();
    let rules = view.report.with_untracked(|report| {
        report.as_deref().map(|report| report.rules.clone()).unwrap_or_default()
    });
    let reach = Memo::new(move |_| view.read(|report| report.recovery.reach));
    let form = Form::new(&rules, reach.get_untracked() == Some(Reach::Allowed));
    let wrong = move |field: &'static str| {
        Signal::derive(move || {
            form.refused.get().map(|error| advice::reason(words, &error, field)).unwrap_or_default()
        })
    };
    let keep = move || {
        let request = Configure { instance: view.id, rules: form.read() };
        view.sending.ask::<call::Set>("save rules", request, move |answer| match answer {
            Ok(report) => {
                view.take(Ok(report));
                view.sending.good(untrack(|| words.get("healthTab.saved")));
            }
            Err(error) => form.refused.set(Some(error)),
        });
    };
    let save = Callback::new(move |()| {
        form.refused.set(None);
        let how = match (reach.get_untracked(), form.consent.get_untracked()) {
            (Some(Reach::WithConsent), true) => Allowance::Always,
            (Some(Reach::Allowed), false) => Allowance::Never,
            _ => return keep(),
        };
        let request = AllowSteering { id: view.id, how };
        view.sending.then::<Allow>("allow restarts", request, move |_| keep());
    });
    let number = move |id: &'static str,
                       field: &'static str,
                       label: &'static str,
                       hint: Option<&'static str>,
                       value: RwSignal<String>| {
        view! {
            <Field
                id=id
                label=words.signal(label)
                hint=Signal::derive(move || hint.map(|key| words.get(key)).unwrap_or_default())
                error=wrong(field)
            >
                <TextInput id=id value=value attr:inputmode="numeric" attr:data-testid=id />
            </Field>
        }
    };
    let active = move || form.strategy.get() != Strategy::Manual;
    view! {
        <form
            class="health-tab__form"
            on:submit=move |event| {
                event.prevent_default();
                save.run(());
            }
        >
            <Show when=move || reach.get().is_some_and(|it| it != Reach::Never)>
                <Segmented
                    label=words.signal("healthTab.recovery")
                    options=Signal::derive(move || {
                        Strategy::ALL
                            .iter()
                            .map(|it| (it.as_str(), words.get(&format!("strategy.{}", it.as_str()))))
                            .collect()
                    })
                    value=Signal::derive(move || form.strategy.get().as_str().to_owned())
                    on_change=move |word: &'static str| {
                        if let Some(strategy) = Strategy::parse(word) {
                            form.strategy.set(strategy);
                        }
                    }
                />
                <Show when=move || active() && matches!(reach.get(), Some(Reach::WithConsent | Reach::Allowed))>
                    <Checkbox
                        ticked=Signal::derive(move || Ticked::from(form.consent.get()))
                        label=words.signal("healthTab.consent")
                        on_toggle=move |_| form.consent.update(|on| *on = !*on)
                        attr:data-testid="health-consent"
                    />
                </Show>
                <p class="health-tab__wrong" role="alert">
                    {move || {
                        let consent = wrong("consent").get();
                        if consent.is_empty() { wrong("strategy").get() } else { consent }
                    }}
                </p>
                <Show when=active>
                    {number("health-delay", "delaySeconds", "healthTab.delay", None, form.delay)}
                    {number("health-most", "mostRestarts", "healthTab.most", None, form.most)}
                </Show>
            </Show>
            {number(
                "health-interval",
                "intervalSeconds",
                "healthTab.interval",
                Some("healthTab.intervalHint"),
                form.interval,
            )}
            {number("health-timeout", "timeoutSeconds", "healthTab.timeout", None, form.timeout)}
            {number("health-retries", "retries", "healthTab.retries", None, form.retries)}
            {number(
                "health-model",
                "inferenceModel",
                "healthTab.trial",
                Some("healthTab.trialHint"),
                form.model,
            )}
            {number("health-minutes", "inferenceMinutes", "healthTab.trialEvery", None, form.minutes)}
            {move || {
                let whole = |error: &WireError| !error.params.contains_key("field");
                form.refused.get().filter(whole).map(|error| {
                    view! { <ErrorCard error=Signal::stored(advice::textual(error)) /> }
                })
            }}
            <Button
                kind=ButtonKind::Primary
                pending=view.sending.pending("save rules")
                on_press=save
                attr:data-testid="health-save"
            >
                {words.signal("healthTab.save")}
            </Button>
        </form>
    }
}
