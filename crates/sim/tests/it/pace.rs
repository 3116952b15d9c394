use std::num::NonZeroU32;
use std::time::Duration;

use jiff::SignedDuration;
use tieline_sim::TimeServer;
use tokio::time::Instant;

use crate::{MIDNIGHT, loopback};

#[tokio::test(start_paused = true)]
async fn time_is_no_faster_than_its_speed() {
    let nobody: [&str; 0] = [];
    let server = TimeServer::bind(loopback(), MIDNIGHT, nobody).await.unwrap();
    let server = server.with_speed(NonZeroU32::new(60).unwrap());
    let begin = Instant::now();
    server.advance(SignedDuration::from_mins(30)).await;
    assert_eq!(begin.elapsed(), Duration::from_secs(30));
    assert_eq!(server.now(), MIDNIGHT + SignedDuration::from_mins(30));
}

#[tokio::test(start_paused = true)]
async fn without_a_speed_time_takes_no_time() {
    let nobody: [&str; 0] = [];
    let server = TimeServer::bind(loopback(), MIDNIGHT, nobody).await.unwrap();
    let begin = Instant::now();
    server.advance(SignedDuration::from_hours(24)).await;
    assert_eq!(begin.elapsed(), Duration::ZERO);
    // It does not go back.
    server.run_until(MIDNIGHT).await;
    assert_eq!(server.now(), MIDNIGHT + SignedDuration::from_hours(24));
}
