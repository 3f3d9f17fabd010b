//! Types of messages, by protocol.

use crate::tables::Table;

/// Of every protocol (include/uapi/linux/netlink.h).
pub static CONTROL: Table = Table {
    unknown: "NLMSG_???",
    rows: &[(1, "NLMSG_NOOP"), (2, "NLMSG_ERROR"), (3, "NLMSG_DONE"), (4, "NLMSG_OVERRUN")],
};

/// Of NETLINK_ROUTE (include/uapi/linux/rtnetlink.h).
pub static ROUTE: Table = Table {
    unknown: "RTM_???",
    rows: &[
        (16, "RTM_NEWLINK"),
        (17, "RTM_DELLINK"),
        (18, "RTM_GETLINK"),
        (19, "RTM_SETLINK"),
        (20, "RTM_NEWADDR"),
        (21, "RTM_DELADDR"),
        (22, "RTM_GETADDR"),
        (24, "RTM_NEWROUTE"),
        (25, "RTM_DELROUTE"),
        (26, "RTM_GETROUTE"),
        (28, "RTM_NEWNEIGH"),
        (29, "RTM_DELNEIGH"),
        (30, "RTM_GETNEIGH"),
        (32, "RTM_NEWRULE"),
        (33, "RTM_DELRULE"),
        (34, "RTM_GETRULE"),
        (36, "RTM_NEWQDISC"),
        (37, "RTM_DELQDISC"),
        (38, "RTM_GETQDISC"),
        (40, "RTM_NEWTCLASS"),
        (41, "RTM_DELTCLASS"),
        (42, "RTM_GETTCLASS"),
        (44, "RTM_NEWTFILTER"),
        (45, "RTM_DELTFILTER"),
        (46, "RTM_GETTFILTER"),
        (48, "RTM_NEWACTION"),
        (49, "RTM_DELACTION"),
        (50, "RTM_GETACTION"),
        (52, "RTM_NEWPREFIX"),
        (56, "RTM_NEWMULTICAST"),
        (57, "RTM_DELMULTICAST"),
        (58, "RTM_GETMULTICAST"),
        (60, "RTM_NEWANYCAST"),
        (61, "RTM_DELANYCAST"),
        (62, "RTM_GETANYCAST"),
        (64, "RTM_NEWNEIGHTBL"),
        (66, "RTM_GETNEIGHTBL"),
        (67, "RTM_SETNEIGHTBL"),
        (68, "RTM_NEWNDUSEROPT"),
        (72, "RTM_NEWADDRLABEL"),
        (73, "RTM_DELADDRLABEL"),
        (74, "RTM_GETADDRLABEL"),
        (78, "RTM_GETDCB"),
        (79, "RTM_SETDCB"),
        (80, "RTM_NEWNETCONF"),
        (81, "RTM_DELNETCONF"),
        (82, "RTM_GETNETCONF"),
        (84, "RTM_NEWMDB"),
        (85, "RTM_DELMDB"),
        (86, "RTM_GETMDB"),
        (88, "RTM_NEWNSID"),
        (89, "RTM_DELNSID"),
        (90, "RTM_GETNSID"),
        (92, "RTM_NEWSTATS"),
        (94, "RTM_GETSTATS"),
        (96, "RTM_NEWCACHEREPORT"),
        (100, "RTM_NEWCHAIN"),
        (101, "RTM_DELCHAIN"),
        (102, "RTM_GETCHAIN"),
        (104, "RTM_NEWNEXTHOP"),
        (105, "RTM_DELNEXTHOP"),
        (106, "RTM_GETNEXTHOP"),
        (108, "RTM_NEWLINKPROP"),
        (109, "RTM_DELLINKPROP"),
        (110, "RTM_GETLINKPROP"),
        (112, "RTM_NEWVLAN"),
        (113, "RTM_DELVLAN"),
        (114, "RTM_GETVLAN"),
        (116, "RTM_NEWNEXTHOPBUCKET"),
        (117, "RTM_DELNEXTHOPBUCKET"),
        (118, "RTM_GETNEXTHOPBUCKET"),
    ],
};

/// Of NETLINK_SOCK_DIAG (include/uapi/linux/sock_diag.h and inet_diag.h).
pub static SOCK_DIAG: Table = Table {
    unknown: "SOCK_DIAG_???",
    rows: &[
        (18, "TCPDIAG_GETSOCK"),
        (19, "DCCPDIAG_GETSOCK"),
        (20, "SOCK_DIAG_BY_FAMILY"),
        (21, "SOCK_DESTROY"),
    ],
};

/// Of NETLINK_XFRM (include/uapi/linux/xfrm.h).
pub static XFRM: Table = Table {
    unknown: "XFRM_MSG_???",
    rows: &[
        (16, "XFRM_MSG_NEWSA"),
        (17, "XFRM_MSG_DELSA"),
        (18, "XFRM_MSG_GETSA"),
        (19, "XFRM_MSG_NEWPOLICY"),
        (20, "XFRM_MSG_DELPOLICY"),
        (21, "XFRM_MSG_GETPOLICY"),
        (22, "XFRM_MSG_ALLOCSPI"),
        (23, "XFRM_MSG_ACQUIRE"),
        (24, "XFRM_MSG_EXPIRE"),
        (25, "XFRM_MSG_UPDPOLICY"),
        (26, "XFRM_MSG_UPDSA"),
        (27, "XFRM_MSG_POLEXPIRE"),
        (28, "XFRM_MSG_FLUSHSA"),
        (29, "XFRM_MSG_FLUSHPOLICY"),
        (30, "XFRM_MSG_NEWAE"),
        (31, "XFRM_MSG_GETAE"),
        (32, "XFRM_MSG_REPORT"),
        (33, "XFRM_MSG_MIGRATE"),
        (34, "XFRM_MSG_NEWSADINFO"),
        (35, "XFRM_MSG_GETSADINFO"),
        (36, "XFRM_MSG_NEWSPDINFO"),
        (37, "XFRM_MSG_GETSPDINFO"),
        (38, "XFRM_MSG_MAPPING"),
        (39, "XFRM_MSG_SETDEFAULT"),
        (40, "XFRM_MSG_GETDEFAULT"),
        (41, "XFRM_MSG_MIGRATE_STATE"),
    ],
};

/// Of NETLINK_SELINUX (include/uapi/linux/selinux_netlink.h).
pub static SELINUX: Table =
    Table { unknown: "SELNL_MSG_???", rows: &[(16, "SELNL_MSG_SETENFORCE"), (17, "SELNL_MSG_POLICYLOAD")] };

/// Of NETLINK_CRYPTO (include/uapi/linux/cryptouser.h).
pub static CRYPTO: Table = Table {
    unknown: "CRYPTO_MSG_???",
    rows: &[
        (16, "CRYPTO_MSG_NEWALG"),
        (17, "CRYPTO_MSG_DELALG"),
        (18, "CRYPTO_MSG_UPDATEALG"),
        (19, "CRYPTO_MSG_GETALG"),
        (20, "CRYPTO_MSG_DELRNG"),
        (21, "CRYPTO_MSG_GETSTAT"),
    ],
};

/// Of NETLINK_GENERIC (include/uapi/linux/genetlink.h): the one that is always the same.
pub static GENERIC: Table = Table { unknown: "GENERIC_FAMILY_???", rows: &[(16, "nlctrl")] };
