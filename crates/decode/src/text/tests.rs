use super::*;
use crate::tables::{FAMILIES, MESSAGE_FLAGS};
use crate::{End, Value, field};

fn written(shown: &Value, style: &Style) -> String {
    let mut out = String::new();
    value(&mut out, shown, style);
    out
}

fn plain(shown: &Value) -> String {
    written(shown, &Style::default())
}

#[test]
fn names_and_numbers() {
    let family = Value::Symbol(&FAMILIES, 2);
    let styles =
        [Names::Raw, Names::Abbreviated, Names::Verbose].map(|names| Style { names, ..Style::default() });
    assert_eq!(
        styles.each_ref().map(|style| written(&family, style)),
        ["0x2", "AF_INET", "0x2 /* AF_INET */"]
    );
    assert_eq!(plain(&Value::Symbol(&FAMILIES, 99)), "0x63 /* AF_??? */");
    let flags = Value::Flags(&MESSAGE_FLAGS, 0x4040);
    assert_eq!(
        styles.each_ref().map(|style| written(&flags, style)),
        ["0x4040", "MSG_DONTWAIT|MSG_NOSIGNAL", "0x4040 /* MSG_DONTWAIT|MSG_NOSIGNAL */"]
    );
    assert_eq!(plain(&Value::Flags(&MESSAGE_FLAGS, 0)), "0");
    assert_eq!(plain(&Value::Flags(&MESSAGE_FLAGS, 0x200040)), "MSG_DONTWAIT|0x200000");
    assert_eq!(plain(&Value::Flags(&MESSAGE_FLAGS, 0x200000)), "0x200000 /* MSG_??? */");
    let port = Value::port([0, 80]);
    assert_eq!(
        styles.each_ref().map(|style| written(&port, style)),
        ["\"\\x00\\x50\"", "htons(80)", "\"\\x00\\x50\" /* htons(80) */"]
    );
}

#[test]
fn structures_and_arrays() {
    let inner = Value::Struct(vec![
        field("a", Value::Int(-1)),
        field("b", Value::Array { items: vec![Value::Uint(1)], end: End::Abbreviated }),
        field("c", Value::Array { items: vec![], end: End::Unreadable(0x10) }),
        field("", Value::Word("...")),
    ]);
    assert_eq!(plain(&inner), "{a=-1, b=[1, ...], c=[... /* 0x10 */], ...}");
    let changed = Value::Changed(Box::new(Value::Int(128)), Box::new(Value::Int(16)));
    assert_eq!(plain(&Value::behind(changed)), "[128 => 16]");
}

#[test]
fn bytes() {
    let data = Value::Bytes { data: b"a\"\\\n\0\x017\x019\xff\x00x".to_vec(), more: true, hex: false };
    assert_eq!(plain(&data), r#""a\"\\\n\0\0017\19\377\0x"..."#);
    let style = |strings| Style { strings, ..Style::default() };
    assert_eq!(written(&Value::bytes(*b"ab\n"), &style(Strings::HexIfNeeded)), r#""ab\n""#);
    assert_eq!(written(&Value::bytes(*b"a\0"), &style(Strings::HexIfNeeded)), r#""\x61\x00""#);
    assert_eq!(written(&Value::bytes(*b"a"), &style(Strings::Hex)), r#""\x61""#);
}
