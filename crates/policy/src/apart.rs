//! Whether it matters which of a program's sockets a descriptor is, once an address was judged for it.

use std::collections::BTreeSet;

use abi::Call;

use crate::address::Purpose;
use crate::judge::{CARRIERS, Judge};
use crate::model::Policy;
use crate::socket::{INET, INET6, Socket, UNIX, VSOCK};

/// Families whose sockets take each other's addresses: those of IPv6 serve IPv4 too.
const ALIKE: [&[u32]; 3] = [&[INET, INET6], &[UNIX], &[VSOCK]];

/// Types that sockets of IP have which the rules don't understand: stream, datagrams, raw, SCTP's, DCCP's
/// (include/linux/net.h, `enum sock_type`).
const IP_TYPES: [u32; 5] = [1, 2, 3, 5, 6];

/// Whether a program can have a socket.
fn is_there(socket: Socket) -> bool {
    socket.is_modelled() || socket.is_inet() && IP_TYPES.contains(&socket.ty)
}

/// Whether two sockets take the same address, and the rules about it are not the same. Every kind that the rules understand may be
/// there, since sockets can be inherited or received; of others those that can be `made`. `decides` tells of which calls memory
/// decides.
pub(crate) fn are_told_apart(
    policy: &Policy,
    judge: &Judge,
    made: &BTreeSet<Socket>,
    decides: impl Fn(Call) -> bool,
) -> bool {
    let calls: Vec<Call> = CARRIERS.into_iter().filter(|call| decides(*call)).collect();
    // Some families don't ask whether an address is one of theirs (net/packet/af_packet.c, `packet_snd`).
    let takes_any = |socket: &Socket| !ALIKE.iter().any(|families| families.contains(&socket.family));
    let refuses = |call: &Call, socket: &Socket| {
        let verdict = Purpose::of(*call).map(|purpose| policy.on_unmodelled(purpose, *call, *socket));
        verdict.is_some_and(|verdict| !verdict.action.permits())
    };
    if made
        .iter()
        .filter(|socket| takes_any(socket))
        .any(|socket| calls.iter().any(|call| refuses(call, socket)))
    {
        return true;
    }
    ALIKE.into_iter().any(|families| {
        let own =
            || made.iter().chain(&Socket::MODELLED).filter(|s| families.contains(&s.family) && is_there(**s));
        let is_odd = own().any(|socket| !socket.is_modelled());
        // Of IPv4's addresses in sockets of IPv6, the mapped ones are meant.
        let differ = |call: Call, wire: &[u32]| {
            let mapped = |socket: &Socket| wire.len() > 1 && socket.family == INET6;
            let rules = own()
                .filter(|socket| wire.contains(&socket.family))
                .map(|socket| judge.row(call, *socket, mapped(socket)));
            rules.collect::<BTreeSet<_>>().len() > 1
        };
        is_odd && !calls.is_empty()
            || calls
                .iter()
                .any(|call| differ(*call, families) || families.iter().any(|own| differ(*call, &[*own])))
    })
}
