# Removes the namespaces whose names begin with $2, and the directory $3 when given.
#
#   now    at once
#   wait   when stdin closes: at once if its last word was `done`, else the process that held the
#          other end was killed
#
# Run with `sh -c`, so that nothing has to be installed.

sweep() {
    ip netns list | while read -r name _; do
        case $name in
        "$1"*)
            # A namespace lives as long as a process in it does, and these have nobody left.
            for pid in $(ip netns pids "$name"); do
                kill -9 "$pid"
            done
            ip netns delete "$name"
            ;;
        esac
    done
}

word=done
if [ "$1" = wait ]; then
    # Ctrl-C at the terminal is for the test; we are the ones who stay and clean.
    trap '' HUP INT TERM
    word=
    read -r word
fi
sweep "$2"
if [ "$word" != done ]; then
    # An `ip netns add` that its killed parent had just started may have come after our list.
    sleep 1
    sweep "$2"
fi
[ -z "$3" ] || rm -rf -- "$3"
# A delete may fail because somebody else was faster; what counts is that nothing is left.
! ip netns list | grep -q "^$2"
