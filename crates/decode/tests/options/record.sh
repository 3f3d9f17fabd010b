#!/bin/sh
# Makes the recordings beside it anew: record.sh STRACE. strace's lines are what the decoder's must be equal to.
set -eu
strace=$1
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
cc -O1 -Wall -Wno-unused-result -m64 -o "$work/64" "$here/record.c"
cc -O1 -Wall -Wno-unused-result -m32 -o "$work/32" "$here/record.c"

# record NAME ABI WHAT STYLE OPTIONS...
record() {
	name=$1 abi=$2 what=$3 style=$4
	shift 4
	case $abi in i386) program=32 ;; *) program=64 ;; esac
	case $what in real) ;; *) set -- "$@" -e inject=setsockopt,getsockopt:retval=0 ;; esac
	"$strace" -q -a1 -e trace=setsockopt,getsockopt -e signal=none "$@" -o "$work/lines" \
		"$work/$program" "$abi" "$work/calls" "$what" $OPTIONS 2>/dev/null
	{
		echo "style $abi $style"
		awk -v lines="$work/lines" '
			function says() {
				getline line <lines
				sub(/^[a-z]*\([^,]*, [^,]*, /, "", line)
				sub(/\) += .*$/, "", line)
				print "says " line
			}
			/^(set|get)/ { if (NR > 1) says() }
			{ print }
			END { says() }
		' "$work/calls"
	} >"${OUT:-$here}/$name.txt"
}

# OPTIONS and OUT: every length of the options that are named, to files elsewhere.
OPTIONS=${OPTIONS:-}
if [ -n "$OPTIONS" ]; then
	record swept-i386 i386 swept "abbreviated 0 plain 32"
	record swept-x86-64 x86-64 swept "verbose 1 plain 32" -v -X verbose
	record swept-x x86-64 swept "raw 0 x 200" -x -X raw -s 200
	record swept-xx i386 swept "verbose 1 xx 2" -v -xx -X verbose -s 2
	exit
fi
record real-i386 i386 real "abbreviated 0 plain 32"
record real-x86-64 x86-64 real "abbreviated 0 plain 32"
record strings x86-64 values "abbreviated 0 xx 5" -xx -s 5
record forged-i386 i386 forged "abbreviated 0 plain 32"
record forged-x86-64 x86-64 forged "raw 1 plain 32" -v -X raw
record values-x32 x32 values "verbose 0 plain 32" -X verbose
record filters-i386 i386 filters "abbreviated 1 plain 32" -v
record filters-x86-64 x86-64 filters "verbose 1 plain 32" -v -X verbose
