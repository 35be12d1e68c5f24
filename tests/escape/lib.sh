# SPDX-License-Identifier: Apache-2.0
# Common to the escape tests: attacks inside the jail, each with a control that shows it works outside.
# Everything happens in private mount, network and pid namespaces, so nothing can leak onto the machine.
#
#	AS=root|user	whose jail it is		T	a folder that everybody may enter
# The attacks run in the jail alone (jailrun), or, with ESCAPE_RUN=sluice, in the whole of `sluice run`.

escape_enter() {	# escape_enter "$0" "$@": once, first thing in a test
	[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP needs root"; exit 0; }
	[ -n "${ESCAPE_INSIDE:-}" ] && { escape_up; return; }
	ESCAPE_INSIDE=1 exec unshare --mount --net --pid --ipc --uts --fork --kill-child --mount-proc \
		--propagation private bash ${ESCAPE_TRACE:+-x} "$@"
}

escape_up() {
	T=$(mktemp -d /tmp/sluice-escape.XXXXXX)
	trap 'umount -l "$T"/*/* 2>/dev/null || :; rm -rf "$T"' EXIT
	chmod 755 "$T"
	mkdir "$T/bin" "$T/share" "$T/home"
	cp "$SLUICE_BUILD"/tests/escape/{jailrun,holerun,probe,ptyrun} "$T/bin"
	cp "$SLUICE_BUILD"/tests/escape/{probe32,threads-musl} "$T/bin" 2>/dev/null || :
	[ "${ESCAPE_RUN:-}" != sluice ] || cp "$SLUICE_BUILD"/sluice "$SLUICE_BUILD"/sluice-* "$T/bin"
	chmod -R a+rX "$T"
	chmod 777 "$T/share"
	chown 4242:4242 "$T/home"
	echo planted >"$T/secret"
	chmod 644 "$T/secret"
	cd "$T"
	P=$T/bin/probe
}

tap_n=0
tap_failed=0
ok() {		# ok "what" command...: passes when the command succeeds
	local what="${AS:+$AS: }$1"
	shift
	tap_n=$((tap_n + 1))
	if "$@" >"$T/out" 2>&1; then
		echo "ok $tap_n - $what"
	else
		echo "not ok $tap_n - $what"
		sed 's/^/#   /' "$T/out" | tail -n 25
		tap_failed=1
	fi
}
skip() { tap_n=$((tap_n + 1)); echo "ok $tap_n - ${AS:+$AS: }$1 # SKIP $2"; }
not() { ! "$@"; }
done_testing() { echo "1..$tap_n"; [ $tap_failed = 0 ]; }

as() {		# as root|user command...
	local who=$1
	shift
	if [ "$who" = user ]; then
		setpriv --reuid 4242 --regid 4242 --clear-groups --inh-caps=-all env HOME="$T/home" "$@"
	else
		"$@"
	fi
}
jail() {	# jail [jailrun options] -- command...: with the programs of the tests bound at their place
	if [ "${ESCAPE_RUN:-}" = sluice ]; then
		local opts=(--quiet --let power --ro-bind "$T/bin")
		while [ "$1" != -- ]; do
			case $1 in
			-b) opts+=(--ro-bind "$2"); shift ;;
			-w) opts+=(--bind "$2"); shift ;;
			-u) opts+=(--uid "$2"); shift ;;
			-m) opts+=("$2"); shift ;;
			-d) opts+=(--chdir "$2"); shift ;;
			-e) opts+=(--env "$2"); shift ;;
			-h) opts+=(--hostname "$2"); shift ;;
			-P) opts+=(--pty) ;;
			-S) opts+=(--no-seccomp) ;;
			-M) opts+=(--seccomp-mode "$2"); shift ;;
			-p) opts+=(--seccomp "$2"); shift ;;
			-L) opts+=(--landlock "$2"); shift ;;
			-E) opts+=(--keep-env) ;;
			esac
			shift
		done
		as "$AS" "$T/bin/sluice" run "${opts[@]}" "$@"
	else
		as "$AS" "$T/bin/jailrun" -b "$T/bin" "$@"
	fi
}
in_() { jail -- "$@"; }
sh_() { jail -- sh -c "$1"; }

prints() {	# prints TEXT command...: its output is TEXT, line for line; its status is not judged
	local want=$1 got
	shift
	got=$("$@" 2>&1 | grep -v '^sluice: ') || :
	echo "$got"
	[ "$got" = "$want" ]
}
says() {	# says TEXT command...: its output contains TEXT
	local want=$1
	shift
	"$@" >"$T/says" 2>&1 || :
	cat -v "$T/says"
	grep -qaF -- "$want" "$T/says" && ! grep -q "^ptyrun: gave up" "$T/says"
}
exits() {	# exits STATUS command...
	local want=$1 got=0
	shift
	"$@" || got=$?
	echo "status $got, wanted $want"
	[ "$got" = "$want" ]
}
wait_for() {	# a condition, at most 10 s; the check itself paces the loop
	local end=$((SECONDS + 10))
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		read -rt 0.02 <> <(:) || :
	done
}
launcher() {	# launcher TEXT: the pid of the launcher whose command line holds TEXT
	pgrep -f "(jailrun -b|sluice run) .*$1" | head -n 1
}
alone() { [ -z "${ESCAPE_RUN:-}" ]; }	# the jail alone, without the gateway
