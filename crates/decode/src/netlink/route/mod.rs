//! Messages of NETLINK_ROUTE (rtnetlink(7)).

mod address;
mod link;
mod others;
mod routes;

pub(super) use link::LinkKind;

use super::Reader;
use super::attribute::{Attributes, Kind, structure};
use super::span::Span;
use crate::tables::FAMILIES;
use crate::{Field, Value, field};

/// RTM_DELACTION, whose flags are those of a question.
pub(super) const DELETE_ACTION: u16 = 49;

/// What a kind of message begins with, and what stands behind that.
struct Message {
    /// The name of its first field, a family of one byte.
    family: &'static str,
    /// The other fields.
    fields: &'static [(&'static str, Kind)],
    /// Bytes of them all.
    size: usize,
    /// What can stand behind them.
    attributes: &'static Attributes,
}

static LINK: Message =
    Message { family: "ifi_family", fields: &link::HEADER, size: 16, attributes: &link::LINK };
static ADDRESS: Message = Message {
    family: "ifa_family",
    fields: &address::ADDRESS_HEADER,
    size: 8,
    attributes: &address::ADDRESS,
};
static ROUTE: Message =
    Message { family: "rtm_family", fields: &routes::ROUTE_HEADER, size: 12, attributes: &routes::ROUTE };
static NEIGHBOUR: Message = Message {
    family: "ndm_family",
    fields: &address::NEIGHBOUR_HEADER,
    size: 12,
    attributes: &address::NEIGHBOUR,
};
static RULE: Message =
    Message { family: "family", fields: &routes::RULE_HEADER, size: 12, attributes: &routes::RULE };
static LABEL: Message =
    Message { family: "ifal_family", fields: &others::LABEL_HEADER, size: 12, attributes: &others::LABEL };
static SETTINGS: Message =
    Message { family: "ncm_family", fields: &[], size: 1, attributes: &others::SETTINGS };
static NAMESPACE: Message =
    Message { family: "rtgen_family", fields: &[], size: 1, attributes: &others::NAMESPACE };
static HOP: Message =
    Message { family: "nh_family", fields: &others::HOP_HEADER, size: 8, attributes: &others::HOP };

/// What kind of message a type is.
fn message(ty: u16, family: u8) -> Option<&'static Message> {
    const AF_BRIDGE: u8 = 7;
    match ty {
        // RTM_NEWLINK to RTM_SETLINK.
        16..=19 => Some(&LINK),
        // RTM_NEWADDR to RTM_GETADDR, RTM_GETMULTICAST, RTM_GETANYCAST.
        20..=22 | 58 | 62 => Some(&ADDRESS),
        24..=26 => Some(&ROUTE),
        // A bridge's entries are asked for as an interface is.
        30 if family == AF_BRIDGE => Some(&LINK),
        28..=30 => Some(&NEIGHBOUR),
        32..=34 => Some(&RULE),
        72..=74 => Some(&LABEL),
        80..=82 => Some(&SETTINGS),
        88..=90 => Some(&NAMESPACE),
        104..=106 => Some(&HOP),
        _ => None,
    }
}

impl Reader<'_> {
    /// What is in a message: a structure, and attributes.
    pub(super) fn route(&self, data: Span<'_>, ty: u16) -> Vec<Value> {
        let Some(family) = data.bytes(0, 1).map(|byte| byte[0]) else {
            return vec![Value::Pointer(data.address)];
        };
        let named = Value::Symbol(&FAMILIES, family.into());
        let Some(message) = message(ty, family) else {
            let mut fields = vec![field("family", named)];
            if data.length > 1 {
                fields.push(field("data", data.after(1).hex()));
            }
            return vec![Value::Struct(fields)];
        };
        self.family.set(family.into());
        let mut fields = vec![field(message.family, named)];
        let alone = |fields: &mut Vec<Field>, value| fields.push(field("", value));
        if data.length < message.size as u64 {
            alone(&mut fields, Value::Word("..."));
            return vec![Value::Struct(fields)];
        }
        let Some(rest) = data.bytes(1, message.size - 1) else {
            alone(&mut fields, Value::Pointer(data.address + 1));
            return vec![Value::Struct(fields)];
        };
        fields.extend(structure(self, message.fields, &rest));
        let mut parts = vec![Value::Struct(fields)];
        let attributes = data.after(message.size.next_multiple_of(4) as u64);
        if attributes.length > 0 {
            parts.push(self.attributes(attributes, message.attributes));
        }
        parts
    }
}
