#!/bin/sh
# The parts that Debian ships: a browser, a database, a web server, fonts. As root they are installed; otherwise named.
set -eu
wanted=""
need() { # command-or-file, package
    command -v "$1" >/dev/null 2>&1 || [ -e "$1" ] || wanted="$wanted $2"
}
need chromium chromium
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || wanted="$wanted postgresql"
need nginx nginx
fc-list :lang=zh 2>/dev/null | grep -q . || wanted="$wanted fonts-noto-cjk"
[ -z "$wanted" ] && exit 0
if [ "$(id -u)" = 0 ]; then
    apt-get update -qq
    # The packages' own services stay off: the tests start and end what they use.
    policy=/usr/sbin/policy-rc.d
    [ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' >$policy; chmod +x $policy; ours=1; }
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $wanted >/dev/null
    [ -z "${ours:-}" ] || rm -f $policy
else
    echo "The tests need these Debian packages:$wanted" >&2
    echo "Install them:  sudo apt-get install$wanted" >&2
    exit 1
fi
