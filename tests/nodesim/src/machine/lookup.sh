# What runc says of a program that cannot be run, or nothing.
executable() {
    case $1 in
    */*)
        if [ ! -e "$1" ]; then
            echo "exec: \"$1\": stat $1: no such file or directory"
        elif [ -d "$1" ]; then
            echo "exec: \"$1\": is a directory"
        elif [ ! -x "$1" ]; then
            echo "exec: \"$1\": permission denied"
        fi
        ;;
    *)
        (
            IFS=:
            for dir in $2; do
                [ ! -f "$dir/$1" ] || [ ! -x "$dir/$1" ] || exit 0
            done
            echo "exec: \"$1\": executable file not found in \$PATH"
        )
        ;;
    esac
}

# run DIR PATH PROGRAM OPTION… -- SETTING… PROGRAM ARGUMENT…: becomes the program, in that directory,
# with that environment, after `setpriv` with those options; prints `ok` before, or what is wrong.
run() {
    dir=$1 path=$2 program=$3
    shift 3
    cd "$dir" || exit 1
    wrong=$(executable "$program" "$path")
    if [ -n "$wrong" ]; then
        echo "$wrong"
        exit 0
    fi
    echo ok
    options=
    while [ "$1" != -- ]; do
        options="$options $1"
        shift
    done
    shift
    # shellcheck disable=SC2086 # one word per option
    exec setpriv $options env -i "$@"
}
