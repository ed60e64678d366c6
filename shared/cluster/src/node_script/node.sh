# shellcheck shell=sh disable=SC2154,SC2086,SC2046,SC2317
# Reads one node from inside the agent's container, and prints what it finds in frames. Creates
# nothing, changes nothing. Read by `sh -s`, after assignments to: boundary, seconds, cni_directory,
# resolv_conf (empty where it is not the host's), questions, sysctls, many_links, count_rules and
# reduce_health (programs for awk).
#
# A frame is
#
#   BOUNDARY begin NAME LIMIT / at most LIMIT bytes and one / BOUNDARY end CODE / errors / BOUNDARY close
#
# with a newline before each BOUNDARY. Nobody but the reader knows the boundary beforehand, so that
# no output can contain it.
#
# All is in functions, so that a script of which only a part arrived does nothing; and no command
# reads stdin, which is the script's.

# frame NAME LIMIT COMMAND...: runs the command, and prints its frame. Leaves the end in $ended.
frame() {
    name=$1 limit=$2
    shift 2
    printf '\n%s begin %s %s\n' "$boundary" "$name" "$limit"
    # 5: the real stdout. 6: what becomes $ended. 4: what becomes $errors.
    {
        ended=$(
            {
                errors=$(
                    {
                        {
                            "$@" 2>&4 4>&- 5>&- 6>&-
                            printf '%s end %s\n' "$boundary" "$?" >&6
                        } | head -c "$((limit + 1))" >&5
                    } 4>&1 | {
                        head -c 262144
                        cat >/dev/null
                    }
                )
            } 6>&1
            printf '%s' "$errors"
        )
    } 5>&1
    printf '\n%s\n%s close\n' "$ended" "$boundary"
}

# limited SECONDS COMMAND...: runs a program, and kills it when its time is over. Its stdin is 7: what
# runs in the background has none unless it is given one by another number; and bash, when it reads
# a script from stdin, loses the rest of a substitution in which 0 is duplicated.
limited() {
    if [ "$has_timeout" ]; then
        timeout -s KILL "$@" <&7 7<&-
        return
    fi
    time=$1
    shift
    "$@" <&7 7<&- &
    child=$!
    (
        trap 'kill "$nap"; exit' TERM
        sleep "$time" &
        nap=$!
        wait "$nap"
        kill -9 "$child"
    ) >/dev/null 2>&1 </dev/null &
    watch=$!
    wait "$child"
    code=$?
    kill "$watch" 2>/dev/null
    return "$code"
}

# dump NAME LIMIT ARGUMENT...: a list of `ip`, again if it changed in between. The last frame counts.
dump() {
    list=$1 bytes=$2
    shift 2
    for attempt in 1 2 3; do
        frame "$list" "$bytes" limited "$seconds" ip "$@"
        case $ended in
        *'Dump was interrupted'*) [ "$attempt" = 3 ] || sleep 1 ;;
        *) return ;;
        esac
    done
}

# Gateways of default routes, and DNS servers: what the node depends on and only the node knows.
dependencies() {
    previous=
    for word in $(
        limited "$seconds" ip -4 route show table all default
        limited "$seconds" ip -6 route show table all default
    ); do
        case "$previous $word" in
        'via inet' | 'via inet6') continue ;;
        via\ *) printf '%s\n' "$word" ;;
        esac
        previous=$word
    done
    [ -r "$resolv_conf" ] || return
    while read -r key value _; do
        [ "$key" != nameserver ] || printf '%s\n' "$value"
    done <"$resolv_conf"
}

# Adds what the node depends on to the questions. Addresses of IPv6 links mean nothing without one.
ask_for_dependencies() {
    for address in $(dependencies 2>/dev/null); do
        case $address in
        *[!0-9A-Fa-f.:]* | 127.* | ::1 | 0.0.0.0 | :: | [Ff][Ee]80:*) continue ;;
        esac
        case " $questions " in
        *" $address "*) ;;
        *) questions="$questions $address" ;;
        esac
    done
}

questions() {
    [ -z "$questions" ] || printf '%s\n' $questions
}

lookups() {
    [ -n "$questions" ] || return 0
    printf 'route get %s\n' $questions | limited "$seconds" ip -d -N -j -force -batch - 7<&0
}

# Not by `read`: it takes single bytes, and a sysctl gives only the first of them.
sysctls() {
    cd /proc/sys || return
    cat net/ipv4/ip_forward >/dev/null || return
    set +f
    set -- net/ipv4/conf/*
    set -f
    links=$#
    for pattern in $sysctls; do
        before=${pattern%%'*'*} after=${pattern#*'*'}
        set +f
        case $pattern in
        *'*'*)
            if [ "$links" -gt "$many_links" ]; then
                # All but those of pods, lxc*.
                set -- "$before"[!l]*"$after" "$before"l[!x]*"$after" "$before"lx[!c]*"$after" \
                    "$before"l"$after" "$before"lx"$after"
            else
                set -- $pattern
            fi
            ;;
        *) set -- "$pattern" ;;
        esac
        set -f
        grep '' /dev/null "$@"
    done
    # What is not there is no error, and which errors there were is told.
    return 0
}

# What one kind of iptables holds, counted. Reading loads no module that was not loaded before: the
# image's own iptables asks both kinds, when the agent starts, which of them the host uses.
iptables_counts() {
    for program in "$1" awk; do
        if ! command -v "$program" >/dev/null; then
            echo "$program: not found" >&2
            return 127
        fi
    done
    {
        limited "$seconds" "$1"
        echo "exit $?"
    } | awk "$count_rules"
}

# The name, which holds no slash, then a slash, then the contents.
cni_file() {
    printf '%s/' "$1"
    # What the host's links lead to is not what they lead to in here.
    if [ -L "$1" ]; then
        case $(readlink -f -- "$1") in
        "$(pwd -P)"/*) ;;
        *)
            echo 'a symbolic link that leads out of the directory' >&2
            return 99
            ;;
        esac
    fi
    if [ -e "$1" ] && [ ! -f "$1" ]; then
        echo 'not a regular file' >&2
        return 1
    fi
    limited "$seconds" cat "./$1"
}

cni_count() {
    limited "$seconds" ls -a "$cni_directory" >/dev/null || return
    echo "$1"
}

# Frames cni.1, cni.2 ...; then cni, which tells how many there should be.
cni_files() (
    set +f
    count=0
    if cd "$cni_directory" 2>/dev/null; then
        for file in * .*; do
            case $file in
            *.conf | *.conflist | *.json) ;;
            *) continue ;;
            esac
            [ ! -d "$file" ] || continue
            [ -e "$file" ] || [ -L "$file" ] || continue
            count=$((count + 1))
            # So many that nobody put them there by hand.
            [ "$count" -le 100 ] || continue
            frame "cni.$count" 1048832 cni_file "$file"
        done
    fi
    frame cni 100 cni_count "$count"
)

agent() {
    set +f
    for comm in /proc/[0-9]*/comm; do
        read -r name <"$comm" || continue
        [ "$name" != cilium-agent ] || echo "$name"
    done 2>/dev/null
}

status() {
    # Both are there in some versions; the old name may be a link to the new one, or be gone.
    if command -v cilium-dbg >/dev/null; then
        limited "$seconds" cilium-dbg status -o json
    else
        limited "$seconds" cilium status -o json
    fi
}

# What the agent's prober found. Of nodes that answer only the number comes back: a large cluster has
# megabytes of them on each of its nodes.
health() {
    for program in cilium-health awk; do
        if ! command -v "$program" >/dev/null; then
            echo "$program: not found" >&2
            return 127
        fi
    done
    {
        limited "$seconds" cilium-health status -o json
        echo "exit $?"
    } | awk "$reduce_health"
}

main() {
    set -f
    IFS=' 
	'
    LC_ALL=C
    export LC_ALL
    has_timeout=
    if timeout -s KILL 9 true 2>/dev/null; then has_timeout=yes; fi

    frame kernel 1024 limited "$seconds" uname -r
    dump links 16777216 -d -j link
    dump addresses 8388608 -j addr
    dump rules4 4194304 -4 -N -j rule
    dump rules6 4194304 -6 -N -j rule
    dump routes4 25165824 -4 -N -j route show table all
    dump routes6 25165824 -6 -N -j route show table all
    [ -z "$resolv_conf" ] || frame resolvers 1048576 limited "$seconds" cat "$resolv_conf"
    ask_for_dependencies
    frame questions 1048576 questions
    frame lookups 8388608 lookups
    frame sysctls 4194304 sysctls
    for kind in nft legacy; do
        frame "iptables.$kind.4" 262144 iptables_counts "iptables-$kind-save"
        frame "iptables.$kind.6" 262144 iptables_counts "ip6tables-$kind-save"
    done
    cni_files
    frame agent 4096 agent
    frame status 4194304 status
    frame health 262144 health
    printf '\n%s done\n' "$boundary"
}

main </dev/null 7</dev/null
exit 0
