# Reads process ids, one per line, until its stdin closes, which it does when the process that holds
# it dies, whatever it dies of. Then it kills them and removes the directory $1, unless it was told
# that all is `done`.
pids=
while read -r line; do
    case $line in
    done) exit 0 ;;
    *) pids="$pids $line" ;;
    esac
done
# shellcheck disable=SC2086 # one word per process
[ -z "$pids" ] || kill -KILL $pids
rm -rf -- "$1"
