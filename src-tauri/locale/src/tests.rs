use std::collections::BTreeSet;

use corral_contract::{
    Advice, DOMAINS, ErrorCode, app, audit, checks, desktop, disk, downloads, environment, health,
    instances, makes, modelfile, models, name::NameError, progress, serverlogs, settings,
    size::SizeError, status, steering, sync, tasks,
};

use super::{Locale, lookup, table, template, text};

#[test]
fn both_languages_have_the_same_keys_and_values() {
    let chinese: BTreeSet<_> = table(Locale::ZhCn).keys().collect();
    let english: BTreeSet<_> = table(Locale::En).keys().collect();
    assert_eq!(chinese.symmetric_difference(&english).collect::<Vec<_>>(), Vec::<&&String>::new());
    for (key, pattern) in table(Locale::ZhCn) {
        let other = &table(Locale::En)[key];
        assert_eq!(template::names(pattern), template::names(other), "{key}");
        assert!(!pattern.is_empty() && !other.is_empty(), "{key} is empty");
    }
}

#[test]
fn every_word_of_the_contract_has_a_text() {
    let mut missing = Vec::new();
    let mut check = |key: String| {
        for locale in Locale::ALL {
            if lookup(*locale, &key, &[]).is_none() {
                missing.push(format!("{} {key}", locale.as_str()));
            }
        }
    };
    for code in ErrorCode::ALL {
        for part in ["title", "cause", "advice"] {
            check(format!("error.{}.{part}", code.as_str()));
        }
    }
    for advice in Advice::ALL {
        check(format!("advice.{}", advice.as_str()));
    }
    macro_rules! words {
        ($($prefix:literal: $list:expr),+ $(,)?) => {
            $(for word in $list { check(format!("{}.{}", $prefix, word.as_str())); })+
        };
    }
    words! {
        "status": status::Status::ALL, "install": status::Install::ALL, "run": status::Run::ALL,
        "origin": status::Origin::ALL, "action": status::Action::ALL, "cause": status::Cause::ALL,
        "sortKey": models::SortKey::ALL, "batchOp": models::BatchOp::ALL,
        "itemState": models::ItemState::ALL,
        "phase": progress::Phase::ALL, "layerState": progress::LayerState::ALL,
        "priority": downloads::Priority::ALL, "jobState": downloads::JobState::ALL,
        "kind": instances::Kind::ALL, "runner": instances::Runner::ALL,
        "serviceState": instances::ServiceState::ALL, "apiState": instances::ApiState::ALL,
        "storeSource": instances::StoreSource::ALL,
        "health": app::Health::ALL, "notice": app::NoticeKind::ALL,
        "task": tasks::TaskKind::ALL, "taskState": tasks::TaskState::ALL,
        "damage": checks::Damage::ALL, "smokeOutcome": checks::SmokeOutcome::ALL,
        "structure": checks::Structure::ALL,
        "fileKind": makes::FileKind::ALL, "tool": makes::Tool::ALL, "way": makes::Way::ALL,
        "reason": modelfile::Why::ALL,
        "trigger": sync::Trigger::ALL, "change": sync::Change::ALL,
        "actor": audit::Actor::ALL, "outcome": audit::Outcome::ALL,
        "language": settings::Language::ALL, "closeButton": settings::CloseButton::ALL,
        "partKind": disk::PartKind::ALL, "reclaimKind": disk::ReclaimKind::ALL,
        "safety": disk::Safety::ALL, "orphansHeld": disk::OrphansHeld::ALL,
        "reclaimOutcome": disk::ReclaimOutcome::ALL,
        "cleanupMode": settings::CleanupMode::ALL,
        "level": health::Level::ALL, "levelState": health::LevelState::ALL,
        "strategy": health::Strategy::ALL, "recoveryState": health::RecoveryState::ALL,
        "incident": health::IncidentKind::ALL, "lineLevel": serverlogs::LineLevel::ALL,
        "serverlogs.kind": serverlogs::LineKind::ALL,
        "steering.consent": steering::Consent::ALL, "steering.contested": steering::Contested::ALL,
        "environment.group": environment::Group::ALL, "environment.seen": environment::Seen::ALL,
        "environment.setBy": environment::SetBy::ALL,
        "environment.warning": environment::Warning::ALL,
        "logLevel": settings::LogLevel::ALL, "folder": desktop::Folder::ALL,
    }
    for reason in [
        NameError::Empty,
        NameError::TooLong,
        NameError::EmptyPart,
        NameError::BadStart,
        NameError::BadCharacter,
        NameError::Digest,
        NameError::CloudAndLocal,
    ] {
        check(format!("reason.{}", reason.as_str()));
    }
    for reason in [
        SizeError::Empty,
        SizeError::NotANumber,
        SizeError::Negative,
        SizeError::UnknownUnit,
        SizeError::TooLarge,
    ] {
        check(format!("reason.{}", reason.as_str()));
    }
    for reason in ["queue", "user", "offline", "retry", "quit", "disk"] {
        check(format!("wait.{reason}"));
    }
    for kind in tasks::TaskKind::ALL.iter().filter(|kind| !kind.shows_its_end()) {
        for end in ["done", "failed"] {
            check(format!("{end}.{}", kind.as_str()));
        }
    }
    for kind in health::FindingKind::ALL {
        for part in ["title", "advice"] {
            check(format!("finding.{}.{part}", kind.as_str()));
        }
    }
    for spec in environment::SPECS {
        check(format!("variable.{}", spec.name));
    }
    for preset in environment::PRESETS {
        check(format!("environment.preset.{}", preset.name));
        check(format!("environment.presetTrade.{}", preset.name));
    }
    for domain in DOMAINS {
        check(format!("domain.{}", domain.name));
    }
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn fills_values_plurals_and_optional_parts() {
    assert_eq!(template::fill("a {x} b", &[("x", "1")]), "a 1 b");
    assert_eq!(template::fill("{n|# job|# jobs}", &[("n", "1")]), "1 job");
    assert_eq!(template::fill("{n|# job|# jobs}", &[("n", "3")]), "3 jobs");
    assert_eq!(template::fill("no[[ {x}]]!", &[]), "no!");
    assert_eq!(template::fill("no[[ {x}]]!", &[("x", "way")]), "no way!");
    assert_eq!(template::fill("{x}[[, {y}]][[ or {z}]]", &[("x", "a"), ("z", "c")]), "a or c");
    assert_eq!(template::fill("open { end", &[]), "open { end");
}

#[test]
fn a_value_is_never_read_as_a_pattern() {
    assert_eq!(template::fill("{a} {b}", &[("a", "{b}"), ("b", "[[x]]")]), "{b} [[x]]");
}

#[test]
fn an_unknown_key_shows_itself() {
    assert_eq!(text(Locale::En, "no.such.key", &[]), "no.such.key");
}

#[test]
fn reads_the_tags_of_systems() {
    for (tag, locale) in [
        ("zh-CN", Locale::ZhCn),
        ("zh_TW.UTF-8", Locale::ZhCn),
        ("ZH", Locale::ZhCn),
        ("en_GB", Locale::En),
        ("de-DE", Locale::En),
        ("C.UTF-8", Locale::En),
        ("", Locale::En),
    ] {
        assert_eq!(Locale::parse(tag), locale, "{tag}");
    }
}
