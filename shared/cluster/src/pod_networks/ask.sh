# shellcheck shell=bash disable=SC2154,SC2016
# Asks questions in the networks of pods, and the same on the node. Creates nothing. Read by `bash -s`
# in the agent's container, after assignments to: boundary, directory (where a runtime binds its pods'
# network namespaces), pods (how many networks are wanted), candidates (an array of addresses, the best
# first), addresses (an array of whom the questions go to), questions (an array).
#
# A question is `tcp HOST PORT`, or `dns-tcp` and `dns-udp` with HOST PORT LENGTH MESSAGE, the message as
# octal escapes; they are known by their places in the array. Whatever is printed that matters begins
# with the boundary, which nobody else knows:
#
#   BOUNDARY lacks PROGRAM              the image has no such program
#   BOUNDARY nothing WHY                no network was found; nothing was sent
#   BOUNDARY NETWORK in ADDRESS         the network: `host`, or the number of a pod
#   BOUNDARY NETWORK way ...            a line of `ip -o route get`
#   BOUNDARY NETWORK QUESTION: ...      see `ask`; or an error in the words of bash, which puts the
#                                       name that it is given before them
#   BOUNDARY done

# One question. Its arguments: as told above, in words. bash itself makes the connections, so that an
# errno is told from silence, and no program is needed that images lack.
ask='
start=${EPOCHREALTIME/[^0-9]/}
say() { echo "$0: $1 $(((${EPOCHREALTIME/[^0-9]/}0 - ${start}0) / 10000)) $2"; }
kind=$1 host=$2 port=$3 length=$4 message=$5
# One block, one write: bash writes line by line, and a message may hold the byte of a newline.
put() { printf "$message" | dd bs="$length" count=1 iflag=fullblock status=none >&3; }
hex() { od -An -v -tx1 | tr -d " \n"; }
heard() {
    case $1 in
    "") return 1 ;;
    *[!0-9a-f]*) say failed; echo "$0: ${1##*: }" ;;
    *) say answer "$1" ;;
    esac
}
case $kind in
tcp) { say ok; } 3<>"/dev/tcp/$host/$port" || say failed ;;
dns-tcp)
    {
        say connected
        put
        heard "$( (timeout 2 head -c 14 <&3 | hex) 2>&1)" || say silent
    } 3<>"/dev/tcp/$host/$port" || say failed
    ;;
dns-udp)
    {
        for again in yes no; do
            put
            ! heard "$( (timeout 1 dd bs=512 count=1 status=none <&3 | hex) 2>&1)" || break
            [ "$again" = yes ] || say silent
        done
    } 3<>"/dev/udp/$host/$port" || say failed
    ;;
esac
'

# All questions at once, in the network that this runs in. Its arguments: the boundary and the name of
# the network, the number of addresses, the addresses, then the questions. Each process ends by itself.
ask_all='
name=$1 count=$2
shift 2
printf "route get %s\n" "${@:1:count}" | timeout 2 ip -o -force -batch - 2>/dev/null |
    while read -r line; do echo "$name way $line"; done
shift "$count"
processes=()
for question; do
    # shellcheck disable=SC2086
    timeout -k 1 3 bash -c "$ask" "$name ${#processes[@]}" $question 2>&1 &
    processes+=($!)
done
for number in "${!processes[@]}"; do
    wait "${processes[number]}"
    echo "$name $number: exit $?"
done
'

# Where each candidate is, in `found`. What was unmounted, or is going, cannot be entered.
look() {
    declare -gA found=()
    if [ ! -d "$directory" ]; then
        why="the agent's container has no $directory: agents have it since Cilium 1.16"
        return
    fi
    shopt -s nullglob
    local files=("$directory"/*) file output word before until=$((SECONDS + 8))
    set -f
    for file in "${files[@]}"; do
        [ "$SECONDS" -lt "$until" ] || break
        if ! output=$(timeout 2 nsenter --net="$file" ip -o address show scope global 2>&1); then
            why="no network of a pod can be entered: $output"
            continue
        fi
        before=
        for word in $output; do
            case $before in inet | inet6) found[${word%/*}]=$file ;; esac
            before=$word
        done
    done
    if [ "${#files[@]}" = 0 ]; then
        why="the agent sees no network of a pod in $directory"
    elif [ "${#found[@]}" != 0 ] || [ -z "$why" ]; then
        why="no pod that is ready has its network in $directory"
    fi
}

main() {
    for program in nsenter ip timeout dd od tr head; do
        command -v "$program" >/dev/null || {
            echo "$boundary lacks $program"
            return
        }
    done
    why=
    look
    local chosen=() address
    for address in "${candidates[@]}"; do
        [ "${#chosen[@]}" -lt "$pods" ] || break
        [ -z "${found[$address]}" ] || chosen+=("$address")
    done
    if [ "${#chosen[@]}" = 0 ]; then
        echo "$boundary nothing ${why//$'\n'/ }"
        return
    fi
    export ask
    local all=("${#addresses[@]}" "${addresses[@]}" "${questions[@]}") number
    echo "$boundary host in "
    bash -c "$ask_all" bash "$boundary host" "${all[@]}"
    for number in "${!chosen[@]}"; do
        echo "$boundary $number in ${chosen[number]}"
        nsenter --net="${found[${chosen[number]}]}" \
            bash -c "$ask_all" bash "$boundary $number" "${all[@]}" 2>&1
    done
    echo "$boundary done"
}

export LC_ALL=C
main </dev/null
exit
