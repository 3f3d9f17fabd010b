#!/bin/sh
# Makes the recordings beside it anew: record.sh STRACE. strace's lines are what the decoder's must be equal to.
set -eu
strace=$1
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
cc -O1 -Wall -Wno-unused-result -m64 -o "$work/64" "$here/record.c"
cc -O1 -Wall -Wno-unused-result -m32 -o "$work/32" "$here/record.c"
cc -O1 -Wall -m64 -o "$work/sockets-64" "$here/sockets.c"
cc -O1 -Wall -Wno-overflow -m32 -o "$work/sockets-32" "$here/sockets.c"
calls=sendto,recvfrom,sendmsg,recvmsg,sendmmsg,recvmmsg,recvmmsg_time64

# record NAME ABI WHAT LIMITS OPTIONS...: of WHAT, or of the netlink messages of WHAT's list if there is one
record() {
	name=$1 abi=$2 what=$3 limits=$4
	shift 4
	case $abi in i386) program=32 ;; *) program=64 ;; esac
	[ ! -f "$here/$what.list" ] || what="netlink $here/$what.list"
	# shellcheck disable=SC2086 # two words
	"$strace" -q -a1 -e trace=$calls -e signal=none "$@" -o "$work/lines" \
		"$work/$program" "$abi" "$work/calls" $what 2>"$work/errors" || { cat "$work/errors" >&2; exit 1; }
	{
		echo "limits $limits"
		awk -v lines="$work/lines" '
			{ print }
			/^result/ { getline line <lines; print "line " line }
		' "$work/calls"
	} >"$here/$name.txt"
}

for abi in i386 x86-64 x32; do
	for what in messages controls vectors; do
		[ $what-$abi = controls-x32 ] && continue
		record $what-$abi $abi $what "32 32 0"
	done
done
record dumps-x86-64 x86-64 dumps "32 32 0"
record netlink x86-64 netlink "32 32 0"
record attributes x86-64 attributes "200 200 1" -v -s 200
record short x86-64 messages "5 5 0" -s 5
record verbose x86-64 vectors "32 32 1" -v

cc -O1 -Wall -m64 -o "$work/signals" "$here/signals.c"
"$strace" -q -e trace=none -o "$work/lines" "$work/signals" "$work/calls" 2>/dev/null
awk -v lines="$work/lines" '{ print; getline line <lines; print "line " line }' "$work/calls" >"$here/signals.txt"

# sockets NAME ABI STYLE LIST OPTIONS...: of the addresses of LIST, or all calls if it is none
sockets() {
	name=$1 abi=$2 style=$3 list=$4
	shift 4
	case $abi in x86-64) program=sockets-64 ;; *) program=sockets-32 ;; esac
	case $list in calls) what=calls ;; *) what="addresses $here/$list.list" ;; esac
	# shellcheck disable=SC2086 # two words
	"$strace" -q -a1 -e trace=%net,socketcall -e signal=none "$@" -o "$work/lines" \
		"$work/$program" "$abi" "$work/calls" $what 2>"$work/errors" || { cat "$work/errors" >&2; exit 1; }
	{
		echo "style $style"
		awk -v lines="$work/lines" '
			/^quiet/ { getline line <lines; next }
			{ print }
			/^result/ { getline line <lines; print "line " line }
		' "$work/calls"
	} >"$here/$name.txt"
}

for abi in i386 x86-64 socketcall; do
	sockets calls-$abi $abi plain calls
done
sockets calls-raw socketcall raw calls -X raw
sockets calls-verbose socketcall verbose calls -X verbose
sockets addresses-i386 i386 plain addresses
sockets addresses x86-64 plain addresses
sockets addresses-raw x86-64 raw addresses -X raw
sockets addresses-verbose x86-64 verbose addresses -X verbose
sockets addresses-hex x86-64 hex addresses -xx
sockets dynamic x86-64 plain dynamic
