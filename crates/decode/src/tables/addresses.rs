//! Names of what stands in socket addresses.

use super::Table;

/// Flags of an algorithm (include/linux/crypto.h).
pub static ALG_FLAGS: Table =
    Table { unknown: "CRYPTO_ALG_???", rows: &[(0x1000, "CRYPTO_ALG_KERN_DRIVER_ONLY")] };

/// Types of a bluetooth address (include/net/bluetooth/bluetooth.h).
pub static BLUETOOTH_TYPES: Table = Table {
    unknown: "BDADDR_???",
    rows: &[(0, "BDADDR_BREDR"), (1, "BDADDR_LE_PUBLIC"), (2, "BDADDR_LE_RANDOM")],
};

/// Channels of an HCI socket (include/net/bluetooth/hci_sock.h).
pub static HCI_CHANNELS: Table = Table {
    unknown: "HCI_CHANNEL_???",
    rows: &[
        (0, "HCI_CHANNEL_RAW"),
        (1, "HCI_CHANNEL_USER"),
        (2, "HCI_CHANNEL_MONITOR"),
        (3, "HCI_CHANNEL_CONTROL"),
        (4, "HCI_CHANNEL_LOGGING"),
    ],
};

/// Channels of L2CAP (include/net/bluetooth/l2cap.h).
pub static L2CAP_CHANNELS: Table = Table {
    unknown: "L2CAP_CID_???",
    rows: &[
        (0x0001, "L2CAP_CID_SIGNALING"),
        (0x0002, "L2CAP_CID_CONN_LESS"),
        (0x0003, "L2CAP_CID_A2MP"),
        (0x0004, "L2CAP_CID_ATT"),
        (0x0005, "L2CAP_CID_LE_SIGNALING"),
        (0x0006, "L2CAP_CID_SMP"),
        (0x0007, "L2CAP_CID_SMP_BREDR"),
        (0x0040, "L2CAP_CID_DYN_START"),
        (0x007f, "L2CAP_CID_LE_DYN_END"),
        (0xffff, "L2CAP_CID_DYN_END"),
    ],
};

/// Protocol service multiplexers of L2CAP (include/net/bluetooth/l2cap.h).
pub static L2CAP_SERVICES: Table = Table {
    unknown: "L2CAP_PSM_???",
    rows: &[
        (0x0001, "L2CAP_PSM_SDP"),
        (0x0003, "L2CAP_PSM_RFCOMM"),
        (0x0021, "L2CAP_PSM_3DSP"),
        (0x0023, "L2CAP_PSM_IPSP"),
        (0x0080, "L2CAP_PSM_LE_DYN_START"),
        (0x00ff, "L2CAP_PSM_LE_DYN_END"),
        (0x1001, "L2CAP_PSM_DYN_START"),
        (0x10ff, "L2CAP_PSM_AUTO_END"),
        (0xffff, "L2CAP_PSM_DYN_END"),
    ],
};

/// Short addresses with a meaning (include/net/af_ieee802154.h).
pub static IEEE802154_ADDRESSES: Table =
    Table { unknown: "", rows: &[(0xfffe, "IEEE802154_ADDR_UNDEF"), (0xffff, "IEEE802154_ADDR_BROADCAST")] };

/// Networks with a meaning (include/net/af_ieee802154.h).
pub static IEEE802154_NETWORKS: Table =
    Table { unknown: "", rows: &[(0xffff, "IEEE802154_PANID_BROADCAST")] };

/// Types of address (include/net/af_ieee802154.h).
pub static IEEE802154_TYPES: Table = Table {
    unknown: "IEEE802154_ADDR_???",
    rows: &[(0, "IEEE802154_ADDR_NONE"), (2, "IEEE802154_ADDR_SHORT"), (3, "IEEE802154_ADDR_LONG")],
};

/// Endpoints with a meaning (include/uapi/linux/mctp.h).
pub static MCTP_ENDPOINTS: Table =
    Table { unknown: "", rows: &[(0x00, "MCTP_ADDR_NULL"), (0xff, "MCTP_ADDR_ANY")] };

/// Networks with a meaning (include/uapi/linux/mctp.h).
pub static MCTP_NETWORKS: Table = Table { unknown: "", rows: &[(0, "MCTP_NET_ANY")] };

/// Protocols of targets (include/uapi/linux/nfc.h).
pub static NFC_PROTOCOLS: Table = Table {
    unknown: "NFC_PROTO_???",
    rows: &[
        (1, "NFC_PROTO_JEWEL"),
        (2, "NFC_PROTO_MIFARE"),
        (3, "NFC_PROTO_FELICA"),
        (4, "NFC_PROTO_ISO14443"),
        (5, "NFC_PROTO_NFC_DEP"),
        (6, "NFC_PROTO_ISO14443_B"),
        (7, "NFC_PROTO_ISO15693"),
    ],
};

/// Service access points (include/uapi/linux/nfc.h, net/nfc/llcp.h).
pub static NFC_SERVICES: Table = Table {
    unknown: "",
    rows: &[
        (1, "LLCP_SAP_SDP"),
        (2, "LLCP_SAP_IP"),
        (3, "LLCP_SAP_OBEX"),
        (4, "LLCP_SAP_SNEP"),
        (255, "LLCP_SAP_MAX"),
    ],
};

/// Types of packet (include/uapi/linux/if_packet.h).
pub static PACKET_TYPES: Table = Table {
    unknown: "PACKET_???",
    rows: &[
        (0, "PACKET_HOST"),
        (1, "PACKET_BROADCAST"),
        (2, "PACKET_MULTICAST"),
        (3, "PACKET_OTHERHOST"),
        (4, "PACKET_OUTGOING"),
        (5, "PACKET_LOOPBACK"),
        (6, "PACKET_USER"),
        (7, "PACKET_KERNEL"),
    ],
};

/// Nodes with a meaning (include/uapi/linux/qrtr.h).
pub static QRTR_NODES: Table = Table { unknown: "", rows: &[(0xffffffff, "QRTR_NODE_BCAST")] };

/// Ports with a meaning (include/uapi/linux/qrtr.h).
pub static QRTR_PORTS: Table = Table { unknown: "", rows: &[(0xfffffffe, "QRTR_PORT_CTRL")] };

/// Services of AFS.
pub static RXRPC_SERVICES: Table = Table {
    unknown: "???_SERVICE",
    rows: &[(1, "CM_SERVICE"), (2500, "YFS_FS_SERVICE"), (2501, "YFS_CM_SERVICE"), (2503, "YFS_VL_SERVICE")],
};

/// Scopes of a name (include/uapi/linux/tipc.h).
pub static TIPC_SCOPES: Table =
    Table { unknown: "TIPC_???_SCOPE", rows: &[(2, "TIPC_CLUSTER_SCOPE"), (3, "TIPC_NODE_SCOPE")] };

/// Types of address (include/uapi/linux/tipc.h).
pub static TIPC_TYPES: Table = Table {
    unknown: "TIPC_???",
    rows: &[(1, "TIPC_SERVICE_RANGE"), (2, "TIPC_SERVICE_ADDR"), (3, "TIPC_SOCKET_ADDR")],
};

/// Context identifiers with a meaning (include/uapi/linux/vm_sockets.h).
pub static VSOCK_CIDS: Table = Table {
    unknown: "",
    rows: &[
        (0x00000000, "VMADDR_CID_HYPERVISOR"),
        (0x00000001, "VMADDR_CID_LOCAL"),
        (0x00000002, "VMADDR_CID_HOST"),
        (0xffffffff, "VMADDR_CID_ANY"),
    ],
};

/// Flags of an address (include/uapi/linux/vm_sockets.h).
pub static VSOCK_FLAGS: Table = Table { unknown: "VMADDR_FLAG_???", rows: &[(0x01, "VMADDR_FLAG_TO_HOST")] };

/// Ports with a meaning (include/uapi/linux/vm_sockets.h).
pub static VSOCK_PORTS: Table = Table { unknown: "", rows: &[(0xffffffff, "VMADDR_PORT_ANY")] };

/// Flags of binding (include/uapi/linux/if_xdp.h).
pub static XDP_FLAGS: Table = Table {
    unknown: "XDP_???",
    rows: &[
        (0x01, "XDP_SHARED_UMEM"),
        (0x02, "XDP_COPY"),
        (0x04, "XDP_ZEROCOPY"),
        (0x08, "XDP_USE_NEED_WAKEUP"),
        (0x10, "XDP_USE_SG"),
    ],
};
