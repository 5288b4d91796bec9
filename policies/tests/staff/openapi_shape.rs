//! Whether a value fits a schema of the `OpenAPI` document.
//!
//! Owns the part of JSON Schema that the document uses; any other keyword is a panic, so that no
//! constraint is passed over in silence.

use serde_json::{Map, Value, json};

/// The document that is handed out.
pub(crate) struct Document(pub(crate) Value);

impl Document {
    pub(crate) fn read() -> Self {
        let text = include_str!("../../../docs/openapi/admin.json");
        Self(serde_json::from_str(text).unwrap())
    }

    /// What a reference, or the value itself, stands for.
    pub(crate) fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        let Some(reference) = value["$ref"].as_str() else { return value };
        let pointer = reference.strip_prefix('#').unwrap();
        self.0.pointer(pointer).unwrap_or_else(|| panic!("{reference} leads nowhere"))
    }

    pub(crate) fn operation(&self, method: &str, path: &str) -> &Value {
        &self.0["paths"][path][method.to_lowercase()]
    }

    /// Every way in which `value` does not fit `schema`; `at` says where it stands.
    pub(crate) fn misfits(&self, schema: &Value, value: &Value, at: &str) -> Vec<String> {
        let schema = self.resolve(schema).as_object().unwrap();
        let mut found = Vec::new();
        for (keyword, wanted) in schema {
            found.extend(self.misfit(keyword, wanted, schema, value, at));
        }
        found
    }

    fn misfit(
        &self,
        keyword: &str,
        wanted: &Value,
        schema: &Map<String, Value>,
        value: &Value,
        at: &str,
    ) -> Vec<String> {
        let unless = |fits: bool| {
            if fits { Vec::new() } else { vec![format!("{at}: {keyword} {wanted}: {value}")] }
        };
        match keyword {
            "description" | "default" => Vec::new(),
            "type" => unless(has_type(wanted, value)),
            "const" => unless(wanted == value),
            "enum" => unless(wanted.as_array().unwrap().contains(value)),
            "minimum" => unless(value.as_u64().is_none_or(|it| it >= wanted.as_u64().unwrap())),
            "pattern" => unless(is_digest(wanted, value)),
            "required" => {
                let names = wanted.as_array().unwrap().iter().map(|name| name.as_str().unwrap());
                unless(!value.is_object() || names.into_iter().all(|it| value.get(it).is_some()))
            }
            "properties" => self.members(wanted, value, at),
            "additionalProperties" => self.further(wanted, schema, value, at),
            "items" => {
                let items = value.as_array().into_iter().flatten().enumerate();
                items.flat_map(|(i, it)| self.misfits(wanted, it, &format!("{at}[{i}]"))).collect()
            }
            "allOf" => {
                let all = wanted.as_array().unwrap().iter();
                all.flat_map(|schema| self.misfits(schema, value, at)).collect()
            }
            "oneOf" => {
                let all = wanted.as_array().unwrap().iter();
                let tries: Vec<_> = all.map(|schema| self.misfits(schema, value, at)).collect();
                let fit = tries.iter().filter(|misfits| misfits.is_empty()).count();
                if fit == 1 { Vec::new() } else { vec![format!("{at}: {fit} fit: {tries:?}")] }
            }
            other => panic!("{at}: this test does not know the keyword {other}"),
        }
    }

    fn members(&self, wanted: &Value, value: &Value, at: &str) -> Vec<String> {
        let members = value.as_object().into_iter().flatten();
        let named = members.filter_map(|(name, it)| Some((name, it, wanted.get(name)?)));
        named
            .flat_map(|(name, it, schema)| self.misfits(schema, it, &format!("{at}.{name}")))
            .collect()
    }

    fn further(
        &self,
        wanted: &Value,
        schema: &Map<String, Value>,
        value: &Value,
        at: &str,
    ) -> Vec<String> {
        let members = value.as_object().into_iter().flatten();
        let known = |name: &str| schema.get("properties").is_some_and(|it| it.get(name).is_some());
        let further = members.filter(|(name, _)| !known(name));
        let further = further.map(|(name, it)| (format!("{at}.{name}"), it));
        match wanted {
            Value::Bool(true) => Vec::new(),
            Value::Bool(false) => further.map(|(name, _)| format!("{name}: not told")).collect(),
            schema => further.flat_map(|(name, it)| self.misfits(schema, it, &name)).collect(),
        }
    }
}

/// `integer` is a whole number that is not negative: there are no others here.
fn has_type(wanted: &Value, value: &Value) -> bool {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    wanted == kind || wanted.as_array().is_some_and(|kinds| kinds.contains(&json!(kind)))
}

fn is_digest(pattern: &Value, value: &Value) -> bool {
    assert_eq!(pattern, "^[0-9a-f]{64}$", "this test knows no other pattern");
    let digit = |letter: char| letter.is_ascii_digit() || ('a'..='f').contains(&letter);
    value.as_str().is_none_or(|text| text.len() == 64 && text.chars().all(digit))
}

#[test]
fn what_does_not_fit_is_found() {
    let schema = json!({
        "type": "object",
        "properties": {
            "number": { "type": "integer", "minimum": 1 },
            "list": { "type": ["array", "null"], "items": { "enum": ["a"] } },
            "one": { "oneOf": [{ "type": "null" }, { "const": 7 }] },
            "digest": { "type": "string", "pattern": "^[0-9a-f]{64}$" },
        },
        "required": ["number"],
        "additionalProperties": false,
    });
    let document = Document(json!({}));
    let fits = |value: Value| document.misfits(&schema, &value, "it").is_empty();
    assert!(fits(json!({ "number": 1, "list": ["a"], "one": 7, "digest": "0a".repeat(32) })));
    assert!(fits(json!({ "number": 1, "list": null, "one": null })));
    for wrong in [
        json!([]),
        json!({}),
        json!({ "number": 0 }),
        json!({ "number": -1 }),
        json!({ "number": 1, "list": ["b"] }),
        json!({ "number": 1, "one": 8 }),
        json!({ "number": 1, "digest": "0A".repeat(32) }),
        json!({ "number": 1, "more": 1 }),
    ] {
        assert!(!fits(wrong.clone()), "{wrong}");
    }
}
