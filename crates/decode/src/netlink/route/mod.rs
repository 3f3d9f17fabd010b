//! Messages of NETLINK_ROUTE (rtnetlink(7)).

mod address;
mod link;
mod others;
mod routes;

pub(super) use link::LinkKind;

use super::Reader;
use super::message::Message;
use super::span::Span;
use crate::Value;

/// RTM_DELACTION, whose flags are those of a question.
pub(super) const DELETE_ACTION: u16 = 49;

static LINK: Message =
    Message { family: "ifi_family", fields: &link::HEADER, size: 16, attributes: Some(&link::LINK) };
static ADDRESS: Message = Message {
    family: "ifa_family",
    fields: &address::ADDRESS_HEADER,
    size: 8,
    attributes: Some(&address::ADDRESS),
};
static ROUTE: Message = Message {
    family: "rtm_family",
    fields: &routes::ROUTE_HEADER,
    size: 12,
    attributes: Some(&routes::ROUTE),
};
static NEIGHBOUR: Message = Message {
    family: "ndm_family",
    fields: &address::NEIGHBOUR_HEADER,
    size: 12,
    attributes: Some(&address::NEIGHBOUR),
};
static RULE: Message =
    Message { family: "family", fields: &routes::RULE_HEADER, size: 12, attributes: Some(&routes::RULE) };
static LABEL: Message = Message {
    family: "ifal_family",
    fields: &others::LABEL_HEADER,
    size: 12,
    attributes: Some(&others::LABEL),
};
static SETTINGS: Message =
    Message { family: "ncm_family", fields: &[], size: 1, attributes: Some(&others::SETTINGS) };
static NAMESPACE: Message =
    Message { family: "rtgen_family", fields: &[], size: 1, attributes: Some(&others::NAMESPACE) };
static HOP: Message =
    Message { family: "nh_family", fields: &others::HOP_HEADER, size: 8, attributes: Some(&others::HOP) };

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
        match data.bytes(0, 1).map(|byte| byte[0]) {
            Some(family) => self.structured(data, family, message(ty, family)),
            None => vec![Value::Pointer(data.address)],
        }
    }
}
