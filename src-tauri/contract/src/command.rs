//! The shape of a command and the list macro.

use serde::{Serialize, de::DeserializeOwned};

/// One thing a window, the tray or a scheduler can ask for.
///
/// The implementing type is a marker; what is sent is [`Command::Request`].
pub trait Command: Send + Sync + 'static {
    /// Domain it belongs to: the plugin name of its route.
    const DOMAIN: &'static str;
    /// Name inside the domain.
    const NAME: &'static str;
    /// Whether it can change anything. Such a command leaves an audit row, also when refused.
    const CHANGES: bool;
    /// What is sent.
    type Request: Serialize + DeserializeOwned + Send + Sync + 'static;
    /// What is answered when it succeeds.
    type Reply: Serialize + DeserializeOwned + Send + 'static;

    /// The route as the webview calls it, `plugin:<domain>|<name>`.
    #[must_use]
    fn route() -> String {
        format!("plugin:{}|{}", Self::DOMAIN, Self::NAME)
    }
}

/// A command as data, for tables: permissions, tests, the audit page's filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandInfo {
    /// Name inside the domain.
    pub name: &'static str,
    /// Whether it can change anything.
    pub changes: bool,
}

/// One domain with all its commands.
#[derive(Debug, Clone, Copy)]
pub struct Domain {
    /// Plugin name.
    pub name: &'static str,
    /// Its commands in the order listed.
    pub commands: &'static [CommandInfo],
}

/// Lists the commands of one domain.
///
/// ```text
/// commands! { "models";
///     /// Finds models.
///     read Search = search(ModelSearchRequest) -> ModelPage,
///     /// Loads a model into memory.
///     write Start = start(StartModel) -> OpRef,
/// }
/// ```
#[macro_export]
macro_rules! commands {
    ($domain:literal; $($(#[$doc:meta])* $mode:ident $marker:ident = $name:ident($request:ty) -> $reply:ty),+ $(,)?) => {
        /// One marker per command, apart from the request types that may have the same name.
        pub mod call {
            #[allow(unused_imports, reason = "a domain may only use types of other modules")]
            use super::*;

            $(
                $(#[$doc])*
                #[derive(Debug, Clone, Copy)]
                pub struct $marker;

                impl $crate::Command for $marker {
                    const DOMAIN: &'static str = $domain;
                    const NAME: &'static str = stringify!($name);
                    const CHANGES: bool = $crate::commands!(@changes $mode);
                    type Request = $request;
                    type Reply = $reply;
                }
            )+
        }

        /// The commands of this domain.
        pub const DOMAIN: $crate::Domain = $crate::Domain {
            name: $domain,
            commands: &[$($crate::CommandInfo {
                name: stringify!($name),
                changes: $crate::commands!(@changes $mode),
            }),+],
        };
    };
    (@changes read) => { false };
    (@changes write) => { true };
}

/// The request of commands that need no argument.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Nothing {}
