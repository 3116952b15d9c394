//! What contracts reserve: it is offered by them, and to nobody else until it is released.

use tieline_uftp::RejectionReason as R;
use tieline_uftp::message::{FlexOffer, FlexRequest, FlexReservationUpdate, Isp};

use crate::scene::{FULL, MORNING, Scene, at, flex, isp, wanted};

const RESERVED: i64 = 15_000;
/// More than is left besides the reservation.
const ASKED: i64 = 17_000;

fn contract(id: &str, release_until: &str) -> String {
    format!(
        "
[[agr.contract]]
id = \"{id}\"
dso = \"dso.example.com\"
congestion_point = \"{}\"
reserved = -{RESERVED}
{release_until}
",
        crate::scene::POINT
    )
}

/// The reservation of today can still be reduced.
async fn scene() -> Scene {
    let until = "release_until = { days_before = 0, time = \"10:30\" }";
    Scene::starting(MORNING, "", &contract("C-1", until)).await
}

fn request(scene: &Scene, contract: Option<&str>) -> FlexRequest {
    let flex = flex("2026-06-10".parse().unwrap());
    let mut request = scene.request_of(flex, at("2026-06-10T09:00:00Z"), vec![wanted(45, 4, -ASKED, 0)]);
    request.contract_id = contract.map(|contract| contract.parse().unwrap());
    request
}

fn update(scene: &Scene, contract: &str, isps: Vec<Isp>) -> FlexReservationUpdate {
    FlexReservationUpdate {
        header: scene.dso.header(crate::scene::AGR),
        flex: flex("2026-06-10".parse().unwrap()),
        contract_id: contract.parse().unwrap(),
        reference: "1".parse().unwrap(),
        isps,
    }
}

fn offered(offer: &FlexOffer) -> Vec<i64> {
    let runs = offer.options[0].isps.iter();
    runs.flat_map(|run| run.range.into_iter().map(|_| run.power.watts())).collect()
}

#[tokio::test]
async fn what_is_reserved_is_kept_from_others_and_offered_by_its_contract() {
    let scene = scene().await;
    let _charging = scene.charging().await;
    let left = RESERVED - FULL;
    assert_eq!(offered(&scene.offer(request(&scene, None)).await), [left; 4]);
    // What the other offer has left of the car is what is reserved.
    let by_contract = scene.offer(request(&scene, Some("C-1"))).await;
    assert_eq!(by_contract.contract_id.as_ref().unwrap().as_str(), "C-1");
    assert_eq!(offered(&by_contract), [-RESERVED; 4]);
}

#[tokio::test]
async fn what_was_offered_by_the_contract_is_kept_no_second_time() {
    let scene = scene().await;
    let _charging = scene.charging().await;
    assert_eq!(offered(&scene.offer(request(&scene, Some("C-1"))).await), [-ASKED; 4]);
    assert_eq!(offered(&scene.offer(request(&scene, None)).await), [ASKED - FULL; 4]);
}

#[tokio::test]
async fn what_is_released_is_for_everybody() {
    let scene = scene().await;
    let _charging = scene.charging().await;
    for isps in [vec![isp(45, 3, -7_000)], vec![isp(46, 1, 0)]] {
        let answer = scene.ask(update(&scene, "C-1", isps)).await;
        assert!(answer.is_accepted(), "{answer:?}");
    }
    let offer = scene.offer(request(&scene, None)).await;
    assert_eq!(offered(&offer), [7_000 - FULL, -ASKED, 7_000 - FULL, RESERVED - FULL]);
}

#[tokio::test]
async fn a_reservation_is_reduced_by_its_own_operator_in_time_and_never_raised() {
    let scene = scene().await;
    let unknown = R::UnknownReference("ContractID".parse().unwrap());
    for (contract, power, reasons) in [
        // Of an unknown one, no later time was agreed than the start of the day.
        ("C-2", 0, vec![unknown.clone(), R::DeadlineExpired]),
        ("C-1", -RESERVED - 1, vec![R::PowerValueRejection]),
        ("C-1", 1, vec![R::PowerValueRejection]),
    ] {
        let answer = scene.ask(update(&scene, contract, vec![isp(45, 1, power)])).await;
        assert_eq!(answer.reasons(), reasons);
    }
    assert_eq!(scene.ask(request(&scene, Some("C-2"))).await.reasons(), [unknown]);

    let late = Scene::starting(MORNING, "", &contract("C-1", "")).await;
    let answer = late.ask(update(&late, "C-1", vec![isp(45, 1, 0)])).await;
    assert_eq!(answer.reasons(), [R::DeadlineExpired]);
}

#[tokio::test]
async fn without_contracts_of_ones_own_there_is_nothing_to_reduce() {
    let scene = Scene::new().await;
    let mut update = update(&scene, "C-1", vec![isp(45, 1, 0)]);
    update.flex.period = "2026-06-11".parse().unwrap();
    let answer = scene.ask(update).await;
    assert_eq!(answer.reasons(), [R::UnknownReference("ContractID".parse().unwrap())]);
}
