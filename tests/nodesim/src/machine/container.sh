# What a container's first process does before it becomes the container's command: puts together
# the container's root. It runs in a mount namespace of the container's own whose mounts are still
# the node's, down to their propagation.
set -e

# root IMAGE: begins a root with what the image lays over the node's userland.
root() {
    base=/run/containerd/container
    # Nothing here is seen outside: the mount above is private.
    mount -t tmpfs -o mode=0755 container $base
    mkdir $base/root $base/upper $base/work
    mount --bind $base/root $base/root
    cd $base/root
    cp -a "$1/." .
    mkdir -p usr etc run var/lib var/log tmp root home opt srv mnt proc sys dev
    chmod 1777 tmp
    [ -e var/run ] || ln -s ../run var/run
    for dir in bin sbin lib lib32 lib64 libx32; do
        if [ -L /$dir ]; then
            cp -d /$dir $dir
        elif [ -d /$dir ]; then
            mkdir -p $dir
            mount --bind /$dir $dir
        fi
    done
    mount -t overlay -o "lowerdir=$1/usr:/usr,upperdir=$base/upper,workdir=$base/work" overlay usr
    # Volumes of the node's / shall not hold the container itself. (overlayfs has cloned it by now.)
    mount --make-unbindable $base
    if [ -d /etc/alternatives ]; then
        mkdir -p etc/alternatives
        mount --bind /etc/alternatives etc/alternatives
    fi
    for file in passwd group nsswitch.conf ld.so.cache services protocols; do
        [ -e etc/$file ] || [ ! -e /etc/$file ] || cp /etc/$file etc/
    done
    mount -t proc proc proc
    mount -t sysfs sysfs sys
    [ ! -d sys/fs/cgroup ] || mount -t cgroup2 -o ro cgroup sys/fs/cgroup || true
    mount -t tmpfs -o mode=0755 dev dev
    cp -d /dev/fd /dev/stdin /dev/stdout /dev/stderr /dev/ptmx dev/
    for device in null zero full random urandom tty; do
        : >dev/$device
        mount --bind /dev/$device dev/$device
    done
    mkdir dev/pts dev/shm
    mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
    mount -t tmpfs -o mode=1777 shm dev/shm
}

# volume SOURCE TARGET PROPAGATION ACCESS: a missing source becomes a directory, as with kubelet
# (subPath) and containerd (hostPath without type).
# Where the node cannot have one, as /lib/modules on a machine without, an empty one stands for it.
volume() {
    if [ ! -e "$1" ] && ! mkdir -p "$1" 2>/dev/null; then
        mkdir -p ".$2"
        mount -t tmpfs -o ro empty ".$2"
        return
    fi
    if [ -d "$1" ]; then
        mkdir -p ".$2"
    else
        mkdir -p ".$(dirname "$2")"
        [ -e ".$2" ] || : >".$2"
    fi
    mount --rbind "$1" ".$2"
    mount "--make-$3" ".$2"
    [ "$4" = rw ] || mount -o remount,bind,ro ".$2"
}

# enter DIR: makes it the root, and the node's mounts vanish. DIR is the working directory, which
# runc makes where the image lacks it.
enter() {
    mkdir old
    pivot_root . old
    cd /
    # A slave first: unmounting must not reach the node's own mounts.
    mount --make-rslave old
    umount -l old
    rmdir old
    mkdir -p "$1"
}
