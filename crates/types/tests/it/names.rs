//! Domains and entity addresses against the patterns of the UFTP schema, which here generate the texts.

use proptest::prelude::*;
use tieline_types::{Domain, EntityAddress};

proptest! {
    #[test]
    fn every_domain_of_the_schema_is_one(text in "([a-z0-9]{1,5}(-[a-z0-9]{1,5}){0,3}\\.){1,6}[a-z]{2,8}") {
        let domain: Domain = text.parse().unwrap();
        prop_assert_eq!(domain.to_string(), text);
    }

    #[test]
    fn every_ean_of_the_schema_is_an_address(text in "ean\\.[0-9]{12,34}") {
        let address: EntityAddress = text.parse().unwrap();
        prop_assert_eq!(address.ean(), Some(&text[4..]));
        prop_assert_eq!(address.ea1(), None);
    }

    #[test]
    fn every_ea1_of_the_schema_is_an_address(month in "[0-9]{4}-[0-9]{2}", domain in "[!-9;-~]{1,100}", local in "[!-~]{1,100}") {
        let text = format!("ea1.{month}.{domain}:{local}");
        let address: EntityAddress = text.parse().unwrap();
        let parts = address.ea1().unwrap();
        prop_assert_eq!((parts.year_month, parts.domain, parts.local), (&*month, &*domain, &*local));
    }

    #[test]
    fn what_is_accepted_comes_back_and_nothing_panics(text in any::<String>(), near in "[a-zA-Z0-9.:ean -]{0,60}") {
        for text in [text, near.clone(), format!("ean.{near}"), format!("ea1.2026-01.{near}")] {
            if let Ok(domain) = text.parse::<Domain>() {
                prop_assert_eq!(domain.as_str(), &*text);
                prop_assert!(text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte)));
            }
            if let Ok(address) = text.parse::<EntityAddress>() {
                prop_assert_eq!(address.as_str(), &*text);
                prop_assert!(address.ean().is_some() != address.ea1().is_some());
            }
        }
    }
}
