#!/usr/bin/env bash
# Builds a Debian package from .build/novation, at .build/novation_VERSION_ARCHITECTURE.deb; needs nothing but dpkg-deb.
# `make package` builds the executable first. VERSION=1.2.3~test deploy/package.sh gives it another version.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

novation=.build/novation
[ -x "$novation" ] || refuse "no $novation: run make build first"
command -v dpkg-deb >/dev/null || refuse "no dpkg-deb: this needs Debian or one of its children"
version=${VERSION:-$("$novation" --version)}
architecture=$(dpkg --print-architecture)
root=.build/package
# The time of the last change, so that one source gives one package.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH

rm -rf "$root"
DESTDIR="$PWD/$root" deploy/install.sh
install -D -m 0644 LICENSE "$root/usr/share/doc/novation/copyright"
gzip -9n <CHANGELOG.md >"$root/usr/share/doc/novation/changelog.gz"
gzip -9n "$root"/usr/share/man/man1/*.1
chmod 0644 "$root/usr/share/doc/novation/changelog.gz"

mkdir -p "$root/DEBIAN"
for script in postinst prerm postrm; do install -m 0755 "deploy/debian/$script" "$root/DEBIAN/$script"; done
(cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
cat >"$root/DEBIAN/control" <<END
Package: novation
Version: $version
Architecture: $architecture
Maintainer: The Novation authors <maintainers@novation.invalid>
Section: net
Priority: optional
Installed-Size: $(du -sk --exclude DEBIAN "$root" | cut -f1)
Recommends: systemd (>= 250)
Description: decentralised clearing house for options
 One node of a network of validators that matches, margins, clears and settles
 options and futures, with every state signed by a quorum. The program is one
 static executable; the package adds its systemd units and manual pages.
END
package=".build/novation_${version}_${architecture}.deb"
dpkg-deb --root-owner-group -Zxz --build "$root" "$package" >/dev/null
rm -rf "$root"
say "$package: $(du -h "$package" | cut -f1)"
