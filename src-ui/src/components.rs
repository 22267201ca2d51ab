//! Building blocks of the pages: signals in, callbacks out. They call no command and know no
//! store; of the contract they know only the shape of an error.

mod button;
mod checkbox;
mod chip;
mod dialog;
mod drawer;
mod empty_state;
mod error_card;
mod field;
mod glyph;
mod menu;
mod note;
mod popover;
mod progress_bar;
mod segmented;
mod select;
mod skeleton;
mod sparkline;
mod status_badge;
mod switch;
mod table;
mod tabs;
mod tooltip;

pub use button::{Button, ButtonKind, IconButton};
pub use checkbox::{Checkbox, Ticked};
pub use chip::{Chip, Tag};
pub use dialog::Dialog;
pub use drawer::Drawer;
pub use empty_state::EmptyState;
pub use error_card::{CopyButton, ErrorCard};
pub use field::{Field, TextInput};
pub use glyph::Glyph;
pub use menu::{Menu, MenuHost, MenuItem, use_menu};
pub use note::{Note, Tone};
pub use popover::Popover;
pub use progress_bar::{Part, ProgressBar};
pub use segmented::Segmented;
pub use select::Select;
pub use skeleton::Skeleton;
pub use sparkline::Sparkline;
pub use status_badge::StatusBadge;
pub use switch::Switch;
pub use table::{Align, Cell, Column, RowEvent, Table};
pub use tabs::Tabs;
pub use tooltip::Tooltip;
