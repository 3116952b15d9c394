//! Other ways to write the same message.

use tieline_types::{Amount, Power};
use tieline_uftp::message::{
    ContractSettlement, FlexOrder, FlexRequest, FlexSettlement, TestMessageResponse,
};
use tieline_uftp::{ParseErrorKind, Payload, Tolerance, parse};

use crate::fixtures::{library_python, read};

fn form(name: &str, tolerance: Tolerance) -> Payload {
    parse(&read("forms", &format!("{name}.xml")), &tolerance)
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn recorded(name: &str) -> Payload {
    parse(&read("library-python", &format!("{name}.xml")), &library_python()).unwrap()
}

#[test]
fn style_makes_no_difference() {
    for (name, same) in [
        ("javastyle-FlexOffer", "FlexOffer"),
        ("javastyle-FlexOrder", "FlexOrder"),
        ("javastyle-FlexRequest", "FlexRequest"),
        ("no-xml-declaration-FlexRequest", "FlexRequest"),
        ("duration-lexical-PT0H15M", "FlexRequest"),
        ("duration-lexical-PT15M0S", "FlexRequest"),
        ("duration-lexical-PT900S", "FlexRequest"),
        ("period-with-zone", "FlexRequest"),
        ("whitespace-FlexOrder", "FlexOrder"),
    ] {
        let read = form(name, Tolerance::STRICT);
        assert_eq!(read, recorded(same), "{name}");
        assert_eq!(read.to_xml(), recorded(same).to_xml(), "{name}");
    }
}

#[test]
fn the_price_with_blanks_is_the_price() {
    let order: FlexOrder = form("whitespace-FlexOrder", Tolerance::STRICT).try_into().unwrap();
    assert_eq!(order.price, "12.5".parse().unwrap());
}

#[test]
fn disposition_may_be_absent() {
    let request: FlexRequest = form("disposition-absent", Tolerance::STRICT).try_into().unwrap();
    assert_eq!(request.isps[1].disposition, None);
    assert_eq!(parse(&Payload::from(request.clone()).to_xml(), &Tolerance::STRICT), Ok(request.into()));
}

#[test]
fn a_time_stamp_is_written_back_as_it_came() {
    let nine = form("timestamp-9-decimals-Z", Tolerance::STRICT);
    assert_eq!(nine.header().time_stamp.to_string(), "2026-06-03T14:30:00.123456789Z");
    assert_eq!(nine.to_xml(), read("forms", "timestamp-9-decimals-Z.xml"));

    let name = "timestamp-no-offset-valid-in-3.x-only";
    assert!(parse(&read("forms", &format!("{name}.xml")), &Tolerance::STRICT).is_err());
    let local = form(name, Tolerance { date_time_without_offset: true, ..Tolerance::STRICT });
    assert_eq!(local, recorded("FlexRequest"));
    assert_eq!(local.to_xml(), read("forms", &format!("{name}.xml")));
}

#[test]
fn a_test_message_response_needs_no_result() {
    let valid: TestMessageResponse =
        form("TestMessageResponse-xsd-valid-3.1.0", Tolerance::STRICT).try_into().unwrap();
    assert_eq!(valid.response, None);
    let with_result = read("library-python", "TestMessageResponse-DSO-AGR.xml");
    let error = parse(&with_result, &Tolerance::STRICT).unwrap_err();
    assert_eq!(error.attribute_name(), Some("Result"));
}

#[test]
fn eighteen_digits_need_tolerance() {
    let document = read("library-python", "Metering-ean18.xml");
    assert_eq!(parse(&document, &Tolerance::STRICT).unwrap_err().attribute_name(), Some("EAN"));
    assert!(parse(&read("library-python", "Metering-ean16.xml"), &Tolerance::STRICT).is_ok());
}

#[test]
fn later_attributes_need_tolerance() {
    let old = |name: &str| {
        let text = String::from_utf8(read("library-python", name)).unwrap();
        text.replace("Version=\"3.1.0\"", "Version=\"3.0.0\"")
    };
    let offer = old("FlexOffer-unsolicited.xml");
    assert_eq!(
        parse(offer.as_bytes(), &Tolerance::STRICT).unwrap_err().attribute_name(),
        Some("Unsolicited")
    );
    let tolerant =
        parse(offer.as_bytes(), &Tolerance { later_attributes: true, ..Tolerance::STRICT }).unwrap();
    assert!(!String::from_utf8(tolerant.to_xml()).unwrap().contains("Unsolicited"));

    let order = old("FlexOrder-unsolicited.xml");
    let error = parse(order.as_bytes(), &Tolerance::LENIENT).unwrap_err();
    assert_eq!(error.attribute_name(), Some("FlexOfferMessageID"), "3.0.0 has no order without an offer");
}

#[test]
fn absent_settlement_elements_need_tolerance() {
    let text = String::from_utf8(read("library-python", "FlexSettlement.xml")).unwrap();
    let cut = |from: &str, to: &str| {
        let (start, end) = (text.find(from).unwrap(), text.find(to).unwrap() + to.len());
        format!("{}{}", &text[..start], &text[end..])
    };
    let response = String::from_utf8(read("library-python", "FlexSettlementResponse.xml")).unwrap();
    let (head, _) = response.split_once('\n').unwrap();
    let root = response.lines().nth(1).unwrap();
    for (document, element) in [
        (cut("  <FlexOrderSettlement ", "</FlexOrderSettlement>\n"), "FlexOrderSettlement"),
        (cut("  <ContractSettlement ", "</ContractSettlement>\n"), "ContractSettlement"),
        (format!("{head}\n{}/>\n", root.trim_end_matches('>')), "FlexOrderSettlementStatus"),
    ] {
        let error = parse(document.as_bytes(), &Tolerance::STRICT).unwrap_err();
        assert_eq!(*error.kind(), ParseErrorKind::MissingElement(element), "{document}");
        let tolerance = Tolerance { absent_settlement_elements: true, ..Tolerance::STRICT };
        let payload = parse(document.as_bytes(), &tolerance).unwrap();
        assert_eq!(String::from_utf8(payload.to_xml()).unwrap(), document);
    }
}

#[test]
fn absent_portfolio_elements_need_tolerance() {
    let text = String::from_utf8(read("library-python", "AGRPortfolioQueryResponse.xml")).unwrap();
    let (start, end) = (text.find("    <DSO-Portfolio ").unwrap(), text.rfind("    <Connection ").unwrap());
    let free_only = format!("{}{}", &text[..start], &text[end..]);
    let (view, end) =
        (text.find(">\n  <DSO-View>").unwrap(), text.find("</AGRPortfolioQueryResponse>").unwrap());
    let nothing = format!("{}/>\n{}", &text[..view], &text[end + "</AGRPortfolioQueryResponse>\n".len()..]);
    for (document, element) in [(&free_only, "DSO-Portfolio"), (&nothing, "DSO-View")] {
        let error = parse(document.as_bytes(), &Tolerance::STRICT).unwrap_err();
        assert_eq!(*error.kind(), ParseErrorKind::MissingElement(element), "{document}");
        let tolerance = Tolerance { absent_portfolio_elements: true, ..Tolerance::STRICT };
        let payload = parse(document.as_bytes(), &tolerance).unwrap();
        assert_eq!(String::from_utf8(payload.to_xml()).unwrap(), *document);
    }
    // A rejection has nothing to tell, and needs no tolerance.
    let rejected = nothing.replace("Result=\"Accepted\"", "Result=\"Rejected\"");
    assert!(parse(rejected.as_bytes(), &Tolerance::STRICT).is_ok());
}

#[test]
fn a_contract_does_not_come_before_an_order() {
    let text = String::from_utf8(read("library-python", "FlexSettlement.xml")).unwrap();
    let order =
        &text[text.find("  <FlexOrderSettlement ").unwrap()..text.find("  <ContractSettlement ").unwrap()];
    let swapped = text.replace(order, "").replace("</FlexSettlement>", &format!("{order}</FlexSettlement>"));
    let error = parse(swapped.as_bytes(), &Tolerance::LENIENT).unwrap_err();
    assert_eq!(*error.kind(), ParseErrorKind::UnexpectedElement);
}

#[test]
fn penalty_and_deficiency_are_0_unless_they_are_said() {
    let text = String::from_utf8(read("library-python", "FlexSettlement.xml")).unwrap();
    let short = text.replace(" Penalty=\"1.2500\"", "").replace(" PowerDeficiency=\"50000\"", "");
    let settlement: FlexSettlement = parse(short.as_bytes(), &Tolerance::STRICT).unwrap().try_into().unwrap();
    assert_eq!(settlement.orders[0].penalty, Amount::ZERO);
    assert_eq!(settlement.orders[0].isps[0].deficiency, Power::ZERO);
}

#[test]
fn a_settlement_without_contracts_is_written_to_the_schema() {
    let mut settlement: FlexSettlement = recorded("FlexSettlement").try_into().unwrap();
    settlement.contracts = vec![ContractSettlement::nothing_reserved(settlement.period_start)];
    let document = Payload::from(settlement.clone()).to_xml();
    assert_eq!(parse(&document, &Tolerance::STRICT), Ok(settlement.into()));
}

#[test]
fn blanks_around_a_pattern_need_tolerance() {
    let spaced = String::from_utf8(read("library-python", "FlexRequest.xml"))
        .unwrap()
        .replace("Disposition=\"Requested\"", "Disposition=\" Requested\t\"");
    assert!(parse(spaced.as_bytes(), &Tolerance::STRICT).is_err());
    let tolerance = Tolerance { surrounding_whitespace: true, ..Tolerance::STRICT };
    assert_eq!(parse(spaced.as_bytes(), &tolerance), Ok(recorded("FlexRequest")));
}

#[test]
fn a_schema_location_needs_tolerance() {
    let located = String::from_utf8(read("library-python", "FlexRequest.xml")).unwrap().replace(
        " Version=",
        " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:noNamespaceSchemaLocation=\"UFTP-agr.xsd\" Version=",
    );
    assert!(parse(located.as_bytes(), &Tolerance::STRICT).is_err());
    let tolerance = Tolerance { schema_location: true, ..Tolerance::STRICT };
    assert_eq!(parse(located.as_bytes(), &tolerance), Ok(recorded("FlexRequest")));
}

#[test]
fn comments_instructions_and_a_byte_order_mark_say_nothing() {
    let text = String::from_utf8(read("library-python", "FlexRequest.xml")).unwrap();
    let decorated = format!(
        "\u{feff}{}<?after root?><!-- after -->\n",
        text.replace("?>\n<Flex", "?>\n<!-- a > b --><?pi?>\n<Flex")
            .replace("  <ISP", "<!-- - -->\n<?x y?><ISP")
    );
    assert_eq!(parse(decorated.as_bytes(), &Tolerance::STRICT), Ok(recorded("FlexRequest")));
}
