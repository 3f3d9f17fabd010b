use proptest::prelude::*;

use super::layout::size;
use super::*;
use crate::tables::OPTION_LEVELS;
use crate::text::{Style, value};
use crate::{Abi, Limits, Unknown};

fn written(shown: &Value, beyond: bool) -> String {
    let mut out = String::new();
    value(&mut out, shown, &Style { beyond, ..Style::default() });
    out
}

fn decoded(
    abi: Abi,
    way: fn(&Context<'_>, u32, u32, u64, i32) -> Value,
    option: (u32, u32),
    data: &[u8],
) -> Value {
    let memory = Local(data);
    let limits = Limits::default();
    let context = Context { memory: &memory, abi, limits, descriptors: &Unknown };
    way(&context, option.0, option.1, Local::BASE, data.len() as i32)
}

fn got(context: &Context<'_>, level: u32, name: u32, pointer: u64, length: i32) -> Value {
    get(context, level, name, pointer, length, length)
}

fn ints(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// What is set, and what is got, as our own option shows it.
fn full(option: (u32, u32), data: &[u8]) -> String {
    let set = written(&decoded(Abi::X86_64, set, option, data), true);
    let got = written(&decoded(Abi::X86_64, got, option, data), true);
    assert_eq!(set, got);
    set
}

#[test]
fn structures_are_as_long_as_in_c() {
    // sizeof, of a program built with -m64 and with -m32.
    let sizes = [
        (structures::GROUP_REQ, 136, 132),
        (details::GROUP_SOURCE_REQ, 264, 260),
        (details::GROUP_FILTER, 272 - 128, 268 - 128),
        (details::IP_MSFILTER, 20 - 4, 20 - 4),
        (details::TIMEVAL, 16, 8),
        (details::SOCK_TIMEVAL, 16, 16),
        (details::TCP_MD5SIG, 216 - 80, 216 - 80),
        (details::TCP_REPAIR_WINDOW, 20, 20),
        (details::TPACKET_REQ3, 28, 28),
        (details::TPACKET_ROLLOVER_STATS, 24, 24),
        (details::XDP_MMAP_OFFSETS, 128, 128),
        (details::XDP_STATISTICS, 48, 48),
        (details::SOCK_TXTIME, 8, 8),
        (details::SCTP_RTOINFO, 16, 16),
        (details::SCTP_ASSOCPARAMS, 20, 20),
        (details::SCTP_INITMSG, 8, 8),
        (details::SCTP_SACK_INFO, 12, 12),
        (details::SCTP_SNDINFO, 16, 16),
        (details::SCTP_EVENT, 8, 8),
        (details::FLOWLABEL_REQ, 32 - 4, 32 - 4),
        (details::IN6_PKTINFO, 20, 20),
        (details::IP6_MTUINFO, 32, 32),
        (details::CAN_FILTER, 8, 8),
        (details::IP_MREQN, 12, 12),
        (details::IP_MREQ_SOURCE, 12, 12),
    ];
    for (layout, wide, narrow) in sizes {
        assert_eq!(
            (size(layout, Abi::X86_64), size(layout, Abi::I386)),
            (wide, narrow),
            "{}",
            layout[0].name
        );
    }
    // The kernel's of 6.1 has 232 bytes, and 6.18's 280.
    let known = details::TCP_INFO.iter().position(|member| member.name == "tcpi_rcv_wnd").unwrap();
    assert_eq!(size(&details::TCP_INFO[..known], Abi::X86_64), 232);
    assert_eq!(size(&details::TCP_INFO[..known], Abi::I386), 232);
    assert_eq!(size(details::TCP_INFO, Abi::X86_64), 280);
}

#[test]
fn timeouts_have_the_size_of_the_interface() {
    let data = ints(&[3, 0, 500_000, 0]);
    let at = |abi, data: &[u8]| written(&decoded(abi, set, (1, 20), data), true);
    assert_eq!(at(Abi::X86_64, &data), "{tv_sec=3, tv_usec=500000}");
    assert_eq!(at(Abi::X32, &data), "{tv_sec=3, tv_usec=500000}");
    assert_eq!(at(Abi::I386, &ints(&[3, 500_000])), "{tv_sec=3, tv_usec=500000}");
    assert_eq!(written(&decoded(Abi::I386, set, (1, 66), &data), true), "{tv_sec=3, tv_usec=500000}");
    assert_eq!(full((40, 6), &data), "{tv_sec=3, tv_usec=500000}");
    // strace shows bytes; so does our option where there is too little.
    let plain = written(&decoded(Abi::I386, set, (1, 20), &ints(&[3, 1])), false);
    assert_eq!(plain, r#""\3\0\0\0\1\0\0\0""#);
    assert_eq!(at(Abi::X86_64, &[1, 2, 3]), r#""\1\2\3""#);
}

#[test]
fn of_every_socket() {
    assert_eq!(full((1, 3), &ints(&[2])), "[SOCK_DGRAM]");
    assert_eq!(full((1, 39), &ints(&[10])), "[AF_INET6]");
    assert_eq!(full((1, 25), b"lo\0\0\0"), r#""lo""#);
    assert_eq!(full((1, 37), &ints(&[0x18])), "[SOF_TIMESTAMPING_RX_SOFTWARE|SOF_TIMESTAMPING_SOFTWARE]");
    assert_eq!(full((1, 65), &ints(&[0x8000, 2])), "{flags=SOF_TIMESTAMPING_BIND_PHC, bind_phc=2}");
    assert_eq!(full((1, 61), &ints(&[11, 1])), "{clockid=CLOCK_TAI, flags=SOF_TXTIME_DEADLINE_MODE}");
    assert_eq!(full((1, 57), &ints(&[0x1234, 0])), "[0x1234]");
    assert_eq!(full((1, 47), &ints(&[u32::MAX, 1])), "[8589934591]");
    assert_eq!(full((1, 47), &ints(&[u32::MAX])), "[4294967295]");
    assert_eq!(full((1, 59), &ints(&[7, u32::MAX])), "[7, -1]");
    assert!(full((1, 55), &ints(&[1, 2])).starts_with("{rmem_alloc=1, rcvbuf=2}"));
    let name = [2, 0, 0, 80, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    let address = r#"{sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}"#;
    assert_eq!(full((1, 28), &name), address);
    assert_eq!(full((0, 80), &name), address);
}

#[test]
fn of_the_internet() {
    assert_eq!(full((0, 10), &ints(&[2])), "[IP_PMTUDISC_DO]");
    let group = [224, 0, 0, 1, 10, 0, 0, 1, 3, 0, 0, 0];
    let mreqn = r#"{imr_multiaddr=inet_addr("224.0.0.1"), imr_address=inet_addr("10.0.0.1"), imr_ifindex=3}"#;
    assert_eq!(written(&decoded(Abi::I386, set, (0, 35), &group), true), mreqn);
    assert_eq!(full((0, 32), &group), mreqn);
    assert_eq!(full((0, 32), &group[..4]), r#"[inet_addr("224.0.0.1")]"#);
    assert_eq!(full((0, 50), &[0, 0, 0, 3]), "[3]");
    let mut filter = group.to_vec();
    filter[8..].copy_from_slice(&ints(&[1]));
    filter.extend(ints(&[2]));
    filter.extend([1, 2, 3, 4, 5, 6, 7, 8]);
    assert!(full((0, 41), &filter).ends_with(
        r#"imsf_fmode=MCAST_INCLUDE, imsf_numsrc=2, imsf_slist=[inet_addr("1.2.3.4"), inet_addr("5.6.7.8")]}"#
    ));
    let mut types = [0xff; 32];
    types[16] = 0x7f;
    assert_eq!(full((58, 1), &types), "~[NDISC_NEIGHBOUR_SOLICITATION]");
    assert_eq!(full((41, 72), &ints(&[0x2])), "[IPV6_PREFER_SRC_PUBLIC]");
}

#[test]
fn of_transport() {
    assert_eq!(full((6, 13), b"cubic\0\0\0\0"), r#""cubic""#);
    assert_eq!(full((6, 19), &ints(&[u32::MAX])), "[TCP_REPAIR_OFF_NO_WP]");
    assert_eq!(
        full((6, 22), &ints(&[2, 1460, 8, 0])),
        "[{opt_code=TCPOPT_MSS, opt_val=0x5b4}, {opt_code=TCPOPT_TIMESTAMP, opt_val=0}]"
    );
    let mut info = vec![1, 0, 0, 0, 0, 7, 0x87, 1];
    info.extend(ints(&[200_000]));
    assert_eq!(
        full((6, 11), &info),
        "{tcpi_state=TCP_ESTABLISHED, tcpi_ca_state=TCP_CA_Open, tcpi_retransmits=0, tcpi_probes=0, \
         tcpi_backoff=0, tcpi_options=TCPI_OPT_TIMESTAMPS|TCPI_OPT_SACK|TCPI_OPT_WSCALE, tcpi_snd_wscale=7, \
         tcpi_rcv_wscale=8, tcpi_delivery_rate_app_limited=1, tcpi_fastopen_client_fail=0, tcpi_rto=200000}"
    );
    let mut key = vec![0; 216];
    key[..8].copy_from_slice(&[2, 0, 0, 0, 10, 0, 0, 1]);
    key[130] = 3;
    key[136..140].copy_from_slice(b"keyx");
    assert!(full((6, 14), &key).ends_with(r#"tcpm_keylen=3, tcpm_ifindex=0, tcpm_key="\x6b\x65\x79"}"#));
    // The key itself is not looked at.
    assert_eq!(
        full((282, 1), &[4, 3, 52, 0, 9, 9, 9, 9, 9]),
        "{version=TLS_1_3_VERSION, cipher_type=TLS_CIPHER_AES_GCM_256}"
    );
    assert_eq!(full((17, 100), &ints(&[2])), "[UDP_ENCAP_ESPINUDP]");
    assert_eq!(full((132, 13), &ints(&[5])), "[5]");
    assert_eq!(full((132, 13), &ints(&[5, 1200])), "{assoc_id=5, assoc_value=1200}");
}

#[test]
fn of_the_link() {
    assert_eq!(full((263, 10), &ints(&[2])), "[TPACKET_V3]");
    assert_eq!(
        full((263, 18), &ints(&[0x1001_0007])),
        "{id=7, type=PACKET_FANOUT_LB|PACKET_FANOUT_FLAG_ROLLOVER}"
    );
    assert!(
        full((263, 13), &ints(&[1, 2, 3, 4, 5, 6, 7]))
            .ends_with("tp_sizeof_priv=6, tp_feature_req_word=0x7}")
    );
    assert_eq!(full((101, 1), &ints(&[0x123, 0x7ff])), "[{can_id=0x123, can_mask=0x7ff}]");
    assert_eq!(full((40, 0), &ints(&[0, 1])), "[4294967296]");
}

#[test]
fn of_a_filter() {
    // The length is the number of instructions.
    let [ret, all] = [6_u32, 0xffff];
    let program = decoded(
        Abi::I386,
        |context, level, name, pointer, _| get(context, level, name, pointer, 1, 1),
        (1, 26),
        &ints(&[ret, all]),
    );
    assert_eq!(written(&program, false), format!("{:#x}", Local::BASE));
    assert_eq!(written(&program, true), "[BPF_STMT(BPF_RET|BPF_K, 0xffff)]");
}

#[test]
fn names_that_strace_does_not_know() {
    let shown = |level, number| {
        let name = name(level, number, true);
        (written(&name, false), written(&name, true))
    };
    assert_eq!(shown(58, 1), ("1".into(), "ICMPV6_FILTER".into()));
    assert_eq!(shown(0, 80), ("0x50 /* IP_??? */".into(), "SO_ORIGINAL_DST".into()));
    assert_eq!(shown(58, 2), ("2".into(), "2".into()));
    assert_eq!(shown(1, 20), ("SO_RCVTIMEO_OLD".into(), "SO_RCVTIMEO_OLD".into()));
}

fn abis() -> impl Strategy<Value = Abi> {
    prop_oneof![Just(Abi::I386), Just(Abi::X86_64), Just(Abi::X32)]
}

/// An option that has a name, or any other.
fn anything() -> impl Strategy<Value = (u32, u32)> {
    let named: Vec<_> = OPTION_LEVELS
        .iter()
        .flat_map(|options| options.all().map(|(number, _)| (options.level as u32, number as u32)))
        .collect();
    prop_oneof![9 => proptest::sample::select(named), 1 => any::<(u32, u32)>()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn any_option_of_any_bytes_is_shown(
        abi in abis(),
        (level, number) in anything(),
        data in proptest::collection::vec(any::<u8>(), 0..400),
        offset in 0..500_u64,
        (room, length) in prop_oneof![any::<(i32, i32)>(), (0..400_i32, 0..400_i32)],
        verbose in any::<bool>(),
    ) {
        let memory = Local(&data);
        let limits = Limits { verbose, ..Limits::default() };
        let context = Context { memory: &memory, abi, limits, descriptors: &Unknown };
        let pointer = Local::BASE + offset;
        for shown in [
            name(level, number, verbose),
            set(&context, level, number, pointer, length),
            get(&context, level, number, pointer, room, length),
        ] {
            for beyond in [false, true] {
                let text = written(&shown, beyond);
                // No element of what is shown has less than a byte of memory.
                prop_assert!(text.len() < 200 * (data.len() + 20), "{text}");
            }
        }
    }
}
