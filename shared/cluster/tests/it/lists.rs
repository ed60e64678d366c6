//! Lists and other requests to a server that has its moments.

use std::{
    io::Write as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use kcilium_cluster::{Api, ApiError, Form, Limits, PageSize, Pages, kubeconfig::Connection};
use kubesim::{Fault, Kind, KubeSim};
use serde_json::Value;
use tokio::{
    io::AsyncWriteExt as _,
    sync::Barrier,
    time::{Instant, timeout},
};

use crate::tool::{Folder, Stub, connection, limits, read_head, reply, sim};

const LIST: &str = "/api/v1/namespaces/default/configmaps";

fn object(name: &str) -> String {
    format!("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}, namespace: default}}}}")
}

/// A server with more objects than two pages hold.
async fn full_sim() -> KubeSim {
    let sim = sim(&[]).await;
    for i in 0..1100 {
        sim.load(&object(&format!("x{i}"))).unwrap();
    }
    sim
}

async fn client(sim: &KubeSim, limits: Limits) -> Api {
    Api::connect(&connection(&sim.kubeconfig()), limits).await.unwrap()
}

/// The names in a list, and its continue token.
fn names(body: &[u8]) -> Result<(Vec<String>, Option<String>), ApiError> {
    let unreadable = |reason: String| ApiError::Unreadable { reason };
    let list: Value =
        serde_json::from_slice(body).map_err(|error| unreadable(error.to_string()))?;
    let items = list["items"].as_array().ok_or_else(|| unreadable("no items".into()))?;
    let name = |item: &Value| item["metadata"]["name"].as_str().map(str::to_owned);
    let token = list["metadata"]["continue"].as_str().map(str::to_owned);
    Ok((items.iter().filter_map(name).collect(), token))
}

async fn list(api: &Api) -> Result<Vec<String>, ApiError> {
    let pages = Pages { path: LIST, query: &[], form: Form::Json, size: PageSize::Objects };
    api.list(&pages, names).await
}

fn stub_connection(stub: &Stub) -> Connection {
    let folder = Folder::new();
    connection(&stub.kubeconfig(&folder))
}

fn asked(sim: &KubeSim) -> usize {
    sim.journal().entries().iter().filter(|entry| entry.route.starts_with(LIST)).count()
}

#[tokio::test]
async fn three_pages_make_a_list() {
    let sim = full_sim().await;
    let api = client(&sim, limits()).await;
    let mut names = list(&api).await.unwrap();
    assert_eq!((names.len(), asked(&sim), api.requests()), (1100, 3, 3));
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 1100);
}

#[tokio::test]
async fn what_passes_is_tried_again() {
    let sim = full_sim().await;
    let limits = Limits { request: Duration::from_secs(2), ..limits() };
    let api = client(&sim, limits).await;
    let status = |code, retry_after| Kind::Status { code, retry_after };
    for kind in [
        status(429, Some(1)),
        status(503, None),
        status(500, None),
        status(504, None),
        Kind::Reset,
        Kind::Cut(2000),
        Kind::Cut(0),
        Kind::Hang,
    ] {
        // Every page meets it in turn.
        for page in 1..=3 {
            sim.journal().clear();
            sim.faults().add(Fault::new(&format!("{LIST}*"), kind.clone()).requests(page, 1));
            let names = list(&api).await.unwrap_or_else(|error| panic!("{kind:?}: {error}"));
            assert_eq!(names.len(), 1100, "{kind:?}");
            sim.faults().clear();
        }
    }
}

#[tokio::test]
async fn what_does_not_pass_is_given_up_after_three_tries() {
    let sim = full_sim().await;
    let api = client(&sim, limits()).await;
    for (kind, tries) in [
        (Kind::Status { code: 500, retry_after: None }, 3),
        (Kind::Reset, 3),
        (Kind::Cut(100), 3),
        (Kind::Forbidden, 1),
        (Kind::Status { code: 404, retry_after: None }, 1),
    ] {
        let before = api.requests();
        sim.faults().add(Fault::new(&format!("{LIST}*"), kind.clone()));
        let error = list(&api).await.unwrap_err();
        assert_eq!(api.requests() - before, tries, "{kind:?}: {error}");
        sim.faults().clear();
    }
}

#[tokio::test]
async fn a_server_that_falls_silent_is_left_at_the_deadline() {
    let sim = full_sim().await;
    for from in 1..=3 {
        let limits = Limits { deadline: Instant::now() + Duration::from_secs(2), ..limits() };
        let api = client(&sim, limits).await;
        sim.faults().add(Fault::new(&format!("{LIST}*"), Kind::Hang).requests(from, u64::MAX));
        let outcome = timeout(Duration::from_secs(20), list(&api)).await.expect("it ends");
        let error = outcome.unwrap_err();
        // On a busy machine, time may be over between two pages.
        assert!(matches!(error, ApiError::TimedOut { .. } | ApiError::OutOfTime), "{error}");
        // Nothing is asked any more.
        let before = api.requests();
        assert_eq!(list(&api).await, Err(ApiError::OutOfTime));
        assert_eq!(api.requests(), before);
        sim.faults().clear();
    }
}

#[tokio::test]
async fn a_list_that_expires_is_begun_anew_once_and_then_gone_on_with() {
    let sim = full_sim().await;
    let api = client(&sim, limits()).await;
    let gone = Kind::Status { code: 410, retry_after: None };
    sim.faults().add(Fault::new(&format!("{LIST}*continue=*"), gone.clone()).requests(1, 1));
    assert_eq!(list(&api).await.unwrap().len(), 1100);
    assert_eq!(asked(&sim), 5);
    sim.faults().clear();

    // The server's own 410, with a token to go on: after the first page something changes, and the
    // past is forgotten.
    sim.journal().clear();
    let pages = Pages { path: LIST, query: &[], form: Form::Json, size: PageSize::Objects };
    let mut pages_read = 0;
    let read = api
        .list(&pages, |body| {
            pages_read += 1;
            // Pages 1 (begun anew after it), 1 again, and 2 of the inconsistent rest.
            if pages_read <= 2 {
                sim.load(&object(&format!("later{pages_read}"))).unwrap();
                sim.store().compact();
            }
            names(body)
        })
        .await
        .unwrap();
    assert!(read.len() >= 1100, "{}", read.len());
    assert!(asked(&sim) <= 7, "{}", asked(&sim));

    // A server that forgets all the time is not asked for ever.
    sim.faults().add(Fault::new(&format!("{LIST}*continue=*"), gone));
    let error = list(&api).await.unwrap_err();
    assert!(matches!(error, ApiError::Expired { .. }), "{error}");
}

#[tokio::test]
async fn a_server_that_repeats_a_page_is_left() {
    let stub =
        Stub::answer(|_| reply("200 OK", "", br#"{"metadata":{"continue":"same"},"items":[]}"#))
            .await;
    let api = Api::connect(&stub_connection(&stub), limits()).await.unwrap();
    let error = list(&api).await.unwrap_err();
    assert_eq!(error.to_string(), "the server repeats a page of the list");
}

#[tokio::test]
async fn no_more_is_under_way_than_is_allowed() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let gate = Arc::new(Barrier::new(3));
    let counted = Arc::clone(&most);
    let stub = Stub::accept(move |mut stream| {
        let (now, most, gate) = (Arc::clone(&now), Arc::clone(&counted), Arc::clone(&gate));
        async move {
            read_head(&mut stream).await;
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // Opens when three are here.
            gate.wait().await;
            now.fetch_sub(1, Ordering::SeqCst);
            let _ = stream.write_all(&reply("200 OK", "", b"{}")).await;
        }
    })
    .await;
    let limits = Limits { concurrency: 3, ..limits() };
    let api = Api::connect(&stub_connection(&stub), limits).await.unwrap();
    let answers = join_all((0..12).map(|_| api.get("/api", Form::Json))).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(most.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn waiting_for_a_place_ends_at_the_deadline() {
    let sim = sim(&[]).await;
    sim.faults().add(Fault::new("*", Kind::Hang));
    let limits = Limits {
        deadline: Instant::now() + Duration::from_millis(300),
        concurrency: 1,
        ..limits()
    };
    let api = client(&sim, limits).await;
    let answers = join_all((0..5).map(|_| api.get("/api", Form::Json))).await;
    assert!(answers.iter().all(Result::is_err), "{answers:?}");
    assert!(api.requests() <= 1, "{}", api.requests());
}

#[tokio::test]
async fn compressed_answers_are_read() {
    let body = format!("{{\"x\":\"{}\"}}", "y".repeat(100_000));
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(body.as_bytes()).unwrap();
    let packed = encoder.finish().unwrap();
    let stub = Stub::answer(move |head| {
        assert!(head.to_lowercase().contains("accept-encoding: gzip"), "{head}");
        reply("200 OK", "Content-Encoding: gzip\r\n", &packed)
    })
    .await;
    let api = Api::connect(&stub_connection(&stub), limits()).await.unwrap();
    assert_eq!(api.get("/x", Form::Json).await.unwrap(), body.as_bytes());
    assert_eq!(api.received(), body.len() as u64);
}

#[tokio::test]
async fn an_answer_without_end_is_left_off() {
    // Unpacked, larger than any answer may be.
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let chunk = vec![b' '; 1 << 20];
    (0..66).for_each(|_| encoder.write_all(&chunk).unwrap());
    let packed = encoder.finish().unwrap();
    let stub = Stub::answer(move |_| reply("200 OK", "Content-Encoding: gzip\r\n", &packed)).await;
    let api = Api::connect(&stub_connection(&stub), limits()).await.unwrap();
    let error = api.get("/x", Form::Json).await.unwrap_err();
    assert_eq!(error.to_string(), "the answer is larger than 64 MiB");
    assert!(api.received() <= 65 << 20);
}

#[tokio::test]
async fn a_page_that_is_too_large_is_asked_for_in_parts() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let chunk = vec![b' '; 1 << 20];
    (0..66).for_each(|_| encoder.write_all(&chunk).unwrap());
    let large = encoder.finish().unwrap();
    let stub = Stub::answer(move |head| {
        if head.contains("limit=500") {
            return reply("200 OK", "Content-Encoding: gzip\r\n", &large);
        }
        assert!(head.contains("limit=50 ") || head.contains("limit=50&"), "{head}");
        let page: &[u8] = if head.contains("continue=next") {
            br#"{"metadata":{},"items":[{"metadata":{"name":"b"}}]}"#
        } else {
            br#"{"metadata":{"continue":"next"},"items":[{"metadata":{"name":"a"}}]}"#
        };
        reply("200 OK", "", page)
    })
    .await;
    let api = Api::connect(&stub_connection(&stub), limits()).await.unwrap();
    assert_eq!(list(&api).await.unwrap(), ["a", "b"]);
    assert_eq!(api.requests(), 3);
}
