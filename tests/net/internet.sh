# SPDX-License-Identifier: Apache-2.0
# The hermetic Internet of the network tests. Sourced by tests; needs root.
#
#   this shell's namespaces ("the host")                 namespace inet ("the Internet")
#   ┌───────────────────────────────┐                    ┌──────────────────────────────────────┐
#   │ sluice run / attach           │ up0         down0  │ 203.0.113.53   authoritative DNS     │
#   │ 203.0.113.2   2001:db8:113::2 ├────────────────────┤ 198.51.100.10  web.test (nginx, TLS) │
#   │ default routes via .1 / ::1   │                    │ 198.51.100.20  evil.test (sinkhole)  │
#   └───────────────────────────────┘                    │ + 2001:db8:100::10 / ::20, peer serve│
#                                                        └──────────────────────────────────────┘
# With WIRE="KEY=VALUE ..." the line between the two is a long one, bench/wire in namespace mid.
#
# Everything happens in private mount, network and pid namespaces: internet_enter re-executes the test
# there, so nothing can leak onto the machine, and all processes end with the test.

internet_enter() {	# internet_enter "$0" "$@": once, first thing in a test
	[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP needs root"; exit 0; }
	[ -n "${INTERNET_INSIDE:-}" ] && return
	INTERNET_INSIDE=1 exec unshare --mount --net --pid --fork --kill-child --mount-proc --propagation private bash "$@"
}

internet_up() {
	set -eu
	T=$(mktemp -d /tmp/sluice-net.XXXXXX)
	trap internet_down EXIT
	chmod 755 "$T"
	# A copy that an ordinary user can read, wherever the build is.
	mkdir "$T/bin"
	cp "$SLUICE_BUILD"/sluice "$SLUICE_BUILD"/sluice-* "$SLUICE_BUILD/tests/net/"{peer,soak} "$T/bin"
	cp -r "$SLUICE_BUILD"/presets "$SLUICE_BUILD"/profiles "$T/bin"
	mkdir -p /run/netns
	mount -t tmpfs none /run/netns
	# Root's sandboxes by name: the test's own.
	mkdir -p -m 700 /run/sluice
	mount -t tmpfs -o mode=700 none /run/sluice
	# A device node that an ordinary user may open, as distributions set it up.
	mkdir -p /dev/net
	mount -t tmpfs -o mode=755 none /dev/net
	mknod -m 666 /dev/net/tun c 10 200
	printf '127.0.0.1 localhost\n::1 localhost\n198.51.100.10 hosted.test\n' >"$T/hosts"
	printf 'nameserver 203.0.113.53\n' >"$T/resolv.conf"
	# A minimal system may have neither file: then they appear in an overlay, not on the machine.
	if [ ! -e /etc/hosts ] || [ ! -e /etc/resolv.conf ]; then
		mkdir "$T/etc"
		mount -t tmpfs none "$T/etc"
		mkdir "$T/etc/upper" "$T/etc/work"
		mount -t overlay -o "lowerdir=/etc,upperdir=$T/etc/upper,workdir=$T/etc/work" none /etc
		touch /etc/hosts /etc/resolv.conf
	fi
	mount --bind "$T/hosts" /etc/hosts
	mount --bind "$T/resolv.conf" /etc/resolv.conf

	sysctl -qw net.ipv4.ip_unprivileged_port_start=0 net.ipv4.ping_group_range="0 2147483647" \
		net.ipv4.tcp_tw_reuse=1 net.ipv4.ip_local_port_range="10000 65000"
	ip link set lo up
	ip netns add inet
	if [ -n "${WIRE:-}" ]; then
		internet_wire
	else
		ip link add up0 type veth peer name down0 netns inet
	fi
	ip addr add 203.0.113.2/24 dev up0
	ip addr add 2001:db8:113::2/64 dev up0 nodad
	ip link set up0 up
	ip -n inet link set lo up
	ip -n inet addr add 203.0.113.1/24 dev down0
	ip -n inet addr add 203.0.113.53/24 dev down0
	ip -n inet addr add 2001:db8:113::1/64 dev down0 nodad
	ip -n inet link set down0 up
	ip netns exec inet nft -f - <<-'EOF'
		table inet internet {
			counter received { }
			chain arriving {
				type filter hook prerouting priority raw;
				iifname != "down0" return
				meta l4proto 58 icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, mld-listener-query, mld-listener-report, mld2-listener-report } return
				counter name received
			}
		}
	EOF
	local a
	for a in 198.51.100.10 198.51.100.11 198.51.100.20 169.254.169.254 10.9.9.9; do
		ip -n inet addr add $a/32 dev lo
	done
	for a in 2001:db8:100::10 2001:db8:100::11 2001:db8:100::20 fd00:9::9; do
		ip -n inet addr add $a/128 dev lo nodad
	done
	# "Unreachable" is said by the Internet's router, as in life.
	ip netns exec inet sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
		net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0 net.ipv4.tcp_tw_reuse=1
	ip -n inet route add unreachable 198.51.100.99/32
	ip -n inet route add unreachable 2001:db8:100::99/128
	ip route add default via 203.0.113.1
	ip route add default via 2001:db8:113::1
	internet_dns
	internet_web
	ip netns exec inet "$T/bin/peer" serve >"$T/peer.out" 2>"$T/peer.err" &
	ip netns exec inet iperf3 -s >"$T/iperf3.out" 2>&1 &
	internet_wait "far side's peer" grep -q ready "$T/peer.out"
	internet_wait "iperf3" internet_listens 5201
}

internet_wire() {
	ip netns add mid
	ip netns exec mid sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	ip link add up0 type veth peer name wa netns mid
	ip -n inet link add down0 type veth peer name wb netns mid
	ip -n mid link set wa arp off up
	ip -n mid link set wb arp off up
	# shellcheck disable=SC2086
	ip netns exec mid "$SLUICE_BUILD/bench/wire" wa wb $WIRE >"$T/wire.out" 2>"$T/wire.err" &
	wire=$!
	internet_wait "the wire" grep -q ready "$T/wire.out"
}

internet_down() {
	local status=$?
	if [ $status != 0 ]; then
		tail -n 20 "$T"/*.err "$T"/*.log 2>/dev/null | sed 's/^/# /' || :
	fi
	umount -l /etc/hosts /etc/resolv.conf 2>/dev/null || :
	# The overlay, where there is one, holds its upper directory.
	! mountpoint -q "$T/etc" || umount -l /etc "$T/etc" || :
	rm -rf "$T"
	exit $status
}

# Waits for a condition, at most 10 s, without a fixed pause: the check itself paces the loop.
internet_wait() {
	local what=$1 end=$((SECONDS + 10))
	shift
	until "$@" 2>/dev/null; do
		[ $SECONDS -lt $end ] || { echo "Bail out! $what did not start"; tail "$T"/*.err >&2; exit 1; }
		read -rt 0.02 <> <(:) || :
	done
}

internet_listens() { [ -n "$(ip netns exec inet ss -Hltn "sport = :$1")" ]; }

internet_dns() {
	mkdir -p "$T/knot/zones" "$T/knot/run" "$T/knot/db"
	cat >"$T/knot/zones/test.zone" <<-'END'
		$ORIGIN test.
		$TTL 60
		@ SOA ns.test. root.test. 1 60 60 60 60
		@ NS ns.test.
		ns A 203.0.113.53
		web A 198.51.100.10
		web AAAA 2001:db8:100::10
		web4 A 198.51.100.10
		web6 AAAA 2001:db8:100::10
		www.sub.web CNAME web
		alias CNAME web
		shared A 198.51.100.10
		shared AAAA 2001:db8:100::10
		evil A 198.51.100.20
		evil AAAA 2001:db8:100::20
		rebind A 10.9.9.9
		rebind A 127.0.0.1
		rebind A 203.0.113.2
		rebind AAAA fd00:9::9
		rebind AAAA ::1
		meta A 169.254.169.254
		gone A 198.51.100.99
		gone AAAA 2001:db8:100::99
		closed A 198.51.100.11
		closed AAAA 2001:db8:100::11
		gone4 A 198.51.100.99
		gone6 AAAA 2001:db8:100::99
		closed4 A 198.51.100.11
		closed6 AAAA 2001:db8:100::11
		*.wild A 198.51.100.10
		*.wild AAAA 2001:db8:100::10
		text TXT "hello"
	END
	# Enough records for a truncated UDP answer.
	local i
	for i in $(seq 1 60); do echo "many A 198.51.100.$((i + 100))"; done >>"$T/knot/zones/test.zone"
	cat >"$T/knot/knot.conf" <<-END
		server:
		    rundir: "$T/knot/run"
		    listen: [ 203.0.113.53@53 ]
		log:
		  - target: stderr
		    any: warning
		database:
		    storage: "$T/knot/db"
		template:
		  - id: default
		    storage: "$T/knot/zones"
		    file: "%s.zone"
		zone:
		  - domain: test
	END
	ip netns exec inet knotd -c "$T/knot/knot.conf" >"$T/knot.log" 2>&1 &
	internet_wait "DNS server" internet_listens 53
}

internet_web() {
	local d=$T/web
	mkdir -p "$d/root" "$d/tmp"
	(
		cd "$d"
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=Hermetic test CA" \
			-keyout ca.key -out ca.pem
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=web.test" -keyout web.key -out web.csr
		printf 'subjectAltName=%s\n' "$(for n in web web4 web6 www.sub.web alias shared hosted '*.wild'; do
			printf 'DNS:%s.test,' "$n"; done)IP:198.51.100.10,IP:2001:db8:100::10" >ext
		openssl x509 -req -in web.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile ext -out web.pem
	) >"$T/openssl.log" 2>&1
	echo "hello from web.test" >"$d/root/hello"
	echo "you reached the sinkhole" >"$d/evil"
	chmod -R a+rX "$d"
	cat >"$d/nginx.conf" <<-END
		daemon off;
		worker_processes 2;
		pid $d/nginx.pid;
		error_log $T/nginx.log warn;
		user root;
		events { worker_connections 4096; }
		http {
		  access_log off;
		  client_body_temp_path $d/tmp; proxy_temp_path $d/tmp; fastcgi_temp_path $d/tmp;
		  uwsgi_temp_path $d/tmp; scgi_temp_path $d/tmp;
		  client_max_body_size 2g;
		  keepalive_requests 1000000;
		  server {
		    listen 198.51.100.10:80; listen [2001:db8:100::10]:80;
		    listen 198.51.100.10:443 ssl; listen [2001:db8:100::10]:443 ssl;
		    listen 198.51.100.10:8443 ssl; listen [2001:db8:100::10]:8443 ssl;
		    listen 198.51.100.10:8080; listen [2001:db8:100::10]:8080;
		    ssl_certificate $d/web.pem; ssl_certificate_key $d/web.key;
		    root $d/root;
		    location /upload { client_body_in_file_only clean; dav_methods PUT; root $d/root; create_full_put_path on; }
		    location /git/ { root $d/root; }
		  }
		  # No client's first guess of a group: TLS 1.3 needs a HelloRetryRequest.
		  server {
		    listen 198.51.100.10:8444 ssl; listen [2001:db8:100::10]:8444 ssl;
		    ssl_certificate $d/web.pem; ssl_certificate_key $d/web.key;
		    ssl_protocols TLSv1.3; ssl_ecdh_curve secp384r1;
		    root $d/root;
		  }
		  server {
		    listen 198.51.100.20:80; listen [2001:db8:100::20]:80;
		    listen 169.254.169.254:80; listen 10.9.9.9:80; listen [fd00:9::9]:80;
		    access_log $T/sinkhole.log;
		    location / { root $d; try_files /evil =404; }
		  }
		}
	END
	# Not every nginx package has the DAV module; uploads then go to the peer instead.
	ip netns exec inet nginx -t -c "$d/nginx.conf" >"$T/nginx-test.log" 2>&1 || sed -i '/location \/upload/d' "$d/nginx.conf"
	: >"$T/sinkhole.log"
	ip netns exec inet nginx -c "$d/nginx.conf" 2>"$T/nginx.err" &
	internet_wait "nginx" internet_listens 443
}

# IP packets that the Internet has received from the host since the start. What the host's kernel sends of
# its own accord at any time (ARP, neighbour and router discovery, multicast reports) is not among them.
internet_frames() {
	ip netns exec inet nft -j list counter inet internet received | jq '.nftables[] | select(.counter) | .counter.packets'
}

# ---- TAP --------------------------------------------------------------------------------------------

tap_n=0
tap_failed=0
ok() {		# ok "what" command...: passes when the command succeeds
	local what=$1
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
not() { ! "$@"; }
done_testing() { echo "1..$tap_n"; [ $tap_failed = 0 ]; }

# An ordinary user of this test's own; HOME is writable.
as_user() {
	mkdir -p "$T/home"
	chown 4242:4242 "$T/home"
	(cd "$T/home" && exec setpriv --reuid 4242 --regid 4242 --clear-groups --inh-caps=-all env HOME="$T/home" "$@")
}
