//! Each type's JSON form, as configuration files, the store and the API write it.

use serde_json::json;
use tieline_types::{
    Amount, Currency, Domain, Energy, EntityAddress, IspDuration, IspNumber, IspRange, Power, Price, TimeSpan,
};

macro_rules! round_trips {
    ($($type:ty: $json:expr;)*) => {$({
        let json = $json;
        let value: $type = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(&value).unwrap(), json, stringify!($type));
        let text = value.to_string();
        assert_eq!(text.parse::<$type>().unwrap(), value, stringify!($type));
    })*};
}

#[test]
fn json_and_text_come_back() {
    round_trips! {
        Domain: json!("agr.example.com");
        EntityAddress: json!("ean.871685900012636543");
        IspDuration: json!("PT15M");
        IspNumber: json!(92);
        IspRange: json!({"start": 5, "duration": 4});
        Power: json!(-5000);
        Energy: json!(3_600_000);
        Amount: json!("12.50");
        Currency: json!("EUR");
        Price: json!({"amount": "12.50", "currency": "EUR"});
        TimeSpan: json!({"start": "2026-03-29T00:00:00Z", "end": "2026-03-29T00:15:00Z"});
    }
}

#[test]
fn a_wrong_value_is_refused_with_its_reason() {
    macro_rules! refuses {
        ($($type:ty: $json:expr => $reason:literal;)*) => {$({
            let error = serde_json::from_value::<$type>($json).unwrap_err().to_string();
            assert!(error.contains($reason), "{}: {error}", stringify!($type));
        })*};
    }
    refuses! {
        Domain: json!("localhost") => "two labels";
        EntityAddress: json!("871685900012636543") => "prefix ean.";
        EntityAddress: json!(7) => "an entity address such as";
        IspDuration: json!("PT0M") => "1 to 1440";
        IspNumber: json!(0) => "nonzero";
        IspRange: json!({"start": 65_535, "duration": 2}) => "no range";
        Power: json!(1.5) => "i64";
        Amount: json!("1.23456") => "four fraction digits";
        Amount: json!(1.5) => "an amount such as";
        Currency: json!("eur") => "capital";
        TimeSpan: json!({"start": "2026-03-29T00:00:00Z", "end": "2026-03-29T00:00:00Z"}) => "start before";
    }
}
