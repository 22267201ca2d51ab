//! The Models page.

use anyhow::Result;
use corral_testbed::window::{Window, says};

/// The page with the list.
pub(crate) struct Models<'a>(pub(crate) &'a Window);

impl Models<'_> {
    /// Waits until the list shows the model.
    pub(crate) async fn shows(&self, name: &str) -> Result<()> {
        self.0.find_css(&row(name)).await.map(|_| ())
    }

    /// Waits until the list does not show the model.
    pub(crate) async fn lacks(&self, name: &str) -> Result<()> {
        self.0.gone_from_view(&format!("row-{name}")).await
    }

    /// Waits until the status of a model is this word.
    pub(crate) async fn status(&self, name: &str, word: &str) -> Result<()> {
        self.holds(name, ".status-badge", word).await
    }

    /// Waits until a part of a row shows a text.
    pub(crate) async fn holds(&self, name: &str, part: &str, text: &str) -> Result<()> {
        let selector = format!("{} {part}", row(name));
        self.0
            .wait_for(&format!("{name} shows {text:?} in {part}"), async |window| {
                // The driver's own reading leaves out what is cut to an ellipsis.
                let body = "return [...document.querySelectorAll(arguments[0])]\
                            .map(each => each.innerText)";
                let shown = window.script(body, vec![selector.clone().into()]).await?;
                let mut shown = shown.as_array().into_iter().flatten();
                Ok(shown.any(|each| says(each.as_str().unwrap_or_default(), text)))
            })
            .await
    }

    /// Percent of a running download, as the row shows it; `None` when it shows none.
    pub(crate) async fn percent(&self, name: &str) -> Result<Option<u32>> {
        let body = "const row = document.querySelector(arguments[0]); \
                    return row ? row.innerText : ''";
        let text = self.0.script(body, vec![row(name).into()]).await?;
        Ok(percent_in(text.as_str().unwrap_or_default()))
    }

    /// Waits until a download has come this far.
    pub(crate) async fn reaches(&self, name: &str, percent: u32) -> Result<()> {
        self.0
            .wait_for(&format!("{name} is at {percent} % or more"), async |window| {
                let seen = Models(window).percent(name).await?;
                Ok(seen.is_some_and(|seen| seen >= percent))
            })
            .await
    }

    /// Presses the one button of a row.
    pub(crate) async fn press(&self, name: &str, action: &str) -> Result<()> {
        self.0.click_css(&format!("{} [data-testid='row-action-{action}']", row(name))).await
    }

    /// Chooses an entry behind the dots of a row.
    pub(crate) async fn choose(&self, name: &str, action: &str) -> Result<()> {
        self.0.click_css(&format!("{} [data-testid='row-menu']", row(name))).await?;
        self.0.click_css(&format!(".menu [data-testid='row-action-{action}']")).await
    }

    /// Ticks the box of a row.
    pub(crate) async fn tick(&self, name: &str) -> Result<()> {
        self.0.click_css(&format!("{} [role='checkbox']", row(name))).await
    }

    /// Writes into the name filter.
    pub(crate) async fn search(&self, text: &str) -> Result<()> {
        self.0.fill("models-search", text).await
    }

    /// Waits until the list shows exactly these, in any order.
    pub(crate) async fn are(&self, names: &[&str]) -> Result<()> {
        let mut wanted: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        wanted.sort();
        self.0
            .wait_for(&format!("the list shows {wanted:?}"), async |window| {
                let mut seen = Models(window).names().await?;
                seen.sort();
                Ok(seen == wanted)
            })
            .await
    }

    /// The names in the list from the top.
    pub(crate) async fn names(&self) -> Result<Vec<String>> {
        let body = "return [...document.querySelectorAll(\"[data-testid^='row-'][data-place]\")]\
                    .sort((one, other) => one.dataset.place - other.dataset.place)\
                    .map(row => row.dataset.testid.slice(4))";
        let names = self.0.script(body, Vec::new()).await?;
        Ok(serde_json::from_value(names)?)
    }
}

fn row(name: &str) -> String {
    format!("[data-testid='row-{name}']")
}

/// The number before the first ` %`.
fn percent_in(text: &str) -> Option<u32> {
    let (before, _) = text.split_once(" %")?;
    let digits: Vec<char> = before.chars().rev().take_while(char::is_ascii_digit).collect();
    digits.into_iter().rev().collect::<String>().parse().ok()
}
