//! Tables: the rows that the server prints, and the same rows made of the objects.

use kcilium_core::{
    decode::kubernetes::{Pod, Table, TableError, add_pods, page},
    facts::{PodRow, Pods},
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::fixture;

fn table(columns: &[&str], rows: &[Vec<Value>]) -> String {
    let columns: Vec<Value> = columns.iter().map(|name| json!({"name": name})).collect();
    let rows: Vec<Value> =
        rows.iter().map(|cells| json!({"cells": cells, "object": null})).collect();
    json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": "943", "continue": "next", "remainingItemCount": 7},
        "columnDefinitions": columns, "rows": rows})
    .to_string()
}

fn pods(json: &str, namespace: &str) -> Result<Vec<PodRow>, String> {
    let table = Table::from_json(json.as_bytes()).map_err(|error| error.to_string())?;
    let mut pods = Pods::default();
    add_pods(&mut pods, &table, namespace).map_err(|error| error.to_string())?;
    Ok(pods.into_iter().collect())
}

const COLUMNS: [&str; 9] = [
    "Name",
    "Ready",
    "Status",
    "Restarts",
    "Age",
    "IP",
    "Node",
    "Nominated Node",
    "Readiness Gates",
];

/// Cells of a pod as the server makes them: restarts are a number before 1.22.
fn cells(row: &PodRow, restarts: Value) -> Vec<Value> {
    vec![
        json!(&*row.name),
        json!(format!("{}/{}", row.ready, row.containers)),
        json!(&*row.status),
        restarts,
        json!("2m11s"),
        json!(row.address.map_or("<none>".into(), |address| address.to_string())),
        json!(row.node.as_ref().map_or("<none>", |node| node.as_str())),
        json!("<none>"),
        json!("<none>"),
    ]
}

#[test]
fn rows_of_kubectl_and_of_the_objects_are_the_same() {
    let printed = fixture::text("kubectl/clash-pods.txt");
    let split = |line: &str| -> Vec<String> {
        let cells = line.split("  ").map(str::trim).filter(|cell| !cell.is_empty());
        cells.map(str::to_owned).collect()
    };
    let mut lines = printed.lines();
    let header = split(lines.next().unwrap());
    let columns: Vec<&str> = header.iter().map(String::as_str).collect();
    let mut of_kubectl: Vec<PodRow> = Vec::new();
    for line in lines {
        let cells = split(line);
        let row = table(&columns, &[cells.iter().map(|cell| json!(cell)).collect()]);
        of_kubectl.extend(pods(&row, &cells[0]).unwrap());
    }

    let objects = fixture::text("dumps/clash/api/pods.json");
    let mut of_objects: Vec<PodRow> =
        page::<Pod>(objects.as_bytes()).unwrap().items.iter().map(Pod::row).collect();
    assert_eq!(of_objects.len(), 10);
    let key = |row: &PodRow| (row.namespace.to_string(), row.name.to_string());
    of_kubectl.sort_by_key(key);
    of_objects.sort_by_key(key);
    for (object, printed) in of_objects.iter_mut().zip(&of_kubectl) {
        // It was started again between the two recordings.
        if object.name.starts_with("config-puller-") {
            assert_eq!((&*object.status, &*printed.status), ("Running", "Error"));
            assert_eq!(object.restarts, printed.restarts);
            object.clone_from(printed);
        }
    }
    assert_eq!(of_objects, of_kubectl);
    let unwell: Vec<&str> =
        of_objects.iter().filter(|row| !row.is_well()).map(|row| &*row.status).collect();
    assert_eq!(unwell, ["Error", "Error", "ErrImagePull"]);
}

#[test]
fn pages_of_rows_say_how_to_go_on() {
    let json = table(&COLUMNS, &[]);
    let table = Table::from_json(json.as_bytes()).unwrap();
    assert_eq!((table.resume.as_deref(), table.resource_version.as_str()), (Some("next"), "943"));
    assert_eq!(table.rows().len(), 0);
    let last =
        br#"{"kind":"Table","metadata":{"continue":""},"columnDefinitions":null,"rows":null}"#;
    assert_eq!(Table::from_json(last).unwrap().resume, None);
}

#[test]
fn a_server_that_makes_no_tables_is_recognised() {
    let list = br#"{"kind":"PodList","metadata":{"resourceVersion":"1"},"items":[]}"#;
    let error = Table::from_json(list).unwrap_err();
    assert_eq!(error, TableError::NotATable { kind: "PodList".into() });
    assert_eq!(error.to_string(), "the server sent a PodList instead of a Table");
    let refusal = br#"{"kind":"Status","message":"pods is forbidden","code":403}"#;
    let error = Table::from_json(refusal).unwrap_err();
    assert_eq!(error.to_string(), "the API server answered: pods is forbidden");
    assert!(matches!(error, TableError::Broken(_)));
    for broken in [&b""[..], b"[]", b"{\"kind\":\"Table\",\"rows\":[{}]}", b"\xff"] {
        assert!(matches!(Table::from_json(broken), Err(TableError::Broken(_))));
    }
}

#[test]
fn errors_name_the_column_and_the_row() {
    let good = ["client", "1/1", "Running", "0", "1m", "10.0.1.39", "node1", "<none>", "<none>"];
    let with = |column: usize, cell: Value| {
        let mut cells: Vec<Value> = good.iter().map(|text| json!(text)).collect();
        cells[column] = cell;
        pods(&table(&COLUMNS, &[good.iter().map(|text| json!(text)).collect(), cells]), "default")
            .unwrap_err()
    };
    assert_eq!(with(1, json!("one")), "row 2: the cell in column `Ready` is not of the form `1/2`");
    assert_eq!(
        with(3, json!("many")),
        "row 2: the cell in column `Restarts` does not begin with a number"
    );
    assert_eq!(with(5, json!("10.0")), "row 2: the cell in column `IP` is not an address");
    assert_eq!(with(0, json!({})), "row 2: the cell in column `Name` is neither text nor a number");
    let short = table(&COLUMNS, &[vec![json!("client"), json!("1/1")]]);
    assert_eq!(
        pods(&short, "default").unwrap_err(),
        "row 1: the cell in column `Restarts` is missing"
    );
    let error = pods(&table(&["Name", "Age"], &[]), "default").unwrap_err();
    assert_eq!(error, "the table has no column `Ready`; it has: Name, Age");
}

fn row() -> impl Strategy<Value = PodRow> {
    let address = proptest::option::of(any::<std::net::IpAddr>());
    let node = proptest::option::of("[a-z][a-z0-9.-]{0,20}");
    ("[a-z0-9.-]{1,40}", node, address, "[A-Za-z:/0-9\"\\\\é]{1,20}", any::<(u16, u16, u32)>())
        .prop_map(|(name, node, address, status, (ready, containers, restarts))| PodRow {
            namespace: "default".into(),
            name: name.into(),
            node: node.map(Into::into),
            address,
            status: status.into(),
            ready,
            containers,
            restarts,
        })
}

proptest! {
    #[test]
    fn the_order_of_columns_does_not_matter(
        rows in proptest::collection::vec(row(), 0..6),
        order in Just((0..COLUMNS.len()).collect::<Vec<_>>()).prop_shuffle(),
        as_number in any::<bool>(),
    ) {
        let columns: Vec<&str> = order.iter().map(|index| COLUMNS[*index]).collect();
        let cells: Vec<Vec<Value>> = rows
            .iter()
            .map(|row| {
                let restarts = if as_number {
                    json!(row.restarts)
                } else {
                    json!(format!("{} (77s ago)", row.restarts))
                };
                let cells = cells(row, restarts);
                order.iter().map(|index| cells[*index].clone()).collect()
            })
            .collect();
        prop_assert_eq!(pods(&table(&columns, &cells), "default").unwrap(), rows);
    }

    #[test]
    fn no_table_that_was_cut_short_is_taken_for_one(
        rows in proptest::collection::vec(row(), 1..3),
        cut in any::<prop::sample::Index>(),
    ) {
        let cells: Vec<Vec<Value>> = rows.iter().map(|row| cells(row, json!(0))).collect();
        let json = table(&COLUMNS, &cells);
        let cut = cut.index(json.len());
        prop_assert!(Table::from_json(&json.as_bytes()[..cut]).is_err());
    }
}
