use leptos::prelude::*;

const WIDTH: f64 = 100.0;
const HEIGHT: f64 = 20.0;

/// A small line of the last values; gaps are moments without one.
#[component]
pub fn Sparkline(
    /// Oldest first.
    #[prop(into)]
    values: Signal<Vec<Option<f64>>>,
    /// The same in words.
    #[prop(into)]
    label: Signal<String>,
) -> impl IntoView {
    view! {
        <svg
            class="sparkline"
            viewBox=format!("0 0 {WIDTH} {HEIGHT}")
            preserveAspectRatio="none"
            role="img"
            aria-label=label
        >
            <path d=move || values.with(|values| path(values)) />
        </svg>
    }
}

fn path(values: &[Option<f64>]) -> String {
    let most = values.iter().flatten().copied().fold(0.0_f64, f64::max);
    if most <= 0.0 || values.len() < 2 {
        return String::new();
    }
    let step = WIDTH / (values.len() - 1) as f64;
    let mut path = String::new();
    let mut down = false;
    for (place, value) in values.iter().enumerate() {
        let Some(value) = value else {
            down = false;
            continue;
        };
        let y = HEIGHT - 1.0 - value / most * (HEIGHT - 2.0);
        let verb = if down { 'L' } else { 'M' };
        path.push_str(&format!("{verb}{:.1} {y:.1}", place as f64 * step));
        down = true;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn draws_lines_with_gaps() {
        assert_eq!(path(&[]), "");
        assert_eq!(path(&[Some(0.0), Some(0.0)]), "");
        assert_eq!(
            path(&[Some(1.0), Some(2.0), None, Some(2.0), Some(0.0)]),
            "M0.0 10.0L25.0 1.0M75.0 1.0L100.0 19.0"
        );
    }
}
