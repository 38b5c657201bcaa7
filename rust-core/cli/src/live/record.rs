//! What a record of the ledger says, in words, where neither a colour nor a plan belongs to it.

use serde_json::Value;

use super::show::{pairs, text};

/// What it says. A kind that this version does not know says its fields.
pub fn said(record: &Value) -> String {
    let content = &record["content"];
    let because = match text(record, "/why") {
        "" => String::new(),
        why => format!(" (“{why}”)"),
    };
    match text(record, "/kind") {
        "operator" | "approval" => format!("{}{because}", text(content, "/said")),
        "config" => {
            let keys: Vec<String> =
                pairs(content, "/changed").map(|(key, values)| changed(key, values)).collect();
            format!("{}{}", of(text(record, "/name")), keys.join(", "))
        }
        "leader" if content["leads"] == true => format!("leads, term {}", content["term"]),
        "leader" => format!("does not lead any more, term {}", content["term"]),
        "opened" => opened(content),
        "gap" => format!("{} records were lost{because}", content["lost"]),
        _ => {
            let name = of(text(record, "/name"));
            let fields: Vec<String> = pairs(content, "").map(|(key, v)| field(key, v)).collect();
            format!("{name}{}{because}", fields.join(", "))
        }
    }
}

fn of(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!("of {name}: ") }
}

fn field(key: &str, value: &Value) -> String {
    let name = key.replace('_', " ");
    match value {
        Value::Null => format!("no {name}"),
        Value::Array(items) => {
            format!("{name} {}", items.iter().map(plain).collect::<Vec<_>>().join(" "))
        }
        Value::Object(_) => {
            let within: Vec<String> = pairs(value, "").map(|(key, v)| field(key, v)).collect();
            format!("{name} ({})", within.join(", "))
        }
        _ => format!("{name} {}", plain(value)),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn changed(key: &str, values: &Value) -> String {
    let shown = |value: &Value| match value {
        Value::Null => "not set".to_owned(),
        other => plain(other),
    };
    format!("{key}: {} → {}", shown(&values["before"]), shown(&values["now"]))
}

fn opened(content: &Value) -> String {
    let mut said = format!("version {} began", text(content, "/version"));
    let notes = [
        ("torn_bytes", "bytes of an unfinished record were cut off"),
        ("unreadable_records", "records cannot be read"),
    ];
    for (name, note) in notes.into_iter().filter(|(name, _)| content[name].is_u64()) {
        said += &format!("; {} {note}", content[name]);
    }
    if let missing @ Value::Object(_) = &content["missing"] {
        said += &format!("; records {} to {} are missing", missing["from"], missing["to"]);
    }
    said
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_says_words_whatever_its_kind() {
        let of = |kind: &str, content: Value| {
            said(&json!({ "kind": kind, "content": content, "why": "a test" }))
        };
        assert_eq!(
            of("approval", json!({ "said": "approve p1 by ann" })),
            "approve p1 by ann (“a test”)"
        );
        assert_eq!(of("gap", json!({ "lost": 3 })), "3 records were lost (“a test”)");
        let config =
            json!({ "changed": { "thalweg.mode": { "before": "observe", "now": "act" } } });
        assert_eq!(of("config", config), "thalweg.mode: observe → act");
        let later =
            json!({ "moved_to": "b", "hosts": ["x", "y"], "of": { "term": 4 }, "until": null });
        let told = of("relocation", later);
        assert_eq!(told, "hosts x y, moved to b, of (term 4), no until (“a test”)");
    }
}
