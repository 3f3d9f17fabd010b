//! Broken policies: each class of mistake as it is shown.

use policy::{Policy, Rule};

/// A snapshot for a broken policy.
macro_rules! broken {
    ($($name:ident: $text:expr;)*) => {$(
        #[test]
        fn $name() {
            let errors = Policy::parse("policy.toml", $text).expect_err("a mistake");
            insta::assert_snapshot!(stringify!($name), errors.render(false));
        }
    )*};
}

/// A snapshot for a broken short rule.
macro_rules! broken_short {
    ($($name:ident: $text:expr;)*) => {$(
        #[test]
        fn $name() {
            let error = Rule::short("--deny", true, $text).expect_err("a mistake");
            insta::assert_snapshot!(stringify!($name), error.render(false));
        }
    )*};
}

/// A rule in a policy that is whole otherwise.
macro_rules! rule {
    ($text:literal) => {
        concat!("default = \"allow\"\n\n[[rule]]\naction = \"deny\"\n", $text, "\n")
    };
}

broken! {
    not_toml: "default = \"allow\"\n[[rule]\naction = \"deny\"\n";
    a_key_twice: "default = \"allow\"\ndefault = \"deny\"\n";
    unknown_key_of_a_policy: "defualt = \"allow\"\ndefault = \"allow\"\n";
    unknown_key_of_a_rule: rule!("familly = \"alg\"");
    unknown_key_of_escape: "default = \"allow\"\n[escape]\nptrce = true\n";
    no_default: "[[rule]]\naction = \"deny\"\nfamily = \"alg\"\n";
    no_action: "default = \"allow\"\n[[rule]]\nfamily = \"alg\"\n";
    unknown_action: "default = \"allow\"\n[[rule]]\naction = \"dney\"\nfamily = \"alg\"\n";
    unknown_default: "default = \"alow\"\n";
    unknown_inherit: "default = \"allow\"\ninherit = \"close\"\n";
    escape_is_no_table: "default = \"allow\"\nescape = [\"ptrace\"]\n";
    escape_is_no_bool: "default = \"allow\"\nescape = { ptrace = \"yes\" }\n";
    rules_are_no_tables: "default = \"allow\"\nrule = [1]\n";
    default_is_a_number: "default = 1\n";
    a_family_is_a_table: rule!("family = { name = \"alg\" }");
    a_family_is_a_float: rule!("family = [\"alg\", 1.5]");
    unknown_call: rule!("call = [\"connect\", \"conect\"]");
    unknown_family: rule!("family = [\"inet\", \"inte6\"]");
    unknown_family_far: rule!("family = \"frobnicate\"");
    unknown_type: rule!("type = \"steam\"");
    unknown_protocol: rule!("protocol = \"tpc\"");
    unknown_errno: rule!("errno = \"EACCESS\"\nfamily = \"alg\"");
    unknown_option_level: rule!("option = \"sokcet.SO_REUSEADDR\"");
    unknown_option: rule!("option = \"tcp.TCP_NODELEY\"");
    an_option_without_level: rule!("option = \"SO_REUSEADDR\"");
    a_family_out_of_range: rule!("family = 256");
    a_type_out_of_range: rule!("type = 16");
    a_protocol_out_of_range: rule!("protocol = -1");
    an_errno_out_of_range: rule!("errno = 4096\nfamily = \"alg\"");
    a_port_out_of_range: rule!("port = [80, 65536]");
    no_port: rule!("port = \"http\"");
    a_range_backwards: rule!("port = \"443-80\"");
    no_address: rule!("address = \"10.0.0\"");
    a_name_for_an_address: rule!("address = \"example.org\"");
    a_prefix_too_long: rule!("address = \"10.0.0.0/33\"");
    bits_below_the_prefix: rule!("address = [\"127.0.0.1\", \"10.1.2.3/8\"]");
    a_glob_without_end: rule!("address = \"/run/[a-z\"");
    no_context_id: rule!("address = \"vsock:host\"");
    an_empty_list: rule!("family = []");
    no_matcher: rule!("reason = \"everything\"");
    an_errno_for_an_allowance: "default = \"deny\"\n[[rule]]\naction = \"allow\"\nerrno = \"EPERM\"\nfamily = \"inet\"\n";
    two_errnos: rule!("errno = [\"EPERM\", \"EACCES\"]\nfamily = \"inet\"");
    an_address_for_a_call_without: rule!("call = \"create\"\naddress = \"10.0.0.0/8\"");
    an_option_with_a_family: rule!("option = \"tcp.*\"\nfamily = \"inet\"");
    an_option_for_a_call_without: rule!("call = \"connect\"\noption = \"tcp.*\"");
    a_family_for_a_call_without: rule!("call = \"accept\"\nfamily = \"unix\"");
    an_address_of_another_family: rule!("family = \"unix\"\naddress = \"10.0.0.0/8\"");
    a_port_of_a_unix_socket: rule!("address = \"/run/**\"\nport = 80");
    a_port_of_a_family_without: rule!("family = \"netlink\"\nport = 80");
    an_address_of_a_raw_socket: rule!("type = \"raw\"\naddress = \"10.0.0.0/8\"");
    an_address_of_sctp: rule!("protocol = \"sctp\"\naddress = \"10.0.0.0/8\"");
    a_protocol_of_another_family: rule!("family = \"unix\"\nprotocol = \"tcp\"");
    a_reason_that_is_no_text: rule!("family = \"alg\"\nreason = 7");
    several_at_once: "default = \"alow\"\n[[rule]]\naction = \"deny\"\nfamily = \"alf\"\n[[rule]]\naction = \"deny\"\nport = -1\n";
    several_in_one_rule: "default = \"allow\"\n[[rule]]\naction = \"dney\"\nfamilly = \"alg\"\nfamily = [\"inte\", 300, 1.5]\n\
        type = \"strm\"\nport = [80, 1.5, \"http\"]\nerrno = [\"EPRM\", \"EACCES\"]\nreason = 7\n";
    several_ports_out_of_range: rule!("port = [65536, 80, \"1-70000\"]");
    a_type_without_vowels: rule!("type = \"strm\"");
    a_port_with_a_point: rule!("port = 80.5");
    letters_beyond_ascii: rule!("reason = \"größer 😀\"\nfamily = [\"größer\", \"inet\"]");
}

broken_short! {
    short_without_a_key: "alg";
    short_with_an_unknown_key: "famly=alg,vsock type=stream";
    short_with_a_key_twice: "family=alg family=vsock";
    short_without_a_value: "family=";
    short_with_nothing: "";
    short_with_an_unknown_name: "family=alg,vsok";
    short_with_a_bad_address: "address=10.0.0.1/8 port=443";
    short_that_never_matches: "call=create port=80";
}

#[test]
fn short_allowance_with_an_errno() {
    let error = Rule::short("--allow", false, "family=inet errno=EPERM").expect_err("a mistake");
    insta::assert_snapshot!(error.render(false));
}

/// One line for logs, with the place and the remedy.
#[test]
fn one_line() {
    let errors = Policy::parse("policy.toml", rule!("address = \"10.1.2.3/8\"")).expect_err("a mistake");
    assert_eq!(
        errors.to_string(),
        "policy.toml:5:11: `10.1.2.3/8` has bits below its prefix: did you mean `10.0.0.0/8`?"
    );
    let errors = Policy::parse("policy.toml", rule!("family = \"alf\"")).expect_err("a mistake");
    assert_eq!(errors.to_string(), "policy.toml:5:10: unknown family `alf`: did you mean `alg`?");
}

/// Colours are for terminals; the words are the same.
#[test]
fn colour() {
    let errors = Policy::parse("policy.toml", "default = \"alow\"\n").expect_err("a mistake");
    let (plain, styled) = (errors.render(false), errors.render(true));
    assert!(!plain.contains('\x1b') && styled.contains('\x1b'));
}
