//! The objects of docs/trace-json.md: what stands in them, and that they go there and back.

#![forbid(unsafe_code)]

mod common;

use abi::Call;
use common::{At1000, Recording, enter, entered, exit};
use decode::{Abi, Entry, Seen, What};
use serde_json::Value as Json;
use trace::{Options, Summary};

fn json() -> Options {
    Options { json: true, ..Options::default() }
}

/// Each line as an object. What was read must be written again as it was.
fn objects(text: &str) -> Vec<Json> {
    text.lines()
        .map(|line| {
            let object: Json = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            let again: Json = serde_json::from_str(&object.to_string()).unwrap();
            assert_eq!(object, again);
            object
        })
        .collect()
}

#[test]
fn a_call() {
    let mut recording = Recording::new(json());
    let memory = At1000(&[2, 0, 0, 80, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    let seen = Seen {
        abi: Abi::I386,
        number: 362,
        registers: [3, 0x1000, 16, 0, 0, 0],
        entry: Entry::Vdso,
        taken_apart: Some(Call::Connect),
    };
    let request = entered(seen, &memory);
    recording.event(7, What::Enter(&request));
    let request = exit(request, -111, &memory);
    recording.event(7, What::Exit { request: &request, took: 1_000_000, system: 0 });
    insta::assert_snapshot!(recording.end(), @r#"{"event":"call","pid":7,"time":1795449087.563013,"monotonic":5.000000000,"name":"connect","abi":"i386","entry":"vdso","number":362,"multiplexed":3,"args":[{"name":"sockfd","raw":3,"decoded":{"fd":3}},{"name":"addr","raw":4096,"decoded":{"struct":{"sa_family":{"value":2,"name":"AF_INET"},"sin_port":{"raw":{"hex":"0050"},"is":{"function":"htons","arguments":[80]}},"sin_addr":{"raw":{"hex":"7f000001"},"is":{"function":"inet_addr","arguments":["127.0.0.1"]}}}}},{"name":"addrlen","raw":16,"decoded":16}],"status":"failed","result":null,"errno":111,"error":"ECONNREFUSED","duration":0.001000000}"#);
}

#[test]
fn a_call_that_is_to_be_made_again() {
    let mut recording = Recording::new(json());
    let receive = enter(45, [3, 0x1000, 100, 0, 0, 0], &At1000(&[]));
    recording.event(7, What::Enter(&receive));
    let receive = exit(receive, -512, &At1000(&[]));
    recording.event(7, What::Exit { request: &receive, took: 0, system: 0 });
    let object = &objects(&recording.end())[0];
    assert_eq!((object["errno"].as_i64(), object["error"].as_str()), (Some(512), Some("ERESTARTSYS")));
}

#[test]
fn what_happens_to_threads() {
    let mut recording = Recording::new(json());
    let mut info = [0; 128];
    info[0] = 10;
    let receive = enter(45, [3, 0x1000, 100, 0, 0, 0], &At1000(&[]));
    recording.event(7, What::Attached { by_us: false });
    recording.event(7, What::Mode(Abi::I386));
    recording.event(7, What::Signal(&info));
    recording.event(7, What::Stopped(19));
    recording.event(7, What::Enter(&receive));
    recording.event(7, What::Ending);
    recording.event(7, What::Enter(&receive));
    recording.event(7, What::Superseded { by: 9 });
    recording.event(7, What::Exited(3));
    recording.event(8, What::Attached { by_us: true });
    recording.event(8, What::Enter(&receive));
    recording.event(8, What::Detached);
    recording.event(10, What::Attached { by_us: true });
    recording.event(10, What::Refused { request: &receive, rule: "deny \"inet\"" });
    recording.event(10, What::Killed { signal: 9, core: false });
    let text = recording.end();
    let objects = objects(&text);
    let events: Vec<_> = objects.iter().map(|object| object["event"].as_str().unwrap()).collect();
    insta::assert_snapshot!(events.join(" "), @r#"attached mode signal stopped call call superseded exited attached call detached attached call killed"#);
    let statuses: Vec<_> = objects.iter().filter_map(|object| object["status"].as_str()).collect();
    assert_eq!(statuses, ["unfinished", "unfinished", "detached", "refused"]);
    insta::assert_snapshot!(text.lines().filter(|line| !line.contains("\"call\"")).collect::<Vec<_>>().join("\n"), @r#"
    {"event":"attached","pid":7,"time":1795449087.563013,"monotonic":5.000000000,"by_us":false}
    {"event":"mode","pid":7,"time":1795449087.564013,"monotonic":5.001000000,"abi":"i386"}
    {"event":"signal","pid":7,"time":1795449087.565013,"monotonic":5.002000000,"signal":"SIGUSR1","number":10,"info":{"struct":{"si_signo":{"raw":10,"is":{"word":"SIGUSR1"}},"si_code":{"value":0,"name":"SI_USER"},"si_pid":0,"si_uid":0}}}
    {"event":"stopped","pid":7,"time":1795449087.566013,"monotonic":5.003000000,"signal":"SIGSTOP","number":19}
    {"event":"superseded","pid":7,"time":1795449087.570013,"monotonic":5.007000000,"by":9}
    {"event":"exited","pid":7,"time":1795449087.571013,"monotonic":5.008000000,"exit_status":3}
    {"event":"attached","pid":8,"time":1795449087.572013,"monotonic":5.009000000,"by_us":true}
    {"event":"detached","pid":8,"time":1795449087.574013,"monotonic":5.011000000}
    {"event":"attached","pid":10,"time":1795449087.575013,"monotonic":5.012000000,"by_us":true}
    {"event":"killed","pid":10,"time":1795449087.577013,"monotonic":5.014000000,"signal":"SIGKILL","number":9,"core":false}
    "#);
}

#[test]
fn counts() {
    let mut recording = Recording::new(Options { summary: Summary::Only, wall_clock: true, ..json() });
    let request = enter(41, [2, 1, 0, 0, 0, 0], &At1000(&[]));
    let request = exit(request, 3, &At1000(&[]));
    recording.event(7, What::Exit { request: &request, took: 1_500, system: 0 });
    insta::assert_snapshot!(recording.end(), @r#"{"event":"count","name":"socket","abi":"x86-64","calls":1,"errors":0,"seconds":0.000001500,"bytes_in":0,"bytes_out":0,"ways":{"x86-64":1}}"#);
}
