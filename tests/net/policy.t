#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The policy on the command line: presets are found beside the program and where it is installed, what they
# say is in force, and warnings are told where they help and nowhere else.
set -eu
. "$(dirname "$0")/internet.sh"
. "$(dirname "$0")/suite.sh"
internet_enter "$0" "$@"
internet_up
PORT=packet
P="$T/bin/sluice policy"

cat >"$T/bin/presets/lab.yaml" <<'YAML'
# SPDX-License-Identifier: Apache-2.0
# the lab's web server
version: 1
preset: lab-below
egress:
  - {allow: web.test, ports: [443]}
YAML
printf 'version: 1\negress:\n  - {allow: "*.wild.test", ports: [443], reason: below}\n' >"$T/bin/presets/lab-below.yaml"
printf 'version: 1\negress:\n  - alow: web.test\n' >"$T/bin/presets/broken.yaml"
printf 'version: 1\npreset: lab\negress:\n  - deny: x.wild.test\n' >"$T/lab.yaml"
printf 'version: 1\negress:\n  - {allow: "*.github.io"}\n' >"$T/wide.yaml"
printf 'version: 1\negress:\n  - {allow: "*.github.io", tenants: any}\n' >"$T/known.yaml"
printf 'version: 1\npreset: labb\n' >"$T/typo.yaml"
printf 'version: 1\negress:\n' >"$T/plain.yaml"
printf '  - {allow: %s.test, ports: 443}\n' web rebind meta nonesuch >>"$T/plain.yaml"
cp "$T/plain.yaml" "$T/meta.yaml"
printf '  - {allow: 169.254.169.254, ports: 443}\n  - deny: 198.51.100.10\n' >>"$T/meta.yaml"
for k in require any; do
	printf 'version: 1\negress:\n  - {allow: web.test, ports: 443, tls: %s, reason: TLS}\n' $k >"$T/tls-$k.yaml"
done

for AS in root user; do
	ok "$AS: --preset lets its hosts out" says "hello from web.test" curl_ "--preset lab" https://web.test/hello
	ok "$AS: and those of the preset it names" says "hello from" curl_ "--preset lab" https://a.wild.test/hello
	ok "$AS: and nothing else" not curl_ "--preset lab" http://web.test/hello
	ok "$AS: preset: in a file" says "hello from" curl_ "--policy $T/lab.yaml" https://a.wild.test/hello
	ok "$AS: a denial of the file wins over the preset" not curl_ "--policy $T/lab.yaml" https://x.wild.test/hello
	ok "$AS: an unknown preset" says 'sluice: --preset: there is no preset lap; did you mean lab?' \
		exits 125 sluice_ --preset lap -- true
	ok "$AS: a path is no preset" says "not the name of a preset" exits 125 sluice_ --preset ../lab -- true
	ok "$AS: an error inside a preset has its place" says "sluice: preset broken:3:5: unknown key" \
		exits 125 sluice_ --preset broken -- true
	ok "$AS: a warning is told at the start" says "$T/wide.yaml:3:13: warning: *.github.io" \
		sluice_ --policy "$T/wide.yaml" -- true
	ok "$AS: of --allow as well" says "sluice: --allow: warning: gist.github.com takes" \
		sluice_ --allow gist.github.com -- true
	ok "$AS: not with --quiet" not says warning sluice_ --quiet --policy "$T/wide.yaml" -- true
	ok "$AS: not of what is known" not says warning sluice_ --policy "$T/known.yaml" -- true
	ok "$AS: tls: require refuses another server name" not curl_ "--policy $T/tls-require.yaml" \
		--connect-to evil.test:443:web.test:443 -k https://evil.test/hello
	ok "$AS: tls: any does not read it" says "hello from" curl_ "--policy $T/tls-any.yaml" \
		--connect-to evil.test:443:web.test:443 -k https://evil.test/hello
	ok "$AS: tls: require lets its own name through" says "hello from web.test" \
		curl_ "--policy $T/tls-require.yaml" https://web.test/hello
done

ok "policy presets lists them" says "lab           the lab's web server" $P presets
ok "a preset that says nothing of itself is listed" says "lab-below" $P presets
ok "print has the rules, not the preset" says 'allow: "*.wild.test"' $P print "$T/lab.yaml"
ok "print has no preset" not says preset $P print "$T/lab.yaml"
ok "print is a fixed point" cmp <($P print "$T/lab.yaml") <($P print "$T/lab.yaml" | $P print -)
ok "explain names the preset's line" says "preset lab-below:3 (canonical line 3): allow *.wild.test tcp 443" \
	$P explain "$T/lab.yaml" a.wild.test:443
ok "explain gives the rule's reason" says "reason  below" $P explain "$T/lab.yaml" a.wild.test:443
ok "explain says what is read" says "read    TLS; its server name must be web.test" \
	$P explain "$T/lab.yaml" web.test:443
ok "explain --resolve: what would be dialled" says "now     198.51.100.10: would be dialled" \
	$P explain --resolve "$T/plain.yaml" web.test:443
ok "explain --resolve: loopback is refused" says "now     127.0.0.1: refused: one of this host's own" \
	$P explain --resolve "$T/plain.yaml" rebind.test:443
ok "explain --resolve: a metadata service is refused" says "now     169.254.169.254: refused: metadata" \
	$P explain --resolve "$T/plain.yaml" meta.test:443
ok "explain --resolve: unless a rule names it" says "now     169.254.169.254: would be dialled" \
	$P explain --resolve "$T/meta.yaml" meta.test:443
ok "explain --resolve: an address that is denied" says "now     198.51.100.10: refused: a rule denies the address" \
	$P explain --resolve "$T/meta.yaml" web.test:443
ok "explain --resolve: a name without an address" says "now     no address" \
	$P explain --resolve "$T/plain.yaml" nonesuch.test:443
ok "an unknown preset in a file has its place" says "typo.yaml:2:9: there is no preset labb; did you mean lab?" \
	exits 125 $P check "$T/typo.yaml"
ok "check warns, status 0" says "$T/wide.yaml:3:13: warning" exits 0 $P check "$T/wide.yaml"
ok "check --strict: status 1" exits 1 $P check --strict "$T/wide.yaml"
ok "check --strict of what is known: status 0" exits 0 $P check --strict "$T/known.yaml"

# As make install lays it out, and without any.
mkdir -p "$T/prefix/bin" "$T/prefix/share/sluice"
cp "$T/bin/sluice" "$T/prefix/bin"
ok "no presets are installed" says "presets" exits 125 "$T/prefix/bin/sluice" policy presets
ok "preset: is an error then" says "lab.yaml:2:9: presets are not known here" \
	exits 125 "$T/prefix/bin/sluice" policy check "$T/lab.yaml"
cp -r "$T/bin/presets" "$T/prefix/share/sluice"
ok "found in share/sluice" says "lab.yaml: OK, 3 rules" "$T/prefix/bin/sluice" policy check "$T/lab.yaml"
ok "wherever one is" says "pypi" env -C / "$T/prefix/bin/sluice" policy presets
done_testing
