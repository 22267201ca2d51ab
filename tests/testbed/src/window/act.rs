//! Looking at the page and acting on it, as a person would: by clicks and keys.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use thirtyfour::prelude::*;

use super::{PATIENCE, Window, keys, says, until};

/// How much of the page's text an error carries.
const SHOWN: usize = 1500;

impl Window {
    /// The first visible element of that `data-testid`, waited for.
    ///
    /// # Errors
    /// When none is visible in time.
    pub async fn find(&self, testid: &str) -> Result<WebElement> {
        self.find_css(&by_testid(testid)).await
    }

    /// The first visible element that a CSS selector matches, waited for.
    ///
    /// # Errors
    /// When none is visible in time.
    pub async fn find_css(&self, selector: &str) -> Result<WebElement> {
        let mut found = None;
        self.wait_for(&format!("{selector} is visible"), async |window| {
            found = window.visible(selector).await?.into_iter().next();
            Ok(found.is_some())
        })
        .await?;
        found.context("it was visible a moment ago")
    }

    /// All visible elements of that `data-testid`, now.
    ///
    /// # Errors
    /// When the session is gone.
    pub async fn all(&self, testid: &str) -> Result<Vec<WebElement>> {
        self.visible(&by_testid(testid)).await
    }

    /// Whether an element of that `data-testid` is visible now.
    ///
    /// # Errors
    /// When the session is gone.
    pub async fn shows(&self, testid: &str) -> Result<bool> {
        Ok(!self.all(testid).await?.is_empty())
    }

    /// Waits until no element of that `data-testid` is visible.
    ///
    /// # Errors
    /// When one still is after [`PATIENCE`].
    pub async fn gone_from_view(&self, testid: &str) -> Result<()> {
        self.wait_for(&format!("{testid} is gone"), async |window| {
            Ok(!window.shows(testid).await?)
        })
        .await
    }

    /// Clicks an element once it is there and nothing covers it.
    ///
    /// # Errors
    /// When it cannot be clicked in time.
    pub async fn click(&self, testid: &str) -> Result<()> {
        self.click_css(&by_testid(testid)).await
    }

    /// As [`Window::click`], by a CSS selector.
    ///
    /// # Errors
    /// When it cannot be clicked in time.
    pub async fn click_css(&self, selector: &str) -> Result<()> {
        self.click_nth(selector, 0).await
    }

    /// As [`Window::click_css`], on one of several; counted from 0.
    ///
    /// # Errors
    /// When it cannot be clicked in time.
    pub async fn click_nth(&self, selector: &str, place: usize) -> Result<()> {
        let mut why = None;
        let what = format!("{selector} can be clicked");
        let clicked = self.wait_for(&what, async |window| {
            let Some(element) = window.visible(selector).await?.into_iter().nth(place) else {
                return Ok(false);
            };
            if !element.is_enabled().await.unwrap_or(false) {
                return Ok(false);
            }
            // A list that renders anew or a dialog that is closing refuses the click: look again.
            let clicked = match keys::alone() {
                true => window.press_by_keys(&element).await,
                false => element.click().await.map_err(Into::into),
            };
            why = clicked.err();
            Ok(why.is_none())
        });
        let clicked = clicked.await;
        match why {
            Some(why) => clicked.with_context(|| format!("{why:#}")),
            None => clicked,
        }
    }

    /// Replaces what an input holds by typing.
    ///
    /// # Errors
    /// When the input is not there in time.
    pub async fn fill(&self, testid: &str, text: &str) -> Result<()> {
        let input = self.find(testid).await?;
        if keys::alone() {
            self.press_by_keys(&input).await?;
        } else {
            input.click().await?;
        }
        input.send_keys(Key::Control + "a").await?;
        input.send_keys(Key::Delete + "").await?;
        if text.is_empty() {
            // The driver refuses to type nothing.
            return Ok(());
        }
        Ok(input.send_keys(text).await?)
    }

    /// Presses keys where the focus is.
    ///
    /// # Errors
    /// When nothing has the focus.
    pub async fn press(&self, keys: impl Into<TypingData>) -> Result<()> {
        Ok(self.session().active_element().await?.send_keys(keys).await?)
    }

    /// The text an element shows.
    ///
    /// # Errors
    /// When it is not there in time.
    pub async fn text(&self, testid: &str) -> Result<String> {
        // The driver's own reading leaves out what is cut to an ellipsis inside a dialog.
        let element = self.find(testid).await?.to_json()?;
        let text = self.script("return arguments[0].innerText", vec![element]).await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// An attribute of an element.
    ///
    /// # Errors
    /// When the element is not there in time.
    pub async fn attribute(&self, testid: &str, name: &str) -> Result<Option<String>> {
        Ok(self.find(testid).await?.attr(name).await?)
    }

    /// Waits until the text of an element holds what it should.
    ///
    /// # Errors
    /// When it does not in time.
    pub async fn text_holds(&self, testid: &str, part: &str) -> Result<()> {
        let selector = by_testid(testid);
        self.wait_for(&format!("{testid} says {part:?}"), async |window| {
            for element in window.visible(&selector).await? {
                if says(&element.text().await.unwrap_or_default(), part) {
                    return Ok(true);
                }
            }
            Ok(false)
        })
        .await
    }

    /// Waits, up to [`PATIENCE`], until a condition about the window holds.
    ///
    /// # Errors
    /// When it does not, with what was waited for and what the window showed.
    pub async fn wait_for(
        &self,
        what: &str,
        holds: impl AsyncFnMut(&Self) -> Result<bool>,
    ) -> Result<()> {
        self.wait_until(what, PATIENCE, holds).await
    }

    /// As [`Window::wait_for`] with another deadline.
    ///
    /// # Errors
    /// As [`Window::wait_for`].
    pub async fn wait_until(
        &self,
        what: &str,
        deadline: Duration,
        mut holds: impl AsyncFnMut(&Self) -> Result<bool>,
    ) -> Result<()> {
        match until(what, deadline, async || holds(self).await).await {
            Ok(()) => Ok(()),
            Err(error) => Err(error.context(format!("the window showed: {}", self.shown().await))),
        }
    }

    /// The visible text of the page, cut to a length an error message can carry.
    async fn shown(&self) -> String {
        match self.script("return document.body.innerText", Vec::new()).await {
            Ok(Value::String(text)) => text.chars().take(SHOWN).collect(),
            Ok(other) => format!("no text but {other}"),
            Err(error) => format!("nothing that could be read ({error})"),
        }
    }

    async fn visible(&self, selector: &str) -> Result<Vec<WebElement>> {
        let mut visible = Vec::new();
        for element in self.session().find_all(By::Css(selector)).await? {
            // An element that is taken out between the two requests is not visible.
            if element.is_displayed().await.unwrap_or(false) {
                visible.push(element);
            }
        }
        Ok(visible)
    }
}

fn by_testid(testid: &str) -> String {
    format!("[data-testid='{testid}']")
}
