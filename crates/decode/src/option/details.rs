//! Structures that strace leaves as bytes.

use super::layout::{Kind, Layout, member};
use crate::tables::options::{
    BT_SECURITY_LEVELS, CLOCKS, MULTICAST_MODES, TCP_CONGESTION_STATES, TCP_HEADER_OPTIONS, TCP_INFO_OPTIONS,
    TCP_MD5_FLAGS, TCP_STATES, TIMESTAMPING, TLS_CIPHERS, TLS_VERSIONS, TXTIME, XDP_OPTION_FLAGS,
    XDP_UMEM_FLAGS,
};

const U8: Kind = Kind::Uint(1);
const U16: Kind = Kind::Uint(2);
const U32: Kind = Kind::Uint(4);
const U64: Kind = Kind::Uint(8);

/// A timeout of a call that has no other form for 64-bit time: `struct timeval`.
pub(super) const TIMEVAL: Layout = &[member("tv_sec", Kind::Time), member("tv_usec", Kind::Time)];

/// `struct __kernel_sock_timeval` (include/uapi/linux/time_types.h).
pub(super) const SOCK_TIMEVAL: Layout = &[member("tv_sec", Kind::Int(8)), member("tv_usec", Kind::Int(8))];

/// `struct so_timestamping` (include/uapi/linux/net_tstamp.h).
pub(super) const SO_TIMESTAMPING: Layout =
    &[member("flags", Kind::Flags(&TIMESTAMPING, 4)), member("bind_phc", Kind::Int(4))];

/// `struct sock_txtime` (include/uapi/linux/net_tstamp.h).
pub(super) const SOCK_TXTIME: Layout =
    &[member("clockid", Kind::Symbol(&CLOCKS, 4)), member("flags", Kind::Flags(&TXTIME, 4))];

/// `SK_MEMINFO_*` (include/uapi/linux/sock_diag.h).
pub(super) const MEMINFO: Layout = &[
    member("rmem_alloc", U32),
    member("rcvbuf", U32),
    member("wmem_alloc", U32),
    member("sndbuf", U32),
    member("fwd_alloc", U32),
    member("wmem_queued", U32),
    member("optmem", U32),
    member("backlog", U32),
    member("drops", U32),
];

/// `struct dmabuf_token` (include/uapi/linux/uio.h).
pub(super) const DMABUF_TOKEN: Layout = &[member("token_start", U32), member("token_count", U32)];

/// `struct ip_mreqn` (include/uapi/linux/in.h).
pub(super) const IP_MREQN: Layout = &[
    member("imr_multiaddr", Kind::Inet),
    member("imr_address", Kind::Inet),
    member("imr_ifindex", Kind::Interface),
];

/// `struct ip_mreq_source` (include/uapi/linux/in.h).
pub(super) const IP_MREQ_SOURCE: Layout = &[
    member("imr_multiaddr", Kind::Inet),
    member("imr_interface", Kind::Inet),
    member("imr_sourceaddr", Kind::Inet),
];

/// `struct ip_msfilter` (include/uapi/linux/in.h).
pub(super) const IP_MSFILTER: Layout = &[
    member("imsf_multiaddr", Kind::Inet),
    member("imsf_interface", Kind::Inet),
    member("imsf_fmode", Kind::Symbol(&MULTICAST_MODES, 4)),
    member("imsf_numsrc", U32),
    member("imsf_slist", Kind::Rest(&Kind::Inet)),
];

/// `struct group_source_req` (include/uapi/linux/in.h).
pub(super) const GROUP_SOURCE_REQ: Layout = &[
    member("gsr_interface", Kind::Interface),
    member("gsr_group", Kind::Address),
    member("gsr_source", Kind::Address),
];

/// `struct group_filter` (include/uapi/linux/in.h).
pub(super) const GROUP_FILTER: Layout = &[
    member("gf_interface", Kind::Interface),
    member("gf_group", Kind::Address),
    member("gf_fmode", Kind::Symbol(&MULTICAST_MODES, 4)),
    member("gf_numsrc", U32),
    member("gf_slist", Kind::Rest(&Kind::Address)),
];

/// `struct in6_pktinfo` (include/uapi/linux/ipv6.h).
pub(super) const IN6_PKTINFO: Layout =
    &[member("ipi6_addr", Kind::Inet6), member("ipi6_ifindex", Kind::Interface)];

/// `struct ip6_mtuinfo` (include/uapi/linux/ipv6.h).
pub(super) const IP6_MTUINFO: Layout = &[member("ip6m_addr", Kind::Address6), member("ip6m_mtu", U32)];

/// `struct in6_flowlabel_req` (include/uapi/linux/in6.h).
pub(super) const FLOWLABEL_REQ: Layout = &[
    member("flr_dst", Kind::Inet6),
    member("flr_label", Kind::Hex(4)),
    member("flr_action", U8),
    member("flr_share", U8),
    member("flr_flags", Kind::Hex(2)),
    member("flr_expires", U16),
    member("flr_linger", U16),
];

/// `struct tcp_info` (include/uapi/linux/tcp.h), which grows at its end.
pub(super) const TCP_INFO: Layout = &[
    member("tcpi_state", Kind::Symbol(&TCP_STATES, 1)),
    member("tcpi_ca_state", Kind::Symbol(&TCP_CONGESTION_STATES, 1)),
    member("tcpi_retransmits", U8),
    member("tcpi_probes", U8),
    member("tcpi_backoff", U8),
    member("tcpi_options", Kind::Flags(&TCP_INFO_OPTIONS, 1)),
    member("tcpi_snd_wscale", Kind::Bits(0, 4, false)),
    member("tcpi_rcv_wscale", Kind::Bits(4, 4, true)),
    member("tcpi_delivery_rate_app_limited", Kind::Bits(0, 1, false)),
    member("tcpi_fastopen_client_fail", Kind::Bits(1, 2, true)),
    member("tcpi_rto", U32),
    member("tcpi_ato", U32),
    member("tcpi_snd_mss", U32),
    member("tcpi_rcv_mss", U32),
    member("tcpi_unacked", U32),
    member("tcpi_sacked", U32),
    member("tcpi_lost", U32),
    member("tcpi_retrans", U32),
    member("tcpi_fackets", U32),
    member("tcpi_last_data_sent", U32),
    member("tcpi_last_ack_sent", U32),
    member("tcpi_last_data_recv", U32),
    member("tcpi_last_ack_recv", U32),
    member("tcpi_pmtu", U32),
    member("tcpi_rcv_ssthresh", U32),
    member("tcpi_rtt", U32),
    member("tcpi_rttvar", U32),
    member("tcpi_snd_ssthresh", U32),
    member("tcpi_snd_cwnd", U32),
    member("tcpi_advmss", U32),
    member("tcpi_reordering", U32),
    member("tcpi_rcv_rtt", U32),
    member("tcpi_rcv_space", U32),
    member("tcpi_total_retrans", U32),
    member("tcpi_pacing_rate", U64),
    member("tcpi_max_pacing_rate", U64),
    member("tcpi_bytes_acked", U64),
    member("tcpi_bytes_received", U64),
    member("tcpi_segs_out", U32),
    member("tcpi_segs_in", U32),
    member("tcpi_notsent_bytes", U32),
    member("tcpi_min_rtt", U32),
    member("tcpi_data_segs_in", U32),
    member("tcpi_data_segs_out", U32),
    member("tcpi_delivery_rate", U64),
    member("tcpi_busy_time", U64),
    member("tcpi_rwnd_limited", U64),
    member("tcpi_sndbuf_limited", U64),
    member("tcpi_delivered", U32),
    member("tcpi_delivered_ce", U32),
    member("tcpi_bytes_sent", U64),
    member("tcpi_bytes_retrans", U64),
    member("tcpi_dsack_dups", U32),
    member("tcpi_reord_seen", U32),
    member("tcpi_rcv_ooopack", U32),
    member("tcpi_snd_wnd", U32),
    member("tcpi_rcv_wnd", U32),
    member("tcpi_rehash", U32),
    member("tcpi_total_rto", U16),
    member("tcpi_total_rto_recoveries", U16),
    member("tcpi_total_rto_time", U32),
    member("tcpi_received_ce", U32),
    member("tcpi_delivered_e1_bytes", U32),
    member("tcpi_delivered_e0_bytes", U32),
    member("tcpi_delivered_ce_bytes", U32),
    member("tcpi_received_e1_bytes", U32),
    member("tcpi_received_e0_bytes", U32),
    member("tcpi_received_ce_bytes", U32),
];

/// `struct tcp_md5sig` (include/uapi/linux/tcp.h) in front of its key.
pub(super) const TCP_MD5SIG: Layout = &[
    member("tcpm_addr", Kind::Address),
    member("tcpm_flags", Kind::Flags(&TCP_MD5_FLAGS, 1)),
    member("tcpm_prefixlen", U8),
    member("tcpm_keylen", U16),
    member("tcpm_ifindex", Kind::Interface),
];

/// `struct tcp_repair_opt` (include/uapi/linux/tcp.h).
pub(super) const TCP_REPAIR_OPT: Layout =
    &[member("opt_code", Kind::Symbol(&TCP_HEADER_OPTIONS, 4)), member("opt_val", Kind::Hex(4))];

/// `struct tcp_repair_window` (include/uapi/linux/tcp.h).
pub(super) const TCP_REPAIR_WINDOW: Layout = &[
    member("snd_wl1", U32),
    member("snd_wnd", U32),
    member("max_window", U32),
    member("rcv_wnd", U32),
    member("rcv_wup", U32),
];

/// `struct tcp_zerocopy_receive` (include/uapi/linux/tcp.h).
pub(super) const TCP_ZEROCOPY_RECEIVE: Layout = &[
    member("address", Kind::Hex(8)),
    member("length", U32),
    member("recv_skip_hint", U32),
    member("inq", U32),
    member("err", Kind::Int(4)),
    member("copybuf_address", Kind::Hex(8)),
    member("copybuf_len", Kind::Int(4)),
    member("flags", Kind::Hex(4)),
    member("msg_control", Kind::Hex(8)),
    member("msg_controllen", U64),
    member("msg_flags", Kind::Hex(4)),
];

/// `struct tls_crypto_info` (include/uapi/linux/tls.h). The key behind it is nobody's business.
pub(super) const TLS_CRYPTO_INFO: Layout = &[
    member("version", Kind::Symbol(&TLS_VERSIONS, 2)),
    member("cipher_type", Kind::Symbol(&TLS_CIPHERS, 2)),
];

/// `struct mptcp_info` (include/uapi/linux/mptcp.h), which grows at its end.
pub(super) const MPTCP_INFO: Layout = &[
    member("mptcpi_subflows", U8),
    member("mptcpi_add_addr_signal", U8),
    member("mptcpi_add_addr_accepted", U8),
    member("mptcpi_subflows_max", U8),
    member("mptcpi_add_addr_signal_max", U8),
    member("mptcpi_add_addr_accepted_max", U8),
    member("mptcpi_flags", Kind::Hex(4)),
    member("mptcpi_token", Kind::Hex(4)),
    member("mptcpi_write_seq", U64),
    member("mptcpi_snd_una", U64),
    member("mptcpi_rcv_nxt", U64),
    member("mptcpi_local_addr_used", U8),
    member("mptcpi_local_addr_max", U8),
    member("mptcpi_csum_enabled", U8),
    member("mptcpi_retransmits", U32),
    member("mptcpi_bytes_retrans", U64),
    member("mptcpi_bytes_sent", U64),
    member("mptcpi_bytes_received", U64),
    member("mptcpi_bytes_acked", U64),
];

/// `struct tpacket_req3` (include/uapi/linux/if_packet.h).
pub(super) const TPACKET_REQ3: Layout = &[
    member("tp_block_size", U32),
    member("tp_block_nr", U32),
    member("tp_frame_size", U32),
    member("tp_frame_nr", U32),
    member("tp_retire_blk_tov", U32),
    member("tp_sizeof_priv", U32),
    member("tp_feature_req_word", Kind::Hex(4)),
];

/// `struct tpacket_rollover_stats` (include/uapi/linux/if_packet.h).
pub(super) const TPACKET_ROLLOVER_STATS: Layout =
    &[member("tp_all", U64), member("tp_huge", U64), member("tp_failed", U64)];

/// `struct can_filter` (include/uapi/linux/can.h).
pub(super) const CAN_FILTER: Layout = &[member("can_id", Kind::Hex(4)), member("can_mask", Kind::Hex(4))];

/// `struct xdp_ring_offset` (include/uapi/linux/if_xdp.h).
const XDP_RING_OFFSET: Layout =
    &[member("producer", U64), member("consumer", U64), member("desc", U64), member("flags", U64)];

/// `struct xdp_mmap_offsets` (include/uapi/linux/if_xdp.h).
pub(super) const XDP_MMAP_OFFSETS: Layout = &[
    member("rx", Kind::Record(XDP_RING_OFFSET)),
    member("tx", Kind::Record(XDP_RING_OFFSET)),
    member("fr", Kind::Record(XDP_RING_OFFSET)),
    member("cr", Kind::Record(XDP_RING_OFFSET)),
];

/// `struct xdp_umem_reg` (include/uapi/linux/if_xdp.h).
pub(super) const XDP_UMEM_REG: Layout = &[
    member("addr", Kind::Hex(8)),
    member("len", U64),
    member("chunk_size", U32),
    member("headroom", U32),
    member("flags", Kind::Flags(&XDP_UMEM_FLAGS, 4)),
    member("tx_metadata_len", U32),
];

/// `struct xdp_statistics` (include/uapi/linux/if_xdp.h).
pub(super) const XDP_STATISTICS: Layout = &[
    member("rx_dropped", U64),
    member("rx_invalid_descs", U64),
    member("tx_invalid_descs", U64),
    member("rx_ring_full", U64),
    member("rx_fill_ring_empty_descs", U64),
    member("tx_ring_empty_descs", U64),
];

/// `struct xdp_options` (include/uapi/linux/if_xdp.h).
pub(super) const XDP_OPTIONS: Layout = &[member("flags", Kind::Flags(&XDP_OPTION_FLAGS, 4))];

/// `struct sctp_rtoinfo` (include/uapi/linux/sctp.h).
pub(super) const SCTP_RTOINFO: Layout = &[
    member("srto_assoc_id", Kind::Int(4)),
    member("srto_initial", U32),
    member("srto_max", U32),
    member("srto_min", U32),
];

/// `struct sctp_assocparams` (include/uapi/linux/sctp.h).
pub(super) const SCTP_ASSOCPARAMS: Layout = &[
    member("sasoc_assoc_id", Kind::Int(4)),
    member("sasoc_asocmaxrxt", U16),
    member("sasoc_number_peer_destinations", U16),
    member("sasoc_peer_rwnd", U32),
    member("sasoc_local_rwnd", U32),
    member("sasoc_cookie_life", U32),
];

/// `struct sctp_initmsg` (include/uapi/linux/sctp.h).
pub(super) const SCTP_INITMSG: Layout = &[
    member("sinit_num_ostreams", U16),
    member("sinit_max_instreams", U16),
    member("sinit_max_attempts", U16),
    member("sinit_max_init_timeo", U16),
];

/// `struct sctp_sack_info` (include/uapi/linux/sctp.h).
pub(super) const SCTP_SACK_INFO: Layout =
    &[member("sack_assoc_id", Kind::Int(4)), member("sack_delay", U32), member("sack_freq", U32)];

/// `struct sctp_assoc_value` (include/uapi/linux/sctp.h).
pub(super) const SCTP_ASSOC_VALUE: Layout = &[member("assoc_id", Kind::Int(4)), member("assoc_value", U32)];

/// `struct sctp_sndinfo` (include/uapi/linux/sctp.h).
pub(super) const SCTP_SNDINFO: Layout = &[
    member("snd_sid", U16),
    member("snd_flags", Kind::Hex(2)),
    member("snd_ppid", U32),
    member("snd_context", U32),
    member("snd_assoc_id", Kind::Int(4)),
];

/// `struct sctp_event` (include/uapi/linux/sctp.h).
pub(super) const SCTP_EVENT: Layout =
    &[member("se_assoc_id", Kind::Int(4)), member("se_type", Kind::Hex(2)), member("se_on", U8)];

/// `struct bt_security` (include/net/bluetooth/bluetooth.h).
pub(super) const BT_SECURITY: Layout =
    &[member("level", Kind::Symbol(&BT_SECURITY_LEVELS, 1)), member("key_size", U8)];
