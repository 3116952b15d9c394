//! Mistakes that the compiler finds are explained.

#[test]
fn a_mistake_is_explained() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*.rs");
}
