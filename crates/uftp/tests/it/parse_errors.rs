//! What a sender is told.

use tieline_uftp::{Limits, Tolerance, parse, parse_with};

use crate::fixtures::{names, read};

fn request() -> String {
    String::from_utf8(read("library-python", "FlexRequest.xml")).unwrap()
}

fn error(document: &str) -> String {
    parse(document.as_bytes(), &Tolerance::STRICT).expect_err(document).to_string()
}

#[test]
fn recorded_faults() {
    let told: Vec<String> = names("negative")
        .into_iter()
        .filter_map(|name| {
            let payload = read("negative", &format!("{name}.xml"));
            parse(&payload, &Tolerance::STRICT).err().map(|error| format!("{name}: {error}"))
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn one_fault_at_a_time() {
    let faults = [
        (" Version=", " Verzion="),
        (" Revision=\"1\"", ""),
        (" Revision=\"1\"", " Revision=\"1\" Revision=\"1\""),
        (" Revision=\"1\"", " Revision=\"1.0\""),
        (" Revision=\"1\"", " Revision=\"99999999999999999999\""),
        (" Revision=\"1\"", " Revision=\"1\" Extra=\"x\""),
        (" Revision=\"1\"", " Revision=\"1\"Extra=\"x\""),
        (" Revision=\"1\"", " Revision=1"),
        (" Revision=\"1\"", " Revision"),
        (" Revision=\"1\"", " Revision=\"<1\""),
        (" Revision=\"1\"", " Revision=\"&one;\""),
        (" Revision=\"1\"", " Revision=\"&#0;\""),
        ("MaxPower=\"0\"", "MaxPower=\"9223372036854775808\""),
        ("MaxPower=\"0\"", "MaxPower=\"0.5\""),
        ("Disposition=\"Requested\"", "Disposition=\"Maybe\""),
        ("Start=\"41\"", "Start=\"0\""),
        ("Start=\"41\"", "Start=\"65536\""),
        ("Start=\"41\"", "Start=\"65530\""),
        ("ISP-Duration=\"PT15M\"", "ISP-Duration=\"banana\""),
        ("Europe/Amsterdam", "Asia/Tokyo"),
        ("2026-06-04\"", "2026-02-30\""),
        ("ean.871685900012636543", "871685900012636543"),
        ("dso.example.com", "DSO.example.com"),
        ("8a8e7728-1c41", "8a8e77281c41"),
        ("2026-06-03T20:00:00+02:00", "2026-06-03T20:00:00"),
        ("<ISP ", "<ISQ "),
        ("Duration=\"8\"/>", "Duration=\"8\">x</ISP>"),
        ("Duration=\"8\"/>", "Duration=\"8\"><ISP/></ISP>"),
        ("Duration=\"8\"/>", "Duration=\"8\"><![CDATA[]]></ISP>"),
        ("Duration=\"8\"/>", "Duration=\"8\">&amp;</ISP>"),
        ("Duration=\"8\"/>", "Duration=\"8\"></ISQ>"),
        ("</FlexRequest>", ""),
        ("</FlexRequest>", "</FlexRequest>x"),
        ("</FlexRequest>", "</FlexRequest><FlexRequest/>"),
        ("</FlexRequest>", "</FlexRequest></FlexRequest>"),
        ("</FlexRequest>", "</FlexRequest>&amp;"),
        ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "<!DOCTYPE FlexRequest>"),
        ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "<!DOCTYPE a [<!ENTITY x \"y\">]>"),
        ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>", " <?xml version=\"1.0\"?>"),
        ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "text"),
        ("version=\"1.0\"", "version=\"1.1\""),
        ("encoding=\"UTF-8\"", "encoding=\"UTF-16\""),
        ("encoding=\"UTF-8\"", "encoding=\"UTF-8\" version=\"1.0\""),
        ("encoding=\"UTF-8\"", "encoding=\"UTF-8\"standalone=\"yes\""),
        ("encoding=\"UTF-8\"", "charset=\"UTF-8\""),
        ("xml version=\"1.0\"", "xml"),
        ("xml version=\"1.0\"", "xml/version=\"1.0\""),
        ("?>\n", "?>\n<?1?>"),
        ("encoding=\"UTF-8\"", "encoding=\"UTF-8\" standalone=\"maybe\""),
        ("?>\n", "?>\n<!-- a -- b -->"),
        ("?>\n", "?>\n<?XML ?>"),
        ("<FlexRequest ", "<x:FlexRequest "),
        ("<FlexRequest ", "<FlexRequest xmlns=\"urn:x\" "),
    ];
    let told: Vec<String> = faults
        .into_iter()
        .map(|(from, to)| {
            let document = request();
            assert!(document.contains(from), "{from}");
            format!("{from} -> {to}\n    {}", error(&document.replacen(from, to, 1)))
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_fault_in_any_request_names_its_element_and_attribute() {
    for (name, from, to, element, attribute) in [
        (
            "FlexOfferRevocation",
            "FlexOfferMessageID=\"",
            "FlexOfferMessageID=\"x",
            "FlexOfferRevocation",
            "FlexOfferMessageID",
        ),
        ("FlexReservationUpdate", " ContractID=", " Contract=", "FlexReservationUpdate", "ContractID"),
        ("FlexReservationUpdate", " Power=\"", " Power=\"x", "ISP", "Power"),
        (
            "AGRPortfolioUpdate",
            "StartPeriod=\"2026-06-04\"",
            "StartPeriod=\"2026-06-31\"",
            "Connection",
            "StartPeriod",
        ),
        ("AGRPortfolioQuery", "Europe/", "Asia/", "AGRPortfolioQuery", "TimeZone"),
        ("AGRPortfolioQueryResponse", "DSO-Domain=\"", "DSO-Domain=\"X", "DSO-Portfolio", "DSO-Domain"),
        (
            "DSOPortfolioUpdate",
            "MutexOffersSupported=\"true\"",
            "MutexOffersSupported=\"yes\"",
            "CongestionPoint",
            "MutexOffersSupported",
        ),
        (
            "DSOPortfolioUpdate",
            "DayAheadRedispatchBy=\"AGR\"",
            "DayAheadRedispatchBy=\"CRO\"",
            "CongestionPoint",
            "DayAheadRedispatchBy",
        ),
        (
            "DSOPortfolioQuery",
            "EntityAddress=\"ean",
            "EntityAddress=\"EAN",
            "DSOPortfolioQuery",
            "EntityAddress",
        ),
        ("DSOPortfolioQueryResponse", "AGR-Domain=\"", "AGR-Domain=\"X", "Connection", "AGR-Domain"),
        (
            "DSOPortfolioUpdateResponse",
            "DSOPortfolioUpdateResponseMessageID",
            "DSOPortfolioUpdateMessageID",
            "DSOPortfolioUpdateResponse",
            "DSOPortfolioUpdateResponseMessageID",
        ),
    ] {
        let document = String::from_utf8(read("library-python", &format!("{name}.xml"))).unwrap();
        assert!(document.contains(from), "{name}: {from}");
        let error = parse(document.replacen(from, to, 1).as_bytes(), &Tolerance::STRICT).unwrap_err();
        assert_eq!(error.attribute_name(), Some(attribute), "{name}: {error}");
        assert!(error.to_string().contains(element), "{name}: {error}");
    }
}

#[test]
fn bytes_that_are_no_text() {
    let mut document = request().into_bytes();
    document[60] = 0xff;
    let told = parse(&document, &Tolerance::STRICT).unwrap_err().to_string();
    assert_eq!(told, "the document is not UTF-8 (byte 60)");
    assert!(parse(b"", &Tolerance::STRICT).is_err());
    let utf16: Vec<u8> = request().encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(parse(&utf16, &Tolerance::STRICT).is_err());
}

#[test]
fn each_limit_is_named() {
    let told = |limits: Limits| {
        parse_with(request().as_bytes(), &Tolerance::STRICT, &limits).unwrap_err().to_string()
    };
    let all = Limits::default();
    insta::assert_snapshot!(
        [
            told(Limits { payload_bytes: 767, ..all }),
            told(Limits { depth: 0, ..all }),
            told(Limits { elements: 3, ..all }),
            told(Limits { attributes: 10, ..all }),
            told(Limits { value_bytes: 20, ..all }),
        ]
        .join("\n")
    );
}

#[test]
fn an_error_is_short_whatever_it_is_about() {
    let long = "<".to_owned() + &"a".repeat(1_000_000) + "/>";
    assert!(error(&long).len() < 300);
    let closed = format!("<{}></\n{}>", "a".repeat(100_000), "b".repeat(100_000));
    let told = error(&request().replace("</FlexRequest>", &closed));
    assert!(told.len() < 400 && !told.contains('\n'), "{told}");
    let value = request().replace("Requested", &"é".repeat(4000));
    assert!(error(&value).len() < 400);
}
