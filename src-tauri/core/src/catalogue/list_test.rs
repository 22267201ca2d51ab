use super::*;

#[test]
fn the_list_that_comes_along_is_sound() {
    let list = shipped();
    assert_eq!(list.problems, []);
    assert!(list.models.len() >= 60, "{}", list.models.len());
    for entry in &list.models {
        assert!(!entry.about.en.is_empty() && !entry.about.zh.is_empty(), "{}", entry.name);
        assert!(!entry.tags.is_empty() && !entry.capabilities.is_empty(), "{}", entry.name);
        let order: Vec<_> = entry.tags.iter().filter_map(|tag| tag.bytes).collect();
        assert!(order.is_sorted(), "tags of {} from the smallest", entry.name);
    }
}

#[test]
fn a_wrong_value_is_told_with_its_line_and_key_and_the_rest_holds() {
    let text = "{\n \"models\": [\n  {\"name\": \"good\"},\n  {\"name\": \"bad\",\n   \"tags\": [\n    {\"tag\": \"1b\", \"bytes\": \"many\"}]},\n  {\"about\": {}},\n  {\"name\": \"no name!\"},\n  {\"name\": \"good\"},\n  {\"name\": \"other\", \"tags\": [{\"tag\": \"-x\"}]}\n ]\n}\n";
    let list = read(text);
    assert_eq!(list.models.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["good"]);
    let told: Vec<_> =
        list.problems.iter().map(|it| (it.line, it.field.as_deref(), it.why)).collect();
    assert_eq!(
        told,
        [
            (Some(6), Some("bytes"), FileFault::Shape),
            (Some(7), Some("name"), FileFault::Shape),
            (Some(8), Some("name"), FileFault::Name),
            (Some(9), Some("name"), FileFault::Twice),
            (Some(10), Some("tag"), FileFault::Name),
        ]
    );
}

#[test]
fn what_is_no_list_is_told_and_nothing_more() {
    for (text, why) in [
        ("{\"models\": [\n {\"name\": \"a\",}\n]}", FileFault::Syntax),
        ("{\"models\": [", FileFault::Syntax),
        ("", FileFault::Syntax),
        ("{\"models\": {\"a\": 1}}", FileFault::Shape),
        ("[1, 2]", FileFault::Shape),
        ("{}", FileFault::Shape),
    ] {
        let list = read(text);
        assert_eq!((list.models.len(), list.problems.len()), (0, 1), "{text}");
        assert_eq!(list.problems[0].why, why, "{text}: {:?}", list.problems);
        assert!(list.problems[0].line.is_some());
    }
}

#[test]
fn ones_own_goes_over_what_comes_along() {
    let base = read(
        "{\"models\": [{\"name\": \"a\", \"license\": \"X\", \"tags\": [{\"tag\": \"1b\", \"bytes\": 1}]}]}",
    );
    let own = read(
        "{\"models\": [{\"name\": \"A\", \"about\": {\"en\": \"mine\"}, \"tags\": [{\"tag\": \"1b\", \"bytes\": 2}, {\"tag\": \"2b\"}]}, {\"name\": \"team/b\"}]}",
    );
    let all = merged(base.models, own.models);
    assert_eq!(all.len(), 2);
    let (a, mine) = &all[0];
    assert!(*mine && a.about.en == "mine" && a.license.as_deref() == Some("X"));
    assert_eq!(a.tags.iter().map(|tag| tag.bytes).collect::<Vec<_>>(), [Some(2), None]);
    assert_eq!(all[1].0.name, "team/b");
}
