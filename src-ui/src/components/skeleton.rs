use leptos::prelude::*;

/// Grey bars in place of rows that are on their way. They show after 300 ms, so that a quick
/// answer does not flicker.
#[component]
pub fn Skeleton(
    /// How many.
    #[prop(default = 5)]
    rows: usize,
) -> impl IntoView {
    view! {
        <div class="skeleton" aria-hidden="true">
            {(0..rows)
                .map(|_| {
                    view! {
                        <div class="skeleton__row">
                            <span class="skeleton__bar"></span>
                            <span class="skeleton__bar"></span>
                            <span class="skeleton__bar"></span>
                        </div>
                    }
                })
                .collect_view()}
        </div>
    }
}
