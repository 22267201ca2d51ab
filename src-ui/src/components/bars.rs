use leptos::prelude::*;

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 72.0;

/// One bar of a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    pub value: f64,
    /// What a pointer that rests on it is told.
    pub title: String,
}

/// Bars side by side, from zero to the largest. The caller gives the same figures as text for
/// those who do not see it.
#[component]
pub fn Bars(
    /// Names the picture.
    #[prop(into)]
    label: Signal<String>,
    /// Oldest first.
    #[prop(into)]
    bars: Signal<Vec<Bar>>,
) -> impl IntoView {
    view! {
        <svg
            class="bars"
            viewBox=format!("0 0 {WIDTH} {HEIGHT}")
            preserveAspectRatio="none"
            role="img"
            aria-label=label
        >
            {move || bars.with(|bars| shapes(bars))
                .into_iter()
                .map(|(shape, title)| {
                    view! {
                        <rect
                            x=format!("{:.2}", shape[0])
                            y=format!("{:.2}", shape[1])
                            width=format!("{:.2}", shape[2])
                            height=format!("{:.2}", shape[3])
                        >
                            <title>{title}</title>
                        </rect>
                    }
                })
                .collect_view()}
        </svg>
    }
}

/// Place and size of every bar; one without a value keeps a line of one unit.
fn shapes(bars: &[Bar]) -> Vec<([f64; 4], String)> {
    let most = bars.iter().map(|bar| bar.value).fold(0.0_f64, f64::max).max(f64::MIN_POSITIVE);
    let step = WIDTH / bars.len().max(1) as f64;
    let shape = |(place, bar): (usize, &Bar)| {
        let height = (bar.value / most * HEIGHT).max(1.0);
        let gap = (step * 0.2).min(3.0);
        ([place as f64 * step + gap / 2.0, HEIGHT - height, step - gap, height], bar.title.clone())
    };
    bars.iter().enumerate().map(shape).collect()
}

#[cfg(test)]
mod tests {
    use super::{Bar, HEIGHT, WIDTH, shapes};

    #[test]
    fn the_largest_reaches_the_top_and_nothing_is_a_line() {
        let bar = |value: f64| Bar { value, title: String::new() };
        let shapes = shapes(&[bar(0.0), bar(5.0), bar(10.0)]);
        let heights: Vec<f64> = shapes.iter().map(|(shape, _)| shape[3]).collect();
        assert_eq!(heights, [1.0, HEIGHT / 2.0, HEIGHT]);
        let last = shapes.last().expect("three").0;
        assert!(last[0] + last[2] <= WIDTH);
    }
}
