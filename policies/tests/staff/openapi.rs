//! The `OpenAPI` document against the server: the same routes, parameters, members of bodies, answers
//! and refusals, in both directions.

use std::collections::{BTreeMap, BTreeSet};

use commands::governance::suspend_roles;
use facts::fact::Role;
use policies::staff_routes;
use serde_json::{Value, json};

use crate::{
    export_corpus::{Corpus, corpus},
    openapi_shape::Document,
    routes::bodies,
    world::{Answer, DAY, World, user},
};

fn variables(path: &str) -> BTreeSet<&str> {
    let parts = path.split('/');
    parts.filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect()
}

/// Names of an operation's parameters that stand in `place`.
fn parameters<'a>(document: &'a Document, operation: &'a Value, place: &str) -> BTreeSet<&'a str> {
    let all = operation["parameters"].as_array().into_iter().flatten();
    let all = all.map(|parameter| document.resolve(parameter));
    let here = all.filter(|parameter| parameter["in"] == place);
    here.map(|parameter| parameter["name"].as_str().unwrap()).collect()
}

fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn the_document_has_every_route_and_no_other() {
    let document = Document::read();
    let served: BTreeSet<(String, String)> = staff_routes()
        .iter()
        .map(|route| (route.method.to_lowercase(), route.path.to_owned()))
        .collect();
    let mut told = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for (path, methods) in document.0["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            assert_eq!(parameters(&document, operation, "path"), variables(path), "{path}");
            assert_eq!(operation["requestBody"].is_object(), method == "post", "{path}");
            assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{path}");
            told.insert((method.clone(), path.clone()));
        }
    }
    assert_eq!(told, served);
    let mut used = BTreeSet::new();
    references(&document.0, &mut used);
    for part in ["schemas", "responses", "parameters"] {
        for name in document.0["components"][part].as_object().unwrap().keys() {
            let reference = format!("#/components/{part}/{name}");
            assert!(used.remove(reference.as_str()), "{reference} is of no use");
        }
    }
    assert!(used.is_empty(), "these lead nowhere: {used:?}");
}

/// Calls that go well, each held against the document.
struct Journey<'a> {
    world: &'a World,
    document: Document,
    done: BTreeSet<(String, String)>,
    /// Members of bodies that were sent, by route.
    sent: BTreeMap<String, BTreeSet<String>>,
}

impl<'a> Journey<'a> {
    fn new(world: &'a World) -> Self {
        let document = Document::read();
        Self { world, document, done: BTreeSet::new(), sent: BTreeMap::new() }
    }

    /// Calls a route; `numbers` stand for the variables in its path, in their order.
    async fn get(&mut self, by: &str, route: &str, numbers: &[u64], query: &str) -> Value {
        let answer = self.world.get(by, &(filled(route, numbers) + query)).await;
        self.note("GET", route, &answer)
    }

    async fn post(&mut self, by: &str, route: &str, numbers: &[u64], body: Value) -> Value {
        let path = filled(route, numbers);
        let schema = &self.document.operation("POST", route)["requestBody"]["content"];
        let schema = &schema["application/json"]["schema"];
        let misfits = self.document.misfits(schema, &body, route);
        assert!(misfits.is_empty(), "{misfits:?}");
        let required = self.document.resolve(schema)["required"].as_array().unwrap().clone();
        for name in required {
            let mut less = body.clone();
            less.as_object_mut().unwrap().remove(name.as_str().unwrap());
            refused(&self.world.post(by, &path, &less).await, &format!("{route} without {name}"));
        }
        let mut more = body.clone();
        more["nonsense"] = 1.into();
        refused(&self.world.post(by, &path, &more).await, &format!("{route} with more"));
        let names = body.as_object().unwrap().keys().cloned();
        self.sent.entry(route.to_owned()).or_default().extend(names);
        let answer = self.world.post(by, &path, &body).await;
        self.note("POST", route, &answer)
    }

    fn note(&mut self, method: &str, route: &str, answer: &Answer) -> Value {
        assert_eq!(answer.status.as_u16(), 200, "{method} {route}: {answer:?}");
        described(&self.document, method, route, answer);
        self.done.insert((method.to_owned(), route.to_owned()));
        serde_json::from_str(&answer.text).unwrap_or(Value::Null)
    }
}

/// A body of a wrong shape changes nothing.
fn refused(answer: &Answer, what: &str) {
    assert_eq!(answer.status.as_u16(), 400, "{what}: {answer:?}");
    assert_eq!(answer.json()["errcode"], "M_BAD_JSON", "{what}: {answer:?}");
}

fn filled(route: &str, numbers: &[u64]) -> String {
    let mut numbers = numbers.iter();
    let part = |part: &str| {
        if part.starts_with('{') { numbers.next().unwrap().to_string() } else { part.to_owned() }
    };
    route.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// Holds an answer of any status against the document.
fn described(document: &Document, method: &str, route: &str, answer: &Answer) {
    let (status, what) = (answer.status.as_u16(), format!("{method} {route}: {answer:?}"));
    let responses = &document.operation(method, route)["responses"];
    let response = &responses[status.to_string()];
    assert!(response.is_object(), "not in the document: {what}");
    let content = &document.resolve(response)["content"];
    match serde_json::from_str::<Value>(&answer.text) {
        Ok(value) if content["application/json"].is_object() => {
            let schema = &content["application/json"]["schema"];
            let misfits = document.misfits(schema, &value, "answer");
            assert!(misfits.is_empty(), "{misfits:?}\n{what}");
        }
        _ => {
            let others = content.as_object().unwrap().keys();
            let others = others.filter(|kind| *kind != "application/json").count();
            assert_eq!(others, 1, "not in the document: {what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn good_answers_and_bodies_are_as_described() {
    let world = World::new().await;
    let corpus = corpus(&world).await;
    let mut journey = Journey::new(&world);
    roles(&mut journey).await;
    let case = cases(&mut journey, &corpus).await;
    exports(&mut journey, &corpus, case).await;
    holds(&mut journey, &corpus, case).await;
    erasures(&mut journey).await;
    policies(&mut journey).await;
    let query = "?from=0&limit=1000&last=100000&since=0";
    journey.get("otto", "/audit", &[], query).await;
    journey.get("otto", "/audit", &[], "?kind=role_requested&user=@dan:example.org").await;

    let all: BTreeSet<(String, String)> = staff_routes()
        .iter()
        .map(|route| (route.method.to_owned(), route.path.to_owned()))
        .collect();
    // The bytes of a medium are no text; they are asked for in `exports`.
    let media = "/cases/{case}/exports/{export}/media/{media}";
    journey.done.insert(("GET".to_owned(), media.to_owned()));
    assert_eq!(journey.done, all, "a route whose good answer nobody saw");
    for (route, sent) in &journey.sent {
        let content = &journey.document.operation("POST", route)["requestBody"]["content"];
        let schema = journey.document.resolve(&content["application/json"]["schema"]);
        let told: BTreeSet<String> =
            schema["properties"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(*sent, told, "{route}: members of the body");
    }
}

fn why() -> Value {
    json!({ "reason": "because" })
}

async fn roles(journey: &mut Journey<'_>) {
    let ask = json!({ "role": "legal", "user": "@eve:example.org", "reason": "because" });
    let (requests, one) = ("/roles/requests", "/roles/requests/{request}");
    let request = journey.post("ann", requests, &[], ask.clone()).await["request"].as_u64();
    journey.get("otto", "/roles", &[], "").await;
    journey.post("ben", &format!("{one}/approve"), &[request.unwrap()], why()).await;
    journey.post("ann", "/roles/revoke", &[], ask.clone()).await;
    let request = journey.post("ann", requests, &[], ask).await["request"].as_u64();
    journey.post("ben", &format!("{one}/reject"), &[request.unwrap()], why()).await;
    suspend_roles(&journey.world.ws, &user("cleo")).await.unwrap();
    let vouch = json!({ "user": "@cleo:example.org", "reason": "because" });
    journey.post("ann", "/roles/restore", &[], vouch).await;
}

/// A case in force over the room, and its number.
async fn cases(journey: &mut Journey<'_>, corpus: &Corpus) -> u64 {
    let body = json!({
        "users": ["@dan:example.org", "@eve:example.org"], "rooms": [corpus.room], "from": 0,
        "until": 9_000_000_000_000_u64, "expires_at": journey.world.now() + DAY,
        "reason": "because",
    });
    for how in ["reject", "approve", "close"] {
        let case = journey.post("ann", "/cases", &[], body.clone()).await["case"].clone();
        let case = case.as_u64().unwrap();
        if how == "close" {
            journey.world.decide("ben", "approve", case).await.ok();
        }
        journey.post("ben", &format!("/cases/{{case}}/{how}"), &[case], why()).await;
        journey.get("otto", "/cases/{case}", &[case], "").await;
    }
    journey.get("otto", "/cases", &[], "").await;
    let persons = json!({ "users": ["@dan:example.org", "@eve:example.org"] });
    let persons = journey.world.case(persons).await;
    let case = journey.world.case(json!({ "rooms": [corpus.room] })).await;
    let query = "?from=0&limit=1000&last=100000";
    for (case, kinds) in [(case, "redaction_applied"), (persons, "profile")] {
        let page = journey.get("ann", "/cases/{case}/events", &[case], query).await;
        assert!(page.to_string().contains(kinds), "{page}");
        journey.get("otto", "/cases/{case}/accesses", &[case], query).await;
    }
    case
}

async fn exports(journey: &mut Journey<'_>, corpus: &Corpus, case: u64) {
    let (all, one) = ("/cases/{case}/exports", "/cases/{case}/exports/{export}");
    let end = journey.world.failing.log.head().0;
    let wish = json!({ "format": "jsonl", "end": end });
    let begun = journey.post("ann", all, &[case], wish).await;
    let export = begun["export"].as_u64().unwrap();
    let query = format!("?from={}&limit=10000", begun["terms"]["first"]);
    journey.get("ann", &format!("{one}/entries"), &[case, export], &query).await;
    let page = journey.get("ann", "/cases/{case}/events", &[case], "?limit=1000").await;
    let url = format!("mxc://example.org/{}", corpus.media);
    let mut events = page["events"].as_array().unwrap().iter();
    let named = events.find(|item| item["event"]["content"]["url"] == *url).unwrap();
    let query = format!("?position={}&offset=4", named["position"]);
    let path = format!("/cases/{case}/exports/{export}/media/{}{query}", corpus.media);
    assert!(!journey.world.bytes("ann", &path).await.is_empty());
    let seal =
        json!({ "files_sha256": "0a".repeat(32), "files": 1, "bytes": 1, "missing_media": [] });
    journey.post("ann", &format!("{one}/seal"), &[case, export], seal).await;
    for (route, numbers) in [(all, &[case][..]), (one, &[case, export])] {
        let page = journey.get("otto", route, numbers, "?from=0&limit=1000&last=100000").await;
        assert!(page["exports"].as_array().unwrap().len() >= 2, "{page}");
    }
}

async fn holds(journey: &mut Journey<'_>, corpus: &Corpus, case: u64) {
    let person = json!({ "users": ["@dan:example.org"], "from": 1, "until": null });
    let room = json!({ "rooms": [corpus.room] });
    let body =
        json!({ "matter": "m", "parts": [person.clone()], "case": case, "reason": "because" });
    let hold = journey.post("cleo", "/holds", &[], body).await["hold"].as_u64().unwrap();
    let (one, release) = ("/holds/{hold}", "/holds/releases/{request}");
    let wider = json!({ "parts": [room], "reason": "because" });
    journey.post("ann", &format!("{one}/widen"), &[hold], wider).await;
    let told = json!({ "users": ["@dan:example.org"], "reason": "by letter" });
    journey.post("ann", &format!("{one}/notified"), &[hold], told).await;
    let mut request = None;
    for how in ["reject", "approve"] {
        let parts = json!({ "parts": [1], "reason": "because" });
        let asked = journey.post("ann", &format!("{one}/release"), &[hold], parts).await;
        request = asked["request"].as_u64();
        journey.get("otto", one, &[hold], "").await;
        journey.get("otto", "/holds", &[], "").await;
        journey.post("cleo", &format!("{release}/{how}"), &[request.unwrap()], why()).await;
    }
    assert!(request.is_some());
    journey.get("otto", one, &[hold], "").await;
}

async fn erasures(journey: &mut Journey<'_>) {
    journey.world.grant(Role::DataProtectionOfficer, "otto").await;
    let ask = json!({ "user": "@dan:example.org", "reason": "a letter" });
    let request = journey.post("otto", "/erasures", &[], ask).await["request"].as_u64();
    let listed = journey.get("ann", "/erasures", &[], "").await;
    assert_eq!(listed["erasures"][0]["held_by"].as_array().unwrap().len(), 1, "{listed}");
    journey.post("otto", "/erasures/{request}/withdraw", &[request.unwrap()], why()).await;
}

/// Dan is held and Eve is not, so that of what is over some is restricted and some is due.
async fn policies(journey: &mut Journey<'_>) {
    journey.get("otto", "/policies", &[], "").await;
    let document = "[policy.short]\nrecords = [\"messages\"]\nkeep_at_most = \"1d\"\n";
    for dry_run in [true, false] {
        let body = json!({ "document": document, "based_on": 0, "reason": "because",
            "dry_run": dry_run });
        journey.post("ann", "/policies", &[], body).await;
    }
    journey.get("otto", "/policies", &[], "").await;
    let room = journey.world.room("eve").await;
    let said = journey.world.say(&room, "eve", "soon over").await;
    for days in [0, 2] {
        journey.world.pass_days(days);
        let query = format!("?event_id={}", said.event_id.as_str().replace('$', "%24"));
        journey.get("otto", "/policies/explain", &[], &query).await;
    }
    let page = "?from=0&limit=1000&last=100000";
    let plan = journey.get("otto", "/policies/plan", &[], page).await;
    for fate in ["restricted", "destroy"] {
        let mut counts = plan["counts"].as_array().unwrap().iter();
        assert!(counts.any(|count| count["fate"] == fate), "{plan}");
    }
    journey.get("otto", "/policies/history", &[], page).await;
    journey.post("ann", "/policies/run", &[], why()).await;
    journey.get("otto", "/policies/run", &[], "").await;
    let done = journey.world.destroyer().run(None, &|| false).await.unwrap();
    assert!(done.receipt.is_some());
    let receipts = journey.get("otto", "/policies/receipts", &[], page).await;
    assert!(!receipts["receipts"][0]["destroyed"].as_array().unwrap().is_empty(), "{receipts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_is_in_the_document() {
    let world = World::new().await;
    let document = Document::read();
    let room = world.room("dan").await;
    let case = world.case(json!({ "rooms": [room] })).await;
    let waits = world.open_case(json!({ "rooms": [room] })).await;
    let mut statuses = BTreeSet::new();
    for route in staff_routes() {
        let named = parameters(&document, document.operation(route.method, route.path), "query");
        let mut queries = vec![String::new(), "?nonsense=1".to_owned()];
        queries.extend(named.iter().map(|name| format!("?{name}=0")));
        let bodies = match route.method {
            "GET" => vec![Value::Null],
            _ => [bodies(room.as_str(), world.now() + DAY), vec![json!([]), Value::Null]].concat(),
        };
        for token in ["", "nobody", "dan", "otto", "bot-ann", "cleo", "ann"] {
            for number in ["x", "0", &case.to_string(), &waits.to_string()] {
                for query in &queries {
                    let path = with_number(route.path, number) + query;
                    for body in &bodies {
                        let answer = world.call(route.method, token, &path, body).await;
                        described(&document, route.method, route.path, &answer);
                        statuses.insert(answer.status.as_u16());
                        let known = answer.text.contains("unknown field") && body.is_null();
                        let meant = query == "?nonsense=1" && !named.is_empty();
                        assert!(!known || meant, "{path} is in the document: {answer:?}");
                        let passed = meant && token == "ann" && number == case.to_string();
                        assert!(!passed || known, "{path} takes what it does not know: {answer:?}");
                    }
                }
            }
        }
    }
    assert_eq!(statuses, BTreeSet::from([200, 400, 401, 403, 404, 409]));
}

fn with_number(route: &str, number: &str) -> String {
    let part = |part| if str::starts_with(part, '{') { number } else { part };
    route.split('/').map(part).collect::<Vec<_>>().join("/")
}
