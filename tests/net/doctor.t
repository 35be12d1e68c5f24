#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# sluice doctor on machines with something missing: it says so, and what to do.
set -eu
. "$(dirname "$0")/internet.sh"
. "$(dirname "$0")/suite.sh"
internet_enter "$0" "$@"
internet_up
cp -r "$SLUICE_BUILD/apparmor" "$T/bin"
D="$T/bin/sluice doctor"

# An ordinary user whom the kernel allows no user namespace; further kernel settings as files.
# without "setup" command...
without() {
	local setup=$1
	shift
	unshare --user --map-root-user --mount sh -c "echo 0 >/proc/sys/user/max_user_namespaces
		hide() { mount -t tmpfs none /proc/sys/\$1; }
		set_() { mount -t tmpfs none /proc/sys/kernel; echo \$2 >/proc/sys/kernel/\$1; }
		$setup"'
		exec setpriv --bounding-set=-all --inh-caps=-all "$@"' sh "$@"
}
json() {	# json FILTER command...: the filter is true of its JSON
	local filter=$1
	shift
	"$@" >"$T/json" || :
	cat "$T/json"
	jq -e "$filter" "$T/json"
}

for AS in as_root as_user; do
	as_root() { "$@"; }
	ok "$AS: sandboxes can run" says "Sandboxes can run" $AS $D
	ok "$AS: status 0" $AS $D
	ok "$AS: JSON" json '.can_run and (.checks | length > 12) and all(.checks[]; .check and .level and .detail)' $AS $D --json
	ok "$AS: what is less has a remedy" json 'all(.checks[] | select(.level != "ok"); .remedy)' $AS $D --json
	ok "$AS: nothing is left behind" says "$(mount | wc -l)" sh -c "mount | wc -l"
	ok "$AS: an unknown word" exits 125 $AS $D --jsn
done
ok "root makes cgroups" json '.checks[] | select(.check == "limits") | .detail | contains("--memory")' $D --json
ok "an ordinary user has one id" says "usermod --add-subuids" as_user $D
ok "without user namespaces it is bad" exits 1 without : $D
ok "and the switch is named" says "sysctl user.max_user_namespaces=10000" without : $D
ok "as JSON" json '.can_run == false and (.checks[] | select(.check == "user namespace") | .level == "bad" and
	.remedy == "an administrator can set it: sysctl user.max_user_namespaces=10000")' without : $D --json
ok "Debian's switch" says "sysctl kernel.unprivileged_userns_clone=1" \
	without "hide user; set_ unprivileged_userns_clone 0" $D
ok "AppArmor, with the profile that comes with sluice" says "install -m 644 $T/bin/apparmor/sluice /etc/apparmor.d/sluice && apparmor_parser -r" \
	without "hide user; set_ apparmor_restrict_unprivileged_userns 1" $D
ok "a run says the same" says "apparmor_parser -r" \
	without "hide user; set_ apparmor_restrict_unprivileged_userns 1" "$T/bin/sluice" run -- true
ok "the profile is there" grep -q "^profile sluice .*flags=(unconfined)" "$T/bin/apparmor/sluice"
mv "$T/bin/sluice-stack" "$T/bin/gone"
ok "a missing program is bad" says "BAD   sluice-stack" $D
ok "status 1" exits 1 $D
mv "$T/bin/gone" "$T/bin/sluice-stack"
mount -t tmpfs none /dev/net
ok "no tun: what to load" says "modprobe tun" $D
umount /dev/net
done_testing
