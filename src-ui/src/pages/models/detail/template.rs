//! Texts that came with the model: template, system prompt, parameters, Modelfile, licence.

use std::sync::Arc;

use corral_contract::models::ModelDetail;
use leptos::prelude::*;

use crate::{
    components::{Button, CopyButton, EmptyState},
    pages::models::{list::use_list, make},
    words::use_words,
};

#[component]
fn Text(key: &'static str, text: Option<String>) -> impl IntoView {
    let words = use_words();
    text.filter(|text| !text.trim().is_empty()).map(|text| {
        view! {
            <section class="detail__section">
                <div class="detail__head">
                    <h3>{words.signal(key)}</h3>
                    <CopyButton text=Signal::stored(text.clone()) />
                </div>
                <pre class="detail__text">{text}</pre>
            </section>
        }
    })
}

/// Template, system prompt, parameters and Modelfile.
#[component]
pub(super) fn Template(detail: Arc<ModelDetail>) -> impl IntoView {
    let words = use_words();
    let Some(show) = detail.show.clone() else {
        return view! {
            <EmptyState icon=icondata::LuFileText title=words.signal("detail.notTold") />
        }
        .into_any();
    };
    let (list, id) = (use_list(), detail.row.id);
    let items = make::modelfile_items(list, words, &detail.row);
    view! {
        {(!items.is_empty()).then(|| view! {
            <section class="detail__section">
                <div class="detail__buttons" data-model=id.to_string()>
                    {items.into_iter().map(|item| view! {
                        <Button
                            small=true
                            icon=item.icon.unwrap_or(icondata::LuFileText)
                            reason=item.reason.unwrap_or_default()
                            on_press=item.run
                            attr:data-testid=format!("detail-{}", item.testid)
                        >
                            {item.label}
                        </Button>
                    }).collect_view()}
                </div>
            </section>
        })}
        {(!show.parameters.is_empty()).then(|| {
            view! {
                <section class="detail__section">
                    <h3>{words.signal("detail.settings")}</h3>
                    <dl class="facts">
                        {show
                            .parameters
                            .iter()
                            .map(|(name, value)| {
                                view! {
                                    <dt class="mono">{name.clone()}</dt>
                                    <dd class="mono">{value.clone()}</dd>
                                }
                            })
                            .collect_view()}
                    </dl>
                </section>
            }
        })}
        <Text key="detail.system" text=show.system />
        <Text key="detail.template" text=show.template />
        <Text key="detail.modelfile" text=show.modelfile />
    }
    .into_any()
}

/// The licence.
#[component]
pub(super) fn Licence(detail: Arc<ModelDetail>) -> impl IntoView {
    let words = use_words();
    let licence = detail.show.as_ref().and_then(|show| show.license.clone());
    match licence.filter(|text| !text.trim().is_empty()) {
        Some(text) => view! { <Text key="tab.licence" text=Some(text) /> }.into_any(),
        None => view! {
            <EmptyState icon=icondata::LuFileText title=words.signal("detail.noLicence") />
        }
        .into_any(),
    }
}
