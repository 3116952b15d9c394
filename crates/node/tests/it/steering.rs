//! What chargers say while an order lasts, and what becomes of it.

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use tieline_ocpp::Version;
use tieline_uftp::Payload;
use tieline_uftp::message::{DPrognosis, FlexRequestIsp, Response};
use tieline_uftp::value::DateTime;

use crate::charger::{Charger, Conduct};
use crate::daemon::eventually;
use crate::prognoses::answer;
use crate::scene::{FULL, MORNING, POINT, Scene, at, available, wanted, watts};

/// On 10 June, in UTC.
fn clock(time: &str) -> Timestamp {
    at(&format!("2026-06-10T{time}Z"))
}

/// A charger, and the session at it.
struct Car {
    charger: Charger,
    transaction: String,
}

impl Car {
    async fn at(scene: &Scene, identity: &str) -> Self {
        let version = match identity {
            "CP-1" | "CP-2" => Version::V1_6,
            "CP-3" => Version::V2_0_1,
            _ => Version::V2_1,
        };
        let charger = Charger::connect(scene.agr.ocpp(), identity, version).await;
        let transaction = charger.charge(scene.now()).await;
        Self { charger, transaction }
    }

    async fn draws(&self, time: &str, watts: i64, register: i64) {
        self.charger.draws(&self.transaction, clock(time), watts, register).await;
    }

    async fn says(&self, scene: &Scene, takes: bool) {
        self.charger.says(&self.transaction, scene.now(), takes).await;
    }

    fn is_told(&self, time: &str, limit: i64) {
        let told = self.charger.told();
        assert_eq!(self.limit_at(time), Some(watts(limit)), "{}: {told:?}", self.charger.csms.identity());
    }

    fn limit_at(&self, time: &str) -> Option<Decimal> {
        self.charger.limit_at(clock(time))
    }
}

async fn cars<const N: usize>(scene: &Scene, identities: [&str; N]) -> [Car; N] {
    let mut cars = Vec::new();
    for identity in identities {
        cars.push(Car::at(scene, identity).await);
    }
    cars.try_into().ok().unwrap()
}

/// An order of so many watts less, from 09:00 to 10:00.
async fn ordered(scene: &Scene, less: i64) {
    order(scene, vec![wanted(45, 4, -less, 0)], "09:00:00").await;
}

async fn order(scene: &Scene, isps: Vec<FlexRequestIsp>, expires: &str) {
    let mut request = scene.request();
    request.isps = isps;
    request.expiration_date_time = DateTime::utc(clock(expires));
    let offer = scene.offer(request).await;
    assert!(scene.ask(scene.order(&offer)).await.is_accepted());
    scene.agr.settle().await;
}

/// Sets the clock and waits until what is due then is done: the plan is made, and each charger has answered what it was told.
async fn until(scene: &Scene, time: &str) {
    scene.clock.set(clock(time));
    done(scene).await;
}

/// An answer may make another plan, so nothing may change between two looks at what was told.
async fn done(scene: &Scene) {
    eventually("everything is planned and answered", async || {
        let told = scene.agr.records("set-point", POINT).await;
        scene.agr.settle().await;
        let is_pending = |set_point: &serde_json::Value| set_point["state"].get("Pending").is_some();
        let is_quiet = !told.iter().any(is_pending) && scene.agr.records("set-point", POINT).await == told;
        is_quiet.then_some(())
    })
    .await;
}

async fn alarms(scene: &Scene) -> usize {
    scene.agr.journal().await.iter().filter(|line| line.entry.label == "Alarm").count()
}

#[tokio::test]
async fn what_a_car_does_not_take_others_get_from_the_next_plan_on() {
    let scene = Scene::new().await;
    let [one, other] = cars(&scene, ["CP-1", "CP-3"]).await;
    ordered(&scene, 20_000).await;
    until(&scene, "09:00:00").await;
    one.is_told("09:15:00", 12_080);
    other.is_told("09:15:00", 12_080);

    until(&scene, "09:00:30").await;
    one.draws("09:01:00", 7400, 100).await;
    until(&scene, "09:05:29").await;
    other.is_told("09:15:00", 12_080);
    until(&scene, "09:05:30").await;
    // It could take a little more than it was seen to.
    one.is_told("09:15:00", 7400 + 740);
    other.is_told("09:15:00", 2 * FULL - 20_000 - 7400);

    // It takes all that: nobody knows how much more it could.
    one.draws("09:06:00", 8140, 200).await;
    until(&scene, "09:10:30").await;
    one.is_told("09:15:00", 12_080);
    other.is_told("09:15:00", 12_080);
}

#[tokio::test]
async fn a_car_that_takes_nothing_may_begin() {
    let scene = Scene::new().await;
    let [one, other] = cars(&scene, ["CP-1", "CP-3"]).await;
    ordered(&scene, 20_000).await;
    until(&scene, "09:00:00").await;
    one.draws("09:01:00", 0, 0).await;
    until(&scene, "09:05:30").await;
    one.is_told("09:15:00", 4140 + 414);
    other.is_told("09:15:00", 2 * FULL - 20_000 - 4140);
}

#[tokio::test]
async fn a_charger_that_gives_more_than_it_was_told_is_made_up_for_until_it_follows() {
    let scene = Scene::new().await;
    let [one, other] = cars(&scene, ["CP-1", "CP-3"]).await;
    ordered(&scene, 10_000).await;
    until(&scene, "09:00:00").await;
    let told = one.charger.told().len();

    one.draws("09:01:00", FULL, 400).await;
    until(&scene, "09:05:30").await;
    other.is_told("09:15:00", FULL - 10_000);
    // There is nothing to tell it, also after the limits that it was told.
    until(&scene, "09:30:00").await;
    assert_eq!(one.charger.told().len(), told);
    other.is_told("09:30:00", FULL - 10_000);
}

#[tokio::test]
async fn a_charger_that_follows_again_is_told_again() {
    let scene = Scene::new().await;
    let [one, other] = cars(&scene, ["CP-1", "CP-3"]).await;
    ordered(&scene, 10_000).await;
    until(&scene, "09:00:00").await;
    one.draws("09:01:00", FULL, 400).await;
    until(&scene, "09:05:30").await;
    other.is_told("09:15:00", FULL - 10_000);
    one.draws("09:06:00", FULL - 5000, 800).await;
    until(&scene, "09:10:30").await;
    one.is_told("09:15:00", FULL - 5000);
    other.is_told("09:15:00", FULL - 5000);
}

#[tokio::test]
async fn a_reading_just_after_a_new_limit_is_not_held_against_it() {
    let scene = Scene::new().await;
    let [one, other] = cars(&scene, ["CP-1", "CP-3"]).await;
    ordered(&scene, 10_000).await;
    until(&scene, "08:30:00").await;
    until(&scene, "09:00:00").await;
    one.draws("09:00:10", FULL, 400).await;
    until(&scene, "09:05:30").await;
    one.is_told("09:15:00", FULL - 5000);
    other.is_told("09:15:00", FULL - 5000);
}

#[tokio::test]
async fn a_refusal_is_made_up_for_at_once() {
    let scene = Scene::new().await;
    let [one, other] = cars(&scene, ["CP-1", "CP-3"]).await;
    ordered(&scene, 10_000).await;
    one.charger.behave(Conduct::Refuse);
    until(&scene, "08:30:00").await;
    other.is_told("09:00:00", FULL - 10_000);
    assert_eq!(one.charger.told().len(), 1);
    assert_eq!(alarms(&scene).await, 0);
}

#[tokio::test]
async fn a_fleet_that_can_not_be_steered_offers_nothing() {
    let scene = Scene::new().await;
    let [car] = cars(&scene, ["CP-1"]).await;
    order(&scene, vec![wanted(45, 1, -10_000, 0)], "09:00:00").await;
    car.charger.behave(Conduct::Refuse);
    until(&scene, "08:30:00").await;
    let offers = scene.agr.records("offer", POINT).await.len();
    let mut request = scene.request();
    request.isps = vec![wanted(47, 1, -5000, 0)];
    assert!(scene.ask(request).await.is_accepted());
    scene.agr.settle().await;
    assert_eq!(scene.agr.records("offer", POINT).await.len(), offers);
}

#[tokio::test]
async fn a_suspended_car_is_left_out_and_its_share_goes_to_others() {
    for (identity, other) in [("CP-1", "CP-3"), ("CP-3", "CP-1"), ("CP-4", "CP-1")] {
        let scene = Scene::new().await;
        let [one, other] = cars(&scene, [identity, other]).await;
        ordered(&scene, 20_000).await;
        until(&scene, "08:30:00").await;
        other.is_told("09:00:00", 12_080);
        let told = one.charger.told().len();

        scene.clock.set(clock("08:31:00"));
        one.says(&scene, false).await;
        done(&scene).await;
        other.is_told("09:00:00", FULL);
        assert_eq!(one.charger.told().len(), told, "{identity} is told nothing");

        scene.clock.set(clock("08:32:00"));
        one.says(&scene, true).await;
        done(&scene).await;
        other.is_told("09:00:00", 12_080);
        one.is_told("09:00:00", 12_080);
    }
}

#[tokio::test]
async fn what_a_driver_needs_by_departure_is_a_floor() {
    for identity in ["CP-3", "CP-4"] {
        let scene = Scene::new().await;
        let [one, other] = cars(&scene, [identity, "CP-1"]).await;
        ordered(&scene, 10_000).await;
        until(&scene, "08:30:00").await;
        one.is_told("09:00:00", FULL - 5000);
        one.charger.needs(clock("10:00:00"), 22_000).await;
        done(&scene).await;
        one.is_told("09:00:00", FULL);
        other.is_told("09:00:00", FULL - 10_000);
    }
}

#[tokio::test]
async fn whoever_takes_more_than_was_said_gets_a_share() {
    for identity in ["CP-3", "CP-4"] {
        let scene = Scene::new().await;
        let [one, other] = cars(&scene, [identity, "CP-1"]).await;
        ordered(&scene, 10_000).await;
        one.draws("08:00:00", FULL, 0).await;
        one.charger.needs(clock("10:00:00"), 1000).await;
        one.draws("08:29:00", FULL, 5000).await;
        until(&scene, "08:30:00").await;
        one.is_told("09:00:00", FULL - 5000);
        other.is_told("09:00:00", FULL - 5000);
    }
}

/// What a lone car is told at 09:05:30 after a register of so many Wh at 09:05, if it was told 12,080 W at 09:00.
async fn told_after(watt_hours: i64) -> Decimal {
    let scene = Scene::new().await;
    let [car] = cars(&scene, ["CP-1"]).await;
    ordered(&scene, 10_000).await;
    until(&scene, "09:00:00").await;
    let readings = [(clock("09:00:00"), 20_000), (clock("09:05:00"), 20_000 + watt_hours)];
    car.charger.meter(&car.transaction, &readings).await;
    until(&scene, "09:05:30").await;
    car.is_told("09:15:00", 12_080);
    car.limit_at("09:05:30").unwrap()
}

#[tokio::test]
async fn what_was_missed_or_too_much_is_made_up_for_within_the_isp() {
    // 12,080 W over 15 minutes, less what the meter showed, less half a minute at 12,080 W, over 9.5 minutes.
    assert_eq!(told_after(500).await, watts(15_280));
    assert_eq!(told_after(1500).await, watts(8964));
    // Bounded by half of the target on both sides.
    assert_eq!(told_after(0).await, watts(18_120));
    assert_eq!(told_after(2500).await, watts(6040));
}

#[tokio::test]
async fn nothing_is_made_up_for_in_the_last_two_minutes_or_without_a_reading() {
    let scene = Scene::new().await;
    let [car] = cars(&scene, ["CP-1"]).await;
    ordered(&scene, 10_000).await;
    until(&scene, "09:00:00").await;
    let told = car.charger.told().len();
    until(&scene, "09:05:30").await;
    assert_eq!(car.charger.told().len(), told, "without a reading");
    car.charger.meter(&car.transaction, &[(clock("09:00:00"), 20_000), (clock("09:09:00"), 20_000)]).await;
    until(&scene, "09:13:30").await;
    assert_eq!(car.charger.told().len(), told, "in the last two minutes");
    assert_eq!(car.limit_at("09:13:30"), Some(watts(12_080)));
}

fn prognosis(payload: &Payload) -> Option<DPrognosis> {
    if let Payload::DPrognosis(prognosis) = payload { Some(prognosis.clone()) } else { None }
}

/// Three cars, of which 30 kW are expected until 12:00 and 20 kW afterwards, in local time; 10 kW less are ordered from 11:00 to
/// 12:00, and there is room for 2 kW more than expected in the half hour after that.
async fn before_a_release(release_within: &str) -> (Scene, [Car; 3]) {
    let mut scene = Scene::expecting(MORNING, "", Some("time,watts\n00:00,30000\n12:00,20000\n")).await;
    let agr = format!("[agr]\nrelease_within = \"{release_within}\"\n");
    scene.agr.config = scene.agr.config.replacen("[agr]\n", &agr, 1);
    scene.agr.restart().await;
    let today = scene.dso.mailbox.wait("a prognosis", prognosis).await;
    answer(&scene, &today, Response::ACCEPTED).await;
    let cars = cars(&scene, ["CP-1", "CP-3", "CP-4"]).await;
    order(&scene, vec![wanted(45, 4, -10_000, 0), available(49, 2, 0, 2000)], "09:00:00").await;
    (scene, cars)
}

fn sum(cars: &[Car], time: &str) -> Option<Decimal> {
    cars.iter().map(|car| car.limit_at(time)).sum()
}

#[tokio::test]
async fn after_the_order_the_fleet_stays_under_the_normal_peak_and_the_room_there_is() {
    let (scene, cars) = before_a_release("6h").await;
    for time in ["09:00:00", "09:15:00", "09:30:00", "09:45:00"] {
        until(&scene, time).await;
        assert_eq!(sum(&cars, time), Some(watts(20_000)), "{time}");
    }
    assert_eq!(sum(&cars, "10:00:00"), Some(watts(22_000)), "known before the order ends");
    for (time, cap) in
        [("10:00:00", 22_000), ("10:15:00", 22_000), ("10:30:00", 30_000), ("12:00:00", 30_000)]
    {
        until(&scene, time).await;
        assert_eq!(sum(&cars, time), Some(watts(cap)), "{time}");
    }
}

#[tokio::test]
async fn a_release_ends_once_nobody_is_held_back_any_more() {
    let (scene, cars) = before_a_release("6h").await;
    for time in ["09:00:00", "09:30:00", "10:00:00"] {
        until(&scene, time).await;
    }
    let told = |cars: &[Car]| cars.iter().map(|car| car.charger.told().len()).sum::<usize>();
    for car in &cars {
        car.says(&scene, false).await;
    }
    done(&scene).await;
    assert_eq!(scene.agr.record("release", POINT).await.unwrap()["over"], true);
    // Whoever goes on is free: no limit stays behind.
    cars[0].says(&scene, true).await;
    done(&scene).await;
    cars[0].is_told("10:00:00", FULL);
    let before = told(&cars);
    until(&scene, "10:20:00").await;
    assert_eq!(told(&cars), before, "and nobody is told anything any more");
    assert_eq!(scene.agr.record("release", POINT).await.unwrap()["over"], true);
}

#[tokio::test]
async fn a_release_ends_with_its_time_and_once() {
    let (scene, cars) = before_a_release("1h").await;
    for time in ["09:00:00", "09:30:00", "10:00:00", "10:30:00", "10:45:00"] {
        until(&scene, time).await;
    }
    assert_eq!(sum(&cars, "10:59:59"), Some(watts(30_000)));
    assert_eq!(sum(&cars, "11:00:00"), Some(watts(3 * FULL)));
    until(&scene, "11:00:30").await;
    assert_eq!(scene.agr.record("release", POINT).await.unwrap()["over"], true);
    let told: Vec<usize> = cars.iter().map(|car| car.charger.told().len()).collect();
    for time in ["11:05:30", "11:20:00", "12:00:00"] {
        until(&scene, time).await;
    }
    assert_eq!(cars.iter().map(|car| car.charger.told().len()).collect::<Vec<_>>(), told);
    assert_eq!(sum(&cars, "12:00:00"), None, "no profile is left");
}

#[tokio::test]
async fn a_release_goes_on_up_to_the_next_order_and_after_it() {
    let (scene, cars) = before_a_release("6h").await;
    for time in ["09:00:00", "09:30:00", "10:00:00"] {
        until(&scene, time).await;
    }
    // 10 kW more are ordered from 10:45 to 11:00, of a baseline of 20 kW.
    order(&scene, vec![wanted(52, 1, 0, 10_000)], "10:30:00").await;
    until(&scene, "10:15:00").await;
    for (time, cap) in [("10:15:00", 22_000), ("10:30:00", 30_000), ("10:45:00", 30_000)] {
        assert_eq!(sum(&cars, time), Some(watts(cap)), "{time}");
    }
    until(&scene, "10:45:00").await;
    until(&scene, "11:00:00").await;
    assert_eq!(sum(&cars, "11:00:00"), Some(watts(30_000)));
    let release = scene.agr.record("release", POINT).await.unwrap();
    assert_eq!(release["release"]["latest_end"], "2026-06-10T17:00:00Z");
}

#[tokio::test]
async fn a_charger_that_is_away_is_reckoned_to_go_on_and_told_when_it_comes_back() {
    let scene = Scene::new().await;
    let [one, other] = cars(&scene, ["CP-1", "CP-3"]).await;
    ordered(&scene, 10_000).await;
    until(&scene, "08:30:00").await;
    one.draws("08:35:00", FULL, 5000).await;
    one.charger.cut().await;
    let limit = || other.charger.told().last().unwrap().periods[0].1;
    // It takes a moment until the node sees it, and a minute until it counts.
    eventually("the other makes up for it", async || {
        scene.clock.advance(SignedDuration::from_secs(30));
        scene.agr.settle().await;
        (limit() == watts(FULL - 10_000)).then_some(())
    })
    .await;

    let one = Charger::connect(scene.agr.ocpp(), "CP-1", Version::V1_6).await;
    eventually("both are told their shares", async || {
        scene.clock.advance(SignedDuration::from_secs(30));
        scene.agr.settle().await;
        let share = one.told().last()?.periods[0].1;
        (share == watts(FULL - 5000) && limit() == share).then_some(())
    })
    .await;
    assert!(scene.now() < clock("10:00:00"));
}

#[tokio::test]
async fn an_order_that_can_not_be_kept_is_one_alarm_for_each_isp() {
    let scene = Scene::new().await;
    let [car] = cars(&scene, ["CP-1"]).await;
    ordered(&scene, 10_000).await;
    car.charger.behave(Conduct::Refuse);
    until(&scene, "08:30:00").await;
    assert_eq!(alarms(&scene).await, 1);
    for time in ["08:35:30", "08:40:30", "08:44:00"] {
        until(&scene, time).await;
        assert_eq!(alarms(&scene).await, 1, "{time}");
    }
    for takes in [false, true] {
        car.says(&scene, takes).await;
        done(&scene).await;
    }
    assert_eq!(alarms(&scene).await, 1);
    until(&scene, "08:45:00").await;
    assert_eq!(alarms(&scene).await, 2, "the next ISP has come into sight");
}
