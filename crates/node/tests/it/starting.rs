//! What a node takes hold of when it starts, and lets go of when it stops.

use std::sync::Arc;

use tieline_edge::EdgeError;
use tieline_node::NodeError;
use tieline_store::{SqliteOptions, SqliteStore, Store as _};

use crate::scene::Scene;

#[tokio::test]
async fn a_data_directory_is_one_nodes_own_as_long_as_it_runs() {
    let mut scene = Scene::new().await;
    let refused = scene.agr.another().await.unwrap_err();
    assert!(matches!(&refused, NodeError::InUse { path } if path.ends_with("data")), "{refused}");
    assert!(!refused.retry());
    // The first one is not disturbed, and its books can be read beside it.
    assert!(scene.ask(scene.request()).await.is_accepted());
    let beside = SqliteStore::open(&scene.agr.database(), SqliteOptions::default()).unwrap();
    assert_eq!(beside.journal(0, 1).await.unwrap().len(), 1);

    scene.agr.stop().await;
    let next = scene.agr.another().await.unwrap();
    next.stop().await;
}

#[tokio::test]
async fn a_node_that_finds_an_address_taken_has_begun_nothing() {
    let mut scene = Scene::new().await;
    let (market, chargers) = (scene.agr.uftp(), scene.agr.ocpp());
    scene.agr.stop().await;
    for address in [market, chargers] {
        let taken = std::net::TcpListener::bind(address).unwrap();
        let refused = scene.agr.another().await.unwrap_err();
        assert!(matches!(refused, NodeError::Edge(EdgeError::Bind { .. })), "{refused}");
        drop(taken);
        // Everything is free again at once: the directory, and the other address.
        let next = scene.agr.another().await.unwrap();
        next.stop().await;
    }
}

#[tokio::test]
async fn nothing_goes_on_in_a_node_that_has_stopped() {
    let mut scene = Scene::new().await;
    let (charger, _) = scene.charging().await;
    scene.ordered().await;
    let store = Arc::clone(scene.agr.node().store());
    scene.agr.stop().await;
    assert_eq!(Arc::strong_count(&store), 1, "somebody could still write");
    charger.cut().await;
}
