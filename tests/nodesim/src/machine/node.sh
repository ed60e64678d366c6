# The init process of a node. Its arguments: the directory with the node's own files, the node's name.
#
# It runs in new PID, mount, UTS, IPC and cgroup namespaces and the node's network namespace, puts
# together the node's root, prints `ok`, and waits until its stdin closes. With it everything ends
# that runs on the node, because it is the PID namespace's first process.
set -e
own=$1
hostname "$2"

root=/mnt
mount -t tmpfs -o mode=0755 node $root
mount --make-private $root
cd $root

# The userland is the machine's, and nobody here can change it.
for dir in usr bin sbin lib lib32 lib64 libx32; do
    if [ -L /$dir ]; then
        cp -d /$dir $dir
    elif [ -d /$dir ]; then
        mkdir $dir
        mount --bind /$dir $dir
        mount -o remount,bind,ro $dir
    fi
done

# Everything else is the node's.
for dir in etc var run opt tmp root home srv mnt; do
    mkdir -p $dir "$own/$dir"
    mount --bind "$own/$dir" $dir
done
chmod 1777 tmp
mkdir -p var/lib var/log
[ -e var/run ] || ln -s ../run var/run
# What the machine's programs look up.
if [ -d /etc/alternatives ]; then
    mkdir -p etc/alternatives
    mount --bind /etc/alternatives etc/alternatives
    mount -o remount,bind,ro etc/alternatives
fi
for file in passwd group nsswitch.conf ld.so.cache services protocols; do
    [ -e etc/$file ] || [ ! -e /etc/$file ] || cp -a /etc/$file etc/
done
[ -e etc/hosts ] || printf '127.0.0.1\tlocalhost\n::1\tlocalhost\n' >etc/hosts

mkdir proc sys dev
mount -t proc proc proc
mount -t sysfs sysfs sys
[ ! -d sys/fs/bpf ] || mount -t bpf bpf sys/fs/bpf || true
# Read-only: control groups are the machine's, and whatever is made there stays.
[ ! -d sys/fs/cgroup ] || mount -t cgroup2 -o ro cgroup sys/fs/cgroup || true
mount -t tmpfs -o mode=0755 dev dev
for device in null zero full random urandom tty; do
    : >dev/$device
    mount --bind /dev/$device dev/$device
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
mount -t tmpfs -o mode=1777 shm dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
ln -s fd/1 dev/stdout
ln -s fd/2 dev/stderr

mkdir old
pivot_root . old
cd /
umount -l old
rmdir old
# As systemd has it; mount propagation between node and containers rests on this.
mount --make-rshared /

# The container runtime's own: not shared, so that what containers are made of shows up nowhere.
mkdir -p /run/containerd
mount -t tmpfs -o mode=0755 containerd /run/containerd
mount --make-private /run/containerd
mkdir /run/containerd/images /run/containerd/container
# By which the process table is known for a node's.
ln -s "$(command -v cat)" /run/containerd/kubelet

# A short command line for those who look at process 1. Background commands get /dev/null for stdin
# unless told otherwise. `wait` also collects the orphans that end up here.
exec sh -c 'exec 3<&0; /run/containerd/kubelet <&3 >/dev/null & echo ok; exec >/dev/null 2>&1; wait $!' init
