#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The terminal: a program can use it, stop and continue on it, and cannot type into it for the user.
set -eu
. "$(dirname "$0")/lib.sh"
escape_enter "$0" "$@"

cat >"$T/run" <<-END
	#!/bin/bash
	# the jail as one word, for the shell on the terminal
	$(declare -f as jail)
	T=$T AS=\$1 ESCAPE_RUN=${ESCAPE_RUN:-}
	shift
	$(declare -f jail | sed 's/^jail/exec_jail/; s/as "\$AS" "\$T/exec_as "$AS" "$T/')
	exec_as() {
		local who=\$1
		shift
		[ "\$who" = root ] && exec "\$@"
		exec setpriv --reuid 4242 --regid 4242 --clear-groups --inh-caps=-all env HOME="$T/home" "\$@"
	}
	exec_jail "\$@"
END
chmod 755 "$T/run"
echo 'set enable-bracketed-paste off' >"$T/inputrc"
# A terminal of this test's own: who runs as user opens it as well.
pty() { "$T/bin/ptyrun" "$@"; }
shell() {	# shell -x TEXT=KEYS...: an interactive shell on a terminal
	pty "$@" -- env PS1=OUT% INPUTRC="$T/inputrc" bash --norc --noprofile -i
}

ok "control: outside, a program types into the terminal" says "typed" pty -- sh -c "$P type 0x5412; sleep 0.2; read x; echo got \$x"
for AS in root user; do
	J="$T/run $AS"
	ok "TIOCSTI is refused" says EPERM pty -- $J -- "$P" type 0x5412
	ok "TIOCSTI with upper half set is refused" says EPERM pty -- $J -- "$P" type 0x100005412
	ok "TIOCSTI on /dev/tty is refused" says EPERM pty -- $J -- sh -c "$P type 0x5412 </dev/tty"
	ok "TIOCLINUX is refused" says EPERM pty -- $J -- "$P" paste 0x541c
	ok "TIOCLINUX with upper half set is refused" says EPERM pty -- $J -- "$P" paste 0xffffffff0000541c
	ok "without the filter the terminal is another session's" says EPERM pty -- $J -S -- "$P" type 0x5412
	ok "a new session cannot take the terminal" says EPERM pty -- $J -- "$P" ctty
	ok "the program sees a terminal of the right size" says "33 99" pty -- $J -- stty size
	ok "and knows its name" says /dev/console pty -- $J -- tty
	ok "and can open /dev/tty" says opened pty -- $J -- sh -c "echo opened >/dev/tty"
	ok "it can have terminals of its own" says /dev/pts/0 in_ script -qc tty /dev/null
	ok "^C ends it, status 130" says "status 130" shell -x "OUT%=$J -- $P ready\n" \
		-x 'ready=\003' -x 'OUT%=echo status $?\n' -x 'OUT%=exit\n'
	ok "^Z stops it and fg brings it back" says "was back" shell -x "OUT%=$J -- $P ask 0 -\n" \
		-x 'ready=\032' -x 'Stopped=' -x 'OUT%=fg\n' -x 'ask 0=back\n' -x 'was=' -x 'OUT%=exit\n'
	ok "bg continues it, and reading stops it again" says "was late" shell \
		-x "OUT%=$J -- $P ask 300 -\n" -x 'ready=\032' -x 'Stopped=' \
		-x 'OUT%=bg\n' -x 'OUT%=sleep 1; jobs\n' -x 'Stopped=' -x 'OUT%=fg\n' -x 'ask 300=late\n' \
		-x 'was=' -x 'OUT%=exit\n'
	ok "started in the background, fg gives it the terminal" says "was front" shell \
		-x "OUT%=$J -- $P ask 0 - &\n" -x 'OUT%=sleep 0.5; fg\n' -x 'ready=' -x 'ask 0=front\n' \
		-x 'was=' -x 'OUT%=exit\n'
	ok "in a pipeline it gets the terminal when it asks" says "was asked" shell \
		-x "OUT%=$J -- $P ask 0 /dev/tty | cat\n" -x 'ready=asked\n' -x 'OUT%=exit\n'
	ok "a shell inside has job control" says "inner 130" shell -x "OUT%=$J -e PS1=IN% -- bash --norc --noprofile -i\n" \
		-x "IN%=$P ready\n" -x 'ready=\032' -x 'Stopped=' -x 'IN%=kill %1; wait %1\n' -x "IN%=$P ready\n" \
		-x 'ready=\003' -x 'IN%=echo inner $?\n' -x 'IN%=exit\n' -x 'OUT%=exit\n'
	ok "and can be suspended and brought back" says "still here" shell -x "OUT%=$J -e PS1=IN% -- bash --norc --noprofile -i\n" \
		-x 'IN%=suspend\n' -x 'Stopped=fg\n' -x 'run=echo still here\n' -x 'still here=\n' -x 'IN%=exit\n' -x 'OUT%=exit\n'
	ok "a script around it can use the terminal afterwards" says "then next" shell \
		-x "OUT%=sh -c '$J -- bash --norc --noprofile -ic true; echo ready; read x; echo then \$x'\n" \
		-x 'ready=next\n' -x 'OUT%=exit\n'
	ok "a window change reaches it" says "window changed" pty -- $J -- bash -c \
		'trap "echo window changed" WINCH; stty rows 40; exit 0'

	ok "--pty: a terminal of its own" says /dev/pts/0 pty -- $J -P -- tty
	ok "--pty: on all three streams" says "three pts" pty -- $J -P -- sh -c \
		'[ "$(readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2 | sort -u)" = /dev/pts/0 ] && echo three pts'
	ok "--pty: the program leads its session" says "opened" pty -- $J -P -- sh -c 'echo opened >/dev/tty'
	ok "--pty: of the caller's size" says "33 99" pty -- $J -P -- stty size
	ok "--pty: a change of it is passed on" says "41 99" pty -- sh -c "(while sleep 0.1; do stty rows 41 </dev/tty; done) &
		exec $J -P -- bash -c 'while [ \"\$(stty size)\" = \"33 99\" ]; do sleep 0.05; done; stty size'"
	ok "--pty: what is typed arrives" says "was hello" pty -x 'ready=hello\n' -- $J -P -- "$P" ask 0 -
	ok "--pty: ^C ends it, status 130" says "status 130" pty -x 'ready=\003' -- sh -c "$J -P -- $P ready; echo status \$?"
	ok "--pty: its own status" exits 7 pty -- $J -P -- sh -c 'exit 7'
	ok "--pty: all output arrives" says "100000" pty -- sh -c "$J -P -- seq 100000 | tail -n 1"
	ok "--pty: a shell has job control there" says "inner 130" pty -x "IN%=$P \$R\n" -x 'ready=\032' -x 'Stopped=' \
		-x 'IN%=kill %1; wait %1\n' -x "IN%=$P \$R\n" -x 'ready=\003' -x 'IN%=echo inner $?\n' -x 'IN%=exit\n' -- \
		$J -P -e R=ready -e PS1=IN% -e INPUTRC=/dev/null -- bash --norc --noprofile -i
	ok "--pty: the caller's terminal is as before" says "as before" pty -- sh -c "a=\$(stty -g); $J -P -- true; [ \"\$a\" = \"\$(stty -g)\" ] && echo as before"
	ok "--pty: also when the program is killed" says "as before" pty -- sh -c "a=\$(stty -g); $J -P -- sh -c 'kill -9 \$\$'; [ \"\$a\" = \"\$(stty -g)\" ] && echo as before"
	ok "--pty, no filter: what it types stays inside" not says "got typed" pty -x 'go=\n' -- sh -c "$J -P -S -L off -- $P type 0x5412; echo go; read x; echo got \$x"
	ok "--pty: the caller's terminal is not there" says "none" pty -- $J -P -S -L off -- sh -c '[ ! -e /dev/console ] && ! ls -l /proc/$$/fd | grep -qv "pts/0\|total" && echo none'
	ok "--pty: from a pipe, to a pipe" prints through sh -c "echo through | $J -P -- sh -c 'stty -echo; read x; echo \$x' | tr -d '\r' | tail -n 1"
	ok "--pty: the end of a pipe is an end of file" exits 0 timeout 10 sh -c "printf 'a\n' | $J -P -- cat >/dev/null"
done
AS=
done_testing
