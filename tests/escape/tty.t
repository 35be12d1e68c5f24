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
done
AS=
done_testing
